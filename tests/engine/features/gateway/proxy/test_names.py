"""Upstreams that are names: whose addresses change, fail and vanish."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.features.gateway.api import Timeouts
from tests.engine.features.gateway.proxy.naming import Naming
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Upstream, Visit, answering

NOBODY = "127.0.0.9"


@pytest.fixture
def naming() -> Naming:
    return Naming(up_test=("127.0.0.1",))


@pytest.fixture
def served(tmp_path: Path, naming: Naming) -> Iterator[Served]:
    with Served(tmp_path, look_up=naming, dns_refresh=0.05) as served:
        yield served


def here_and_there(served: Served) -> tuple[Upstream, Upstream]:
    """Two servers at one port of two addresses."""
    here = served.upstream(answering(b"here"))
    return here, served.upstream(answering(b"there"), host="127.0.0.2", port=here.port)


def test_a_name_is_resolved_and_its_addresses_are_shown(served: Served) -> None:
    upstream = served.upstream()
    url = f"http://up.test:{upstream.port}"
    served.route("/", url)
    assert served.known(url).addresses == ()
    assert served.client().get().status == 200
    assert f"Host: up.test:{upstream.port}".encode() in upstream.heads[0]
    assert served.known(url).addresses == ("127.0.0.1",)


def test_new_connections_go_round_the_addresses(tmp_path: Path, naming: Naming) -> None:
    naming.answers["up.test"] = ("127.0.0.1", "127.0.0.2")
    with Served(tmp_path, look_up=naming, pool_size=0) as served:
        here, _ = here_and_there(served)
        served.route("/", f"http://up.test:{here.port}")
        client = served.client()
        bodies = [client.get().body for _ in range(6)]
    assert bodies in ([b"here", b"there"] * 3, [b"there", b"here"] * 3)
    assert naming.asked == {"up.test": 1}


def test_an_address_where_nobody_listens_is_passed_over(served: Served, naming: Naming) -> None:
    naming.answers["up.test"] = (NOBODY, "127.0.0.1")
    upstream = served.upstream()
    url = f"http://up.test:{upstream.port}"
    served.route("/", url)
    client = served.client()
    assert [client.get("/", "Connection: keep-alive").status for _ in range(4)] == [200] * 4
    assert served.known(url).breaker.failures == 0


def test_idle_connections_to_an_address_that_is_gone_are_closed(
    served: Served, naming: Naming
) -> None:
    here, _ = here_and_there(served)
    url = f"http://up.test:{here.port}"
    served.route("/", url)
    client = served.client()
    assert client.get().body == b"here"
    assert served.known(url).connections_idle == 1
    naming.answers["up.test"] = ("127.0.0.2",)
    until(lambda: served.known(url).addresses == ("127.0.0.2",))
    until(lambda: served.known(url).connections_idle == 0)
    assert client.get().body == b"there"


def test_a_connection_in_use_is_closed_after_its_answer_when_its_address_is_gone(
    served: Served, naming: Naming
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        visit.wait_for_end()

    upstream = served.upstream(script)
    url = f"http://up.test:{upstream.port}"
    served.route("/", url)
    client = served.client()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: len(upstream.heads) == 1)
    naming.answers["up.test"] = ("127.0.0.2",)
    until(lambda: served.known(url).addresses == ("127.0.0.2",))
    upstream.released.set()
    assert client.answer().body == b"late"
    until(lambda: _connections(served, url) == (0, 0))


def _connections(served: Served, url: str) -> tuple[int, int]:
    row = served.known(url)
    return row.connections_idle, row.connections_busy


def test_the_last_answer_is_used_while_there_is_none_and_that_is_said_once(
    served: Served, naming: Naming
) -> None:
    upstream = served.upstream()
    url = f"http://up.test:{upstream.port}"
    served.route("/", url)
    client = served.client()
    assert client.get().status == 200
    places = naming.answers.pop("up.test")
    naming.wait_for_questions("up.test", 4)
    assert served.known(url).addresses == ("127.0.0.1",)
    assert served.client().get().status == 200
    (told,) = served.told("name_unresolved")
    assert told.message == (
        "name up.test cannot be resolved: Name or service not known; its last addresses are used"
    )
    naming.answers["up.test"] = places
    until(lambda: len(served.told("name_resolved")) == 1)


def test_an_answer_without_an_address_is_none(served: Served, naming: Naming) -> None:
    upstream = served.upstream()
    served.route("/", f"http://up.test:{upstream.port}")
    assert served.client().get().status == 200
    naming.answers["up.test"] = ()
    until(lambda: len(served.told("name_unresolved")) == 1)
    assert served.client().get().status == 200


def test_a_name_that_nobody_knows_is_a_502_until_somebody_does(
    served: Served, naming: Naming
) -> None:
    upstream = served.upstream()
    url = f"http://new.test:{upstream.port}"
    served.route("/", url)
    client = served.client()
    assert client.get().status == 502
    row = served.known(url)
    assert row.last_error == "cannot resolve: Name or service not known"
    assert (row.breaker.failures, row.addresses) == (1, ())
    naming.answers["new.test"] = ("127.0.0.1",)
    assert client.get().status == 200


def test_a_question_without_an_answer_ends_with_the_time_to_connect(
    served: Served, naming: Naming
) -> None:
    naming.hangs = True
    served.route("/", "http://up.test:9", timeouts=Timeouts(connect=0.1))
    assert served.client().get().status == 504
    assert served.client().get().status == 504
    assert naming.asked == {"up.test": 1}  # one question for both


def test_a_name_that_nobody_uses_is_asked_for_no_more(tmp_path: Path, naming: Naming) -> None:
    with Served(tmp_path, look_up=naming, dns_refresh=0.02, pool_idle=0.05) as served:
        upstream = served.upstream()
        url = f"http://up.test:{upstream.port}"
        served.route("/", url)
        assert served.client().get().status == 200
        until(lambda: served.known(url).connections_idle == 0)
        until(lambda: served.known(url).addresses == ())
        assert served.client().get().status == 200


def test_the_system_is_asked_where_nobody_else_is(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        upstream = served.upstream()
        url = f"http://localhost:{upstream.port}"
        served.route("/", url)
        assert served.client().get().status == 200
        assert "127.0.0.1" in served.known(url).addresses
