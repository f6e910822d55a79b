"""Clients of every kind at once, in a thread, until they are told to leave."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter
from threading import Event, Thread
from typing import Self

from tests.engine.features.gateway.mixed.line import Place
from tests.engine.features.gateway.mixed.visits import VISITS, Client, Visit
from tests.engine.features.gateway.proxy.stage import until

EACH = 3
PATIENCE = 60.0


class Load:
    """Three clients of each kind, from `with` until its end.

    Args:
        place: of the gateway.
        keys: that open `/guarded`.

    Attributes:
        visits: how many of each kind have ended well.
        counts: how often each kind saw each status.
        failures: what went otherwise than it may.
    """

    def __init__(self, place: Place, keys: list[str]) -> None:
        self._place = place
        self._keys = keys
        self._over = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._main()), name="load")
        self.visits: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive()

    def wait_for(self, visits: int) -> None:
        """Until each kind has made so many visits, or one has failed."""
        until(lambda: bool(self.failures) or self._least() >= visits, 1200)

    def _least(self) -> int:
        return min(self.visits[kind] for kind in VISITS)

    async def _main(self) -> None:
        await asyncio.gather(
            *(
                self._client(kind, visit, Client(kind, n, self._place, self._keys, self.counts))
                for kind, visit in VISITS.items()
                for n in range(EACH)
            )
        )

    async def _client(self, kind: str, visit: Visit, client: Client) -> None:
        while not self._over.is_set():
            try:
                await asyncio.wait_for(visit(client), PATIENCE)
            except Exception as error:  # noqa: BLE001 - the test looks at them
                self.failures.append("".join(traceback.format_exception(error)))
            else:
                self.visits[kind] += 1
            await asyncio.sleep(0)
