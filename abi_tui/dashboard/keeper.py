"""Records what a dashboard is told. Refuses to let a full disk end the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abi_engine.core.errors import AbiError
from abi_engine.system import Report
from abi_tui.dashboard.feed import number_before
from abi_tui.recordings.writer import RecordingWriter

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

GAP_S = 2.5


class Keeper:
    """Writes each report as it arrives, and after a pause those that the engine remembers of it.

    Args:
        writer: where to.
    """

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer
        self._ended = False

    def take(self, engine: EngineApi, report: Report) -> None:
        """Write a report, in the thread that it arrived in.

        Raises:
            AbiError: it could not be written; said once, and from then on nothing is written.
        """
        if self._ended:
            return
        try:
            self._fill(engine, report.at.timestamp())
            self._writer.add(report)
        except AbiError:
            self._ended = True
            raise

    def _fill(self, engine: EngineApi, until: float) -> None:
        since = self._writer.until
        if not self._writer.reports or until - since <= GAP_S:
            return
        with engine.system.reports(since=number_before(engine, since)) as missed:
            for report in missed:
                if since < report.at.timestamp() < until:
                    self._writer.add(report)
