import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from nusky.likelihood.fit import N_LOW
from nusky.likelihood.near_stack import EVENT, draw_cells, stack_ratios
from nusky.likelihood.separation import unit_vectors
from nusky.likelihood.spatial import spherical_gaussian
from tests import oracles

N_RA = 12
COLUMNS = {0: [2], 1: [0, 1, 5, 11], 2: [], 3: [0, 2, 3, 4, 5, 6, 7, 9, 10], 4: list(range(N_RA))}
"""Columns with sources by row: few, so that the draw jumps, none, many, so that it tries each, and all."""


@pytest.fixture(scope="module")
def skies():
    n_columns = [len(columns) for columns in COLUMNS.values()]
    key_start = np.cumsum([0, *n_columns])
    key_column = np.concatenate(list(COLUMNS.values())).astype(np.int32)
    group_start, group_key = np.array([0, 50, 120, 130, 200, 220]), np.arange(5)
    rng = np.random.default_rng(1)
    n_ra = np.full(5, N_RA)
    found = [draw_cells(rng, group_start, group_key, key_start, key_column, n_ra) for _ in range(3000)]
    return np.repeat(group_key, np.diff(group_start)), found


def test_every_event_is_drawn_as_often_as_its_row_has_cells_with_sources(skies):
    row, found = skies
    drawn = np.bincount(np.concatenate([chosen for chosen, _ in found]), minlength=len(row))
    probability = np.array([len(COLUMNS[r]) for r in row]) / N_RA
    certain = (probability == 0) | (probability == 1)
    np.testing.assert_array_equal(drawn[certain], (probability * len(found))[certain])
    spread = np.sqrt(len(found) * probability * (1 - probability))
    pull = (drawn - len(found) * probability)[~certain] / spread[~certain]
    assert abs(pull.mean()) < 4 / np.sqrt(len(pull))
    assert pull.std() == pytest.approx(1, abs=0.2)
    assert all((np.diff(chosen) > 0).all() for chosen, _ in found)


@pytest.mark.parametrize("row", [0, 1, 3, 4])
def test_right_ascensions_are_uniform_in_the_cells_with_sources(skies, row):
    rows, found = skies
    ra = np.concatenate([ra[rows[chosen] == row] for chosen, ra in found])
    place = ra / (2 * np.pi) * N_RA
    count = np.bincount(place.astype(int), minlength=N_RA)
    assert set(np.flatnonzero(count)) == set(COLUMNS[row])
    assert chisquare(count[COLUMNS[row]]).pvalue > 1e-4 or len(COLUMNS[row]) == 1
    assert kstest(place % 1, "uniform").pvalue > 1e-4


@pytest.fixture(scope="module")
def stack():
    """300 events of 3 seasons and 2 responses, 7 sources; one cell lists them all."""
    rng = np.random.default_rng(2)
    n, n_sources, n_bins, n_gammas = 300, 7, 4, 3
    dec, ra = np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(0, 2 * np.pi, n)
    width = np.radians(rng.uniform(0.5, 40, n))
    events = np.zeros(n, EVENT)
    events["sin_dec"], events["cos_dec"], events["variance"] = np.sin(dec), np.cos(dec), width**2
    events["tail_ratio"], events["tail_share"] = 4.0, np.where(np.arange(n) % 3 == 0, 0.2, 0.0)
    events["inverse_background"] = rng.uniform(5, 20, n)
    events["reach"], events["n_ra"] = 1e9, 1
    events["energy_bin"] = rng.integers(0, n_bins, n)
    events["season"] = rng.integers(0, 3, n)
    events["response"] = events["season"] % 2
    source = rng.uniform(0, 2 * np.pi, n_sources), np.arcsin(rng.uniform(-1, 1, n_sources))
    extension = np.radians([0, 0, 1, 0, 3, 0, 0.5])
    densities = rng.uniform(0, 1, (2, n_bins, n_sources, n_gammas))
    psi = oracles.separation(ra[:, None], dec[:, None], *source)
    own, tail = width[:, None] ** 2 + extension**2, 4 * width[:, None] ** 2 + extension**2
    core, wide = (np.vectorize(spherical_gaussian)(psi, v) for v in (own, tail))
    spatial = core + events["tail_share"][:, None] * (wide - core)
    energy = densities[events["response"], events["energy_bin"]]
    ratios = np.einsum("ij,ijg,i->ig", spatial, energy, events["inverse_background"])
    sources = np.column_stack((unit_vectors(*source), extension**2))
    cells = np.array([0, n_sources], dtype=np.int32), np.arange(n_sources, dtype=np.int32)
    return (np.arange(n), ra, events, *cells, sources, densities), ratios


def test_ratios_are_the_sum_over_all_sources_by_season(stack):
    arguments, expected = stack
    ratios, begin, low = stack_ratios(*arguments, np.zeros(3))
    season = arguments[2]["season"]
    np.testing.assert_array_equal(np.diff(begin), np.bincount(season, minlength=3))
    np.testing.assert_allclose(ratios.T, expected[np.argsort(season, kind="stable")], rtol=1e-8, atol=1e-12)
    assert not low.any()


def test_small_ratios_are_summed_as_powers(stack):
    arguments, expected = stack
    season, limit = arguments[2]["season"], np.array([0.5, 1.0, 2.0])
    ratios, begin, low = stack_ratios(*arguments, limit)
    small = expected.max(axis=1) < limit[season]
    assert 20 < small.sum() < 280
    np.testing.assert_array_equal(np.diff(begin), np.bincount(season[~small], minlength=3))
    assert ratios.sum() == pytest.approx(expected[~small].sum(), rel=1e-9)
    for k in range(3):
        mine = expected[small & (season == k)]
        for p in range(N_LOW):
            np.testing.assert_allclose(low[:, k, p], (mine ** (p + 1)).sum(axis=0), rtol=1e-8)


def test_an_event_without_sources_in_its_cell_is_left_out(stack):
    arguments, _ = stack
    empty = np.zeros(2, dtype=np.int32)
    ratios, begin, low = stack_ratios(*arguments[:3], empty, *arguments[4:], np.zeros(3))
    assert ratios.shape == (3, 0)
    assert not begin.any()
    assert not low.any()
