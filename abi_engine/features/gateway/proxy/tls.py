"""TLS towards clients: the context of every connection, made of the settings and their files.

Refuses what has been broken: versions before 1.2, CBC, RSA key exchange, compression,
renegotiation, and session tickets, whose key would outlive the certificates (the "intermediate"
recommendation of Mozilla, without its finite-field groups).
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from abi_engine.core.errors import InvalidConfig, Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe
from abi_engine.features.gateway.config import ClientCertificates, Tls
from abi_engine.features.gateway.proxy.certificates import Directory, Loaded, load

_CIPHERS: Final = ":".join(
    (
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
    )
)
_VERSIONS: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_ASKED: Final = {
    ClientCertificates.NONE: ssl.CERT_NONE,
    ClientCertificates.OPTIONAL: ssl.CERT_OPTIONAL,
    ClientCertificates.REQUIRED: ssl.CERT_REQUIRED,
}
_PLACE: Final = "gateway.tls"
_SOON: Final = 14 * 86_400
"""So many seconds before a certificate expires it is said."""


class ServerTls:
    """What connections are secured with.

    Args:
        context: for every connection; it chooses the certificate by the name that is asked for.
        loaded: the certificates.
        handshake_timeout: how long a handshake may take, in seconds.
    """

    def __init__(
        self, context: ssl.SSLContext, loaded: tuple[Loaded, ...], handshake_timeout: float
    ) -> None:
        self.context = context
        self.handshake_timeout = handshake_timeout
        self._loaded = loaded

    def tell_dates(self, now: float, events: EventLog) -> None:
        """Say which certificates clients refuse for their date, or will soon."""
        for one in self._loaded:
            kind, words = _trouble_with_date(one, now)
            if kind:
                words = f"{safe(one.file)}: {words}; put a new one there, then: abi reload"
                events.add(
                    "gateway", kind, words, subject=safe(one.file), severity=Severity.WARNING
                )


def server_tls(settings: Tls) -> ServerTls | None:
    """TLS as the settings want it; None where they name no certificate. Reads the files.

    Raises:
        InvalidConfig: a file cannot be used, or the settings contradict each other.
    """
    _check(settings)
    if not settings.certificates:
        return None
    loaded = tuple(
        load(one, _context(settings), f"{_PLACE}.certificates[{number}]")
        for number, one in enumerate(settings.certificates)
    )
    for one in loaded:
        _ask_clients(one.context, settings)
    directory = Directory(loaded)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            connection.context = directory.find(name)

    if len(loaded) > 1:  # else a name that Python cannot read would be refused, and told of
        directory.default.sni_callback = choose
    return ServerTls(directory.default, loaded, settings.handshake_timeout)


def _context(settings: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.minimum]
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    return context


def _ask_clients(context: ssl.SSLContext, settings: Tls) -> None:
    """Have clients show certificates; after the context was tried without."""
    context.verify_mode = _ASKED[settings.client_certificates]
    file = settings.client_ca
    if not file:
        return
    try:
        Path(file).open("rb").close()
        context.load_verify_locations(cafile=file)
    except ssl.SSLError as error:
        raise InvalidConfig(
            f"{_PLACE}.client_ca: {safe(file)} holds no certificate in PEM",
            hint="name a file with the certificates of the authorities, one after the other",
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidConfig(
            f"{_PLACE}.client_ca: cannot read {safe(file)}: {reason}",
            hint="name a file that the user of this engine may read",
        ) from error


def _check(settings: Tls) -> None:
    """See that no setting is there in vain: whoever wrote it relies on it."""
    asked = settings.client_certificates != ClientCertificates.NONE
    if asked and not settings.client_ca:
        raise InvalidConfig(
            f"{_PLACE}.client_certificates = {settings.client_certificates}: "
            "there is no client_ca to check them by",
            hint=f"name the file of the authorities in {_PLACE}.client_ca",
        )
    if settings.client_ca and not asked:
        raise InvalidConfig(
            f"{_PLACE}.client_ca = {safe(settings.client_ca)}: clients are not asked",
            hint=f"set {_PLACE}.client_certificates to optional or required",
        )
    if asked and not settings.certificates:
        raise InvalidConfig(
            f"{_PLACE}.client_certificates: without a certificate the gateway speaks no TLS",
            hint=f"add a [[{_PLACE}.certificates]] with certificate and key",
        )


def _trouble_with_date(one: Loaded, now: float) -> tuple[str, str]:
    """A kind of event and words; both empty where a certificate is valid for a while."""
    if now > one.ends:
        return "certificate_expired", f"the certificate has expired on {_day(one.ends)}"
    if now < one.begins:
        return "certificate_not_valid_yet", f"the certificate is valid from {_day(one.begins)} on"
    if now > one.ends - _SOON:
        return "certificate_expires_soon", f"the certificate expires on {_day(one.ends)}"
    return "", ""


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
