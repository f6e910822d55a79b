"""Ids of requests: UUIDv7, so that they sort by time. Clock and randomness are given."""

from __future__ import annotations

from random import Random

from abi_engine.core.clock import Clock


class RequestIds:
    """Makes one id after the other.

    Args:
        clock: the first 48 bits are its milliseconds since the epoch.
        random: the rest; ids are names, not secrets.
    """

    def __init__(self, clock: Clock, random: Random) -> None:
        self._time = clock.time
        self._bits = random.getrandbits

    def next(self) -> str:
        """A new id in the form of RFC 9562, 36 characters."""
        text = (int(self._time() * 1000) << 80 | self._bits(80)).to_bytes(16, "big").hex()
        return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-8{text[17:20]}-{text[20:]}"
