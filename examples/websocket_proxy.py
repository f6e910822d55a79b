"""WebSocket, a stream of events and a retry through the gateway, all of it on this machine.

The upstream is a few lines of the standard library that know just enough of WebSocket (RFC 6455).
"""

import os
import socket
from base64 import b64encode
from hashlib import sha1
from io import BufferedIOBase
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from urllib.request import urlopen

from abi_engine import Engine, EngineConfig, GatewayConfig, Route, ServiceSection

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 1, 8


def frame(kind: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A short WebSocket frame; clients mask theirs."""
    head = bytes((0x80 | kind, len(payload) | (0x80 if mask else 0)))
    return head + mask + masked(payload, mask or bytes(4))


def read_frame(stream: BufferedIOBase) -> tuple[int, bytes]:
    """The kind and the payload of the next frame."""
    kind, size = stream.read(2)
    mask = stream.read(4) if size & 0x80 else bytes(4)
    return kind & 0x0F, masked(stream.read(size & 0x7F), mask)


def masked(payload: bytes, mask: bytes) -> bytes:
    """The payload with the mask laid on, or taken off."""
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Upstream(StreamRequestHandler):
    """Answers messages in capitals at /chat, and sends three events at /events."""

    def handle(self) -> None:
        """Read the head of a request, and answer."""
        self.rfile.readline()
        fields = {}
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("upgrade") == "websocket":
            self.chat(fields["sec-websocket-key"].encode())
        else:
            events = b"".join(b"data: event %d\n\n" % number for number in range(1, 4))
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            self.wfile.write(head + events)

    def chat(self, key: bytes) -> None:
        """Change the protocol, and answer until the client closes."""
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % b64encode(sha1(key + MAGIC).digest())
        )
        kind = TEXT
        while kind != CLOSE:
            kind, payload = read_frame(self.rfile)
            self.wfile.write(frame(kind, payload.upper() if kind == TEXT else payload))


ThreadingTCPServer.daemon_threads = True
upstream = ThreadingTCPServer(("127.0.0.1", 0), Upstream)
Thread(target=upstream.serve_forever, daemon=True).start()
url = "http://{}:{}".format(*upstream.server_address)
with socket.create_server(("127.0.0.1", 0)) as taken:
    nobody = "http://{}:{}".format(*taken.getsockname())  # after this line nobody listens there

config = EngineConfig(
    sections={"gateway": GatewayConfig(port=0), "service": ServiceSection(admin=False)}
)
with Engine(config, control=True) as engine:  # served: the gateway listens
    gateway = engine.gateway
    gateway.add_route(Route("/chat", (url,)))  # routes let WebSocket pass by themselves
    gateway.add_route(Route("/plain", (url,), upgrades=()))
    gateway.add_route(Route("/events", (url, nobody)))
    host, port = gateway.report().listening.removeprefix("http://").split(":")

    key = b64encode(os.urandom(16)).decode()
    asked = (
        "GET {} HTTP/1.1\r\nHost: example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(asked.format("/chat").encode())
        stream = connection.makefile("rb")
        print("/chat:", stream.readline().decode().strip())
        while stream.readline().strip():
            pass
        for kind, payload in ((TEXT, b"hello"), (TEXT, b"is anybody there?"), (CLOSE, b"\x03\xe8")):
            connection.sendall(frame(kind, payload, os.urandom(4)))
            answered, answer = read_frame(stream)
            if answered == TEXT:
                print(f"  {payload.decode()} -> {answer.decode()}")
            else:
                print("  closed with code", int.from_bytes(answer, "big"))

    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(asked.format("/plain").encode())
        print("/plain:", connection.makefile("rb").readline().decode().strip())

    # Some requests go to the upstream that is not there first, and nobody notices.
    for _ in range(4):
        with urlopen(f"http://{host}:{port}/events") as response:
            events = response.read().decode().split("\n\n")
        print("/events:", ", ".join(event.removeprefix("data: ") for event in events if event))
    print("any retries:", gateway.stats().traffic.retries_total > 0)

upstream.shutdown()
upstream.server_close()
