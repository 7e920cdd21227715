import numpy as np
import pytest
from scipy.stats import kstest, poisson

from nusky.search.sample import Sample
from nusky.search.spatial_injection import MIN_EVENTS, GaussianInjection
from tests import oracles

SOURCES = (np.array([0.01, 3.0]), np.radians([60.0, -30.0]), np.radians([0.0, 2.0]))


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    dec = np.arcsin(rng.uniform(-1, 1, 20_000))
    ang_err = np.radians(np.where(dec > 0, 0.5, 1.5))
    return Sample.of_data(("A", "A", 1.0), rng.uniform(0, 2 * np.pi, len(dec)), dec, ang_err, None)


def test_distances_follow_the_angular_error_and_the_extension(sample):
    draw = GaussianInjection([sample])
    for j in range(2):
        expected = np.zeros((1, 2))
        expected[0, j] = 4000
        [events] = draw(np.random.default_rng(2), SOURCES, expected, 2.0)
        psi = oracles.separation(events.ra, events.dec, SOURCES[0][j], SOURCES[1][j])
        assert set(np.round(np.degrees(events.ang_err), 6)) == {0.5 if j == 0 else 1.5}
        variance = events.ang_err**2 + SOURCES[2][j] ** 2
        assert kstest(psi**2 / (2 * variance), "expon").pvalue > 1e-3


def test_every_source_and_season_receives_its_number(sample):
    draw = GaussianInjection([sample, sample])
    expected = np.array([[30.0, 0.0], [5.0, 60.0]])
    numbers = np.array(
        [[len(events) for events in draw(np.random.default_rng(s), SOURCES, expected, 2.0)] for s in range(200)]
    ).sum(axis=0)
    low, high = poisson.interval(0.999, 200 * expected.sum(axis=1))
    assert (numbers >= low).all()
    assert (numbers <= high).all()
    [only_first, _] = draw(np.random.default_rng(3), SOURCES, expected, 2.0)
    assert oracles.separation(only_first.ra, only_first.dec, SOURCES[0][0], SOURCES[1][0]).max() < 0.1


def test_near_a_pole_the_band_is_widened(sample):
    few = sample.with_events(sample.ra[:30], np.linspace(-1, 0, 30), np.linspace(0.01, 0.04, 30), None)
    draw = GaussianInjection([few])
    pole = (np.zeros(1), np.array([np.pi / 2]), np.zeros(1))
    [events] = draw(np.random.default_rng(4), pole, np.full((1, 1), 2000.0), 2.0)
    assert len(set(events.ang_err)) == MIN_EVENTS
    assert events.ang_err.min() == few.ang_err[-MIN_EVENTS]
