"""The report of a demo as people read it: parts, each a detail or a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import RoutePage
from abi_tui.demo.report import Check, DemoReport
from abi_tui.views import numbers
from abi_tui.views.detail import Detail, Line, line
from abi_tui.views.gateway import routes_table
from abi_tui.views.table import Cell, Column, Table, Tone

UPSTREAMS = (
    Column("name", "upstream"),
    Column("upstream", "address"),
    Column("forwarded_total", "gateway sent", right=True),
    Column("received_total", "it read", right=True),
    Column("replied_total", "it answered", right=True),
    Column("answered_total", "gateway got", right=True),
    Column("trips_total", "trips", right=True),
)
TRANSITIONS = (
    Column("at", "time UTC"),
    Column("message", "what"),
)
CHECKS = (
    Column("ok", "check"),
    Column("name", "who counted what"),
    Column("expected", "the one", right=True),
    Column("found", "the other", right=True),
)


class Part(NamedTuple):
    """A part of the report with its heading."""

    title: str
    view: Table | Detail


def parts(report: DemoReport) -> tuple[Part, ...]:
    """The whole, from top to bottom."""
    routes = RoutePage(len(report.routes), len(report.routes), report.routes)
    return (
        Part("totals", totals(report)),
        Part("routes", routes_table(routes)),
        Part("breakers", _transitions(report)),
        Part("upstreams", _upstreams(report)),
        Part("checks", _checks(report)),
    )


def totals(report: DemoReport) -> Detail:
    """The figures of the whole run."""
    return Detail("demo.totals", "demo", tuple(_totals(report)), "abi demo --headless --json")


def _totals(report: DemoReport) -> Iterator[Line]:
    count, latency = numbers.count, report.latency
    yield line("ran", f"{numbers.decimal(report.duration_s)} s")
    total, rate = count(report.requests_total), numbers.rate(report.rate_per_s)
    yield line("requests", f"{total}, {rate} req/s")
    answers = (f"{count(number)} × {status}" for status, number in report.answers_total.items())
    yield line("answers", ", ".join(answers))
    for reason, number in report.unanswered_total.items():
        yield line("no answer", f"{count(number)} {safe(reason, limit=100)}", Tone.BAD)
    if report.skipped_total:
        yield line("not sent", f"{count(report.skipped_total)}: too late or too many", Tone.WARN)
    p50, p99 = numbers.milliseconds(latency.p50_ms), numbers.milliseconds(latency.p99_ms)
    yield line("latency ms", f"p50 {p50}  p99 {p99}")
    yield line("limited", count(report.limited_total))
    yield line("retries", count(report.retries_total))
    traffic, engine = report.traffic_cpu_percent, report.engine_cpu_percent
    yield line("processor", f"engine {engine:.0f} %, upstreams and traffic {traffic:.0f} %")
    yield line("memory", f"engine {numbers.size(report.engine_memory_bytes)}")


def _transitions(report: DemoReport) -> Table:
    rows = report.transitions
    return Table(
        "demo.transitions",
        TRANSITIONS,
        tuple(
            (Cell(numbers.clock(row.at), Tone.DIM), Cell(safe(row.message, limit=200)))
            for row in rows
        ),
        tuple(str(number) for number in range(len(rows))),
        len(rows),
        "no breaker changed its state: the first failure comes after 5 s",
    )


def _upstreams(report: DemoReport) -> Table:
    rows = report.upstreams
    return Table(
        "demo.upstreams",
        UPSTREAMS,
        tuple(
            (
                Cell(row.name),
                Cell(safe(row.upstream)),
                Cell(numbers.count(row.forwarded_total)),
                Cell(numbers.count(row.received_total)),
                Cell(numbers.count(row.replied_total)),
                Cell(numbers.count(row.answered_total)),
                Cell(numbers.count(row.trips_total)),
            )
            for row in rows
        ),
        tuple(row.upstream for row in rows),
        len(rows),
    )


def _checks(report: DemoReport) -> Table:
    rows = report.checks
    cells = tuple(_check(check) for check in rows)
    return Table("demo.checks", CHECKS, cells, tuple(row.name for row in rows), len(rows))


def _check(check: Check) -> tuple[Cell, ...]:
    verdict = Cell("● agree", Tone.OK) if check.ok else Cell("○ DIFFER", Tone.BAD)
    expected, found = numbers.count(check.expected), numbers.count(check.found)
    return verdict, Cell(check.name), Cell(expected), Cell(found)
