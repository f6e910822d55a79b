from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.proxy.head import BadMessage, Head, parse_request, parse_response
from abi_engine.features.gateway.proxy.repeats import RequestReader, ResponseReader
from tests.engine.features.gateway.proxy.hostile import REFUSED_HEADS

LINES = [
    b"GET / HTTP/1.1",
    b"GET /a?b HTTP/1.1",
    b"POST /a HTTP/1.1",
    b"GET / HTTP/1.0",
    b"OPTIONS * HTTP/1.1",
    b"GET http://other/x HTTP/1.1",
    b"CONNECT a:1 HTTP/1.1",
    b"PURGE / HTTP/1.1",
    b"GET  / HTTP/1.1",
    b"GET / HTTP/1.1 ",
    b"GET /\n HTTP/1.1",
    b"GET /a#b HTTP/1.1",
    b"GET /" + b"a" * 100 + b" HTTP/1.1",
    b"get / HTTP/1.1",
    b"GET /",
    b"",
]
BLOCKS = [
    b"Host: h\r\n\r\n",
    b"Host: h\r\nConnection: close, x-a\r\nX-A: 1\r\nX-B: 2\r\n\r\n",
    b"Host: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    b"Host: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"Host: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"Host: h\r\nX: " + b"y" * 3000 + b"\r\n\r\n",
    b"Host:\r\n\r\n",
    b"\r\n",
]
known = st.tuples(st.sampled_from(LINES), st.sampled_from(BLOCKS)).map(b"\r\n".join)
heads = st.one_of(known, st.sampled_from(REFUSED_HEADS))


def outcome(read: Callable[[bytes], Head], raw: bytes) -> dict[str, object]:
    """Everything that is known of a head, or why it is refused."""
    try:
        head = read(raw)
    except BadMessage as refusal:
        return {"status": refusal.status, "reason": refusal.reason}
    names = (name for name in dir(head) if not name.startswith(("_", "on_")))
    values = {name: getattr(head, name) for name in names}
    return {name: value for name, value in values.items() if not callable(value)}


@given(st.lists(heads, max_size=12))
def test_a_remembered_head_is_read_like_a_new_one(raws: list[bytes]) -> None:
    anew = partial(parse_request, url_size=50, header_count=20)
    reader = RequestReader(url_size=50, header_count=20)
    for raw in raws:
        assert outcome(reader.read, raw) == outcome(anew, raw)


@pytest.mark.parametrize("block", BLOCKS)
def test_any_line_after_any_other_is_read_like_a_new_one(block: bytes) -> None:
    anew = partial(parse_request, url_size=50, header_count=20)
    raws = [line + b"\r\n" + block for line in LINES]
    expected = {raw: outcome(anew, raw) for raw in raws}
    for first, second in product(raws, repeat=2):
        reader = RequestReader(url_size=50, header_count=20)
        outcome(reader.read, first)
        assert outcome(reader.read, second) == expected[second]
        assert outcome(reader.read, second) == expected[second]


def test_remembering_a_head_changes_nothing_in_the_one_before() -> None:
    reader = RequestReader(url_size=50, header_count=20)
    first = reader.read(b"GET /one HTTP/1.1\r\nHost: h\r\n\r\n")
    second = reader.read(b"POST /two HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (first.method, first.target) == ("GET", "/one")
    assert (second.method, second.target) == ("POST", "/two")
    assert second.lines is first.lines  # it was remembered


responses = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 404 No\nTransfer-Encoding: chunked\r\n\r\n",
    ]
)


@given(st.lists(responses, max_size=8))
def test_a_remembered_response_is_read_like_a_new_one(raws: list[bytes]) -> None:
    reader = ResponseReader()
    for raw in raws:
        assert outcome(reader.read, raw) == outcome(parse_response, raw)
