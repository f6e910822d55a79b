"""What can be done to the demo while it runs."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import msgspec
import pytest
import uvloop

from abi_engine import ManualClock
from abi_tui.demo.http_server import Request
from abi_tui.demo.scenery import Scenery
from abi_tui.demo.schedule import Phase, next_start
from abi_tui.demo.steering import ControlDesk, DemoStatus, Steering
from abi_tui.demo.timeline import FASTEST, SLOWEST

SEED = 1


def play(use: Callable[[Scenery, ManualClock], None]) -> None:
    """Run `use` with a scenery whose time stands still, before anything was sent."""

    async def main() -> None:
        clock = ManualClock()
        scenery = Scenery(SEED, clock)
        try:
            scenery.begin("http://127.0.0.1:9")
            use(scenery, clock)
        finally:
            await scenery.close()

    uvloop.run(main())


def test_a_pause_holds_the_story_until_it_goes_on() -> None:
    def use(scenery: Scenery, clock: ManualClock) -> None:
        scenery.steer(Steering.PAUSE)
        clock.advance(next_start(Phase.ERRORING, 0, SEED) + 1)
        assert scenery.status().paused
        assert scenery.status().phase is Phase.HEALTHY
        scenery.steer(Steering.RESUME)
        clock.advance(next_start(Phase.ERRORING, 0, SEED) + 1)
        assert not scenery.status().paused
        assert scenery.status().phase is Phase.ERRORING

    play(use)


def test_a_failure_can_be_had_at_once_and_ended_at_once() -> None:
    def use(scenery: Scenery, clock: ManualClock) -> None:
        assert scenery.status().phase is Phase.HEALTHY
        scenery.steer(Steering.RECOVER)  # from nothing: nothing
        assert scenery.status().phase is Phase.HEALTHY
        scenery.steer(Steering.FAIL)
        assert scenery.status().phase is Phase.ERRORING
        clock.advance(1)
        scenery.steer(Steering.FAIL)  # it does: the story goes on as it was
        clock.advance(4.5)
        assert scenery.status().phase is Phase.REFUSING
        scenery.steer(Steering.RECOVER)
        assert scenery.status().phase is Phase.RECOVERING
        scenery.steer(Steering.FAIL)
        assert scenery.status().phase in (Phase.ERRORING, Phase.HANGING)

    play(use)


def test_the_speed_doubles_and_halves_within_bounds() -> None:
    def use(scenery: Scenery, _: ManualClock) -> None:
        scenery.steer(Steering.FASTER)
        assert scenery.status().speed == 2.0
        for _step in range(10):
            scenery.steer(Steering.FASTER)
        assert scenery.status().speed == FASTEST
        for _step in range(10):
            scenery.steer(Steering.SLOWER)
        assert scenery.status().speed == SLOWEST

    play(use)


class TestControlDesk:
    """The upstream behind `/demo/*`."""

    def desk(self, scenery: Scenery) -> ControlDesk:
        return ControlDesk(scenery.steer, scenery.status)

    def test_a_post_does_what_it_says_and_answers_with_the_status(self) -> None:
        def use(scenery: Scenery, _: ManualClock) -> None:
            reply = self.desk(scenery)(Request("POST", "/demo/pause?x=1", 0))
            assert reply.status == HTTPStatus.OK
            assert msgspec.json.decode(reply.body, type=DemoStatus) == msgspec.structs.replace(
                scenery.status(), cpu_s=msgspec.json.decode(reply.body)["cpu_s"]
            )
            assert scenery.status().paused

        play(use)

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
    def test_another_method_changes_nothing(self, method: str) -> None:
        def use(scenery: Scenery, _: ManualClock) -> None:
            reply = self.desk(scenery)(Request(method, "/demo/pause", 0))
            assert reply.status == HTTPStatus.METHOD_NOT_ALLOWED
            assert not scenery.status().paused

        play(use)

    def test_the_status_changes_nothing(self) -> None:
        def use(scenery: Scenery, _: ManualClock) -> None:
            reply = self.desk(scenery)(Request("GET", "/demo/status", 0))
            assert msgspec.json.decode(reply.body, type=DemoStatus).phase is Phase.HEALTHY

        play(use)

    @pytest.mark.parametrize("path", ["/demo/", "/demo/stop", "/elsewhere", "/demo/pause/now"])
    def test_another_path_is_not_found_and_the_answer_names_those_that_are(self, path: str) -> None:
        def use(scenery: Scenery, _: ManualClock) -> None:
            reply = self.desk(scenery)(Request("POST", path, 0))
            assert reply.status == HTTPStatus.NOT_FOUND
            assert b"recover" in reply.body

        play(use)
