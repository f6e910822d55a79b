"""Every error of the engine: one root, one family, one form on the wire.

    AbiError                       abi
    ├── FeatureDisabled            feature_disabled       the feature is switched off
    │   └── FeaturePlanned         feature_planned        its name is reserved; it is not built
    ├── InvalidArguments           invalid_arguments      a value is wrong or out of range
    ├── InvalidConfig              invalid_config         a setting is wrong, with its place
    ├── NotFound                   not_found              nothing has that name
    ├── AlreadyExists              already_exists         the name is taken
    ├── EngineStateError           engine_state           not possible in the engine's state
    ├── EngineBusy                 engine_busy            another process holds the data directory
    ├── EngineNotRunning           engine_not_running     no engine answers there
    ├── ConnectionLost             connection_lost        the engine went away during a call
    ├── ProtocolMismatch           protocol_mismatch      client and engine speak differently
    ├── PermissionRefused          permission_refused     this user may not
    ├── DataDirectoryError         data_directory         it cannot be created, read or written
    ├── AddressInUse               address_in_use         somebody else listens there
    ├── TimedOut                   timed_out              no answer within the time given
    ├── Unavailable                unavailable            this machine lacks what it takes
    └── InternalError              internal               a defect of ours, wrapped

A feature's own errors live in its `api.py` and derive from one of these. No subclass changes the
constructor, so each crosses the control socket and comes back as the class it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Self

import msgspec

Detail = str | int | float


class Category(StrEnum):
    """Where the trouble lies."""

    MEMORY = "memory"
    GPU = "gpu"
    SIMD = "simd"
    IO = "io"
    CONFIG = "config"
    RUNTIME = "runtime"
    VALIDATION = "validation"
    NETWORK = "network"
    SECURITY = "security"


class Severity(StrEnum):
    """How bad it is: `info` and `warning` leave the work done, the others do not."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class WireError(msgspec.Struct, frozen=True):
    """An error as it travels between processes."""

    code: str
    message: str
    hint: str = ""
    category: Category = Category.RUNTIME
    severity: Severity = Severity.ERROR
    retryable: bool = False
    details: dict[str, Detail] = {}


class AbiError(Exception):
    """Root of the family.

    Args:
        message: what went wrong, with the value it went wrong with.
        hint: the way out, as something the reader can do.
        details: values that a program may act on (`retry_after_s=3.0`).
    """

    code: str = "abi"
    category: Category = Category.RUNTIME
    severity: Severity = Severity.ERROR
    retryable: bool = False

    def __init__(self, message: str, *, hint: str = "", **details: Detail) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def to_wire(self) -> WireError:
        """The same error as a struct."""
        return WireError(
            self.code,
            self.message,
            self.hint,
            self.category,
            self.severity,
            self.retryable,
            self.details,
        )

    @classmethod
    def family(cls) -> Iterator[type[Self]]:
        """This class and every class below it that has been imported."""
        yield cls
        for child in cls.__subclasses__():
            yield from child.family()

    @staticmethod
    def from_wire(wire: WireError) -> AbiError:
        """The same class again; a code that is not known here gives an `AbiError` that keeps it."""
        known = (kind for kind in AbiError.family() if kind.code == wire.code)
        error = next(known, AbiError)(wire.message, hint=wire.hint)
        error.details = wire.details  # not as keywords: a peer may send any names
        error.code = wire.code
        error.category = wire.category
        error.severity = wire.severity
        error.retryable = wire.retryable
        return error


class FeatureDisabled(AbiError):
    """The feature is switched off; `details["flag"]` is the setting that switches it on."""

    code = "feature_disabled"
    category = Category.CONFIG


class FeaturePlanned(FeatureDisabled):
    """The feature's name is reserved, and nothing is built yet."""

    code = "feature_planned"


class InvalidArguments(AbiError):
    """An argument has the wrong type or is out of range."""

    code = "invalid_arguments"
    category = Category.VALIDATION


class InvalidConfig(AbiError):
    """A setting is unknown, has the wrong type or is out of range; the message has its place."""

    code = "invalid_config"
    category = Category.CONFIG


class NotFound(AbiError):
    """Nothing has that name."""

    code = "not_found"
    category = Category.VALIDATION


class AlreadyExists(AbiError):
    """The name is taken."""

    code = "already_exists"
    category = Category.VALIDATION


class EngineStateError(AbiError):
    """The engine is not in a state in which this is possible."""

    code = "engine_state"


class EngineBusy(AbiError):
    """Another process holds the data directory and does not answer; `details["pid"]` is its id."""

    code = "engine_busy"
    retryable = True


class EngineNotRunning(AbiError):
    """No engine answers on the socket."""

    code = "engine_not_running"
    category = Category.NETWORK
    retryable = True


class ConnectionLost(AbiError):
    """The engine went away in the middle of a call; `details["sent"]` tells whether it had all of
    it, and may have carried it out.
    """

    code = "connection_lost"
    category = Category.NETWORK
    retryable = True


class ProtocolMismatch(AbiError):
    """Client and engine do not speak the same protocol."""

    code = "protocol_mismatch"
    category = Category.NETWORK


class PermissionRefused(AbiError):
    """This user may not do that."""

    code = "permission_refused"
    category = Category.SECURITY


class DataDirectoryError(AbiError):
    """The data directory, or a file in it, cannot be created, read or written."""

    code = "data_directory"
    category = Category.IO


class AddressInUse(AbiError):
    """Somebody else listens on the address."""

    code = "address_in_use"
    category = Category.NETWORK


class TimedOut(AbiError):
    """No answer within the time given."""

    code = "timed_out"
    category = Category.NETWORK
    retryable = True


class Unavailable(AbiError):
    """This machine lacks what it takes; the hint names what brings it."""

    code = "unavailable"


class InternalError(AbiError):
    """A defect: the engine raised what no operation may raise."""

    code = "internal"
    severity = Severity.CRITICAL
