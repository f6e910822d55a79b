"""The first message of a TLS client, with a server name that no library would send."""

from __future__ import annotations

import ssl
from contextlib import suppress

from tests.engine.features.gateway.proxy.stage import Stage


def greet(stage: Stage, name: bytes) -> bytes:
    """Say hello and ask for `name`; the first byte of the answer, none where it is cut."""
    stand_in = "z" * len(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    answers, hello = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(answers, hello, server_hostname=stand_in)
    with suppress(ssl.SSLWantReadError):
        secured.do_handshake()
    client = stage.client()
    client.send(hello.read().replace(stand_in.encode(), name))
    try:
        return client.socket.recv(1)
    except ConnectionResetError:
        return b""
