"""What sources add to a stack, against every pair of event and source in plain numpy."""

import numpy as np
import pytest

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import power_laws
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices
from nusky.search.hypothesis import Hypothesis
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources
from nusky.search.stack_sources import source_shares, trials_without, without_each
from tests import oracles

RA, DEC = np.array([1.0, 3.0, 1.02, 5.0]), np.array([-0.6, 0.5, -0.59, 0.1])
WEIGHTS = np.array([0.2, 0.4, 0.3, 0.1])
SIGMA = 0.012
FIXED = Indices(np.array([2.0]), free=False)


@pytest.fixture(scope="module")
def analysis():
    """Two seasons of 1500 events; some lie at the first, the second and between the first and the third source."""
    rng = np.random.default_rng(5)
    areas = {
        name: EffectiveArea(np.array([2.0, 9.0]), np.array([-np.pi / 2, 0.0, np.pi / 2]), np.array([[size, 3.0]]))
        for name, size in (("one", 1.0), ("two", 2.0))
    }
    made = []
    for name, livetime in (("one", 1.0), ("two", 2.5)):
        ra, dec = rng.uniform(0, 2 * np.pi, 1500), np.arcsin(rng.uniform(-1, 1, 1500))
        for first, j, n in ((0, 0, 8), (20, 1, 5), (30, 2, 4)):
            own = slice(first, first + n)
            ra[own], dec[own] = RA[j] + rng.normal(0, SIGMA, n) / np.cos(DEC[j]), DEC[j] + rng.normal(0, SIGMA, n)
        made.append(SeasonEvents.of_data((name, name, livetime), ra, dec, np.full(1500, SIGMA), None))
    return Analysis(tuple(made), areas, None)


def pairs(analysis, weights):
    """omega_jk r_ij of all pairs, (n_events, n_sources), and f_k and N_k of every event, by plain numpy."""
    expected = analysis.expected(DEC, power_laws(2.0))[:, 0] * weights
    ratios, f, n = [], [], []
    for k, season in enumerate(analysis.seasons):
        psi = oracles.separation(season.ra[:, None], season.dec[:, None], RA, DEC)
        density = psi / np.sin(psi) * np.exp(-(psi**2) / (2 * SIGMA**2)) / (2 * np.pi * SIGMA**2)
        ratios.append(expected[k] / expected[k].sum() * density * season.inverse_background[:, None])
        f += [expected[k].sum() / expected.sum()] * len(season)
        n += [len(season)] * len(season)
    return np.concatenate(ratios), np.array(f), np.array(n)


def fitted(analysis, weights):
    """n_s and TS of the maximum over n_s, by plain numpy."""
    ratios, f, n = pairs(analysis, weights)
    grid = np.linspace(0, 80, 8001)
    value = 2 * np.log1p(np.outer(grid, f / n) * (ratios.sum(axis=1) - 1)).sum(axis=1)
    return grid[np.argmax(value)], value.max()


@pytest.fixture(scope="module")
def experiment(analysis):
    return Experiment.of(analysis, Sources.of(RA, DEC, 0.0, WEIGHTS), FIXED, 3, ("stack",))


def order(experiment):
    """Numbers of the hypothesis' sources in `RA`."""
    return [int(np.argmin(np.abs(RA - ra))) for ra in experiment.hypothesis.sources.ra]


def test_shares_are_those_of_every_pair(analysis, experiment):
    n_signal = experiment.observed[0, 0]
    found = source_shares(experiment.hypothesis, n_signal, 2.0)
    ratios, f, n = pairs(analysis, WEIGHTS)
    x, total = n_signal * f / n, ratios.sum(axis=1)
    of_event = 2 * np.log1p(x * total / (1 - x))
    expected = (analysis.expected(DEC, power_laws(2.0))[:, 0] * WEIGHTS).sum(axis=0)
    expected /= expected.sum()
    near = ratios / np.maximum(total, 1e-300)[:, None]
    ts = near.T @ of_event + expected * (2 * np.log1p(-x)).sum()
    probability = x * total / (1 + x * (total - 1))
    signal = near.T @ probability + expected * (n_signal - probability.sum())
    own = order(experiment)
    np.testing.assert_allclose(found.expected, expected[own], rtol=1e-9)
    np.testing.assert_allclose(found.ts, ts[own], atol=0.02)
    np.testing.assert_allclose(found.n_signal, signal[own], atol=0.02)
    assert found.ts.sum() == pytest.approx(experiment.observed[0, 2], rel=1e-6)
    assert found.n_signal.sum() == pytest.approx(n_signal, rel=1e-6)
    assert own[int(np.argmax(found.ts))] == 2
    assert found.ts[own.index(3)] < 0  # nothing lies at the last source


def test_more_sources_than_are_looked_at_together(analysis):
    rng = np.random.default_rng(6)
    ra, dec = np.append(RA, rng.uniform(0, 2 * np.pi, 36)), np.append(DEC, np.arcsin(rng.uniform(-0.9, 0.9, 36)))
    hypothesis = Hypothesis.of(analysis, Sources.of(ra, dec), power_laws(2.0))
    found = source_shares(hypothesis, 20.0, 2.0)
    assert found.ts.sum() == pytest.approx(hypothesis.likelihood(hypothesis.data()).test_statistic(20.0, 0), rel=1e-6)
    assert found.n_signal.sum() == pytest.approx(20.0)
    assert set(hypothesis.sources.ra[np.argsort(-found.ts)[:3]]) == {1.0, 3.0, 1.02}


def test_no_signal_is_shared_by_nobody(experiment):
    found = source_shares(experiment.hypothesis, 0.0, 2.0)
    assert found.ts.tolist() == found.n_signal.tolist() == [0.0] * 4


def test_fits_without_a_source_are_those_of_the_others(analysis, experiment):
    found, own = without_each(experiment), order(experiment)
    for place, j in enumerate(own):
        n_signal, ts = fitted(analysis, np.where(np.arange(4) == j, 0.0, WEIGHTS))
        assert found[place, 0, 2] == pytest.approx(ts, abs=0.05)
        assert found[place, 0, 0] == pytest.approx(n_signal, abs=0.1)
    assert found[:, 0, 2].min() < experiment.observed[0, 2] - 10


def test_skies_without_a_source_are_those_of_the_others(analysis, experiment):
    place = order(experiment).index(0)
    left = Hypothesis.of(analysis, Sources.of(RA[1:], DEC[1:], 0.0, WEIGHTS[1:]), power_laws(2.0))
    sky = experiment.scrambled(4)
    without = experiment.hypothesis.without(place)
    ra = np.split(np.random.default_rng(7).uniform(0, 2 * np.pi, 3000), 2)
    assert without.fit(without.sky(ra)).ts == pytest.approx(left.fit(left.sky(ra)).ts, abs=1e-6)
    found = trials_without(experiment, [place, 3], range(3, 5))
    assert found.shape == (2, 2, 1)
    assert found[1, 0, 0] == pytest.approx(without.fit(sky).ts)


def test_of_a_single_source_nothing_is_left(analysis):
    alone = Experiment.of(analysis, Sources.of(RA[0], DEC[0]), FIXED, 3, ("source",))
    assert np.isnan(without_each(alone)).all()
    with pytest.raises(PhysicsError, match="without its source number 0"):
        alone.hypothesis.without(0)
