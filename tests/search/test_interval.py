from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from scipy.stats import chi2

from nusky.detector.spectrum import power_laws
from nusky.errors import PhysicsError
from nusky.likelihood.ratios import SUMS
from nusky.search.hypothesis import Hypothesis
from nusky.search.interval import likelihood_interval
from nusky.search.sky import Sky
from nusky.search.sky_likelihood import SkyLikelihood

N_EVENTS = 5000


@dataclass(frozen=True)
class Toy(Hypothesis):
    """One season; event i has the ratio own[i] exp(-slope[i] (gamma - 2.5))."""

    own: np.ndarray = field(kw_only=True)
    slope: np.ndarray = field(kw_only=True)

    def ratios(self, gammas):
        return self.own * np.exp(-self.slope * (np.asarray(gammas)[:, None] - 2.5))

    @property
    def shares(self):
        return np.ones((len(self.gammas), 1))

    def data(self):
        nothing = np.empty(0, np.int64)
        return Sky(nothing, nothing, np.empty(0), (), np.array([float(N_EVENTS)]))

    def likelihood(self, sky):
        return Every(self, sky)


class Every(SkyLikelihood):
    """All ratios one by one."""

    def _up_to(self, n_signal):
        self._bound = np.inf
        rows = np.ascontiguousarray(self._hypothesis.ratios(self._hypothesis.gammas).T)
        low = np.zeros((1, SUMS, rows.shape[1]))
        return rows, np.zeros(len(rows), np.int64), low, self._hypothesis.shares, self._sky.n_events


def toy(n_strong, gammas, slope=2.0):
    rng = np.random.default_rng(3)
    own = np.concatenate([rng.uniform(0, 60, 40), rng.uniform(1000, 8000, n_strong)])
    slopes = np.concatenate([np.zeros(40), rng.normal(0, slope, n_strong)])
    return Toy(None, None, power_laws(gammas), None, own=own, slope=slopes)


def surface(hypothesis, n, gammas):
    """TS(gamma, n_s) by plain sums; the events that are not near have the ratio 0."""
    x = (np.asarray(n) / N_EVENTS)[:, None]
    far = 2 * (N_EVENTS - len(hypothesis.own)) * np.log1p(-x[:, 0])
    return np.array([2 * np.log1p(x * (r - 1)).sum(axis=1) + far for r in hypothesis.ratios(gammas)])


@pytest.mark.parametrize("level", [0.68, 0.95])
def test_intervals_are_where_the_profiles_fall_through_the_level(level):
    hypothesis = toy(12, np.linspace(1, 4, 25))
    found = likelihood_interval(hypothesis, level)
    n, gammas = np.linspace(0, 40, 801), np.linspace(1, 4, 301)
    ts = surface(hypothesis, n, gammas)
    inside = ts >= ts.max() - chi2.ppf(level, 1)
    of_n, of_gamma = n[inside.any(axis=0)], gammas[inside.any(axis=1)]
    assert (found.n_signal_low, found.n_signal_high) == pytest.approx((of_n[0], of_n[-1]), abs=0.06)
    assert (found.gamma_low, found.gamma_high) == pytest.approx((of_gamma[0], of_gamma[-1]), abs=0.03)
    assert found.n_signal_low < found.fit.n_signal < found.n_signal_high
    assert found.fit.ts == pytest.approx(ts.max(), abs=0.01)
    assert found.confidence_level == level


def test_a_fixed_index_is_its_own_interval():
    hypothesis = toy(12, np.array([2.5]))
    found = likelihood_interval(hypothesis)
    n = np.linspace(0, 40, 4001)
    ts = surface(hypothesis, n, [2.5])[0]
    inside = n[ts >= ts.max() - 1]
    assert (found.n_signal_low, found.n_signal_high) == pytest.approx((inside[0], inside[-1]), abs=0.02)
    assert found.gamma_low == found.gamma_high == 2.5


def test_without_signal_it_begins_at_zero_and_holds_every_index():
    found = likelihood_interval(toy(0, np.linspace(1, 4, 25)), 0.9)
    assert found.fit.n_signal == found.n_signal_low == 0.0
    assert 0 < found.n_signal_high < 10
    assert (found.gamma_low, found.gamma_high) == (1.0, 4.0)


def test_an_index_known_better_than_the_steps():
    found = likelihood_interval(toy(600, np.linspace(1, 4, 25), slope=30.0), 0.01)
    assert 0 <= found.gamma_high - found.gamma_low < 0.1
    assert found.gamma_low - 0.1 <= found.fit.gamma <= found.gamma_high + 0.1


def test_no_more_signal_than_events():
    few = replace(toy(N_EVENTS - 40, np.array([2.5])), own=np.full(N_EVENTS, 5000.0), slope=np.zeros(N_EVENTS))
    found = likelihood_interval(few)
    assert found.fit.n_signal == pytest.approx(N_EVENTS, rel=1e-3)
    assert found.n_signal_high == pytest.approx(N_EVENTS, rel=1e-3)


@pytest.mark.parametrize("level", [0.0, 1.0, 90.0])
def test_a_level_that_is_none(level):
    with pytest.raises(PhysicsError, match="between 0 and 1"):
        likelihood_interval(toy(3, np.array([2.5])), level)
