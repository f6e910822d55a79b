"""The workers at work: begun, told what they must know, heard, and followed by others if they die.

Belongs to the loop's thread. Refuses to leave a process behind, and to let one that is stuck hold
up the others.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from typing import Any, Final

import msgspec

from abi_engine.core.errors import InvalidConfig, Severity, Unavailable
from abi_engine.core.feature import Context
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.reports import WorkerState
from abi_engine.features.gateway.workers import messages as say
from abi_engine.features.gateway.workers.answers import Answers
from abi_engine.features.gateway.workers.breakers import SharedBreakers
from abi_engine.features.gateway.workers.follow import Followed, share
from abi_engine.features.gateway.workers.library import Library
from abi_engine.features.gateway.workers.member import Member, launched
from abi_engine.features.gateway.workers.messages import FromWorker, ToWorker
from abi_engine.features.gateway.workers.sockets import Listeners, close_listeners
from abi_engine.features.gateway.workers.tally import Tally
from abi_engine.runtime.breaker import Standing

ANSWER_TIMEOUT: Final = 10.0
"""Seconds in which a worker does what all must do; else it is ended, and another begun."""

TICK: Final = 0.05
TICKS_PER_REVIEW: Final = 10
TICKS_PER_CALL: Final = 20
CALLS_MAX: Final = 10
"""Calls in a row that a worker may leave unanswered, one a second; then it is stuck."""
CALLS_MAX_STARTING: Final = 60
BRIEF: Final = 1.0
"""Seconds; a worker that lived shorter is followed by another only after a pause."""

PAUSE_MIN: Final = 0.1
PAUSE_MAX: Final = 5.0
_START: Final = 0  # the number of the question whether all serve
_CALL: Final = -1  # of the question whether one is there at all


class Crew:
    """See the module.

    Args:
        config: of the gateway.
        library: what the workers have in common.
        context: clock, events, data directory.
        listeners: the sockets of each worker.
        lasting: whether those outlive this process.
    """

    def __init__(
        self,
        config: GatewayConfig,
        library: Library,
        context: Context,
        listeners: Listeners,
        *,
        lasting: bool,
    ) -> None:
        self._config = config
        self._library = library
        self._context = context
        self._listeners = listeners
        self._lasting = lasting
        self._workers = len(listeners)
        self._members: dict[int, Member] = {}
        self._pauses: dict[int, float] = {}
        self._answers = Answers()
        self._questions = count(_START + 1)
        self._ticks = 0
        self._lost_by_the_gone = 0
        self._over = asyncio.Event()  # the end has begun
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()
        self._followed = Followed(library, context.clock, self._workers, self._tell_all)
        self._breakers = SharedBreakers(library.upstreams.all, _Tellers(self._members))
        self._hear = self._ears()

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost, by workers that are gone too."""
        return self._lost_by_the_gone + sum(member.tally.log_lost for member in self.members)

    @property
    def members(self) -> tuple[Member, ...]:
        """The workers there are, by number. Any thread may look at their counts."""
        return tuple(member for _, member in sorted(self._members.copy().items()))

    async def begin(self) -> None:
        """Start all workers; returns when they serve.

        Raises:
            InvalidConfig: a file that the settings name cannot be used.
            Unavailable: a worker cannot be begun, or ended before it served.
        """
        self._breakers.review()
        self._followed.compare()
        ready = self._answers.expect(_START, range(self._workers))
        try:
            for number in range(self._workers):
                await self._spawn(number)
            await ready
        except OSError as error:
            raise Unavailable(f"no worker can be begun: {error.strerror}") from error
        finally:
            ready.cancel()
        self._tick()

    async def drain(self, deadline: float) -> None:
        """Let what is under way end, within `deadline` seconds; then end all by force."""
        self._over.set()
        close_listeners(self._listeners)  # each worker has the last one of its own
        for member in self.members:
            if member.stage is WorkerState.SERVING:
                member.stage = WorkerState.DRAINING
                member.say(say.Drain(deadline))
            else:
                member.kill()
        try:
            if self._members:
                await asyncio.wait_for(self._all_gone.wait(), deadline)
        except TimeoutError:
            self._tell_cut(f"did not end within {deadline:g} s")
        await self.end()

    async def end(self) -> None:
        """End everybody, whatever is under way."""
        self._over.set()
        close_listeners(self._listeners)
        for member in self.members:
            member.kill()
        while self._members or self._tasks:
            if self._members:
                await self._all_gone.wait()
            if self._tasks:
                await asyncio.wait(self._tasks)

    async def sync(self, *first: ToWorker) -> None:
        """Say these; returns when every worker has heard them, and of everything that changed."""
        self._breakers.review()
        if self._followed.compare():
            for member in self.members:
                member.tally.prune()
        question = next(self._questions)
        await self._ask(question, lambda _: (*first, say.Sync(question)))

    async def check(self, config: GatewayConfig) -> int:
        """See that the files of other settings can be used; the number of the question.

        Raises:
            InvalidConfig: one cannot.
        """
        question = next(self._questions)
        await self._ask(question, lambda number: (self._reload(config, number, question, True),))
        return question

    async def apply(self, config: GatewayConfig, question: int) -> None:
        """Go on with other settings that were checked."""
        self._config = config
        await self._ask(question, lambda number: (self._reload(config, number, question, False),))

    # To the workers.

    async def _spawn(self, number: int) -> None:
        process, link = launched(self._listeners[number])
        tally = Tally(self._library, self._followed.live)
        member = Member(number, process, tally, self._heard, self._lost)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: member, sock=link)
        except BaseException:
            link.close()
            member.kill()
            raise
        self._members[number] = member
        self._all_gone.clear()
        if self._over.is_set():
            member.kill()
            return
        data_dir = self._context.data_dir
        where = "" if data_dir is None else str(data_dir)
        config = self._of(self._config, number)
        member.say(say.Begin(config, number, self._workers, where, self._lasting))
        self._breakers.joined(number)
        member.say(*self._followed.everything(number), say.Serve())

    def _of(self, config: GatewayConfig, number: int) -> GatewayConfig:
        """The settings of one worker: with its part of the connections."""
        connections = max(share(config.limits.connections, number, self._workers), 1)
        limits = msgspec.structs.replace(config.limits, connections=connections)
        return msgspec.structs.replace(config, limits=limits, routes=(), keys=())

    def _reload(self, config: GatewayConfig, number: int, question: int, check: bool) -> say.Reload:
        return say.Reload(self._of(config, number), check, question)

    def _tell_all(self, message: Callable[[int], ToWorker]) -> None:
        for member in self._members.values():
            member.say(message(member.number))

    async def _ask(self, question: int, words: Callable[[int], Iterable[ToWorker]]) -> None:
        """Say something to every worker, and wait until all have done it; who starts comes to it
        when it serves.
        """
        asked = [one for one in self.members if one.stage is not WorkerState.DRAINING]
        answers = self._answers.expect(question, [member.number for member in asked])
        for member in asked:
            member.say(*words(member.number))
        _, waiting = await asyncio.wait([answers], timeout=ANSWER_TIMEOUT)
        for member in asked if waiting else ():
            if member.number in self._answers.missing(question):
                member.kill()
        await answers

    def _tick(self) -> None:
        asyncio.get_running_loop().call_later(TICK, self._tick)
        self._ticks += 1
        self._breakers.review(troubled_only=self._ticks % TICKS_PER_REVIEW != 0)
        self._followed.compare_health()
        if self._ticks % TICKS_PER_CALL == 0:
            for member in self.members:
                self._call(member)

    def _call(self, member: Member) -> None:
        """See that a worker still hears: one that is stuck would keep its clients waiting.

        Calls are counted, not seconds, so that an owner that was itself held up blames nobody.
        """
        starting = member.stage is WorkerState.STARTING
        if member.calls >= (CALLS_MAX_STARTING if starting else CALLS_MAX):
            self._tell_event(member, "worker_stuck", "does not answer and is ended")
            member.kill()
        member.calls += 1
        member.say(say.Sync(_CALL))

    # From the workers.

    def _ears(self) -> dict[type, Callable[[Member, Any], None]]:
        """What is done with each kind of message."""
        return {
            say.Serving: self._hear_serving,
            say.Failed: self._hear_failed,
            say.Synced: lambda member, word: self._answers.came(word.serial, member.number),
            say.Spent: self._hear_spent,
            say.Results: lambda _, word: self._breakers.results(
                word.upstream, word.permit, word.runs
            ),
            say.Returned: lambda _, word: self._breakers.returned(word.upstream, word.permit),
            say.Refused: lambda member, word: self._breakers.refused(
                member.number, word.upstream, word.calls
            ),
            say.Counts: lambda member, word: member.tally.take(word),
            say.Happened: self._hear_happened,
            say.Followed: self._hear_followed,
            say.Drained: self._hear_drained,
        }

    def _heard(self, member: Member, message: FromWorker) -> None:
        self._hear[type(message)](member, message)

    def _hear_serving(self, member: Member, message: say.Serving) -> None:  # noqa: ARG002 - its word
        member.stage = WorkerState.SERVING
        self._answers.came(_START, member.number)
        self._breakers.joined(member.number)  # once more: what has changed while it started
        self._breakers.review()

    def _hear_failed(self, member: Member, message: say.Failed) -> None:
        self._answers.failed(message.serial, InvalidConfig(message.message, hint=message.hint))
        if not message.serial:
            self._tell_event(member, "worker_failed", message.message)
            member.kill()

    def _hear_spent(self, member: Member, message: say.Spent) -> None:
        ledger = self._followed.ledger(message.id)
        if ledger is None:
            return
        terms, for_all = ledger.settle(message.key, message.count)
        member.say(say.Settled(message.id, message.key, message.count, terms))
        for other in self._members.values() if for_all else ():
            if other is not member:
                other.say(say.Settled(message.id, message.key, None, terms))

    def _hear_happened(self, member: Member, message: say.Happened) -> None:  # noqa: ARG002 - all alike
        details: dict[str, Any] = message.details
        self._context.events.add(
            message.source,
            message.kind,
            message.message,
            subject=message.subject,
            severity=Severity(message.severity),
            **details,
        )

    def _hear_followed(self, member: Member, message: say.Followed) -> None:  # noqa: ARG002 - any of them
        trace = self._library.traces.waiting.get(message.request_id)
        if trace is not None:
            trace.match, trace.upstream = message.match, message.upstream
            trace.over.set()

    def _hear_drained(self, member: Member, message: say.Drained) -> None:
        if message.cut:
            self._tell_event(member, "worker_cut", "had to cut what was under way")

    # Their ends.

    def _lost(self, member: Member) -> None:
        was, member.stage = member.stage, WorkerState.GONE
        if self._members.get(member.number) is member:
            del self._members[member.number]
        member.tally.forget()
        self._lost_by_the_gone += member.tally.log_lost
        self._breakers.left(member.number)
        if was is WorkerState.STARTING:
            gone = f"worker {member.number} ended before it served; see the log"
            self._answers.failed(_START, Unavailable(gone))
        self._answers.left(member.number)
        if not self._members:
            self._all_gone.set()
        task = asyncio.get_running_loop().create_task(self._bury(member, was))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bury(self, member: Member, was: WorkerState) -> None:
        """Wait for the end of its process, and begin another where it was not to end."""
        if was is not WorkerState.DRAINING:
            member.kill()  # without the link it is of no use
        while member.process.poll() is None:
            await asyncio.sleep(0.005)
        if self._over.is_set() or was is WorkerState.DRAINING:
            return
        pause = self._pause_after(member, was)
        code = member.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        self._tell_event(member, "worker_died", f"{how}; another follows")
        await self._pause(pause)
        while not self._over.is_set() and not self._answers.missing(_START):
            try:
                await self._spawn(member.number)
            except OSError as error:
                self._tell_event(member, "worker_failed", f"is not followed yet: {error.strerror}")
                await self._pause(PAUSE_MAX)
            else:
                return

    async def _pause(self, seconds: float) -> None:
        """Wait, but for no longer than until the end begins."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    def _pause_after(self, member: Member, was: WorkerState) -> float:
        before = self._pauses.get(member.number, 0.0)
        brief = was is WorkerState.STARTING or member.age() < BRIEF
        pause = min(max(before * 2, PAUSE_MIN), PAUSE_MAX) if brief else 0.0
        self._pauses[member.number] = pause
        return pause

    def _tell_event(self, member: Member, kind: str, what: str) -> None:
        pid = member.process.pid
        self._context.events.add(
            "gateway",
            kind,
            f"worker {member.number} (process {pid}) {what}",
            subject=f"worker {member.number}",
            severity=Severity.WARNING,
            pid=pid,
        )

    def _tell_cut(self, what: str) -> None:
        for member in self.members:
            self._tell_event(member, "worker_cut", what)


class _Tellers:
    """See `Tellers`."""

    def __init__(self, members: dict[int, Member]) -> None:
        self._members = members

    def numbers(self) -> Iterable[int]:
        return [one.number for one in self._members.values() if one.stage is WorkerState.SERVING]

    def standing(self, number: int, upstream: str, standing: Standing) -> None:
        self._members[number].say(say.Stand(upstream, *standing))

    def trial(self, number: int, upstream: str, permit: int) -> None:
        self._members[number].say(say.Trial(upstream, permit))

    def recall(self, number: int, upstream: str) -> None:
        if number in self._members:
            self._members[number].say(say.Recall(upstream))
