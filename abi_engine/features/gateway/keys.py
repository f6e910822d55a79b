"""The API keys that the gateway knows, by their digests alone.

A key is found by its SHA-256: what the time of a look-up tells is of the digest of a guess, from
which no better guess follows. Refuses to hold, show or log a key.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.core.errors import InvalidArguments, InvalidConfig, Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import (
    ApiKeyStats,
    KeyExists,
    KeyOrigin,
    NewApiKey,
    Route,
)
from abi_engine.features.gateway.config import ApiKey
from abi_engine.features.gateway.key_file import KeyFile, StoredKey

KEY_PREFIX: Final = "abi_"
KEY_BYTES: Final = 32
KEY_SIZE_MAX: Final = 512
NAME_SIZE_MAX: Final = 64
_NAME: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class KnownKey:
    """A key at work. Thread-safe."""

    __slots__ = ("_clock", "_lock", "_used_at", "created_at", "enabled", "name", "origin", "used")

    def __init__(
        self,
        name: str,
        origin: KeyOrigin,
        clock: Clock,
        *,
        enabled: bool = True,
        created_at: datetime | None = None,
    ) -> None:
        self.name = name
        self.origin = origin
        self.enabled = enabled
        self.created_at = created_at
        self.used = 0
        """How many requests it opened a route for."""
        self._used_at = 0.0
        self._clock = clock
        self._lock = Lock()

    def count(self) -> None:
        """It opened a route for one request."""
        now = self._clock.time()
        with self._lock:
            self.used += 1
            self._used_at = now

    def count_elsewhere(self, requests: int, at: float) -> None:
        """It opened a route for requests in another process; the last one at `at`."""
        with self._lock:
            self.used += requests
            self._used_at = max(self._used_at, at)

    def stats(self) -> ApiKeyStats:
        """What there is to tell of it."""
        with self._lock:
            used, used_at = self.used, self._used_at
        return ApiKeyStats(
            name=self.name,
            origin=self.origin,
            enabled=self.enabled,
            created_at=self.created_at,
            last_used_at=datetime.fromtimestamp(used_at, UTC) if used else None,
            requests_total=used,
        )


class KeyRing:
    """The keys. Thread-safe; a look-up takes no lock, and sees every change as a whole.

    Args:
        clock: time.
        events: where changes are told, by name.
        file: where keys made at run time last; None for an engine that lives in memory.
        random: gives so many bytes that nobody can guess.
    """

    def __init__(
        self,
        clock: Clock,
        events: EventLog,
        file: KeyFile | None,
        random: Callable[[int], bytes],
    ) -> None:
        self._clock = clock
        self._events = events
        self._file = file
        self._random = random
        self._changes = Lock()
        self._stored: dict[str, StoredKey] = {}
        self._by_digest: dict[bytes, KnownKey] = {}

    def load(self, configured: tuple[ApiKey, ...]) -> None:
        """Take the keys of the configuration, and those of the file.

        Raises:
            InvalidConfig: two keys have one name, or one digest.
            DataDirectoryError: the file cannot be read.
        """
        check_distinct(configured)
        with self._changes:
            stored = self._file.read() if self._file is not None else ()
            self._stored = {key.name: key for key in stored}
            self._arrange(configured)

    def configure(self, configured: tuple[ApiKey, ...]) -> None:
        """Replace the keys of the configuration; those made at run time stay.

        Raises:
            InvalidConfig: two keys have one name, or one digest; nothing has changed then.
        """
        check_distinct(configured)
        with self._changes:
            self._arrange(configured)

    def find(self, secret: str) -> KnownKey | None:
        """The key that a client sent, if it is known. `secret` is Latin-1 text of any length."""
        if len(secret) > KEY_SIZE_MAX:
            return None
        return self._by_digest.get(sha256(secret.encode("latin-1", "replace")).digest())

    def all(self) -> tuple[KnownKey, ...]:
        """Every key, by name."""
        return tuple(sorted(self._by_digest.values(), key=lambda key: key.name))

    def digests(self) -> tuple[ApiKey, ...]:
        """Every key, as another process must know it."""
        known = self._by_digest
        return tuple(
            ApiKey(name=key.name, sha256=digest.hex(), enabled=key.enabled)
            for digest, key in known.items()
        )

    def names(self) -> frozenset[str]:
        """The names of all keys."""
        return frozenset(key.name for key in self._by_digest.values())

    def expect(self, route: Route) -> None:
        """Say in an event which keys a route names that are not there: they may come later."""
        names = () if route.auth is None else route.auth.keys
        missing = sorted(set(names) - self.names())
        if missing:
            shown = safe(route.path)
            self._events.add(
                "gateway",
                "key_missing",
                f"{shown}: no API key is called {', '.join(missing)}",
                subject=shown,
                severity=Severity.WARNING,
                hint="abi gateway keys add",
            )

    def add(self, name: str) -> NewApiKey:
        """See `GatewayApi.add_api_key`."""
        check_name(name)
        body = urlsafe_b64encode(self._random(KEY_BYTES)).rstrip(b"=").decode()
        new = NewApiKey(name, KEY_PREFIX + body)
        digest = sha256(new.key.encode())
        made = datetime.fromtimestamp(self._clock.time(), UTC).replace(microsecond=0)
        with self._changes:
            if name in self._stored or name in self.names():
                raise KeyExists(
                    f"an API key '{name}' is there already",
                    hint="remove it first, or choose another",
                )
            stored = StoredKey(name=name, sha256=digest.hexdigest(), created_at=made)
            self._save({**self._stored, name: stored})
            self._by_digest = {**self._by_digest, digest.digest(): self._of_file(stored)}
        self._tell("key_added", name, "added")
        return new

    def remove(self, name: str) -> bool:
        """See `GatewayApi.remove_api_key`."""
        with self._changes:
            if name in self._stored:
                self._save({key: value for key, value in self._stored.items() if key != name})
            elif name not in self.names():
                return False
            left = {digest: key for digest, key in self._by_digest.items() if key.name != name}
            self._by_digest = left
        self._tell("key_removed", name, "removed")
        return True

    def _arrange(self, configured: tuple[ApiKey, ...]) -> None:
        """Put everything in place by one store; a key that stays keeps what was counted."""
        before = self._by_digest
        found: dict[bytes, KnownKey] = {}
        for key in configured:
            digest = bytes.fromhex(key.sha256)
            known = before.get(digest)
            if known is None or known.name != key.name or known.origin is not KeyOrigin.CONFIG:
                known = KnownKey(key.name, KeyOrigin.CONFIG, self._clock)
            known.enabled = key.enabled
            found[digest] = known
        names = {key.name for key in configured}
        for stored in self._stored.values():
            digest = bytes.fromhex(stored.sha256)
            if stored.name in names or digest in found:
                self._tell_shadowed(stored.name)
                continue
            known = before.get(digest)
            kept = known is not None and known.origin is KeyOrigin.RUNTIME
            found[digest] = known if known is not None and kept else self._of_file(stored)
        self._by_digest = found

    def _of_file(self, stored: StoredKey) -> KnownKey:
        return KnownKey(
            stored.name,
            KeyOrigin.RUNTIME,
            self._clock,
            enabled=stored.enabled,
            created_at=stored.created_at,
        )

    def _save(self, stored: dict[str, StoredKey]) -> None:
        """Replace what lasts: on disk, or not at all."""
        if self._file is not None:
            self._file.write(stored.values())
        self._stored = stored

    def _tell(self, kind: str, name: str, done: str) -> None:
        shown = safe(name)
        self._events.add("gateway", kind, f"API key {shown} {done}", subject=shown)

    def _tell_shadowed(self, name: str) -> None:
        self._events.add(
            "gateway",
            "key_shadowed",
            f"API key {name} of keys.toml waits: the configuration has that key",
            subject=name,
            severity=Severity.WARNING,
        )


def check_name(name: object) -> None:
    """Refuse what no key may be called.

    Raises:
        InvalidArguments: with the value.
    """
    if not isinstance(name, str) or not is_name(name):
        shown = safe(repr(name), limit=100)
        raise InvalidArguments(
            f"name = {shown}: expected up to {NAME_SIZE_MAX} letters, digits, '.', '_' and '-'"
        )


def is_name(name: str) -> bool:
    """Whether a key may be called so."""
    return 0 < len(name) <= NAME_SIZE_MAX and _NAME.issuperset(name)


def check_distinct(keys: tuple[ApiKey, ...]) -> None:
    """See that names and digests tell the keys of a configuration apart.

    Raises:
        InvalidConfig: two keys have one name, or one digest.
    """
    names: set[str] = set()
    digests: set[str] = set()
    for number, key in enumerate(keys):
        same = "name" if key.name in names else "sha256" if key.sha256 in digests else ""
        if same:
            message = f"gateway.keys[{number}]: another key has the {same} of '{safe(key.name)}'"
            raise InvalidConfig(message, hint="each key has a name and a digest of its own")
        names.add(key.name)
        digests.add(key.sha256)
