"""https upstreams: real servers with good and bad certificates."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import AbiError
from abi_engine.features.gateway.api import InvalidRoute, Timeouts, UpstreamTls
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.proxy.certificates import (
    Authority,
    encrypted_key,
    old_server,
    self_signed,
)
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Upstream, Visit, echoing


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    breaker = BreakerSettings(failure_threshold=1, reset_timeout=60.0)
    with Served(tmp_path / "data", breaker=breaker) as served:
        yield served


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_an_https_upstream_is_asked_over_tls_and_its_connections_are_kept(
    served: Served, authority: Authority
) -> None:
    upstream = served.upstream(echoing, tls=authority.server())
    served.route("/*", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    body = bytes(range(256)) * 4096
    for _ in range(3):
        answer = client.post("/x?y=1", body)
        assert (answer.status, answer.body) == (200, body)
    assert upstream.visits == 1
    assert upstream.heads[0].startswith(b"POST /x?y=1 HTTP/1.1\r\n")
    assert f"Host: {upstream.authority}".encode() in upstream.heads[0]
    assert b"X-Forwarded-Proto: http\r\n" in upstream.heads[0]  # what the client spoke
    row = served.known(upstream.url)
    assert (row.connections_idle, row.addresses) == (1, ("127.0.0.1",))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("expired", "tls: certificate has expired"),
        ("other host", "tls: IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("self-signed", "tls: self-signed certificate"),
        ("unknown authority", "tls: unable to get local issuer certificate"),
        ("old version", "tls: it speaks no TLS from 1.2 on"),
        ("no TLS at all", "tls: it does not speak TLS"),
        ("asks for a certificate", "tls: it asks for a client certificate"),
        ("leaves", "tls: it left in the middle of the handshake"),
    ],
)
def test_an_upstream_that_cannot_be_trusted_is_refused_in_words(
    served: Served, authority: Authority, tmp_path: Path, kind: str, words: str
) -> None:
    upstream = _bad(served, authority, tmp_path, kind)
    url = f"https://{upstream.authority}"
    served.route("/", url, upstream_tls=authority.trusted())
    answer = served.client().get()
    assert answer.status == 502
    assert upstream.heads == []
    row = served.known(url)
    assert row.last_error.replace("certificate in certificate chain", "certificate") == words
    assert row.breaker.state is BreakerState.OPEN


def _bad(served: Served, authority: Authority, tmp_path: Path, kind: str) -> Upstream:
    contexts: dict[str, Any] = {
        "expired": lambda: authority.server(expired=True),
        "other host": lambda: authority.server("other.test"),
        "self-signed": lambda: self_signed(tmp_path),
        "unknown authority": lambda: Authority(_directory(tmp_path)).server(),
        "old version": lambda: old_server(authority),
        "asks for a certificate": authority.asking,
    }
    if kind in contexts:
        return served.upstream(tls=contexts[kind]())
    return served.upstream(_plain if kind == "no TLS at all" else _leaving)


def _directory(tmp_path: Path) -> Path:
    other = tmp_path / "other"
    other.mkdir()
    return other


def _plain(visit: Visit) -> None:
    visit.socket.recv(4096)
    visit.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    visit.wait_for_end()


def _leaving(visit: Visit) -> None:
    visit.socket.recv(4096)


def test_a_client_certificate_opens_what_asks_for_one(served: Served, authority: Authority) -> None:
    upstream = served.upstream(tls=authority.asking())
    certificate, key = authority.client()
    settings = authority.trusted(certificate=certificate, key=key)
    served.route("/", upstream.url, upstream_tls=settings)
    assert served.client().get().status == 200


def test_what_is_not_verified_is_taken_as_it_is(served: Served, tmp_path: Path) -> None:
    upstream = served.upstream(tls=self_signed(tmp_path))
    served.route("/", upstream.url, upstream_tls=UpstreamTls(verify=False))
    assert served.client().get().status == 200


def test_a_server_is_asked_for_by_name_but_never_by_address(
    tmp_path: Path, authority: Authority
) -> None:
    async def look_up(host: str) -> tuple[str, ...]:
        return ("127.0.0.1",)

    context = authority.server("api.test", "127.0.0.1")
    asked: list[str | None] = []

    def noted(connection: Any, name: str | None, of: ssl.SSLContext) -> None:
        asked.append(name)

    context.sni_callback = noted
    with Served(tmp_path / "names", look_up=look_up) as served:
        upstream = served.upstream(tls=context)
        served.route("/name", f"https://api.test:{upstream.port}", upstream_tls=authority.trusted())
        served.route("/address", upstream.url, upstream_tls=authority.trusted())
        named = authority.trusted(server_name="api.test")
        served.route("/other", upstream.url, upstream_tls=named)
        client = served.client()
        assert [client.get(path).status for path in ("/name", "/address", "/other")] == [200] * 3
    assert asked == ["api.test", None, "api.test"]


def test_connections_with_other_settings_are_never_shared(
    served: Served, authority: Authority
) -> None:
    upstream = served.upstream(tls=authority.server())
    served.route("/trusting", upstream.url, upstream_tls=authority.trusted())
    served.route("/blind", upstream.url, upstream_tls=UpstreamTls(verify=False))
    served.route("/strict", upstream.url)  # the system does not know this authority
    client = served.client()
    assert [client.get(path).status for path in ("/trusting", "/blind", "/blind")] == [200] * 3
    assert upstream.visits == 2
    row = served.known(upstream.url)
    assert (row.connections_idle, row.connections_busy) == (2, 0)
    assert client.get("/strict").status == 502
    assert len(upstream.heads) == 3


@pytest.mark.parametrize("polite", [True, False])
def test_an_endless_body_is_whole_only_with_a_goodbye(
    served: Served, authority: Authority, polite: bool
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        if polite:
            assert isinstance(visit.socket, ssl.SSLSocket)
            visit.socket.unwrap()

    upstream = served.upstream(script, tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    if polite:
        assert client.answer().body == b"all of it"
    else:
        with pytest.raises(ConnectionError):
            client.answer()
    until(lambda: served.known(upstream.url).traffic.requests_total == 1)
    state = BreakerState.CLOSED if polite else BreakerState.OPEN
    assert served.known(upstream.url).breaker.state is state


def test_a_handshake_that_hangs_ends_with_the_time_to_connect(
    served: Served, authority: Authority
) -> None:
    def script(visit: Visit) -> None:
        visit.owner.released.wait(10)

    upstream = served.upstream(script)
    url = f"https://{upstream.authority}"
    timeouts = Timeouts(connect=0.1)
    served.route("/", url, upstream_tls=authority.trusted(), timeouts=timeouts)
    assert served.client().get().status == 504
    until(lambda: served.known(url).connections_busy == 0)


def test_an_upstream_that_never_says_goodbye_does_not_hold_up_the_end(
    served: Served, authority: Authority
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        visit.owner.released.wait(10)

    upstream = served.upstream(script, tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    assert served.client().get().status == 200
    served.gateway.stop(4.0)  # raises if it takes longer
    assert served.gateway.state == "stopped"


def test_files_are_read_again_at_a_reload_and_old_connections_retire(
    served: Served, authority: Authority, tmp_path: Path
) -> None:
    upstream = served.upstream(tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    assert client.get().status == 200
    other = Authority(_directory(tmp_path))
    authority.file.write_bytes(other.file.read_bytes())
    assert client.get().status == 200  # the old connection, and the old authority
    served.gateway.reconfigure(served.gateway.config)
    until(lambda: served.known(upstream.url).connections_idle == 0)
    assert client.get().status == 502


def test_a_reload_with_a_file_that_cannot_be_used_changes_nothing(
    served: Served, authority: Authority
) -> None:
    upstream = served.upstream(tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    assert client.get().status == 200
    authority.file.write_text("no PEM")
    with pytest.raises(AbiError, match=r"upstream_tls\.ca"):
        served.gateway.reconfigure(served.gateway.config)
    assert client.get().status == 200
    assert upstream.visits == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ca": "missing.pem"}, r"upstream_tls\.ca '.*missing\.pem': there is no such file"),
        ({"ca": "."}, r"upstream_tls\.ca .*no such file"),
        ({"ca": "nonsense.pem"}, r"upstream_tls\.ca '.*nonsense\.pem': it is no PEM"),
        ({"key": "good.key"}, r"key without upstream_tls\.certificate"),
        ({"certificate": "good.pem"}, r"upstream_tls\.certificate .*no PEM"),
        ({"certificate": "good.pem", "key": "none"}, r"upstream_tls\.key .*no such file"),
        ({"certificate": "good.pem", "key": "other.key"}, "the key is another certificate's"),
        ({"certificate": "good.pem", "key": "encrypted.key"}, "it has a password"),
        ({"server_name": "a..b"}, "'a..b' is no name"),
        ({"server_name": "x" * 64}, "is no name"),
        ({"server_name": "caf\u00e9"}, "is no name"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_route(
    served: Served, authority: Authority, tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    for name in ("good", "other"):
        certificate, key = authority.client(f"{name}.test")
        Path(certificate).rename(tmp_path / f"{name}.pem")
        Path(key).rename(tmp_path / f"{name}.key")
    encrypted_key(tmp_path)
    (tmp_path / "nonsense.pem").write_text("nonsense")
    files = {
        name: str(tmp_path / value) if name != "server_name" else value
        for name, value in settings.items()
    }
    with pytest.raises(InvalidRoute, match=words):
        served.route("/", "https://up.test", upstream_tls=UpstreamTls(**files))  # type: ignore[arg-type]
    assert served.gateway.routes() == ()


def test_settings_of_tls_without_an_https_upstream_are_a_mistake(served: Served) -> None:
    with pytest.raises(InvalidRoute, match="for https upstreams, and there is none"):
        served.route("/", "http://up.test", upstream_tls=UpstreamTls(verify=False))


def test_a_connection_that_changes_its_protocol_stays_secure(
    served: Served, authority: Authority
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        visit.send(visit.read(1 << 16)[::-1])

    upstream = served.upstream(script, tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    client.send(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    client.fill_until(b"\r\n\r\n")
    assert client.buffer.startswith(b"HTTP/1.1 101 ")
    sent = bytes(range(256)) * 256
    client.send(sent)
    client.fill_until(sent[::-1])
    client.socket.close()
    until(lambda: served.known(upstream.url).connections_busy == 0)


def test_a_connection_in_use_at_a_reload_is_closed_after_its_answer(
    served: Served, authority: Authority
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
        visit.wait_for_end()

    upstream = served.upstream(script, tls=authority.server())
    served.route("/", upstream.url, upstream_tls=authority.trusted())
    client = served.client()
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: len(upstream.heads) == 1)
    served.gateway.reconfigure(served.gateway.config)
    upstream.released.set()
    assert client.answer().body == b"late"

    def connections() -> tuple[int, int]:
        row = served.known(upstream.url)
        return row.connections_idle, row.connections_busy

    until(lambda: connections() == (0, 0))
