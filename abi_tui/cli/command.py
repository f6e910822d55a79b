"""Commands and groups of ours: shared flags, examples first, suggestions, names that are planned.

Refuses to import what a command does before it is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

import click

from abi_tui.cli.options import Shared, shared_options

F = TypeVar("F", bound=Callable[..., Any])

WIDTH = 80  # whatever the terminal has: help reads the same everywhere
CONTEXT = {"help_option_names": ["-h", "--help"], "terminal_width": WIDTH}


class Planned(NamedTuple):
    """A name that is reserved: it is listed by `abi help --all`, and says so when it is called.

    Attributes:
        name: the command; aliases: its other names.
        summary: one line.
        group: under which heading help lists it.
    """

    name: str
    summary: str
    group: str = ""
    aliases: tuple[str, ...] = ()


class Argument(click.Argument):
    """An argument; `live` names the values that completion asks `abi` for."""

    def __init__(self, names: Sequence[str], *, live: str = "", **facts: Any) -> None:
        super().__init__(names, **facts)
        self.live = live


class Option(click.Option):
    """An option; `live` names the values that completion asks `abi` for."""

    def __init__(self, names: Sequence[str], *, live: str = "", **facts: Any) -> None:
        super().__init__(names, **facts)
        self.live = live


class Command(click.Command):
    """A command with the shared flags.

    Args:
        examples: command lines that run, two at least where there is more than one way.
        view: the view it prints, by name, where it prints one.
        changes: whether it changes something, so that `--dry-run` means something.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        view: str = "",
        changes: bool = False,
        **facts: Any,
    ) -> None:
        super().__init__(*args, **{"context_settings": CONTEXT} | facts)
        self.examples = tuple(examples)
        self.view = view
        self.changes = changes
        self._shared: tuple[Shared, ...] = ()

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return summary_of(self.help)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, the shared flags, and `--help`."""
        self._shared = self._shared or shared_options()
        return [*self.params, *self._shared, *super().get_params(ctx)[len(self.params) :]]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; what is wrong names the command."""
        with naming(ctx):
            return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first."""
        from abi_tui.cli import helptext

        helptext.write_command(self, ctx, formatter)


class Group(click.Group):
    """A group with the shared flags; a name that is not there gets the nearest one that is.

    Args:
        examples: command lines that run.
        default: the command that is meant when none is given.
        planned: names that are reserved.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[str] = (),
        default: str = "",
        planned: Sequence[Planned] = (),
        **facts: Any,
    ) -> None:
        facts = {"context_settings": CONTEXT, "subcommand_metavar": "COMMAND"} | facts
        super().__init__(*args, **facts)
        self.no_args_is_help = False  # the shared flags may stand alone; `parse_args` sees to it
        self.command_class = Command
        self.examples = tuple(examples)
        self.default = default
        self.planned = tuple(planned)
        self._shared: tuple[Shared, ...] = ()

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return summary_of(self.help)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own parameters, the shared flags, and `--help`."""
        self._shared = self._shared or shared_options()
        return [*self.params, *self._shared, *super().get_params(ctx)[len(self.params) :]]

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which they were added."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or what stands under a name that is planned."""
        found = super().get_command(ctx, cmd_name)
        return found or next(
            (planned_command(row) for row in self.planned if cmd_name in (row.name, *row.aliases)),
            None,
        )

    def facts(self, name: str) -> dict[str, Any]:  # noqa: ARG002 - the root knows more
        """What the group knows of a command and the command does not."""
        return {}

    def names(self) -> Iterator[str]:
        """Every name that leads somewhere."""
        yield from self.commands
        for row in self.planned:
            yield from (row.name, *row.aliases)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but suggestions know aliases and planned names."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise unknown_command(name, tuple(self.names()), ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does; without a command the default one is meant."""
        with naming(ctx):
            rest = super().parse_args(ctx, args)
        if not ctx._protected_args and not ctx.resilient_parsing:
            if self.default:
                ctx._protected_args = [self.default]
            elif not self.invoke_without_command:
                raise click.exceptions.NoArgsIsHelpError(ctx)
        return rest

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first."""
        from abi_tui.cli import helptext

        helptext.write_group(self, ctx, formatter)


@contextmanager
def naming(ctx: click.Context) -> Iterator[None]:
    """Within it, an error that does not know its command learns it."""
    try:
        yield
    except click.UsageError as error:
        error.ctx = error.ctx or ctx
        raise


class UnknownName(click.UsageError):
    """A command or topic that is not there.

    Attributes:
        near: the nearest name that is; empty where none is near.
    """

    def __init__(self, message: str, near: str, ctx: click.Context | None = None) -> None:
        super().__init__(message, ctx)
        self.near = near


def unknown_command(
    name: str, known: Sequence[str], ctx: click.Context | None = None
) -> UnknownName:
    """The error for a command that is not there, with the nearest that is."""
    near = get_close_matches(name, known, n=1)
    return UnknownName(f"no command named '{name}'", near[0] if near else "", ctx)


def planned_command(row: Planned) -> click.Command:
    """What stands under a planned name: it takes anything, and says that it is not built."""

    @click.pass_context
    def refuse(ctx: click.Context, /, **_: object) -> None:
        from abi_engine.core.errors import FeaturePlanned

        message = f"{ctx.command_path.removeprefix('abi ')}: planned, not built"
        raise FeaturePlanned(message, hint="abi help lists what is built")

    words = click.Argument(("words",), nargs=-1, type=click.UNPROCESSED)
    return Command(
        row.name,
        callback=refuse,
        params=[words],
        help=f"{row.summary} (planned, not built).",
        context_settings=CONTEXT | {"ignore_unknown_options": True},
        hidden=True,
    )


def command(name: str, **facts: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a function a `Command`; its docstring is the help."""
    return click.command(name, cls=Command, **facts)


def group(name: str, **facts: Any) -> Callable[[Callable[..., Any]], Group]:
    """Make a function a `Group`; its docstring is the help."""
    return click.group(name, cls=Group, **facts)


def argument(*names: str, **facts: Any) -> Callable[[F], F]:
    """An `Argument`."""
    return click.argument(*names, cls=Argument, **facts)


def option(*names: str, **facts: Any) -> Callable[[F], F]:
    """An `Option`."""
    return click.option(*names, cls=Option, **facts)


def summary_of(text: str | None) -> str:
    """The first paragraph of a help text on one line, lower case, without the full stop."""
    first = " ".join((text or "").strip().partition("\n\n")[0].split()).removesuffix(".")
    return first if first[1:2].isupper() else first[:1].lower() + first[1:]
