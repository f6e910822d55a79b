"""Health checks of real upstreams: killed, restarted, slow, strange."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EMFILE
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from abi_engine.features.gateway.api import HealthCheck
from tests.engine.features.gateway.proxy.certificates import Authority
from tests.engine.features.gateway.proxy.naming import Naming
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Script, Upstream, Visit, answering, once


def check(**settings: Any) -> HealthCheck:
    """A check that is soon over."""
    return HealthCheck(**{"interval": 0.1, "healthy": 1, "unhealthy": 2, **settings})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as served:
        yield served


def running(served: Served) -> int:
    """How many checks are run."""
    proxy: Any = served.gateway._listening._proxy
    return len(proxy._upstreams._checker._running)


def test_an_upstream_is_asked_for_the_path_and_found_well(served: Served) -> None:
    upstream = served.upstream()
    served.route("/", upstream.url + "/api", health_check=check(path="/well?deep=1"))
    until(lambda: served.known(upstream.url).healthy is True)
    lines = upstream.heads[0].split(b"\r\n")
    assert lines[0] == b"GET /api/well?deep=1 HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: {upstream.authority}".encode(),
        b"User-Agent: abi-health-check",
        b"Accept: */*",
        b"Connection: close",
    }
    row = served.known(upstream.url)
    assert row.check_error == ""
    assert row.check_age_s is not None
    assert row.traffic.requests_total == 0
    assert served.told("upstream_healthy") == []  # nothing has changed


def test_another_host_is_asked_for_where_the_check_says_so(served: Served) -> None:
    upstream = served.upstream()
    served.route("/", upstream.url, health_check=check(host="well.test"))
    until(lambda: bool(upstream.heads))
    assert b"\r\nHost: well.test\r\n" in upstream.heads[0]


def test_an_upstream_that_is_killed_gets_nothing_until_it_is_back(served: Served) -> None:
    steady = served.upstream(answering(b"steady"))
    with Upstream(answering(b"flapping")) as flapping:
        served.route("/", steady.url, flapping.url, health_check=check())
        until(lambda: served.known(flapping.url).healthy is True)
    until(lambda: served.known(flapping.url).healthy is False)
    assert served.known(flapping.url).check_error == "cannot connect: Connection refused"
    client = served.client()
    assert [client.get().body for _ in range(4)] == [b"steady"] * 4
    assert served.known(flapping.url).breaker.failures == 0  # nobody had to find out
    with Upstream(answering(b"flapping"), port=flapping.port):
        until(lambda: served.known(flapping.url).healthy is True)
        assert {client.get().body for _ in range(4)} == {b"steady", b"flapping"}
        causes = [
            event.message.rpartition("healthy: ")[2]
            for kind in ("upstream_unhealthy", "upstream_healthy")
            for event in served.told(kind)
        ]
        assert causes == [
            "2 checks failed: cannot connect: Connection refused",
            "1 check succeeded",
        ]


@pytest.mark.parametrize(
    ("script", "settings", "words"),
    [
        (answering(status="503 Ill"), {}, "answered 503"),
        (answering(status="404 Nowhere"), {}, "answered 404"),
        (answering(status="200 OK"), {"statuses": (204,)}, "answered 200"),
        (once(b"nonsense\r\n\r\n"), {}, "its answer is malformed: the head is malformed"),
        (
            once(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000),
            {},
            "its answer is malformed: its head is too large",
        ),
        (
            once(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000),
            {},
            "its answer is malformed: no end of interim responses",
        ),
        (once(b"HTTP/1.1 20"), {}, "it closed the connection"),
        (lambda visit: visit.owner.released.wait(10), {"timeout": 0.05}, "no answer within 0.05 s"),
    ],
)
def test_what_is_wrong_is_said(
    served: Served, script: Script, settings: dict[str, Any], words: str
) -> None:
    upstream = served.upstream(script)
    served.route("/", upstream.url, health_check=check(**settings))
    until(lambda: served.known(upstream.url).healthy is False)
    assert served.known(upstream.url).check_error == words


@pytest.mark.parametrize(
    ("script", "settings"),
    [
        (answering(status="302 Elsewhere"), {}),
        (answering(status="404 Nowhere"), {"statuses": (200, 404)}),
        (once(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\nbody"), {}),
        (once(b"HTTP/1.0 200 OK\r\n\r\n" + b"endless" * 100_000), {}),
    ],
)
def test_what_is_good_enough_is_well(
    served: Served, script: Script, settings: dict[str, Any]
) -> None:
    upstream = served.upstream(script)
    served.route("/", upstream.url, health_check=check(**settings))
    until(lambda: served.known(upstream.url).healthy is True)
    assert served.known(upstream.url).check_error == ""


def test_an_https_upstream_is_checked_as_it_is_spoken_to(served: Served, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good = served.upstream(tls=authority.server())
    bad = served.upstream(tls=authority.server(expired=True))
    served.route("/", good.url, bad.url, health_check=check(), upstream_tls=authority.trusted())
    until(lambda: served.known(bad.url).healthy is False)
    until(lambda: served.known(good.url).healthy is True)
    assert served.known(bad.url).check_error == "tls: certificate has expired"


def test_a_name_without_an_address_is_unhealthy(tmp_path: Path) -> None:
    with Served(tmp_path, look_up=Naming()) as served:
        served.route("/", "http://nowhere.test:80", health_check=check())
        until(lambda: served.known("http://nowhere.test:80").healthy is False)
        words = served.known("http://nowhere.test:80").check_error
        assert words == "cannot resolve: Name or service not known"


def test_want_of_descriptors_here_is_no_fault_of_the_upstream(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = served.upstream()
    served.route("/", upstream.url, health_check=check())
    until(lambda: served.known(upstream.url).healthy is True)
    asked: list[None] = []

    async def create_connection(*_: object, **__: object) -> None:
        asked.append(None)
        raise OSError(EMFILE, "Too many open files")

    proxy: Any = served.gateway._listening._proxy
    connector = proxy._upstreams.pool.connector
    with monkeypatch.context() as patch:
        patch.setattr(connector, "_loop", SimpleNamespace(create_connection=create_connection))
        until(lambda: len(asked) > 3)
        assert served.known(upstream.url).healthy is True
    assert len(served.told("no_room")) == 1


def test_checks_come_and_go_with_routes(served: Served) -> None:
    upstream = served.upstream()
    assert running(served) == 0
    served.route("/a", upstream.url, health_check=check())
    served.route("/b", upstream.url, health_check=check())
    served.route("/c", upstream.url, health_check=check(path="/c"))
    until(lambda: running(served) == 2)
    served.gateway.remove_route("/a")
    served.gateway.remove_route("/c")
    until(lambda: running(served) == 1)
    served.gateway.remove_route("/b")
    until(lambda: running(served) == 0)


def test_what_was_found_out_is_forgotten_with_the_listener(served: Served) -> None:
    upstream = served.upstream(answering(status="500 Ill"))
    served.route("/", upstream.url, health_check=check())
    until(lambda: served.known(upstream.url).healthy is False)
    served.gateway.stop(5.0)
    row = served.known(upstream.url)
    assert (row.healthy, row.check_error, row.check_age_s) == (None, "", None)
    served.gateway.start()
    until(lambda: served.known(upstream.url).healthy is False)


def test_checks_that_hang_do_not_hold_up_the_end(served: Served) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)

    upstream = served.upstream(script)
    served.route("/", upstream.url, health_check=check(timeout=60.0))
    until(lambda: len(upstream.heads) == 1)
    served.gateway.stop(4.0)  # raises if it takes longer
    assert served.gateway.state == "stopped"
