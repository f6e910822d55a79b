from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from abi_engine.runtime.unraised import Unraised

LOGGER = logging.getLogger("abi_engine.test")


def thrown(words: str) -> Any:
    return SimpleNamespace(exc_value=ValueError(words), object=b"\xff\x1b[31m", err_msg=None)


def test_the_first_error_is_logged_and_then_one_line_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 7.0
    hook = Unraised(LOGGER, lambda: now)
    for words in ("first", "second", "third"):
        hook(thrown(words))
    now = 68.0
    hook(thrown("fourth"))
    assert [record.getMessage() for record in caplog.records] == [
        "an error that could be raised nowhere; the last:",
        "3 errors that could be raised nowhere; the last:",
    ]
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == [
        "first",
        "fourth",
    ]
    assert "\x1b" not in caplog.text
