"""A recording as what it was made of: an engine whose past can be asked for, and nothing else.

Refuses whatever needs an engine that runs.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from abi_engine.core.errors import AbiError, InvalidArguments, NotFound, Unavailable
from abi_engine.core.stream import Stream
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.system import Report
from abi_tui.recordings.frames import Header, Spot, content, spots


class Recording:
    """A file of reports, oldest first. Its operations are those of `SystemApi` on the past.

    Any thread may read. Reports are numbered anew, from 1: several engines may have made them.

    Args:
        path: the file.

    Raises:
        NotFound: there is none.
        InvalidArguments: it is no recording, or holds no report.
        Unavailable: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError as error:
            raise NotFound(
                f"no file {path}", hint="abi dashboard --record FILE makes one"
            ) from error
        except OSError as error:
            raise Unavailable(f"cannot read {path}: {error.strerror or error}") from error
        try:
            self.header, found = self._index()
        except BaseException:
            self.close()
            raise
        self._spots = sorted(found, key=lambda spot: spot.at)
        self.moments: Sequence[float] = [spot.at for spot in self._spots]

    def _index(self) -> tuple[Header, list[Spot]]:
        try:
            found = list(spots(self._file))
        except AbiError as error:
            raise InvalidArguments(f"{self.path}: {error.message}", hint=error.hint) from error
        except OSError as error:
            raise Unavailable(f"cannot read {self.path}: {error.strerror or error}") from error
        header = content(self._file, found[0], Header) if found else None
        if header is None:
            raise InvalidArguments(f"{self.path}: its header is damaged")
        if len(found) == 1:
            message = f"{self.path} holds no report"
            raise InvalidArguments(message, hint="it ended before the first one arrived")
        return header, found[1:]

    def _content(self, index: int) -> Report | None:
        """The report at a place, if it can be read and has the form that this version knows."""
        found = content(self._file, self._spots[index], Report)
        if found is None:
            return None
        try:
            found.of("gateway", GatewayReport)
        except msgspec.MsgspecError:
            return None
        return msgspec.structs.replace(found, number=index + 1)

    def read(self, index: int) -> Report:
        """The report at a place, counted from 0.

        Raises:
            Unavailable: it is damaged, or has another form.
        """
        found = self._content(index)
        if found is None:
            when = datetime.fromtimestamp(self.moments[index], UTC).isoformat(timespec="seconds")
            raise Unavailable(
                f"{self.path}: the report of {when} is damaged, or of another form",
                hint=f"abi {safe(self.header.version)} wrote it",
            )
        return found

    def report(self, *, at: float | None = None) -> Report:
        """The last report, or the one nearest before a moment.

        Args:
            at: seconds since the epoch; negative means that many seconds before the last.

        Raises:
            NotFound: it begins later.
        """
        if at is None:
            return self.read(len(self._spots) - 1)
        moment = at if at >= 0 else self.moments[-1] + at
        index = bisect_right(self.moments, moment) - 1
        if index < 0:
            first = datetime.fromtimestamp(self.moments[0], UTC).isoformat(timespec="seconds")
            raise NotFound(f"the recording begins later, at {first}", hint="a later --at")
        return self.read(index)

    def reports(self, *, since: int = 0, limit: int = 900) -> Stream[Report]:
        """The reports with a number above `since`, oldest first; damaged ones are left out."""
        return Stream(self._reports(since, limit), lambda: None)

    def _reports(self, since: int, limit: int) -> Iterator[Report]:
        for index in range(since, min(since + limit, len(self._spots))):
            found = self._content(index)
            if found is not None:
                yield found

    def place(self, at: float) -> int:
        """The place of the first report that is not older than a moment, else of the last."""
        return min(bisect_left(self.moments, at - 1e-6), len(self._spots) - 1)

    def close(self) -> None:
        """Let go of the file. Does nothing the second time."""
        if self._file >= 0:
            file, self._file = self._file, -1
            os.close(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class RecordedEngine:
    """A recording in the place of an engine: `system` tells of the past, nothing else answers."""

    def __init__(self, recording: Recording) -> None:
        self.system = recording

    @property
    def gateway(self) -> object:
        """Not there.

        Raises:
            Unavailable: always.
        """
        raise Unavailable("a recording is no engine: it cannot be asked, nor changed")
