"""`abi gateway keys`, and the flags of routes that say who may use them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from abi_engine.core.errors import InvalidArguments
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Concurrency, Cors, LimitBy, RouteAuth
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import Call

UPSTREAM = "http://127.0.0.1:9000"


def names(engine: Engine) -> list[str]:
    return [key.name for key in engine.gateway.api_keys()]


def test_a_new_key_is_printed_once_and_never_again(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "keys", "add", "ci")
    assert said.code == Exit.DONE, said.err
    lines = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert lines["name"] == "ci"
    key = lines["key"]
    assert key.startswith("abi_")
    assert "only time" in said.err
    assert key not in said.err
    later = (
        abi("gateway", "keys"),
        abi("gateway", "keys", "list", "--json"),
        abi("events", "--json"),
        abi("logs", "--json"),
        abi("gateway", "keys", "remove", "ci", "--dry-run"),
        abi("dashboard", "--once"),
    )
    for one in later:
        assert one.code == Exit.DONE, one.err
        assert key not in one.out + one.err
    assert names(engine) == ["ci"]


def test_a_program_gets_the_key_as_json(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "keys", "add", "ci", "--json")
    assert said.data["name"] == "ci"
    assert engine.gateway._keys.find(said.data["key"]) is not None


def test_the_list_tells_names_and_use(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "keys", "list")
    assert (said.out, said.err.strip()) == ("", "abi: no API keys yet: abi gateway keys add NAME")
    for name in ("b", "a"):
        abi("gateway", "keys", "add", name)
    rows = abi("gateway", "keys", "list", "--json").data
    assert [(row["name"], row["origin"], row["requests_total"]) for row in rows] == [
        ("a", "runtime", 0),
        ("b", "runtime", 0),
    ]
    cut = abi("gateway", "keys", "list", "--limit", "1", "--json")
    assert len(cut.data) == 1
    assert cut.err == "abi: 1 of 2 shown: --limit 2 shows the rest\n"


def test_removing_asks_first(abi: Call, engine: Engine) -> None:
    abi("gateway", "keys", "add", "ci")
    said = abi("gateway", "keys", "remove", "ci")
    assert said.code == Exit.USAGE
    assert "--yes" in said.err
    said = abi("gateway", "keys", "remove", "ci", "--dry-run")
    assert said.out == "would  remove the API key ci (runtime)\n"
    assert names(engine) == ["ci"]
    assert abi("gateway", "keys", "remove", "ci", "--yes").code == Exit.DONE
    assert names(engine) == []


def test_a_dry_run_makes_no_key(abi: Call, engine: Engine) -> None:
    said = abi("gateway", "keys", "add", "ci", "--dry-run")
    assert said.out == "would  make an API key ci\n"
    assert names(engine) == []


@pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("add", "ci"), Exit.FAILED, "an API key 'ci' is there already"),
        (("add", "a b"), Exit.USAGE, "'a b'"),
        (("remove", "cii", "--yes"), Exit.NOT_FOUND, "did you mean 'ci'?"),
        (("remove", "\x1b[2J", "--yes"), Exit.NOT_FOUND, "no API key is called"),
    ],
)
def test_what_cannot_be_done_is_said(
    abi: Call,
    engine: Engine,
    words: tuple[str, ...],
    code: Exit,
    message: str,
    dry_run: tuple[str, ...],
) -> None:
    abi("gateway", "keys", "add", "ci")
    said = abi("gateway", "keys", *words, *dry_run)
    assert (said.code, said.out) == (code, "")
    assert message in said.err
    assert "\x1b" not in said.err
    assert names(engine) == ["ci"]


def test_without_an_engine_the_key_is_there_for_the_next(abi: Call) -> None:
    said = abi("gateway", "keys", "add", "ci", "--json")
    assert said.code == Exit.DONE, said.err
    assert [row["name"] for row in abi("gateway", "keys", "list", "--json").data] == ["ci"]
    (file,) = Path(os.environ["ABI_DATA_DIR"]).glob("keys.toml")
    assert said.data["key"] not in file.read_text()


def test_a_key_is_offered_to_no_model(engine: Engine) -> None:
    from abi_engine.core.operation import operations
    from abi_engine.features.gateway.api import GatewayApi

    safe = {op.name for op in operations(GatewayApi) if op.mark.safe}
    assert safe.isdisjoint({"api_keys", "add_api_key", "remove_api_key"})
    with pytest.raises(InvalidArguments):
        engine.gateway.add_api_key("")


def test_a_route_is_added_with_who_may_use_it(abi: Call, engine: Engine) -> None:
    said = abi(
        "gateway", "routes", "add", "/x", UPSTREAM, "--auth-key", "ci", "--auth-header", "X-Token",
        "--forward-key", "--limit-by", "key", "--rate", "5",
        "--cors-origin", "https://a.example", "--cors-origin", "https://b.example",
        "--cors-header", "X-Token", "--cors-credentials",
        "--concurrency", "3", "--queue", "4", "--queue-timeout", "0.5",
    )  # fmt: skip
    assert said.code == Exit.DONE, said.err
    (route,) = engine.gateway.routes()
    assert route.auth == RouteAuth(header="X-Token", keys=("ci",), forward=True)
    origins = ("https://a.example", "https://b.example")
    assert route.cors == Cors(origins, headers=("X-Token",), credentials=True)
    assert route.concurrency == Concurrency(3, 4, 0.5)
    assert route.limit is not None
    assert route.limit.by is LimitBy.KEY
    shown = abi("gateway", "routes", "show", "/x").out
    for words in ("ci", "https://a.example", "3 at once, 4 may wait 0.5 s", "0 waiting"):
        assert words in shown


def test_auth_alone_means_any_key(abi: Call, engine: Engine) -> None:
    assert abi("gateway", "routes", "add", "/x", UPSTREAM, "--auth").code == Exit.DONE
    (route,) = engine.gateway.routes()
    assert (route.auth, route.cors, route.concurrency) == (RouteAuth(), None, None)
    assert "any that is known" in abi("gateway", "routes", "show", "/x").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cors-header", "X"), "need --cors-origin"),
        (("--cors-credentials",), "need --cors-origin"),
        (("--cors-origin", "*", "--cors-credentials"), "every page act for its visitors"),
        (("--cors-origin", "a.example"), "expected scheme://host[:port]"),
        (("--queue", "5"), "need --concurrency"),
        (("--concurrency", "0"), "0"),
        (("--auth-header", "a b"), "no header name"),
    ],
)
def test_flags_that_mean_nothing_are_refused(
    abi: Call, engine: Engine, words: tuple[str, ...], message: str
) -> None:
    said = abi("gateway", "routes", "add", "/x", UPSTREAM, *words)
    assert said.code == Exit.USAGE
    assert message in said.err
    assert engine.gateway.routes() == ()
