from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.sample import Family, Kind, Sample
from abi_engine.core.text import safe
from abi_engine.measure.metrics import Counter, Gauge, prometheus_text
from tests.engine.threads import together


def read_label(text: str) -> str:
    """The value of the only label of the only sample, read as a scraper reads it."""
    line = text.splitlines()[2]
    quoted = line[line.index('"') + 1 : line.rindex('"')]
    out, escaped = "", False
    for character in quoted:
        if escaped:
            out += {"n": "\n", "\\": "\\", '"': '"'}[character]
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            assert character != '"'
            out += character
    return out


def one(value: float, *labels: tuple[str, str], kind: Kind = Kind.GAUGE) -> Family:
    return Family("abi_thing", kind, "A thing.", (Sample(value, labels),))


def test_a_family_is_written_as_the_format_wants_it() -> None:
    family = Family(
        "abi_requests_total",
        Kind.COUNTER,
        "Answered requests.",
        (Sample(3, (("route", "/a"), ("status", "2xx"))), Sample(0.5)),
    )
    assert prometheus_text([family]) == (
        "# HELP abi_requests_total Answered requests.\n"
        "# TYPE abi_requests_total counter\n"
        'abi_requests_total{route="/a",status="2xx"} 3\n'
        "abi_requests_total 0.5\n"
    )


def test_histograms_and_summaries_append_their_suffixes() -> None:
    histogram = Family(
        "abi_latency_seconds",
        Kind.HISTOGRAM,
        "Latency.",
        (
            Sample(1, (("le", "0.1"),), "_bucket"),
            Sample(2, (("le", "+Inf"),), "_bucket"),
            Sample(0.7, suffix="_sum"),
            Sample(2, suffix="_count"),
        ),
    )
    summary = Family(
        "abi_wait_seconds", Kind.SUMMARY, "Wait.", (Sample(0.2, (("quantile", "0.5"),)),)
    )
    assert prometheus_text([histogram, summary]).splitlines() == [
        "# HELP abi_latency_seconds Latency.",
        "# TYPE abi_latency_seconds histogram",
        'abi_latency_seconds_bucket{le="0.1"} 1',
        'abi_latency_seconds_bucket{le="+Inf"} 2',
        "abi_latency_seconds_sum 0.7",
        "abi_latency_seconds_count 2",
        "# HELP abi_wait_seconds Wait.",
        "# TYPE abi_wait_seconds summary",
        'abi_wait_seconds{quantile="0.5"} 0.2',
    ]


@given(st.text())
def test_a_label_says_what_was_given_made_safe_whatever_it_is(value: str) -> None:
    text = prometheus_text([one(1, ("path", value))])
    assert read_label(text) == safe(value, newlines=True)
    assert len(text.splitlines()) == len(text.split("\n")) - 1 == 3
    text.encode()


def test_help_is_one_line() -> None:
    family = Family("abi_x", Kind.GAUGE, "one\ntwo \\ three", ())
    assert prometheus_text([family]).splitlines()[0] == r"# HELP abi_x one\ntwo \\ three"


@pytest.mark.parametrize(
    ("value", "text"),
    [(inf, "+Inf"), (-inf, "-Inf"), (nan, "NaN"), (0, "0"), (1e21, "1e+21"), (True, "1")],
)
def test_special_values_are_written_in_the_words_of_the_format(value: float, text: str) -> None:
    assert prometheus_text([one(value)]).splitlines()[2] == f"abi_thing {text}"


def test_families_of_one_name_are_declared_once() -> None:
    text = prometheus_text([one(1, ("a", "x")), Family("abi_y", Kind.GAUGE, "", ()), one(2)])
    assert text.count("# HELP abi_thing") == text.count("# TYPE abi_thing") == 1
    assert text.splitlines()[2:4] == ['abi_thing{a="x"} 1', "abi_thing 2"]


def test_one_name_cannot_be_of_two_kinds() -> None:
    with pytest.raises(InvalidArguments, match="counter and gauge"):
        prometheus_text([one(1), one(1, kind=Kind.COUNTER)])


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "a\nb 1", "é"])
def test_a_name_that_no_scraper_reads_is_refused(name: str) -> None:
    with pytest.raises(InvalidArguments):
        prometheus_text([Family(name, Kind.GAUGE, "", ())])
    with pytest.raises(InvalidArguments):
        prometheus_text([one(1, (name, "x"))])


def test_a_colon_may_be_in_the_name_of_a_family_but_not_of_a_label() -> None:
    assert "abi:x" in prometheus_text([Family("abi:x", Kind.GAUGE, "", ())])
    with pytest.raises(InvalidArguments):
        prometheus_text([one(1, ("a:b", "x"))])


def test_nothing_gives_nothing() -> None:
    assert prometheus_text([]) == ""


def test_a_counter_and_a_gauge_are_exact_among_sixty_four_threads() -> None:
    counter, gauge = Counter(), Gauge()

    def work(number: int) -> None:
        for _ in range(500):
            counter.add()
            counter.add(2)
            gauge.add(1.0 if number % 2 else -1.0)

    together(64, work)
    assert (counter.value, gauge.value) == (96_000, 0.0)


def test_a_counter_never_falls() -> None:
    counter = Counter()
    with pytest.raises(InvalidArguments, match="-1"):
        counter.add(-1)
    assert counter.value == 0


def test_a_gauge_can_be_set() -> None:
    gauge = Gauge()
    gauge.set(2.5)
    gauge.add(-1)
    assert gauge.value == 1.5
