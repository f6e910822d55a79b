"""`abi gateway`: the API gateway seen and steered."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.commands import gateway_breakers, gateway_keys, gateway_routes
from abi_tui.cli.commands.gateway_routes import METHOD, ROUTE_ORDERS
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT


@group("gateway", examples=("abi gateway routes list --sort p99", "abi gateway stats --json"))
def command() -> None:
    """The API gateway: routes, breakers, limits, traffic.

    A running engine (abi serve) does the work; without one, a command reads and writes the routes
    that the next engine will have.
    """


command.add_command(gateway_routes.routes)
command.add_command(gateway_breakers.breakers)
command.add_command(gateway_keys.keys)


@command.command(
    "limits",
    view="gateway.limits",
    examples=("abi gateway limits", "abi gateway limits --limit 10 --json"),
)
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def limits(invocation: Invocation, watch: bool) -> None:
    """The limits at work, those that refuse most first."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, reads=True, live=watch) as engine:
        watching.show_or_watch(
            invocation, lambda: gateway_answers.limits(invocation, engine), watch
        )


@command.command(
    "workers",
    view="gateway.workers",
    examples=("abi gateway workers", "abi gateway workers --watch"),
)
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def workers(invocation: Invocation, watch: bool) -> None:
    """The processes that serve clients, where these are not the engine's own."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, reads=True, live=watch) as engine:
        watching.show_or_watch(invocation, lambda: gateway_answers.workers(engine), watch)


@command.command(
    "stats",
    view="gateway.stats",
    examples=("abi gateway stats", "abi gateway stats --json"),
)
@AT
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def stats(invocation: Invocation, at: float | None, watch: bool) -> None:
    """The gateway as a whole: requests, answers, errors, latencies, connections."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, reads=True, live=watch or at is not None) as engine:
        watching.show_or_watch(invocation, lambda: gateway_answers.stats(engine, at), watch, at=at)


@command.command(
    "watch",
    view="gateway.routes",
    examples=("abi gateway watch --sort rate", "abi gateway watch --jsonl"),
)
@click.option("--sort", type=click.Choice(ROUTE_ORDERS), default="rate", help="The order.")
@click.option("--filter", "words", default="", metavar="LETTERS", help="As in routes list.")
@click.pass_obj
def watch(invocation: Invocation, sort: str, words: str) -> None:
    """The routes with what goes through them, once a second until Ctrl-C."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, live=True) as engine:
        watching.every_second(
            invocation, lambda: gateway_answers.routes(invocation, engine, sort, words, None)
        )


@command.command(
    "events",
    view="engine.events",
    examples=("abi gateway events", "abi gateway events --limit 20 --json"),
)
@AT
@click.option("-f", "--follow", is_flag=True, help="Those to come as well, until Ctrl-C.")
@click.pass_obj
def events(invocation: Invocation, at: float | None, follow: bool) -> None:
    """What happened in the gateway, newest first: breakers, routes, listeners."""
    from abi_tui.cli import happenings

    happenings.show_events(invocation, "gateway", follow=follow, at=at)


@command.command(
    "match",
    view="gateway.match",
    examples=("abi gateway match /hello", "abi gateway match /hello --method GET --json"),
)
@argument("path", help="As a client would send it.")
@METHOD
@click.pass_obj
def match(invocation: Invocation, path: str, method: str | None) -> None:
    """The route that a request would take; nothing is sent or counted."""
    from abi_engine.core.errors import NotFound
    from abi_engine.core.text import safe
    from abi_tui.cli import session
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.gateway_details import match_detail

    chosen = method or "GET"
    with session.engine(invocation) as engine:
        found = engine.gateway.match_route(path, chosen)
    if found is None:
        raise NotFound(
            f"no route takes {safe(chosen)} {safe(path)}", hint="abi gateway routes list"
        )
    show(invocation, Answer("gateway.match/1", found, match_detail(found, path, chosen)))


@command.command(
    "check",
    view="gateway.check",
    examples=("abi gateway check /hello 10.0.0.7", "abi gateway check /hello 10.0.0.7 --json"),
)
@argument("path", live="routes", help="The route's path, such as /users/{id}.")
@argument("client", help="What its limit counts by: an address, a header's value, or a key's name.")
@click.pass_obj
def check(invocation: Invocation, path: str, client: str) -> Exit:
    """Count one request of a client on a route, and tell whether its limit lets it pass.

    The exit code is 1 where it does not.
    """
    from abi_tui.cli import session
    from abi_tui.cli.output import Answer, show
    from abi_tui.cli.suggestions import nearest
    from abi_tui.views.gateway_details import decision_detail

    with session.engine(invocation, keeps="what was counted ends") as engine, nearest(engine, path):
        decision = engine.gateway.check_rate_limit(path, client)
    view = decision_detail(decision, path, client)
    show(invocation, Answer("gateway.check/1", decision, view))
    return Exit.DONE if decision.allowed else Exit.FAILED


@command.command(
    "test",
    view="gateway.test",
    examples=("abi gateway test /hello", "abi gateway test /hello -H 'Accept: text/plain'"),
)
@argument("path", help="As a client would send it.")
@METHOD
@click.option(
    "-H",
    "--header",
    "headers",
    metavar="TEXT",
    multiple=True,
    help="'Name: value', or @FILE with one a line; repeatable.",
)
@click.pass_obj
def test(invocation: Invocation, path: str, method: str | None, headers: tuple[str, ...]) -> Exit:
    """Send a real request through the gateway's own listener and show the answer.

    The exit code is 1 where the answer is 500 or above. A key need not be on the command line:
    write `X-API-Key: …` into a file and give its name, -H @FILE.
    """
    from abi_tui.cli import session
    from abi_tui.cli.header_lines import read_headers
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.gateway_details import answer_detail

    chosen, wait = method or "GET", invocation.timeout or 10.0
    pairs = read_headers(headers)
    with session.engine(invocation) as engine:
        answer = engine.gateway.send_test_request(path, chosen, headers=pairs, timeout=wait)
    show(invocation, Answer("gateway.test/1", answer, answer_detail(answer, path, chosen)))
    return Exit.FAILED if answer.status >= 500 else Exit.DONE
