"""What clients do, one function for each kind of them; every answer is checked to the last byte.

A request carries a nonce, and a right answer is made of it: one that another client was to have,
or a piece of it, is seen.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from random import Random
from typing import Any

from websockets.asyncio.client import connect as connect_websocket

from tests.engine.features.gateway.mixed.line import NAME, Answer, Place
from tests.engine.features.gateway.mixed.upstreams import digest, events, filling
from tests.engine.features.gateway.proxy.hostile import REFUSED_CHUNKS, REFUSED_HEADS

ORIGIN = "https://app.example"
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]")
LARGE = 1 << 20
FORGIVEN = b"\r\nGET"  # one empty line in front is what old clients send after a body
SMUGGLED = b"GET /steady/smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
HOSTILE = [raw for raw in REFUSED_HEADS if not raw.startswith(FORGIVEN)]
CHUNKED = b"POST /steady/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


class Client:
    """One of a kind.

    Args:
        kind: what it does.
        place: of the gateway.
        keys: that open `/guarded`.
        counts: how often each kind saw each status.
    """

    def __init__(
        self, kind: str, number: int, place: Place, keys: list[str], counts: Counter[str]
    ) -> None:
        self.place = place
        self.keys = keys
        self.chance = Random(f"{kind} {number}")
        self._kind = kind
        self._names = (f"{kind}-{number}-{turn}" for turn in count())
        self._counts = counts

    def nonce(self) -> str:
        return next(self._names)

    def size(self) -> int:
        return int(self.chance.paretovariate(0.6) * 50) % 30_000

    def saw(self, answer: Answer, *expected: int) -> bool:
        """Count it; whether it is an answer from the upstream. Fails at any other status."""
        self._counts[f"{self._kind} {answer.status}"] += 1
        assert answer.status in expected, (answer.status, answer.body[:200])
        if "x-nonce" in answer.fields:
            return True
        assert answer.status >= 400, answer
        return False

    def note(self, what: str) -> None:
        self._counts[f"{self._kind} {what}"] += 1


Visit = Callable[[Client], Awaitable[None]]


def check(answer: Answer, nonce: str, size: int, *, sent: bytes = b"", head: bool = False) -> None:
    """That it is the answer to this request and no other."""
    assert answer.fields["x-nonce"] == nonce, (answer.fields, nonce)
    assert answer.fields["x-digest"] == digest(sent)
    assert answer.fields["x-saw-key"] == "False"
    assert TRACE.fullmatch(answer.fields["x-trace"]), answer.fields
    assert answer.body == (b"" if head else filling(nonce, size)), (nonce, answer.body[:200])


async def steady(client: Client) -> None:
    """Many requests on one connection, with bodies both ways."""
    async with client.place.connect() as line:
        for _ in range(client.chance.randint(1, 30)):
            nonce, size = client.nonce(), client.size()
            method = client.chance.choice(("GET", "GET", "POST", "PUT", "HEAD"))
            sent = client.chance.randbytes(client.size()) if method in ("POST", "PUT") else b""
            answer = await line.ask(method, f"/steady/{nonce}?size={size}", body=sent)
            client.saw(answer, 200)
            check(answer, nonce, size, sent=sent, head=method == "HEAD")


async def pipelining(client: Client) -> None:
    """Several requests at once; the answers come in their order."""
    async with client.place.connect() as line:
        asked = [(client.nonce(), client.size()) for _ in range(8)]
        for nonce, size in asked:
            line.send("GET", f"/{client.chance.choice(('steady', 'slow'))}/{nonce}?size={size}")
        for nonce, size in asked:
            answer = await line.answer()
            client.saw(answer, 200)
            check(answer, nonce, size)


async def uploading(client: Client) -> None:
    """A large body, in pieces or chunks, announced or not."""
    sent, nonce = client.chance.randbytes(client.chance.randrange(LARGE)), client.nonce()
    expects = client.chance.random() < 0.5
    in_chunks = client.chance.random() < 0.5
    fields = ["Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {len(sent)}"]
    async with client.place.connect() as line:
        line.send("POST", f"/steady/{nonce}?size=9", *fields, *["Expect: 100-continue"] * expects)
        if expects:
            assert (await line.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        for start in range(0, len(sent), 50_000):
            piece = sent[start : start + 50_000]
            line.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            await line.writer.drain()
        line.writer.write(b"0\r\n\r\n" * in_chunks)
        answer = await line.answer()
        client.saw(answer, 200)
        check(answer, nonce, 9, sent=sent)


async def reading_slowly(client: Client) -> None:
    """A large answer, taken a little at a time."""
    nonce = client.nonce()
    kind = client.chance.choice(("steady", "chunked"))
    async with client.place.connect(buffer=1 << 14) as line:
        line.send("GET", f"/{kind}/{nonce}?size={LARGE}")
        answer = await line.answer(pause=0.005)
        client.saw(answer, 200)
        check(answer, nonce, LARGE)


async def dropping(client: Client) -> None:
    """Leaves in its own head or body, before the answer, or within it."""
    async with client.place.connect() as line:
        target = f"/{client.chance.choice(('steady', 'slow', 'queued'))}/{client.nonce()}"
        match client.chance.randrange(4):
            case 0:
                line.writer.write(f"GET {target} HTT".encode())
            case 1:
                line.send("POST", target, "Content-Length: 1000", body=b"some")
            case 2:
                line.send("GET", target)
            case _:
                line.send("GET", f"/steady/{client.nonce()}?size={LARGE}")
                await line.reader.readexactly(100)
        await line.writer.drain()
        if client.chance.random() < 0.5:
            await asyncio.sleep(client.chance.random() * 0.03)
        if client.chance.random() < 0.5:
            line.reset()
        client.note("left")


async def hostile(client: Client) -> None:
    """Says what has no single meaning, with a request behind it that nobody may read."""
    async with client.place.connect() as line:
        if client.chance.random() < 0.7:
            line.writer.write(client.chance.choice(HOSTILE) + SMUGGLED)
        else:
            line.writer.write(CHUNKED + client.chance.choice(REFUSED_CHUNKS) + SMUGGLED)
        answer = await line.answer()
        assert not client.saw(answer, 400)
        assert json.loads(answer.body)["status"] == 400
        if line.writer.can_write_eof():
            line.writer.write_eof()
        assert await line.until_closed() == b""


async def holding_keys(client: Client) -> None:
    """Right keys, wrong ones, and none."""
    async with client.place.connect() as line:
        for _ in range(10):
            nonce, key = client.nonce(), client.chance.choice(client.keys)
            right = client.chance.random() < 0.7
            shown = key if right else key[::-1]
            field = client.chance.choice(("X-API-Key: ", "Authorization: Bearer "))
            answer = await line.ask("GET", f"/guarded/{nonce}?size=50", field + shown)
            if client.saw(answer, *((200, 429) if right else (401, 429))):
                check(answer, nonce, 50)
            elif answer.status == 401:
                assert "www-authenticate" in answer.fields


async def browsing(client: Client) -> None:
    """A page of an origin that may use the route, and one of an origin that may not."""
    async with client.place.connect() as line:
        asks = "Access-Control-Request-Method: GET"
        answer = await line.ask("OPTIONS", "/browsed/x", f"Origin: {ORIGIN}", asks)
        assert answer.status == 204, answer
        assert answer.fields["access-control-allow-origin"] == ORIGIN
        answer = await line.ask("OPTIONS", "/browsed/x", "Origin: https://evil.example", asks)
        assert not client.saw(answer, 403)
        nonce, size = client.nonce(), client.size()
        answer = await line.ask("GET", f"/browsed/{nonce}?size={size}", f"Origin: {ORIGIN}")
        client.saw(answer, 200)
        check(answer, nonce, size)
        assert answer.fields["access-control-allow-origin"] == ORIGIN


async def hurrying(client: Client) -> None:
    """More than its limit admits, each time from some other address."""
    source = f"127.0.{client.chance.randint(1, 20)}.{client.chance.randint(1, 250)}"
    async with client.place.connect(source=source) as line:
        for _ in range(20):
            nonce = client.nonce()
            answer = await line.ask("GET", f"/limited/{nonce}?size=50")
            if client.saw(answer, 200, 429):
                check(answer, nonce, 50)
            else:
                assert int(answer.fields["retry-after"]) >= 1


async def queueing(client: Client) -> None:
    """Many at a route that works on few at once."""
    nonces = [client.nonce() for _ in range(6)]
    await asyncio.gather(*(_queue(client, nonce) for nonce in nonces))


async def _queue(client: Client, nonce: str) -> None:
    async with client.place.connect() as line:
        answer = await line.ask("GET", f"/queued/{nonce}?size=50")
        if client.saw(answer, 200, 503):
            check(answer, nonce, 50)
        else:
            assert "retry-after" in answer.fields


async def following(client: Client) -> None:
    """An event stream to its end."""
    nonce = client.nonce()
    async with client.place.connect() as line:
        answer = await line.ask("GET", f"/events/{nonce}")
        client.saw(answer, 200)
        assert answer.fields["x-nonce"] == nonce
        assert answer.body == b"".join(events(nonce))


async def talking(client: Client) -> None:
    """Messages of all sizes over a WebSocket, and back."""
    place = client.place
    scheme, options = "ws", dict[str, Any](proxy=None)
    if place.trust:
        scheme = "wss"
        options |= {"ssl": place.trust, "server_hostname": NAME}
    url = f"{scheme}://{place.host}:{place.port}/talk/{client.nonce()}"
    async with connect_websocket(url, **options) as websocket:
        for _ in range(10):
            message = client.nonce() + "." * client.size()
            await websocket.send(message)
            assert await websocket.recv() == message
    client.note("talked")


async def _one(client: Client, kind: str, *expected: int) -> None:
    """A request to an upstream in trouble: what comes whole is right, what is cut is counted."""
    nonce, size = client.nonce(), client.size()
    async with client.place.connect() as line:
        try:
            answer = await line.ask("GET", f"/{kind}/{nonce}?size={size}")
        except (asyncio.IncompleteReadError, ConnectionError):
            client.note("cut")
            return
        if client.saw(answer, *expected):
            check(answer, nonce, size)


async def failing(client: Client) -> None:
    """One of two upstreams fails at times; the gateway itself never has to."""
    nonce, size = client.nonce(), client.size()
    async with client.place.connect() as line:
        answer = await line.ask("GET", f"/failing/{nonce}?size={size}")
        assert client.saw(answer, 200, 500, 503), answer
        check(answer, nonce, size)


async def resetting(client: Client) -> None:
    """The only upstream vanishes at times."""
    await _one(client, "resetting", 200, 502, 503)


async def flapping(client: Client) -> None:
    """One of two upstreams is killed and started again."""
    await _one(client, "flapping", 200, 502)


VISITS: dict[str, Visit] = {
    visit.__name__: visit
    for visit in (
        *(steady, pipelining, uploading, reading_slowly, dropping, hostile, holding_keys),
        *(browsing, hurrying, queueing, following, talking, failing, resetting, flapping),
    )
}
