"""Settings of the ticker."""

from __future__ import annotations

import msgspec


class TickerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number."""

    first: int = 0
