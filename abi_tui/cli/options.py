"""The flags that every command has, on every level of the command line. Refuses to act on any."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from abi_tui.cli.invocation import Format, Invocation

MAX_LIMIT = 100_000
Take = Callable[[Invocation, Any], None]


class Shared(click.Option):
    """A flag that every command has; its value goes to the `Invocation`.

    Args:
        names: as they are typed.
        take: puts a value that was given into the invocation.
        live: the values that completion asks `abi` for.
    """

    def __init__(self, *names: str, take: Take, live: str = "", **facts: Any) -> None:
        def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
            if value not in (None, False, 0, ()):
                take(ctx.ensure_object(Invocation), value)

        super().__init__(names, expose_value=False, callback=callback, **facts)
        self.live = live


def shared_options() -> tuple[Shared, ...]:
    """The flags, in the order in which help shows them."""
    return (*_talk(), *_care(), *_place(), *_formats(), *_settings())


def _talk() -> tuple[Shared, ...]:
    return (
        Shared("-q", "--quiet", is_flag=True, take=_set("quiet"), help="Only errors on stderr."),
        Shared("-v", "--verbose", count=True, take=_set("verbose"), help="More on stderr."),
        Shared(
            "--color",
            type=click.Choice(("auto", "always", "never")),
            take=_set("color"),
            help="Colours; auto: on a terminal, unless NO_COLOR is set.",
        ),
    )


def _care() -> tuple[Shared, ...]:
    return (
        Shared("--no-input", is_flag=True, take=_set("no_input"), help="Never ask anything."),
        Shared(
            "-n", "--dry-run", is_flag=True, take=_set("dry_run"), help="Say what would be done."
        ),
        Shared("-y", "--yes", is_flag=True, take=_set("yes"), help="Do it without asking."),
    )


def _place() -> tuple[Shared, ...]:
    return (
        Shared(
            "--attach",
            metavar="SOCKET",
            take=_set("attach"),
            help="The engine behind this control socket, or ssh://host.",
        ),
        Shared("--config", metavar="FILE", take=_set("config"), help="The configuration file."),
        Shared(
            "--data-dir", metavar="DIR", take=_set("data_dir"), help="Where the engine's data is."
        ),
        Shared(
            "--timeout",
            metavar="SECONDS",
            type=click.FloatRange(min=0, min_open=True, max=86_400),
            take=_set("timeout"),
            help="How long to wait for an engine and its answer.",
        ),
        Shared(
            "--limit",
            metavar="ROWS",
            type=click.IntRange(1, MAX_LIMIT),
            take=_set("limit"),
            help="How many rows at most.",
        ),
    )


def _formats() -> tuple[Shared, ...]:
    words = {
        Format.JSON: "One JSON document.",
        Format.JSONL: "One JSON object a line.",
        Format.CSV: "Comma-separated values.",
        Format.PLAIN: "Columns without colour, nothing cut.",
    }
    return tuple(
        Shared(f"--{name}", is_flag=True, take=_format(name), help=text)
        for name, text in words.items()
    )


def _settings() -> tuple[Shared, ...]:
    return (
        Shared(
            "--enable",
            metavar="NAME",
            multiple=True,
            take=_switch(True),
            live="features",
            help="Switch a feature on for this run.",
        ),
        Shared(
            "--disable",
            metavar="NAME",
            multiple=True,
            take=_switch(False),
            live="features",
            help="Switch a feature off for this run.",
        ),
        Shared(
            "--set",
            metavar="KEY=VALUE",
            multiple=True,
            take=_take_settings,
            live="assignments",
            help="A setting for this run, such as gateway.port=0.",
        ),
    )


def _set(name: str) -> Take:
    def take(invocation: Invocation, value: Any) -> None:
        setattr(invocation, name, value)

    return take


def _format(wanted: Format) -> Take:
    def take(invocation: Invocation, _: Any) -> None:
        if invocation.format not in (Format.TABLE, wanted):
            message = f"--{wanted} and --{invocation.format} exclude each other"
            raise click.UsageError(message)
        invocation.format = wanted

    return take


def _switch(on: bool) -> Take:
    def take(invocation: Invocation, names: tuple[str, ...]) -> None:
        invocation.switches |= dict.fromkeys(names, on)

    return take


def _take_settings(invocation: Invocation, pairs: tuple[str, ...]) -> None:
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or "." not in key:
            message = f"--set {pair}: expected SECTION.KEY=VALUE"
            raise click.UsageError(message)
        invocation.settings[key.strip()] = value


def environment_topic() -> tuple[tuple[str, str], ...]:
    """The environment variables that are read, and what each does."""
    return (
        ("ABI_CONFIG", "the configuration file"),
        ("ABI_DATA_DIR", "where the engine's data is"),
        ("ABI_<SECTION>__<KEY>", "a setting, such as ABI_GATEWAY__PORT (abi config env)"),
        ("ABI_FEATURES__<NAME>", "true or false: switches a feature"),
        ("ABI_DEBUG", "1: a defect shows its traceback at once"),
        ("NO_COLOR", "anything: no colours"),
        ("XDG_CONFIG_HOME, XDG_DATA_HOME", "where the configuration and the data are by default"),
        ("XDG_RUNTIME_DIR", "where control sockets are"),
    )


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return os.environ.get("ABI_DEBUG", "") not in ("", "0")
