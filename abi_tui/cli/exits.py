"""Exit codes, and which error ends in which. Refuses a code that is not in the table below."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What the process tells its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    UNAVAILABLE = 4
    TIMED_OUT = 5
    INTERRUPTED = 130
    READER_LEFT = 141


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed, or the answer is no",
    Exit.USAGE: "the command line or the configuration is wrong",
    Exit.NOT_FOUND: "nothing has that name",
    Exit.UNAVAILABLE: "unavailable: feature off or planned, no device, no engine, no server",
    Exit.TIMED_OUT: "no answer within the time given",
    Exit.INTERRUPTED: "interrupted (Ctrl-C)",
    Exit.READER_LEFT: "the reader of a pipe left before the end",
}

BY_CODE = {
    "abi": Exit.FAILED,
    "address_in_use": Exit.FAILED,
    "already_exists": Exit.FAILED,
    "broken_link": Exit.UNAVAILABLE,
    "connection_lost": Exit.UNAVAILABLE,
    "data_directory": Exit.FAILED,
    "engine_busy": Exit.UNAVAILABLE,
    "engine_not_running": Exit.UNAVAILABLE,
    "engine_state": Exit.FAILED,
    "feature_disabled": Exit.UNAVAILABLE,
    "feature_planned": Exit.UNAVAILABLE,
    "frame_too_large": Exit.FAILED,
    "gateway_not_listening": Exit.UNAVAILABLE,
    "internal": Exit.FAILED,
    "invalid_arguments": Exit.USAGE,
    "invalid_config": Exit.USAGE,
    "invalid_route": Exit.USAGE,
    "key_exists": Exit.FAILED,
    "key_not_found": Exit.NOT_FOUND,
    "not_found": Exit.NOT_FOUND,
    "permission_refused": Exit.FAILED,
    "protocol_mismatch": Exit.UNAVAILABLE,
    "route_exists": Exit.FAILED,
    "route_not_found": Exit.NOT_FOUND,
    "timed_out": Exit.TIMED_OUT,
    "too_many_routes": Exit.FAILED,
    "unavailable": Exit.UNAVAILABLE,
    "upstream_not_found": Exit.NOT_FOUND,
}


def exit_of(code: str) -> Exit:
    """The exit code for an error's `code`; one that is not known here has failed."""
    return BY_CODE.get(code, Exit.FAILED)
