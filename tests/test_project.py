"""The project around the code: documents, locks and the build say what is true."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from abi_engine.catalogue import BUILT_IN, Row
from abi_engine.core.operation import operations
from abi_engine.version import VERSION
from docs.generate_api import FOLDER, pages

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
SETUPTOOLS = SETTINGS["tool"]["setuptools"]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FOLDERS = (
    *("abi_engine", "abi_tui", "docs", "examples", "tests", "snapshots"),
    *(".github", ".ci", "scripts"),
)
PINNED = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)(.*)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(document: Path) -> Iterator[str]:
    """The targets of a document's links and pictures that lie in the repository."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors(document: Path) -> set[str]:
    """The headings of a document as anchors."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in links(document):
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    text = document.read_text()
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", text, flags=re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", code)) <= targets


def test_the_generated_pages_are_current() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert written == pages(), "run make docs"


@pytest.mark.parametrize("row", [row for row in BUILT_IN if row.built], ids=lambda row: row.name)
def test_the_page_of_a_feature_has_every_operation(row: Row) -> None:
    text = (FOLDER / f"{row.name}.md").read_text()
    assert [op.name for op in operations(row.api)] == re.findall(
        r"^### ([a-z_]+)$", text, re.MULTILINE
    )


def test_the_version_is_the_same_everywhere() -> None:
    assert version("abi") == VERSION
    assert re.search(
        rf"^## (Unreleased|{re.escape(VERSION)})", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )


def test_both_packages_are_marked_as_typed() -> None:
    assert (ROOT / "abi_engine" / "py.typed").is_file()
    assert (ROOT / "abi_tui" / "py.typed").is_file()


def test_everything_in_the_packages_is_installed() -> None:
    installed = SETUPTOOLS["package-data"]
    for package in ("abi_engine", "abi_tui"):
        top = ROOT / package
        patterns = installed[package]
        for path in top.rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                place = path.relative_to(top)
                assert any(place.match(pattern) for pattern in patterns), place


def test_the_license_is_the_whole_of_apache_2() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


def pins(lock: str) -> dict[tuple[str, str], str]:
    """(name, version) and the marker of everything in a lock."""
    text = (ROOT / lock).read_text()
    return {(name, number): marker for name, number, marker in PINNED.findall(text)}


def normal(requirement: str) -> str:
    """The name in a requirement, as locks have it."""
    name = re.split(r"[<>=!~\[; ]", requirement)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_locks_hold_every_dependency() -> None:
    core = {name for name, _ in pins("requirements.lock")}
    assert {normal(line) for line in PROJECT["dependencies"]} <= core
    development = {name for name, _ in pins("requirements-dev.lock")}
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    assert {normal(line) for line in extras} - {"abi"} <= development


def test_development_uses_the_versions_that_users_get() -> None:
    assert pins("requirements.lock").keys() <= pins("requirements-dev.lock").keys()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_everything_in_a_lock_has_a_hash_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(entries) == len(PINNED.findall(text))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index-url" not in text


def test_what_builds_abi_is_locked() -> None:
    assert "setuptools" in {name for name, _ in pins("requirements.lock")}


def test_nothing_names_the_machine_it_was_written_on() -> None:
    places = re.compile(r"/work/|/root/|/opt/(?:wheels|pypi)|\bpyenv\b")
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    texts = (
        (path, path.read_text(errors="replace"))
        for path in [*DOCUMENTS, *files]
        if path.is_file() and path.suffix != ".pyc" and path != Path(__file__)
    )
    found = [(name_of(path), place[0]) for path, text in texts if (place := places.search(text))]
    assert found == []


@pytest.mark.parametrize("script", ["scripts/environment", "scripts/system-packages", ".ci/run"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = "bash" if "bash" in path.read_text().splitlines()[0] else "sh"
    assert subprocess.run([shell, "-n", path]).returncode == 0


def test_missing_system_packages_are_named_where_they_cannot_be_installed(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "system-packages"
    wanted = ["sh:dash", "no-such-command-anywhere:some-package"]
    for tool in ("id", "sh"):
        (tmp_path / tool).write_text("#!/bin/sh\necho 1000\n")
        (tmp_path / tool).chmod(0o755)
    child = subprocess.run(
        ["/bin/sh", script, *wanted], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert child.returncode == 1
    assert child.stderr.strip().endswith("some-package")
    assert "dash" not in child.stderr
