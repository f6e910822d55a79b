"""What may be the name of a header, a method or a protocol (RFC 9110). Refuses everything else."""

from __future__ import annotations

from typing import Final

_TOKEN: Final = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)


def is_token(text: str) -> bool:
    """Whether a text may be such a name."""
    return bool(text) and _TOKEN.issuperset(text)
