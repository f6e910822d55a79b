"""The configuration, read again while the engine serves: what is applied, refused, and said."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abi_engine.catalogue import Catalogue
from abi_engine.config import EngineConfig, load
from abi_engine.core.errors import EngineStateError, InvalidConfig
from abi_engine.core.feature import Feature
from abi_engine.engine import Engine
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import RELOADABLE
from abi_engine.service.reload import reload
from tests.engine.made_features import Maker

NEEDS_RESTART = {"access_log", "host", "listen", "port", "reuse_port", "server_name", "workers"}

ROUTE = """
[[gateway.routes]]
path = "{path}"
upstreams = ["http://127.0.0.1:9"]
"""


class Reloading:
    """An engine that was given a file, and the file."""

    def __init__(self, file: Path, catalogue: Catalogue | None = None) -> None:
        self.file = file
        self.flags = {"gateway.listen": "false", "service.admin": "false"}
        self.options: dict[str, Any] = {} if catalogue is None else {"catalogue": catalogue}
        self.engine = Engine(
            self.read(), reloader=lambda engine: reload(engine, self.read), **self.options
        )

    def read(self) -> EngineConfig:
        flags = {} if self.options else self.flags
        data_dir = self.file.parent / "data"
        return load(self.file, environ={}, flags=flags, data_dir=data_dir, **self.options)

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.engine.events.latest(100)]


@pytest.fixture
def reloading(tmp_path: Path) -> Iterator[Reloading]:
    level = logging.getLogger("abi_engine").level
    file = tmp_path / "abi.toml"
    file.write_text(ROUTE.format(path="/a"))
    reloading = Reloading(file)
    with reloading.engine as engine:
        engine.gateway.stats()  # it runs from now on
        yield reloading
    logging.getLogger("abi_engine").setLevel(level)


def test_a_route_of_the_file_comes_and_another_goes(reloading: Reloading) -> None:
    gateway = reloading.engine.gateway
    assert [route.path for route in gateway.routes()] == ["/a"]
    reloading.write(ROUTE.format(path="/b"))
    report = reloading.engine.system.reload()
    assert (report.changed, report.needs_restart) == (("gateway.routes",), ())
    assert report.file == str(reloading.file)
    assert [route.path for route in gateway.routes()] == ["/b"]
    assert {"route_added", "route_removed", "reloaded"} <= set(reloading.kinds())


def test_what_has_not_changed_is_not_touched(reloading: Reloading) -> None:
    engine = reloading.engine
    engine.gateway.record_upstream_result("http://127.0.0.1:9", ok=False)
    before = engine.gateway._table.get("/a")
    report = engine.system.reload()
    assert (report.changed, report.needs_restart) == ((), ())
    assert engine.gateway._table.get("/a") is before
    assert engine.gateway.breakers()[0].breaker.failures == 1
    assert "nothing has changed" in engine.events.latest(1)[0].message


def test_settings_that_need_a_restart_are_named_and_stay_as_they_are(reloading: Reloading) -> None:
    reloading.write("[gateway]\nport = 8181\npool_size = 7\n[service]\nadmin_port = 1\n")
    report = reloading.engine.system.reload()
    assert report.needs_restart == ("service.admin_port", "gateway.port")
    assert "gateway.pool_size" in report.changed
    settings = {one.key: one for one in reloading.engine.system.settings()}
    assert settings["gateway.port"].value == 8080
    assert settings["gateway.port"].origin == "default"
    assert settings["gateway.pool_size"].value == 7
    assert str(reloading.file) in settings["gateway.pool_size"].origin
    message = reloading.engine.events.latest(1)[0].message
    assert message.endswith("a restart is needed for service.admin_port, gateway.port")
    again = reloading.engine.system.reload()
    assert again.needs_restart == report.needs_restart, "it is said for as long as it is so"
    assert again.changed == ()


def test_every_setting_of_the_gateway_is_applied_or_needs_a_restart() -> None:
    names = {field.name for field in msgspec.structs.fields(GatewayConfig)}
    assert names == RELOADABLE | NEEDS_RESTART
    assert not RELOADABLE & NEEDS_RESTART


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gateway]\nprt = 1\n", "unknown setting 'gateway.prt'"),
        ("[gateway\n", "abi.toml"),
        (ROUTE.format(path="/a") + ROUTE.format(path="/a"), r"gateway\.routes\[1\]"),
        ("[gateway]\nmax_routes = 1\n" + ROUTE.format(path="/a") + ROUTE.format(path="/b"), "max"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_and_said(
    reloading: Reloading, text: str, words: str
) -> None:
    engine = reloading.engine
    before = engine.config
    reloading.write(text)
    with pytest.raises(InvalidConfig, match=words):
        engine.system.reload()
    assert engine.config is before
    assert [route.path for route in engine.gateway.routes()] == ["/a"]
    event = engine.events.latest(1)[0]
    assert (event.kind, event.severity) == ("reload_refused", "error")
    assert "the old one holds" in event.message


def test_a_file_that_is_gone_is_refused_with_its_name(reloading: Reloading) -> None:
    reloading.file.unlink()
    with pytest.raises(InvalidConfig, match=r"abi\.toml"):
        reloading.engine.system.reload()


def test_the_level_of_the_log_changes(reloading: Reloading) -> None:
    reloading.write("[engine]\nlog_level = 'error'\n")
    assert "engine.log_level" in reloading.engine.system.reload().changed
    assert logging.getLogger("abi_engine").level == logging.ERROR


def test_a_feature_that_is_switched_needs_a_restart(reloading: Reloading) -> None:
    reloading.write("[features]\ngateway = false\n")
    assert "features.gateway" in reloading.engine.system.reload().needs_restart
    assert reloading.engine.enabled("gateway")


def test_sections_of_other_programs_are_not_its_business(tmp_path: Path) -> None:
    class Other(msgspec.Struct, frozen=True):
        theme: str = "dark"

    file = tmp_path / "abi.toml"

    def read() -> EngineConfig:
        return load(file, environ={}, data_dir=tmp_path, sections={"dashboard": Other})

    file.write_text("")
    with Engine(read(), reloader=lambda engine: reload(engine, read)) as engine:
        file.write_text("[dashboard]\ntheme = 'light'\n")
        report = engine.system.reload()
    assert (report.changed, report.needs_restart) == ((), ())


def test_an_embedded_engine_has_nothing_to_read_again() -> None:
    with Engine() as engine, pytest.raises(EngineStateError, match="embedded"):
        engine.system.reload()


def test_an_engine_that_was_stopped_does_not_reload(reloading: Reloading) -> None:
    reloading.engine.stop()
    with pytest.raises(EngineStateError, match="stopped"):
        reloading.engine.system.reload()


def test_where_one_feature_refuses_the_others_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(monkeypatch)
    catalogue = (maker.row("first"), maker.row("second"))
    file = tmp_path / "abi.toml"
    file.write_text("")
    reloading = Reloading(file, catalogue)
    given: list[tuple[bool, int]] = []

    def reconfigure(feature: Feature, config: Any) -> None:
        is_second = feature is reloading.engine.second
        given.append((is_second, config.size))
        if is_second and config.size > 3:
            raise InvalidConfig("too much")

    with reloading.engine as engine:
        kind = type(engine.first)
        assert kind.reloadable == frozenset()
        for feature in (engine.first, engine.second):
            monkeypatch.setattr(type(feature), "reloadable", frozenset({"size"}))
            monkeypatch.setattr(type(feature), "_reconfigure", reconfigure)
        file.write_text("[first]\nsize = 5\n[second]\nsize = 6\n")
        with pytest.raises(InvalidConfig, match="too much"):
            engine.system.reload()
    assert given == [(False, 5), (True, 6), (False, 3)], "the first goes back to what it had"


def test_a_feature_says_by_itself_that_it_takes_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "abi.toml"
    file.write_text("")
    reloading = Reloading(file, (Maker(monkeypatch).row("first"),))
    with reloading.engine as engine:
        file.write_text("[first]\nsize = 5\n")
        assert engine.system.reload().changed == ("first.size",), "it has not been started"
        assert engine.first is not None
        file.write_text("[first]\nsize = 6\n")
        assert engine.system.reload().needs_restart == ("first.size",)


def test_a_pipe_is_not_waited_for(reloading: Reloading) -> None:
    reloading.file.unlink()
    os.mkfifo(reloading.file)
    with pytest.raises(InvalidConfig, match="no file that can be read again"):
        reloading.engine.system.reload()
    assert "reload_refused" in reloading.kinds()


def test_a_feature_that_is_first_used_during_a_reload_has_the_new_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(monkeypatch)
    file = tmp_path / "abi.toml"
    file.write_text("")
    reloading = Reloading(file, (maker.row("first"), maker.row("second")))
    given: list[int] = []

    def reconfigure(feature: Feature, config: Any) -> None:
        if feature is reloading.engine.first:
            assert reloading.engine.second is not None  # somebody uses it just now
        else:
            given.append(config.size)

    with reloading.engine as engine:
        monkeypatch.setattr(type(engine.first), "reloadable", frozenset({"size"}))
        monkeypatch.setattr(Feature, "_reconfigure", reconfigure)
        file.write_text("[first]\nsize = 5\n[second]\nsize = 6\n")
        engine.system.reload()
    assert given == [6]
