"""The command matrix: every command there is, read from the tree, so that it grows with it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import click
import pytest

from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route
from abi_tui.cli import root, tree
from abi_tui.cli.command import Command, Group
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import ABI, Call, spawn

NODES = list(tree.walk(root.root(), hidden=True))
LEAVES = [node for node in NODES if isinstance(node.command, Command)]
GROUPS = [node for node in NODES if isinstance(node.command, Group) and node.path]
PLANNED = [
    (*node.path, name)
    for node in NODES
    if isinstance(node.command, Group)
    for row in node.command.planned
    for name in (row.name, *row.aliases)
]
EXAMPLES = sorted(
    {
        one
        for node in NODES
        for one in getattr(node.command, "examples", ())
        if not node.command.hidden
    }
)
# What these do is no answer that ends, or no answer to a pipe.
DRAWING = {"abi demo", "abi dashboard --screen gateway"}
ENDLESS = {
    *("abi gateway watch --sort rate", "abi gateway watch --jsonl"),
    *(one for one in EXAMPLES if "--watch" in one),
}
ALONE = {"abi serve --detach", "abi serve --port 0 --dry-run"}
STOPPING = {"abi stop", "abi stop --deadline 5"}
SLOW = {one for one in EXAMPLES if one.startswith("abi demo --headless")}
MEASURING = {one for one in EXAMPLES if one.startswith("abi bench gateway")}
SHELL = {one for one in EXAMPLES if one.startswith("source ") or " | " in one}
ORDINARY = [
    one
    for one in EXAMPLES
    if one not in DRAWING | ENDLESS | ALONE | STOPPING | SLOW | SHELL | MEASURING
]
NAMED = "http://127.0.0.1:9000"  # the upstream of the examples: nobody is asked there


def _path(node: tree.Node) -> str:
    return node.words


@pytest.mark.parametrize("node", NODES, ids=_path)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_is_an_answer(abi: Call, node: tree.Node, flag: str) -> None:
    said = abi(*node.path, flag)
    assert (said.code, said.err) == (Exit.DONE, "")
    assert said.out.startswith(node.words)


@pytest.mark.parametrize("node", NODES, ids=_path)
def test_help_finds_it_at_any_depth(abi: Call, node: tree.Node) -> None:
    assert abi("help", *node.path).out.startswith(node.words)


@pytest.mark.parametrize("node", NODES, ids=_path)
@pytest.mark.parametrize("machine", [False, True])
def test_a_flag_that_is_not_there_is_usage(abi: Call, node: tree.Node, machine: bool) -> None:
    said = abi(*node.path, "--no-such-flag", *(("--json",) if machine else ()))
    assert said.code == Exit.USAGE
    assert said.out == ""
    assert said.err.count("\n") == 1
    if machine:
        assert said.error["code"] == "usage"
    else:
        assert said.err.startswith("abi: error: no option --no-such-flag")


@pytest.mark.parametrize("node", GROUPS, ids=_path)
def test_a_command_that_is_not_there_is_usage(abi: Call, node: tree.Node) -> None:
    said = abi(*node.path, "no-such-command")
    assert said.code == Exit.USAGE
    assert said.err.startswith("abi: error: no command named 'no-such-command'")


@pytest.mark.parametrize("node", GROUPS, ids=_path)
def test_a_group_alone_is_its_default_or_says_what_there_is(abi: Call, node: tree.Node) -> None:
    said = abi(*node.path)
    group = node.command
    assert isinstance(group, Group)
    if group.default:
        assert said.code == Exit.DONE
    else:
        assert (said.code, said.out) == (Exit.USAGE, "")
        assert "Commands:" in said.err


@pytest.mark.parametrize("node", LEAVES, ids=_path)
def test_an_argument_too_many_is_usage(abi: Call, node: tree.Node) -> None:
    arguments = [p for p in node.command.params if isinstance(p, click.Argument)]
    if any(argument.nargs == -1 for argument in arguments):
        return
    said = abi(*node.path, *["x"] * (len(arguments) + 1))
    assert said.code == Exit.USAGE
    assert said.out == ""


@pytest.mark.parametrize("node", LEAVES, ids=_path)
def test_a_missing_argument_is_usage_and_named(abi: Call, node: tree.Node) -> None:
    required = [p for p in node.command.params if isinstance(p, click.Argument) and p.required]
    if not required:
        return
    said = abi(*node.path)
    assert said.code == Exit.USAGE
    assert f"{required[0].human_readable_name} is missing" in said.err


@pytest.mark.parametrize("node", NODES, ids=_path)
@pytest.mark.parametrize("flags", [("--limit", "none"), ("--timeout", "0"), ("--json", "--csv")])
def test_a_shared_flag_with_a_wrong_value_is_usage(
    abi: Call, node: tree.Node, flags: tuple[str, ...]
) -> None:
    said = abi(*node.path, *flags)
    assert said.code == Exit.USAGE
    assert said.out == ""
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("words", PLANNED, ids=" ".join)
@pytest.mark.parametrize("more", [(), ("some", "--thing", "x")])
def test_a_planned_name_is_unavailable_whatever_follows(
    abi: Call, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    said = abi(*words, *more, "--json")
    assert said.code == Exit.UNAVAILABLE
    assert said.out == ""
    assert said.error["code"] == "feature_planned"
    assert "planned, not built" in said.error["message"]


# examples


@pytest.fixture
def stage(engine: Engine, upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """What the examples speak of: a served engine with some routes."""
    monkeypatch.chdir(tmp_path)
    engine.gateway.add_route(Route("/hello", (upstream,)))
    engine.gateway.add_route(Route("/old", (NAMED,)))
    engine.gateway.add_api_key("ci")
    (tmp_path / "abi.toml").touch()
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "true")
    return engine


def _make_room(stage: Engine, example: str) -> None:
    """Take away what an example adds."""
    if example == "abi gateway routes add /hello http://127.0.0.1:9000":
        stage.gateway.remove_route("/hello")
    if example.startswith("abi gateway keys add"):
        stage.gateway.remove_api_key("ci")


@pytest.mark.parametrize("example", ORDINARY)
def test_an_example_runs(abi: Call, stage: Engine, example: str) -> None:
    _make_room(stage, example)
    said = abi(*shlex.split(example)[1:])
    assert said.code == Exit.DONE, said.err
    assert said.out or said.err  # an empty list says why on stderr
    assert "error" not in said.err


@pytest.mark.slow
@pytest.mark.parametrize("example", [one for one in ORDINARY if "--json" not in one])
def test_an_example_is_json_too(abi: Call, stage: Engine, example: str) -> None:
    _make_room(stage, example)
    words = [word for word in shlex.split(example)[1:] if word not in ("--csv", "--jsonl")]
    said = abi(*words, "--json")
    assert said.code == Exit.DONE, said.err
    assert set(said.document) == {"schema", "at", "data"}


@pytest.mark.parametrize(
    "node", [one for one in LEAVES if getattr(one.command, "changes", False)], ids=_path
)
def test_a_dry_run_of_every_example_that_changes_something_changes_nothing(
    abi: Call, stage: Engine, node: tree.Node
) -> None:
    before = _shape(stage)
    assert isinstance(node.command, Command)
    for example in node.command.examples:
        said = abi(*shlex.split(example)[1:], "--dry-run", "--json")
        assert said.code in (Exit.DONE, Exit.FAILED), said.err
        if said.code == Exit.DONE:
            assert said.document["schema"] == "abi.change/1"
            assert said.data["dry_run"] is True
    assert _shape(stage) == before
    assert not Path("new.toml").exists()


def _shape(engine: Engine) -> object:
    rows = engine.gateway.route_stats().rows
    return (
        [(row.path, row.enabled) for row in rows],
        [(row.upstream, row.breaker.state, row.breaker.last) for row in engine.gateway.breakers()],
        engine.enabled("gateway"),
        engine.stop_asked.is_set(),
    )


@pytest.mark.parametrize("example", sorted(DRAWING))
def test_what_draws_needs_a_terminal(abi: Call, example: str) -> None:
    said = abi(*shlex.split(example)[1:])
    assert said.code == Exit.USAGE
    assert said.err.count("\n") == 1
    assert "terminal" in said.err


@pytest.mark.parametrize("example", sorted(ENDLESS))
def test_what_goes_on_ends_with_ctrl_c(stage: Engine, example: str) -> None:
    with subprocess.Popen(
        [*ABI, *shlex.split(example)[1:]], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (Exit.INTERRUPTED, b"")


@pytest.mark.parametrize("serve", sorted(ALONE))
@pytest.mark.parametrize("stop", sorted(STOPPING))
def test_an_engine_is_served_and_stopped_as_the_examples_say(
    monkeypatch: pytest.MonkeyPatch, serve: str, stop: str
) -> None:
    monkeypatch.setenv("ABI_GATEWAY__PORT", "0")
    monkeypatch.setenv("ABI_SERVICE__ADMIN_PORT", "0")
    said = spawn(*shlex.split(serve)[1:], "--json")
    dry = "--dry-run" in serve
    try:
        assert said.code == Exit.DONE, said.err
        assert said.document["schema"] == ("abi.change/1" if dry else "abi.engine.served/1")
    finally:
        stopped = spawn(*shlex.split(stop)[1:])
    assert stopped.code == (Exit.UNAVAILABLE if dry else Exit.DONE)


@pytest.mark.parametrize("example", sorted(SHELL))
def test_a_script_can_be_read_into_its_shell(example: str, tmp_path: Path) -> None:
    shell = "zsh" if example.endswith("zsh)") else "bash"
    if shell == "zsh" or "|" in example:
        return  # the tests of completion read it into a zsh and a fish on a terminal
    program = tmp_path / "abi"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(ABI)} "$@"\n')
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [shell, "-c", f"{example}; complete -p abi"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "-F _abi abi" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted(SLOW))
def test_the_demo_runs_without_a_screen(example: str) -> None:
    said = spawn(*shlex.split(example)[1:], timeout=100)
    assert said.code == Exit.DONE, said.err
    assert json.loads(said.out)["schema"].startswith("abi.demo")


@pytest.mark.slow
def test_a_suite_is_measured_and_what_is_missing_is_named(tmp_path: Path) -> None:
    environ = {**os.environ, "PATH": str(tmp_path)}
    said = spawn("bench", "gateway", "--rounds", "1", "--json", env=environ, timeout=100)
    assert (said.code, said.err) == (Exit.DONE, "")
    assert said.document["schema"] == "abi.bench.gateway/1"
    *others, hop = said.data["outcomes"]
    assert len(others) > 10
    assert all(one["ours_us"] > 0 and one["rival"] == "" for one in others)
    assert (hop["ours_us"], hop["reason"]) == (None, "wrk is missing: apt-get install wrk")
