"""A process that serves clients for another one, which owns everything they have in common.

It has a link to the owner and lives no longer than that: at its end it stops, whatever is under
way. Signals of a terminal or a service manager are for the owner, who says when to drain.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final

from abi_engine.core.clock import SystemClock
from abi_engine.core.errors import AbiError, Severity
from abi_engine.core.events import Event, EventLog
from abi_engine.core.feature import Context
from abi_engine.core.inherited import InheritedSockets
from abi_engine.features.gateway.proxy.proxy import Proxy
from abi_engine.features.gateway.workers.messages import (
    Begin,
    Drain,
    Drained,
    Failed,
    Frames,
    Happened,
    PutRoute,
    Reload,
    Serve,
    Serving,
    Synced,
    ToWorker,
    for_worker,
)
from abi_engine.features.gateway.workers.outbox import Outbox
from abi_engine.features.gateway.workers.replica import Replica
from abi_engine.runtime.unraised import Unraised

READ_SIZE: Final = 1 << 18
TICK: Final = 0.25
LAST_STOP: Final = 1.0
LAST_RESORT: Final = 10
"""Seconds after the end of the link, in which it stops in order; and after which it is ended."""


class ToldEvents(EventLog):
    """Events that the owner is to tell.

    Args:
        clock: dates them.
    """

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock, 16)
        self.tell: Any = None

    def add(
        self,
        source: str,
        kind: str,
        message: str,
        *,
        subject: str = "",
        severity: Severity = Severity.INFO,
        **details: Any,
    ) -> Event:
        """See `EventLog`."""
        event = super().add(source, kind, message, subject=subject, severity=severity, **details)
        if self.tell is not None:
            self.tell(Happened(source, kind, message, subject, severity.value, details))
        return event


class Worker:
    """One worker, in its own process.

    Args:
        link: to the owner.
        listeners: where clients come in.
    """

    def __init__(self, link: socket.socket, listeners: Sequence[socket.socket]) -> None:
        self._link = link
        self._listeners = listeners
        self._clock = SystemClock()
        self._events = ToldEvents(self._clock)
        self._outbox = Outbox(link)
        self._replica: Replica | None = None
        self._proxy: Proxy | None = None
        self._serves = False
        self._checked: tuple[int, Callable[[], None]] | None = None  # the last reload
        self._drained: Thread | None = None

    def run(self) -> None:
        """Follow the owner until the link ends."""
        frames, decoder = Frames(), for_worker()
        while self._drained is None or self._drained.is_alive():
            data = self._link.recv(READ_SIZE)
            if not data:
                break
            for frame in frames.feed(data):
                self._hear(decoder.decode(frame))

    def stop(self) -> None:
        """End at once, in order; or by force, if that takes too long."""
        signal.alarm(LAST_RESORT)
        if self._drained is not None:
            self._drained.join(LAST_STOP)
        elif self._proxy is not None:
            self._proxy.stop(LAST_STOP)

    def _hear(self, messages: list[ToWorker]) -> None:
        """What changes the data plane is done in its thread, all of a frame in one step."""
        told: list[ToWorker] = []
        for message in messages:
            if isinstance(message, Begin):
                self._begin(message)
            elif isinstance(message, Serve):
                self._tell(told)
                told = []
                self._serve()
            elif isinstance(message, Reload):
                self._reload(message)
            elif isinstance(message, Drain):
                self._drained = Thread(target=self._drain, args=(message.deadline,), daemon=True)
                self._drained.start()
            else:
                if isinstance(message, PutRoute):
                    assert self._replica is not None
                    self._replica.read_tls(message.route)
                told.append(message)
        self._tell(told)

    def _tell(self, messages: list[Any]) -> None:
        assert self._replica is not None
        assert self._proxy is not None
        apply = partial(_apply, self._replica, messages)
        if self._serves:
            self._proxy.post(apply)
        else:
            apply()

    def _begin(self, begin: Begin) -> None:
        data_dir = Path(begin.data_dir) if begin.data_dir else None
        named = [("gateway", listener) for listener in self._listeners]
        sockets = InheritedSockets(named, lasting=begin.lasting)
        context = Context(self._clock, self._events, data_dir, listening=True, sockets=sockets)
        replica = Replica(begin, self._clock, self._events, self._outbox)
        self._replica = replica
        self._outbox.gather = replica.reports
        self._proxy = Proxy(
            begin.config, replica.admitter, context, outward=replica.outward, tells_dates=False
        )

    def _serve(self) -> None:
        assert self._proxy is not None
        proxy = self._proxy
        try:
            proxy.start()
        except AbiError as error:
            self._outbox.say_now(Failed(0, error.code, error.message, error.hint))
            return
        self._serves = True
        self._events.tell = lambda message: proxy.post(partial(self._outbox.say, message))
        proxy.post(partial(self._outbox.say, Serving()))
        proxy.post(self._tick)

    def _tick(self) -> None:
        """Report what was counted. In the loop's thread."""
        assert self._replica is not None
        assert self._proxy is not None
        asyncio.get_running_loop().call_later(TICK, self._tick)
        self._replica.return_old_trials()
        counts = self._replica.counts(self._proxy)
        if counts is not None:
            self._outbox.say(counts, urgent=False)

    def _reload(self, message: Reload) -> None:
        assert self._replica is not None
        assert self._proxy is not None
        answer: Any = Synced(message.serial)
        if message.check:
            try:
                self._checked = message.serial, self._proxy.reload(message.config)
            except AbiError as error:
                answer = Failed(message.serial, error.code, error.message, error.hint)
        else:
            try:
                self._replica.renew_tls()
                self._checked_before(message)()
            except AbiError as error:  # the owner could read them a moment ago: the old ones stay
                self._events.add("gateway", "reload_failed", error.message, severity=Severity.ERROR)
            self._proxy.post(partial(self._replica.reconfigure, message.config))
        self._proxy.post(partial(self._outbox.say, answer))

    def _checked_before(self, message: Reload) -> Callable[[], None]:
        """What applies a reload; checked just now by a worker that was begun meanwhile."""
        assert self._proxy is not None
        checked, self._checked = self._checked, None
        if checked is not None and checked[0] == message.serial:
            return checked[1]
        return self._proxy.reload(message.config)

    def _drain(self, deadline: float) -> None:
        assert self._replica is not None
        assert self._proxy is not None
        for listener in self._listeners:
            listener.close()  # the proxy has one of its own, and is the last to have it
        cut = False
        try:
            self._proxy.stop(deadline)
        except AbiError:
            cut = True
        self._events.tell = None
        counts = self._replica.counts(self._proxy)
        last = [counts] if counts is not None else []
        self._outbox.say_now(*last, Drained(cut))
        self._link.shutdown(socket.SHUT_RDWR)


def _apply(replica: Replica, messages: list[Any]) -> None:
    for message in messages:
        replica.hear(message)
    replica.let_go()


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m abi_engine.features.gateway.workers.worker --link FD --listener FD`."""
    parser = argparse.ArgumentParser(prog="abi-worker")
    parser.add_argument("--link", type=int, required=True)
    parser.add_argument("--listener", type=int, action="append", required=True)
    found = parser.parse_args(arguments)
    sys.unraisablehook = Unraised(logging.getLogger("abi_engine.worker"))
    for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(word, signal.SIG_IGN)
    listeners = [socket.socket(fileno=number) for number in found.listener]
    worker = Worker(socket.socket(fileno=found.link), listeners)
    try:
        worker.run()
    except ConnectionError:
        pass  # the owner is gone, as at the end of the link
    finally:
        worker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
