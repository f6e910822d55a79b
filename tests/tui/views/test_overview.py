"""Five tiles, always in the same places, that say what is wrong before anybody asks."""

from __future__ import annotations

import msgspec
import pytest

from abi_engine.features.gateway.api import GatewayReport, GatewayStats, Latency, Traffic
from abi_tui.views import overview
from abi_tui.views.table import Tone


def _gateway(traffic: Traffic | None = None, **counts: int) -> GatewayReport:
    names = [name for name in GatewayStats.__struct_fields__ if name != "traffic"]
    stats = GatewayStats(traffic or Traffic(), *(counts.get(name, 0) for name in names))
    return GatewayReport("http://127.0.0.1:8080", "", stats, (), ())


def test_the_tiles_have_the_same_places_whether_the_gateway_runs_or_not() -> None:
    for found in (overview.tiles(None), overview.tiles(_gateway()), overview.unknown()):
        assert tuple(tile.title for tile in found) == overview.TITLES


def test_two_facts_and_a_value_for_the_trace() -> None:
    traffic = Traffic(rate_per_s=1117.4, in_flight=14, latency=Latency(p50_ms=3.1, p99_ms=42.2))
    requests, p99, *_ = overview.tiles(_gateway(traffic))
    assert (requests.now.text, requests.also.text) == ("1 117 /s", "14 in flight")
    assert (p99.now.text, p99.also.text) == ("42.2 ms", "p50 3.1 ms")
    assert overview.values((requests, p99)) == (1117.4, 42.2)


def test_nothing_measured_is_not_zero() -> None:
    _, p99, *_ = overview.tiles(_gateway())
    assert p99.now.text == "–"
    assert p99.value is None


@pytest.mark.parametrize(
    ("percent", "tone"), [(0.0, Tone.STRONG), (1.0, Tone.WARN), (4.9, Tone.WARN), (5.0, Tone.BAD)]
)
def test_the_share_of_errors_tells_how_bad_it_is(percent: float, tone: Tone) -> None:
    errors = overview.tiles(_gateway(Traffic(error_percent=percent)))[2]
    assert errors.now.tone is tone
    assert errors.most == 100.0


@pytest.mark.parametrize(
    ("opened", "half", "words", "tone"),
    [
        (0, 0, "all ok", Tone.STRONG),
        (0, 2, "2 half", Tone.WARN),
        (1, 1, "1 open 1 half", Tone.BAD),
    ],
)
def test_breakers_are_counted_in_words(opened: int, half: int, words: str, tone: Tone) -> None:
    gateway = _gateway(upstreams=4, breakers_open=opened, breakers_half_open=half)
    tile = overview.tiles(gateway)[4]
    assert (tile.now.text, tile.now.tone) == (words, tone)
    assert tile.value == opened + half
    assert tile.least == 4.0  # the scale is the number of upstreams


def test_a_gateway_without_upstreams_has_no_breakers() -> None:
    assert overview.tiles(_gateway())[4].now.text == "none"


def test_the_short_facts_fit_into_the_narrowest_tile() -> None:
    traffic = Traffic(
        rate_per_s=99_999, in_flight=999, error_percent=100.0, errors_total=9_999_999,
        limited_per_s=99_999, limited_total=9_999_999, latency=Latency(p50_ms=999, p99_ms=9_999),
    )  # fmt: skip
    gateway = _gateway(traffic, upstreams=99, breakers_open=99, breakers_half_open=9)
    for tile in overview.tiles(gateway):
        assert len(tile.now_short or tile.now.text) <= 9, tile
        assert len(tile.also_short or tile.also.text) <= 9, tile


def test_the_tiles_are_a_table_as_well() -> None:
    table = overview.overview_table(_gateway())
    assert table.keys == overview.TITLES
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert msgspec.json.encode([[cell.text for cell in row] for row in table.rows])
