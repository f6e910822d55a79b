"""The overview: five tiles with two facts each, and what a trace of each draws. Pure."""

from __future__ import annotations

from typing import NamedTuple

from abi_engine.features.gateway.api import GatewayReport, GatewayStats
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

NAME = "engine.overview"
COLUMNS = (Column("figure", "figure"), Column("now", "now", right=True), Column("also", "also"))
WARN_PERCENT = 1.0
BAD_PERCENT = 5.0


class Tile(NamedTuple):
    """One figure at a glance.

    Attributes:
        title: its name, stable and for people.
        now, also: two facts, the first the larger one.
        now_short, also_short: the same where there is little room; empty means there is no other.
        value: what the trace draws; None where nothing was measured.
        unit: of the value, which may be empty; None where there is nothing to draw.
        least, most: where the scale of the trace starts, and what it never exceeds.
    """

    title: str
    now: Cell
    also: Cell
    now_short: str = ""
    also_short: str = ""
    value: float | None = None
    unit: str | None = None
    least: float = 10.0
    most: float | None = None


TITLES = ("requests", "p99", "errors", "limited", "breakers")


def tiles(gateway: GatewayReport | None) -> tuple[Tile, ...]:
    """The five tiles, in their places; `gateway` is None where it does not run."""
    if gateway is None:
        none, off = Cell(numbers.NONE, Tone.DIM), Cell("gateway off", Tone.DIM)
        return tuple(Tile(title, none, off, also_short="off") for title in TITLES)
    stats = gateway.stats
    return (_requests(stats), _p99(stats), _errors(stats), _limited(stats), _breakers(stats))


def unknown() -> tuple[Tile, ...]:
    """The tiles while nothing is known."""
    none = Cell(numbers.NONE, Tone.DIM)
    return tuple(Tile(title, none, Cell("", Tone.DIM)) for title in TITLES)


def values(found: tuple[Tile, ...]) -> tuple[float | None, ...]:
    """What the traces of the tiles draw, in their order."""
    return tuple(tile.value for tile in found)


def overview_table(gateway: GatewayReport | None) -> Table:
    """The tiles as rows."""
    rows = tuple((Cell(tile.title), tile.now, tile.also) for tile in tiles(gateway))
    return Table(NAME, COLUMNS, rows, TITLES, len(rows))


def _requests(stats: GatewayStats) -> Tile:
    traffic = stats.traffic
    busy = numbers.count(traffic.in_flight)
    return Tile(
        "requests",
        Cell(f"{numbers.rate(traffic.rate_per_s)} /s", Tone.STRONG),
        Cell(f"{busy} in flight", Tone.DIM),
        also_short=f"{busy} busy",
        value=traffic.rate_per_s,
        unit="/s",
    )


def _p99(stats: GatewayStats) -> Tile:
    latency = stats.traffic.latency
    return Tile(
        "p99",
        Cell(_milliseconds(latency.p99_ms), Tone.STRONG),
        Cell(f"p50 {_milliseconds(latency.p50_ms)}", Tone.DIM),
        also_short=f"p50 {numbers.milliseconds(latency.p50_ms)}",
        value=latency.p99_ms,
        unit="ms",
    )


def _errors(stats: GatewayStats) -> Tile:
    traffic = stats.traffic
    share = traffic.error_percent
    tone = Tone.BAD if share >= BAD_PERCENT else Tone.WARN if share >= WARN_PERCENT else Tone.STRONG
    return Tile(
        "errors",
        Cell(f"{numbers.percent(share)} %", tone),
        Cell(f"{numbers.count(traffic.errors_total)} in all", Tone.DIM),
        also_short=numbers.count(traffic.errors_total),
        value=share,
        unit="%",
        most=100.0,
    )


def _limited(stats: GatewayStats) -> Tile:
    traffic = stats.traffic
    return Tile(
        "limited",
        Cell(f"{numbers.rate(traffic.limited_per_s)} /s", Tone.STRONG),
        Cell(f"{numbers.count(traffic.limited_total)} in all", Tone.DIM),
        also_short=numbers.count(traffic.limited_total),
        value=traffic.limited_per_s,
        unit="/s",
    )


def _breakers(stats: GatewayStats) -> Tile:
    opened, half = stats.breakers_open, stats.breakers_half_open
    words = [f"{opened} open"] if opened else []
    words += [f"{half} half"] if half else []
    tone = Tone.BAD if opened else Tone.WARN if half else Tone.STRONG
    return Tile(
        "breakers",
        Cell(" ".join(words) or ("all ok" if stats.upstreams else "none"), tone),
        Cell(
            f"of {stats.upstreams}  {numbers.counted(stats.breaker_trips_total, 'trip')}", Tone.DIM
        ),
        now_short=words[0] if words else "",
        also_short=f"of {stats.upstreams}",
        value=float(opened + half),
        unit="",
        least=float(max(stats.upstreams, 1)),
    )


def _milliseconds(value: float | None) -> str:
    return numbers.NONE if value is None else f"{numbers.milliseconds(value)} ms"
