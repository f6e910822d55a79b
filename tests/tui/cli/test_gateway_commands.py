from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route, RouteLimit
from abi_engine.runtime.breaker import BreakerState
from abi_tui.cli import watching
from abi_tui.cli.exits import Exit
from abi_tui.cli.output import Answer, document, write
from tests.tui.cli.conftest import Call

UPSTREAM = "http://127.0.0.1:9"


@pytest.fixture
def gateway(engine: Engine) -> Engine:
    """The served engine with two routes to an upstream that nobody is."""
    engine.gateway.add_route(Route("/users/{id}", (UPSTREAM,)))
    engine.gateway.add_route(Route("/files/*", (UPSTREAM,), methods=("GET",)))
    return engine


def _routes(engine: Engine) -> list[str]:
    return [route.path for route in engine.gateway.routes()]


# routes


def test_the_list_has_a_row_for_each_route(abi: Call, gateway: Engine) -> None:
    lines = abi("gateway", "routes", "list").out.splitlines()
    assert " ".join(lines[0].split()) == "breaker route req/s p50 ms p99 ms err % limit"
    assert "/files/* GET" in lines[1]
    assert lines[2].startswith("● ok")


def test_the_group_alone_is_its_list(abi: Call, gateway: Engine) -> None:
    assert (
        abi("gateway", "routes", "--json").data == abi("gateway", "routes", "list", "--json").data
    )


def test_the_list_is_filtered_and_cut_in_the_engine(abi: Call, gateway: Engine) -> None:
    said = abi("gateway", "routes", "list", "--filter", "usr", "--json")
    assert [row["path"] for row in said.data] == ["/users/{id}"]
    said = abi("gateway", "routes", "list", "--limit", "1", "--json")
    assert len(said.data) == 1
    assert said.err == "abi: 1 of 2 shown: --limit 2 shows the rest\n"


def test_a_route_is_added_for_good(abi: Call, engine: Engine) -> None:
    said = abi(
        "gateway", "routes", "add", "/x/{id}", "http://127.0.0.1:1", "http://127.0.0.1:2",
        "-X", "get", "--weight", "3", "--weight", "1", "--rate", "5", "--burst", "7",
        "--strip-prefix", "/x", "--total-timeout", "9", "--max-body", "100", "--preserve-host",
    )  # fmt: skip
    assert said.code == Exit.DONE, said.err
    assert "abi gateway routes remove '/x/{id}' --method GET" in said.err
    (route,) = engine.gateway.routes()
    assert route.methods == ("GET",)
    assert route.weights == (3, 1)
    assert route.balance == "weighted"
    assert route.limit is not None
    assert (route.limit.rate, route.limit.burst) == (5.0, 7)
    assert route.timeouts.total == 9.0
    assert route.timeouts.connect == 5.0
    assert (route.strip_prefix, route.max_body, route.preserve_host) == ("/x", 100, True)


def test_a_route_without_a_limit_has_none(abi: Call, engine: Engine) -> None:
    assert abi("gateway", "routes", "add", "/x", UPSTREAM, "--no-limit").code == 0
    assert engine.gateway.limits() == ()


def test_routes_come_from_standard_input_as_json(
    abi: Call, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = [{"path": "/a", "upstreams": [UPSTREAM]}, {"path": "/b", "upstreams": [UPSTREAM]}]
    _feed(monkeypatch, json.dumps(routes))
    assert abi("gateway", "routes", "add", "-").code == 0
    assert _routes(engine) == ["/a", "/b"]


def test_of_a_list_with_one_bad_route_none_is_added(
    abi: Call, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = [{"path": "/a", "upstreams": [UPSTREAM]}, {"path": "b", "upstreams": [UPSTREAM]}]
    _feed(monkeypatch, json.dumps(routes))
    assert abi("gateway", "routes", "add", "-").code == Exit.USAGE
    assert _routes(engine) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "standard input is no JSON"),
        pytest.param("[" * 100_000, "standard input is no JSON", id="nested too deeply"),
        (" \n", "standard input is empty: it takes a route in JSON, or a list of routes"),
        ("[]", "standard input has no route"),
        ('{"path": 1, "upstreams": []}', "route path: 1: expected text, got a whole number"),
        ('{"path": "/x"}', "route: upstreams is missing"),
        ('{"path": "/x", "upstreams": [], "pth": 1}', "unknown key 'pth'"),
        ('[{"path": "/x", "upstreams": ["u"], "limit": {"rate": -1}}]', "limit.rate: -1"),
    ],
)
def test_standard_input_that_is_no_route_is_said(
    abi: Call, engine: Engine, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    _feed(monkeypatch, text)
    said = abi("gateway", "routes", "add", "-")
    assert said.code == Exit.USAGE
    assert words in said.err


def _feed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("/x",), Exit.USAGE, "URL is missing"),
        (("x", UPSTREAM), Exit.USAGE, "x"),
        (("/x", "ftp://host"), Exit.USAGE, "ftp"),
        (("/x", UPSTREAM, "--rate", "-1"), Exit.USAGE, "--rate: -1.0 is not above 0"),
        (("/x", UPSTREAM, "--rate", "1", "--no-limit"), Exit.USAGE, "--no-limit excludes"),
        (("/x", UPSTREAM, "--balance", "fair"), Exit.USAGE, "'fair' is not one of"),
        (("-", UPSTREAM), Exit.USAGE, "no URL or option beside them"),
        (("-", "--rate", "1"), Exit.USAGE, "no URL or option beside them"),
        (("/users/{id}", UPSTREAM), Exit.FAILED, "/users/{id}"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_wrong_route_is_refused_in_a_dry_run_as_well(
    abi: Call,
    gateway: Engine,
    words: tuple[str, ...],
    code: Exit,
    message: str,
    dry_run: bool,
) -> None:
    before = gateway.gateway.routes()
    said = abi("gateway", "routes", "add", *words, *(("--dry-run",) if dry_run else ()))
    assert said.code == code
    assert message in said.err
    assert said.err.count("\n") == 1
    assert gateway.gateway.routes() == before


def test_a_dry_run_adds_nothing(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "routes", "add", "/x", UPSTREAM, "--dry-run")
    assert said.out == f"would  add the route /x to {UPSTREAM}\n"
    assert _routes(engine) == []


def test_one_route_has_its_detail(abi: Call, gateway: Engine) -> None:
    out = abi("gateway", "routes", "show", "/users/{id}").out
    labels = [text.split("  ")[0] for text in out.splitlines()]
    order = ["upstream", "breaker", "failures", "refused", "trials left", "next try in"]
    assert labels[:6] == order
    assert labels[-1] == "last hit"
    said = abi("gateway", "routes", "show", "/files/*", "--method", "GET", "--json")
    assert said.data["route"]["methods"] == ["GET"]


@pytest.mark.parametrize("verb", ["show", "remove", "enable", "disable"])
def test_a_route_that_is_not_there_gets_the_nearest_one(
    abi: Call, gateway: Engine, verb: str
) -> None:
    said = abi("gateway", "routes", verb, "/user/{id}", "--yes")
    assert said.code == Exit.NOT_FOUND
    assert "did you mean '/users/{id}'? (abi gateway routes list)" in said.err


def test_a_route_is_removed_after_a_yes_alone(abi: Call, gateway: Engine) -> None:
    assert abi("gateway", "routes", "remove", "/users/{id}").code == Exit.USAGE
    said = abi("gateway", "routes", "remove", "/users/{id}", "--dry-run")
    assert said.out == "would  remove the route /users/{id} (runtime)\n"
    assert len(_routes(gateway)) == 2
    assert abi("gateway", "routes", "remove", "/users/{id}", "--yes").code == Exit.DONE
    assert _routes(gateway) == ["/files/*"]


def test_a_route_is_switched_off_and_on_with_the_way_back(abi: Call, gateway: Engine) -> None:
    said = abi("gateway", "routes", "disable", "/files/*", "-X", "get")
    assert said.err == "abi: undo: abi gateway routes enable '/files/*' --method get\n"
    assert not gateway.gateway.route_detail("/files/*").stats.enabled
    assert "– off" in abi("gateway", "routes", "list").out
    assert abi("gateway", "routes", "enable", "/files/*").code == Exit.DONE
    assert gateway.gateway.route_detail("/files/*").stats.enabled


# breakers


def test_a_breaker_is_held_open_released_and_reset(abi: Call, gateway: Engine) -> None:
    said = abi("gateway", "breakers", "force", UPSTREAM, "open")
    assert said.out == f"done  hold the breaker of {UPSTREAM} open (closed before)\n"
    assert said.err == f"abi: undo: abi gateway breakers force {UPSTREAM} release\n"
    assert gateway.gateway.breaker_state(UPSTREAM) is BreakerState.OPEN
    assert "○ OPEN held" in abi("gateway", "breakers", "list").out
    assert abi("gateway", "breakers", "force", UPSTREAM, "release").code == 0
    assert gateway.gateway.breaker_state(UPSTREAM) is BreakerState.CLOSED
    abi("gateway", "breakers", "force", UPSTREAM, "open")
    assert abi("gateway", "breakers", "reset", UPSTREAM).code == 0
    assert gateway.gateway.breaker_state(UPSTREAM) is BreakerState.CLOSED


@pytest.mark.parametrize("words", [("reset",), ("force", "open"), ("show",)])
def test_an_upstream_that_is_not_there_gets_the_nearest_one(
    abi: Call, gateway: Engine, words: tuple[str, ...]
) -> None:
    verb, *state = words
    said = abi("gateway", "breakers", verb, "http://127.0.0.1:8", *state)
    assert said.code == Exit.NOT_FOUND
    assert f"did you mean '{UPSTREAM}'? (abi gateway breakers list)" in said.err


@pytest.mark.parametrize("words", [("reset",), ("force", "open")])
def test_a_dry_run_leaves_the_breaker_alone(
    abi: Call, gateway: Engine, words: tuple[str, ...]
) -> None:
    verb, *state = words
    before = gateway.gateway.breakers()[0].breaker.trips_total
    said = abi("gateway", "breakers", verb, UPSTREAM, *state, "--dry-run")
    assert said.code == 0
    assert said.out.startswith("would  ")
    assert gateway.gateway.breakers()[0].breaker.trips_total == before


def test_a_breaker_hears_of_calls_made_elsewhere(abi: Call, gateway: Engine) -> None:
    for _ in range(5):
        assert abi("gateway", "breakers", "record", UPSTREAM, "failed").code == 0
    assert gateway.gateway.breaker_state(UPSTREAM) is BreakerState.OPEN
    said = abi("gateway", "breakers", "record", "http://127.0.0.1:8", "ok")
    assert said.code == Exit.NOT_FOUND
    assert f"did you mean '{UPSTREAM}'?" in said.err


def test_one_breaker_has_its_detail(abi: Call, gateway: Engine) -> None:
    said = abi("gateway", "breakers", "show", UPSTREAM, "--json")
    assert said.data["breaker"]["state"] == "closed"
    assert said.data["routes"] == 2


# traffic


def test_a_request_really_goes_through_the_gateway(
    abi: Call, engine: Engine, upstream: str
) -> None:
    engine.gateway.add_route(Route("/hello", (upstream,)))
    said = abi("gateway", "test", "/hello", "--json")
    assert said.code == Exit.DONE
    assert said.data["status"] == 200
    assert said.data["upstream"] == upstream
    assert engine.gateway.stats().traffic.status_2xx_total == 1


def test_an_answer_of_500_and_above_is_a_no(abi: Call, engine: Engine, upstream: str) -> None:
    engine.gateway.add_route(Route("/fail", (upstream,)))
    said = abi("gateway", "test", "/fail")
    assert said.code == Exit.FAILED
    assert said.out.startswith("status ")


def test_without_an_engine_nothing_can_be_sent(abi: Call) -> None:
    assert abi("gateway", "test", "/x").code == Exit.UNAVAILABLE


def test_a_limit_counts_a_client_and_says_no_when_it_is_enough(abi: Call, engine: Engine) -> None:
    limit = RouteLimit(rate=0.001, burst=2)
    engine.gateway.add_route(Route("/x", (UPSTREAM,), limit=limit))
    codes = [abi("gateway", "check", "/x", "me").code for _ in range(3)]
    assert codes == [Exit.DONE, Exit.DONE, Exit.FAILED]
    assert abi("gateway", "check", "/x", "you", "--json").data["remaining"] == 1
    assert "did you mean '/x'?" in abi("gateway", "check", "/xx", "me").err


def test_a_path_leads_to_its_route(abi: Call, gateway: Engine) -> None:
    said = abi("gateway", "match", "/users/7", "--json")
    assert said.data["params"] == {"id": "7"}
    assert abi("gateway", "match", "/nope").code == Exit.NOT_FOUND
    assert abi("gateway", "match", "/files/x", "-X", "POST").code == Exit.NOT_FOUND


def test_limits_and_stats_tell_of_the_same_gateway(abi: Call, gateway: Engine) -> None:
    assert {row["path"] for row in abi("gateway", "limits", "--json").data} == {
        "/users/{id}",
        "/files/*",
    }
    said = abi("gateway", "limits", "--limit", "1", "--json")
    assert len(said.data) == 1
    assert "--limit shows more" in said.err
    assert abi("gateway", "stats", "--json").data["routes"] == 2


def test_events_of_the_gateway_are_its_own(abi: Call, gateway: Engine) -> None:
    assert {row["source"] for row in abi("gateway", "events", "--json").data} == {"gateway"}


@pytest.mark.parametrize("words", [("routes", "list"), ("breakers", "list"), ("stats",)])
def test_the_past_is_shown_as_it_was_recorded(
    abi: Call, engine: Engine, words: tuple[str, ...]
) -> None:
    engine.system.recorder.add(engine.system.report())
    engine.gateway.add_route(Route("/later", (UPSTREAM,)))
    at = engine.clock.time() + 1
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    said = abi("gateway", *words, "--at", moment, "--json")
    assert said.code == 0, said.err
    assert "/later" not in said.out
    assert abi("gateway", *words, "--at", "-9d").code == Exit.NOT_FOUND


@pytest.mark.parametrize(
    "words",
    [
        ("routes", "list", "--watch"),
        ("breakers", "list", "--watch"),
        ("limits", "--watch"),
        ("stats", "--watch"),
        ("watch",),
    ],
)
def test_watching_shows_until_it_is_interrupted(
    abi: Call, gateway: Engine, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def interrupt(_: object, answer: Callable[[], Answer]) -> None:
        write(f"{document(answer(), indent=None)}\n" * 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "every_second", interrupt)
    said = abi("gateway", *words)
    assert said.code == Exit.INTERRUPTED
    assert said.err == ""
    assert len(said.out.splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("watch",),
        ("routes", "list", "--watch"),
        ("stats", "--at", "-5m"),
        ("events",),
    ],
)
def test_what_only_a_running_engine_has_needs_one(abi: Call, words: tuple[str, ...]) -> None:
    said = abi("gateway", *words)
    assert said.code == Exit.UNAVAILABLE
    assert "(abi serve)" in said.err


# without an engine


def test_routes_are_kept_for_the_next_engine(abi: Call) -> None:
    assert abi("gateway", "routes", "add", "/x", UPSTREAM).code == 0
    assert abi("gateway", "routes", "add", "/x", UPSTREAM).code == Exit.FAILED
    said = abi("gateway", "routes", "list", "--json")
    assert [row["path"] for row in said.data] == ["/x"]
    assert said.err == "abi: no engine runs, so there is no traffic to tell of (abi serve)\n"


def test_a_change_that_ends_with_the_command_says_so(abi: Call) -> None:
    abi("gateway", "routes", "add", "/x", UPSTREAM)
    said = abi("gateway", "breakers", "force", UPSTREAM, "open")
    assert "abi: warning: no engine runs, so the change ends with this command (abi serve)" in (
        said.err.splitlines()
    )
    assert "warning" not in abi("gateway", "routes", "disable", "/x", "--dry-run").err


def test_a_feature_that_is_off_is_unavailable_with_its_flag(abi: Call) -> None:
    said = abi("gateway", "stats", "--disable", "gateway", "--json")
    assert said.code == Exit.UNAVAILABLE
    assert said.error["code"] == "feature_disabled"
    assert said.error["details"] == {"flag": "features.gateway"}


def test_flags_that_a_running_engine_does_not_hear_are_said(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "stats", "--disable", "gateway")
    assert said.code == 0
    assert "features.gateway: the running engine has its own settings" in said.err


def test_another_engine_is_reached_by_its_socket(
    abi: Call, gateway: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("ABI_DATA_DIR", str(tmp_path))
    assert abi("gateway", "routes", "--attach", gateway.socket, "--json").data
    said = abi("gateway", "routes", "--attach", "/nowhere.sock")
    assert said.code == Exit.UNAVAILABLE
    assert "no engine answers on /nowhere.sock" in said.err
