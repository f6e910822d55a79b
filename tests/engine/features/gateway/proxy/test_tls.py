"""TLS towards clients: which certificate is shown, who is let in, and what is refused."""

from __future__ import annotations

import logging
import ssl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abi_engine.core.errors import InvalidConfig
from abi_engine.features.gateway.config import Certificate, GatewayConfig, Limits, Tls
from abi_engine.features.gateway.proxy.tls import server_tls
from abi_engine.runtime.unraised import Unraised
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.hello import greet
from tests.engine.features.gateway.proxy.secure import Authority, secured, tls
from tests.engine.features.gateway.proxy.stage import Stage, until
from tests.engine.features.gateway.proxy.upstream import Visit, echoing

NAME = "gateway.test"
GET = b"GET / HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def client(stage: Stage, authority: Authority, name: str = NAME, **options: object) -> Client:
    return secured(stage.client(), authority.trusted(**options), name)  # type: ignore[arg-type]


def shown(client: Client) -> set[str]:
    """The names in the certificate that a client was shown."""
    assert isinstance(client.socket, ssl.SSLSocket)
    certificate = client.socket.getpeercert()
    assert certificate is not None
    return {str(value) for _, value in certificate["subjectAltName"]}


def test_requests_pass_and_the_upstream_is_told_that_they_were_secure(
    stage: Stage, authority: Authority
) -> None:
    upstream = stage.serve(tls=tls(authority.issue(NAME)))
    visitor = client(stage, authority)
    assert visitor.get().body == b"hello"
    assert visitor.get().status == 200
    head = upstream.heads[-1]
    assert b"\r\nX-Forwarded-Proto: https\r\n" in head
    assert b"Forwarded: for=127.0.0.1;proto=https;host=gateway" in head
    stage.eventually(lambda plane: len(plane.clients) == 1)
    assert stage.admitter.connections == 1


def test_large_bodies_pass_both_ways(stage: Stage, authority: Authority) -> None:
    stage.serve(echoing, tls=tls(authority.issue(NAME)))
    body = bytes(range(256)) * (1 << 12)
    visitor = client(stage, authority)
    for _ in range(3):
        assert visitor.post("/", body).body == body


def test_the_name_that_is_asked_for_chooses_the_certificate(
    stage: Stage, authority: Authority
) -> None:
    certificates = (
        authority.issue(NAME),
        authority.issue("*.example.test"),
        authority.issue("www.example.test"),
    )
    stage.serve(tls=tls(*certificates))
    assert shown(client(stage, authority)) == {NAME}
    assert shown(client(stage, authority, "www.example.test")) == {"www.example.test"}
    assert shown(client(stage, authority, "api.example.test")) == {"*.example.test"}
    for name in ("a.b.example.test", "example.test", "unknown.test"):
        with pytest.raises(ssl.SSLCertVerificationError):
            client(stage, authority, name)
    context = authority.trusted()
    context.check_hostname = False
    assert shown(secured(stage.client(), context, None)) == {NAME}, "the first, for no name"
    assert shown(secured(stage.client(), context, "unknown.test")) == {NAME}


def test_with_one_certificate_nobody_reads_the_name_that_is_asked_for(
    stage: Stage, authority: Authority
) -> None:
    stage.serve(tls=tls(authority.issue(NAME)))
    for name in (b"\xff\xfe.test", b"\x1b[31m.test", b"z" * 60):
        assert greet(stage, name) == b"\x16", "a hello of its own"


def test_names_beyond_ascii_do_not_fill_the_log(
    stage: Stage,
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", Unraised(logging.getLogger("abi_engine.service")))
    stage.serve(tls=tls(authority.issue(NAME), authority.issue("other.test")))
    for _ in range(20):
        assert greet(stage, b"\xff\xfe.test") == b""
    (record,) = caplog.records
    assert isinstance(record.exc_info and record.exc_info[1], UnicodeError)


def test_names_that_are_given_are_those_it_is_shown_for(stage: Stage, authority: Authority) -> None:
    other = authority.issue("inside.test", "Outside.test")
    named = Certificate(other.certificate, other.key, ("OUTSIDE.test.",))
    stage.serve(tls=tls(authority.issue(NAME), named))
    assert "Outside.test".lower() in {
        n.lower() for n in shown(client(stage, authority, "outside.test"))
    }
    with pytest.raises(ssl.SSLCertVerificationError):
        client(stage, authority, "inside.test")


@pytest.mark.parametrize("choice", ["optional", "required"])
def test_a_certificate_of_the_client_must_come_from_the_authority(
    stage: Stage, authority: Authority, tmp_path: Path, choice: str
) -> None:
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("stranger.test")
    settings = tls(authority.issue(NAME), client_certificates=choice, client_ca=str(authority.file))
    stage.serve(tls=settings)
    own = authority.issue("me@example.test", as_="me")
    assert client(stage, authority, own=own).get().status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        client(stage, authority, own=stranger).get()
    if choice == "optional":
        assert client(stage, authority).get().status == 200
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client(stage, authority).get()
    until(lambda: any(e.kind == "handshake_failed" for e in stage.events.latest(10)))
    stage.eventually(lambda plane: len(plane.clients) <= 3)


def test_an_old_version_and_a_weak_cipher_are_refused(stage: Stage, authority: Authority) -> None:
    stage.serve(tls=tls(authority.issue(NAME)))
    for weaken in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"):
        context = authority.trusted()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{weaken}:@SECLEVEL=0")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            secured(stage.client(), context, NAME)
    old = authority.trusted()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured(stage.client(), old, NAME)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_http_1_1_is_agreed_on_and_nothing_is_compressed_or_resumed(
    stage: Stage, authority: Authority, version: ssl.TLSVersion
) -> None:
    stage.serve(tls=tls(authority.issue(NAME)))
    context = authority.trusted()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    visitor = secured(stage.client(), context, NAME)
    assert visitor.get().status == 200
    assert isinstance(visitor.socket, ssl.SSLSocket)
    assert visitor.socket.selected_alpn_protocol() == "http/1.1"
    assert visitor.socket.compression() is None
    session = visitor.socket.session
    assert session is None or not session.has_ticket


def test_where_only_1_3_is_spoken_1_2_is_refused(stage: Stage, authority: Authority) -> None:
    stage.serve(tls=tls(authority.issue(NAME), minimum="1.3"))
    context = authority.trusted()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured(stage.client(), context, NAME)
    assert client(stage, authority).get().status == 200


def test_plain_http_is_closed_without_an_answer_and_said(
    stage: Stage, authority: Authority
) -> None:
    stage.serve(tls=tls(authority.issue(NAME)))
    visitor = stage.client()
    visitor.send(GET)
    assert visitor.rest() == b"", "no reset, no bytes"
    until(lambda: any(e.kind == "handshake_failed" for e in stage.events.latest(10)))
    (event,) = [e for e in stage.events.latest(10) if e.kind == "handshake_failed"]
    assert "127.0.0.1" in event.message
    assert "http request" in event.message


def test_a_slow_handshake_is_closed_and_counts_as_a_connection(
    stage: Stage, authority: Authority
) -> None:
    stage.serve(tls=tls(authority.issue(NAME), handshake_timeout=0.3))
    visitor = stage.client()
    visitor.send(b"\x16\x03\x01")
    stage.eventually(lambda plane: len(plane.clients) == 1)
    assert stage.admitter.connections == 1
    assert visitor.is_closed()
    stage.eventually(lambda plane: not plane.clients)
    until(lambda: any("too long" in e.message for e in stage.events.latest(10)))


def test_who_connects_and_leaves_again_is_not_told_of(stage: Stage, authority: Authority) -> None:
    stage.serve(tls=tls(authority.issue(NAME)))
    stage.client().socket.close()
    visitor = stage.client()
    visitor.send(b"\x16\x03\x01")
    visitor.reset()
    assert client(stage, authority).get().status == 200
    stage.eventually(lambda plane: len(plane.clients) <= 1)
    assert not [e for e in stage.events.latest(10) if e.kind == "handshake_failed"]


def test_handshakes_count_against_the_limit_of_connections(
    stage: Stage, authority: Authority
) -> None:
    stage.serve(tls=tls(authority.issue(NAME)), limits=Limits(connections=1))
    waiting = stage.client()
    stage.eventually(lambda plane: len(plane.clients) == 1)
    assert client(stage, authority).get().status == 503
    waiting.socket.close()


def test_a_slow_reader_gets_all_of_its_answer(stage: Stage, authority: Authority) -> None:
    body = bytes(range(256)) * (1 << 14)

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    stage.serve(script, tls=tls(authority.issue(NAME)), linger=0.1)
    visitor = secured(stage.client(receive_buffer=4096), authority.trusted(), NAME)
    visitor.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert visitor.answer().body == body
    assert visitor.rest() == b"", "and then the end, said by TLS"


def test_draining_answers_and_says_the_end(stage: Stage, authority: Authority) -> None:
    upstream = stage.serve(
        lambda visit: (
            visit.read_head(),
            visit.owner.released.wait(10),
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        )[-1],
        tls=tls(authority.issue(NAME)),
    )
    shaking = stage.client()
    visitor = client(stage, authority)
    visitor.send(GET)
    stage.eventually(lambda _: len(upstream.heads) == 1)
    from tests.engine.features.gateway.proxy.test_drain import stop

    stopping = stop(stage)
    late = secured(shaking, authority.trusted(), NAME)
    upstream.released.set()
    answer = visitor.answer()
    assert (answer.body, answer.fields[b"connection"]) == (b"ok", b"close")
    assert visitor.rest() == b""
    visitor.socket.close()
    late.socket.close()
    stopping.join(5)
    assert not stopping.is_alive()


def test_a_reload_shows_the_new_certificate_to_new_connections(
    stage: Stage, authority: Authority
) -> None:
    certificate = authority.issue(NAME)
    config = GatewayConfig(tls=tls(certificate), access_log="")
    stage.serve(tls=tls(certificate))
    before = client(stage, authority)
    first = before.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
    authority.issue(NAME)  # over the same files
    stage.proxy.reload(config)()
    assert before.get().status == 200, "the old connection lives on"
    after = client(stage, authority)
    assert after.socket.getpeercert(binary_form=True) != first  # type: ignore[attr-defined]
    stage.proxy.reload(GatewayConfig(access_log=""))()
    assert stage.client().get().status == 200, "TLS may even be switched off"


def test_a_reload_that_cannot_be_used_changes_nothing(stage: Stage, authority: Authority) -> None:
    certificate = authority.issue(NAME)
    stage.serve(tls=tls(certificate))
    Path(certificate.certificate).write_text("nonsense")
    with pytest.raises(InvalidConfig, match=r"gateway\.test\.pem holds no certificate"):
        stage.proxy.reload(GatewayConfig(tls=tls(certificate)))
    assert client(stage, authority).get().status == 200


# Files.


def test_a_file_that_cannot_be_read_is_named(authority: Authority) -> None:
    good = authority.issue(NAME)
    with pytest.raises(
        InvalidConfig, match=r"certificates\[0\]\.certificate: cannot read /nowhere"
    ):
        server_tls(tls(Certificate("/nowhere/a.pem", good.key)))
    with pytest.raises(InvalidConfig, match=r"certificates\[1\]\.key: cannot read /nowhere"):
        server_tls(tls(good, Certificate(good.certificate, "/nowhere/a.key")))
    with pytest.raises(InvalidConfig, match="client_ca: cannot read /nowhere"):
        server_tls(tls(good, client_certificates="required", client_ca="/nowhere"))
    with pytest.raises(InvalidConfig, match="holds no certificate"):
        server_tls(tls(good, client_certificates="required", client_ca=good.key))


def test_a_key_of_another_certificate_is_named_with_both_files(authority: Authority) -> None:
    good, other = authority.issue(NAME), authority.issue("other.test")
    with pytest.raises(InvalidConfig, match="not the key of the first certificate") as caught:
        server_tls(tls(Certificate(good.certificate, other.key)))
    assert "other.test.key" in caught.value.message
    assert "gateway.test.pem" in caught.value.message


def test_a_file_of_another_kind_is_named(authority: Authority) -> None:
    good = authority.issue(NAME)
    with pytest.raises(InvalidConfig, match="holds no private key"):
        server_tls(tls(Certificate(good.certificate, str(authority.file))))
    with pytest.raises(InvalidConfig, match="holds no certificate"):
        server_tls(tls(Certificate(good.key, good.key)))


def test_a_key_with_a_pass_phrase_is_refused_and_nobody_is_asked(
    authority: Authority, tmp_path: Path
) -> None:
    good, locked = authority.issue(NAME), tmp_path / "locked.key"
    command = ["openssl", "pkey", "-in", good.key, "-aes256", "-passout", "pass:x", "-out", locked]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(InvalidConfig, match=r"locked\.key has a pass phrase") as caught:
        server_tls(tls(Certificate(good.certificate, str(locked))))
    assert "openssl pkey" in caught.value.hint


def test_a_certificate_that_has_expired_is_shown_and_said(
    stage: Stage, authority: Authority
) -> None:
    now = datetime.now(UTC)
    day = timedelta(days=1)
    old = authority.issue(NAME, not_before=now - 9 * day, not_after=now - day)
    soon = authority.issue("soon.test", not_after=now + 3 * day)
    later = authority.issue("later.test", not_before=now + day, not_after=now + 900 * day)
    stage.serve(tls=tls(old, soon, later))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        client(stage, authority)
    said = {event.kind: event for event in stage.events.latest(10)}
    assert {"certificate_expired", "certificate_expires_soon", "certificate_not_valid_yet"} <= set(
        said
    )
    assert "gateway.test.pem" in said["certificate_expired"].message
    assert "abi reload" in said["certificate_expired"].message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Tls(client_certificates="required", client_ca="x"), "without a certificate"),
        (Tls(client_certificates="optional"), "no client_ca"),
        (Tls(client_ca="x"), "clients are not asked"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: Tls, words: str) -> None:
    import msgspec

    with pytest.raises(InvalidConfig, match=words):
        server_tls(msgspec.convert(msgspec.to_builtins(settings), Tls))
