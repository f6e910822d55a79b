"""The names of the package `abi_engine`: what it exports, lazily."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import abi_engine
from abi_engine.core import errors

SOURCE = ast.parse(Path(abi_engine.__file__).read_text())


def imported_for_checkers() -> dict[str, str]:
    """Each name and the module that type checkers are told it comes from."""
    block = next(node for node in SOURCE.body if isinstance(node, ast.If))
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert node.module is not None
        found |= {alias.name: node.module for alias in node.names}
    return found


def test_what_checkers_see_is_what_is_exported() -> None:
    assert {*imported_for_checkers(), "__version__"} == set(abi_engine.__all__)


@pytest.mark.parametrize(("name", "module"), imported_for_checkers().items())
def test_a_public_name_is_what_its_module_defines(name: str, module: str) -> None:
    home = __import__(module, fromlist=[name])
    assert getattr(abi_engine, name) is getattr(home, name)


def test_every_error_of_the_family_is_public() -> None:
    family = {
        value.__name__
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.AbiError)
    }
    assert family <= set(abi_engine.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'abi_engine' has no attribute 'Engin'"):
        abi_engine.Engin  # noqa: B018  the access is the test


def test_completion_offers_the_public_names() -> None:
    assert dir(abi_engine) == sorted(abi_engine.__all__)
