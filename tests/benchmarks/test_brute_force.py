"""The brute force and nusky's search compute the same thing, so that their times may be compared."""

import numpy as np
import pytest

from benchmarks import brute_force, search
from benchmarks.measure import Clock
from benchmarks.sample import ready_made, ten_years


@pytest.fixture(scope="module")
def sample():
    return ten_years(event_fraction=1e-3)


@pytest.fixture(scope="module")
def sources():
    return ready_made("wcda-hess")


def test_stack_is_the_same(sample, sources):
    thin, phi0 = sources.thinned(8), search.PHI0_PER_EV[::20]
    results = search.stack(sample, thin, phi0, Clock())
    n_signal, ts = brute_force.stack(sample, thin, phi0, Clock(), n_energies=100_000)
    assert n_signal.shape == (8, 50)
    assert np.isfinite(ts).sum() > 200
    assert np.isnan(ts).any()
    for h, result in enumerate(results):
        # The effective area jumps at the edges of its bins, where a trapezoid is off by up to a step's width.
        np.testing.assert_allclose(n_signal[h], result.n_signal, rtol=3e-4)
        comparable = np.isfinite(ts[h]) & np.isfinite(result.test_statistic)
        np.testing.assert_allclose(ts[h][comparable], result.test_statistic[comparable], rtol=2e-3, atol=1e-8)


def test_test_statistic_is_the_same_for_the_same_weights(sample, sources):
    """Without the trapezoids' error: n_s and weights from the exact integrals."""
    phi0 = search.PHI0_PER_EV[::20]
    results = search.stack(sample, sources, phi0, Clock())
    events = sample.together()
    season = np.repeat(np.arange(len(sample.seasons)), [len(s.ra) for s in sample.seasons])
    weights = np.stack([result.expected.source_weights for result in results])
    ratio = brute_force.stacked_signal(
        events.ra, events.dec, events.ang_err, season, sources.ra, sources.dec, weights
    ) / brute_force.background_density(events.dec)
    ts = brute_force.mixture_ts(ratio, np.stack([result.n_signal for result in results]))
    np.testing.assert_allclose(ts, np.stack([result.test_statistic for result in results]), rtol=1e-10, atol=1e-9)


def test_trapezoids_approach_the_exact_integrals(sample, sources):
    thin, phi0 = sources.thinned(40), np.array([1e-30])
    exact = np.array([result.n_signal for result in search.stack(sample, thin, phi0, Clock())])
    errors = []
    for n_energies in (10_000, 300_000):
        n_signal, _ = brute_force.stack(sample, thin, phi0, Clock(), n_energies=n_energies)
        errors.append(np.abs(n_signal / exact - 1).max())
    assert errors[1] < errors[0] / 5
    assert errors[1] < 1e-4


def test_single_sources_are_the_same(sample, sources):
    result = search.single_sources(sample, sources.ra, sources.dec, Clock())
    n_band, best, largest = brute_force.single_sources(sample, sources.ra, sources.dec, Clock())
    np.testing.assert_array_equal(n_band, result.n_band)
    np.testing.assert_array_equal(best, result.ns_best)
    np.testing.assert_allclose(largest, result.ts_max, rtol=1e-9, atol=1e-12)
    assert (best > 1).any()
