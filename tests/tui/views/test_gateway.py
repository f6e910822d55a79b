from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.api import (
    LimitBy,
    LimitStats,
    Match,
    Route,
    RouteLimit,
    RoutePage,
    TestAnswer,
    Timeouts,
)
from abi_engine.runtime.breaker import BreakerState
from abi_engine.runtime.limiter import LimitKind
from abi_tui.views import gateway, gateway_details
from abi_tui.views.detail import Detail
from abi_tui.views.route_settings import route_settings
from abi_tui.views.table import Cell, Tone
from tests.tui.views.reports import (
    NOW,
    OPENED,
    breaker,
    detail,
    gateway_report,
    gateway_stats,
    route,
    upstream,
)

OPEN, HALF, CLOSED = BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED


def _texts(row: tuple[Cell, ...]) -> list[str]:
    return [cell.text for cell in row]


def _line(found: Detail, label: str) -> str:
    return next(line.cell.text for line in found.lines if line.label == label)


# routes


def test_a_route_has_the_columns_of_the_look() -> None:
    table = gateway.routes_table(RoutePage(1, 1, (route(),)))
    titles = [column.title for column in table.columns]
    assert titles == ["breaker", "route", "req/s", "p50 ms", "p99 ms", "err %", "limit"]
    assert [column.right for column in table.columns] == [False, False, *[True] * 4, False]
    assert _texts(table.rows[0]) == [
        "● ok",
        "/users/{id}",
        "1 117",
        "1.2",
        "15.4",
        "12.5",
        "token 100/s",
    ]


def test_methods_stand_beside_the_route_where_not_any_will_do() -> None:
    table = gateway.routes_table(RoutePage(1, 1, (route(methods=("GET", "HEAD")),)))
    assert table.rows[0][1].text == "/users/{id} GET,HEAD"
    assert table.keys == ("GET /users/{id}",)


def test_the_total_is_what_the_filter_lets_through() -> None:
    assert gateway.routes_table(RoutePage(100, 40, (route(),))).total == 40


def test_an_empty_list_says_why() -> None:
    assert "abi gateway routes add" in gateway.routes_table(RoutePage(0, 0, ())).empty
    assert "filter" in gateway.routes_table(RoutePage(5, 0, ())).empty


@pytest.mark.parametrize(
    ("upstreams", "ok", "state", "enabled", "text", "tone"),
    [
        (1, 1, CLOSED, True, "● ok", Tone.OK),
        (3, 3, CLOSED, True, "● ok", Tone.OK),
        (3, 2, HALF, True, "◐ 2/3 ok", Tone.WARN),
        (3, 2, OPEN, True, "○ 2/3 ok", Tone.BAD),
        (3, 0, OPEN, True, "○ OPEN", Tone.BAD),
        (3, 2, CLOSED, True, "● 2/3 ok", Tone.WARN),
        (1, 0, CLOSED, True, "● 0/1 ok", Tone.WARN),
        (1, 0, HALF, True, "◐ half", Tone.WARN),
        (1, 1, CLOSED, False, "– off", Tone.DIM),
    ],
)
def test_a_route_shows_the_worst_of_its_breakers(
    upstreams: int, ok: int, state: BreakerState, enabled: bool, text: str, tone: Tone
) -> None:
    row = route(upstreams=upstreams, ok=ok, state=state, enabled=enabled)
    assert gateway.route_breaker_cell(row) == Cell(text, tone)


def test_the_states_differ_in_shape_word_and_capitals_before_colour() -> None:
    cells = [gateway.breaker_cell(state).text for state in (CLOSED, HALF, OPEN)]
    assert cells == ["● ok", "◐ half", "○ OPEN"]
    assert gateway.breaker_cell(OPEN, forced=True).text == "○ OPEN held"


@given(
    st.text(min_size=1).map(lambda text: f"/{text}"),
    st.lists(st.sampled_from(["GET", "POST", "PUT"]), max_size=3, unique=True).map(tuple),
)
def test_a_key_leads_back_to_its_route(path: str, methods: tuple[str, ...]) -> None:
    key = gateway.route_key(path, methods)
    assert gateway.split_route_key(key) == (path, methods[0] if methods else None)


# breakers and limits


def test_a_breaker_has_its_figures_in_its_row() -> None:
    held = breaker(OPEN, forced=True, next_try_in_s=8.4)
    assert _texts(gateway.breakers_table([upstream(held)]).rows[0]) == [
        "○ OPEN held",
        "http://up:9000",
        "12 s",
        "3/5",
        "8.4 s",
        "1 234",
        "2",
        "1 117",
        "15.4",
        "12.5",
        "3",
    ]


def test_a_limit_has_its_settings_in_its_row() -> None:
    token = LimitStats("/x", (), RouteLimit(rate=5.0, burst=7), 2, 1000, 30, 0.4)
    window = RouteLimit(kind=LimitKind.SLIDING_WINDOW, by=LimitBy.HEADER, header="X-Key", window=2)
    sliding = LimitStats("/y", ("GET",), window, 0, 0, 0, 0)
    first, second = gateway.limits_table([token, sliding]).rows
    assert _texts(first) == [
        "/x", "token bucket", "5", "7", "address", "2", "1 000", "30", "0.4",
    ]  # fmt: skip
    assert _texts(second)[:5] == ["/y GET", "sliding window 2 s", "100", "–", "header X-Key"]


# details


def test_the_detail_of_a_route_is_in_the_order_of_what_matters() -> None:
    found = gateway_details.route_detail(
        detail(upstream(breaker(OPEN, next_try_in_s=8.0, last=OPENED))), NOW
    )
    labels = [line.label for line in found.lines]
    order = ["breaker", "failures", "refused", "trials left", "next try in", "last change"]
    at = [labels.index(label) for label in (*order, "latency ms, last 60 s", "last hit")]
    assert at == sorted(at)
    assert _line(found, "breaker") == "○ OPEN for 12 s"
    assert _line(found, "failures") == "3 in a row, 5 open it; 4 of 50 calls in the window"
    assert _line(found, "refused") == "1 234 calls"
    assert _line(found, "next try in") == "8.0 s"
    assert _line(found, "last change") == "12:03:59  closed → open  5 consecutive failures"
    assert _line(found, "last hit") == "41 s ago"


def test_a_window_without_calls_is_not_told_of() -> None:
    quiet = upstream(breaker(window_failures=0, window_calls=0))
    found = gateway_details.breaker_detail(quiet, NOW)
    assert _line(found, "failures") == "3 in a row, 5 open it"


def test_failures_that_come_after_the_threshold_do_not_read_as_a_share_above_one() -> None:
    texts = [gateway.failures_text(breaker(failures=count)) for count in (0, 5, 6)]
    assert texts == ["0/5", "5/5", "5+"]


def test_trials_are_told_of_while_it_is_half_open_alone() -> None:
    half = breaker(HALF, trials_left=2, trials_in_flight=1)
    assert _line(gateway_details.breaker_detail(upstream(half), NOW), "trials left") == (
        "2, 1 in flight"
    )
    assert _line(gateway_details.breaker_detail(upstream(), NOW), "trials left") == "–"


def test_the_latency_bars_have_their_shares() -> None:
    found = gateway_details.route_detail(detail(), NOW)
    bars = [(line.label, line.cell.text, line.share) for line in found.lines if line.share]
    assert bars == [
        ("  ≤1", "61.0 %", 61.0),
        ("  ≤5", "30.0 %", 30.0),
        ("  >5", "9.0 %", 9.0),
    ]


def test_a_detail_ends_in_the_command_that_prints_it_ready_for_a_shell() -> None:
    found = gateway_details.route_detail(detail(stats=route("/a b/{id}", ("GET",))), NOW)
    words = ["abi", "gateway", "routes", "show", "/a b/{id}", "--method", "GET", "--json"]
    assert shlex.split(found.same_as) == words
    assert gateway_details.route_detail(detail(), NOW).same_as == (
        "abi gateway routes show '/users/{id}' --json"
    )


def test_many_upstreams_are_some_and_how_many_more() -> None:
    many = [upstream(name=f"http://up:{port}") for port in range(12)]
    found = gateway_details.route_detail(detail(*many), NOW)
    assert sum(line.label == "upstream" for line in found.lines) == 8
    assert "and 4 upstreams more" in [line.cell.text for line in found.lines]


def test_a_route_that_is_off_says_so_first() -> None:
    found = gateway_details.route_detail(detail(stats=route(enabled=False)), NOW)
    assert found.lines[0].cell == Cell("off: answers 503", Tone.WARN)


def test_what_was_set_of_a_route_is_told_and_defaults_are_not() -> None:
    assert list(route_settings(Route("/x", ("http://up",)))) == []
    changed = Route(
        "/x", ("http://up",), strip_prefix="/x", max_body=1024, timeouts=Timeouts(total=9.0)
    )
    lines = {line.label: line.cell.text for line in route_settings(changed)}
    assert lines == {
        "strip prefix": "/x",
        "max body": "1.0 KiB",
        "timeouts s": "connect 5  first byte 30  idle 60  total 9",
    }


def test_the_gateway_as_a_whole_has_its_breakers_in_words() -> None:
    stats = gateway_stats(breakers_open=1, breakers_half_open=1, breakers_closed=1)
    found = gateway_details.stats_detail(stats, NOW)
    cell = next(line.cell for line in found.lines if line.label == "breakers")
    assert cell == Cell("1 open  1 half  1 ok", Tone.BAD)


def test_what_is_wrong_is_said_worst_first() -> None:
    stats = gateway_stats(breakers_open=1, breakers_half_open=2)
    words = [cell.text for cell in gateway_details.trouble_cells(gateway_report(stats, "no port"))]
    assert words == ["▲ no port", "▲ 1 breaker open", "2 breakers half open"]
    assert gateway_details.trouble_cells(gateway_report()) == ()


def test_a_match_has_its_values() -> None:
    match = Match(Route("/u/{id}/*", ("http://up",)), {"id": "7"}, "a/b", "/u/7/a/b")
    found = gateway_details.match_detail(match, "/u/7//a/b", "GET")
    assert _line(found, "params") == "id = 7"
    assert _line(found, "rest") == "a/b"


@pytest.mark.parametrize(("status", "tone"), [(200, Tone.OK), (404, Tone.WARN), (503, Tone.BAD)])
def test_an_answer_has_the_tone_of_its_class(status: int, tone: Tone) -> None:
    answer = TestAnswer(status, 1.5, 5, "id", "/x", "", (("A", "b"),), b"hello\nworld")
    found = gateway_details.answer_detail(answer, "/x", "GET")
    assert found.lines[0].cell == Cell(str(status), tone)
    assert _line(found, "upstream") == "none: the gateway answered"
    assert [line.cell.text for line in found.lines[-2:]] == ["hello", "world"]
