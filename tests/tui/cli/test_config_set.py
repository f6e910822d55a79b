"""Settings however deep: written where they belong, and nothing else changed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import Call

FILE = """\
# mine
[gateway]
port = 8080  # the port
pool_size = 8

[[gateway.routes]]
path = "/x"  # the path
upstreams = ["http://127.0.0.1:1"]
limit.rate = 5.0

[[gateway.routes]]
path = "/y"
upstreams = ["http://127.0.0.1:1"]
[gateway.routes.limit]
rate = 7
"""
INLINE = """\
[gateway]
routes = [{ path = "/x", upstreams = ["http://127.0.0.1:1"], limit = { rate = 5.0 } }]
"""


@pytest.fixture
def file(config_file: Path) -> Path:
    config_file.write_text(FILE)
    return config_file


def routes(file: Path) -> Any:
    return tomllib.loads(file.read_text())["gateway"]["routes"]


@pytest.mark.parametrize(
    ("key", "value", "place", "written"),
    [
        ("gateway.routes[0].limit.rate", "9", (0, "limit", "rate"), 9.0),
        ("gateway.routes.1.limit.rate", "9", (1, "limit", "rate"), 9.0),
        ("gateway.routes[1].health_check.path", "/up", (1, "health_check", "path"), "/up"),
        ("gateway.routes[0].health_check.interval", "3", (0, "health_check", "interval"), 3.0),
        ("gateway.routes[1].retries.attempts", "0", (1, "retries", "attempts"), 0),
        ("gateway.routes[0].enabled", "false", (0, "enabled"), False),
        ("gateway.routes[0].methods", '["GET"]', (0, "methods"), ["GET"]),
        (
            "gateway.routes[0].request_headers.set",
            '{X-A = "it\'s"}',
            (0, "request_headers", "set"),
            {"X-A": "it's"},
        ),
        (
            'gateway.routes[0].request_headers.set."X.B"',
            "$(x)",
            (0, "request_headers", "set"),
            {"X.B": "$(x)"},
        ),
    ],
)
@pytest.mark.parametrize("text", [FILE, INLINE], ids=["tables", "inline"])
def test_a_field_of_a_route_is_written(
    abi: Call, file: Path, text: str, key: str, value: str, place: tuple[Any, ...], written: object
) -> None:
    if place[0] == 1 and text == INLINE:
        text = text.replace(" }]", ' }, { path = "/y", upstreams = ["http://127.0.0.1:1"] }]')
    file.write_text(text)
    said = abi("config", "set", key, value)
    assert said.code == Exit.DONE, said.err
    found: Any = routes(file)
    for word in place:
        found = found[word]
    assert found == written
    kept = tomllib.loads(text)["gateway"]["routes"]
    assert [one["path"] for one in routes(file)] == [one["path"] for one in kept]
    assert ("# mine" in file.read_text()) == ("# mine" in text)


def test_what_undo_says_puts_the_value_back(abi: Call, file: Path) -> None:
    said = abi("config", "set", "gateway.routes[0].limit.rate", "9")
    undo = said.err.removeprefix("abi: undo: abi ").strip().replace("'", "").split(" ")
    assert abi(*undo).code == Exit.DONE
    assert file.read_text() == FILE


def test_the_number_behind_the_last_adds_to_a_list(abi: Call, file: Path) -> None:
    value = '{"path": "/z", "upstreams": ["http://127.0.0.1:3"]}'
    assert abi("config", "set", "gateway.routes[2]", value).code == Exit.DONE
    assert [one["path"] for one in routes(file)] == ["/x", "/y", "/z"]
    assert len(routes(file)[2]) == 2, "no more than was given"


def test_a_route_is_taken_out(abi: Call, file: Path) -> None:
    assert abi("config", "set", "gateway.routes[0]", "--remove").code == Exit.DONE
    assert [one["path"] for one in routes(file)] == ["/y"]


def test_a_field_that_is_not_there_is_taken_out_without_a_word(abi: Call, file: Path) -> None:
    assert abi("config", "set", "gateway.routes[0].cors", "--remove").code == Exit.DONE
    assert file.read_text() == FILE


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ("gateway.routes[2].path", "/z"),
            2,
            "gateway.routes[2] = { path = '/z' }: upstreams is missing",
        ),
        (("gateway.routes[7].path", "/z"), 3, "gateway.routes has 2 entries: [7] is not there"),
        (("gateway.routes[0].limit.kind", "fixd_window"), 2, "did you mean 'fixed_window'?"),
        (("gateway.routes[0].upstreams", "x"), 2, "expected a list, got text"),
        (("gateway.routes[0].upstreams", '["x"]'), 2, "upstream 'x': it is no URL"),
        (("gateway.routes[0].pth", "/z"), 3, "did you mean 'gateway.routes[0].path'?"),
        (("gateway.routes[0].limit.rate", "[" * 5000), 2, "expected a number"),
        (("gateway.routes[1].path", "/x"), 2, "there is one for any method"),
        (("gateway..port", "1"), 2, "'gateway..port' is no key of a setting"),
        (("gateway.port[0]", "1"), 3, "[0]"),
        (("gateway", "{}"), 2, "'gateway' is a section"),
        (("gateway.port", "\x1b[2J"), 2, "expected a whole number, got text"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_file_stays(
    abi: Call, file: Path, words: tuple[str, str], code: int, message: str
) -> None:
    said = abi("config", "set", *words)
    assert said.code == code, said
    assert message in said.err
    assert "\x1b" not in said.err
    assert file.read_text() == FILE


def test_what_is_wrong_already_is_not_blamed_on_the_change(abi: Call, file: Path) -> None:
    file.write_text("[gateway]\nprt = 1\n")
    said = abi("config", "set", "gateway.port", "1")
    assert said.code == Exit.USAGE
    assert f"unknown setting 'gateway.prt' (file {file}:2)" in said.err


def test_a_dry_run_shows_the_difference_without_secrets(abi: Call, file: Path) -> None:
    key = "gateway.routes[0].request_headers.set.Authorization"
    said = abi("config", "set", key, "Bearer 123", "--dry-run", "--json")
    assert said.data["dry_run"] is True
    added = [one for one in said.data["diff"] if one.startswith("+") and "Authorization" in one]
    assert added == ['+Authorization = "<hidden>"']
    assert file.read_text() == FILE


def test_a_value_within_a_list_is_read_the_same_way(abi: Call, file: Path) -> None:
    assert abi("config", "get", "gateway.routes[1].limit.rate").out == "7.0\n"
    found = abi("config", "get", "gateway.routes[0].path", "--json").data
    assert found["value"] == "/x"
    assert found["origin"] == f"file {file}:6"
    said = abi("config", "get", "gateway.routes[5].path")
    assert said.code == Exit.NOT_FOUND
    assert "(abi config get gateway.routes)" in said.err


@pytest.mark.parametrize("key", ["", ".", "[0]", "a.", "a[", "a[x]", 'a."b', "a b", "ä", "a\n"])
def test_what_is_no_key_is_said(abi: Call, file: Path, key: str) -> None:
    assert abi("config", "set", key, "1").code in (Exit.USAGE, Exit.NOT_FOUND)
    assert file.read_text() == FILE
