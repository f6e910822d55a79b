from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.proxy.head import (
    BadMessage,
    RequestHead,
    ResponseHead,
    check_host,
    parse_request,
    parse_response,
)
from tests.engine.features.gateway.proxy.hostile import REFUSED_HEADS, short


def request(raw: bytes) -> RequestHead:
    return parse_request(raw, url_size=1024, header_count=20)


def get(*lines: bytes, first: bytes = b"GET /a?b HTTP/1.1") -> RequestHead:
    return request(b"\r\n".join((first, b"Host: h", *lines, b"", b"")))


def response(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK") -> ResponseHead:
    return parse_response(b"\r\n".join((first, *lines, b"", b"")))


def test_a_plain_request_is_read() -> None:
    head = get(b"X-One:  1", b"X-Two: 2")
    assert (head.method, head.target, head.host) == ("GET", "/a?b", b"h")
    assert head.lines == [b"X-One: 1", b"X-Two: 2"]
    assert (head.http11, head.keep_alive, head.has_body) == (True, True, False)


def test_an_empty_value_is_a_value() -> None:
    assert get(b"X-One:", b"X-Two:   ").lines == [b"X-One: ", b"X-Two: "]


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"http://other:81/x?y", "/x?y", b"other:81"),
        (b"HTTP://other/x", "/x", b"other"),
        (b"https://other", "/", b"other"),
        (b"http://other?q=/z", "/?q=/z", b"other"),
        (b"http://[::1]:8080/x", "/x", b"[::1]:8080"),
    ],
)
def test_an_absolute_target_names_path_and_host(target: bytes, path: str, host: bytes) -> None:
    head = get(first=b"GET " + target + b" HTTP/1.1")
    assert (head.target, head.host) == (path, host)


def test_a_star_is_a_target_of_options_alone() -> None:
    assert get(first=b"OPTIONS * HTTP/1.1").target == "*"
    with pytest.raises(BadMessage):
        get(first=b"GET * HTTP/1.1")


@pytest.mark.parametrize(
    ("first", "line", "lives"),
    [
        (b"GET / HTTP/1.1", b"X: y", True),
        (b"GET / HTTP/1.1", b"Connection: close", False),
        (b"GET / HTTP/1.1", b"Connection: Close", False),
        (b"GET / HTTP/1.1", b"Connection: x-hop, close", False),
        (b"GET / HTTP/1.1", b"Connection: keep-alive", True),
        (b"GET / HTTP/1.1", b"Connection:", True),
        (b"GET / HTTP/1.0", b"X: y", False),
        (b"GET / HTTP/1.0", b"Connection: keep-alive", True),
        (b"GET / HTTP/1.0", b"Connection: Keep-Alive, x-hop", True),
        (b"GET / HTTP/1.0", b"Connection: x-hop", False),
    ],
)
def test_connection_says_whether_it_lives_on(first: bytes, line: bytes, lives: bool) -> None:
    assert get(line, first=first).keep_alive is lives


def test_fields_that_connection_lists_go_no_further() -> None:
    head = get(b"X-Hop: 1", b"X-Stays: 2", b"Connection: x-hop, keep-alive")
    assert head.lines == [b"X-Stays: 2"]


def test_fields_that_look_like_special_ones_go_no_further() -> None:
    head = get(b"X_Forwarded_For: 1", b"content_length: 7", b"Transfer_Encoding: x", b"my_own: 2")
    assert head.lines == [b"my_own: 2"]
    assert head.length is None


def test_repeated_fields_are_joined_for_whoever_asks() -> None:
    head = get(b"X-Key: a", b"x-key: b", b"Via: 1.1 p", b"via: 1.1 q")
    assert head.header("x-key") == "a, b"
    assert head.header("via") == "1.1 p, 1.1 q"
    assert head.header("host") == "h"
    assert head.header("nothing") is None
    assert head.header("€") is None


def test_framing_is_read() -> None:
    assert get(b"Content-Length: 17 ").length == 17
    assert get(b"Content-Length: 0").has_body is False
    assert get(b"Transfer-Encoding: chunked").chunked
    assert get(b"Transfer-Encoding: CHUNKED").chunked


def test_a_client_that_waits_is_known_by_its_body() -> None:
    expect = b"Expect: 100-Continue"
    assert get(expect, b"Content-Length: 3").expects_continue
    assert not get(expect).expects_continue
    assert not get(expect, b"Content-Length: 3", first=b"POST / HTTP/1.0").expects_continue


@pytest.mark.parametrize("raw", REFUSED_HEADS, ids=short)
def test_a_head_without_one_meaning_is_refused(raw: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        request(raw)
    assert caught.value.status == 400


def test_heads_beyond_the_limits_are_refused_by_name() -> None:
    with pytest.raises(BadMessage) as caught:
        get(first=b"GET /" + b"a" * 1024 + b" HTTP/1.1")
    assert caught.value.status == 414
    with pytest.raises(BadMessage) as caught:
        get(*[b"X: y"] * 20)
    assert caught.value.status == 431
    assert len(get(*[b"X: y"] * 19).lines) == 19


@given(st.binary(max_size=200))
def test_garbage_is_refused_and_never_breaks_the_reader(data: bytes) -> None:
    for raw in (data + b"\r\n\r\n", b"GET /" + data + b" HTTP/1.1\r\nHost: h\r\n\r\n"):
        try:
            head = request(raw)
        except BadMessage:
            continue
        assert head.target.isascii()
        assert head.target.isprintable()


@given(
    name=st.text("abcXYZ-_!~09", min_size=1, max_size=12),
    value=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40),
)
def test_what_is_accepted_is_one_line_with_one_meaning(name: str, value: str) -> None:
    line = f"X{name}: {value}".encode("latin-1")
    try:
        head = get(line)
    except BadMessage:
        assert b"\x7f" in line
        return
    assert [kept.rstrip() for kept in head.lines] == [
        f"X{name}: {value.strip(' ')}".encode("latin-1").rstrip()
    ]


@pytest.mark.parametrize("host", [b"h", b"a.b-c_d", b"h:80", b"h:", b"127.0.0.1:1", b"[::1]:80"])
def test_hosts_are_accepted(host: bytes) -> None:
    check_host(host)


def test_a_plain_response_is_read() -> None:
    head = response(b"Content-Length: 5", b"ETag: x", b"Keep-Alive: timeout=5")
    assert (head.status, head.length, head.lines) == (200, 5, [b"ETag: x"])
    assert response(first=b"HTTP/1.0 200 OK").keep_alive is False
    assert response(first=b"HTTP/1.1 204").status == 204


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 O\x00K\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 099 No\r\n\r\n",
        b"HTTP/1.1 600 No\r\n\r\n",
        b"HTTP/1.1 20 No\r\n\r\n",
        b"HTTP/1.1 2000 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"garbage\r\n\r\n",
    ],
    ids=short,
)
def test_a_response_without_one_meaning_is_refused(raw: bytes) -> None:
    with pytest.raises(BadMessage):
        parse_response(raw)
