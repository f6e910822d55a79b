"""Marks what may not be told: settings of the type `Secret`, and whatever is called like one.

What holds one is told with `<hidden>` in its place, by everybody. Refuses to keep or compare
secrets: it only knows which values are some.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

HIDDEN: Final = "<hidden>"
SECRET: Final = msgspec.Meta(extra={"secret": True})
Secret = Annotated[str, SECRET]

_NAMES: Final = re.compile(
    r"authorization|cookie|password|passphrase|secret|sha256|(^|[_-])(api[_-]?key|token)$",
    re.IGNORECASE,
)


def is_secret(kind: Any) -> bool:
    """Whether a type is marked as a secret."""
    return get_origin(kind) is Annotated and any(
        isinstance(meta, msgspec.Meta) and bool((meta.extra or {}).get("secret"))
        for meta in get_args(kind)[1:]
    )


def is_called_secret(name: str) -> bool:
    """Whether a setting, a header or a variable is called like a secret."""
    return _NAMES.search(name) is not None
