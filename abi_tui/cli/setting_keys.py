"""Keys of settings as people type them: `gateway.routes[0].limit.rate`.

Refuses a key that is none, with what is wrong with it.
"""

from __future__ import annotations

import re

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.text import safe
from abi_engine.toml_lines import Key

_WORD = re.compile(r'\.?(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|\[(\d{1,6})\])')


def parse(text: str) -> Key:
    """The words of a key; an index is a number. Words with other letters stand in double quotes.

    Raises:
        InvalidArguments: it is no key.
    """
    words: list[str | int] = []
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None or (at > 0 and text[at] not in ".[") or (at == 0 and text[at] in ".["):
            raise InvalidArguments(
                f"'{safe(text)}' is no key of a setting",
                hint="keys look like gateway.port or gateway.routes[0].limit.rate",
            )
        word, quoted, index = found.groups()
        if index is not None:
            words.append(int(index))
        else:
            words.append(word if word is not None else quoted.replace('\\"', '"'))
        at = found.end()
    if not words:
        raise InvalidArguments("a key is missing", hint="such as gateway.port")
    return tuple(words)
