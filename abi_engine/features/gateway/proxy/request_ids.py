"""Ids of requests: UUIDv7, so that they sort by time. Clock and randomness are given.

The ids of one millisecond begin alike and differ in 48 random bits.
"""

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
        self._moment = -1
        self._beginning = ""  # of the ids of that moment, in milliseconds

    def next(self) -> str:
        """A new id in the form of RFC 9562, 36 characters."""
        moment = int(self._time() * 1000)
        if moment != self._moment:
            self._moment = moment
            text = f"{moment:012x}{self._bits(24):06x}"
            self._beginning = f"{text[:8]}-{text[8:12]}-7{text[12:15]}-8{text[15:]}-"
        return self._beginning + self._bits(48).to_bytes(6, "big").hex()
