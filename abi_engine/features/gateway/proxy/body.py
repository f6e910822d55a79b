"""The framing of bodies: where one ends, and what of the bytes is body.

Refuses chunks that two readers could read differently. Pure: bytes in, pieces out; whatever is
beyond the end comes back untouched. Trailers are checked, bounded and dropped.
"""

from __future__ import annotations

from math import inf
from typing import Final, Protocol

from abi_engine.features.gateway.proxy.head import BadMessage

_HEX: Final = b"0123456789abcdefABCDEF"
_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LINE_TEXT: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_SIZE_DIGITS: Final = 15
_LINE_SIZE: Final = 4 << 10
_OVERHEAD: Final = 16 << 10
"""How much more than twice the data (and 16 bytes a chunk) may be spent on chunk lines."""

Pieces = list[bytes]


class Body(Protocol):
    """A body on its way in; `done` tells whether its end has been seen."""

    done: bool

    def feed(self, data: bytes) -> tuple[Pieces, bytes]:
        """The pieces of body in `data`, none empty, and what lies beyond the end of the body.

        Raises:
            BadMessage: the framing is broken; nothing more may be fed.
        """
        ...


class LengthBody:
    """A body of `length` bytes, at least one."""

    __slots__ = ("_remaining", "done")

    def __init__(self, length: int) -> None:
        self._remaining = length
        self.done = length == 0

    def feed(self, data: bytes) -> tuple[Pieces, bytes]:
        """See `Body`."""
        size = len(data)
        remaining = self._remaining
        if size < remaining:
            self._remaining = remaining - size
            return [data] if data else [], b""
        self.done = True
        self._remaining = 0
        if size == remaining:
            return [data] if data else [], b""
        return [data[:remaining]] if remaining else [], data[remaining:]


class EndlessBody:
    """A body that ends where the connection does."""

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> tuple[Pieces, bytes]:
        """See `Body`."""
        return [data], b""


class ChunkedBody:
    """A body in chunks. Extensions are allowed, bounded, and dropped.

    Args:
        turn: after so many pieces `feed` stops, and what is left comes back to be fed again.
    """

    __slots__ = ("_overhead", "_partial", "_remaining", "_trailers", "_turn", "done")

    def __init__(self, turn: float = inf) -> None:
        self._turn = turn
        self._partial = b""
        self._remaining = 0
        """Bytes until the end of the chunk, its line end included; 0 where a line comes."""
        self._overhead = 0
        self._trailers = False
        self.done = False

    def feed(self, data: bytes) -> tuple[Pieces, bytes]:
        """See `Body`."""
        pieces: Pieces = []
        if self._partial:
            data = self._partial + data
            self._partial = b""
        position = 0
        while not self.done:
            if self._remaining:
                moved = self._chunk(data, position, pieces)
            else:
                moved = self._line(data, position)
            if moved == position:
                self._partial = data[position:]
                return pieces, b""
            position = moved
            if len(pieces) >= self._turn:
                break
        return pieces, data[position:]

    def _chunk(self, data: bytes, position: int, pieces: Pieces) -> int:
        """Take what there is of the chunk, and the line end behind it; tell where that ends."""
        wanted = self._remaining - 2
        if wanted:
            taken = min(wanted, len(data) - position)
            if taken:
                pieces.append(data[position : position + taken])
                self._remaining -= taken
            return position + taken
        end = data[position : position + 2]
        if end == b"\r\n":
            self._remaining = 0
            return position + 2
        if end not in (b"", b"\r"):
            raise BadMessage(400, "a chunk is longer than its size says")
        return position

    def _line(self, data: bytes, position: int) -> int:
        """Take a line; tell where it ends."""
        end = data.find(b"\n", position)
        if end < 0:
            if len(data) - position > _LINE_SIZE:
                raise BadMessage(400, "a chunk line is too long")
            return position
        line = data[position : end - 1]
        if end == position or data[end - 1] != 0x0D or line.translate(None, _LINE_TEXT):
            raise BadMessage(400, "a bare CR or LF, or a control character, in a chunk line")
        if len(line) > _LINE_SIZE:
            raise BadMessage(400, "a chunk line is too long")
        self._overhead += len(line) + 2
        if self._trailers:
            self._trailer(line)
        else:
            self._size(line)
        if self._overhead > _OVERHEAD:
            raise BadMessage(400, "the chunk lines are out of proportion")
        return end + 1

    def _size(self, line: bytes) -> None:
        digits = line.partition(b";")[0]
        if not digits or len(digits) > _SIZE_DIGITS or digits.translate(None, _HEX):
            raise BadMessage(400, "a chunk size is not a hexadecimal number")
        size = int(digits, 16)
        if size:
            self._remaining = size + 2
            self._overhead = max(self._overhead - 16 - 2 * size, 0)
        else:
            self._trailers = True

    def _trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        name, colon, _ = line.partition(b":")
        if not (name and colon) or name.translate(None, _TOKEN):
            raise BadMessage(400, "a trailer is malformed")


def in_chunks(pieces: Pieces, *, last: bool) -> Pieces:
    """Pieces of body as chunks, with the end of the body if they are the `last`."""
    chunks: Pieces = []
    for piece in pieces:
        chunks += (b"%x\r\n" % len(piece), piece, b"\r\n")
    if last:
        chunks.append(b"0\r\n\r\n")
    return chunks
