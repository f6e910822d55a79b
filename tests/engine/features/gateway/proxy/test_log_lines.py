from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.config import LogFormat
from abi_engine.features.gateway.proxy.log_lines import NcsaEntry, encoder

LINE = re.compile(
    r'(?P<client>[!-~]+) - (?P<key>[!-~]+) \[(?P<date>[^\]]+)\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r"(?P<status>\d{3}|-) (?P<bytes>\d+|-)"
    r'(?: "(?P<referer>(?:[^"\\]|\\.)*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
)
ESCAPE = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt\"\\])")
SHORT = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}

hostile = st.one_of(
    st.text(st.characters(max_codepoint=0xFF), max_size=20),
    st.text(st.sampled_from('ab"\\ [] \n\r\t\x1b\x85\u202e'), max_size=20),
    st.sampled_from(['" 200 5\n1.2.3.4 - - [', "\\", '\\"', "x\\x22", "\u2028"]),
)


def unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        word = found[1]
        return SHORT.get(word) or chr(int(word[1:], 16))

    return ESCAPE.sub(plain, text)


def made(**fields: Any) -> NcsaEntry:
    usual: dict[str, Any] = {
        "time": 1_700_000_000.25,
        "request_id": "id",
        "client": "1.2.3.4",
        "method": "GET",
        "target": "/",
        "status": 200,
        "bytes_in": 0,
        "bytes_out": 5,
        "duration_ms": 1.23456,
        "route": "/",
        "upstream": "",
        "error": "",
    }
    return NcsaEntry(**(usual | fields))


def test_the_common_format_is_what_it_says() -> None:
    entries = [
        made(key="ci", http11=False),
        made(client="::1", status=0, bytes_out=0, time=1_704_067_199.9),
        made(method="", target=""),
    ]
    assert encoder(LogFormat.COMMON)(entries).decode().splitlines() == [
        '1.2.3.4 - ci [14/Nov/2023:22:13:20 +0000] "GET / HTTP/1.0" 200 5',
        '::1 - - [31/Dec/2023:23:59:59 +0000] "GET / HTTP/1.1" - -',
        '1.2.3.4 - - [14/Nov/2023:22:13:20 +0000] "-" 200 5',
    ]


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(("target", "referer", "user_agent"), hostile))))
def test_no_text_from_outside_forges_a_field_or_a_line(texts: list[dict[str, str]]) -> None:
    written = encoder(LogFormat.COMBINED)(made(**text) for text in texts).decode()
    lines = written.split("\n")
    assert lines.pop() == ""
    assert not any(unicodedata.category(one).startswith("C") for line in lines for one in line)
    assert len(lines) == len(texts)
    for line, text in zip(lines, texts, strict=True):
        found = LINE.fullmatch(line)
        assert found is not None
        assert unescaped(found["request"]) == f"GET {text['target']} HTTP/1.1"
        assert unescaped(found["referer"]) == (text["referer"] or "-")
        assert unescaped(found["agent"]) == (text["user_agent"] or "-")


@given(hostile, hostile)
def test_fields_without_quotes_have_no_space_either(client: str, key: str) -> None:
    line = encoder(LogFormat.COMMON)([made(client=client, key=key)]).decode()
    found = LINE.fullmatch(line.removesuffix("\n"))
    assert found is not None
    assert unescaped(found["client"]) == (client or "-")
    assert unescaped(found["key"]) == (key or "-")


@given(hostile)
def test_a_line_of_json_is_one_line(target: str) -> None:
    line = encoder(LogFormat.JSON)([made(target=target)])
    assert line.count(b"\n") == 1
    assert json.loads(line)["duration_ms"] == 1.235
