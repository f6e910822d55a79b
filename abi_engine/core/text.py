r"""Makes text from outside safe to show. Refuses to guess: what it changes stays readable.

Control characters (C0, DEL, C1), escape sequences, bidirectional overrides, invisible marks and
broken surrogates become escapes such as `\x1b` and `\u202e`, so a hostile topic, header or path
can neither drive a terminal nor reorder a line.
"""

from __future__ import annotations

_HIDDEN = (
    *range(0x20),  # C0
    *range(0x7F, 0xA0),  # DEL and C1
    0x00AD,  # soft hyphen
    0x061C,  # Arabic letter mark
    0x180E,  # Mongolian vowel separator
    *range(0x200B, 0x2010),  # zero-width characters and direction marks
    *range(0x2028, 0x202F),  # line and paragraph separators, embeddings and overrides
    *range(0x2060, 0x2070),  # joiners, invisible operators, isolates
    *range(0xD800, 0xE000),  # lone surrogates
    0xFEFF,  # byte order mark
    *range(0xFFF9, 0xFFFC),  # interlinear annotation
    *range(0xE0000, 0xE0080),  # tags
)


def _escape(code: int) -> str:
    if code == 0x0A:
        return "\\n"
    if code == 0x0D:
        return "\\r"
    if code == 0x09:
        return "\\t"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_ESCAPES = {code: _escape(code) for code in _HIDDEN}
_ESCAPES_BUT_NEWLINE = {code: text for code, text in _ESCAPES.items() if code != 0x0A}


def safe(text: str, *, limit: int | None = None, newlines: bool = False) -> str:
    """`text` with everything that could act instead of being read made visible.

    Args:
        text: anything.
        limit: at most this many characters come back; the last is `…` when some were cut.
        newlines: keep line feeds, for text that is shown on several lines.
    """
    if limit is not None and len(text) > limit:
        text = text[:limit]
        cut = True
    else:
        cut = False
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_ESCAPES_BUT_NEWLINE if newlines else _ESCAPES)
    if limit is not None and (cut or len(text) > limit):
        return text[: max(limit - 1, 0)] + "…"[:limit]
    return text
