from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.config import GatewayConfig, LogFormat
from abi_engine.features.gateway.proxy import access_log
from abi_engine.features.gateway.proxy.access_log import AccessLog
from abi_engine.features.gateway.proxy.log_file import LogFile
from abi_engine.features.gateway.proxy.log_lines import Entry
from tests.engine.features.gateway.proxy.stage import Stage, route


def entry(number: int = 0) -> Entry:
    return Entry(
        time=float(number),
        request_id=str(number),
        client="1.2.3.4",
        method="GET",
        target="/",
        status=200,
        bytes_in=0,
        bytes_out=0,
        duration_ms=1.0,
        route="/",
        upstream="",
        error="",
    )


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_request_leaves_a_line(stage: Stage, tmp_path: Path) -> None:
    upstream = stage.upstream()
    stage.start(route("/there", upstream.url), access_log="access.log")
    client = stage.client()
    ids = [
        client.get("/there?q=%1b").fields[b"x-request-id"].decode(),
        client.get("/nowhere").fields[b"x-request-id"].decode(),
        client.post("/there", b"body").fields[b"x-request-id"].decode(),
    ]
    client.send(b"GET / HTTP/1.1\r\nbad\r\n\r\n")
    ids.append(client.answer().fields[b"x-request-id"].decode())
    stage.proxy.stop(5.0)
    written = lines(tmp_path / "access.log")
    assert [line["request_id"] for line in written] == ids
    first = written[0]
    assert abs(datetime.fromisoformat(first.pop("time")).timestamp() - stage.clock.time()) < 60
    assert first.pop("duration_ms") > 0
    assert first == {
        "request_id": ids[0],
        "client": "127.0.0.1",
        "method": "GET",
        "target": "/there?q=%1b",
        "status": 200,
        "bytes_in": 0,
        "bytes_out": 5,
        "route": "/there",
        "upstream": upstream.url,
        "error": "",
        "key": "",
        "trace_id": "",
    }
    assert [(line["status"], line["error"]) for line in written[1:]] == [
        (404, "no_route"),
        (200, ""),
        (400, "bad_request"),
    ]
    assert (written[2]["method"], written[2]["bytes_in"]) == ("POST", 4)


def test_there_is_no_log_without_a_place_for_it(stage: Stage, tmp_path: Path) -> None:
    stage.serve(access_log="")
    assert stage.client().get().status == 200
    stage.proxy.stop(5.0)
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_cannot_be_written_is_said_once_and_costs_no_request(
    stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "access.log").mkdir()
    stage.serve(access_log="access.log")
    client = stage.client()
    for _ in range(3):
        assert client.get().status == 200
    stage.proxy.stop(5.0)
    lost = [event for event in stage.events.latest() if event.kind == "access_log_lost"]
    assert len(lost) == 1
    assert lost[0].details["dropped_total"] == 3


def access_log_in(directory: Path, events: EventLog | None = None, **settings: Any) -> AccessLog:
    return AccessLog(
        directory / "log", GatewayConfig(**settings), events or EventLog(SystemClock())
    )


async def add_all(log: AccessLog, count: int) -> None:
    log.start(asyncio.get_running_loop())
    for number in range(count):
        log.add(entry(number))
    log.flush()


def test_lines_are_written_in_order_and_to_the_last(tmp_path: Path) -> None:
    log = access_log_in(tmp_path)
    asyncio.run(add_all(log, 12_345))
    log.stop(5.0)
    written = lines(tmp_path / "log")
    assert [line["request_id"] for line in written] == [str(number) for number in range(12_345)]
    assert datetime.fromisoformat(written[7]["time"]) == datetime.fromtimestamp(7, UTC)


def test_a_file_that_is_moved_away_is_begun_anew(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    stage.serve(access_log="access.log")
    client = stage.client()
    assert client.get().status == 200
    stage.eventually(lambda _: path.exists())
    path.rename(tmp_path / "old")
    assert client.get().status == 200
    stage.proxy.stop(5.0)
    assert len(lines(tmp_path / "old")) == 1
    assert len(lines(path)) == 1


def test_what_the_disk_is_too_slow_for_is_dropped_counted_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    append = LogFile.append

    def slow(file: LogFile, text: bytes, *, rotate: bool = False) -> None:
        writing.set()
        assert go_on.wait(10)
        append(file, text, rotate=rotate)

    monkeypatch.setattr(LogFile, "append", slow)
    monkeypatch.setattr(access_log, "_BATCH", 10)
    events = EventLog(SystemClock())
    log = access_log_in(tmp_path, events)

    async def main() -> None:
        log.start(asyncio.get_running_loop())
        for number in range(10):
            log.add(entry(number))
        assert writing.wait(5)
        for number in range(10, 1000):
            log.add(entry(number))  # never waits
        log.flush()

    asyncio.run(main())
    go_on.set()
    log.stop(5.0)
    written = lines(tmp_path / "log")
    assert len(written) == 650  # one batch at work and 64 waiting
    assert log.dropped == 350
    (event,) = events.latest()
    assert event.details["dropped_total"] == 350


def test_hostile_text_is_made_safe(tmp_path: Path) -> None:
    log = access_log_in(tmp_path)

    async def main() -> None:
        log.start(asyncio.get_running_loop())
        hostile = entry()
        hostile.target = "/\x1b[31m\u202e" + "a" * 5000
        log.add(hostile)
        log.flush()

    asyncio.run(main())
    log.stop(5.0)
    (line,) = lines(tmp_path / "log")
    assert line["target"].startswith("/\\x1b[31m\\u202ea")
    assert len(line["target"]) == 2048


def test_a_reload_begins_a_new_file_in_the_new_format(tmp_path: Path) -> None:
    log = access_log_in(tmp_path)

    async def main() -> None:
        log.start(asyncio.get_running_loop())
        log.add(entry(1))
        log.reload(GatewayConfig(access_log_format=LogFormat.COMMON))
        assert not log.is_json
        log.add(entry(2))
        log.flush()

    asyncio.run(main())
    log.stop(5.0)
    assert [line["request_id"] for line in lines(tmp_path / "log.1")] == ["1"]
    assert (tmp_path / "log").read_text() == (
        '1.2.3.4 - - [01/Jan/1970:00:00:02 +0000] "GET / HTTP/1.1" 200 -\n'
    )


def test_a_reload_is_taken_up_later_by_a_writer_that_is_far_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "_BATCHES", 1)
    writing, go_on = threading.Event(), threading.Event()
    append = LogFile.append

    def held(self: LogFile, text: bytes, *, rotate: bool = False) -> None:
        writing.set()
        assert go_on.wait(10)
        append(self, text, rotate=rotate)

    monkeypatch.setattr(LogFile, "append", held)
    log = access_log_in(tmp_path)

    async def main() -> None:
        log.start(asyncio.get_running_loop())
        log.add(entry(1))
        log.flush()
        await asyncio.to_thread(writing.wait, 10)
        log.add(entry(2))
        log.reload(GatewayConfig(access_log_format=LogFormat.COMMON))
        assert log.is_json, "the queue is full"
        go_on.set()
        while log.is_json:
            await asyncio.sleep(0)
            log.flush()
        log.add(entry(3))
        while not log._queue.empty():
            await asyncio.sleep(0)
        log.flush()

    asyncio.run(main())
    log.stop(5.0)
    assert [line["request_id"] for line in lines(tmp_path / "log.1")] == ["1", "2"]
    assert (tmp_path / "log").read_text().startswith("1.2.3.4 - - [01/Jan/1970:00:00:03 +0000]")


def test_a_file_that_cannot_be_put_aside_is_said_once_and_grows_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: LogFile) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(LogFile, "_put_aside", refuse)
    monkeypatch.setattr(access_log, "_BATCH", 10)
    events = EventLog(SystemClock())
    log = access_log_in(tmp_path, events, access_log_size=1)
    asyncio.run(add_all(log, 50))
    log.stop(5.0)
    assert len(lines(tmp_path / "log")) == 50
    assert log.dropped == 0
    (event,) = events.latest()
    assert "grows on: Permission denied" in event.message


def test_the_other_formats_have_the_version_the_referer_and_the_browser(
    stage: Stage, tmp_path: Path
) -> None:
    stage.serve(access_log="access.log", access_log_format=LogFormat.COMBINED)
    client = stage.client()
    client.send(
        b'GET /there HTTP/1.1\r\nHost: a\r\nReferer: http://x/\r\nUser-Agent: a "b"\r\n\r\n'
    )
    assert client.answer().status == 200
    client.send(b"GET /there HTTP/1.0\r\n\r\n")
    assert client.answer().status == 200
    stage.proxy.stop(5.0)
    first, second = (tmp_path / "access.log").read_text().splitlines()
    assert first.startswith("127.0.0.1 - - [")
    assert first.endswith('] "GET /there HTTP/1.1" 200 5 "http://x/" "a \\"b\\""')
    assert second.endswith('] "GET /there HTTP/1.0" 200 5 "-" "-"')


def test_a_writer_that_hangs_keeps_a_stop_no_longer_than_its_deadline(tmp_path: Path) -> None:
    clock = SystemClock()
    events = EventLog(clock)
    hangs, goes_on = threading.Event(), threading.Event()

    class Hanging:
        path = tmp_path / "access.log"

        def append(self, text: bytes, *, rotate: bool) -> None:
            hangs.set()
            assert goes_on.wait(30)

    log = AccessLog(tmp_path / "access.log", GatewayConfig(), events)
    log._file = Hanging()  # type: ignore[assignment]

    async def fill() -> None:
        log.start(asyncio.get_running_loop())
        log.add(entry())
        log.flush()
        await asyncio.to_thread(hangs.wait, 30)
        for _ in range(3):
            log.add(entry())
            log.flush()

    asyncio.run(fill())
    log.stop(0.05)
    assert log.dropped == 3, "the one under way may still be written"
    assert [event.kind for event in events.latest(9)] == ["access_log_lost"]
    goes_on.set()
    log._thread.join(30)
    assert not log._thread.is_alive()
