"""How much evidence a test gathers: a sample on every run, the full figures in a soak."""

from __future__ import annotations

import os

CI_EXAMPLES = 300
SOAK_EXAMPLES = 10_000


def soaking() -> bool:
    """Whether the full figures were asked for (`ABI_SOAK=1`)."""
    return os.environ.get("ABI_SOAK", "") not in ("", "0")


def scaled(ci: int, soak: int) -> int:
    """`soak` in a soak, else `ci`."""
    return soak if soaking() else ci
