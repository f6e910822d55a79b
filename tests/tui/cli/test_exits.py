from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import abi_engine
from abi_engine.core.errors import AbiError
from abi_tui.cli.exits import BY_CODE, MEANINGS, Exit, exit_of


def _codes_of_the_engine() -> set[str]:
    for module in walk_packages(abi_engine.__path__, "abi_engine."):
        import_module(module.name)
    return {kind.code for kind in AbiError.family() if kind.__module__.startswith("abi_engine.")}


def test_every_error_of_the_engine_has_an_exit_code_of_its_own_choice() -> None:
    assert _codes_of_the_engine() <= BY_CODE.keys()


def test_no_exit_code_is_chosen_for_an_error_that_is_not_there() -> None:
    assert BY_CODE.keys() <= _codes_of_the_engine()


def test_an_error_of_another_program_has_failed() -> None:
    assert exit_of("from_a_plugin") is Exit.FAILED


def test_the_numbers_are_those_that_scripts_know() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "UNAVAILABLE": 4,
        "TIMED_OUT": 5,
        "INTERRUPTED": 130,
        "READER_LEFT": 141,
    }


def test_every_exit_code_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Exit)
