"""The route table against a matcher that tries every pattern in turn."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import InvalidRoute, Route, RouteExists, RouteOrigin
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.paths import BadTarget, normalise
from abi_engine.features.gateway.table import MEMO_SIZE, Resolved, RouteTable
from abi_engine.features.gateway.upstreams import Upstreams, parse_upstream
from abi_engine.runtime.breaker import BreakerSettings
from tests.engine.features.gateway.made_gateway import UPSTREAM, route
from tests.scale import scaled

CLOCK = ManualClock()
EVENTS = EventLog(CLOCK)
UPSTREAMS = Upstreams(BreakerSettings(), CLOCK, Random(1), lambda name, transition: None)
TARGETS = UPSTREAMS.acquire([parse_upstream(UPSTREAM)])

SEGMENTS = ("a", "b", "users", "{id}", "")
METHODS = ("GET", "POST", "PUT", "HEAD")
ASKED = (*METHODS, "DELETE")


class Kept(NamedTuple):
    """A route of the naive matcher; `methods` shrink as they are removed."""

    live: LiveRoute
    methods: tuple[str, ...]


class NaiveTable:
    """Tries every pattern, and orders those that match by what each says of each segment."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []

    def find(self, path: str, method: str) -> tuple[LiveRoute | None, set[str]]:
        segments = path.split("/")
        patterns = {kept.live.route.path for kept in self.kept}
        matching = [text for text in patterns if _fits(text.split("/"), segments)]
        methods: set[str] = set()
        for pattern in sorted(matching, key=lambda text: [_rank(p) for p in text.split("/")]):
            here = [kept for kept in self.kept if kept.live.route.path == pattern]
            for wanted in (method, "GET" if method == "HEAD" else method, "*"):
                for live, slots in here:
                    if wanted in slots:
                        return live, set()
            methods |= {slot for _, slots in here for slot in slots}
        return None, methods | {"HEAD"} if "GET" in methods else methods

    def remove(self, path: str, method: str | None) -> None:
        left = []
        for live, slots in self.kept:
            if live.route.path == path:
                slots = () if method is None else tuple(slot for slot in slots if slot != method)
            if slots:
                left.append(Kept(live, slots))
        self.kept = left


def _fits(pattern: list[str], segments: list[str]) -> bool:
    if pattern[-1] == "*":
        return len(segments) >= len(pattern) and _fits(pattern[:-1], segments[: len(pattern) - 1])
    return len(pattern) == len(segments) and all(
        part == segment or (part.startswith("{") and segment != "")
        for part, segment in zip(pattern, segments)
    )


def _rank(part: str) -> int:
    return 2 if part == "*" else 1 if part.startswith("{") else 0


def _pattern(random: Random) -> str:
    parts = [random.choice(SEGMENTS[:4]) for _ in range(random.randint(1, 3))]
    name = random.choice(("id", "id", "id", "key"))
    parts = [f"{{{name}{at}}}" if part == "{id}" else part for at, part in enumerate(parts)]
    ending = random.choice(("", "", "/*", "/"))
    return "/" + "/".join(parts) + ending


def _path(random: Random) -> str:
    parts = [random.choice(("a", "b", "users", "7", "x")) for _ in range(random.randint(1, 4))]
    return "/" + "/".join(parts) + random.choice(("", "", "/"))


def _methods(random: Random) -> tuple[str, ...]:
    return tuple(random.sample(METHODS, random.randint(0, 2)))


def made(one: Route) -> LiveRoute:
    return LiveRoute(one, RouteOrigin.RUNTIME, TARGETS, CLOCK, EVENTS)


def test_it_answers_as_a_naive_matcher_while_routes_come_and_go() -> None:
    random = Random(20)
    table, naive = RouteTable(), NaiveTable()
    added: list[str] = []
    for _ in range(scaled(10_000, 1_000_000)):
        _step(table, naive, random, added)
        path, method = _path(random), random.choice(ASKED)
        live, methods = naive.find(path, method)
        found = table.find(path, method)
        assert (found.live, set(found.methods)) == (live, methods), (path, method)
    assert len(table) == len({id(kept.live) for kept in naive.kept})


@pytest.mark.slow
@given(st.integers(0, 2**32))
def test_it_answers_as_a_naive_matcher_in_every_small_table(seed: int) -> None:
    random = Random(seed)
    table, naive = RouteTable(), NaiveTable()
    added: list[str] = []
    for _ in range(12):
        _step(table, naive, random, added)
    for _ in range(12):
        path, method = _path(random), random.choice(ASKED)
        live, methods = naive.find(path, method)
        found = table.find(path, method)
        assert (found.live, set(found.methods)) == (live, methods), (path, method)


def _step(table: RouteTable, naive: NaiveTable, random: Random, added: list[str]) -> None:
    """One route more, or some fewer; about thirty in the end."""
    if added and random.random() < len(naive.kept) / 60:
        path = random.choice(added)
        method = random.choice((None, *METHODS, "*"))
        table.remove(table.plan_removal(path, method))
        naive.remove(path, method)
        return
    one = route(_pattern(random), *_methods(random))
    try:
        table.check(one)
    except (RouteExists, InvalidRoute):
        taken = [kept for kept in naive.kept if _clashes(kept, one)]
        assert taken, f"{one.path} {one.methods} was refused for nothing"
        return
    live = made(one)
    table.add(live)
    naive.kept.append(Kept(live, one.methods or ("*",)))
    added.append(one.path)


def _clashes(kept: Kept, one: Route) -> bool:
    if kept.live.route.path == one.path:
        return bool(set(kept.methods) & set(one.methods or ("*",)))
    return _shape(kept.live.route.path) == _shape(one.path)


def _shape(pattern: str) -> list[str]:
    return ["{}" if _rank(part) == 1 else part for part in pattern.split("/")]


@given(st.text(alphabet="/ab.%2eF{}", max_size=20))
def test_what_is_matched_is_what_is_forwarded(path: str) -> None:
    table = table_of("/*", "/a/{id}", "/a/b")
    try:
        found = table.find("/" + path, "GET")
    except BadTarget:
        return
    assert found.path == normalise("/" + path)
    assert found.live is not None
    if found.live.route.path == "/a/b":
        assert found.path == "/a/b"


def table_of(*paths: str) -> RouteTable:
    table = RouteTable()
    for path in paths:
        table.add(made(route(path)))
    return table


def path_of(found: Resolved) -> str | None:
    return found.live.route.path if found.live else None


def test_params_are_decoded_and_the_tail_stays_as_it_is_in_the_path() -> None:
    found = table_of("/u/{who}/f/*").find("/u/a%2Fb/f/x%2Fy/z", "GET")
    assert (found.params, found.tail) == ({"who": "a/b"}, "x%2Fy/z")


def test_a_get_route_answers_head_unless_head_has_its_own() -> None:
    table = RouteTable()
    get, head = made(route("/x", "GET")), made(route("/x", "HEAD"))
    table.add(get)
    assert table.find("/x", "HEAD").live is get
    table.add(head)
    assert table.find("/x", "HEAD").live is head


def test_the_route_of_a_method_wins_over_the_one_for_any() -> None:
    table = RouteTable()
    anything, post = made(route("/x")), made(route("/x", "POST"))
    table.add(anything)
    table.add(post)
    assert table.find("/x", "POST").live is post
    assert table.find("/x", "PATCH").live is anything


def test_a_less_special_pattern_answers_a_method_that_the_best_one_lacks() -> None:
    table = RouteTable()
    table.add(made(route("/x/y", "GET")))
    table.add(made(route("/x/{id}", "POST")))
    table.add(made(route("/x/*", "DELETE")))
    assert path_of(table.find("/x/y", "DELETE")) == "/x/*"
    assert table.find("/x/y", "PATCH").methods == ("DELETE", "GET", "HEAD", "POST")


def test_one_method_is_removed_and_the_others_stay() -> None:
    table = RouteTable()
    live = made(route("/x", "GET", "POST"))
    table.add(live)
    table.remove(table.plan_removal("/x", "POST"))
    assert table.find("/x", "GET").live is live
    assert table.find("/x", "POST").live is None
    assert live.route.methods == ("GET",)
    table.remove(table.plan_removal("/x", "GET"))
    assert len(table) == 0
    assert table.find("/x", "GET").methods == ()


def test_nothing_to_remove_is_no_removal() -> None:
    table = table_of("/x")
    assert table.plan_removal("/y", None) == ()
    assert table.plan_removal("/x", "GET") == ()


def test_params_of_one_path_have_one_name() -> None:
    table = table_of("/u/{id}")
    with pytest.raises(InvalidRoute, match=r"conflicts with '/u/\{id\}'"):
        table.check(route("/u/{name}", "GET"))
    table.remove(table.plan_removal("/u/{id}", None))
    table.check(route("/u/{name}", "GET"))


def test_a_hot_path_is_forgotten_when_the_table_changes() -> None:
    table = table_of("/x/*")
    for _ in range(2):
        assert path_of(table.find("/x/y", "GET")) == "/x/*"
    table.add(made(route("/x/y")))
    assert path_of(table.find("/x/y", "GET")) == "/x/y"
    table.remove(table.plan_removal("/x/y", None))
    assert path_of(table.find("/x/y", "GET")) == "/x/*"


def test_the_memo_is_bounded_whatever_is_asked_for() -> None:
    table = table_of("/*")
    for number in range(3 * MEMO_SIZE):
        table.find(f"/{number}", "GET")
        assert len(table._memo) <= MEMO_SIZE
    for _ in range(2):
        table.find("/hot/now", "GET")
    assert ("/hot/now", "GET") in table._memo
    table.find("/" + "x" * 10_000, "GET")
    assert all(len(path) < 1_000 for path, _ in table._memo)


def test_the_list_is_by_path_and_methods_and_follows_every_change() -> None:
    table = RouteTable()
    for one in (route("/b"), route("/a", "PUT"), route("/a", "GET", "POST")):
        table.add(made(one))
    assert [(live.route.path, live.route.methods) for live in table.all()] == [
        ("/a", ("GET", "POST")),
        ("/a", ("PUT",)),
        ("/b", ()),
    ]
    table.remove(table.plan_removal("/a", "GET"))
    assert [live.route.methods for live in table.all()] == [("POST",), ("PUT",), ()]
