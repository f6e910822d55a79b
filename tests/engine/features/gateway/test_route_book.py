"""Routes that come and go while the engine runs, and those that were there before it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import DataDirectoryError, InvalidConfig
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context, State
from abi_engine.features.gateway.api import (
    InvalidRoute,
    Route,
    RouteExists,
    RouteNotFound,
    RouteOrigin,
    TooManyRoutes,
    UpstreamTls,
)
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.features.gateway.route_file import FILE_NAME
from tests.engine.features.gateway.made_gateway import UPSTREAM, MadeGateway, route

ACKNOWLEDGED = 40
TABLE = "[[routes]]\npath = '{}'\nupstreams = ['http://h']\n"


def paths(made: MadeGateway) -> list[str]:
    return [one.path for one in made.gateway.routes()]


def test_a_route_is_found_when_adding_it_has_returned() -> None:
    made = MadeGateway()
    made.gateway.add_route(route("/a/{id}"))
    match = made.gateway.match_route("/a/7")
    assert match is not None
    assert match.params == {"id": "7"}


def test_a_route_outlives_the_engine(tmp_path: Path) -> None:
    added = route("/a", "GET", strip_prefix="/a")
    MadeGateway(data_dir=tmp_path).gateway.add_route(added)
    again = MadeGateway(data_dir=tmp_path)
    assert again.gateway.routes() == (added,)
    assert again.gateway.route_stats().rows[0].origin is RouteOrigin.RUNTIME


def test_a_removed_route_stays_gone(tmp_path: Path) -> None:
    made = MadeGateway(data_dir=tmp_path)
    for path in ("/a", "/b"):
        made.gateway.add_route(route(path))
    assert made.gateway.remove_route("/a")
    assert not made.gateway.remove_route("/a")
    assert paths(MadeGateway(data_dir=tmp_path)) == ["/b"]


def test_a_method_that_was_removed_stays_gone_and_the_others_stay(tmp_path: Path) -> None:
    made = MadeGateway(data_dir=tmp_path)
    made.gateway.add_route(route("/a", "GET", "POST"))
    assert made.gateway.remove_route("/a", "POST")
    assert not made.gateway.remove_route("/a", "PUT")
    again = MadeGateway(data_dir=tmp_path)
    assert [one.methods for one in again.gateway.routes()] == [("GET",)]


def test_a_configured_route_comes_back_with_the_next_start(tmp_path: Path) -> None:
    made = MadeGateway(route("/a"), data_dir=tmp_path)
    assert made.gateway.remove_route("/a")
    assert paths(made) == []
    again = MadeGateway(route("/a"), data_dir=tmp_path)
    assert again.gateway.route_stats().rows[0].origin is RouteOrigin.CONFIG


def test_the_configuration_wins_over_the_file_and_says_so(tmp_path: Path) -> None:
    MadeGateway(data_dir=tmp_path).gateway.add_route(route("/a/{id}", "GET", max_body=1))
    made = MadeGateway(route("/a/{name}", max_body=2), data_dir=tmp_path)
    (kept,) = made.gateway.routes()
    assert kept.max_body == 2
    (event,) = made.told("route_shadowed")
    assert event.subject == "/a/{id}"


def test_a_shadowed_route_waits_in_the_file(tmp_path: Path) -> None:
    MadeGateway(data_dir=tmp_path).gateway.add_route(route("/a", max_body=1))
    shadowing = MadeGateway(route("/a", max_body=2), data_dir=tmp_path)
    shadowing.gateway.add_route(route("/b"))
    later = MadeGateway(data_dir=tmp_path)
    assert [one.max_body for one in later.gateway.routes()] == [1, route("/b").max_body]


def test_removing_takes_a_shadowed_route_too(tmp_path: Path) -> None:
    MadeGateway(data_dir=tmp_path).gateway.add_route(route("/a"))
    MadeGateway(route("/a"), data_dir=tmp_path).gateway.remove_route("/a")
    assert paths(MadeGateway(data_dir=tmp_path)) == []


def test_a_route_that_cannot_be_saved_is_not_added(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    made = MadeGateway(data_dir=directory)
    made.gateway.add_route(route("/a"))
    directory.rename(tmp_path / "elsewhere")
    with pytest.raises(DataDirectoryError):
        made.gateway.add_route(route("/b"))
    with pytest.raises(DataDirectoryError):
        made.gateway.remove_route("/a")
    assert paths(made) == ["/a"]
    assert made.gateway.match_route("/a") is not None
    assert made.gateway.match_route("/b") is None


def test_without_a_data_directory_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = MadeGateway()
    made.gateway.add_route(route("/a"))
    made.gateway.remove_route("/a")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TABLE.format('/ok')}{TABLE.format('/a//b')}", ":4:"),
        (f"{TABLE.format('/a')}\n{TABLE.format('/a')}", ":5: route '/a': there is one"),
        (TABLE.format("/a").replace("http", "ftp"), ":1:"),
        ("[[routes]\n", ":1:"),
    ],
)
def test_a_file_that_cannot_be_used_fails_the_start_and_stays(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(InvalidConfig) as caught:
        MadeGateway(data_dir=tmp_path)
    assert words in caught.value.message
    assert caught.value.hint
    assert (tmp_path / FILE_NAME).read_text() == text


def test_a_start_that_failed_leaves_nothing_for_the_next(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    file.write_text("[[routes]]\npath = '/b'\nupstreams = ['http://h']\n[[routes]]\n")
    clock = ManualClock()
    context = Context(clock, EventLog(clock), tmp_path)
    gateway = Gateway(GatewayConfig(routes=(route("/a"),)), context)
    for _ in range(2):
        with pytest.raises(InvalidConfig):
            gateway.start()
        assert gateway.state is State.FAILED
        assert (gateway.routes(), gateway.stats().upstreams) == ((), 0)
    file.unlink()
    gateway.start()
    assert [one.path for one in gateway.routes()] == ["/a"]


def test_a_gateway_that_starts_again_has_its_routes_once(tmp_path: Path) -> None:
    made = MadeGateway(route("/a"), data_dir=tmp_path)
    made.gateway.add_route(route("/b"))
    made.gateway.stop(1)
    made.gateway.start()
    assert paths(made) == ["/a", "/b"]


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ((Route("a", (UPSTREAM,)),), r"gateway.routes\[0\]"),
        ((route("/a"), route("/b", upstreams=("ftp://h",))), r"gateway.routes\[1\]"),
        ((route("/a"), route("/a")), r"gateway.routes\[1\]: route '/a': there is one"),
    ],
)
def test_a_bad_route_of_the_configuration_fails_the_start(
    routes: tuple[Route, ...], words: str
) -> None:
    with pytest.raises(InvalidConfig, match=words):
        MadeGateway(*routes)


def test_there_are_no_more_routes_than_allowed(tmp_path: Path) -> None:
    made = MadeGateway(route("/a"), max_routes=2, data_dir=tmp_path)
    made.gateway.add_route(route("/b"))
    with pytest.raises(TooManyRoutes, match="max_routes = 2"):
        made.gateway.add_route(route("/c"))
    with pytest.raises(InvalidConfig, match=r"routes\.toml:3: .*max_routes = 1"):
        MadeGateway(route("/a"), max_routes=1, data_dir=tmp_path)
    assert paths(MadeGateway(max_routes=1, data_dir=tmp_path)) == ["/b"]


def test_what_is_there_already_is_not_added_again() -> None:
    made = MadeGateway(route("/a", "GET"), route("/u/{id}"))
    with pytest.raises(RouteExists, match="for GET"):
        made.gateway.add_route(route("/a", "POST", "GET"))
    with pytest.raises(InvalidRoute, match="conflicts"):
        made.gateway.add_route(route("/u/{name}"))
    made.gateway.add_route(route("/a", "POST"))
    made.gateway.add_route(route("/a"))


def test_every_change_is_told() -> None:
    made = MadeGateway()
    made.gateway.add_route(route("/a", "GET"))
    made.gateway.set_route_enabled("/a", None, False)
    made.gateway.set_route_enabled("/a", None, False)
    made.gateway.set_route_enabled("/a", "GET", True)
    made.gateway.remove_route("/a")
    kinds = [event.kind for event in reversed(made.events.latest())]
    assert kinds == ["route_added", "route_disabled", "route_enabled", "route_removed"]
    assert all(event.subject == "/a" for event in made.events.latest())
    assert made.events.latest()[-1].message == "route GET /a added"


def test_a_route_for_any_method_is_told_by_its_path_alone() -> None:
    made = MadeGateway()
    made.gateway.add_route(route("/a"))
    assert [event.message for event in made.events.latest()] == ["route /a added"]


def test_switching_off_does_not_last(tmp_path: Path) -> None:
    made = MadeGateway(data_dir=tmp_path)
    made.gateway.add_route(route("/a"))
    made.gateway.set_route_enabled("/a", None, False)
    made.gateway.add_route(route("/b"))
    assert [row.enabled for row in made.gateway.route_stats().rows] == [False, True]
    again = MadeGateway(data_dir=tmp_path)
    assert [row.enabled for row in again.gateway.route_stats().rows] == [True, True]


def test_what_is_not_there_cannot_be_switched() -> None:
    made = MadeGateway(route("/a", "GET"))
    for path, method in (("/b", None), ("/a", "POST")):
        with pytest.raises(RouteNotFound):
            made.gateway.set_route_enabled(path, method, False)


def test_upstreams_go_with_their_last_route() -> None:
    made = MadeGateway()
    made.gateway.add_route(route("/a", "GET", "POST", upstreams=("http://h:1", "http://h:2")))
    made.gateway.add_route(route("/b", upstreams=("http://h:2/x",)))
    assert [one.routes for one in made.gateway.breakers()] == [1, 2]
    made.gateway.remove_route("/a", "GET")
    assert made.gateway.stats().upstreams == 2
    made.gateway.remove_route("/a")
    assert [one.upstream for one in made.gateway.breakers()] == ["http://h:2"]


ADDER = """
import sys
from pathlib import Path
from tests.engine.features.gateway.made_gateway import MadeGateway, route
made = MadeGateway(data_dir=Path(sys.argv[1]))
for number in range(100_000):
    made.gateway.add_route(route(f"/r/{number}"))
    print(number, flush=True)
"""


def test_every_acknowledged_route_survives_a_kill(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ADDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path.cwd(),
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as process:
        assert process.stdout is not None
        acknowledged = -1
        while acknowledged < ACKNOWLEDGED:
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait(30)
    last = int(rest[-1]) if rest else acknowledged
    found = set(paths(MadeGateway(data_dir=tmp_path)))
    assert {f"/r/{number}" for number in range(last + 1)} <= found
    assert len(found) <= last + 2


def test_what_https_upstreams_were_spoken_to_with_is_forgotten_with_their_last_route() -> None:
    made = MadeGateway()
    contexts = made.gateway._outward.contexts
    named = [UpstreamTls(server_name=f"{name}.test") for name in "abc"]
    for number, settings in enumerate((*named, named[0])):
        secured = Route(f"/{number}", ("https://127.0.0.1:1",), upstream_tls=settings)
        made.gateway.add_route(secured)
    made.gateway.remove_route("/0")
    assert contexts.get(named[0]) is not None, "another route uses it"
    for number in range(1, 4):
        made.gateway.remove_route(f"/{number}")
    assert [contexts.get(settings) for settings in named] == [None] * 3
