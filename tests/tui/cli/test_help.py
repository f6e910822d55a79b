from __future__ import annotations

import json
from typing import Any

import pytest

from abi_tui.cli import root, topics, tree
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import Call

PATHS = [node.path for node in tree.walk(root.root())]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_of_a_path_is_what_the_command_says_itself(abi: Call, path: tuple[str, ...]) -> None:
    said = abi("help", *path).out
    topic = topics.text(path[0]) if path == ("config",) else ""
    assert said == abi(*path, "--help").out + (f"\n{topic}" if topic else "")


def test_an_alias_leads_to_the_help_of_its_command(abi: Call) -> None:
    assert abi("help", "tui").out == abi("help", "dashboard").out


@pytest.mark.parametrize("topic", topics.NAMES)
def test_a_topic_is_explained_and_is_json_too(abi: Call, topic: str) -> None:
    said = abi("help", topic)
    assert said.code == 0
    assert topics.text(topic) in said.out
    # `config` is a command as well, and the document is about that.
    schema = "abi.help/1" if topic == "config" else "abi.help.topic/1"
    assert abi("help", topic, "--json").document["schema"] == schema


def test_exit_codes_are_explained_from_the_table(abi: Call) -> None:
    lines = abi("help", "exit-codes").out.splitlines()
    assert [text.split()[0] for text in lines] == [str(int(code)) for code in Exit]


def test_the_whole_tree_is_one_document(abi: Call) -> None:
    data = abi("help", "--json").data
    assert [child["path"] for child in data["commands"]] == [[row.name] for row in root.COMMANDS]
    assert len(data["shared_options"]) == 18

    def count(node: dict[str, Any]) -> int:
        return 1 + sum(map(count, node.get("commands", ())))

    assert count(data) == len(PATHS)


def test_a_part_of_the_tree_is_one_document(abi: Call) -> None:
    data = abi("help", "gateway", "routes", "--json").data
    assert data["path"] == ["gateway", "routes"]
    names = [child["path"][-1] for child in data["commands"]]
    assert names == ["list", "show", "add", "remove", "enable", "disable"]
    sort = next(one for one in data["commands"][0]["options"] if "--sort" in one["flags"])
    assert "p99" in sort["choices"]


def test_the_first_help_has_every_command_under_a_heading(abi: Call) -> None:
    out = abi("--help").out
    assert out == abi("help").out == abi("-h").out
    for row in root.COMMANDS:
        assert f"\n  {row.name} " in out
    assert out.index("Run:") < out.index("Traffic:") < out.index("System:") < out.index("\nHelp:")
    assert "(planned)" not in out


def test_all_lists_what_is_planned_as_such(abi: Call) -> None:
    out = abi("help", "--all").out
    assert "cache " in out
    assert "(planned)" in out


def test_all_lists_what_is_planned_in_a_group_as_well(abi: Call) -> None:
    out = abi("help", "toolchain", "--all").out
    assert "\nPlanned:\n  doctor " in out
    assert "Planned:" not in abi("help", "toolchain").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gatway",), "no command named 'gatway'. did you mean 'gateway'?"),
        (("gateway", "rutes"), "no command named 'rutes'. did you mean 'routes'?"),
        (("exit-code",), "no command or topic named 'exit-code'. did you mean 'exit-codes'?"),
        (("version", "deeper"), "no command named 'deeper'"),
    ],
)
def test_help_of_what_is_not_there_names_the_nearest(
    abi: Call, words: tuple[str, ...], message: str
) -> None:
    said = abi("help", *words)
    assert said.code == Exit.USAGE
    assert message in said.err


def test_a_planned_name_has_help_that_says_so(abi: Call) -> None:
    said = abi("help", "cache")
    assert said.code == 0
    assert "(planned, not built)" in said.out


def test_shared_flags_are_one_line_and_a_topic_of_their_own(abi: Call) -> None:
    out = abi("version", "--help").out
    assert "--dry-run" not in out
    assert " -n " in out
    assert "-n, --dry-run" in abi("help", "options").out


def test_help_is_never_wider_than_it_was_made_for(abi: Call) -> None:
    for path in PATHS:
        text = abi(*path, "--help").out
        examples = text.partition("Usage:")[0]
        assert all(len(line) <= 80 for line in text.removeprefix(examples).splitlines())


def test_help_in_json_lines_is_one_line(abi: Call) -> None:
    assert json.loads(abi("help", "version", "--jsonl").out)["data"]["path"] == ["version"]
