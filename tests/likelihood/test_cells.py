import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from nusky.likelihood import cells
from tests import oracles
from tests.likelihood import near_world as world


def test_no_near_pair_is_missing_from_its_cell():
    seasons, sources = world.seasons(), world.sources()
    events, near = world.indexed(seasons), world.near_index(sources)
    reach_class, _ = cells.place(np.zeros(3), np.array([0.0, 1e-3, 4.0]))
    assert reach_class[0] == 0
    assert reach_class[2] == len(cells.CLASS_EDGES) - 1
    ra = world.joined(seasons, "ra")[events.order]
    chosen, place = near.cells.look_up(events.row_cell, events.n_ra, ra)
    listed = np.zeros((len(ra), len(sources)), bool)
    for i, cell in zip(chosen, place, strict=True):
        listed[events.order[i], near.cells.source[slice(*near.cells.entries[cell])]] = True
    wanted = world.weights(seasons, sources)[0].max(axis=2) > 0
    assert wanted.sum() > 1000
    assert not (wanted & ~listed).any()
    assert listed.mean() < 0.9  # it leaves out far ones


@pytest.mark.parametrize("n_sources", [1, 12, 400])
def test_lists_that_cells_share_name_all_that_their_own_would(monkeypatch, n_sources):
    """And nothing that random numbers are drawn for depends on them."""
    sources = world.sources(n_sources, seed=8)
    own = world.near_index(sources).cells
    monkeypatch.setattr(cells, "FEW_SOURCES", 0)
    shared = world.near_index(sources).cells
    for name in ("number", "row_start", "column"):
        np.testing.assert_array_equal(getattr(shared, name), getattr(own, name))
    for at in np.linspace(0, len(own.number) - 1, 3000).astype(int):
        few, more = (index.source[slice(*index.entries[at])] for index in (own, shared))
        assert (np.diff(more) > 0).all()
        assert np.isin(few, more).all()


def test_the_index_of_very_many_sources_is_small():
    """By source a few lists of each class, whatever its reach: a hundred thousand fit into 250 MiB."""
    n, draw = 2600, np.random.default_rng(1)
    index = cells.SourceCells.of_sources(draw.uniform(0, 6.28, n), np.arcsin(draw.uniform(-1, 1, n)), np.zeros(n))
    assert index.source.nbytes / n < 2.5e3
    few = cells.SourceCells.of_sources(draw.uniform(0, 6.28, 100), np.zeros(100), np.zeros(100))
    assert few.source.nbytes / 100 > 1e4


@settings(max_examples=200, deadline=None)
@given(st.floats(-1, 1), st.floats(0, 0.1), st.floats(1e-3, 3.1), st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_no_point_of_a_circle_lies_outside_its_window(sin_low, height, radius, sin_dec, at, turn):
    low = np.arcsin(sin_low)
    high, dec = min(low + height, np.pi / 2), np.arcsin(sin_dec)
    window = cells.widest_window(low, high, radius, dec)
    d, ra = low + at * (high - low), np.pi * turn
    if oracles.separation(ra, d, 0.0, dec) < radius * (1 - 1e-9):
        assert ra <= window


@given(st.floats(0, 2 * np.pi), st.floats(1e-9, np.pi), st.sampled_from([1, 180, 720]), st.floats(-1, 1))
def test_columns_hold_what_lies_within_their_window(ra, half_width, n_ra, where):
    first, last = cells.column_range(ra, half_width, n_ra)
    assert last - first < n_ra
    at = (ra + where * half_width * (1 - 1e-9)) % (2 * np.pi)
    column = min(int(at / (2 * np.pi) * n_ra), n_ra - 1)
    assert column in {c % n_ra for c in range(first, last + 1)}


def test_drawn_events_are_those_of_uniform_right_ascensions():
    seasons, sources = world.seasons(), world.sources(8)
    events, near = world.indexed(seasons), world.near_index(sources)
    index, n_skies = near.cells, 400
    groups = events.groups[np.diff(index.row_start)[events.groups[:, 2]] > 0]
    rng = np.random.default_rng(3)
    times, fractions, n_events = np.zeros(len(events.order)), [], len(events.order)
    for _ in range(n_skies):
        chosen, cell, ra = cells.draw(rng, groups, index.row_start, index.column)
        assert len(np.unique(chosen)) == len(chosen)
        times[chosen] += 1
        row_cell, n_ra = events.row_cell[chosen], events.n_ra[chosen].astype(np.int64)
        found, place = index.look_up(row_cell, n_ra, ra)
        np.testing.assert_array_equal(found, np.arange(len(chosen)))
        np.testing.assert_array_equal(place, cell)
        fractions.append(ra / (2 * np.pi) * n_ra % 1)
    assert kstest(np.concatenate(fractions), "uniform").pvalue > 1e-3
    # The chance of an event is the share of the columns of its row that hold sources.
    held = np.searchsorted(index.number, events.row_cell + events.n_ra) - np.searchsorted(index.number, events.row_cell)
    p = held / events.n_ra
    np.testing.assert_array_equal(times[p == 0], 0)
    np.testing.assert_array_equal(times[p == 1], n_skies)
    between = (p > 0) & (p < 1)
    assert between.sum() > 100
    score = (times[between] - n_skies * p[between]) ** 2 / (n_skies * p[between] * (1 - p[between]))
    assert abs(score.mean() - 1) < 5 * np.sqrt(2.5 / between.sum()) + 0.05
    assert times.sum() / n_skies == pytest.approx(p.sum(), abs=5 * np.sqrt(n_events / n_skies))


def test_events_are_sorted_by_cell():
    rng = np.random.default_rng(4)
    cell = rng.integers(0, 9, 90)
    by_cell, start = cells.sort_by_cell(cell, 9)
    np.testing.assert_array_equal(by_cell, np.argsort(cell, kind="stable"))
    np.testing.assert_array_equal(np.diff(start), np.bincount(cell, minlength=9))
