"""The table of suites: those that are built, and names that are reserved. Imports nothing heavy."""

from __future__ import annotations

from typing import Final, NamedTuple

ROUNDS: Final = 9
"""How often each side is measured, unless something else is asked for."""


class Row(NamedTuple):
    """A suite: `module` has its `CASES`; without one it is planned."""

    name: str
    summary: str
    module: str = ""


SUITES: Final = (
    Row("gateway", "routing, limits, breakers, and a hop through the proxy", "gateway"),
    Row("quick", "a little of everything"),
    Row("simd", "vector instructions"),
    Row("memory", "allocators"),
    Row("concurrency", "channels, pools, graphs of tasks"),
    Row("cache", "the cache"),
    Row("messaging", "topics and queues"),
    Row("search", "full-text search"),
    Row("storage", "objects on disk"),
    Row("database", "vectors"),
    Row("network", "membership and channels"),
    Row("crypto", "keys and signatures"),
    Row("ai", "language models"),
    Row("streaming", "bytes in motion"),
    Row("v2", "hash maps and binary formats"),
    Row("competitive", "everything against its rivals"),
    Row("all", "every suite"),
)
