from dataclasses import replace

import numpy as np
import pytest

from nusky.search.far_pairs import EXTENSIONS, far_ratios
from nusky.search.season import SeasonEvents
from tests import oracles

WIDTHS = (0.4, 0.8, 1.5, 3.0, 7.0)
CONTENT = np.array([0.1, 0.3, 0.3, 0.2, 0.05, 0.05])
"""Of each width, and beyond all."""
SOURCE_DEC = np.radians([-40.0, 3.0, 55.0])
TABLE = np.arange(3)
WEIGHT = np.array([[[0.5, 0.1], [0.3, 0.1], [0.2, 0.8]]])
"""By source and spectrum."""
ONE = np.zeros(1, dtype=np.int64)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    n = 10_000
    ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
    season = SeasonEvents.of_data(("a", "r", 1.0), ra, dec, np.radians(rng.uniform(0.3, 1, n)), None)
    return replace(season, reach=np.full((1, 1, 1), 30.0))


def densities(*by_bin):
    """The same for all sources and spectra."""
    made = CONTENT[:, None] * np.ones((1, 3, len(by_bin), 6, 2))
    return made * np.array(by_bin)[:, None, None]


@pytest.mark.parametrize("extension", EXTENSIONS[[0, 5]])
def test_far_pairs_add_the_mean_over_all_right_ascensions(sample, extension):
    sources = SOURCE_DEC, np.full(3, extension), TABLE
    found = far_ratios([sample], ONE, sources, WIDTHS, densities(1.0), WEIGHT)
    offset = np.radians(np.arange(0.1, 180, 0.2))
    expected = np.zeros((1, 2))
    for dec, weight in zip(SOURCE_DEC, WEIGHT[0], strict=True):
        close = np.abs(sample.dec - dec) < np.radians(40)
        psi = oracles.separation(offset, sample.dec[close, None], 0.0, dec)
        near = 4 * np.sin(psi / 2) ** 2 <= sample.near[close, None] + 16 * extension**2
        far = np.zeros(close.sum())
        for width, content in zip(WIDTHS, CONTENT[:-1], strict=True):
            variance = (width * sample.ang_err[close, None]) ** 2 + extension**2
            signal = np.exp(-(psi**2) / (2 * variance)) / (2 * np.pi * variance)
            far += content * np.where(near, 0.0, signal).mean(axis=1)
        beyond = np.abs(np.sin(sample.dec) - np.sin(dec)) < 0.1
        lost = CONTENT[-1] * sample.inverse_background[beyond].sum() / (4 * np.pi * 0.1)
        expected[0] += weight * (far @ sample.inverse_background[close] + lost)
    np.testing.assert_allclose(found, expected, rtol=0.04)


def test_responses_and_bins_have_their_own_densities(sample):
    binned = replace(sample, bin=np.arange(len(sample)) % 2, reach=np.full((1, 1, 2), 30.0))
    sources = SOURCE_DEC, np.zeros(3), TABLE
    [one] = far_ratios([sample], ONE, sources, WIDTHS, densities(1.0), WEIGHT)
    two = np.concatenate([np.zeros((1, 3, 2, 6, 2)), densities(1.0, 3.0)])
    shares = np.repeat(WEIGHT, 2, axis=0)
    none, both = far_ratios([binned, binned], np.array([0, 1]), sources, WIDTHS, two, shares)
    np.testing.assert_array_equal(none, 0.0)
    np.testing.assert_allclose(both, 2 * one, rtol=0.05)


def test_sources_may_share_a_table(sample):
    near = SOURCE_DEC[0] + np.radians([0.0, 0.0, 0.0])
    apart = far_ratios([sample], ONE, (near, np.zeros(3), TABLE), WIDTHS, densities(1.0), WEIGHT)
    shared = far_ratios([sample], ONE, (near, np.zeros(3), 0 * TABLE), WIDTHS, densities(1.0), WEIGHT)
    np.testing.assert_allclose(shared, apart, rtol=1e-12)
