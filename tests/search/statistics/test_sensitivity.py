import numpy as np
import pytest
from scipy.stats import norm

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import BackgroundTrials, local_p_value
from nusky.search.statistics.sensitivity import discovery_potential, discovery_threshold, sensitivity
from tests.search.statistics import toys


def test_gaussian_sensitivity_and_discovery():
    trials = toys.trials(toys.gaussian(10.0))
    found = sensitivity(trials, 4000)
    assert found.n_signal == pytest.approx(10 * norm.ppf(0.9), abs=4 * found.n_signal_error)
    assert found.n_signal_error < 0.3
    assert (found.statement, found.confidence_level) == ("sensitivity", 0.9)
    three = discovery_potential(trials, 3, 4000)
    assert three.n_signal == pytest.approx(30, rel=0.03)
    assert not three.extrapolated
    five = discovery_potential(trials, 5, 4000, tail_model="chi2")
    assert five.n_signal == pytest.approx(50, rel=0.04)
    assert five.extrapolated
    assert five.statement == "5 sigma discovery potential"


def test_poisson_sensitivity_without_background_is_ln_10():
    # median 0: 90 % of the trials must have at least one event, 1 - exp(-n) = 0.9
    found = sensitivity(toys.trials(toys.poisson(0.0)), 4000)
    assert found.n_signal == pytest.approx(np.log(10), abs=4 * found.n_signal_error)
    assert found.threshold_ts == 0


def test_threshold_is_where_the_p_value_passes():
    background = np.random.default_rng(8).chisquare(1, 20000)
    threshold = discovery_threshold(BackgroundTrials(background), 3)
    assert not threshold.extrapolated
    p = norm.sf(3)
    assert local_p_value(np.nextafter(threshold.test_statistic, 99), background).p_value <= p
    assert local_p_value(threshold.test_statistic, background).p_value > p


def test_no_extrapolation_unless_asked_for():
    background = BackgroundTrials(np.random.default_rng(9).chisquare(1, 5000))
    with pytest.raises(PhysicsError, match="5000 background trials are too few for 3 sigma: 8149 are needed"):
        discovery_threshold(background, 3)
    found = discovery_threshold(background, 5, "chi2")
    assert found.extrapolated
    assert found.test_statistic == pytest.approx(26.3, rel=0.15)  # chi2.isf(2.87e-7, 1)
