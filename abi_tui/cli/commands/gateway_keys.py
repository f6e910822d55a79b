"""`abi gateway keys`: the API keys that open routes."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation


@group(
    "keys",
    default="list",
    examples=("abi gateway keys list", "abi gateway keys add ci"),
)
def keys() -> None:
    """The API keys that open routes with auth."""


@keys.command(
    "list",
    view="gateway.keys",
    examples=("abi gateway keys list", "abi gateway keys list --json"),
)
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def list_keys(invocation: Invocation, watch: bool) -> None:
    """The keys by name, and what they were used for; never the keys themselves."""
    from abi_tui.cli import gateway_keys, session, watching

    with session.engine(invocation, reads=True, live=watch) as engine:
        watching.show_or_watch(invocation, lambda: gateway_keys.listed(invocation, engine), watch)


@keys.command(
    "add",
    changes=True,
    examples=("abi gateway keys add ci", "abi gateway keys add ci --json"),
)
@argument("name", help="Whose it is: letters, digits, '.', '_' and '-'.")
@click.pass_obj
def add(invocation: Invocation, name: str) -> Exit:
    """Make a key and print it; it is shown this once and kept nowhere.

    Its SHA-256 is in the data directory on return, and the next engine knows it as well.
    """
    from abi_tui.cli import gateway_keys

    return gateway_keys.add(invocation, name)


@keys.command(
    "remove",
    changes=True,
    examples=("abi gateway keys remove ci --yes", "abi gateway keys remove ci --dry-run"),
)
@argument("name", live="keys", help="The key's name, as the list has it.")
@click.pass_obj
def remove(invocation: Invocation, name: str) -> Exit:
    """Remove a key: whoever has it is let in no more; asks first.

    A key that was made with add is gone for good; one from the configuration comes back with the
    next start.
    """
    from abi_tui.cli import gateway_keys

    return gateway_keys.remove(invocation, name)
