from __future__ import annotations

import pytest

from abi_engine.features.gateway.api import HeaderRules
from abi_engine.features.gateway.proxy.head import RequestHead, parse_request, parse_response
from abi_engine.features.gateway.proxy.headers import (
    forwarded_address,
    forwarded_request_id,
    forwarding,
    request_fields,
    request_line,
    response_head,
    rule_problem,
    went_through,
)

NONE = HeaderRules()


def request(*lines: bytes, first: bytes = b"GET / HTTP/1.1") -> RequestHead:
    raw = b"\r\n".join((first, b"Host: asked:80", *lines, b"", b""))
    return parse_request(raw, url_size=100, header_count=100)


def sent(head: RequestHead, rules: HeaderRules = NONE) -> list[bytes]:
    fields = request_fields(
        head, host=b"up:1", added=(b"A: 1\r\nB: 2", b"C: 3"), via=b"me", rules=rules
    )
    return [request_line(head, "/t"), *fields.split(b"\r\n")]


def test_hop_by_hop_fields_do_not_go_on() -> None:
    head = request(
        b"Connection: x-mine, close",
        b"X-Mine: 1",
        b"Keep-Alive: 5",
        b"Proxy-Authorization: secret",
        b"Proxy-Connection: keep-alive",
        b"TE: trailers",
        b"Trailer: X",
        b"Upgrade: h2c",
        b"HTTP2-Settings: x",
        b"Expect: 100-continue",
        b"Accept: */*",
    )
    assert sent(head) == [
        b"GET /t HTTP/1.1",
        b"Host: up:1",
        b"Accept: */*",
        b"Via: 1.1 me",
        b"A: 1",
        b"B: 2",
        b"C: 3",
    ]


def test_framing_is_written_anew() -> None:
    assert sent(request(b"Content-Length: 007"))[-1] == b"Content-Length: 7"
    assert sent(request(b"Content-Length: 0"))[-1] == b"Content-Length: 0"
    assert sent(request(b"Transfer-Encoding: Chunked"))[-1] == b"Transfer-Encoding: chunked"


def test_via_is_appended_to_with_the_version_of_the_client() -> None:
    assert b"Via: 1.0 other, 1.1 me" in sent(request(b"Via: 1.0 other"))
    assert b"Via: 1.0 me" in sent(request(first=b"GET / HTTP/1.0"))


def test_a_request_that_came_through_is_known_by_its_via() -> None:
    assert went_through(request(b"Via: 1.1 a", b"Via: 1.1 me, 1.0 b (x)"), b"me")
    assert not went_through(request(b"Via: 1.1 menot, 1.1 notme"), b"me")
    assert not went_through(request(), b"me")


def test_rules_remove_then_set_then_add() -> None:
    rules = HeaderRules(
        remove=("x-gone", "B"), set={"X-Set": "new", "Host": "other"}, add={"X-Set": "more"}
    )
    lines = sent(request(b"X-Gone: 1", b"x-set: old", b"X-Kept: 2"), rules)
    assert lines[1:] == [
        b"X-Kept: 2",
        b"Via: 1.1 me",
        b"A: 1",
        b"C: 3",
        b"X-Set: new",
        b"Host: other",
        b"X-Set: more",
    ]


def test_rules_reach_fields_that_behind_cgi_would_pass_for_those_they_name() -> None:
    rules = HeaderRules(remove=("X-Admin",), set={"X-User": "us"}, add={"X-More": "2"})
    head = request(b"X_Admin: 1", b"x_user: me", b"X_USER: me", b"X_More: 1", b"my_own: 2")
    lines = sent(head, rules)
    assert lines[2:4] == [b"X_More: 1", b"my_own: 2"]
    assert lines[-2:] == [b"X-User: us", b"X-More: 2"]
    assert not [line for line in lines if line.endswith((b": me", b"Admin: 1"))]
    kept = sent(request(b"my_own: 1", b"My-Own: 2"), HeaderRules(remove=("my_own",)))
    assert not [line for line in kept if line.lower().startswith(b"my")]


@pytest.mark.parametrize(
    "rules",
    [
        HeaderRules(set={"X": "a\r\nY: b"}),
        HeaderRules(set={"X": "a\n"}),
        HeaderRules(add={"X": "\0"}),
        HeaderRules(add={"X": "\x7f"}),
        HeaderRules(add={"X": "€"}),
        HeaderRules(set={"": "a"}),
        HeaderRules(set={"X Y": "a"}),
        HeaderRules(set={"X:": "a"}),
        HeaderRules(remove=("X\r\n",)),
        HeaderRules(set={"Content-Length": "1"}),
        HeaderRules(set={"transfer-encoding": "chunked"}),
        HeaderRules(add={"Connection": "close"}),
        HeaderRules(set={"X-Request-ID": "1"}),
        HeaderRules(remove=("Host",)),
        HeaderRules(add={"Host": "x"}),
    ],
)
def test_rules_that_could_change_framing_or_split_lines_are_known(rules: HeaderRules) -> None:
    assert rule_problem(rules)


def test_sound_rules_have_no_problem() -> None:
    sound = HeaderRules(set={"X-A": "caf\xe9\t1", "Host": "x"}, remove=("Server",), add={"B": ""})
    assert rule_problem(sound) is None


def test_what_an_untrusted_client_says_of_itself_is_replaced() -> None:
    head = request(b"X-Forwarded-For: 9.9.9.9", b"Forwarded: for=9.9.9.9", b"X-Real-IP: 9")
    assert forwarding(head, "1.2.3.4", trusted=False).split(b"\r\n") == [
        b"X-Forwarded-For: 1.2.3.4",
        b"X-Forwarded-Proto: http",
        b"X-Forwarded-Host: asked:80",
        b'Forwarded: for=1.2.3.4;proto=http;host="asked:80"',
    ]
    assert not any(b"9.9.9.9" in line or b"Real" in line for line in sent(head))


def test_what_a_trusted_proxy_says_is_kept_and_appended_to() -> None:
    head = request(
        b"X-Forwarded-For: 9.9.9.9",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: public",
        b"Forwarded: for=9.9.9.9;proto=https",
    )
    assert forwarding(head, "::1", trusted=True).split(b"\r\n") == [
        b"X-Forwarded-For: 9.9.9.9, ::1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: public",
        b'Forwarded: for=9.9.9.9;proto=https, for="[::1]";proto=http;host="asked:80"',
    ]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"9.9.9.9", "9.9.9.9"),
        (b"6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (b"6.6.6.6,[2001:db8::1]", "2001:db8::1"),
        (b"9.9.9.9, junk", "1.2.3.4"),
        (b"", "1.2.3.4"),
        (b"9.9.9.9\xff", "1.2.3.4"),
    ],
)
def test_the_address_before_a_trusted_proxy_is_the_last_one(value: bytes, address: str) -> None:
    assert forwarded_address(request(b"X-Forwarded-For: " + value), "1.2.3.4") == address


def test_a_request_id_is_taken_over_if_it_is_well_formed() -> None:
    assert forwarded_request_id(request(b"X-Request-ID: abc-1")) == "abc-1"
    for bad in (b"", b"a b", b'"a"', b"\xe9", b"a" * 129, b"a, b"):
        assert forwarded_request_id(request(b"X-Request-ID: " + bad)) is None
    assert forwarded_request_id(request()) is None


def test_a_response_is_written_anew() -> None:
    head = parse_response(
        b"HTTP/1.1 404 Nowhere\r\nServer: s\r\nConnection: x-hop\r\nX-Hop: 1\r\nUpgrade: x\r\n"
        b"X-Request-ID: theirs\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    rules = HeaderRules(remove=("server",), set={"X-Frame": "no"})
    data = response_head(head, added=(b"X-Request-ID: ours",), framing=(b"F: 1",), rules=rules)
    assert data == (b"HTTP/1.1 404 Not Found\r\nX-Request-ID: ours\r\nX-Frame: no\r\nF: 1\r\n\r\n")


def test_a_status_that_nobody_registered_has_no_phrase() -> None:
    head = parse_response(b"HTTP/1.1 299 Odd\r\nDate: then\r\n\r\n")
    assert head.date_line() == b"Date: then"
    assert response_head(head, added=(), framing=(), rules=NONE) == b"HTTP/1.1 299 \r\n\r\n"
