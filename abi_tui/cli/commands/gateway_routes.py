"""`abi gateway routes`: where requests go."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group, option
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT

ROUTE_ORDERS = ("path", "rate", "p50", "p99", "errors", "limited", "last_hit")
BALANCES = ("round_robin", "least_in_flight", "weighted", "consistent_hash")
LIMIT_KINDS = ("token_bucket", "sliding_window", "fixed_window")
LIMIT_BY = ("address", "header", "route", "key")
ABOVE_ZERO = click.FloatRange(min=0, min_open=True)

PATH = argument("path", live="routes", help="The route's path, such as /users/{id}.")
METHOD = click.option("-X", "--method", metavar="METHOD", help="Such as GET or POST.")


@group(
    "routes",
    default="list",
    examples=(
        "abi gateway routes list --sort p99",
        "abi gateway routes add /hello http://127.0.0.1:9000",
    ),
)
def routes() -> None:
    """Where requests go, and what went there."""


@routes.command(
    "list",
    view="gateway.routes",
    examples=("abi gateway routes list --sort p99", "abi gateway routes list --json"),
)
@click.option("--sort", type=click.Choice(ROUTE_ORDERS), default="path", help="The order.")
@click.option(
    "--filter",
    "words",
    default="",
    metavar="LETTERS",
    help="Paths with these letters in this order; ! in front: without.",
)
@AT
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def list_routes(
    invocation: Invocation, sort: str, words: str, at: float | None, watch: bool
) -> None:
    """The routes with what went through them in the last 60 seconds."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, reads=True, live=watch or at is not None) as engine:
        watching.show_or_watch(
            invocation,
            lambda: gateway_answers.routes(invocation, engine, sort, words, at),
            watch,
            at=at,
        )


@routes.command(
    "show",
    view="gateway.route",
    examples=("abi gateway routes show /hello", "abi gateway routes show /hello --json"),
)
@PATH
@METHOD
@click.pass_obj
def show_route(invocation: Invocation, path: str, method: str | None) -> None:
    """One route: its breakers, its limit, its latencies."""
    from abi_tui.cli import gateway_answers, session
    from abi_tui.cli.output import show

    with session.engine(invocation, reads=True) as engine:
        show(invocation, gateway_answers.route(engine, path, method))


@routes.command(
    "add",
    changes=True,
    examples=(
        "abi gateway routes add '/users/{id}' http://127.0.0.1:9000 --rate 50 --burst 100",
        "abi gateway routes add '/files/*' http://127.0.0.1:9000 --method GET --dry-run",
    ),
)
@argument("path", metavar="PATH|-", help="/static, /users/{id} or /files/*; - reads JSON.")
@argument("upstreams", nargs=-1, metavar="[URL ...]", help="http://host:port[/prefix]")
@click.option(
    "-X",
    "--method",
    "methods",
    metavar="METHOD",
    multiple=True,
    help="Only this method; repeatable.",
)
@click.option("--balance", type=click.Choice(BALANCES), help="How an upstream is chosen.")
@click.option(
    "--weight",
    "weights",
    type=int,
    metavar="NUMBER",
    multiple=True,
    help="One for each URL, in order.",
)
@click.option(
    "--hash-header", metavar="NAME", help="What consistent_hash hashes; else the client's address."
)
@click.option("--strip-prefix", metavar="PREFIX", help="Taken off the path before forwarding.")
@click.option(
    "--rate",
    type=ABOVE_ZERO,
    metavar="NUMBER",
    help="Requests a second that pass, for each client.",
)
@click.option(
    "--burst", type=click.IntRange(min=1), metavar="NUMBER", help="How many at once after a pause."
)
@click.option("--limit-kind", type=click.Choice(LIMIT_KINDS), help="How requests are counted.")
@click.option("--limit-by", type=click.Choice(LIMIT_BY), help="Whose are counted together.")
@click.option("--limit-header", metavar="NAME", help="The header, with --limit-by header.")
@click.option("--window", type=ABOVE_ZERO, metavar="SECONDS", help="The length of a window.")
@click.option("--no-limit", is_flag=True, help="No limit at all.")
@click.option("--auth", is_flag=True, help="Only for holders of API keys.")
@option(
    "--auth-key",
    "auth_keys",
    metavar="NAME",
    multiple=True,
    live="keys",
    help="Only this key opens it; repeatable, implies --auth.",
)
@click.option("--auth-header", metavar="NAME", help="Where the key is, beside Bearer.")
@click.option("--forward-key", is_flag=True, help="Let the upstream see the key.")
@click.option(
    "--cors-origin",
    "cors_origins",
    metavar="ORIGIN",
    multiple=True,
    help="Pages from there may use it, such as https://app.example; repeatable.",
)
@click.option(
    "--cors-header",
    "cors_headers",
    metavar="NAME",
    multiple=True,
    help="That they may send; repeatable.",
)
@click.option("--cors-credentials", is_flag=True, help="They may send cookies and keys.")
@click.option(
    "--concurrency", type=click.IntRange(min=1), metavar="NUMBER", help="Worked on at once."
)
@click.option(
    "--queue", type=click.IntRange(min=0), metavar="NUMBER", help="May wait for their turn."
)
@click.option("--queue-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="For how long.")
@click.option("--health-path", metavar="PATH", help="Ask the upstreams for it, again and again.")
@click.option("--health-interval", type=ABOVE_ZERO, metavar="SECONDS", help="Between two checks.")
@click.option("--health-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="Of one check.")
@click.option(
    "--retries",
    type=click.IntRange(0, 8),
    metavar="NUMBER",
    help="How many further upstreams are tried; 0 means none.",
)
@click.option(
    "--retry-on",
    "retry_statuses",
    type=click.IntRange(500, 599),
    metavar="STATUS",
    multiple=True,
    help="An answer that is a reason to try another; repeatable.",
)
@click.option("--upstream-ca", metavar="FILE", help="Authorities for https upstreams, in PEM.")
@click.option("--upstream-certificate", metavar="FILE", help="Shown to https upstreams, in PEM.")
@click.option("--upstream-key", metavar="FILE", help="Its private key.")
@click.option("--upstream-name", metavar="NAME", help="Checked in place of the URL's host.")
@click.option("--no-verify", is_flag=True, help="Trust any https upstream; only for tests.")
@click.option("--no-upgrades", is_flag=True, help="No WebSocket, nor any other upgrade.")
@click.option("--total-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="For a whole request.")
@click.option("--connect-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="To reach an upstream.")
@click.option("--first-byte-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="Until it answers.")
@click.option("--idle-timeout", type=ABOVE_ZERO, metavar="SECONDS", help="Without a byte.")
@click.option("--max-body", type=int, metavar="BYTES", help="The largest request body.")
@click.option("--preserve-host", is_flag=True, help="Forward the client's Host.")
@click.pass_obj
def add(
    invocation: Invocation, /, path: str, upstreams: tuple[str, ...], **options: object
) -> Exit:
    """Add a route; on return it is in the data directory, and the next engine has it as well.

    With - instead of PATH, standard input holds one route or a list of routes as JSON, with the
    keys of [[gateway.routes]] in the configuration.
    """
    from abi_tui.cli import gateway_changes

    return gateway_changes.add(invocation, path, upstreams, options)


@routes.command(
    "remove",
    changes=True,
    examples=("abi gateway routes remove /old --yes", "abi gateway routes remove /old --dry-run"),
)
@PATH
@METHOD
@click.pass_obj
def remove(invocation: Invocation, path: str, method: str | None) -> Exit:
    """Remove a route, or all routes of a path; asks first.

    A route that was added is gone for good; one from the configuration comes back with the next
    start.
    """
    from abi_tui.cli import gateway_changes

    return gateway_changes.remove(invocation, path, method)


@routes.command(
    "enable",
    changes=True,
    examples=("abi gateway routes enable /hello", "abi gateway routes enable /hello --dry-run"),
)
@PATH
@METHOD
@click.pass_obj
def enable(invocation: Invocation, path: str, method: str | None) -> Exit:
    """Switch a route on again."""
    from abi_tui.cli import gateway_changes

    return gateway_changes.switch(invocation, path, method, on=True)


@routes.command(
    "disable",
    changes=True,
    examples=("abi gateway routes disable /hello", "abi gateway routes disable /hello --dry-run"),
)
@PATH
@METHOD
@click.pass_obj
def disable(invocation: Invocation, path: str, method: str | None) -> Exit:
    """Switch a route off until the engine stops: it answers 503."""
    from abi_tui.cli import gateway_changes

    return gateway_changes.switch(invocation, path, method, on=False)
