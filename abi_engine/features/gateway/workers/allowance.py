"""A limit that several processes share, as one of them spends it.

Answers at once, from what it was told last; says afterwards what it let through. Pure; refuses to
be ahead of the owner of the limit by more than its lease of each key.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.workers.terms import OTHERS, Terms, lease
from abi_engine.runtime.limiter import LimitSettings, RateDecision
from abi_engine.runtime.limits.keys import Keys

SOON: Final = 0.01
"""Seconds after which a client may ask again where only the answer of the owner is missing."""


class Share:
    """What is known of one key."""

    __slots__ = ("first", "flying", "free", "opens_at", "reported", "spent", "whole_at")

    def __init__(self, free: int) -> None:
        self.free = free
        self.spent = 0  # let through, and not reported yet
        self.flying = 0  # reported, and not answered yet
        self.reported = True  # an answer is there, and no report is due
        self.opens_at = 0.0
        self.first = 0
        self.whole_at = inf  # until something is known of it

    def is_settled(self) -> bool:
        """Whether nothing is on the way."""
        return self.reported and not self.spent and not self.flying


class Allowance:
    """See `Limiter`. Of one thread.

    Args:
        settings: the limit.
        workers: how many processes share it.
        clock: the owner's, or one that reads the same.
        report: called when something is to be reported; `urgent` where the next request of a key
            may have to wait for the answer.
        max_keys: how many keys are remembered.
    """

    def __init__(
        self,
        settings: LimitSettings,
        workers: int,
        clock: Clock,
        report: Callable[[bool], None],
        max_keys: int = 100_000,
    ) -> None:
        self._lease = lease(settings, workers)
        self._monotonic = clock.monotonic
        self._report = report
        self._keys: Keys[Share] = Keys(max_keys, self._is_spent)
        self._shares = self._keys.entries
        self._due: dict[str | None, Share] = {}

    def check(self, key: str) -> RateDecision:
        """Spend one request of `key`, if one is free."""
        place: str | None = key
        share = self._shares.get(key)
        if share is None:
            place = self._keys.learn(key, Share(self._lease))
            share = self._shares[place]
        now = self._monotonic()
        self._look_up(share, now)
        if share.free > 0:
            share.free -= 1
            share.spent += 1
            self._put_down(place, share, urgent=share.free < share.spent)
            return RateDecision(True, share.free, 0.0 if share.free else self._wait(share, now))
        if now >= share.opens_at and share.is_settled():
            self._put_down(place, share, urgent=True)
        return RateDecision(False, 0, self._wait(share, now))

    def peek(self, key: str) -> RateDecision:
        """What `check` would say, spending nothing."""
        share = self._shares.get(key) or self._shares.get(self._keys.place(key))
        if share is None:
            share = Share(self._lease)
        now = self._monotonic()
        self._look_up(share, now)
        if share.free > 1:
            return RateDecision(True, share.free - 1, 0.0)
        return RateDecision(share.free == 1, 0, self._wait(share, now))

    def keys(self) -> int:
        """How many keys are remembered."""
        return len(self._keys)

    def reports(self) -> list[tuple[str, int]]:
        """What is to be reported: keys, and how many requests each was let through since."""
        due, self._due = self._due, {}
        found = []
        for place, share in due.items():
            found.append((OTHERS if place is None else place, share.spent))
            share.flying += share.spent
            share.spent = 0
        return found

    def answered(self, key: str, spent: int, terms: Terms) -> None:
        """The owner has counted a report of `spent`, and this is how it stands."""
        share = self._shares.get(None if key == OTHERS else key)
        if share is None:
            return  # a process that was started anew does not know what it said before
        share.flying = max(share.flying - spent, 0)
        share.reported = not share.spent
        self._take(share, terms, most=self._lease)

    def told(self, key: str, terms: Terms) -> None:
        """Others have spent much of a key."""
        place = None if key == OTHERS else key
        share = self._shares.get(place)
        if share is None:
            share = Share(self._lease)
            if place is None or self._keys.learn(key, share) is not key:
                return  # whoever has no place here has none there either
        self._take(share, terms, most=share.free)

    def _take(self, share: Share, terms: Terms, most: int) -> None:
        """Go by new terms. What is on the way is a part of what is free by them, but for one: a
        client that sends one request after the other is not refused for an answer that is late.
        """
        ahead = share.spent + share.flying
        free = max(terms.free - ahead, min(terms.free, 1))
        share.free = max(min(free, self._lease - ahead, most), 0)
        share.opens_at, share.first, share.whole_at = terms.opens_at, terms.first, terms.whole_at

    def _look_up(self, share: Share, now: float) -> None:
        """Note what time alone has changed."""
        if not share.is_settled():
            return
        if now >= share.whole_at:
            share.free, share.opens_at, share.whole_at = self._lease, 0.0, inf
        elif not share.free and share.first and now >= share.opens_at:
            share.free, share.first = 1, 0

    def _put_down(self, place: str | None, share: Share, *, urgent: bool) -> None:
        share.reported = False
        if place not in self._due:
            self._due[place] = share
            self._report(urgent)
        elif urgent:
            self._report(True)

    def _wait(self, share: Share, now: float) -> float:
        return max(share.opens_at - now, SOON)

    def _is_spent(self, share: Share) -> bool:
        return share.whole_at <= self._monotonic() and share.is_settled()
