"""The log: lines that a machine can read, and the newest of them in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from threading import Thread

import pytest

from abi_engine.runtime.logs import JsonFormatter, Line, LogRing, line_of


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("test.engine.logs")
    logger.setLevel("DEBUG")
    logger.propagate = False
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)


@pytest.fixture
def ring(logger: logging.Logger) -> LogRing:
    ring = LogRing(5, queue_size=3)
    logger.addHandler(ring)
    return ring


def messages(lines: tuple[Line, ...]) -> list[str]:
    return [line.message for line in lines]


def test_the_newest_lines_are_kept_oldest_first(logger: logging.Logger, ring: LogRing) -> None:
    for number in range(8):
        logger.info("line %d", number)
    assert messages(ring.latest(100)) == [f"line {n}" for n in range(3, 8)]
    assert messages(ring.latest(2)) == ["line 6", "line 7"]
    assert ring.latest(0) == ()


def test_a_line_says_when_how_bad_who_and_what(logger: logging.Logger, ring: LogRing) -> None:
    logger.warning("careful")
    (line,) = ring.latest(1)
    assert (line.level, line.logger, line.message) == ("warning", "test.engine.logs", "careful")
    assert line.at.tzinfo is not None


def test_an_error_is_said_in_its_own_words_behind_the_message(
    logger: logging.Logger, ring: LogRing
) -> None:
    try:
        raise KeyError("k")
    except KeyError:
        logger.exception("no such thing")
    assert messages(ring.latest(1)) == ["no such thing (KeyError: 'k')"]


def test_a_message_without_end_is_cut(logger: logging.Logger, ring: LogRing) -> None:
    logger.info("x" * 100_000)
    assert len(ring.latest(1)[0].message) == 8192


def test_a_watcher_sees_what_comes_after_it_and_closing_wakes_it(
    logger: logging.Logger, ring: LogRing
) -> None:
    logger.info("before")
    stream = ring.watch()
    seen: list[str] = []
    thread = Thread(target=lambda: seen.extend(line.message for line in stream))
    logger.info("after")
    thread.start()
    stream.close()
    thread.join(10)
    assert not thread.is_alive()
    assert seen in ([], ["after"])
    logger.info("later")  # nobody watches any more


def test_a_slow_watcher_loses_the_oldest_and_is_told(logger: logging.Logger, ring: LogRing) -> None:
    stream = ring.watch()
    for number in range(5):
        logger.info("line %d", number)
    assert next(stream).message == "line 2"
    assert stream.lagged == 2


def test_closing_the_ring_ends_its_watchers(logger: logging.Logger, ring: LogRing) -> None:
    stream = ring.watch()
    ring.close()
    assert list(stream) == []


def test_a_line_of_json_is_one_line_of_ascii_whatever_it_says() -> None:
    hostile = 'a"b\n\x1b[2J\u202e\ud800é'
    record = logging.LogRecord("n", logging.ERROR, "f", 1, "said %s", (hostile,), None)
    text = JsonFormatter().format(record)
    assert text.isascii()
    assert text.isprintable()
    fields = json.loads(text)
    assert fields["message"] == f"said {hostile}"
    assert (fields["level"], fields["logger"]) == ("error", "n")
    assert fields["at"].endswith("Z")


def test_a_line_of_json_has_the_traceback_whole() -> None:
    try:
        raise ValueError("why")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("n", logging.ERROR, "f", 1, "failed", (), info)
    fields = json.loads(JsonFormatter().format(record))
    assert fields["message"] == "failed"
    assert fields["exception"].startswith("Traceback")
    assert line_of(record).message == "failed (ValueError: why)"
