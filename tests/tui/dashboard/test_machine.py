"""What is on this machine is looked up for real; the other tests have stand-ins for it."""

from __future__ import annotations

from abi_tui.dashboard.screens import machine

TOOLS, PLUGINS = machine._tools, machine._plugins


def test_the_tools_are_those_of_this_machine() -> None:
    listing, system = TOOLS()
    assert "Python" in listing.table.keys
    assert len(listing.objects) == listing.table.total
    assert system.same_as == "abi system-info --json"


def test_the_plugins_are_those_that_are_installed() -> None:
    listing = PLUGINS()
    assert listing.table.name == "plugins.list"
    assert len(listing.objects) == listing.table.total
