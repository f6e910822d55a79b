"""TLS towards upstreams: what is made of a route's settings, and what goes wrong, in words.

Refuses TLS older than 1.2, and to ask a terminal for the password of a key.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.text import safe
from abi_engine.features.gateway.route import UpstreamTls

_OLD: Final = "it speaks no TLS from 1.2 on"
_ALERTS: Final = {
    "NO_PROTOCOLS_AVAILABLE": _OLD,
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses the gateway's certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the gateway's certificate has expired, it says",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refuses the handshake (a client certificate or a cipher)",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of the gateway's certificate",
    "TLSV1_UNRECOGNIZED_NAME": "it serves no such name",
    "UNSUPPORTED_PROTOCOL": _OLD,
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
}
_NO_PEM: Final = "it is no PEM that can be used, or it has a password"
_PEM: Final = {"KEY_VALUES_MISMATCH": "the key is another certificate's"}


def make_context(settings: UpstreamTls) -> ssl.SSLContext:
    """A context for the client's side of TLS.

    Raises:
        InvalidArguments: a file is missing, unreadable or no PEM.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif settings.ca:
        with _reading("ca", settings.ca):
            context.load_verify_locations(settings.ca)
    else:
        context.load_default_certs()
    if settings.certificate:
        _show_certificate(context, settings)
    elif settings.key:
        raise InvalidArguments("upstream_tls.key without upstream_tls.certificate")
    return context


def _show_certificate(context: ssl.SSLContext, settings: UpstreamTls) -> None:
    key = settings.key or settings.certificate
    with _reading("key", key):
        pass
    with _reading("certificate", settings.certificate):
        # Without a password at hand OpenSSL would ask the terminal for it.
        context.load_cert_chain(settings.certificate, key, password="")


@contextmanager
def _reading(setting: str, file: str) -> Iterator[None]:
    """Say what is wrong with the file of a setting."""
    try:
        if not Path(file).is_file():
            raise _unusable(setting, file, "there is no such file")
        with Path(file).open("rb"):
            pass
        yield
    except ssl.SSLError as error:
        raise _unusable(setting, file, _PEM.get(error.reason or "", _NO_PEM)) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise _unusable(setting, file, reason) from error


def _unusable(setting: str, file: str, reason: str) -> InvalidArguments:
    return InvalidArguments(
        f"upstream_tls.{setting} '{safe(file, limit=200)}': {reason}",
        hint="name a file in PEM that the engine can read",
    )


def tls_words(error: Exception) -> str:
    """What went wrong with TLS, in one line without text from outside."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = str(error.verify_message or error.reason or "certificate refused")
        return f"tls: {safe(words.rstrip('.'), limit=150)}"
    if isinstance(error, ssl.SSLError):
        reason = str(error.reason or "handshake failed")
        return f"tls: {_ALERTS.get(reason, reason.lower().replace('_', ' '))}"
    return "tls: it left in the middle of the handshake"
