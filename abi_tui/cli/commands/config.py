"""`abi config`: the settings."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation

KEY = argument("key", live="settings", help="Such as gateway.port.")


@group(
    "config",
    examples=("abi config show --origin", "abi config set gateway.port 8088"),
)
def command() -> None:
    """Settings: show, get, set, edit, validate.

    Each layer wins over the one before: defaults, the file, the environment, flags.
    """


@command.command(
    "show",
    view="config.settings",
    examples=("abi config show --origin", "abi config show gateway --json"),
)
@argument(
    "prefix",
    required=False,
    live="settings",
    help="Only settings that begin so, such as gateway.limits.",
)
@click.option("--origin", is_flag=True, help="Where each value comes from.")
@click.option("--changed", is_flag=True, help="Only what is not a default.")
@click.option("--running", is_flag=True, help="Those of the running engine.")
@click.pass_obj
def show_settings(
    invocation: Invocation, prefix: str | None, origin: bool, changed: bool, running: bool
) -> None:
    """Every setting in force."""
    from abi_tui.cli import settings

    settings.show_settings(
        invocation, prefix or "", origin=origin, changed=changed, running=running
    )


@command.command("get", examples=("abi config get gateway.port", "abi config get engine --json"))
@KEY
@click.pass_obj
def get(invocation: Invocation, key: str) -> None:
    """The value of one setting, as TOML has it; of a section, all of its settings."""
    from abi_tui.cli import settings

    settings.get(invocation, key)


@command.command(
    "set",
    changes=True,
    examples=("abi config set gateway.port 8088", "abi config set gateway.port --remove"),
)
@KEY
@argument(
    "value",
    required=False,
    live="choices+",
    help="Words and numbers as they are; lists and tables as JSON.",
)
@click.option("--remove", is_flag=True, help="Take it out of the file, so that its default holds.")
@click.pass_obj
def set_value(invocation: Invocation, key: str, value: str | None, remove: bool) -> Exit:
    """Write one setting into the file; comments and order stay.

    A setting within a list has its number: gateway.routes[0].limit.rate. The number behind the
    last one adds to the list. `abi reload` has a running engine take it up.
    """
    from abi_tui.cli import config_set

    return config_set.set_value(invocation, key, value, remove=remove)


@command.command(
    "edit",
    changes=True,
    examples=("abi config edit", "abi config edit --dry-run"),
)
@click.pass_obj
def edit(invocation: Invocation) -> Exit:
    """Open a copy of the file in $VISUAL or $EDITOR, and put it in place if it holds.

    One that does not hold is never put in place: it can be edited again, and is kept otherwise.
    With --dry-run only the difference is shown.
    """
    from abi_tui.cli import config_edit

    return config_edit.edit(invocation)


@command.command("validate", examples=("abi config validate", "abi config validate --json"))
@argument("file", required=False, type=click.Path(), help="Else the one that is in force.")
@click.pass_obj
def validate(invocation: Invocation, file: str | None) -> Exit:
    """Whether an engine would start with the file and the environment.

    The exit code is 0 where it would, 1 where it would not, and 3 where FILE is not there.
    """
    from abi_tui.cli import settings

    return settings.validate(invocation, file)


@command.command("path", examples=("abi config path", "abi config path --json"))
@click.pass_obj
def path(invocation: Invocation) -> None:
    """The file that is read, or would be."""
    from abi_tui.cli import settings

    settings.path(invocation)


@command.command(
    "init",
    changes=True,
    examples=("abi config init --dry-run", "abi config init --config new.toml"),
)
@click.pass_obj
def init(invocation: Invocation) -> Exit:
    """Write a file with every setting, commented out; one that is there stays as it is."""
    from abi_tui.cli import config_file

    return config_file.init(invocation)


@command.command(
    "env", view="config.environment", examples=("abi config env", "abi config env --set-only")
)
@click.option("--set-only", is_flag=True, help="Only those that are set.")
@click.pass_obj
def env(invocation: Invocation, set_only: bool) -> None:
    """The environment variables that are read."""
    from abi_tui.cli import settings

    settings.environment(invocation, set_only=set_only)


@command.command("schema", examples=("abi config schema", "abi config schema --json"))
@click.pass_obj
def schema(invocation: Invocation) -> None:
    """The JSON Schema of the file, for editors; with --json in an envelope as everywhere."""
    from abi_tui.cli import settings

    settings.schema(invocation)
