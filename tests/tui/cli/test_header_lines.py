"""Headers as they are typed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from abi_tui.cli.header_lines import read_headers


def test_a_name_ends_at_the_first_colon() -> None:
    assert read_headers(("X: a:b ", "Y:")) == (("X", "a:b"), ("Y", ""))


def test_a_file_has_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("X-API-Key: secret\n\nAccept: */*\n")
    found = (("A", "1"), ("X-API-Key", "secret"), ("Accept", "*/*"))
    assert read_headers(("A: 1", f"@{file}")) == found


def test_what_is_no_header_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "headers"
    file.write_text("secret")
    for given in ("secret", f"@{file}"):
        with pytest.raises(click.UsageError, match="Name: value") as caught:
            read_headers((given,))
        assert "secret" not in caught.value.message


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "gone"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(click.UsageError, match=r"cannot read headers from .*gone"):
        read_headers((f"@{file}",))
