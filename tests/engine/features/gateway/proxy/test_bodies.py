from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from random import Random
from threading import Thread

import pytest

from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.upstream import Visit, echoing, fields_of
from tests.scale import scaled

LARGE = scaled(64 << 20, 1 << 30)
GROWTH = 32 << 20
FRAMINGS = {"length": b"Content-Length: %d" % LARGE, "chunked": b"Transfer-Encoding: chunked"}


def memory() -> int:
    """What the process holds in memory, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def pieces_of(random: Random, body: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(body):
        size = random.choice((1, 2, 10, 1000, 60_000))
        yield body[position : position + size]
        position += size


def chunked(random: Random, body: bytes) -> bytes:
    chunks = (b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces_of(random, body))
    return b"".join(chunks) + b"0\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(scaled(12, 200)))
def test_bodies_of_any_size_and_framing_come_through_both_ways(stage: Stage, seed: int) -> None:
    random = Random(seed)

    def script(visit: Visit) -> None:
        """Answers with the request's body, framed as chance will have it."""
        while head := visit.read_head():
            body = visit.read_body(head)
            framing = random.choice(("length", "chunked", "close"))
            if framing == "length":
                fields, data = b"Content-Length: %d\r\n" % len(body), body
            elif framing == "chunked":
                fields, data = b"Transfer-Encoding: chunked\r\n", chunked(random, body)
            else:
                fields, data = b"", body
            visit.send(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
            for piece in pieces_of(random, data):
                visit.send(piece)
            if framing == "close":
                return

    stage.serve(script)
    client = stage.client()
    for _ in range(12):
        body = random.randbytes(random.choice((0, 1, 100, 5000, 65_536, 300_000)))
        if random.random() < 0.5:
            framing, data = b"Content-Length: %d" % len(body), body
        else:
            framing, data = b"Transfer-Encoding: chunked", chunked(random, body)
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n\r\n")
        for piece in pieces_of(random, data):
            client.send(piece)
        answer = client.answer()
        assert answer.body == body
    stage.admitter.last(12)
    sizes = [(finish.bytes_in, finish.bytes_out) for finish in stage.admitter.finished]
    assert all(came == went for came, went in sizes)


def test_a_client_that_waits_for_leave_to_send_gets_it(stage: Stage) -> None:
    upstream = stage.serve(echoing)
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    while b"\r\n\r\n" not in client.buffer:
        client.buffer += client.socket.recv(100)
    assert client.buffer == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.buffer = b""
    client.send(b"body")
    assert client.answer().body == b"body"
    assert b"expect" not in fields_of(upstream.heads[0])


def test_a_client_that_waits_for_leave_is_refused_without_it(stage: Stage) -> None:
    stage.serve(route={"max_body": 3})
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    client.stop_sending()
    assert client.rest().startswith(b"HTTP/1.1 413 ")


def block_at(position: int, size: int) -> bytes:
    """The same bytes for the same place, and no two places alike."""
    first = position >> 16
    return b"".join(
        number.to_bytes(8, "big") * 8192 for number in range(first, first + (size >> 16))
    )


def large_digest() -> str:
    digest = hashlib.blake2b()
    for position in range(0, LARGE, 1 << 20):
        digest.update(block_at(position, 1 << 20))
    return digest.hexdigest()


@pytest.mark.timeout(scaled(60, 600))
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_body_streams_up_without_being_kept(stage: Stage, framing: str) -> None:
    digests: list[str] = []

    def script(visit: Visit) -> None:
        """Hashes what comes, holding a block of it at most."""
        head = visit.read_head()
        digest = hashlib.blake2b()
        if b"chunked" in head:
            while size := int(visit.read_line(), 16):
                digest.update(visit.read(size))
                assert visit.read(2) == b"\r\n"
            visit.read_line()
        else:
            left = LARGE
            while left:
                data = visit.read(min(left, 1 << 20))
                digest.update(data)
                left -= len(data)
        digests.append(digest.hexdigest())
        visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    stage.serve(script)
    client = stage.client()
    before = memory()
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\n" + FRAMINGS[framing] + b"\r\n\r\n")
    peak = before
    for position in range(0, LARGE, 1 << 20):
        data = block_at(position, 1 << 20)
        client.send(data if framing == "length" else b"%x\r\n%b\r\n" % (len(data), data))
        peak = max(peak, memory())
    if framing == "chunked":
        client.send(b"0\r\n\r\n")
    assert client.answer().status == 204
    assert peak - before < GROWTH
    assert digests == [large_digest()]
    assert stage.admitter.last().bytes_in == LARGE


@pytest.mark.timeout(scaled(60, 600))
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_body_streams_down_to_a_slow_reader_without_being_kept(
    stage: Stage, framing: str
) -> None:
    sent = [0]

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\n" + FRAMINGS[framing] + b"\r\n\r\n")
        for position in range(0, LARGE, 1 << 20):
            data = block_at(position, 1 << 20)
            visit.send(data if framing == "length" else b"%x\r\n%b\r\n" % (len(data), data))
            sent[0] += len(data)
        if framing == "chunked":
            visit.send(b"0\r\n\r\n")

    upstream = stage.serve(script)
    slow = stage.client(receive_buffer=1 << 16)
    before = memory()
    slow.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    stage.eventually(lambda plane: any(not client.is_writable for client in plane.clients))
    held = -1
    while held < sent[0]:  # until nothing moves any more
        held = sent[0]
        upstream.released.wait(0.2)
    assert held < LARGE // 2, "the upstream is read while the client takes nothing"
    peak, digest, received = memory(), hashlib.blake2b(), 0
    slow.fill_until(b"\r\n\r\n")
    slow.buffer = slow.buffer.partition(b"\r\n\r\n")[2]
    for data in body_of(slow, chunked=framing == "chunked"):
        digest.update(data)
        received += len(data)
        peak = max(peak, memory())
    assert received == LARGE
    assert peak - before < GROWTH
    assert digest.hexdigest() == large_digest()
    assert stage.admitter.last().bytes_out == LARGE


def body_of(client: Client, *, chunked: bool) -> Iterator[bytes]:
    """The body of an answer, piece by piece."""
    left = 0 if chunked else LARGE
    while True:
        if chunked and not left:
            client.fill_until(b"\r\n")
            size, _, client.buffer = client.buffer.partition(b"\r\n")
            if not (left := int(size, 16)):
                return
        data = client.take(min(left, 1 << 18))
        left -= len(data)
        yield data
        if chunked and not left:
            assert client.take(2) == b"\r\n"
        if not chunked and not left:
            return


def test_bodies_flow_both_ways_at_once(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        left = 3_000_000
        while left:
            data = visit.socket.recv(50_000) if not visit.buffer else visit.buffer
            visit.buffer = b""
            visit.send(data)
            left -= len(data)

    stage.serve(script)
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n")
    body = Random(1).randbytes(3_000_000)
    sending = Thread(target=client.send, args=(body,))
    sending.start()
    assert client.answer().body == body
    sending.join(5)
    assert stage.admitter.last().attempts == ["succeeded 200"]
