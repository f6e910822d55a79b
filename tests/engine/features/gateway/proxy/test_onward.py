from __future__ import annotations

from itertools import product

from abi_engine.features.gateway.api import HeaderRules
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.headers import forwarding, request_fields, request_line
from abi_engine.features.gateway.proxy.onward import Onward
from abi_engine.features.gateway.proxy.repeats import RequestReader

TRACE = (b"traceparent: theirs",)
ID = b"X-Request-ID: 1"
CONFIGS = [GatewayConfig(), GatewayConfig(trust_forwarded=True)]
RULES = [
    HeaderRules(),
    HeaderRules(set={"X-Team": "a", "traceparent": "mine"}),
    HeaderRules(remove=("accept", "x-forwarded-for")),
]
FIELDS = [
    b"Host: one",
    b"Host: two\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.1 other",
    b"Host: one\r\nAccept: */*",
    b"Host: one\r\nContent-Length: 5",
    b"Host: one\r\nConnection: close, x-a\r\nX-A: 1",
    b"Host: one\r\nX-Long: " + b"x" * 1500,
]
LINES = [
    b"GET /a HTTP/1.1",
    b"PUT /b?c HTTP/1.1",
    b"GET http://three/a HTTP/1.1",
    b"GET / HTTP/1.0",
]

Step = tuple[RequestHead, HeaderRules, GatewayConfig, bytes, tuple[bytes, ...], bytes]
"""A head with everything else that goes into it: rules, settings, host, trace, protocol."""


def onward() -> Onward:
    return Onward("10.1.1.1", secure=False, pseudonym=b"me")


def sent(onward: Onward, step: Step) -> bytes:
    head, rules, config, host, trace, protocol = step
    return onward.head(head, "/t", host, rules, config, ID, trace=trace, protocol=protocol)


def expected(step: Step) -> bytes:
    head, rules, config, host, trace, protocol = step
    added = (forwarding(head, "10.1.1.1", trusted=config.trust_forwarded), *trace)
    fields = request_fields(head, host=host, added=added, via=b"me", rules=rules, protocol=protocol)
    return b"\r\n".join((request_line(head, "/t"), fields, ID, b"\r\n"))


def steps() -> list[Step]:
    reader = RequestReader(url_size=100, header_count=20)
    heads = [reader.read(line + b"\r\n" + FIELDS[0] + b"\r\n\r\n") for line in LINES[:2]]
    heads += [reader.read(LINES[0] + b"\r\n" + fields + b"\r\n\r\n") for fields in FIELDS[1:]]
    heads += [reader.read(line + b"\r\n" + FIELDS[1] + b"\r\n\r\n") for line in LINES[2:]]
    heads.append(heads[3].without(frozenset((b"accept",))))
    ways = product(RULES, CONFIGS, (b"up:1", b"up:2"), ((), TRACE), (b"", b"websocket"))
    return [(head, *way) for way in ways for head in heads]


def test_what_was_written_before_changes_nothing_in_what_is_written_next() -> None:
    asked = steps()
    for first, second in product(asked[::7], asked):
        remembering = onward()
        sent(remembering, first)
        assert sent(remembering, second) == expected(second)


def test_requests_of_a_connection_have_their_own_lines_and_ids() -> None:
    reader = RequestReader(url_size=100, header_count=20)
    remembering = onward()
    heads = []
    for number in b"1", b"2":
        head = reader.read(b"GET /" + number + b" HTTP/1.1\r\nHost: one\r\nA: b\r\n\r\n")
        id_line = b"X-Request-ID: " + number
        rules, config = RULES[0], CONFIGS[0]
        heads.append(remembering.head(head, head.target, b"up:1", rules, config, id_line))
    assert heads[0].startswith(b"GET /1 HTTP/1.1\r\nHost: up:1\r\nA: b\r\n")
    assert heads[0].endswith(b"\r\nX-Request-ID: 1\r\n\r\n")
    assert heads[1] == heads[0].replace(b"/1 ", b"/2 ").replace(b"ID: 1", b"ID: 2")
