"""The gateway with its listener: test requests, its health, and an address that is taken."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.errors import (
    AddressInUse,
    InvalidArguments,
    InvalidConfig,
    Severity,
    TimedOut,
    Unavailable,
)
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context, State
from abi_engine.core.inherited import InheritedSockets
from abi_engine.features.gateway.api import GatewayNotListening, InvalidRoute, RouteAuth, RouteLimit
from abi_engine.features.gateway.config import Certificate, GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from tests.engine.features.gateway.made_gateway import route
from tests.engine.features.gateway.proxy.secure import Authority, tls
from tests.engine.features.gateway.proxy.upstream import Upstream, Visit, answering


def made(data_dir: Path, *, port: int = 0, strict: bool = True, listen: bool = True) -> Gateway:
    clock = SystemClock()
    context = Context(clock, EventLog(clock), data_dir, listening=True, strict=strict)
    return Gateway(GatewayConfig(port=port, listen=listen, linger=0.1), context)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = made(tmp_path)
    gateway.start()
    yield gateway
    gateway.stop(5)


def silent(visit: Visit) -> None:
    visit.read_head()
    visit.owner.released.wait(10)


def test_a_test_request_goes_through_the_gateway(gateway: Gateway) -> None:
    with Upstream(answering(b"x" * 10_000, headers=b"X-Mine: yes\r\n")) as upstream:
        gateway.add_route(route("/a/{id}", upstreams=(upstream.url + "/v1",)))
        answer = gateway.send_test_request("/a/%37?q=1")
    assert (answer.status, answer.size_bytes, answer.body) == (200, 10_000, b"x" * 4096)
    assert (answer.match, answer.upstream) == ("/a/{id}", upstream.url)
    assert dict(answer.headers)["X-Mine"] == "yes"
    assert answer.request_id == dict(answer.headers)["X-Request-ID"]
    assert answer.duration_ms > 0
    (head,) = upstream.heads
    assert head.startswith(b"GET /v1/a/7?q=1 HTTP/1.1\r\n")
    assert answer.request_id.encode() in head


def test_a_test_request_tells_who_answered(gateway: Gateway) -> None:
    with Upstream(answering(status="500 Sorry")) as upstream:
        gateway.add_route(route("/bad", upstreams=(upstream.url,)))
        answer = gateway.send_test_request("/bad", "POST")
    assert (answer.status, answer.match, answer.upstream) == (500, "/bad", upstream.url)
    gateway.add_route(route("/gone", upstreams=(upstream.url,)))
    answer = gateway.send_test_request("/gone")
    assert (answer.status, answer.match, answer.upstream) == (502, "/gone", "")
    answer = gateway.send_test_request("/nowhere")
    assert (answer.status, answer.match, answer.upstream) == (404, "", "")
    assert answer.request_id


def test_a_test_request_meets_limits_like_any_other(gateway: Gateway) -> None:
    with Upstream(answering()) as upstream:
        gateway.add_route(
            route("/a", upstreams=(upstream.url,), limit=RouteLimit(rate=0.001, burst=1))
        )
        assert gateway.send_test_request("/a", "HEAD").size_bytes == 0
        refused = gateway.send_test_request("/a")
    assert (refused.status, refused.match, refused.upstream) == (429, "/a", "")
    assert int(dict(refused.headers)["Retry-After"]) > 900
    stats = gateway.stats()
    assert (stats.traffic.requests_total, stats.traffic.limited_total) == (2, 1)


def test_a_test_request_waits_no_longer_than_it_may(gateway: Gateway) -> None:
    with Upstream(silent) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,)))
        with pytest.raises(TimedOut, match=r"in 0\.2 s"):
            gateway.send_test_request("/a", timeout=0.2)


def test_a_slow_drip_of_an_answer_is_timed_as_a_whole(gateway: Gateway) -> None:
    def drip(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not visit.owner.released.wait(0.02):
            visit.send(b".")

    with Upstream(drip) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,)))
        with pytest.raises(TimedOut):
            gateway.send_test_request("/a", timeout=0.3)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("a", "GET"),
        ("", "GET"),
        ("/a b", "GET"),
        ("/a\r\nX: y", "GET"),
        ("/\u00e9", "GET"),
        ("/" + "a" * 70_000, "GET"),
        ("/a", "G T"),
        ("/a", ""),
        ("/a", "GET\r\n"),
    ],
)
def test_what_cannot_be_sent_is_refused(gateway: Gateway, path: str, method: str) -> None:
    with pytest.raises(InvalidArguments):
        gateway.send_test_request(path, method)
    assert gateway.stats().connections_total == 0


def test_headers_go_along(gateway: Gateway) -> None:
    with Upstream(answering(b"")) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,)))
        headers = (("X-One", "1"), ("x-two", "2"), ("Accept", "text/plain"))
        assert gateway.send_test_request("/a", headers=headers).status == 200
    (head,) = upstream.heads
    lines = head.decode().lower().split("\r\n")
    for line in ("x-one: 1", "x-two: 2", "accept: text/plain"):
        assert line in lines
    assert "accept: */*" not in lines


def test_a_route_for_holders_of_keys_can_be_tested(gateway: Gateway) -> None:
    key = gateway.add_api_key("tester").key
    with Upstream(answering(b"")) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,), auth=RouteAuth()))
        assert gateway.send_test_request("/a").status == 401
        sent = gateway.send_test_request("/a", headers=(("Authorization", f"Bearer {key}"),))
    assert sent.status == 200


@pytest.mark.parametrize(
    "header",
    [
        ("", "x"),
        ("a b", "x"),
        ("X\r\nY", "secret"),
        ("X", "secret\r\nY: z"),
        ("X", "secret\x00"),
        ("X", "secr\u00e9t"),
        ("X", "secret" * 20_000),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
        ("X-Request-ID", "mine"),
        ("X",),
        ("X", 1),
        "X: secret",
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_and_its_value_not_told(
    gateway: Gateway, header: Any
) -> None:
    with pytest.raises(InvalidArguments) as caught:
        gateway.send_test_request("/a", headers=(header,))
    assert "secr" not in str(caught.value)
    assert gateway.stats().connections_total == 0


def test_too_many_headers_are_refused(gateway: Gateway) -> None:
    with pytest.raises(InvalidArguments, match="101"):
        gateway.send_test_request("/a", headers=(("X", "1"),) * 101)


def test_what_a_client_may_send_may_be_tested(gateway: Gateway) -> None:
    assert gateway.send_test_request("/%zz").status == 400
    assert gateway.send_test_request("/../../etc/passwd").status == 400
    assert gateway.send_test_request("/" + "a" * 9_000).status in (400, 414, 431)


def test_health_tries_the_listener(gateway: Gateway) -> None:
    health = gateway.health()
    assert health.ok
    assert gateway.report().listening in health.message


def test_the_gateways_own_port_is_no_upstream(gateway: Gateway) -> None:
    listening = gateway.report().listening
    with pytest.raises(InvalidRoute, match="this gateway itself"):
        gateway.add_route(route("/a", upstreams=(listening,)))
    with pytest.raises(InvalidRoute, match="this gateway itself"):
        gateway.add_route(route("/a", upstreams=(listening.replace("127.0.0.1", "localhost"),)))


def test_connections_to_an_upstream_are_told(gateway: Gateway) -> None:
    with Upstream(answering()) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,)))
        gateway.send_test_request("/a")
        (one,) = gateway.breakers()
        assert (one.connections_idle, one.connections_busy) == (1, 0)


def test_a_taken_address_fails_a_strict_start(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        gateway = made(tmp_path, port=taken.getsockname()[1])
        with pytest.raises(AddressInUse):
            gateway.start()
        assert gateway.state is State.FAILED


def test_a_taken_address_is_said_and_the_rest_runs(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        gateway = made(tmp_path, port=port, strict=False)
        gateway.start()
        report, health = gateway.report(), gateway.health()
        (event,) = gateway.context.events.latest(source="gateway")
        gateway.add_route(route("/a"))
        assert gateway.match_route("/a") is not None
        with pytest.raises(GatewayNotListening, match=str(port)):
            gateway.send_test_request("/a")
        gateway.stop(1)
    assert (report.listening, health.ok) == ("", False)
    assert str(port) in report.trouble
    assert str(port) in health.message
    assert (event.kind, event.severity) == ("address_in_use", Severity.ERROR)


def test_a_gateway_that_is_told_not_to_listen_says_so(tmp_path: Path) -> None:
    gateway = made(tmp_path, listen=False)
    gateway.start()
    assert gateway.report().trouble == "listen = false in [gateway]"
    assert gateway.health().ok
    gateway.stop(1)


def test_a_stopped_gateway_listens_no_more_and_may_start_again(tmp_path: Path) -> None:
    gateway = made(tmp_path)
    gateway.start()
    listening = gateway.report().listening
    gateway.stop(5)
    assert gateway.report().listening == ""
    assert not gateway._probe()[0]
    host, _, port = listening.removeprefix("http://").rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 2)
    gateway.start()
    assert gateway.health().ok
    gateway.stop(5)


def secure(data_dir: Path, **settings: object) -> Gateway:
    certificate = Authority(data_dir).issue("gateway.test")
    clock = SystemClock()
    context = Context(clock, EventLog(clock), data_dir, listening=True)
    config = GatewayConfig(port=0, linger=0.1, tls=tls(certificate, **settings))
    return Gateway(config, context)


def test_a_gateway_that_speaks_tls_says_so_and_tries_itself(tmp_path: Path) -> None:
    gateway = secure(tmp_path)
    gateway.start()
    with Upstream(answering()) as upstream:
        gateway.add_route(route("/a", upstreams=(upstream.url,)))
        assert gateway.report().listening.startswith("https://127.0.0.1:")
        assert gateway.health().ok
        assert gateway.send_test_request("/a").status == 200
        gateway.stop(5)


def test_where_clients_must_show_certificates_the_engine_has_none(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    gateway = secure(tmp_path, client_certificates="required", client_ca=str(authority.file))
    gateway.start()
    with pytest.raises(Unavailable, match="must show a certificate") as caught:
        gateway.send_test_request("/a")
    assert "curl --cert" in caught.value.hint
    gateway.stop(5)


def test_a_file_that_cannot_be_used_fails_the_start(tmp_path: Path) -> None:
    clock = SystemClock()
    context = Context(clock, EventLog(clock), tmp_path, listening=True)
    nowhere = Certificate("/nowhere/a.pem", "/nowhere/a.key")
    gateway = Gateway(GatewayConfig(port=0, tls=tls(nowhere)), context)
    with pytest.raises(InvalidConfig, match=r"/nowhere/a\.pem"):
        gateway.start()
    assert gateway.state is State.FAILED


def test_it_listens_on_a_socket_that_it_was_given(tmp_path: Path) -> None:
    clock = SystemClock()
    with socket.create_server(("127.0.0.1", 0)) as held:
        sockets = InheritedSockets([("gateway", held)])
        context = Context(clock, EventLog(clock), tmp_path, listening=True, sockets=sockets)
        gateway = Gateway(GatewayConfig(port=0, linger=0.1), context)
        gateway.start()
        port = held.getsockname()[1]
        assert gateway.report().listening == f"http://127.0.0.1:{port}"
        assert gateway.send_test_request("/").status == 404
        gateway.stop(5)
        # It lives on: whoever comes waits for the next one.
        socket.create_connection(("127.0.0.1", port), 5).close()


def test_two_gateways_share_a_port_where_both_say_so(tmp_path: Path) -> None:
    clock = SystemClock()
    context = Context(clock, EventLog(clock), tmp_path, listening=True)
    first = Gateway(GatewayConfig(port=0, linger=0.1, reuse_port=True), context)
    first.start()
    port = int(first.report().listening.rpartition(":")[2])
    second = Gateway(GatewayConfig(port=port, linger=0.1, reuse_port=True), context)
    second.start()
    other = Gateway(GatewayConfig(port=port, linger=0.1), context)
    with pytest.raises(AddressInUse) as caught:
        other.start()
    assert "reuse_port" in caught.value.hint
    first.stop(5)
    assert second.send_test_request("/").status == 404
    second.stop(5)
