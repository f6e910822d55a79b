"""Frames of the control socket: four bytes of length, then MessagePack.

Refuses a frame above 16 MiB in either direction, and whatever is not one of the frames below.
"""

from __future__ import annotations

import struct

import msgspec

from abi_engine.core.errors import InvalidArguments, ProtocolMismatch, WireError

PROTOCOL = 1
MAX_FRAME = 16 << 20
LENGTH = struct.Struct(">I")


class FrameTooLarge(InvalidArguments):
    """An argument or a result is larger than one frame may be."""

    code = "frame_too_large"


class Hello(msgspec.Struct, frozen=True, tag="hello", array_like=True):
    """The first frame on a connection, from the engine: what it speaks, and who it is."""

    protocol: int
    version: str
    pid: int


class Call(msgspec.Struct, frozen=True, tag="call", array_like=True):
    """The client calls an operation; `arguments` is the operation's struct, encoded."""

    feature: str
    operation: str
    arguments: msgspec.Raw


class Opened(msgspec.Struct, frozen=True, tag="opened", array_like=True):
    """A stream of results has begun: what happens from now on is in it."""


class Item(msgspec.Struct, frozen=True, tag="item", array_like=True):
    """One value: the result of a plain call, or one of a stream in either direction."""

    value: msgspec.Raw


class End(msgspec.Struct, frozen=True, tag="end", array_like=True):
    """No more items."""


class Failure(msgspec.Struct, frozen=True, tag="failure", array_like=True):
    """The call raised, or was refused."""

    error: WireError


class Lagged(msgspec.Struct, frozen=True, tag="lagged", array_like=True):
    """A lossy stream has dropped `lagged` items so far, because its reader was slow."""

    lagged: int


Frame = Hello | Call | Opened | Item | End | Failure | Lagged

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def pack(frame: Frame) -> bytearray:
    """The frame as bytes, with its length in front.

    Raises:
        FrameTooLarge: there are more than 16 MiB of them.
    """
    return _packed(frame)


def pack_item(value: object) -> bytearray:
    """An `Item` of `value`, encoded in one go.

    Raises:
        FrameTooLarge: it takes more than 16 MiB.
    """
    return _packed(("item", value))


def unpack(body: bytes | bytearray) -> Frame:
    """The frame in `body`, which is what follows the length.

    Raises:
        ProtocolMismatch: it is not one.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProtocolMismatch(f"not a frame: {error}") from error


def checked(size: int) -> int:
    """`size`, if a frame may have it.

    Raises:
        FrameTooLarge: it may not.
    """
    if size > MAX_FRAME:
        raise FrameTooLarge(
            f"{size} bytes in one frame, at most {MAX_FRAME} are taken",
            hint="send it in parts, or as a stream",
            size_bytes=size,
            limit_bytes=MAX_FRAME,
        )
    return size


def _packed(value: object) -> bytearray:
    buffer = bytearray(LENGTH.size)
    _encoder.encode_into(value, buffer, LENGTH.size)
    LENGTH.pack_into(buffer, 0, checked(len(buffer) - LENGTH.size))
    return buffer
