"""The engine: what starts when, in which order it ends, and what stands in for what is off."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from abi_engine.catalogue import BUILT_IN, Row
from abi_engine.config import EngineConfig
from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import (
    AbiError,
    EngineBusy,
    EngineStateError,
    FeatureDisabled,
    FeaturePlanned,
    NotFound,
)
from abi_engine.core.feature import State
from abi_engine.engine import Engine, EngineApi
from tests.engine.made_features import Maker, PlainConfig, PlainReport, maker

__all__ = ["maker"]


def engine_of(*rows: Row, config: EngineConfig | None = None) -> Engine:
    return Engine(config, catalogue=rows)


def test_a_feature_is_opened_by_the_first_touch_and_not_before(maker: Maker) -> None:
    with engine_of(maker.row("one"), maker.row("two")) as engine:
        assert maker.journal == []
        assert engine.one.ping() == "one 3"
        assert maker.journal == ["open one"]
        assert list(engine.running()) == ["one"]


def test_touching_a_feature_starts_an_engine_that_was_only_made(maker: Maker) -> None:
    engine = engine_of(maker.row("one"))
    assert engine.state is State.CREATED
    engine.one.ping()
    assert engine.state is State.RUNNING
    engine.stop()


def test_features_open_after_what_they_need_and_close_before_it(maker: Maker) -> None:
    rows = (maker.row("top", needs=("middle",)), maker.row("middle", needs=("low",)))
    with engine_of(*rows, maker.row("low")) as engine:
        engine.top.ping()
    opened = ["open low", "open middle", "open top"]
    assert maker.journal == [*opened, "close top", "close middle", "close low"]


def test_what_a_feature_uses_is_none_where_it_is_off_or_unbuilt(maker: Maker) -> None:
    planned = Row("later", "not yet")
    rows = (maker.row("user", uses=("other", "later")), maker.row("other"), planned)
    with engine_of(*rows) as engine:
        assert engine.user.others == {"other": engine.other, "later": None}
    with engine_of(*rows, config=EngineConfig(features={"other": False})) as engine:
        assert engine.user.others == {"other": None, "later": None}


def test_a_feature_is_off_with_what_it_needs_and_with_its_parent(maker: Maker) -> None:
    rows = (maker.row("base"), maker.row("needy", needs=("base",)), maker.row("kid", parent="base"))
    engine = engine_of(*rows, config=EngineConfig(features={"base": False}))
    assert not any(map(engine.enabled, ("base", "needy", "kid")))
    with engine, pytest.raises(FeatureDisabled):
        engine.needy.ping()


def test_a_disabled_feature_names_its_flag_for_every_public_name(maker: Maker) -> None:
    with engine_of(maker.row("one"), config=EngineConfig(features={"one": False})) as engine:
        for member in ("ping", "python_only"):
            with pytest.raises(FeatureDisabled) as caught:
                getattr(engine.one, member)()
            assert caught.value.details == {"flag": "features.one"}
            assert "features.one = true" in caught.value.hint
        assert not hasattr(engine.one, "_private")


def test_a_planned_feature_says_so() -> None:
    with Engine() as engine, pytest.raises(FeaturePlanned, match="planned, not built"):
        vars(Engine)["__getattr__"](engine, "cache").get("a")


def test_a_misspelt_feature_is_an_attribute_error() -> None:
    with Engine() as engine, pytest.raises(AttributeError, match="gatewya"):
        vars(Engine)["__getattr__"](engine, "gatewya")


def test_engine_api_engine_and_catalogue_hold_the_same_names() -> None:
    built = {row.name for row in BUILT_IN if row.built}
    promised = {name for name in vars(EngineApi) if isinstance(vars(EngineApi)[name], property)}
    assert promised == built | {"system"}
    assert set(Engine.__annotations__) == built


def test_start_and_stop_may_be_called_twice(maker: Maker) -> None:
    engine = engine_of(maker.row("one"))
    engine.start()
    engine.start()
    engine.one.ping()
    engine.stop()
    engine.stop()
    assert engine.state is State.STOPPED
    assert maker.journal == ["open one", "close one"]


def test_an_engine_that_was_stopped_does_not_start_again(maker: Maker) -> None:
    engine = engine_of(maker.row("one"))
    engine.start()
    engine.stop()
    with pytest.raises(EngineStateError, match="stopped"):
        engine.start()
    with pytest.raises(EngineStateError, match="stopped"):
        engine.one.ping()


def test_a_feature_that_cannot_open_says_why_and_the_engine_runs_on(maker: Maker) -> None:
    def fail() -> None:
        raise AbiError("no such luck")

    with engine_of(maker.row("bad", on_open=fail), maker.row("good")) as engine:
        with pytest.raises(AbiError, match="no such luck"):
            engine.bad.ping()
        assert engine.good.ping() == "good 3"
    assert maker.journal == ["open good", "close good"]


def test_a_stop_keeps_its_deadline_when_a_feature_hangs(maker: Maker) -> None:
    hangs = maker.row("hangs", on_close=lambda: maker.release.wait(30) and None)
    engine = engine_of(maker.row("first"), hangs)
    engine.first.ping()
    engine.hangs.ping()
    engine.stop(deadline=0.05)
    assert maker.journal == ["open first", "open hangs", "close first"]
    assert engine.events.latest()[1].kind == "stop_late"
    assert engine.state is State.STOPPED
    maker.release.set()


def test_two_engines_do_not_share_a_data_directory(tmp_path: Path) -> None:
    config = EngineConfig(
        data_dir=tmp_path / "data",
        sections={"engine": EngineConfig().engine.__class__(lock_timeout=0.0)},
    )
    with Engine(config):
        with pytest.raises(EngineBusy) as caught:
            Engine(config).start()
        assert caught.value.details["pid"] != 0
    with Engine(config):
        pass


def test_an_engine_without_a_data_directory_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with Engine() as engine:
        assert engine.data_dir is None
        engine.gateway.stats()
    assert list(tmp_path.iterdir()) == []


def test_switching_a_feature_off_stops_it_and_what_needs_it(maker: Maker) -> None:
    rows = (maker.row("base"), maker.row("user", needs=("base",)))
    with engine_of(*rows) as engine:
        engine.user.ping()
        engine.system.set_feature("base", enabled=False)
        assert maker.journal[2:] == ["close user", "close base"]
        with pytest.raises(FeatureDisabled):
            engine.user.ping()
        engine.system.set_feature("base", enabled=True)
        assert engine.user.ping() == "user 3"


def test_switching_what_is_unknown_or_unbuilt_is_refused() -> None:
    with Engine() as engine:
        with pytest.raises(NotFound, match="gatewy"):
            engine.system.set_feature("gatewy", enabled=True)
        with pytest.raises(FeaturePlanned):
            engine.system.set_feature("cache", enabled=True)


def test_a_section_of_the_configuration_reaches_its_feature(maker: Maker) -> None:
    config = EngineConfig(sections={"one": PlainConfig(size=7)})
    with engine_of(maker.row("one"), config=config) as engine:
        assert engine.one.ping() == "one 7"


def test_many_threads_that_touch_a_feature_first_build_one(maker: Maker) -> None:
    engine = engine_of(maker.row("one"))
    barrier = threading.Barrier(32)

    def touch() -> None:
        barrier.wait(10)
        engine.one.ping()

    threads = [threading.Thread(target=touch) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    engine.stop()
    assert maker.journal == ["open one", "close one"]


def test_a_report_holds_what_running_features_say(maker: Maker) -> None:
    clock = ManualClock()
    engine = Engine(catalogue=(maker.row("one"), maker.row("two")), clock=clock)
    with engine:
        engine.one.ping()
        clock.advance(5)
        report = engine.system.report()
        assert report.of("one", PlainReport) == PlainReport(1)
        assert report.of("two", PlainReport) is None
        assert report.engine.uptime_s == 5
        assert [f.state for f in report.engine.features] == [State.RUNNING, State.CREATED]
        assert engine.system.report().number == report.number + 1


def test_an_embedded_engine_is_not_stopped_by_its_own_operation() -> None:
    with Engine() as engine, pytest.raises(EngineStateError, match="embedded"):
        engine.system.stop()


def test_reports_are_watched_until_closed(maker: Maker) -> None:
    with engine_of(maker.row("one")) as engine:
        stream = engine.system.watch(interval=0.1)
        first, second = next(stream), next(stream)
        assert second.number > first.number
        stream.close()
        assert list(stream) == []


def test_events_of_one_source_are_watched_alone(maker: Maker) -> None:
    with engine_of(maker.row("one")) as engine:
        stream = engine.system.watch_events(source="one")
        engine.events.add("two", "x", "not this")
        engine.events.add("one", "x", "this")
        assert next(stream).message == "this"
        stream.close()
