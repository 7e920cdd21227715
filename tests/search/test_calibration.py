"""Calibrated limits on toys whose answers are known in closed form."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm, poisson

from nusky.errors import PhysicsError
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Request
from nusky.search.statistics.limits import BAND_QUANTILES

BACKGROUND = np.random.default_rng(1).poisson(4.0, 4000).astype(float)


def counting(n_injected, n_trials, number):
    """A counting experiment with four background events: TS is the number of events."""
    return np.random.default_rng([7, number]).poisson(4.0 + n_injected, n_trials).astype(float)


def gaussian(n_injected, n_trials, number):
    """TS = max(0, x)^2 with x ~ N(n/3, 1)."""
    return np.maximum(np.random.default_rng([8, number]).normal(n_injected / 3, 1.0, n_trials), 0) ** 2


def exact(observed):
    """The strength with which `observed` or fewer events come in one trial of ten."""
    return brentq(lambda s: poisson.cdf(observed, 4.0 + s) - 0.1, 0, 100)


@pytest.mark.parametrize("observed", [2.0, 4.0, 9.0, 20.0])
def test_limits_of_a_counting_experiment(observed):
    limit = LimitCalibration(counting, BACKGROUND, 5.0, Request(0.9, "neyman", (), 2000)).limit(observed)
    assert limit.n_signal == pytest.approx(exact(observed), abs=4 * limit.n_signal_error + 0.02)
    assert limit.n_signal_error < 0.06 * (limit.n_signal + 1)
    assert (limit.method, limit.confidence_level, limit.threshold_ts) == ("Neyman", 0.9, observed)
    assert limit.n_trials >= 3 * 2000


def test_the_expected_range_holds_the_limits_of_the_backgrounds_quantiles():
    calibration = LimitCalibration(counting, BACKGROUND, 5.0, Request(0.9, "neyman", (), 2000))
    quantiles = np.quantile(BACKGROUND, list(BAND_QUANTILES.values()), method="inverted_cdf")
    expected = np.array([max(exact(q), 0.0) if poisson.cdf(q, 4.0) > 0.1 else 0.0 for q in quantiles])
    np.testing.assert_allclose(calibration.expected(), expected, atol=0.35)


def test_a_gaussian_limit_is_where_the_observed_value_lies_low_by_its_quantile():
    background = np.maximum(np.random.default_rng(2).normal(0, 1, 4000), 0) ** 2
    limit = LimitCalibration(gaussian, background, 9.0, Request(0.9, "neyman", (), 2000)).limit(2.25)
    assert limit.n_signal == pytest.approx(3 * (1.5 + norm.ppf(0.9)), abs=4 * limit.n_signal_error)


def test_feldman_cousins_intervals_become_two_sided():
    background = np.maximum(np.random.default_rng(2).normal(0, 1, 4000), 0) ** 2
    calibration = LimitCalibration(gaussian, background, 9.0, Request(0.9, "feldman-cousins", (), 2000))
    weak, strong = calibration.limit(0.25), calibration.limit(16.0)
    assert (weak.method, weak.n_signal_low) == ("Feldman-Cousins", 0.0)
    # Feldman and Cousins, table X, measured 0.5 and 4.0 standard deviations, 90 %; between strengths p is interpolated
    assert weak.n_signal == pytest.approx(3 * 2.14, rel=0.1)
    assert strong.n_signal_low == pytest.approx(3 * 2.36, rel=0.1)
    assert strong.n_signal == pytest.approx(3 * 5.64, rel=0.1)


def test_a_deficit_no_strength_agrees_with_gives_zero():
    limit = LimitCalibration(counting, BACKGROUND, 5.0, Request(0.9, "neyman", (), 100)).limit(0.0)
    assert limit.n_signal == 0.0


def test_a_signal_without_effect_is_refused():
    calibration = LimitCalibration(
        lambda n, n_trials, number: counting(0.0, n_trials, number), BACKGROUND, 5.0, Request(0.9, "neyman", (), 50)
    )
    with pytest.raises(PhysicsError, match=r"is still not exceeded in nearly every trial\. Check that the injected"):
        calibration.limit(4.0)


def test_the_interval_of_a_gaussian_lies_around_what_was_measured_whatever_the_bias_of_ts():
    def biased(n_injected, n_trials, number):
        return gaussian(n_injected - 2.0, n_trials, number)

    background = np.maximum(np.random.default_rng(2).normal(-2 / 3, 1, 20_000), 0) ** 2
    calibration = LimitCalibration(biased, background, 9.0, Request(0.9, "neyman", (), 20_000))
    low, middle, high = calibration.interval(2.5**2)
    np.testing.assert_allclose([low, middle, high], 2 + 3 * (2.5 + np.array([-1.0, 0, 1])), atol=0.2)


def test_the_estimate_lies_above_the_truth_as_often_as_below_and_the_interval_holds_it():
    background = np.maximum(np.random.default_rng(2).normal(0, 1, 4000), 0) ** 2
    calibration = LimitCalibration(gaussian, background, 9.0, Request(0.9, "neyman", (), 4000))
    low, middle, high = np.array([calibration.interval(ts) for ts in gaussian(4.0, 1000, 99)]).T
    assert np.mean(middle > 4.0) == pytest.approx(0.5, abs=0.05)
    assert np.mean((low <= 4.0) & (high >= 4.0)) == pytest.approx(0.683, abs=0.05)


def test_no_excess_is_estimated_as_no_signal():
    background = np.maximum(np.random.default_rng(2).normal(0, 1, 4000), 0) ** 2
    low, middle, high = LimitCalibration(gaussian, background, 9.0, Request(0.9, "neyman", (), 2000)).interval(0.0)
    assert (low, middle) == (0.0, 0.0)
    assert high == pytest.approx(3.0, abs=0.3)  # where TS > 0 in 84 %
