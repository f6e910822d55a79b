from __future__ import annotations

import inspect

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import abi_engine.features.gateway.api  # noqa: F401 - its errors join the family
from abi_engine.core import errors
from abi_engine.core.errors import AbiError, Category, InternalError, Severity, WireError

FAMILY = sorted(set(AbiError.family()), key=lambda kind: kind.__name__)
details = st.dictionaries(
    st.text(max_size=20) | st.sampled_from(["message", "hint", "self", "code"]),
    st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False),
    max_size=5,
)


@given(st.sampled_from(FAMILY), st.text(), st.text(), details)
def test_every_error_comes_back_from_the_wire_as_it_was(
    kind: type[AbiError], message: str, hint: str, details: dict[str, errors.Detail]
) -> None:
    error = kind(message, hint=hint)
    error.details = details
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(error.to_wire()), type=WireError)
    back = AbiError.from_wire(wire)
    assert type(back) is kind
    assert (back.message, back.hint, back.details) == (message, hint, details)
    assert (back.code, back.category) == (kind.code, kind.category)
    assert (back.severity, back.retryable) == (kind.severity, kind.retryable)
    assert str(back) == message


def test_a_code_that_is_not_known_here_is_kept() -> None:
    wire = WireError("from_the_future", "m", "h", Category.GPU, Severity.WARNING, True, {"n": 1})
    back = AbiError.from_wire(wire)
    assert type(back) is AbiError
    assert back.to_wire() == wire
    assert AbiError.code == "abi"  # the class is as it was


@pytest.mark.parametrize("kind", FAMILY, ids=[kind.__name__ for kind in FAMILY])
def test_no_error_changes_the_constructor(kind: type[AbiError]) -> None:
    assert kind.__init__ is AbiError.__init__
    assert inspect.getdoc(kind)


def test_every_code_belongs_to_one_error() -> None:
    codes = [kind.code for kind in FAMILY]
    assert len(set(codes)) == len(codes)


def test_the_drawing_of_the_family_is_the_family() -> None:
    assert errors.__doc__ is not None
    drawn = {
        words[0]: words[1]
        for line in errors.__doc__.splitlines()
        if len(words := line.replace("│", "").replace("├──", "").replace("└──", "").split()) > 1
        and words[0] in vars(errors)
    }
    defined = {kind.__name__: kind.code for kind in FAMILY if kind.__module__ == errors.__name__}
    assert drawn == defined


def test_details_are_for_programs_and_the_message_for_people() -> None:
    error = InternalError("it broke", hint="report it", attempt=3)
    assert (str(error), error.hint, error.details) == ("it broke", "report it", {"attempt": 3})
    assert error.severity is Severity.CRITICAL
