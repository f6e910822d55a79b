from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Protocol

import msgspec
import pytest

from abi_engine.core.operation import Mark, operation, operations, stand_in
from abi_engine.core.stream import Stream

Small = Annotated[int, msgspec.Meta(ge=0, le=9)]


class Item(msgspec.Struct, frozen=True):
    number: int


class BaseApi(Protocol):
    @operation
    def inherited(self) -> None:
        """From below."""
        ...


class ThingApi(BaseApi, Protocol):
    @operation(safe=True)
    def read(self, key: str, times: Small = 1, *, tag: str = "t") -> str | None:
        """Read it."""
        ...

    @operation(lossy=True, command=False, reason="endless")
    def watch(self, every: float = 1.0) -> Stream[Item]: ...

    @operation
    def write(self, key: str, chunks: Iterable[bytes]) -> int: ...

    def unmarked(self) -> None: ...


OPERATIONS = {op.name: op for op in operations(ThingApi)}


def test_operations_are_read_in_the_order_in_which_they_are_written() -> None:
    assert list(OPERATIONS) == ["inherited", "read", "watch", "write"]


def test_the_marks_say_what_the_decorator_said() -> None:
    assert OPERATIONS["inherited"].mark == Mark()
    assert OPERATIONS["read"].mark == Mark(safe=True)
    assert OPERATIONS["watch"].mark == Mark(lossy=True, command=False, reason="endless")


def test_arguments_become_a_struct_with_types_bounds_and_defaults() -> None:
    arguments = OPERATIONS["read"].arguments
    fields = msgspec.structs.fields(arguments)
    assert [(field.name, field.required) for field in fields] == [
        ("key", True),
        ("times", False),
        ("tag", False),
    ]
    made: Any = msgspec.convert({"key": "a"}, arguments)
    assert (made.key, made.times, made.tag) == ("a", 1, "t")
    for bad in ({"key": 1}, {"key": "a", "times": 10}, {"key": "a", "more": 1}, {}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(bad, arguments)
    assert OPERATIONS["read"].positional == 2


def test_streams_out_and_in_are_recognised() -> None:
    watch, write, read = OPERATIONS["watch"], OPERATIONS["write"], OPERATIONS["read"]
    assert (watch.streams_out, watch.streams_in, watch.returns) == (True, None, Item)
    assert (write.streams_out, write.streams_in, write.returns) == (False, "chunks", int)
    assert (read.streams_out, read.streams_in) == (False, None)
    assert read.returns == str | None


def test_marking_changes_nothing_for_python_callers() -> None:
    def double(self: object, number: int) -> int:
        return 2 * number

    assert operation(double) is double
    assert operation(safe=True)(double)(None, 4) == 8


def test_a_parameter_without_a_default_after_one_with_a_default_is_refused() -> None:
    class Bad(Protocol):
        @operation
        def late(self, first: int = 1, *, second: int) -> None: ...

    with pytest.raises(TypeError, match="without a default come first"):
        operations(Bad)


def test_an_operation_streams_one_way_only() -> None:
    class Bad(Protocol):
        @operation
        def both(self, chunks: Iterable[bytes]) -> Stream[bytes]: ...

    with pytest.raises(TypeError, match="not both"):
        operations(Bad)


def test_a_stand_in_has_the_operations_and_hands_them_their_arguments() -> None:
    calls: list[tuple[str, object]] = []
    thing = stand_in(ThingApi, lambda op, arguments: calls.append((op.name, arguments)))
    thing.read("k", 2, tag="x")
    thing.inherited()
    assert [name for name, _ in calls] == ["read", "inherited"]
    assert msgspec.structs.asdict(calls[0][1]) == {"key": "k", "times": 2, "tag": "x"}  # type: ignore[arg-type]
    assert thing.read.__doc__ == "Read it."


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(("k", 1, "tag"), {}), ((), {}), (("k",), {"key": "k"}), (("k",), {"more": 1})],
)
def test_a_stand_in_refuses_what_the_signature_refuses(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    thing = stand_in(ThingApi, lambda op, arguments: None)
    with pytest.raises(TypeError):
        thing.read(*args, **kwargs)
