"""Asks upstreams whether they are well, over connections of its own. Belongs to the loop's thread.

A new connection for each question: whether one can be made is a part of the answer. Refuses to read
more of an answer than its head.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Final, cast

from abi_engine.features.gateway.checks import Checks, LiveCheck
from abi_engine.features.gateway.proxy.connector import CannotConnect, Connector
from abi_engine.features.gateway.proxy.head import HEAD_END, BadMessage, parse_response
from abi_engine.features.gateway.proxy.pool import host_header

_HEAD_SIZE: Final = 64 << 10
_INTERIM: Final = 16
_JITTER: Final = 0.1
"""Of the interval, more or less; the first check comes within as much of it."""


class HealthChecker:
    """Runs checks, each in a task of its own.

    Args:
        loop: runs them.
        connector: opens connections.
        checks: which there are, and where answers are noted.
        random: jitter, so that the checks of many gateways do not fall together.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connector: Connector,
        checks: Checks,
        random: Random,
    ) -> None:
        self._loop = loop
        self._connector = connector
        self._checks = checks
        self._random = random
        self._running: dict[LiveCheck, asyncio.Task[None]] = {}
        self._stopped = False

    def follow(self) -> None:
        """Run exactly the checks there are."""
        wanted = () if self._stopped else self._checks.all()
        for check in set(self._running).difference(wanted):
            self._running.pop(check).cancel()
        for check in wanted:
            if check not in self._running:
                self._running[check] = self._loop.create_task(self._run(check))

    async def stop(self) -> None:
        """Run none any more, and know nothing: what was found out grows old."""
        self._stopped = True
        running, self._running = self._running, {}
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        for check in running:
            check.forget()

    async def _run(self, check: LiveCheck) -> None:
        interval, random = check.settings.interval, self._random
        await asyncio.sleep(interval * random.uniform(0, _JITTER))
        while True:
            trouble = await self._ask(check)
            if trouble is not None:
                self._checks.note(check, trouble)
            await asyncio.sleep(interval * random.uniform(1 - _JITTER, 1 + _JITTER))

    async def _ask(self, check: LiveCheck) -> str | None:
        """Ask once; what is wrong, empty if nothing is, None where it could not be asked."""
        settings = check.settings
        answer = _Answer(self._loop)
        try:
            async with asyncio.timeout(settings.timeout):
                await self._connector.connect(check.address, answer)
                answer.ask(_question(check))
                status = await answer.status
        except CannotConnect as error:
            return None if error.is_ours else error.reason
        except TimeoutError:
            return f"no answer within {settings.timeout:g} s"
        except BadMessage as error:
            return f"its answer is malformed: {error.reason}"
        except OSError:
            return "it closed the connection"
        finally:
            answer.close()
        fits = status in settings.statuses if settings.statuses else 200 <= status <= 399
        return "" if fits else f"answered {status}"


class _Answer(asyncio.Protocol):
    """Reads the status of an answer.

    Attributes:
        status: its number, once the head is here.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.status: asyncio.Future[int] = loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._interim = 0

    def ask(self, question: bytes) -> None:
        """Send the question."""
        if self._transport is not None:
            self._transport.write(question)

    def close(self) -> None:
        """Listen no more."""
        self.status.cancel()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        self._fail(exc or ConnectionError())

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self.status.done():
            return
        self._data += data
        try:
            self._read()
        except BadMessage as error:
            self._fail(error)

    def _read(self) -> None:
        """Read heads up to that of the answer."""
        while (end := self._data.find(HEAD_END, 0, _HEAD_SIZE)) >= 0:
            end += len(HEAD_END)
            status = parse_response(self._data[:end]).status
            self._data = self._data[end:]
            if status >= 200:
                self.status.set_result(status)
                return
            self._interim += 1
            if self._interim > _INTERIM:
                raise BadMessage(502, "no end of interim responses")
        if len(self._data) >= _HEAD_SIZE:
            raise BadMessage(502, "its head is too large")

    def _fail(self, error: Exception) -> None:
        if not self.status.done():
            self.status.set_exception(error)


def _question(check: LiveCheck) -> bytes:
    address, settings = check.address, check.settings
    host = settings.host.encode("ascii") or host_header(address)
    return b"\r\n".join(
        (
            f"GET {address.prefix}{settings.path} HTTP/1.1".encode("ascii"),
            b"Host: " + host,
            b"User-Agent: abi-health-check",
            b"Accept: */*",
            b"Connection: close",
            b"\r\n",
        )
    )
