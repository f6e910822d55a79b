"""The form of a recording.

    recording = magic, header frame, report frame…
    magic     = "abi-recording/1" and a line feed: 16 bytes
    frame     = length and CRC-32 of the payload, both 32 bits; the moment that it tells of, in
                seconds since 1970, 64 bits; the payload. Numbers are big-endian.
    payload   = MessagePack, compressed with zlib: a `Header` in the first frame, a `Report` in
                every other

Every frame can be read by itself, so that reading can begin anywhere, and a file that lost its end
has lost only that. Refuses to trust a length: a file may come from anybody.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec

from abi_engine.core.errors import InvalidArguments

NAME = b"abi-recording/"
FORM = 1
MAGIC = NAME + b"%d\n" % FORM
MOST_PACKED = 16 << 20
MOST_PLAIN = 64 << 20
LATEST = 2e11  # a moment in seconds that every calendar holds
LEVEL = 6

_HEAD = struct.Struct(">IId")

T = TypeVar("T")


class Header(msgspec.Struct, frozen=True):
    """What a recording is of.

    Attributes:
        version, python: what wrote it.
        started_at: when it was begun, UTC.
        interval_s: seconds between reports, as they were asked for.
        name: whose reports they are, in a word or two.
    """

    version: str
    python: str
    started_at: datetime
    interval_s: float
    name: str


class Spot(NamedTuple):
    """Where a frame is: the moment it tells of, where its payload begins and how long that is."""

    at: float
    start: int
    size: int

    @property
    def end(self) -> int:
        """Behind its last byte."""
        return self.start + self.size


def frame(at: float, content: msgspec.Struct) -> bytes:
    """A frame with what it holds."""
    packed = zlib.compress(msgspec.msgpack.encode(content), LEVEL)
    return _HEAD.pack(len(packed), zlib.crc32(packed), at) + packed


def spots(file: int) -> Iterator[Spot]:
    """Where the whole frames of a file are, the header's first. Ends before one that is cut off.

    Raises:
        InvalidArguments: it is no recording, or one of another form.
    """
    _check_magic(os.pread(file, len(MAGIC), 0))
    start, end = len(MAGIC), os.fstat(file).st_size
    while len(head := os.pread(file, _HEAD.size, start)) == _HEAD.size:
        size, _, at = _HEAD.unpack(head)
        spot = Spot(at, start + _HEAD.size, size)
        if size > MOST_PACKED or spot.end > end or not 0 <= at < LATEST:
            return
        yield spot
        start = spot.end


def content(file: int, spot: Spot, kind: type[T]) -> T | None:
    """What a frame holds; None where its bytes are damaged."""
    data = os.pread(file, _HEAD.size + spot.size, spot.start - _HEAD.size)
    packed = data[_HEAD.size :]
    if len(packed) != spot.size or zlib.crc32(packed) != _HEAD.unpack_from(data)[1]:
        return None
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed, MOST_PLAIN)
        return msgspec.msgpack.decode(plain, type=kind) if unpacker.eof else None
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _check_magic(found: bytes) -> None:
    if found == MAGIC:
        return
    number = found.removeprefix(NAME).partition(b"\n")[0]
    if found.startswith(NAME) and number.isdigit():
        message = f"a recording of form {int(number)}; this version reads form {FORM}"
        raise InvalidArguments(message, hint="another version of abi wrote it")
    raise InvalidArguments("no recording", hint="abi dashboard --record FILE makes one")
