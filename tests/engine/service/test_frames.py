"""Frames: what fits, what does not, and what a half of one is worth."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import ProtocolMismatch, TimedOut, WireError
from abi_engine.service import frames
from abi_engine.service.connection import Closed
from abi_engine.service.frames import Call, End, Failure, FrameTooLarge, Hello, Item, Lagged, Opened
from tests.engine.service.conftest import InThread, pair

FRAMES = [
    Hello(1, "0.1.0", 7),
    Call("ticker", "echo", frames.msgspec.Raw(b"\x81\xa4text\xa1a")),
    Item(frames.msgspec.Raw(b"\x03")),
    End(),
    Failure(WireError("not_found", "no", details={"a": 1})),
    Lagged(3),
    Opened(),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_a_frame_comes_out_as_it_went_in(frame: frames.Frame) -> None:
    packed = frames.pack(frame)
    (size,) = frames.LENGTH.unpack_from(packed)
    assert size == len(packed) - frames.LENGTH.size
    assert frames.unpack(packed[frames.LENGTH.size :]) == frame


def test_an_item_is_packed_as_the_frame_would_be() -> None:
    value = {"a": [1, b"\x00", "é"]}
    raw = frames.msgspec.Raw(frames.msgspec.msgpack.encode(value))
    assert frames.pack_item(value) == frames.pack(Item(raw))


def test_the_largest_frame_fits_and_one_byte_more_does_not() -> None:
    overhead = len(frames.pack_item(bytes(1 << 20))) - (1 << 20) - frames.LENGTH.size
    assert frames.pack_item(bytes(frames.MAX_FRAME - overhead))
    with pytest.raises(FrameTooLarge) as caught:
        frames.pack_item(bytes(frames.MAX_FRAME - overhead + 1))
    assert caught.value.details["size_bytes"] == frames.MAX_FRAME + 1


@given(st.binary(max_size=200))
def test_bytes_are_a_frame_or_a_mismatch_and_nothing_else(body: bytes) -> None:
    try:
        frame = frames.unpack(body)
    except ProtocolMismatch:
        return
    assert isinstance(frame, frames.Frame)


@given(st.integers(1, 3000))
def test_deep_nesting_is_a_frame_or_a_mismatch(depth: int) -> None:
    body = b"\x92\xa4item" + b"\x91" * depth + b"\xc0"
    with suppress(ProtocolMismatch):
        assert isinstance(frames.unpack(body), Item)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_frames_are_found_however_the_bytes_are_cut(cuts: list[int]) -> None:
    connection, far = pair()
    left = b"".join(bytes(frames.pack(frame)) for frame in FRAMES)
    with far:
        sender = InThread(lambda: _send_in_pieces(far, left, cuts))
        found = [connection.receive(5.0) for _ in FRAMES]
        sender.result()
        connection.dispose()
    assert found == FRAMES


def _send_in_pieces(far: object, left: bytes, cuts: list[int]) -> None:
    turn = 0
    while left:
        size = cuts[turn % len(cuts)]
        far.sendall(left[:size])  # type: ignore[attr-defined]
        left = left[size:]
        turn += 1


def test_half_a_frame_is_not_waited_for_longer_than_allowed() -> None:
    connection, far = pair()
    with far:
        far.sendall(frames.pack(End())[:3])
        with pytest.raises(TimedOut, match="half a frame"):
            connection.receive()
        connection.dispose()


def test_nothing_at_all_is_waited_for_as_long_as_the_caller_says() -> None:
    connection, far = pair()
    with far:
        with pytest.raises(TimedOut, match="nothing"):
            connection.receive(0.05)
        waiting = InThread(connection.receive)
        far.sendall(frames.pack(End()))
        assert waiting.result() == End()
        connection.dispose()


def test_a_length_that_is_too_large_is_refused_before_a_byte_of_it_is_taken() -> None:
    connection, far = pair()
    with far:
        far.sendall(frames.LENGTH.pack(frames.MAX_FRAME + 1))
        with pytest.raises(FrameTooLarge):
            connection.receive()
        connection.dispose()


def test_ending_a_connection_wakes_its_reader_and_its_writer() -> None:
    connection, far = pair()
    with far:
        reader = InThread(connection.receive)
        writer = InThread(lambda: connection.send(bytes(8 << 20)))
        connection.end()
        for one in (reader, writer):
            with pytest.raises(Closed):
                one.result()
        connection.end()
        connection.dispose()
        connection.dispose()


def test_the_last_words_are_heard_after_the_other_end_has_closed() -> None:
    connection, far = pair()
    far.sendall(frames.pack(Failure(WireError("not_found", "no"))))
    far.close()
    with pytest.raises(Closed):
        connection.send(bytes(1 << 20))
    assert isinstance(connection.receive(), Failure)
    with pytest.raises(Closed):
        connection.receive()
    connection.dispose()


def test_a_connection_is_quiet_until_something_comes_or_it_ends() -> None:
    connection, far = pair()
    assert connection.quiet()
    far.close()
    assert not connection.quiet()
    connection.dispose()
    connection, far = pair()
    with far:
        far.sendall(b"x")
        assert not connection.quiet()
        connection.dispose()
