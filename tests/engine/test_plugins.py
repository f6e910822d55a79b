"""Installed plugins are listed from their metadata alone."""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from abi_engine.plugins import installed


def install(folder: Path, name: str, *, entry_points: str, summary: str = "") -> None:
    """Lay down what pip leaves of a distribution."""
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\nSummary: {summary}\n"
    )
    (info / "entry_points.txt").write_text(entry_points)


def found_in(folder: Path) -> list[Distribution]:
    return list(distributions(path=[str(folder)]))


def test_a_plugin_is_described_by_its_distribution(tmp_path: Path) -> None:
    install(
        tmp_path,
        "acme-abi",
        entry_points="[abi.plugins]\nacme = acme_abi.plugin:Plugin\n",
        summary="talks to Acme",
    )
    (plugin,) = installed(lambda: found_in(tmp_path))
    assert plugin.name == "acme"
    assert plugin.distribution == "acme-abi"
    assert plugin.version == "1.2"
    assert plugin.summary == "talks to Acme"
    assert plugin.entry_point == "acme_abi.plugin:Plugin"


def test_no_plugin_is_enabled(tmp_path: Path) -> None:
    install(tmp_path, "acme-abi", entry_points="[abi.plugins]\nacme = acme_abi\n")
    assert not installed(lambda: found_in(tmp_path))[0].enabled


def test_plugins_are_sorted_by_name_and_then_by_distribution(tmp_path: Path) -> None:
    install(tmp_path, "zeta", entry_points="[abi.plugins]\none = z\nthree = z\n")
    install(tmp_path, "alpha", entry_points="[abi.plugins]\none = a\ntwo = a\n")
    plugins = installed(lambda: found_in(tmp_path))
    assert [(plugin.name, plugin.distribution) for plugin in plugins] == [
        ("one", "alpha"),
        ("one", "zeta"),
        ("three", "zeta"),
        ("two", "alpha"),
    ]


def test_entry_points_of_other_groups_are_no_plugins(tmp_path: Path) -> None:
    install(tmp_path, "other", entry_points="[console_scripts]\nacme = acme:main\n")
    assert installed(lambda: found_in(tmp_path)) == ()


def test_a_distribution_without_a_name_is_listed_all_the_same(tmp_path: Path) -> None:
    install(tmp_path, "broken", entry_points="[abi.plugins]\nacme = acme\n")
    (tmp_path / "broken-1.2.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\n")
    (plugin,) = installed(lambda: found_in(tmp_path))
    assert (plugin.name, plugin.distribution, plugin.version) == ("acme", "", "")


def test_listing_imports_no_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "bomb", entry_points="[abi.plugins]\nbomb = abi_bomb:Plugin\n")
    (tmp_path / "abi_bomb.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "bomb" in [plugin.name for plugin in installed()]
    assert "abi_bomb" not in sys.modules
