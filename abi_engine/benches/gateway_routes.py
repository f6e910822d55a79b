"""Which route a path leads to, against falcon's compiled router."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from typing import Any, Final

from abi_engine.benches.case import Case, Contest, Side, Workbench
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route

_UPSTREAM: Final = "http://127.0.0.1:9000"
_OPERATIONS: Final = 4000
_HOT: Final = 20
_ASKED: Final = 200

Match = Callable[[str], Any]


def _templates(count: int) -> list[str]:
    """Like those of a big API: services, resources, and every other one with names in it."""
    shapes = ("/s{0}/r{1}", "/s{0}/r{1}/{{id}}", "/s{0}/r{1}/{{id}}/parts/{{part}}")
    return [shapes[number % 3].format(number % 40, number) for number in range(count)]


def _paths(templates: list[str], count: int) -> list[str]:
    """As many different paths, over all templates."""
    return [
        template.replace("{id}", f"u{number}").replace("{part}", f"p{number}")
        for number, template in enumerate(islice(cycle(templates), count))
    ]


@contextmanager
def _open(workbench: Workbench, *, routes: int, hot: bool) -> Iterator[Contest]:
    templates = _templates(routes)
    paths = _paths(templates, _HOT if hot else _OPERATIONS)
    asked = [*paths[:_ASKED], "/nowhere", "/s1/r1/x/y/z"]
    work = list(islice(cycle(paths), _OPERATIONS))
    with Engine() as engine:
        gateway = engine.gateway
        for template in templates:
            gateway.add_route(Route(template, (_UPSTREAM,), limit=None))
        match = gateway.match_route

        def told(path: str) -> tuple[str, dict[str, str]] | None:
            found = match(path)
            return None if found is None else (found.route.path, found.params)

        ours = _side(workbench, "", match, told, asked, work)
        falcon = partial(_falcon, workbench, templates, asked, work)
        yield workbench.contest(ours, [("falcon", falcon)])


def _falcon(workbench: Workbench, templates: list[str], asked: list[str], work: list[str]) -> Side:
    from falcon.routing import CompiledRouter

    class Resource:
        def on_get(self, req: object, resp: object, **params: str) -> None: ...

    router = CompiledRouter()
    for template in templates:
        router.add_route(template, Resource())

    def told(path: str) -> tuple[str | None, dict[str, str]] | None:
        found = router.find(path)
        return None if found is None else (found[3], found[2])

    return _side(workbench, "falcon", router.find, told, asked, work)


def _side(
    workbench: Workbench, name: str, match: Match, told: Match, asked: list[str], work: list[str]
) -> Side:
    def all_of_them() -> None:
        for path in work:
            match(path)

    return workbench.side(name, lambda: list(map(told, asked)), all_of_them, len(work))


def _case(routes: int, goal: float, *, hot: bool = False) -> Case:
    what = f"{_HOT} hot paths" if hot else "distinct paths"
    return Case(
        f"route_match_{'hot' if hot else routes}",
        f"match a path, {routes} routes, {what}",
        partial(_open, routes=routes, hot=hot),
        {"falcon": goal},
    )


ROUTES: Final = (_case(100, 0.7), _case(1000, 1.3), _case(10_000, 5.0), _case(1000, 2.0, hot=True))
