"""The configuration of the demo's engine: routes with limits and breakers before the upstreams.

Refuses fixed ports: the gateway and its admin endpoint take free ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit

from abi_tui.demo.steering import PREFIX, STATUS, Steering
from abi_tui.demo.upstreams import Role

RESET_TIMEOUT = 8.0
DRAIN_TIMEOUT = 2.0  # the traffic has left by then; Ctrl-C must not take long
LINGER = 0.2
FIRST_BYTE_TIMEOUT = 2.5  # longer than a cold answer, shorter than patience

Table = dict[str, Any]

_STEADY, _SLOW, _FAILING, _CONTROL = Role.STEADY, Role.SLOW, Role.FAILING, Role.CONTROL
_HEADER = f"""\
What `abi demo` runs on; it goes away with the demo.
Steer it with POST requests to the gateway, from anywhere or with p in the dashboard:
{" ".join(PREFIX + word for word in Steering)}
GET {PREFIX}{STATUS} tells how things are.
"""


def abi_toml(urls: Mapping[Role, str]) -> str:
    """The text of `abi.toml` for upstreams at these addresses."""
    document = tomlkit.document()
    for line in _HEADER.splitlines():
        document.add(tomlkit.comment(line))
    document.update(
        {
            "service": {"admin_port": 0},
            "gateway": {
                "port": 0,
                "drain_timeout": DRAIN_TIMEOUT,
                "linger": LINGER,
                "access_log": "",  # it grows for as long as the demo runs
                "breaker": {
                    "failure_threshold": 5,
                    "reset_timeout": RESET_TIMEOUT,
                    "half_open_max": 3,
                },
                "routes": [
                    table | {"upstreams": [urls[role] for role in table["upstreams"]]}
                    for table in _routes()
                ],
            },
        }
    )
    return tomlkit.dumps(document)


def _routes() -> tuple[Table, ...]:
    patient = {"first_byte": FIRST_BYTE_TIMEOUT}
    return (
        _route("/users/{id}", _STEADY, methods=["GET"]),
        _route("/users/list", _STEADY, methods=["GET"]),
        _route("/users", _STEADY, methods=["POST"]),
        _route("/orders/{id}", _STEADY, _FAILING, methods=["GET"], timeouts=patient),
        _route("/orders/{id}", _STEADY, methods=["DELETE"]),
        _route("/orders", _STEADY, methods=["POST"]),
        _route("/items/{id}", _STEADY, _SLOW, methods=["GET"], balance="least_in_flight"),
        _route("/items/{id}", _STEADY, methods=["PUT"]),
        _route("/items/list", _SLOW, methods=["GET"]),
        _route("/search", _SLOW, methods=["GET"], limit={"rate": 8.0, "burst": 12}),
        _route(
            "/reports/*",
            _SLOW,
            limit=_window("sliding_window", 2.0, 10.0, "route"),
            concurrency={"limit": 4, "queue": 16},
        ),
        _route("/prices/{symbol}", _FAILING, methods=["GET"], timeouts=patient),
        _route("/quotes", _FAILING, methods=["GET"], timeouts=patient),
        _route("/files/*", _STEADY, _SLOW, balance="weighted", weights=[3, 1]),
        _route("/login", _STEADY, methods=["POST"], limit=_window("fixed_window", 5.0, 1.0)),
        _route("/health", _STEADY),
        _route(f"{PREFIX}{STATUS}", _CONTROL, methods=["GET"]),
        *(_route(f"{PREFIX}{word}", _CONTROL, methods=["POST"]) for word in Steering),
    )


def _route(path: str, *upstreams: Role, **settings: Any) -> Table:
    return {"path": path, "upstreams": list(upstreams), **settings}


def _window(kind: str, rate: float, window: float, by: str = "address") -> Table:
    return {"kind": kind, "rate": rate, "window": window, "by": by}
