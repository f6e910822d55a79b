"""The options of `abi gateway routes add`, as a route has them. Refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

_TIMEOUTS = ("connect", "first_byte", "idle", "total")
_PLAIN = ("balance", "hash_header", "strip_prefix", "max_body")
_FILES = {"upstream_ca": "ca", "upstream_certificate": "certificate", "upstream_key": "key"}


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as a route has them.

    Raises:
        UsageError: two of them exclude each other.
    """
    route = {name: options[name] for name in _PLAIN if options[name] is not None}
    if options["methods"]:
        route["methods"] = [method.upper() for method in options["methods"]]
    if options["weights"]:
        route |= {"weights": list(options["weights"]), "balance": "weighted"}
    if options["preserve_host"]:
        route["preserve_host"] = True
    times = {name: options[f"{name}_timeout"] for name in _TIMEOUTS}
    if times := {name: value for name, value in times.items() if value is not None}:
        route["timeouts"] = times
    limit = _limit(options)
    _refuse_half_a_limit(limit)
    if limit and options["no_limit"]:
        message = "--no-limit excludes every other option about limits"
        raise click.UsageError(message)
    if limit or options["no_limit"]:
        route["limit"] = limit or None
    return route | _access(options) | _upstream(options)


def _access(options: Mapping[str, Any]) -> dict[str, Any]:
    """Who may use it, from where, and how many at once.

    Raises:
        UsageError: an option is of no meaning without another.
    """
    auth = _named(options, {"auth_keys": "keys", "auth_header": "header", "forward_key": "forward"})
    cors = _named(
        options,
        {"cors_origins": "origins", "cors_headers": "headers", "cors_credentials": "credentials"},
    )
    turns = _named(
        options, {"concurrency": "limit", "queue": "queue", "queue_timeout": "queue_timeout"}
    )
    if cors and "origins" not in cors:
        message = "--cors-header and --cors-credentials need --cors-origin"
        raise click.UsageError(message)
    if turns and "limit" not in turns:
        message = "--queue and --queue-timeout need --concurrency"
        raise click.UsageError(message)
    found = {"auth": auth, "cors": cors, "concurrency": turns}
    return {
        name: value
        for name, value in found.items()
        if value or (name == "auth" and options["auth"])
    }


def _named(options: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The options that were given, by other names."""
    given_values = {key: options[name] for name, key in names.items()}
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in given_values.items()
        if value not in (None, False, ())
    }


def _limit(options: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "rate": "rate",
        "burst": "burst",
        "limit_kind": "kind",
        "limit_by": "by",
        "limit_header": "header",
        "window": "window",
    }
    return {key: options[name] for name, key in names.items() if options[name] is not None}


def _refuse_half_a_limit(limit: Mapping[str, Any]) -> None:
    if limit.get("by") == "header" and "header" not in limit:
        message = "--limit-by header needs the header: --limit-header NAME"
        raise click.UsageError(message)
    if "header" in limit and limit.get("by") != "header":
        message = "--limit-header needs --limit-by header"
        raise click.UsageError(message)


def _upstream(options: Mapping[str, Any]) -> dict[str, Any]:
    """How upstreams are asked whether they are well, asked again, and spoken to.

    Raises:
        UsageError: an option is of no meaning without another.
    """
    health = _named(
        options,
        {"health_path": "path", "health_interval": "interval", "health_timeout": "timeout"},
    )
    if health and "path" not in health:
        message = "--health-interval and --health-timeout need --health-path"
        raise click.UsageError(message)
    found = {"health_check": health, "retries": _retries(options), "upstream_tls": _tls(options)}
    upgrades: dict[str, Any] = {"upgrades": []} if options["no_upgrades"] else {}
    return {name: value for name, value in found.items() if value} | upgrades


def _retries(options: Mapping[str, Any]) -> dict[str, Any]:
    found = {"statuses": list(options["retry_statuses"])} if options["retry_statuses"] else {}
    return found if options["retries"] is None else found | {"attempts": options["retries"]}


def _tls(options: Mapping[str, Any]) -> dict[str, Any]:
    """Files by their whole path: the engine may work in another directory."""
    found: dict[str, Any] = {
        key: str(Path(options[name]).absolute()) for name, key in _FILES.items() if options[name]
    }
    if ("certificate" in found) != ("key" in found):
        message = "--upstream-certificate and --upstream-key belong together"
        raise click.UsageError(message)
    if options["upstream_name"]:
        found["server_name"] = options["upstream_name"]
    return found | {"verify": False} if options["no_verify"] else found
