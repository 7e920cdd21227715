import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.errors import PhysicsError
from nusky.likelihood.mixture import MixtureLikelihood, joined, pooled, ratio_moments
from tests import oracles


def ratios(seed, n=5000, zeros=1000):
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(-2, 5, n))
    values[:zeros] = 0
    return values


def single(values, n_events=None):
    return MixtureLikelihood((ratio_moments(values, n_events),), (1.0,))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-9, 0.999999))
def test_scan_equals_the_sum_over_events(seed, x):
    values = ratios(seed)
    expected = oracles.log_ratio(values, x)
    scale = np.abs(np.log1p(x * (values - 1))).sum()
    assert abs(float(single(values)(x * len(values))) - expected) <= 1e-13 * scale + 1e-10 * abs(expected)


@pytest.mark.parametrize(
    "values", [[0.0], [1e-40], [1e12], [1.0], [0.5, 0.5], [1.0, 2.0, 4.0, 3.999999], [0.0, 0.0, 5.0]]
)
@pytest.mark.parametrize("x", [0.0, 1e-12, 0.3, 0.99])
def test_adversarial_ratios(values, x):
    assert float(single(values)(x * len(values))) == pytest.approx(oracles.log_ratio(values, x), rel=1e-12, abs=1e-15)


def test_events_that_are_not_given_have_no_signal():
    values = ratios(1)
    padded = np.concatenate((values, np.zeros(3000)))
    n = np.array([0.5, 10.0, 500.0])
    np.testing.assert_allclose(single(values, len(padded))(n), single(padded)(n), rtol=1e-14)


def test_beyond_the_sample_there_is_no_likelihood():
    values = single([0.5, 3.0])
    assert np.isnan(values(2.1))
    assert np.isnan(values(-0.1))
    assert np.isfinite(values(1.9))


def test_derivative_is_the_slope():
    likelihood = single(ratios(2))
    for n in (1.0, 50.0, 2000.0):
        step = 1e-5 * n
        slope = (likelihood(n + step) - likelihood(n - step)) / (2 * step)
        assert float(likelihood.derivative(n)) == pytest.approx(float(slope), rel=1e-6)


def test_maximum_and_crossing_agree_with_a_fine_grid():
    rng = np.random.default_rng(3)
    values = np.concatenate((rng.uniform(50, 500, 40), rng.uniform(0, 1, 10_000)))
    likelihood = single(values)
    n = np.linspace(0, 400, 400_001)
    curve = likelihood(n)
    best, peak = likelihood.maximum()
    assert best == pytest.approx(n[np.argmax(curve)], abs=2e-3)
    assert peak == pytest.approx(curve.max(), rel=1e-9)
    limit = likelihood.falls_through(peak - 1.92)
    assert limit > best
    assert float(likelihood(limit)) == pytest.approx(peak - 1.92, rel=1e-10)


def test_a_deficit_has_its_maximum_at_zero():
    assert single(np.full(100, 0.2)).maximum() == (0.0, 0.0)


def test_samples_share_the_signal():
    first, second = ratios(4, 2000, 100), ratios(5, 3000, 100)
    both = MixtureLikelihood((ratio_moments(first), ratio_moments(second)), (0.3, 0.7))
    n = 200.0
    expected = oracles.log_ratio(first, 0.3 * n / 2000) + oracles.log_ratio(second, 0.7 * n / 3000)
    assert float(both(n)) == pytest.approx(expected, rel=1e-12)


def test_pooled_samples_equal_one_sample():
    first, second = ratios(6, 2000, 100), ratios(7, 3000, 100)
    n = np.array([1.0, 30.0, 900.0])
    expected = single(np.concatenate((first, second)))(n)
    shared = MixtureLikelihood((ratio_moments(first), ratio_moments(second)), (0.4, 0.6))
    merged = MixtureLikelihood((pooled([ratio_moments(first), ratio_moments(second)]),), (1.0,))
    np.testing.assert_allclose(shared(n), expected, rtol=1e-12)
    np.testing.assert_allclose(merged(n), expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_impossible_ratios_are_refused(bad):
    with pytest.raises(PhysicsError, match="density ratios must be finite"):
        ratio_moments([1.0, bad])


def test_sample_cannot_be_smaller_than_its_ratios():
    with pytest.raises(PhysicsError, match="n_events = 1, but 2"):
        ratio_moments([1.0, 2.0], 1)


def test_parts_of_a_sample_join_to_the_sample():
    values = ratios(9)
    parts = [ratio_moments(part, 6000) for part in np.split(values, [100, 101, 3000])]
    whole, together = ratio_moments(values, 6000), joined(parts)
    assert (together.n_events, together.n_zero) == (whole.n_events, whole.n_zero)
    np.testing.assert_array_equal(together.centres, whole.centres)
    np.testing.assert_allclose(together.moments, whole.moments, rtol=1e-12, atol=1e-12)
    assert joined([whole]) is whole
