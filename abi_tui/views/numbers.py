"""Numbers, times and sizes as people read them. Refuses to round what is there down to nothing."""

from __future__ import annotations

from datetime import UTC, datetime

NONE = "–"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def count(number: int) -> str:
    """A whole number in groups of three: `1 117`."""
    return f"{number:,}".replace(",", " ")


def decimal(number: float, digits: int = 1) -> str:
    """A number with some digits after the point, in groups of three before it: `1 117.5`."""
    return f"{number:,.{digits}f}".replace(",", " ")


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 breaker`, `2 breakers`."""
    return f"{count(number)} {noun if number == 1 else plural or noun + 's'}"


def rate(per_second: float) -> str:
    """A rate: whole from 10 on, with a digit below, `<0.1` where there is hardly any."""
    if 0 < per_second < 0.05:
        return "<0.1"
    if 0 < per_second < 9.95:
        return decimal(per_second)
    return count(round(per_second))


def milliseconds(value: float | None) -> str:
    """A latency: two digits after the point below 0.1, one below 100, then none."""
    if value is None:
        return NONE
    if 0 < value < 0.1:
        return decimal(value, 2) if value >= 0.005 else "<0.01"
    return decimal(value) if value < 99.95 else count(round(value))


def percent(share: float) -> str:
    """A share with one digit after the point; `<0.1` where there is hardly any."""
    return "<0.1" if 0 < share < 0.05 else decimal(share)


def duration(seconds: float) -> str:
    """How long something has been up: `0:12:41`, `3 d 0:12:41`."""
    whole = max(int(seconds), 0)
    days, rest = divmod(whole, _DAY)
    clock_text = f"{rest // _HOUR}:{rest % _HOUR // _MINUTE:02}:{rest % _MINUTE:02}"
    return f"{count(days)} d {clock_text}" if days else clock_text


def span(seconds: float) -> str:
    """A length of time in its own unit: `1.2 s`, `41 s`, `12 min`, `3 h`, `2 d`."""
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{decimal(seconds)} s"
    for limit, unit, size in ((120, "s", 1), (7200, "min", _MINUTE), (172_800, "h", _HOUR)):
        if seconds < limit:
            return f"{count(int(seconds // size))} {unit}"
    return f"{count(int(seconds // _DAY))} d"


def setting(value: float) -> str:
    """A number somebody set: without a point where it is whole."""
    return count(int(value)) if float(value).is_integer() else f"{value:g}"


def size(size_bytes: float) -> str:
    """A size: `512 B`, `12.1 MiB`."""
    if abs(size_bytes) < 1024:
        return f"{count(round(size_bytes))} B"
    value, unit = size_bytes / 1024, _SIZES[0]
    for unit in _SIZES:
        if abs(value) < 1023.95 or unit == _SIZES[-1]:
            break
        value /= 1024
    return f"{decimal(value)} {unit}"


def clock(at: datetime) -> str:
    """The time of day, UTC: `12:04:11`."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def age(at: datetime | None, now: datetime) -> str:
    """How long ago: `2.0 s ago`; `never` where it did not happen."""
    return "never" if at is None else f"{span((now - at).total_seconds())} ago"


def bar(share: float, width: int) -> str:
    """A bar for `share` per cent of `width` columns, in eighths of one; never nothing for some."""
    eighths = round(min(max(share, 0.0), 100.0) / 100 * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, part = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[part] if part else "")
