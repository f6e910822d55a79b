from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier, Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import AlreadyExists, InvalidArguments
from abi_engine.structures.radix_tree import Found, RadixTree
from tests.engine.threads import switching_often
from tests.scale import scaled

WORDS = ["a", "b", "users", ""]
PARAMS = ["{id}", "{name}", "{x}"]


class Naive:
    """Compares a path with every pattern, one after another."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    @staticmethod
    def shape(pattern: str) -> list[str]:
        return ["{" if part.startswith("{") else part for part in pattern.split("/")]

    def insert(self, pattern: str, value: int) -> bool:
        if any(self.shape(pattern) == self.shape(other) for other in self.values):
            return False
        self.values[pattern] = value
        return True

    def matches(self, path: str) -> list[Found[int]]:
        found = []
        for pattern, value in self.values.items():
            if match := self.match_one(pattern, path):
                ranks, params, tail = match
                found.append((ranks, Found(value, params, tail)))
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]

    @staticmethod
    def match_one(pattern: str, path: str) -> tuple[list[int], dict[str, str], str] | None:
        ranks: list[int] = []
        params: dict[str, str] = {}
        wanted, given_ = pattern.split("/"), path.split("/")
        for place, part in enumerate(wanted):
            if place >= len(given_):
                return None
            if part == "*":
                return [*ranks, 2], params, "/".join(given_[place:])
            if part.startswith("{"):
                if not given_[place]:
                    return None
                params[part[1:-1]] = given_[place]
                ranks.append(1)
            elif part == given_[place]:
                ranks.append(0)
            else:
                return None
        return (ranks, params, "") if len(wanted) == len(given_) else None


def draw_pattern(random: Random) -> str:
    length = random.randint(1, 5)
    parts = [random.choice(WORDS) for _ in range(length)]
    for place, name in zip(random.sample(range(length), min(random.randint(0, 2), length)), PARAMS):
        parts[place] = name
    if random.random() < 0.25:
        parts[-1] = "*"
    return "/" + "/".join(parts)


def draw_path(random: Random) -> str:
    parts = [random.choice([*WORDS, "z", "{id}", "*"]) for _ in range(random.randint(1, 6))]
    return random.choice(["/", "/", "/", "/", ""]) + "/".join(parts)


def compare(random: Random, steps: int) -> None:
    """Add, remove and look up at random, in the tree and in the naive matcher."""
    tree: RadixTree[int] = RadixTree()
    naive = Naive()
    for step in range(steps):
        act = random.random()
        if act < 0.3:
            pattern = draw_pattern(random)
            if naive.insert(pattern, step):
                tree.insert(pattern, step)
            else:
                with pytest.raises(AlreadyExists):
                    tree.insert(pattern, step)
        elif act < 0.45:
            known = [*naive.values, draw_pattern(random)]
            pattern = random.choice(known)
            assert tree.remove(pattern) == naive.values.pop(pattern, None)
        else:
            path = draw_path(random)
            expected = naive.matches(path)
            assert list(tree.matches(path)) == expected
            assert tree.match(path) == (expected[0] if expected else None)
        assert len(tree) == len(naive.values)
    assert list(tree.items()) == sorted(naive.values.items())
    for pattern, value in naive.values.items():
        assert tree.get(pattern) == value


@given(st.integers(0, 2**32), st.integers(1, 120))
def test_it_finds_what_a_naive_matcher_finds_while_patterns_come_and_go(
    seed: int, steps: int
) -> None:
    compare(Random(seed), steps)


@pytest.mark.slow
def test_it_agrees_with_a_naive_matcher_over_a_long_life() -> None:
    compare(Random(11), scaled(10_000, 200_000))


def tree_of(*patterns: str) -> RadixTree[str]:
    tree: RadixTree[str] = RadixTree()
    for pattern in patterns:
        tree.insert(pattern, pattern)
    return tree


def found(tree: RadixTree[str], path: str) -> str | None:
    match = tree.match(path)
    return match.value if match else None


def test_static_wins_over_param_wins_over_tail() -> None:
    tree = tree_of("/users/me", "/users/{id}", "/users/*")
    assert found(tree, "/users/me") == "/users/me"
    assert tree.match("/users/7") == Found("/users/{id}", {"id": "7"}, "")
    assert tree.match("/users/7/files") == Found("/users/*", {}, "7/files")


def test_it_goes_back_where_the_better_branch_ends_nowhere() -> None:
    tree = tree_of("/a/b/c", "/a/b/{x}/e", "/a/{y}/d", "/{z}/*")
    assert found(tree, "/a/b/c") == "/a/b/c"
    assert tree.match("/a/b/d") == Found("/a/{y}/d", {"y": "b"}, "")
    assert tree.match("/a/b/f") == Found("/{z}/*", {"z": "a"}, "b/f")
    assert tree.match("/a/b/c/e") == Found("/a/b/{x}/e", {"x": "c"}, "")


def test_the_best_segment_is_chosen_from_the_left() -> None:
    tree = tree_of("/{a}/static", "/static/{b}")
    assert found(tree, "/static/static") == "/static/{b}"


def test_a_tail_may_be_empty_but_needs_its_slash() -> None:
    tree = tree_of("/files/*")
    assert tree.match("/files/") == Found("/files/*", {}, "")
    assert tree.match("/files") is None
    assert tree.match("/files/a//b/") == Found("/files/*", {}, "a//b/")


def test_a_param_matches_one_segment_that_is_not_empty() -> None:
    tree = tree_of("/users/{id}")
    assert tree.match("/users/") is None
    assert tree.match("/users/1/2") is None


def test_trailing_slashes_count() -> None:
    tree = tree_of("/a", "/b/")
    assert [found(tree, path) for path in ("/a", "/a/", "/b", "/b/")] == ["/a", None, None, "/b/"]


@pytest.mark.parametrize("path", ["", "a", "users/7", "*", "//"])
def test_what_does_not_begin_at_the_root_matches_nothing(path: str) -> None:
    assert tree_of("/users/{id}", "/a").match(path) is None


def test_a_path_that_looks_like_a_pattern_is_only_a_path() -> None:
    tree = tree_of("/users/{id}", "/files/*")
    assert tree.match("/users/{id}") == Found("/users/{id}", {"id": "{id}"}, "")
    assert tree.match("/files/*") == Found("/files/*", {}, "*")


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a", "users/{id}", "/{", "/}", "/{}", "/{a-b}", "/{1}", "/a{b}", "/{a}b", "/{a}{b}",
        "/a}", "/*/a", "/a*", "/**", "/{*}", "/{a}/{a}",
    ],
)  # fmt: skip
def test_a_malformed_pattern_is_refused_and_leaves_nothing_behind(pattern: str) -> None:
    tree: RadixTree[str] = RadixTree()
    with pytest.raises(InvalidArguments):
        tree.insert(pattern, "")
    assert len(tree) == 0
    assert list(tree.matches("/a/b")) == []


def test_an_error_shows_a_hostile_pattern_made_safe() -> None:
    with pytest.raises(InvalidArguments) as caught:
        RadixTree[str]().insert("/\x1b[31m{", "")
    assert "\x1b" not in caught.value.message
    assert r"\x1b" in caught.value.message


@pytest.mark.parametrize(
    ("first", "second"),
    [("/a", "/a"), ("/{a}", "/{b}"), ("/{a}/x", "/{b}/x"), ("/{a}/*", "/{b}/*"), ("/*", "/*")],
)
def test_the_same_pattern_under_other_names_is_there_already(first: str, second: str) -> None:
    tree = tree_of(first)
    with pytest.raises(AlreadyExists):
        tree.insert(second, "")
    assert list(tree.items()) == [(first, first)]


def test_params_may_be_named_differently_on_different_ways() -> None:
    tree = tree_of("/{a}/x", "/{b}/y")
    assert tree.match("/1/x") == Found("/{a}/x", {"a": "1"}, "")
    assert tree.match("/1/y") == Found("/{b}/y", {"b": "1"}, "")


def test_removing_and_reading_want_the_very_same_pattern() -> None:
    tree = tree_of("/{a}")
    assert tree.get("/{b}") is None
    assert tree.remove("/{b}") is None
    assert tree.get("/{a}") == tree.remove("/{a}") == "/{a}"
    assert tree.match("/x") is None


def test_a_removed_branch_leaves_no_nodes_behind() -> None:
    tree = tree_of("/a/{b}/c/d/*", "/a/{b}/e")
    tree.remove("/a/{b}/c/d/*")
    tree.remove("/a/{b}/e")
    assert tree._root.is_empty()


def test_a_value_may_be_false() -> None:
    tree: RadixTree[int] = RadixTree()
    tree.insert("/a", 0)
    tree.insert("/{b}", 0)
    assert tree.get("/a") == 0
    assert tree.match("/a") == Found(0, {}, "")
    assert tree.match("/x") == Found(0, {"b": "x"}, "")


def test_a_pattern_as_long_as_a_url_may_be_is_no_trouble() -> None:
    deep = "/a" * 4096
    tree = tree_of(deep + "/{x}", "/{y}" + "/a" * 4095 + "/{x}/z")
    assert found(tree, deep + "/1") == deep + "/{x}"
    assert found(tree, deep + "/1/z") == "/{y}" + "/a" * 4095 + "/{x}/z"
    assert len(list(tree.matches(deep + "/1"))) == 1


def test_sixty_four_threads_match_while_one_changes_other_patterns() -> None:
    tree = tree_of("/stay/{id}/x", "/stay/static", "/{any}/*")
    together, stop = Barrier(65), Event()
    wrong: list[object] = []

    def read() -> int:
        together.wait(10)
        rounds = 0
        while not stop.is_set() or rounds < 100:
            rounds += 1
            seen = found(tree, "/stay/7/x"), found(tree, "/stay/static"), found(tree, "/stay/q/z")
            if seen[:2] != ("/stay/{id}/x", "/stay/static") or seen[2] not in tail_or_new:
                wrong.append(seen)
        return rounds

    tail_or_new = {"/{any}/*", "/stay/{other}/z"}
    with switching_often(), ThreadPoolExecutor(64) as pool:
        readers = [pool.submit(read) for _ in range(64)]
        together.wait(10)
        for number in range(scaled(300, 3_000)):
            for pattern in (f"/stay/{number}/x/y", "/stay/{other}/z", "/stay/{id}/x/{w}/*"):
                tree.insert(pattern, pattern)
            for pattern in ("/stay/{other}/z", f"/stay/{number}/x/y", "/stay/{id}/x/{w}/*"):
                tree.remove(pattern)
        stop.set()
        assert all(reader.result(30) >= 100 for reader in readers)
    assert wrong == []
