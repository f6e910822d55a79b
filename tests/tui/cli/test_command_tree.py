"""What holds for every command, read from the tree itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from abi_engine.benches.suites import ROUNDS, SUITES
from abi_engine.catalogue import BUILT_IN
from abi_engine.core.operation import operations
from abi_engine.features.gateway.api import Balance, LimitBy, RouteSort
from abi_engine.runtime.limiter import LimitKind
from abi_engine.system import SystemApi
from abi_tui import views
from abi_tui.cli import root, tree
from abi_tui.cli.command import Command, Group
from abi_tui.cli.commands import bench, dashboard, gateway_routes
from abi_tui.cli.planned import HEADINGS, PLANNED
from abi_tui.views.detail import Detail
from abi_tui.views.index import AWAITING, VIEWS
from abi_tui.views.table import Table

NODES = {node.words: node for node in tree.walk(root.root(), hidden=True)}
VISIBLE = {node.words: node for node in tree.walk(root.root())}


@pytest.mark.parametrize("row", root.COMMANDS, ids=lambda row: row.name)
def test_the_table_says_what_the_command_says_of_itself(row: root.Row) -> None:
    node = NODES[f"abi {row.name}"]
    assert isinstance(node.command, Command | Group)
    assert node.command.name == row.name
    assert node.command.summary == row.summary
    assert row.heading in HEADINGS


@pytest.mark.parametrize("words", VISIBLE)
def test_help_leads_with_two_examples(words: str) -> None:
    command = VISIBLE[words].command
    assert isinstance(command, Command | Group)
    assert len(command.examples) == 2
    assert all("abi " in example for example in command.examples)
    text = command.get_help(VISIBLE[words].context)
    assert text.index("Examples:") < text.index("Usage:" if "Usage:" in text else "Run:")


@pytest.mark.parametrize("words", VISIBLE)
def test_every_command_says_what_it_is_in_a_sentence_and_every_flag_too(words: str) -> None:
    node = VISIBLE[words]
    assert (node.command.help or "").partition("\n\n")[0].rstrip().endswith(".")
    for param in node.command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{words} {param.opts}"
            assert param.help.endswith("."), f"{words} {param.opts}"
        assert "RANGE" not in param.make_metavar(node.context), f"{words} {param.name}"


@pytest.mark.parametrize("words", NODES)
def test_no_flag_of_a_command_takes_the_name_of_a_shared_one(words: str) -> None:
    node = NODES[words]
    names = [
        name
        for param in node.command.get_params(node.context)
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    ]
    assert len(names) == len(set(names))


def test_no_two_commands_have_the_same_name() -> None:
    names = list(root.root().names())
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (gateway_routes.ROUTE_ORDERS, RouteSort),
        (gateway_routes.BALANCES, Balance),
        (gateway_routes.LIMIT_KINDS, LimitKind),
        (gateway_routes.LIMIT_BY, LimitBy),
    ],
)
def test_the_choices_of_a_flag_are_those_of_the_engine(
    words: tuple[str, ...], kind: type[RouteSort]
) -> None:
    assert words == tuple(kind)


def test_the_suites_of_bench_are_those_of_the_engine() -> None:
    group = NODES["abi bench"].command
    assert isinstance(group, Group)
    built = {row.name for row in SUITES if row.module}
    assert built == set(group.commands) - {"list"}
    later = [(row.name, row.summary) for row in SUITES if not row.module]
    assert later == [(row.name, row.summary) for row in group.planned]
    assert bench.ROUNDS == ROUNDS


def test_the_screens_of_the_flag_are_those_of_the_dashboard() -> None:
    places = import_module("abi_tui.dashboard.places").PLACES
    assert tuple(place.name for place in places) == dashboard.SCREENS


def test_every_feature_that_is_not_built_has_a_command_that_says_so() -> None:
    known = set(root.root().names()) | {"agents"}
    later = {row.name for row in BUILT_IN if not row.built}
    # These have no command of their own.
    parts = {"ai", "personas", "constitution", "vision", "mobile"}
    assert later - parts <= known
    assert {row.name for row in BUILT_IN if row.built} <= known


@pytest.mark.parametrize("row", PLANNED, ids=lambda row: row.name)
def test_a_planned_name_is_in_no_list_of_what_is_built(row: object) -> None:
    assert row.name not in [one.name for one in root.COMMANDS]  # type: ignore[attr-defined]
    assert row.group in HEADINGS  # type: ignore[attr-defined]


def test_no_command_module_is_left_out_of_the_table() -> None:
    folder = Path(root.__file__).parent / "commands"
    files = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    parts = {"gateway_routes", "gateway_breakers", "gateway_keys"}
    assert files - parts == {row.module for row in root.COMMANDS}


# views


def _builders() -> Iterator[str]:
    folder = Path(next(iter(views.__path__)))
    for file in sorted(folder.glob("*.py")):
        module = import_module(f"abi_tui.views.{file.stem}") if file.stem != "__init__" else views
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and function.__annotations__.get("return") in (Table.__name__, Detail.__name__):
                yield f"{file.stem}.{name}"


# These shape what is there and show nothing by themselves.
TOOLS = {"window.narrowed", "window.filtered"}


def test_every_function_that_builds_a_view_is_in_the_index() -> None:
    assert set(_builders()) - TOOLS == {view.builder for view in (*VIEWS, *AWAITING)}


def test_a_view_awaits_its_screen_only_while_that_is_planned() -> None:
    places = import_module("abi_tui.dashboard.places").PLACES
    assert {view.screen for view in AWAITING} <= {place.name for place in places if not place.built}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_a_command_that_says_it_prints_it(view: object) -> None:
    node = NODES[f"abi {view.command}"]  # type: ignore[attr-defined]
    assert isinstance(node.command, Command)
    assert node.command.view in (view.name, "")  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", VISIBLE)
def test_every_view_that_a_command_names_is_in_the_index(words: str) -> None:
    named = getattr(VISIBLE[words].command, "view", "")
    assert named in {"", *(view.name for view in VIEWS)}


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_view_has_a_screen(view: object) -> None:
    assert view.screen in dashboard.SCREENS  # type: ignore[attr-defined]


# operations


def _operations() -> Iterator[str]:
    apis = {"system": SystemApi} | {row.name: row.api for row in BUILT_IN if row.built}
    for feature, api in apis.items():
        yield from (f"{feature}.{op.name}" for op in operations(api) if op.mark.command)


@pytest.mark.parametrize("name", _operations())
def test_every_operation_that_asks_for_a_command_is_called_by_one(name: str) -> None:
    folder = Path(root.__file__).parent
    source = "".join(file.read_text() for file in folder.rglob("*.py"))
    assert f".{name}(" in source


# the reference


def test_the_command_reference_is_current() -> None:
    folder = Path(__file__).parents[3] / "docs"
    spec = {"__file__": str(folder / "generate_commands.py"), "__name__": "generate_commands"}
    exec((folder / "generate_commands.py").read_text(), spec)
    current = (folder / "commands.md").read_text()
    assert current == spec["text"](), "python docs/generate_commands.py brings it up to date"  # type: ignore[operator]
