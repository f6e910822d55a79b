"""The contract of the ticker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Protocol

import msgspec

from abi_engine.core.errors import AlreadyExists
from abi_engine.core.operation import operation
from abi_engine.core.stream import Stream


class Tick(msgspec.Struct, frozen=True):
    """One tick."""

    number: int


class TickerTaken(AlreadyExists):
    """A test's own error, with values."""

    code = "ticker_taken"


class TickerApi(Protocol):
    """Ticks out, bytes in, and every way to misbehave."""

    @operation(safe=True)
    def echo(self, text: str, *, times: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1) -> str:
        """The text, repeated."""
        ...

    @operation
    def blob(self, size: int) -> bytes:
        """So many zero bytes."""
        ...

    @operation
    def wait(self, name: str) -> str:
        """Wait until a test releases `name`."""
        ...

    @operation
    def fail(self, kind: str) -> None:
        """Raise: `ours`, `defect`, or `unsendable`."""
        ...

    @operation
    def count(self) -> int:
        """How often `count` was called."""
        ...

    @operation(safe=True)
    def watch(self, *, first: int = 0, last: int | None = None) -> Stream[Tick]:
        """Numbered ticks, one each time a test or a reader is ready for it, until closed."""
        ...

    @operation(safe=True)
    def silence(self) -> Stream[Tick]:
        """Nothing, until closed."""
        ...

    @operation(safe=True, lossy=True)
    def gaps(self) -> Stream[Tick]:
        """Three ticks, with two lost before the second and five before the third."""
        ...

    @operation
    def broken(self, after: int) -> Stream[Tick]:
        """So many ticks, then an error."""
        ...

    @operation
    def write(self, chunks: Iterable[bytes]) -> int:
        """Take all chunks; the number of bytes."""
        ...

    @operation
    def refuse(self, chunks: Iterable[bytes]) -> int:
        """Refuse before the first chunk is read."""
        ...

    @operation(safe=True)
    def open_streams(self) -> int:
        """How many streams are open."""
        ...
