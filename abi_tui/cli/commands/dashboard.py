"""`abi dashboard`. Refuses to import the dashboard before it is to be drawn."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.command import option
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT

SCREENS = (
    "overview",
    "gateway",
    "cache",
    "messaging",
    "search",
    "storage",
    "database",
    "compute",
    "agents",
    "bench",
    "engine",
    "limits",
    "keys",
    "workers",
    "events",
    "logs",
    "config",
    "features",
    "toolchain",
    "plugins",
)


@make(
    "dashboard",
    view="engine.overview",
    examples=("abi dashboard --screen gateway", "abi dashboard --once --json"),
)
@click.option(
    "--screen",
    type=click.Choice(SCREENS),
    metavar="NAME",
    help=f"The screen to begin with: {', '.join(SCREENS)}.",
)
@click.option("--once", is_flag=True, help="Print what it shows, once, and leave.")
@AT
@click.option("--read-only", is_flag=True, help="Refuse whatever changes something.")
@option("--theme", metavar="NAME", live="themes", help="Its colours; t changes them later.")
@click.option(
    "--record", metavar="FILE", type=click.Path(), help="Write reports to FILE as they arrive."
)
@click.option(
    "--replay", metavar="FILE", type=click.Path(), help="Show a recording; no engine is needed."
)
@click.option("--web", is_flag=True, help="Serve it to a browser on this machine, read-only.")
@click.option(
    "--web-port", type=click.IntRange(0, 65_535), metavar="PORT", help="Where; else a free one."
)
@click.pass_obj
def command(
    invocation: Invocation,
    screen: str | None,
    once: bool,
    at: float | None,
    read_only: bool,
    theme: str | None,
    record: str | None,
    replay: str | None,
    web: bool,
    web_port: int | None,
) -> Exit | int:
    """The full-screen dashboard.

    It attaches to the running engine; where none runs it starts one, which ends with it. A
    recording is played without an engine; --at says where it begins, or of when --once prints.

    With --web it prints an address for a browser of this machine. Whoever knows it sees the
    dashboard and changes nothing; the secret in it is made anew at each start.
    """
    _check_web(web, web_port, once or at is not None or bool(record or replay))
    _check(once, at, record, replay)
    if once:
        from abi_tui.cli import glance

        glance.show_once(invocation, screen or "overview", at=at, replay=replay)
        return Exit.DONE
    from abi_tui.cli import screen as drawn

    if web:
        drawn.serve_dashboard(invocation, screen, theme=theme, port=web_port or 0)
        return Exit.DONE
    return drawn.open_dashboard(
        invocation,
        screen,
        read_only=read_only,
        theme=theme,
        files=drawn.Files(record, replay, at),
    )


def _check(once: bool, at: float | None, record: str | None, replay: str | None) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: flags that exclude each other.
    """
    if record is not None and (once or replay is not None):
        other = "--once" if once else "--replay"
        raise click.UsageError(f"--record and {other} exclude each other")
    if at is not None and not once and replay is None:
        message = "--at needs --once or --replay; in the dashboard , and { go back in time"
        raise click.UsageError(message)


def _check_web(web: bool, port: int | None, otherwise: bool) -> None:
    """Refuse what cannot be meant.

    Raises:
        UsageError: flags that exclude each other, or are of no meaning alone.
    """
    if web and otherwise:
        message = "--web excludes --once, --at, --record and --replay"
        raise click.UsageError(message)
    if port is not None and not web:
        message = "--web-port needs --web"
        raise click.UsageError(message)
