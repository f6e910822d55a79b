"""Routes last in a file that is written whole or not at all."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.errors import DataDirectoryError, InvalidConfig
from abi_engine.features.gateway.api import (
    AuthScheme,
    Balance,
    Concurrency,
    Cors,
    HeaderRules,
    HealthCheck,
    LimitBy,
    Retries,
    Route,
    RouteAuth,
    RouteLimit,
    Timeouts,
    UpstreamTls,
)
from abi_engine.features.gateway.route_file import FILE_NAME, RouteFile
from abi_engine.runtime.limiter import LimitKind
from tests.scale import scaled

SECONDS = st.floats(0.001, 86_400, allow_nan=False)
NAMES = st.text("abcXYZ-", min_size=1, max_size=8)
TEXTS = st.lists(st.text(max_size=8), max_size=3).map(tuple)
RULES = st.builds(
    HeaderRules,
    set=st.dictionaries(NAMES, st.text(max_size=12), max_size=3),
    add=st.dictionaries(NAMES, st.text(max_size=12), max_size=3),
    remove=st.lists(NAMES, max_size=3).map(tuple),
)
LIMITS = st.builds(
    RouteLimit,
    kind=st.sampled_from(LimitKind),
    rate=st.floats(0.001, 1e9),
    burst=st.integers(1, 1_000),
    by=st.sampled_from(LimitBy),
    header=st.text(max_size=8),
)
ROUTES = st.builds(
    Route,
    path=st.text(max_size=20).map(lambda text: "/" + text),
    upstreams=st.lists(st.text(max_size=12), min_size=1, max_size=3).map(tuple),
    methods=st.sampled_from([(), ("GET",), ("GET", "POST")]),
    weights=st.lists(st.integers(1, 10_000), max_size=3).map(tuple),
    balance=st.sampled_from(Balance),
    limit=st.none() | LIMITS,
    timeouts=st.builds(Timeouts, connect=SECONDS, idle=SECONDS),
    max_body=st.integers(0, 1 << 40),
    preserve_host=st.booleans(),
    request_headers=RULES,
    response_headers=RULES,
    retries=st.builds(Retries, attempts=st.integers(0, 8), statuses=st.just((502,))),
    health_check=st.none() | st.builds(HealthCheck, host=st.text(max_size=8)),
    upstream_tls=st.builds(UpstreamTls, verify=st.booleans(), ca=st.text(max_size=8)),
    concurrency=st.none() | st.builds(Concurrency, st.integers(1, 9), st.integers(0, 9), SECONDS),
    auth=st.none()
    | st.builds(
        RouteAuth,
        accept=st.sampled_from([(), tuple(AuthScheme)]),
        header=st.text(max_size=8),
        keys=TEXTS,
        forward=st.booleans(),
    ),
    cors=st.none() | st.builds(Cors, TEXTS, TEXTS, TEXTS, TEXTS, credentials=st.booleans()),
    upgrades=TEXTS,
    enabled=st.booleans(),
)


def _key(route: Route) -> tuple[str, tuple[str, ...]]:
    return route.path, route.methods


@settings(max_examples=scaled(60, 2_000))  # each is a synced file
@given(st.lists(ROUTES, max_size=3, unique_by=_key))
def test_every_route_comes_back_as_it_was(tmp_path: Path, routes: list[Route]) -> None:
    RouteFile(tmp_path).write(routes)
    assert list(RouteFile(tmp_path).read()) == routes


def test_no_file_means_no_routes(tmp_path: Path) -> None:
    assert RouteFile(tmp_path).read() == ()


def test_only_what_is_unusual_is_written(tmp_path: Path) -> None:
    RouteFile(tmp_path).write([Route("/a", ("http://h:1",), limit=None)])
    text = (tmp_path / FILE_NAME).read_text()
    assert tomllib.loads(text) == {
        "routes": [{"path": "/a", "upstreams": ["http://h:1"], "limit": {"enabled": False}}]
    }


def test_the_file_is_for_this_user_alone(tmp_path: Path) -> None:
    RouteFile(tmp_path).write([])
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[routes]]\npath = \n", ":2:"),
        ("[[routes]]\npath = '/a'\nupstreams = ['http://h']\n\n[[routes]]\npath = 5\n", ":5:"),
        ("\n\n[[routes]]\npath = '/a'\n", ":3:"),
        ("[[routes]]\npath = '/a'\nupstreams = []\nupstream = 'x'\n", ":1:"),
        ("[[routes]]\npath = '/a'\nupstreams = []\n[routes.limit]\nrate = -1\n", ":1:"),
        ("[[route]]\n", ":1:"),
        ("routes = 5\n", ":1:"),
        ("routes = [5]\n", ":1:"),
        ("[[routes]]\npath = '/a'\nupstreams = ['http://h']\n[[rou", ":4:"),
        ("\0", ":1:"),
        pytest.param("routes = " + "[" * 100_000, ":1:", id="nested too deeply"),
        pytest.param("routes = " + "9" * 5_000, ":1:", id="a number too long"),
        (f"[[routes]]\npath = '/a'\nupstreams = ['http://h']\nmax_body = {1 << 64}\n", ":1:"),
    ],
)
def test_a_damaged_file_is_an_error_with_its_line_and_stays(
    tmp_path: Path, text: str, line: str
) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text)
    with pytest.raises(InvalidConfig) as caught:
        RouteFile(tmp_path).read()
    assert str(path) in caught.value.message
    assert line in caught.value.message
    assert path.read_text() == text


def test_a_file_that_is_no_text_is_an_error_and_stays(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"# one\n\xff\xfe[[routes]]")
    with pytest.raises(InvalidConfig, match=f"{FILE_NAME}:2:"):
        RouteFile(tmp_path).read()
    assert path.read_bytes() == b"# one\n\xff\xfe[[routes]]"


def test_a_file_that_cannot_be_read_is_an_error_of_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(DataDirectoryError, match="cannot read"):
        RouteFile(tmp_path).read()


def test_what_a_killed_writer_left_is_removed_and_never_read(tmp_path: Path) -> None:
    file = RouteFile(tmp_path)
    file.write([Route("/a", ("http://h:1",))])
    left = tmp_path / f".{FILE_NAME}.0badcafe.tmp"
    left.write_text("[[routes]]\npath = '/half")
    other = tmp_path / "notes.tmp"
    other.write_text("mine")
    assert [route.path for route in RouteFile(tmp_path).read()] == ["/a"]
    assert not left.exists()
    assert other.exists()


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    file = RouteFile(directory)
    file.write([Route("/a", ("http://h:1",))])
    moved = directory.rename(tmp_path / "elsewhere")
    with pytest.raises(DataDirectoryError):
        file.write([])
    assert [route.path for route in RouteFile(moved).read()] == ["/a"]
