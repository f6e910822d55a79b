"""The certificates that the gateway shows to clients: read from files, tried, and chosen by name.

Refuses what a client could not use: a key of another certificate, one with a pass phrase, and a
certificate that is not for servers. One that has expired is shown, and said.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from abi_engine.core.errors import InvalidConfig
from abi_engine.core.text import safe
from abi_engine.features.gateway.config import Certificate

_NO_CHECK_TIME: Final = 0x200000
"""`X509_V_FLAG_NO_CHECK_TIME` of OpenSSL, which `ssl.VerifyFlags` does not name."""
_TURNS: Final = 8
"""A handshake with itself takes fewer."""


class Loaded(NamedTuple):
    """A certificate in use.

    Attributes:
        context: shows it.
        names: server names it is shown for, in lower case; `*.example.com` is any one label.
        file: of the chain.
        begins, ends: when it is valid, in seconds since the epoch.
    """

    context: ssl.SSLContext
    names: tuple[str, ...]
    file: str
    begins: float
    ends: float


def load(certificate: Certificate, context: ssl.SSLContext, place: str) -> Loaded:
    """Read a certificate and its key into a context that has none.

    Args:
        certificate: where they are.
        context: settings for every connection.
        place: of the setting, for what is said.

    Raises:
        InvalidConfig: a file cannot be used, with its name and the way out.
    """
    chain, key = certificate.certificate, certificate.key
    pem = _read(chain, f"{place}.certificate", "CERTIFICATE")
    _read(key, f"{place}.key", "PRIVATE KEY")
    try:
        context.load_cert_chain(chain, key, password=lambda: _refuse_pass_phrase(key, place))
        facts = _tried(context, pem)
    except ssl.SSLError as error:
        raise _unusable(chain, key, place, error) from error
    return Loaded(
        context,
        tuple(map(normal, certificate.names)) or _alternative_names(facts),
        chain,
        ssl.cert_time_to_seconds(facts["notBefore"]),
        ssl.cert_time_to_seconds(facts["notAfter"]),
    )


def normal(name: str) -> str:
    """A server name as it is compared."""
    return name.lower().removesuffix(".")


class Directory:
    """Certificates by server name: the exact name first, then a wildcard, then the first of all.

    Args:
        loaded: at least one, in the order of the configuration; of two for one name the first is
            shown.
    """

    def __init__(self, loaded: tuple[Loaded, ...]) -> None:
        self.default = loaded[0].context
        self._by_name: Mapping[str, ssl.SSLContext] = {
            name: one.context for one in reversed(loaded) for name in one.names
        }

    def find(self, name: str) -> ssl.SSLContext:
        """What is shown to a client that asks for this server."""
        name = normal(name)
        found = self._by_name.get(name)
        if found is None:
            found = self._by_name.get("*." + name.partition(".")[2], self.default)
        return found


def _read(file: str, setting: str, kind: str) -> str:
    """The text of a file that has PEM of some kind in it."""
    try:
        text = Path(file).read_bytes().decode("ascii", "replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidConfig(
            f"{setting}: cannot read {safe(file)}: {reason}",
            hint="name a file that the user of this engine may read",
        ) from error
    if f"{kind}-----" not in text:
        raise InvalidConfig(
            f"{setting}: {safe(file)} holds no {kind.lower()} in PEM",
            hint=f"a file with -----BEGIN {kind}----- is needed; openssl converts others",
        )
    return text


def _refuse_pass_phrase(key: str, place: str) -> NoReturn:
    raise InvalidConfig(
        f"{place}.key: {safe(key)} has a pass phrase, and nobody is there to type it",
        hint="write it without one: openssl pkey -in KEY -out NEW, readable for this user alone",
    )


def _unusable(chain: str, key: str, place: str, error: ssl.SSLError) -> InvalidConfig:
    if error.reason == "KEY_VALUES_MISMATCH":
        return InvalidConfig(
            f"{place}.key: {safe(key)} is not the key of the first certificate in {safe(chain)}",
            hint="name the key that the certificate was made with; the server's own comes first",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"clients would refuse it: {error.verify_message}"
    else:
        reason = (error.reason or str(error)).lower().replace("_", " ")
    return InvalidConfig(
        f"{place}.certificate: {safe(chain)} with the key {safe(key)}: {reason}",
        hint=f"openssl x509 -in {safe(chain)} -noout -text shows what it is for",
    )


def _tried(context: ssl.SSLContext, pem: str) -> dict[str, Any]:
    """What a client is shown: found out by a handshake with itself, in memory."""
    trial = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trial.check_hostname = False
    trial.load_verify_locations(cadata=pem)
    trial.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    trial.verify_flags = ssl.VerifyFlags(trial.verify_flags | _NO_CHECK_TIME)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trial.wrap_bio(to_client, to_server)
    for _ in range(_TURNS):
        done = [_step(side) for side in (client, server)]
        if all(done):
            break
    return client.getpeercert() or {}


def _step(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _alternative_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    pairs = facts.get("subjectAltName", ())
    return tuple(normal(value) for kind, value in pairs if kind == "DNS")
