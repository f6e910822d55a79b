"""The engine's own sections of the configuration, and how settings are walked by key."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from abi_engine.toml_lines import Key

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
LogLevel = Literal["debug", "info", "warning", "error"]


class EngineSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[engine]`. Times are seconds, sizes bytes.

    Attributes:
        log_level: what the log keeps.
        stop_timeout: how long a stop may take.
        lock_timeout: how long to wait for a data directory that another process holds.
        history: for how long reports are kept, one a second.
        history_size: how much memory they may take; the oldest are thinned first.
    """

    log_level: LogLevel = "info"
    stop_timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    lock_timeout: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 10.0
    history: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 900
    history_size: Annotated[int, msgspec.Meta(ge=1 << 10, le=1 << 30)] = 16 << 20


class ServiceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[service]`: what a served engine offers beside its features.

    Attributes:
        admin: whether health and metrics are served over HTTP.
        admin_host, admin_port: where; port 0 takes a free one.
        token_file: holds the token that metrics ask for; empty means `admin.token` in the data
            directory, made at the first start.
    """

    admin: bool = True
    admin_host: str = "127.0.0.1"
    admin_port: Port = 9090
    token_file: str = ""


class FieldType(NamedTuple):
    """What a key leads to: a type, or the word that leads nowhere and what is known there."""

    type: Any
    word: str | int = ""
    known: tuple[str, ...] = ()


def field_type(kind: Any, key: Key) -> FieldType:
    """The type of the setting `key` within `kind`, through structs, dicts and sequences."""
    known: tuple[str, ...] = ()
    for word in key:
        kind = _bare(kind)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
            known = tuple(fields)
            if word not in fields:
                return FieldType(None, word, known)
            kind = fields[str(word)]
        elif get_origin(kind) in (dict, tuple, list):
            parts = get_args(kind)
            kind = parts[1] if get_origin(kind) is dict else parts[0]
        else:
            return FieldType(None, word, known)
    return FieldType(kind, "", known)


def choices(kind: Any) -> Iterator[str]:
    """The words that a value of a type may be, where they are few; none otherwise."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from choices(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for part in get_args(kind):
            yield from choices(part)
    elif origin is Literal:
        yield from map(str, get_args(kind))
    elif kind is bool:
        yield from ("true", "false")
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from (str(one.value) for one in kind)


def _bare(kind: Any) -> Any:
    """Without `Annotated` and without `None`."""
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return kind


def leaves(value: msgspec.Struct, key: Key) -> Iterator[tuple[Key, object]]:
    """(key, plain value) of every setting under a struct; a list is one setting."""
    for field in msgspec.structs.fields(value):
        inner = getattr(value, field.name)
        if isinstance(inner, msgspec.Struct):
            yield from leaves(inner, (*key, field.name))
        else:
            # The same whether it is read here or through a socket: lists, never tuples.
            yield (*key, field.name), msgspec.msgpack.decode(msgspec.msgpack.encode(inner))
