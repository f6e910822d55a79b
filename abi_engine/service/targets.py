"""What a frame may call: the operations of an engine, read once from their Protocols.

Refuses every name that is not an operation; Python-only methods stay in Python.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from abi_engine.core.errors import InvalidArguments, NotFound
from abi_engine.core.operation import Operation, operations
from abi_engine.core.text import safe
from abi_engine.system import SystemApi

if TYPE_CHECKING:
    from abi_engine.engine import Engine

SYSTEM = "system"


class Target(NamedTuple):
    """One operation of one feature, and how its arguments are read."""

    feature: str
    op: Operation
    decoder: msgspec.msgpack.Decoder[msgspec.Struct]

    @property
    def name(self) -> str:
        """`feature.operation`."""
        return f"{self.feature}.{self.op.name}"

    def arguments(self, encoded: bytes | memoryview | msgspec.Raw) -> dict[str, Any]:
        """The arguments by name.

        Raises:
            InvalidArguments: one is missing, unknown, of the wrong type or out of range.
        """
        try:
            return msgspec.structs.asdict(self.decoder.decode(encoded))
        except msgspec.ValidationError as error:
            raise self._invalid(str(error)) from error
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InvalidArguments(f"{self.name}: arguments cannot be read: {error}") from error

    def _invalid(self, sentence: str) -> InvalidArguments:
        """`Expected …, got … - at `$.key`` as a message that begins with the argument."""
        what, _, path = sentence.partition(" - at `$")
        argument = path.removeprefix(".").rstrip("`")
        place = f"{argument}: " if argument else ""
        message = safe(f"{self.name}: {place}{what[:1].lower()}{what[1:]}", limit=500)
        return InvalidArguments(message, argument=safe(argument, limit=100))


class Targets:
    """The operations of `engine`. Thread-safe.

    Args:
        engine: whose.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, dict[str, Target]] = {}

    def find(self, feature: str, operation: str) -> Target:
        """The operation of that name.

        Raises:
            FeaturePlanned: the feature is not built.
            NotFound: nothing of that name can be called from another process.
        """
        known = self._known.get(feature)
        if known is None:
            known = self._known[feature] = {t.op.name: t for t in self._read(feature, operation)}
        target = known.get(operation)
        if target is None:
            raise _nothing(feature, operation)
        return target

    def perform(self, target: Target, arguments: dict[str, Any]) -> Any:
        """Call it; a feature that is off, or was not touched yet, is found as it is now."""
        return getattr(getattr(self._engine, target.feature), target.op.name)(**arguments)

    def _read(self, feature: str, operation: str) -> Iterator[Target]:
        if feature == SYSTEM:
            api: type[Any] = SystemApi
        else:
            row = self._engine.catalogue.get(feature)
            if row is None:
                raise _nothing(feature, operation)
            if not row.built:
                getattr(getattr(self._engine, feature), operation)
                raise _nothing(feature, operation)
            api = row.api
        for op in operations(api):
            yield Target(feature, op, msgspec.msgpack.Decoder(op.arguments))


def _nothing(feature: str, operation: str) -> NotFound:
    name = safe(f"{feature}.{operation}", limit=200)
    return NotFound(
        f"no operation named '{name}' can be called from another process",
        hint="is the client of the same version as the engine?",
    )
