"""Operations: what every interface may call, read from a feature's Protocol.

Refuses to import an implementation; the Protocol alone says everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints, overload

import msgspec

from abi_engine.core.stream import Stream

F = TypeVar("F", bound=Callable[..., object])
T = TypeVar("T")


class Mark(NamedTuple):
    """What `@operation` says about a method.

    Attributes:
        command: a command of the terminal calls it; if not, `reason` says why.
        safe: changes nothing and costs little, so that tools of a model may be offered it.
        lossy: its stream drops items for a slow reader and says how many.
        reason: why there is no command.
    """

    command: bool = True
    safe: bool = False
    lossy: bool = False
    reason: str = ""


class Operation(NamedTuple):
    """One operation, as its Protocol describes it.

    Attributes:
        name: the Python name.
        mark: what its decorator says.
        arguments: a struct with a field for each parameter, in order.
        positional: how many parameters may be given by position.
        returns: the type of the result, or of one item where it streams.
        streams_out: whether the result is a `Stream`.
        streams_in: the parameter that is an iterable of bytes, if one is.
    """

    name: str
    mark: Mark
    arguments: type[msgspec.Struct]
    positional: int
    returns: Any
    streams_out: bool
    streams_in: str | None


@overload
def operation(method: F, /) -> F: ...
@overload
def operation(
    *, command: bool = ..., safe: bool = ..., lossy: bool = ..., reason: str = ...
) -> Callable[[F], F]: ...
def operation(method: F | None = None, /, **facts: Any) -> F | Callable[[F], F]:
    """Mark a Protocol method as callable from every interface; the method itself is unchanged."""

    def mark(method: F) -> F:
        method.__dict__["operation"] = Mark(**facts)
        return method

    return mark(method) if method else mark


def operations(api: type[Any]) -> tuple[Operation, ...]:
    """The operations of a feature's Protocol, in the order in which they are written."""
    members = {name: value for base in reversed(api.__mro__) for name, value in vars(base).items()}
    return tuple(_read(method) for method in members.values() if hasattr(method, "operation"))


def _read(method: Any) -> Operation:
    types = get_type_hints(method, include_extras=True)
    returns = types.pop("return")
    code = method.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    positional = code.co_argcount - 1
    defaults = dict(zip(reversed(names[:positional]), reversed(method.__defaults__ or ())))
    defaults |= method.__kwdefaults__ or {}
    incoming = next((name for name in names if get_origin(types[name]) is Iterable), None)
    streams_out = get_origin(returns) is Stream
    if streams_out and incoming is not None:
        message = f"{method.__name__}: an operation streams in or out, not both"
        raise TypeError(message)
    return Operation(
        method.__name__,
        method.operation,
        _arguments(method.__name__, names, types, defaults, incoming),
        positional,
        get_args(returns)[0] if streams_out else returns,
        streams_out,
        incoming,
    )


def _arguments(
    operation: str,
    names: tuple[str, ...],
    types: dict[str, Any],
    defaults: dict[str, Any],
    incoming: str | None,
) -> type[msgspec.Struct]:
    fields = [
        (name, Any if name == incoming else types[name], defaults.get(name, msgspec.NODEFAULT))
        for name in names
    ]
    # A keyword-only parameter without a default may follow one with a default; fields may not.
    ordered = sorted(fields, key=lambda field: field[2] is not msgspec.NODEFAULT)
    if ordered != fields:
        message = f"{operation}: parameters without a default come first in an operation"
        raise TypeError(message)
    return msgspec.defstruct(operation, fields, forbid_unknown_fields=True)


def stand_in(
    api: type[T], perform: Callable[[Operation, msgspec.Struct], object], **body: object
) -> T:
    """An object with the operations of `api`, each of which calls `perform`.

    Args:
        api: the Protocol.
        perform: takes the operation and its arguments, returns what the call returns.
        body: further attributes of the object's class.
    """

    def method(op: Operation) -> Callable[..., object]:
        @wraps(getattr(api, op.name))
        def call(_: object, *args: object, **kwargs: object) -> object:
            if len(args) > op.positional:
                message = f"{op.name}() takes {op.positional} positional arguments: {len(args)}"
                raise TypeError(message)
            return perform(op, op.arguments(*args, **kwargs))

        return call

    body |= {op.name: method(op) for op in operations(api)}
    return cast("T", type(api.__name__, (api,), body)())
