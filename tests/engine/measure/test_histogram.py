from __future__ import annotations

from fractions import Fraction
from math import ceil, inf, isclose, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import InvalidArguments
from abi_engine.measure.histogram import Histogram
from tests.scale import scaled

LOWEST, HIGHEST = 1e-6, 1e5
values = st.one_of(
    st.floats(LOWEST, HIGHEST),
    st.floats(LOWEST, 1e-2),
    st.sampled_from([LOWEST, HIGHEST, 0.5, 1.0, 2.0, 1024.0, 0.001]),
)
percents = st.one_of(
    st.integers(0, 100_000).map(lambda n: n / 1000), st.sampled_from([99.9, 99.99])
)


def histogram_of(recorded: list[float]) -> Histogram:
    histogram = Histogram()
    for value in recorded:
        histogram.record(value)
    return histogram


def nearest_rank(recorded: list[float], percent: float) -> float:
    """The textbook's definition, on all values and exact fractions."""
    rank = max(ceil(Fraction(str(percent)) / 100 * len(recorded)), 1)
    return sorted(recorded)[rank - 1]


@given(st.lists(values, min_size=1, max_size=200), percents)
def test_a_percentile_is_the_edge_of_the_bucket_that_holds_the_value_of_that_rank(
    recorded: list[float], percent: float
) -> None:
    exact = nearest_rank(recorded, percent)
    edge = histogram_of(recorded).percentile(percent)
    assert edge is not None
    assert exact < edge <= exact * (1 + 1 / 128)


@given(st.lists(values, min_size=1, max_size=50), st.lists(percents, max_size=6))
def test_percentiles_in_one_pass_are_those_of_one_at_a_time(
    recorded: list[float], wanted: list[float]
) -> None:
    histogram = histogram_of(recorded)
    assert histogram.percentiles(wanted) == tuple(histogram.percentile(one) for one in wanted)


def test_every_rank_is_counted_exactly_among_many_values() -> None:
    random = Random(7)
    recorded = [random.lognormvariate(-5, 1.5) for _ in range(scaled(10_000, 200_000))]
    histogram = histogram_of(recorded)
    ordered = sorted(recorded)
    for thousandths in range(0, 100_001, 100):
        rank = max(-(-len(ordered) * thousandths // 100_000), 1)
        edge = histogram.percentile(thousandths / 1000)
        assert edge is not None
        assert ordered[rank - 1] < edge <= ordered[rank - 1] * (1 + 1 / 128)


def test_ranks_are_exact_where_each_value_has_a_bucket_of_its_own() -> None:
    recorded = [0.001 * 1.01**number for number in range(997)]
    histogram = histogram_of(recorded)
    edges = [edge for edge, _ in histogram.buckets()]
    assert len(edges) == 997
    for thousandths in range(0, 100_001, 7):
        rank = max(-(-997 * thousandths // 100_000), 1)
        assert histogram.percentile(thousandths / 1000) == edges[rank - 1]


def test_p999_of_a_thousand_values_is_the_last_but_one() -> None:
    histogram = histogram_of([1.0] * 999 + [100.0])
    assert histogram.percentile(99.9) == pytest.approx(1.0, rel=0.01)
    assert histogram.percentile(99.91) == pytest.approx(100.0, rel=0.01)


@given(st.lists(values, max_size=100), st.lists(values, max_size=100))
def test_merging_gives_what_recording_all_in_one_gives(
    first: list[float], second: list[float]
) -> None:
    merged = histogram_of(first)
    merged.merge(histogram_of(second))
    together = histogram_of(first + second)
    assert merged.buckets() == together.buckets()
    assert merged.count == together.count == len(first + second)
    assert isclose(merged.total, together.total, rel_tol=1e-9, abs_tol=1e-12)


@given(st.lists(values, min_size=1, max_size=100))
def test_the_buckets_hold_every_value_once_in_ascending_order(recorded: list[float]) -> None:
    histogram = histogram_of(recorded)
    edges = [edge for edge, _ in histogram.buckets()]
    assert edges == sorted(set(edges))
    assert sum(count for _, count in histogram.buckets()) == len(recorded)
    assert isclose(histogram.total, sum(recorded), rel_tol=1e-9)


@given(st.lists(values, max_size=100), values)
def test_counting_up_to_a_value_is_right_but_for_the_bucket_it_is_in(
    recorded: list[float], value: float
) -> None:
    found = histogram_of(recorded).count_up_to(value)
    assert sum(one <= value for one in recorded) <= found
    assert found <= sum(one < value * (1 + 1 / 128) for one in recorded)


@pytest.mark.parametrize("strange", [0.0, -1.0, -inf, nan, 1e-300])
def test_what_is_too_small_counts_in_the_lowest_bucket(strange: float) -> None:
    histogram = histogram_of([strange])
    assert histogram.buckets() == histogram_of([LOWEST]).buckets()
    assert histogram.total == pytest.approx(0.0, abs=1e-299)


@pytest.mark.parametrize("strange", [1e6, 1e300, inf])
def test_what_is_too_large_counts_in_the_highest_bucket(strange: float) -> None:
    histogram = histogram_of([strange])
    assert histogram.buckets() == histogram_of([HIGHEST]).buckets()
    assert histogram.total == HIGHEST


def test_memory_is_bounded_whatever_is_recorded() -> None:
    random = Random(3)
    histogram = Histogram()
    for _ in range(100_000):
        histogram.record(10 ** random.uniform(-12, 12))
    assert histogram.count == 100_000
    assert len(histogram.buckets()) <= 37 * 128 + 1


def test_an_empty_histogram_has_no_percentile() -> None:
    assert Histogram().percentile(50) is None
    assert Histogram().percentiles((50, 99)) == (None, None)
    assert Histogram().count_up_to(1.0) == 0


def test_a_copy_goes_its_own_way() -> None:
    first = histogram_of([1.0])
    second = first.copy()
    first.record(2.0)
    assert (first.count, second.count) == (2, 1)
    assert second.total == 1.0
    assert len(second.buckets()) == 1


@pytest.mark.parametrize("percent", [-0.1, 100.1, nan])
def test_a_percent_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(InvalidArguments, match="from 0 to 100"):
        histogram_of([1.0]).percentile(percent)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (2.0, 1.0), (1.0, inf), (nan, 1.0)])
def test_bounds_that_make_no_sense_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(InvalidArguments):
        Histogram(lowest=bounds[0], highest=bounds[1])


def test_histograms_with_other_bounds_are_not_merged() -> None:
    with pytest.raises(InvalidArguments, match="cannot merge"):
        Histogram().merge(Histogram(highest=10.0))


@given(st.lists(st.one_of(st.floats(1e-6, 1e3), st.sampled_from([0.0, -1.0, nan, 1e9, 1e-6]))))
def test_many_at_once_count_as_one_by_one(values: list[float]) -> None:
    one_by_one, at_once = Histogram(), Histogram()
    for value in values:
        one_by_one.record(value)
    at_once.record_all(values)
    assert at_once.buckets() == one_by_one.buckets()
    assert at_once.count == one_by_one.count
    assert at_once.total == pytest.approx(one_by_one.total)


def test_numbers_too_small_to_be_normal_count_alike_at_once() -> None:
    one_by_one, at_once = Histogram(lowest=1e-320), Histogram(lowest=1e-320)
    for value in (values := [1e-310, 3e-309, 1.0]):
        one_by_one.record(value)
    at_once.record_all(values)
    assert at_once.buckets() == one_by_one.buckets()
