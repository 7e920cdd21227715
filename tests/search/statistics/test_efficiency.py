import numpy as np
import pytest
from scipy.stats import norm

from nusky.errors import PhysicsError
from nusky.search.statistics.efficiency import Efficiencies, InjectedTrials, find_crossing, fit_crossing
from tests.search.statistics import toys


def test_a_straight_probit_is_found_exactly():
    n = np.array([1.0, 4.0, 9.0, 16.0])
    share = norm.cdf(-2 + 0.8 * np.sqrt(n))
    found = fit_crossing(Efficiencies(n, 1e6 * share, np.full(4, 1e6)), 0.5)
    assert found.n_injected == pytest.approx((2 / 0.8) ** 2, rel=1e-6)
    np.testing.assert_allclose(found.efficiency(n), share, rtol=1e-6)
    assert found.fit_p_value > 0.99


def test_error_is_that_of_many_repetitions():
    found = [
        find_crossing(InjectedTrials(toys.gaussian(10.0), np.zeros(10), i * 1000), 16.0, 0.5, 300) for i in range(60)
    ]
    values = np.array([f.n_injected for f in found])
    errors = np.array([f.error for f in found])
    assert values.mean() == pytest.approx(40.0, abs=4 * values.std() / np.sqrt(60))
    assert errors.mean() == pytest.approx(values.std(), rel=0.3)
    assert np.mean([f.fit_p_value > 0.01 for f in found]) > 0.9


def test_trials_are_simulated_once_and_each_stream_used_once():
    asked = []

    def trial_ts(n, n_trials, stream):
        asked.append((n, n_trials, stream))
        return np.full(n_trials, n)

    trials = InjectedTrials(trial_ts, [0.0])
    for n_trials in (100, 50, 250):
        trials.request(3.0, n_trials)
    assert asked == [(3.0, 100, 0), (3.0, 150, 1)]
    assert trials.n_simulated == 250


def test_same_streams_same_result():
    first, second = (find_crossing(toys.trials(toys.poisson(2.0)), 4.0, 0.9, 500) for _ in range(2))
    assert (first.n_injected, first.error) == (second.n_injected, second.error)


def test_thresholds_the_signal_cannot_reach_are_refused():
    with pytest.raises(PhysicsError, match=r"injected events only .* of the trials exceed TS = 1\. Check"):
        find_crossing(InjectedTrials(lambda n, m, s: np.zeros(m), [0.0]), 1.0, 0.9)
    with pytest.raises(PhysicsError, match=r"100\.0% of the background trials exceed TS = 1 already"):
        find_crossing(InjectedTrials(toys.poisson(0.0), [2.0]), 1.0, 0.9)
    with pytest.raises(PhysicsError, match="does not rise with the number of injected events"):
        fit_crossing(Efficiencies(np.array([1.0, 2.0, 3.0]), np.array([90.0, 50.0, 10.0]), np.full(3, 100.0)), 0.5)


def test_trials_that_fail_are_reported():
    trials = InjectedTrials(lambda n, m, s: np.full(m, np.nan), [0.0])
    with pytest.raises(PhysicsError, match="trials with 4 injected events: number 0 is nan"):
        find_crossing(trials, 1.0, 0.9)
