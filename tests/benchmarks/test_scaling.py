"""The exponents, the estimate and the page of the scaling benchmark, from made-up measurements."""

import pytest

from benchmarks import scaling
from benchmarks.scaling import Point, Series


def power_law(title: str, axis: str, exponent: float, n_trials: int = 10) -> Series:
    """Points whose time grows as a power of `axis`, one second at 1000."""
    sizes = {"n_events": 100_000, "n_sources": 100, "n_trials": n_trials}
    points = tuple(
        Point(**{**sizes, axis: n}, seconds=(n / 1000) ** exponent, peak_mib=500.0)
        for n in (10_000, 100_000, 1_000_000)
    )
    return Series(title, "Made up.", axis, points)


@pytest.fixture
def found() -> list[Series]:
    return [
        power_law("Trials of a stack, events", "n_events", 1.0),
        power_law("Trials of one source, events", "n_events", 0.5, 1000),
    ]


def test_the_exponent_of_a_power_law_is_found():
    assert power_law("x", "n_sources", 1.25).exponents() == pytest.approx((1.25, 1.25))


def test_a_fixed_cost_lowers_the_first_exponent_only():
    points = tuple(Point(n, 1, 1, 1 + n / 1e6, 1.0) for n in (10**4, 10**6, 10**8, 10**9))
    overall, last = Series("x", "", "n_events", points).exponents()
    assert overall < 0.8
    assert last == pytest.approx(1, abs=0.01)


def test_the_needs_are_the_sum_over_all_trials(found):
    (ten, fourteen) = scaling._needs(found)
    # config/config.yaml: 2 catalogues, 2 weightings each, 10000 stack and source trials, 1000 skies, 164 sources.
    n = scaling.TEN_YEARS
    stack_s, source_s = n / 1000 / 10 * 1.64, (n / 1000) ** 0.5 / 1000
    hours = (4 * 10_000 * stack_s + 2 * (10_000 + 1000) * 164 * source_s) / 3600
    assert ten[1] == str(n)
    assert float(ten[2]) == pytest.approx(hours, rel=0.01)
    assert float(ten[3]) == pytest.approx(hours / 32, rel=0.01)
    assert float(ten[4]) == pytest.approx(1000 * stack_s / 3600, rel=0.01)
    assert float(fourteen[2]) > float(ten[2])


def test_the_page_names_every_point_and_says_whether_memory_suffices(found):
    text = scaling.page(found, {"Date": "2000-01-01"})
    assert "Exponent 1.00 (1.00)." in text
    assert "| 1000000 | 100 | 10 | 1e+03 | 500 |" in text
    assert "500 MiB,\nwithin the 4096 MiB" in text
    assert "| ten years | 1134450 |" in text
