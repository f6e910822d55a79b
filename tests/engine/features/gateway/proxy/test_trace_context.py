from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.proxy.head import RequestHead, parse_request
from abi_engine.features.gateway.proxy.trace_context import (
    NO_TRACE,
    Trace,
    TraceContext,
    is_traceparent,
)
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.upstream import fields_of

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
WHOLE = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?",
    re.DOTALL,
)


def head_with(*fields: bytes) -> RequestHead:
    lines = (b"GET / HTTP/1.1", b"Host: a", *fields, b"", b"")
    return parse_request(b"\r\n".join(lines), url_size=100, header_count=100)


def by_the_standard(value: bytes) -> bool:
    found = WHOLE.fullmatch(value)
    return found is not None and (found["more"] is None or value[:2] != b"00")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        PARENT.upper(),
        PARENT + b"-",
        PARENT + b"-00",
        PARENT[:-1],
        b"ff" + PARENT[2:],
        b"0" + PARENT,
        PARENT.replace(b"-", b"_"),
        f"00-{'0' * 32}-00f067aa0ba902b7-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-00f067aa0ba902b7-0x".encode(),
        b"01" + PARENT[2:] + b"more",
        PARENT + b", " + PARENT,
    ],
)
def test_what_is_malformed_is_none(value: bytes) -> None:
    assert not is_traceparent(value)
    assert not by_the_standard(value)


def test_later_versions_may_have_more() -> None:
    assert is_traceparent(PARENT)
    assert is_traceparent(b"01" + PARENT[2:])
    assert is_traceparent(b"01" + PARENT[2:] + b"-what the future brings")


@given(
    st.one_of(
        st.from_regex(WHOLE, fullmatch=True),
        st.tuples(st.integers(0, 54), st.sampled_from(b"0aAfg-_ ")).map(
            lambda change: PARENT[: change[0]] + bytes([change[1]]) + PARENT[change[0] + 1 :]
        ),
        st.binary(max_size=60),
    )
)
def test_it_decides_as_the_standard_is_written(value: bytes) -> None:
    assert is_traceparent(value) == by_the_standard(value)


def test_a_trace_goes_on_unchanged_with_its_state() -> None:
    context = TraceContext(Random(1), starts=True)
    head = head_with(b"TraceParent: " + PARENT, b"tracestate: a=1", b"TraceState: b=2 ,c=3")
    assert context.of(head) == Trace(
        (b"traceparent: " + PARENT, b"tracestate: a=1, b=2 ,c=3"), TRACE
    )
    assert head.lines == []


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (b"tracestate: a=1",),
        (b"traceparent: nonsense", b"tracestate: a=1"),
        (b"traceparent: " + PARENT, b"traceparent: " + PARENT),
    ],
)
def test_a_trace_that_is_none_goes_no_further_and_may_be_begun(fields: tuple[bytes, ...]) -> None:
    head = head_with(*fields)
    assert head.lines == []
    assert TraceContext(Random(1), starts=False).of(head) == NO_TRACE
    begun = TraceContext(Random(1), starts=True)
    first, second = begun.of(head), begun.of(head)
    (line,) = first.lines
    name, _, value = line.partition(b": ")
    assert name == b"traceparent"
    assert is_traceparent(value)
    assert value[3:35].decode() == first.trace_id != second.trace_id
    assert value.endswith(b"-00")


def test_ids_are_never_all_zero() -> None:
    class Unlucky(Random):
        def getrandbits(self, k: int) -> int:
            return 0

    ((line,), _) = TraceContext(Unlucky(), starts=True).of(head_with())
    assert is_traceparent(line.removeprefix(b"traceparent: "))


def test_the_upstream_and_the_log_see_the_same_trace(stage: Stage, tmp_path: Path) -> None:
    upstream = stage.upstream()
    stage.start(route("/", upstream.url), trace_context="start", access_log="access.log")
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: " + PARENT + b"\r\n\r\n")
    assert client.answer().status == 200
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: x\r\ntracestate: a=1\r\n\r\n")
    assert client.answer().status == 200
    given_on, begun = map(fields_of, upstream.heads)
    assert given_on[b"traceparent"] == PARENT
    assert b"tracestate" not in begun
    stage.proxy.stop(5.0)
    log = (tmp_path / "access.log").read_text().splitlines()
    assert f'"trace_id":"{TRACE}"' in log[0]
    trace_id = begun[b"traceparent"][3:35].decode()
    assert f'"trace_id":"{trace_id}"' in log[1]
