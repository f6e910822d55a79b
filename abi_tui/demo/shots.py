"""What is asked, by whom and when: an endless plan drawn from a seed. Refuses to send anything."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from abi_tui.demo.schedule import BURST_EVERY, BURST_RATE, bursting, rate_at

CLIENTS = tuple(f"127.0.0.{last}" for last in range(11, 17))
CLIENT_WEIGHTS = (8, 5, 3, 2, 1, 1)
BURSTING_CLIENT = CLIENTS[-1]
WORDS = ("gateway", "breaker", "upstream", "latency", "token", "bucket", "route", "proxy")
SYMBOLS = ("ACME", "GLOBEX", "INITECH", "HOOLI", "UMBRELLA")
SMALLEST_BODY, LARGEST_BODY = 80, 6000


class Shot(NamedTuple):
    """One request.

    Attributes:
        at: seconds since the start of the traffic.
        client: the address it is sent from.
        method, path: what is asked.
        body_size: of the request.
    """

    at: float
    client: str
    method: str
    path: str
    body_size: int = 0


class _Dish(NamedTuple):
    """Something that is asked for, and how often among all."""

    weight: int
    method: str
    path: str


MENU = (
    _Dish(60, "GET", "/users/{number}"),
    _Dish(28, "GET", "/users/list"),
    _Dish(10, "POST", "/users"),
    _Dish(40, "GET", "/orders/{number}"),
    _Dish(16, "POST", "/orders"),
    _Dish(5, "DELETE", "/orders/{number}"),
    _Dish(36, "GET", "/items/{number}"),
    _Dish(12, "GET", "/items/list"),
    _Dish(8, "PUT", "/items/{number}"),
    _Dish(16, "GET", "/search?q={word}"),
    _Dish(5, "GET", "/reports/2026/{number}"),
    _Dish(28, "GET", "/prices/{symbol}"),
    _Dish(16, "GET", "/quotes"),
    _Dish(6, "GET", "/files/{word}/{number}"),
    _Dish(5, "POST", "/login"),
    _Dish(4, "GET", "/health"),
    _Dish(2, "GET", "/old/{word}"),  # no route: 404
    _Dish(1, "DELETE", "/users/list"),  # a route, but not for this method: 405
)
_WEIGHTS = tuple(dish.weight for dish in MENU)
_BURST_MENU = (_Dish(1, "GET", "/search?q={word}"), _Dish(1, "POST", "/login"))


def shots(seed: int) -> Iterator[Shot]:
    """Every request from the first second on, in order of time; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - a show, not a secret
    at = 0.0
    while True:
        usual = rate_at(at)
        burst = BURST_RATE if bursting(at) else 0.0
        at += random.expovariate(usual + burst)
        if random.random() * (usual + burst) < burst:
            dish = _BURST_MENU[int(at // BURST_EVERY) % len(_BURST_MENU)]
            yield _shot(at, BURSTING_CLIENT, dish, random)
        else:
            client = random.choices(CLIENTS, CLIENT_WEIGHTS)[0]
            yield _shot(at, client, random.choices(MENU, _WEIGHTS)[0], random)


def _shot(at: float, client: str, dish: _Dish, random: Random) -> Shot:
    path = dish.path.format(
        number=random.randint(1, 900), word=random.choice(WORDS), symbol=random.choice(SYMBOLS)
    )
    has_body = dish.method in ("POST", "PUT")
    body_size = random.randint(SMALLEST_BODY, LARGEST_BODY) if has_body else 0
    return Shot(at, client, dish.method, path, body_size)
