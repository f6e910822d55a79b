"""The nearest route or upstream where the one that was named is not there. Refuses to guess on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from abi_engine.features.gateway.api import RouteNotFound, UpstreamNotFound

if TYPE_CHECKING:
    from abi_engine.service.connect import OpenEngine

SEARCHED = 1000


@contextmanager
def nearest(engine: OpenEngine, name: str) -> Iterator[None]:
    """Within it, an error about a route or upstream that is not there names the nearest one.

    Args:
        engine: whose routes and upstreams.
        name: what was looked for.
    """
    try:
        yield
    except RouteNotFound as error:
        paths = [route.path for route in engine.gateway.routes(limit=SEARCHED)]
        error.hint = _hint(name, paths, "abi gateway routes list")
        raise
    except UpstreamNotFound as error:
        names = [row.upstream for row in engine.gateway.breakers()[:SEARCHED]]
        error.hint = _hint(name, names, "abi gateway breakers list")
        raise


def _hint(name: str, known: list[str], way_out: str) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'? ({way_out})" if near else way_out
