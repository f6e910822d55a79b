from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Protocol

import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import EngineStateError, FeatureDisabled, FeaturePlanned
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context, Feature, State, disabled, planned
from abi_engine.core.operation import operation
from abi_engine.core.stream import Stream
from tests.engine.threads import together


class Noting(Feature):
    """Writes down what it is made to do."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(Context(clock, EventLog(clock)))
        self.story: list[str] = []
        self.trouble: Exception | None = None

    def _open(self) -> None:
        self.story.append(f"open {self.state.value}")
        if self.trouble:
            raise self.trouble

    def _close(self, deadline: float) -> None:
        self.story.append(f"close {self.state.value} {deadline}")
        if self.trouble:
            raise self.trouble

    def _probe(self) -> tuple[bool, str]:
        self.story.append("probe")
        return not self.trouble, str(self.trouble or "it works")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def feature(clock: ManualClock) -> Noting:
    return Noting(clock)


def test_start_opens_once_and_stop_closes_once(feature: Noting) -> None:
    assert feature.state is State.CREATED
    feature.start()
    feature.start()
    assert feature.state is State.RUNNING
    feature.stop(3.0)
    feature.stop(3.0)
    assert feature.state is State.STOPPED
    assert feature.story == ["open starting", "close stopping 3.0"]


def test_stopping_what_never_ran_does_nothing(feature: Noting) -> None:
    feature.stop(1.0)
    assert (feature.state, feature.story) == (State.CREATED, [])


def test_a_feature_that_cannot_open_has_failed_and_may_be_started_again(feature: Noting) -> None:
    feature.trouble = EngineStateError("no")
    with pytest.raises(EngineStateError):
        feature.start()
    assert feature.state is State.FAILED
    feature.stop(1.0)
    assert feature.state is State.FAILED
    feature.trouble = None
    feature.start()
    assert feature.state is State.RUNNING


def test_a_feature_that_cannot_close_is_stopped_all_the_same(feature: Noting) -> None:
    feature.start()
    feature.trouble = EngineStateError("no")
    with pytest.raises(EngineStateError):
        feature.stop(1.0)
    assert feature.state is State.STOPPED


def test_many_threads_open_it_once(clock: ManualClock) -> None:
    class Laborious(Noting):
        """Takes long enough for the other threads to come."""

        def _open(self) -> None:
            super()._open()
            assert sum(1 for _ in range(50_000)) == 50_000

    feature = Laborious(clock)

    def work(_: int) -> State:
        feature.start()
        return feature.state

    assert set(together(32, work)) == {State.RUNNING}
    assert feature.story == ["open starting"]


def test_health_is_tried_at_most_every_ten_seconds_and_says_how_old_it_is(
    feature: Noting, clock: ManualClock
) -> None:
    first = feature.health()
    assert (first.ok, first.message, first.age_s) == (True, "it works", 0.0)
    assert first.checked_at == datetime.fromtimestamp(1_000, UTC)
    feature.trouble = EngineStateError("disk full")
    clock.advance(9.5)
    assert (feature.health().ok, feature.health().age_s) == (True, 9.5)
    clock.advance(0.5)
    assert (feature.health().ok, feature.health().message) == (False, "disk full")
    assert feature.story.count("probe") == 2


def test_an_age_is_never_negative(feature: Noting, clock: ManualClock) -> None:
    feature.health()
    clock.advance(-100.0)
    assert feature.health().age_s == 0.0


def test_by_default_a_feature_is_well_while_it_runs_and_reports_nothing(
    clock: ManualClock,
) -> None:
    plain = Feature(Context(clock, EventLog(clock)))
    assert (plain.health().ok, plain.health().message) == (False, "created")
    plain.start()
    clock.advance(10.0)
    assert (plain.health().ok, plain.health().message) == (True, "running")
    assert (plain.report(), plain.metrics()) == (None, ())


class ThingApi(Protocol):
    @operation
    def read(self, key: str) -> str: ...

    @operation
    def watch(self) -> Stream[bytes]: ...


def test_every_operation_of_a_disabled_feature_names_its_flag() -> None:
    off = disabled(ThingApi, "thing", "features.thing")
    for call in (lambda: off.read("k"), off.watch):
        with pytest.raises(FeatureDisabled) as caught:
            call()
        assert caught.value.details == {"flag": "features.thing"}
        assert "features.thing" in caught.value.hint
        assert "--enable thing" in caught.value.hint
        assert type(caught.value) is FeatureDisabled


def test_a_name_that_only_the_implementation_has_names_the_flag_when_it_is_read() -> None:
    off: object = disabled(ThingApi, "thing", "features.thing")
    with pytest.raises(FeatureDisabled, match=r"thing\.compact"):
        getattr(off, "compact")  # noqa: B009


def test_names_with_an_underscore_behave_on_what_stands_in() -> None:
    for form in (disabled(ThingApi, "thing", "features.thing"), planned("cache")):
        assert not hasattr(form, "_private")
        assert not hasattr(form, "__deepcopy__")
        assert repr(form)


def test_a_disabled_form_can_be_copied() -> None:
    off = copy.copy(disabled(ThingApi, "thing", "features.thing"))
    with pytest.raises(FeatureDisabled):
        off.read("k")


def test_a_planned_feature_says_that_it_is_planned() -> None:
    with pytest.raises(FeaturePlanned) as caught:
        planned("cache").get("k")
    assert "planned, not built" in caught.value.message
    assert caught.value.details == {"feature": "cache"}
    assert isinstance(caught.value, FeatureDisabled)
