"""One route, one upstream, the gateway as a whole, in lines. Refuses to compute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import (
    GatewayReport,
    GatewayStats,
    LatencyBar,
    Match,
    RouteDetail,
    TestAnswer,
    Traffic,
    UpstreamStats,
)
from abi_engine.runtime.breaker import BreakerReport, BreakerState, Transition
from abi_engine.runtime.limiter import RateDecision
from abi_tui.views import numbers
from abi_tui.views.detail import Detail, Line, command_line, heading, line
from abi_tui.views.gateway import breaker_cell, route_key, route_name, split_route_key
from abi_tui.views.route_settings import route_settings
from abi_tui.views.table import Cell, Tone

SHOWN_UPSTREAMS = 8
BODY_SHOWN = 4096


def route_detail(detail: RouteDetail, now: datetime) -> Detail:
    """A route: its breakers, worst first, its limit, its latencies, its last request."""
    stats = detail.stats
    return Detail(
        "gateway.route",
        route_name(stats.path, stats.methods),
        (
            *(() if stats.enabled else (line("route", "off: answers 503", Tone.WARN),)),
            *_upstreams(detail.upstreams),
            line("limit", safe(stats.limit) or "none"),
            *_queue(detail),
            *route_settings(detail.route),
            *traffic_lines(stats.traffic),
            *_bars(detail.latency_bars),
            line("last hit", numbers.age(stats.traffic.last_hit_at, now)),
        ),
        route_command("show", stats.path, stats.methods, "--json"),
    )


def breaker_detail(upstream: UpstreamStats, now: datetime) -> Detail:
    """An upstream: its breaker, its traffic, its connections."""
    idle, busy = upstream.connections_idle, upstream.connections_busy
    return Detail(
        "gateway.breaker",
        safe(upstream.upstream),
        (
            *breaker_lines(upstream.breaker),
            *health_lines(upstream),
            line("last error", safe(upstream.last_error, limit=200) or "none"),
            *traffic_lines(upstream.traffic),
            line("connections", f"{numbers.count(busy)} busy, {numbers.count(idle)} idle"),
            line("used by", numbers.counted(upstream.routes, "route")),
            line("last hit", numbers.age(upstream.traffic.last_hit_at, now)),
        ),
        command_line("abi", "gateway", "breakers", "show", upstream.upstream, "--json"),
    )


def stats_detail(stats: GatewayStats, now: datetime) -> Detail:
    """The gateway as a whole."""
    return Detail(
        "gateway.stats",
        "gateway",
        (
            *traffic_lines(stats.traffic),
            line("limited", f"{numbers.count(stats.traffic.limited_total)} by a limit"),
            line("refused", f"{numbers.count(stats.refused_total)} for their form"),
            line("left early", numbers.counted(stats.traffic.cancelled_total, "client")),
            line("bodies", _bodies(stats.traffic)),
            line("connections", _connections(stats)),
            line("routes", numbers.count(stats.routes)),
            line("upstreams", numbers.count(stats.upstreams)),
            Line("breakers", breakers_cell(stats)),
            line("trips", numbers.count(stats.breaker_trips_total)),
            line("last hit", numbers.age(stats.traffic.last_hit_at, now)),
        ),
        "abi gateway stats --json",
    )


def match_detail(match: Match, path: str, method: str) -> Detail:
    """The route that a path leads to."""
    params = ", ".join(f"{name} = {value}" for name, value in match.params.items())
    return Detail(
        "gateway.match",
        safe(path),
        (
            line("route", route_name(match.route.path, match.route.methods)),
            line("path", safe(match.path)),
            line("params", safe(params) or "none"),
            line("rest", safe(match.tail) or "none"),
            line("upstreams", safe(", ".join(match.route.upstreams))),
        ),
        command_line("abi", "gateway", "match", path, "--method", method, "--json"),
    )


def answer_detail(answer: TestAnswer, path: str, method: str) -> Detail:
    """The answer to a request that went through the gateway."""
    tone = Tone.BAD if answer.status >= 500 else Tone.WARN if answer.status >= 400 else Tone.OK
    body = safe(answer.body[:BODY_SHOWN].decode("utf-8", "replace"), newlines=True)
    return Detail(
        "gateway.test",
        f"{safe(method)} {safe(path)}",
        (
            line("status", str(answer.status), tone),
            line("took", f"{numbers.milliseconds(answer.duration_ms)} ms"),
            line("route", safe(answer.match) or "none matched"),
            line("upstream", safe(answer.upstream) or "none: the gateway answered"),
            line("request id", safe(answer.request_id)),
            line("body", numbers.size(answer.size_bytes)),
            *(line(f"  {safe(name)}", safe(value)) for name, value in answer.headers),
            *(line("", text) for text in body.splitlines()),
        ),
        command_line("abi", "gateway", "test", path, "--method", method, "--json"),
    )


def decision_detail(decision: RateDecision, path: str, client: str) -> Detail:
    """Whether a limit lets a request of a client pass."""
    allowed = decision.allowed
    return Detail(
        "gateway.check",
        f"{safe(client)} on {safe(path)}",
        (
            line("allowed", "yes" if allowed else "no", Tone.OK if allowed else Tone.WARN),
            line("left", numbers.count(decision.remaining)),
            line("next in", numbers.span(decision.reset_after)),
        ),
        command_line("abi", "gateway", "check", path, client, "--json"),
    )


def breaker_lines(breaker: BreakerReport) -> Iterator[Line]:
    """A breaker: state and time in it, failures, refusals, trials, next try, last change."""
    state = breaker_cell(breaker.state, forced=breaker.forced)
    yield Line("breaker", Cell(f"{state.text} for {numbers.span(breaker.in_state_s)}", state.tone))
    yield line("failures", _failures(breaker))
    yield line("refused", numbers.counted(breaker.refused_total, "call"))
    yield line("trials left", _trials(breaker))
    wait = breaker.next_try_in_s
    yield line("next try in", numbers.NONE if wait is None else numbers.span(wait))
    yield line("last change", transition_text(breaker.last) if breaker.last else "none")


def health_lines(upstream: UpstreamStats) -> Iterator[Line]:
    """What health checks say of an upstream, where there are any, and its addresses."""
    age = upstream.check_age_s
    if upstream.healthy is not None or upstream.check_error:
        words = "well" if upstream.healthy else "not known yet"
        words = "SICK" if upstream.healthy is False else words
        words += f", checked {numbers.span(age)} ago" if age is not None else ""
        words += f": {safe(upstream.check_error, limit=200)}" if upstream.check_error else ""
        yield line("health", words, Tone.BAD if upstream.healthy is False else Tone.OK)
    if upstream.addresses:
        yield line("addresses", safe(", ".join(upstream.addresses), limit=400))


def transition_text(last: Transition) -> str:
    """A change of state and why, safe to show."""
    words = {state: state.value.replace("_", " ") for state in BreakerState}
    change = f"{words[last.before]} → {words[last.after]}"
    return f"{numbers.clock(last.at)}  {change}  {safe(last.cause, limit=200)}"


def traffic_lines(traffic: Traffic) -> Iterator[Line]:
    """Totals and the last minute of a route, an upstream or the gateway."""
    count = numbers.count
    total, now = count(traffic.requests_total), numbers.rate(traffic.rate_per_s)
    yield line("requests", f"{total}, {now} req/s, {count(traffic.in_flight)} in flight")
    classes = (
        f"2xx {count(traffic.status_2xx_total)}",
        f"3xx {count(traffic.status_3xx_total)}",
        f"4xx {count(traffic.status_4xx_total)}",
        f"5xx {count(traffic.status_5xx_total)}",
    )
    yield line("answers", "  ".join(classes))
    errors = f"{count(traffic.errors_total)}, {numbers.percent(traffic.error_percent)} %"
    yield line("errors", f"{errors} of the last 60 s")
    if traffic.retries_total:
        yield line("retries", f"{count(traffic.retries_total)} sent again to another upstream")
    yield line("latency ms", _percentiles(traffic))


def breakers_cell(stats: GatewayStats) -> Cell:
    """All breakers in words, coloured by the worst."""
    parts = [f"{numbers.count(stats.breakers_open)} open"] if stats.breakers_open else []
    if stats.breakers_half_open:
        parts.append(f"{numbers.count(stats.breakers_half_open)} half")
    parts.append(f"{numbers.count(stats.breakers_closed)} ok")
    worst = Tone.WARN if stats.breakers_half_open else Tone.PLAIN
    return Cell("  ".join(parts), Tone.BAD if stats.breakers_open else worst)


def trouble_cells(report: GatewayReport) -> tuple[Cell, ...]:
    """What is wrong with the gateway, in words, worst first."""
    stats = report.stats
    found: list[Cell] = []
    if report.trouble:
        found.append(Cell(f"▲ {safe(report.trouble, limit=120)}", Tone.BAD))
    if stats.breakers_open:
        found.append(Cell(f"▲ {numbers.counted(stats.breakers_open, 'breaker')} open", Tone.BAD))
    sick = sum(row.healthy is False for row in report.upstreams)
    if sick:
        found.append(Cell(f"▲ {numbers.counted(sick, 'upstream')} sick", Tone.BAD))
    if stats.breakers_half_open:
        words = numbers.counted(stats.breakers_half_open, "breaker")
        found.append(Cell(f"{words} half open", Tone.WARN))
    if stats.traffic.limited_per_s > 0:
        words = f"{numbers.rate(stats.traffic.limited_per_s)}/s limited"
        found.append(Cell(words, Tone.WARN))
    return tuple(found)


def route_command(verb: str, path: str, methods: tuple[str, ...], *flags: str) -> str:
    """The command that does `verb` to a route, ready for a shell."""
    _, method = split_route_key(route_key(path, methods))
    chosen = ("--method", method) if method else ()
    return command_line("abi", "gateway", "routes", verb, path, *chosen, *flags)


def _queue(detail: RouteDetail) -> Iterator[Line]:
    stats = detail.stats
    if detail.route.concurrency is not None:
        waiting, refused = numbers.count(stats.queued), numbers.count(stats.crowded_total)
        yield line("queue", f"{waiting} waiting, {refused} refused so far")


def _upstreams(upstreams: tuple[UpstreamStats, ...]) -> Iterator[Line]:
    for upstream in upstreams[:SHOWN_UPSTREAMS]:
        yield line("upstream", safe(upstream.upstream), Tone.STRONG)
        yield from breaker_lines(upstream.breaker)
        yield from health_lines(upstream)
    hidden = len(upstreams) - SHOWN_UPSTREAMS
    if hidden > 0:
        yield line("", f"and {numbers.counted(hidden, 'upstream')} more", Tone.DIM)


def _failures(breaker: BreakerReport) -> str:
    count = numbers.count
    row = f"{count(breaker.failures)} in a row, {count(breaker.failure_threshold)} open it"
    if not breaker.window_calls:  # none yet, or no failure ratio is watched
        return row
    window = f"{count(breaker.window_failures)} of {numbers.counted(breaker.window_calls, 'call')}"
    return f"{row}; {window} in the window"


def _trials(breaker: BreakerReport) -> str:
    if breaker.state is not BreakerState.HALF_OPEN:
        return numbers.NONE
    in_flight = numbers.count(breaker.trials_in_flight)
    return f"{numbers.count(breaker.trials_left)}, {in_flight} in flight"


def _bars(bars: tuple[LatencyBar, ...]) -> Iterator[Line]:
    if not any(bar.requests for bar in bars):
        return
    yield heading("latency ms, last 60 s")
    fastest = max((bar.up_to_ms for bar in bars if bar.up_to_ms is not None), default=0.0)
    for bar in bars:
        edge = f">{fastest:g}" if bar.up_to_ms is None else f"≤{bar.up_to_ms:g}"
        yield line(f"  {edge}", f"{numbers.percent(bar.percent)} %", share=bar.percent)


def _percentiles(traffic: Traffic) -> str:
    latency = traffic.latency
    named = (
        ("p50", latency.p50_ms),
        ("p90", latency.p90_ms),
        ("p99", latency.p99_ms),
        ("p99.9", latency.p999_ms),
    )
    return "  ".join(f"{name} {numbers.milliseconds(value)}" for name, value in named)


def _bodies(traffic: Traffic) -> str:
    return f"{numbers.size(traffic.bytes_in_total)} in, {numbers.size(traffic.bytes_out_total)} out"


def _connections(stats: GatewayStats) -> str:
    opened, total = numbers.count(stats.connections_open), numbers.count(stats.connections_total)
    return f"{opened} open, {total} so far"
