"""Pairs, their weights and the sums over them, against all events and sources without any index."""

import numpy as np
import pytest

from nusky.likelihood import cells, ratios
from nusky.likelihood.ratios import POWERS, Signal, near_ratios, series_limits
from nusky.likelihood.time import NO_PROFILES
from tests.likelihood import near_world as world

LIMITS = {"all large": 0.0, "all small": np.inf, "mixed": 3.0}
SINGLE = 3e-6
"""Relative error of what is worked out in single precision."""


def near(seasons, sources, density, limit, far=0.0, table=None):
    events, index = world.indexed(seasons), world.near_index(sources)
    ra = world.joined(seasons, "ra")[events.order]
    chosen, cell = index.cells.look_up(events.row_cell, events.n_ra, ra)
    empty = (chosen[:0], cell[:0], ra[:0], events.records[:0], ra[:0])
    n_spectra = density.shape[-1]
    share = np.random.default_rng(7).uniform(0.5, 1.5, (2, len(sources), n_spectra)).astype(np.float32)
    table = np.arange(len(sources)) if table is None else table
    far = np.full((len(seasons), n_spectra), far)
    signal = Signal(world.WIDTHS, np.ascontiguousarray(density, np.float32), table, share, far)
    limits = np.full(len(seasons), limit)
    arguments = events.records, ra[:0], empty, index.cells, index.sources, NO_PROFILES, signal, limits
    return near_ratios(chosen, cell, ra[chosen], *arguments), events, signal


def test_every_near_pair_has_its_weight_and_no_other_has_any():
    """Density 1 of source j and width m in spectrum 5 j + m only, so that the rows are the weights of the pairs."""
    seasons, sources = world.seasons(), world.sources()
    density = np.broadcast_to(np.eye(60).reshape(12, 1, 5, 60), (2, 12, 3, 5, 60))
    (rows, own, low), events, signal = near(seasons, sources, density, 0.0)
    expected, margin = world.weights(seasons, sources)
    assert margin.min() > 1e-6  # no pair so near the edge of its reach that rounding decides
    expected = expected[events.order].reshape(-1, 60)
    scale = signal.share[:, np.arange(60) // 5, np.arange(60)][events.records["response"]]
    expected = expected * scale
    kept = expected.max(axis=1) > 0
    np.testing.assert_array_equal(own, events.records["season"][kept])
    np.testing.assert_allclose(rows, expected[kept], rtol=1e-4, atol=1e-20)
    far_out = expected[kept] < 1e-4 * expected[kept].max(axis=1, keepdims=True)
    np.testing.assert_allclose(rows[~far_out], expected[kept][~far_out], rtol=SINGLE)
    np.testing.assert_array_equal(low, 0.0)


@pytest.mark.parametrize("limit", [0.0, 3.0])
def test_lists_that_cells_share_change_no_bit(monkeypatch, limit):
    """Nor do blocks of events that are cut short, as very many sources are near them."""
    seasons, sources = world.seasons(150), world.sources(1500, seed=9)
    density = np.random.default_rng(10).uniform(0.1, 2.0, (2, 1500, 3, 5, 2))
    (rows, own, low), _, _ = near(seasons, sources, density, limit)
    monkeypatch.setattr(cells, "FEW_SOURCES", 0)
    again, _, _ = near(seasons, sources, density, limit)
    for before, after in zip((rows, own, low), again, strict=True):
        np.testing.assert_array_equal(before, after)
    weight = world.weights(seasons, sources)[0]
    assert (weight > 0).any(axis=2).sum(axis=1).mean() * ratios._BLOCK > ratios._ROOM


@pytest.mark.parametrize("n_spectra", [1, 2, 8, 16])
@pytest.mark.parametrize("n_sources", [1, 12])
@pytest.mark.parametrize("kind", LIMITS)
def test_sums_of_powers_and_rows(n_spectra, n_sources, kind):
    seasons, sources = world.seasons(), world.sources(n_sources, seed=5)
    table = np.arange(n_sources) // 2  # two sources share one
    density = np.random.default_rng(6).uniform(0.1, 2.0, (2, table.max() + 1, 3, 5, n_spectra))
    (rows, own, low), events, signal = near(seasons, sources, density, LIMITS[kind], 0.25, table)
    weight, record = world.weights(seasons, sources)[0][events.order], events.records
    of_pair = (
        density[record["response"][:, None], table, record["bin"][:, None]]
        * signal.share[record["response"]][:, :, None]
    )
    ratio = np.einsum("ijm,ijmg->ig", weight, of_pair)
    touched = (weight > 0).any(axis=(1, 2))
    top = ratio.max(axis=1)
    large = touched & (top >= LIMITS[kind])
    np.testing.assert_array_equal(own, record["season"][large])
    np.testing.assert_allclose(rows, ratio[large], rtol=SINGLE, atol=1e-12)
    for k in range(2):
        chosen = touched & ~large & (record["season"] == k)
        for power in range(1, POWERS + 1):
            expected = (ratio[chosen] ** power).sum(axis=0)
            np.testing.assert_allclose(low[k, power - 1], expected, rtol=power * SINGLE)
        np.testing.assert_array_equal(low[k, POWERS], 0.25)  # far pairs


def test_the_series_is_good_to_what_its_limits_promise():
    shares, n_events = np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1000.0, 400.0])
    limits = np.empty(2)
    series_limits(100.0, shares, n_events, limits)
    x = 100 * np.array([0.5 / 1000, 0.75 / 400])
    r = limits * x / (1 - x)
    np.testing.assert_allclose(r, 0.012, rtol=1e-12)
    series = sum((-1) ** (p + 1) * r**p / p for p in range(1, POWERS + 1))
    np.testing.assert_allclose(series, np.log1p(r), atol=6e-11, rtol=0)
    series_limits(1e6, shares, n_events, limits)
    np.testing.assert_array_equal(limits, 0.0)  # n_s beyond a season: no series
