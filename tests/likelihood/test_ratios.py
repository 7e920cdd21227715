"""Pairs, their weights and the sums over them, against all events and sources without any index."""

import numpy as np
import pytest

from nusky.likelihood.ratios import POWERS, near_ratios, series_limits
from nusky.likelihood.time import NO_PROFILES
from tests.likelihood import near_world as world

LIMITS = {"all large": (0.0, 0.0), "all tiny": (np.inf, np.inf), "all small": (0.0, np.inf), "mixed": (0.3, 20.0)}


def near(seasons, sources, densities, limits, far=0.0):
    events, index = world.indexed(seasons), world.near_index(sources)
    ra = world.joined(seasons, "ra")[events.order]
    chosen, cell = index.cells.look_up(events.records["row"], events.records["n_ra"], ra)
    empty = (chosen[:0], cell[:0], ra[:0], events.records[:0], ra[:0])
    table = np.repeat(np.asarray(limits, dtype=float)[:, None], len(seasons), axis=1)
    response = np.arange(len(seasons))
    far = np.full((len(seasons), densities.shape[3]), far)
    largest = densities.max(axis=(2, 3))
    arguments = events.records, ra[:0], empty, index.cells, index.sources, NO_PROFILES
    arguments += densities, largest, response, far, table
    return near_ratios(chosen, cell, ra[chosen], *arguments), events, index


def test_every_near_pair_has_its_weight_and_no_other_has_any():
    """Density 1 of source j in spectrum j only, so that the rows are the weights of the pairs."""
    seasons, sources = world.seasons(), world.sources()
    densities = np.zeros((2, 3, 12, 12))
    densities[:, :] = np.eye(12)
    (rows, own, low), events, index = near(seasons, sources, densities, (0.0, 0.0))
    expected, margin = world.weights(seasons, sources, index.tails)
    assert margin.min() > 1e-6  # no pair so near the edge of its reach that rounding decides
    expected = expected[events.order]
    kept = expected.max(axis=1) > 0
    np.testing.assert_array_equal(own, events.records["season"][kept])
    np.testing.assert_array_equal(rows > 0, expected[kept] > 0)
    np.testing.assert_allclose(rows, expected[kept], rtol=1e-8)
    np.testing.assert_array_equal(low, 0.0)


@pytest.mark.parametrize("n_spectra", [1, 2, 3, 4, 13])
@pytest.mark.parametrize("n_sources", [1, 12])
@pytest.mark.parametrize("kind", LIMITS)
def test_sums_of_powers_and_rows(n_spectra, n_sources, kind):
    seasons, sources = world.seasons(), world.sources(n_sources, seed=5)
    densities = np.random.default_rng(6).uniform(0.1, 2.0, (2, 3, n_sources, n_spectra))
    limits = LIMITS[kind]
    (rows, own, low), events, index = near(seasons, sources, densities, limits, far=0.25)
    weight = world.weights(seasons, sources, index.tails)[0][events.order]
    record = events.records
    ratio = np.einsum("ij,ijg->ig", weight, densities[record["response"], record["energy_bin"]])
    touched = ratio.max(axis=1) > 0
    # For one source the limit is held against the largest density of its bin.
    top = ratio.max(axis=1)
    large = touched & (top >= limits[1])
    np.testing.assert_array_equal(own, record["season"][large])
    np.testing.assert_allclose(rows, ratio[large], rtol=1e-8)
    tiny = touched & (top < limits[0])
    for k in range(2):
        for power in range(1, POWERS + 1):
            chosen = touched & ~large & (record["season"] == k)
            if n_sources > 1 and power > 3:
                chosen &= ~tiny
            expected = (ratio[chosen] ** power).sum(axis=0) + (0.25 if power == 1 else 0.0)
            np.testing.assert_allclose(low[k, power - 1], expected, rtol=1e-7)


def test_the_series_is_good_to_what_its_limits_promise():
    shares, n_events = np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1000.0, 400.0])
    limits = np.empty((2, 2))
    series_limits(100.0, shares, n_events, limits)
    x = 100 * np.array([0.5 / 1000, 0.75 / 400])
    y = x / (1 - x)
    np.testing.assert_allclose(limits[0] * y, 1e-3, rtol=1e-12)
    np.testing.assert_allclose(limits[1] * y, 0.02, rtol=1e-12)
    for limit, powers in ((limits[0], 3), (limits[1], 6)):
        r = limit * y
        series = sum((-1) ** (p + 1) * r**p / p for p in range(1, powers + 1))
        np.testing.assert_allclose(series, np.log1p(r), atol=5e-13, rtol=0)
    series_limits(1e6, shares, n_events, limits)
    np.testing.assert_array_equal(limits, 0.0)  # n_s beyond a season: no series
