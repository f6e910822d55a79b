"""Health and metrics over HTTP: for who may ask, and for nobody who would wear the engine down."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from abi_engine.core.errors import AddressInUse, InvalidConfig
from abi_engine.runtime.loops import LoopThread
from abi_engine.service import admin_protocol
from abi_engine.service.admin import WORKERS, AdminEndpoint, Sources
from abi_engine.service.admin_token import admin_token
from tests.engine.service.conftest import InThread, until

TOKEN = "s3cret"


class Health:
    """An answer that a test can change, and make slow."""

    def __init__(self) -> None:
        self.well = True
        self.asked = Event()
        self.release = Event()
        self.release.set()
        self.fails = False

    def __call__(self) -> tuple[bool, bytes]:
        self.asked.set()
        assert self.release.wait(20)
        if self.fails:
            raise ZeroDivisionError
        return self.well, json.dumps({"ok": self.well}).encode()


@pytest.fixture
def health() -> Iterator[Health]:
    health = Health()
    yield health
    health.release.set()


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    loop = LoopThread("abi-control")
    loop.start()
    yield loop
    loop.stop()


@pytest.fixture
def endpoint(loop: LoopThread, health: Health) -> Iterator[AdminEndpoint]:
    sources = Sources(health, lambda: "up 1\n", TOKEN)
    endpoint = AdminEndpoint(loop, "127.0.0.1", 0, sources, max_connections=12)
    endpoint.start()
    yield endpoint
    endpoint.stop(5)


@pytest.fixture
def dial(endpoint: AdminEndpoint) -> Iterator[Callable[[], socket.socket]]:
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        port = int(endpoint.url.rpartition(":")[2])
        opened.append(socket.create_connection(("127.0.0.1", port), timeout=15))
        return opened[-1]

    yield connect
    for connected in opened:
        connected.close()


Dial = Callable[[], socket.socket]


class Answer:
    """One answer, read from a connection."""

    def __init__(self, connected: socket.socket, method: str = "GET") -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            letter = connected.recv(1)
            if not letter:
                raise EOFError(head)
            head += letter
        first, *lines = head.decode().rstrip().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)}
        self.body = b""
        size = 0 if method == "HEAD" else int(self.headers["content-length"])
        while len(self.body) < size:
            self.body += connected.recv(size - len(self.body))


def ask(connected: socket.socket, target: str, *headers: str, method: str = "GET") -> Answer:
    lines = (f"{method} {target} HTTP/1.1", "Host: abi", *headers, "", "")
    connected.sendall("\r\n".join(lines).encode("latin-1"))
    return Answer(connected, method)


def closed(connected: socket.socket) -> bool:
    try:
        return connected.recv(1) == b""
    except ConnectionResetError:
        return True


def test_health_is_200_when_all_is_well_and_503_when_not(dial: Dial, health: Health) -> None:
    connected = dial()
    answer = ask(connected, "/healthz")
    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True})
    assert answer.headers["content-type"] == "application/json"
    health.well = False
    answer = ask(connected, "/healthz?verbose")
    assert (answer.status, json.loads(answer.body)) == (503, {"ok": False})


def test_head_is_the_same_without_the_body(dial: Dial) -> None:
    connected = dial()
    with_body = ask(connected, "/healthz")
    without = ask(connected, "/healthz", method="HEAD")
    assert without.headers == with_body.headers
    assert ask(connected, "/healthz").status == 200  # and nothing was left over


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Authorization: Bearer wrong",
        "Authorization: Bearer",
        f"Authorization: Basic {TOKEN}",
        f"Authorization: {TOKEN}",
        "Authorization: Bearer \xe9",
        f"X-Token: {TOKEN}",
    ],
)
def test_metrics_without_the_token_are_401(dial: Dial, header: str) -> None:
    answer = ask(dial(), "/metrics", *([header] if header else []))
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert b"up" not in answer.body


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_metrics_with_the_token_are_for_a_scraper(dial: Dial, scheme: str) -> None:
    answer = ask(dial(), "/metrics", f"Authorization: {scheme} {TOKEN}")
    assert (answer.status, answer.body) == (200, b"up 1\n")
    assert "version=0.0.4" in answer.headers["content-type"]


def test_without_a_token_metrics_are_closed_to_everyone(loop: LoopThread, health: Health) -> None:
    endpoint = AdminEndpoint(loop, "127.0.0.1", 0, Sources(health, lambda: "up 1\n", ""))
    endpoint.start()
    port = int(endpoint.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connected:
        assert ask(connected, "/metrics", "Authorization: Bearer ").status == 401
    endpoint.stop(5)


def test_everything_else_is_404_and_every_other_method_405(dial: Dial) -> None:
    connected = dial()
    for target in ("/", "/metrics/", "/healthz/x", "/../healthz", "http://abi/healthz", "*"):
        assert ask(connected, target).status == 404
    for method in ("POST", "DELETE", "OPTIONS", "TRACE"):
        answer = ask(connected, "/healthz", method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
        (b"GET /healthz\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nA: \x00\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 00\r\n\r\n", 413),
        (b"GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
        (b"GET /healthz HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\n" + b"A: b\r\n" * 2000, 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
def test_what_is_not_a_plain_question_is_refused_and_the_connection_closed(
    dial: Dial, health: Health, sent: bytes, status: int
) -> None:
    connected = dial()
    connected.sendall(sent)
    answer = Answer(connected)
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert closed(connected)
    assert not health.asked.is_set()


def test_questions_sent_without_waiting_are_answered_in_order(dial: Dial) -> None:
    connected = dial()
    targets = ("/healthz", "/nothing", "/healthz", "/metrics")
    connected.sendall(b"".join(f"GET {t} HTTP/1.1\r\n\r\n".encode() for t in targets))
    assert [Answer(connected).status for _ in targets] == [200, 404, 200, 401]


def test_too_many_questions_at_once_are_refused_after_the_first_ones(dial: Dial) -> None:
    connected = dial()
    connected.sendall(b"GET /healthz HTTP/1.1\r\n\r\n" * 200)
    statuses = []
    while not statuses or statuses[-1] == 200:
        statuses.append(Answer(connected).status)
    assert statuses[-1] == 429
    assert 1 < len(statuses) < 50
    assert closed(connected)


def test_a_connection_that_asks_to_be_closed_is_closed(dial: Dial) -> None:
    connected = dial()
    answer = ask(connected, "/healthz", "Connection: close")
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert closed(connected)
    connected = dial()
    connected.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert Answer(connected).status == 200
    assert closed(connected)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_TIMEOUT", "IDLE_TIMEOUT"):
        monkeypatch.setattr(admin_protocol, name, 0.3)


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_says_nothing_is_closed(dial: Dial) -> None:
    assert closed(dial())
    connected = dial()
    assert ask(connected, "/healthz").status == 200
    assert closed(connected)


@pytest.mark.usefixtures("impatient")
def test_dripping_bytes_win_no_time(dial: Dial) -> None:
    connected = dial()
    connected.sendall(b"GET /healthz HTTP/1.1\r\n")

    def drip() -> None:
        for _ in range(200):
            connected.sendall(b"A: b\r\n")
            Event().wait(0.05)

    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        InThread(drip).result(15)


@pytest.mark.usefixtures("impatient")
def test_who_reads_no_answers_gets_no_more_of_them(loop: LoopThread, health: Health) -> None:
    asked = []

    def metrics() -> str:
        asked.append(1)
        return "a" * (32 << 20)  # more than a connection holds

    endpoint = AdminEndpoint(loop, "127.0.0.1", 0, Sources(health, metrics, TOKEN))
    endpoint.start()
    question = f"GET /metrics HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    place = ("127.0.0.1", int(endpoint.url.rpartition(":")[2]))
    with socket.create_connection(place, timeout=15) as connected:
        connected.sendall(question.encode() * 6)
        until(lambda: len(asked) > 0)
        until(lambda: not endpoint._connections)
    endpoint.stop(5)
    assert len(asked) == 1


def test_who_reads_late_gets_every_answer(loop: LoopThread, health: Health) -> None:
    sources = Sources(health, lambda: "a" * (8 << 20), TOKEN)
    endpoint = AdminEndpoint(loop, "127.0.0.1", 0, sources)
    endpoint.start()
    question = f"GET /metrics HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    place = ("127.0.0.1", int(endpoint.url.rpartition(":")[2]))
    with socket.create_connection(place, timeout=15) as connected:
        connected.sendall(question.encode() * 4)
        assert [len(Answer(connected).body) for _ in range(4)] == [8 << 20] * 4
        assert ask(connected, "/healthz").status == 200
    endpoint.stop(5)


def test_a_slow_answer_keeps_nobody_waiting(dial: Dial, health: Health) -> None:
    health.release.clear()
    slow = [dial() for _ in range(WORKERS)]
    for connected in slow:
        connected.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
    assert ask(dial(), "/nothing").status == 404
    one_more = dial()
    until(lambda: ask(one_more, "/metrics", f"Authorization: Bearer {TOKEN}").status == 503)
    health.release.set()
    assert [Answer(connected).status for connected in slow] == [200] * WORKERS


def test_an_answer_that_never_comes_is_503_and_a_failing_one_500(
    dial: Dial, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_protocol, "ANSWER_TIMEOUT", 0.1)
    health.release.clear()
    assert ask(dial(), "/healthz").status == 503
    health.release.set()
    monkeypatch.undo()
    health.fails = True
    assert ask(dial(), "/healthz").status == 500


def test_more_connections_than_there_are_places_are_refused(dial: Dial) -> None:
    kept = [dial() for _ in range(12)]
    assert ask(kept[-1], "/healthz").status == 200
    refused = dial()
    assert Answer(refused).status == 503
    assert closed(refused)
    kept[0].close()
    until(lambda: _status(dial()) == 200)


def _status(connected: socket.socket) -> int:
    try:
        return ask(connected, "/healthz").status
    except OSError:  # refused before the question was out
        return 0


def test_an_address_that_is_taken_is_said(loop: LoopThread, endpoint: AdminEndpoint) -> None:
    port = int(endpoint.url.rpartition(":")[2])
    other = AdminEndpoint(loop, "127.0.0.1", port, Sources(Health(), str, ""))
    with pytest.raises(AddressInUse, match=str(port)):
        other.start()
    assert other.url == ""


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_said(loop: LoopThread, host: str) -> None:
    with pytest.raises(InvalidConfig, match=host):
        AdminEndpoint(loop, host, 0, Sources(Health(), str, "")).start()


def test_stopping_ends_connections_and_may_happen_twice(
    loop: LoopThread, health: Health, dial: Dial, endpoint: AdminEndpoint
) -> None:
    connected = dial()
    assert ask(connected, "/healthz").status == 200
    endpoint.stop(5)
    endpoint.stop(5)
    assert closed(connected)
    assert endpoint.url == ""


def test_the_token_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    token = admin_token("", tmp_path)
    assert len(token) >= 40
    assert admin_token("", tmp_path) == token
    assert (tmp_path / "admin.token").stat().st_mode & 0o777 == 0o600
    (tmp_path / "other").mkdir()
    assert admin_token("", tmp_path / "other") != token


def test_the_token_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(" my token \n")
    assert admin_token(str(tmp_path / "mine"), tmp_path) == "my token"
    assert not (tmp_path / "admin.token").exists()
    assert admin_token("", None) == ""


def test_a_token_file_that_is_missing_empty_or_binary_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("missing", "empty", "binary"):
        with pytest.raises(InvalidConfig, match=name):
            admin_token(str(tmp_path / name), None)


def test_every_worker_is_free_again_after_many_answers(dial: Dial) -> None:
    connected: Any = dial()
    assert [ask(connected, "/healthz").status for _ in range(5 * WORKERS)] == [200] * 5 * WORKERS


def test_it_answers_on_a_socket_that_it_was_given(loop: LoopThread, health: Health) -> None:
    sources = Sources(health, lambda: "up 1\n", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        endpoint = AdminEndpoint(loop, "0.0.0.0", 1, sources, inherited=[held.dup()])
        endpoint.start()
        assert endpoint.url == f"http://127.0.0.1:{port}"
        with socket.create_connection(("127.0.0.1", port), 5) as connected:
            assert ask(connected, "/healthz").status == 200
        endpoint.stop(5.0)
        assert endpoint.url == ""
        socket.create_connection(("127.0.0.1", port), 5).close()  # it lives on
