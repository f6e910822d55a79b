from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.proxy.body import (
    Body,
    ChunkedBody,
    EndlessBody,
    LengthBody,
    in_chunks,
)
from abi_engine.features.gateway.proxy.head import BadMessage
from tests.engine.features.gateway.proxy.hostile import short


def fed(body: Body, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """The body and what is beyond it, from data that arrives cut at these places."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    found, beyond = b"", b""
    for start, end in pairwise(places):
        if body.done:
            beyond += data[start:end]
            continue
        pieces, rest = body.feed(data[start:end])
        assert all(pieces)
        found += b"".join(pieces)
        beyond += rest
    return found, beyond


cuts = st.lists(st.integers(0, 10_000), max_size=12)


@given(st.binary(max_size=300), st.binary(max_size=50), cuts)
def test_a_body_with_a_length_ends_there(content: bytes, beyond: bytes, cut: list[int]) -> None:
    body = LengthBody(len(content))
    assert fed(body, content + beyond, cut) == (content, beyond)
    assert body.done


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=8),
    st.sampled_from([b"", b";a", b";a=b", b';a="b c"']),
    st.sampled_from([b"", b"X-T: 1\r\n", b"A:\r\nB: 2\r\n"]),
    st.binary(max_size=40),
    st.booleans(),
    cuts,
)
def test_chunks_are_read_however_they_arrive(
    chunks: list[bytes],
    extension: bytes,
    trailers: bytes,
    beyond: bytes,
    zeros: bool,
    cut: list[int],
) -> None:
    form = b"%08X" if zeros else b"%x"
    data = b"".join(form % len(chunk) + extension + b"\r\n" + chunk + b"\r\n" for chunk in chunks)
    data += b"0" + extension + b"\r\n" + trailers + b"\r\n"
    body = ChunkedBody()
    assert fed(body, data + beyond, cut) == (b"".join(chunks), beyond)
    assert body.done


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), cuts)
def test_what_is_written_in_chunks_is_read_again(pieces: list[bytes], cut: list[int]) -> None:
    data = b"".join(in_chunks(pieces, last=True))
    assert fed(ChunkedBody(), data, cut) == (b"".join(pieces), b"")


@given(st.binary(max_size=200), cuts)
def test_garbage_never_breaks_the_reader(data: bytes, cut: list[int]) -> None:
    body = ChunkedBody()
    with suppress(BadMessage):
        found, beyond = fed(body, data, cut)
        assert len(found) + len(beyond) <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1_0\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1 ;a\r\n",
        b"\t1\r\n",
        b"1\nA\r\n",
        b"1\rA\r\n",
        b"1;a\nb\r\nA\r\n",
        b"1;a\rb\r\nA\r\n",
        b"1;\x00\r\nA\r\n",
        b";a\r\n",
        b"1000000000000000\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"1\r\nAB\r\n",
        b"1\r\nA\n",
        b"1\r\nA\rB",
        b"1\r\nA0\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n: no name\r\n\r\n",
        b"0\r\nbad name: x\r\n\r\n",
        b"0\r\n folded: x\r\n\r\n",
        b"0\r\nX: \x00\r\n\r\n",
        b"0\r\nX: y\n\r\n",
        b"0\n\n",
        b"1;" + b"a" * 5000,
        b"1;" + b"a" * 5000 + b"\r\nA\r\n",
        b"1;" + b"a" * 1000 + b"\r\nA\r\n" + (b"1;" + b"a" * 1000 + b"\r\nA\r\n") * 20,
        b"0\r\n" + b"X: y\r\n" * 5000,
        b"0\r\n" + b"a" * 5000,
    ],
    ids=short,
)
@pytest.mark.parametrize("step", [1, 3, 100_000])
def test_chunks_without_one_meaning_are_refused(data: bytes, step: int) -> None:
    body = ChunkedBody()
    with pytest.raises(BadMessage):
        for start in range(0, len(data), step):
            body.feed(data[start : start + step])


def test_many_small_chunks_are_no_abuse() -> None:
    body = ChunkedBody()
    data = b"1\r\nA\r\n" * 20_000 + b"0\r\n\r\n"
    assert fed(body, data, [])[0] == b"A" * 20_000


def test_a_body_without_an_end_takes_everything() -> None:
    body = EndlessBody()
    assert fed(body, b"abc", [1]) == (b"abc", b"")
    assert not body.done
