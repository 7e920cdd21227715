from dataclasses import replace

import numpy as np
import pytest

from nusky.search.far_pairs import far_ratios, source_tails
from nusky.search.season import SeasonEvents
from tests import oracles

TAIL = 0.03
SOURCE_DEC = np.radians([-40.0, 3.0, 55.0])
WEIGHT = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
"""By index and source."""
ONE = np.zeros(1, dtype=np.int64)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    n = 40_000
    ra, dec = rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n))
    return SeasonEvents.of_data(("a", "r", 1.0), ra, dec, np.radians(rng.uniform(0.8, 3, n)), None)


@pytest.mark.parametrize(("tail_ratio", "tail_share"), [(1.0, 0.0), (6.0, 0.3), (0.5, 0.1)])
def test_far_pairs_add_the_mean_over_all_right_ascensions(sample, tail_ratio, tail_share):
    n = len(sample)
    sample = replace(sample, tail_ratio=np.full(n, tail_ratio), tail_share=np.full(n, tail_share))
    tails = np.array([TAIL, TAIL, 8 * TAIL])
    found = far_ratios([sample], ONE, SOURCE_DEC, tails, WEIGHT.T[None, None])
    widths = sample.width**2, tail_ratio * sample.width**2
    widest = np.maximum(*widths)
    offset = np.radians(np.arange(0.15, 180, 0.3))
    expected = np.zeros((1, 2))
    for dec, tail, weight in zip(SOURCE_DEC, tails, WEIGHT.T, strict=True):
        close = np.abs(sample.dec - dec) < np.radians(40)
        psi = oracles.separation(offset, sample.dec[close, None], 0.0, dec)
        signal = np.zeros_like(psi)
        for share, variance in zip((1 - tail_share, tail_share), widths, strict=True):
            variance = variance[close, None]
            signal += share * np.exp(-(psi**2) / (2 * variance)) / (2 * np.pi * variance)
        radius = np.sqrt(2 * np.log(2 / (widest * tail)) * widest)
        far = np.where(psi > radius[close, None], signal, 0.0).mean(axis=1)
        expected[0] += weight * (far @ sample.inverse_background[close])
    np.testing.assert_allclose(found, expected, rtol=0.03)


def test_responses_and_energy_bins_have_their_own_densities(sample):
    n = len(sample)
    binned = replace(sample, energy_bin=np.arange(n) % 2)
    tails, two = np.full(3, TAIL), np.zeros((2, 2, 3, 2))
    [one] = far_ratios([sample], ONE, SOURCE_DEC, tails, WEIGHT.T[None, None])
    two[1] = WEIGHT.T * np.array([1.0, 3.0])[:, None, None]
    none, both = far_ratios([binned, binned], np.array([0, 1]), SOURCE_DEC, tails, two)
    np.testing.assert_array_equal(none, 0.0)
    np.testing.assert_allclose(both, 2 * one, rtol=0.05)


def test_sources_with_small_shares_have_fewer_near_pairs():
    np.testing.assert_array_equal(source_tails(np.ones(1)), TAIL)
    omega = np.array([0.9, 0.05, 0.01, 1e-6])
    found = source_tails(omega)
    limit = TAIL / (2 * omega)  # the root of four sources
    assert found[0] == TAIL
    assert (found[1:] <= limit[1:] * (1 + 1e-6)).all()
    assert (2 * found[1:] > limit[1:]).all()
    np.testing.assert_array_equal(np.log2(found / TAIL) % 1, 0)
