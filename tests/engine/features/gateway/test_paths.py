"""Request targets have one form, or none."""

from __future__ import annotations

from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.paths import (
    BadTarget,
    check_query,
    decoded,
    normalise,
    split_target,
)


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/", "/"),
        ("/users/42", "/users/42"),
        ("/a/b/", "/a/b/"),
        ("/%75sers", "/users"),
        ("/%7Euser/%2D%2e%5F", "/~user/-._"),
        ("/a%3ab", "/a%3Ab"),
        ("/a//b///c", "/a/b/c"),
        ("//", "/"),
        ("/a/./b/.", "/a/b/"),
        ("/a/b/../c", "/a/c"),
        ("/a/b/..", "/a/"),
        ("/a/..", "/"),
        ("/a//../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a/...", "/a/..."),
        ("/a/..b/c..", "/a/..b/c.."),
        ("/a%2fb", "/a%2Fb"),
        ("/a..%2f..b", "/a..%2F..b"),
        ("/a%5cb", "/a%5Cb"),
        ("/%252e%252e/a", "/%252e%252e/a"),
        ("/a%252Fb", "/a%252Fb"),
        ("/%25%34%31", "/%2541"),
        ("/{id}|^`", "/%7Bid%7D%7C%5E%60"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/a;v=1/b", "/a;v=1/b"),
        ("/a;../b", "/a;../b"),
    ],
)
def test_a_path_has_one_form(path: str, normal: str) -> None:
    assert normalise(path) == normal


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "*",
        "/..",
        "/a/../..",
        "/%2e%2e/etc",
        "/a/%2E./../x",
        "/%",
        "/%4",
        "/%zz",
        "/%+1",
        "/% 1",
        "/%٠٠",
        "/%00",
        "/%0a",
        "/%0D%0Ax: y",
        "/%7f",
        "/%09",
        "/a b",
        "/a\tb",
        "/a\nb",
        "/a\x00",
        "/\x7f",
        "/é",
        "/a\\b",
        "/a\\..\\b",
        "/a#b",
        "/<a>",
        '/"',
        "/a?b",
        "/%ff",
        "/%c3",
        "/%c0%af",
        "/%c3x%a9",
        "/%ed%a0%80",
        "/a/..;/b",
        "/a/..;x=1/b",
        "/.;a/b",
        "/a/%2e%2e;/b",
        "/a/%2e%2e%3bx",
        "/a/..%2fb",
        "/a/%2e%2e%5Cb",
        "/a%2f%2e%2e",
        "/a%5c.%2fb",
        "/a%2F..;x",
    ],
)
def test_a_path_with_more_than_one_meaning_is_refused(path: str) -> None:
    with pytest.raises(BadTarget) as caught:
        normalise(path)
    assert caught.value.reason.isprintable()


WORDS = "/ // . .. %2e %2E %2f %5C %25 %252e a b %41 é %c3%a9 { | ; : @ %3b %7B ~ % %0 \\ x.y ..."
PIECES = st.sampled_from((*WORDS.split(" "), " "))
PATHS = st.lists(PIECES, max_size=12).map(lambda pieces: "/" + "".join(pieces))


@given(PATHS)
def test_the_form_of_a_form_is_itself(path: str) -> None:
    normal = _normal(path)
    if normal is not None:
        assert normalise(normal) == normal


@given(PATHS)
def test_nothing_in_the_form_is_walked_or_merged_again(path: str) -> None:
    normal = _normal(path)
    if normal is not None:
        assert normal.startswith("/")
        assert "//" not in normal
        assert not {".", ".."} & set(normal.split("/"))


@given(PATHS)
def test_the_form_means_what_a_naive_reader_understands(path: str) -> None:
    normal = _normal(path)
    if normal is not None:
        assert _meaning(normal) == _resolved(_meaning(path))


@given(st.text(max_size=30))
def test_any_text_has_a_form_or_is_refused(text: str) -> None:
    normal = _normal(text)
    assert normal is None or normal.startswith("/")


@given(PATHS)
def test_a_server_that_decodes_before_it_walks_finds_nothing_to_walk(path: str) -> None:
    normal = _normal(path)
    if normal is not None:
        segments = unquote(normal).replace("\\", "/").split("/")
        assert not {".", ".."} & {segment.partition(";")[0] for segment in segments}


def _normal(path: str) -> str | None:
    try:
        return normalise(path)
    except BadTarget:
        return None


def _meaning(path: str) -> list[bytes]:
    """The segments as an upstream would decode them."""
    return [unquote_to_bytes(segment) for segment in path.split("/")[1:]]


def _resolved(segments: list[bytes]) -> list[bytes]:
    """Empty segments, `.` and `..` carried out; an empty one at the end for a trailing slash."""
    kept: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            kept.pop()
        elif segment not in (b"", b"."):
            kept.append(segment)
    trailing = segments[-1] in (b"", b".", b"..")
    return [*kept, b""] if trailing or not kept else kept


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a", "/a", ""),
        ("/a?", "/a", "?"),
        ("/a?b?c", "/a", "?b?c"),
        ("http://host/a?b", "/a", "?b"),
        ("HTTPS://host:8/a//b", "/a//b", ""),
        ("http://host", "/", ""),
        ("http://host?x=/y", "/", "?x=/y"),
        ("/a://b", "/a://b", ""),
    ],
)
def test_a_target_is_cut_into_path_and_query(target: str, path: str, query: str) -> None:
    assert split_target(target) == (path, query)


@pytest.mark.parametrize("query", ["?a b", "?\x00", "?é", "?a#b", "?\r\nx"])
def test_a_query_with_letters_that_no_target_has_is_refused(query: str) -> None:
    with pytest.raises(BadTarget):
        check_query(query)


def test_a_query_goes_as_it_came() -> None:
    check_query("?a=%zz&b[]=%2e%2e/..&c=\\{}|")


def test_a_segment_says_what_its_escapes_mean() -> None:
    assert decoded("a%2Fb%25c%C3%A9") == "a/b%cé"
