"""Permuted times: what is drawn against every permutation, one by one."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from scipy.stats import chisquare

from nusky.likelihood.cells import ROW_N_RA, SourceCells
from nusky.likelihood.permutation import Permutation, bits, coarsened, permute, ticks

TURN, N_COLUMNS = 2.0, 4
WINDOWS = np.array([[2.0, 3.0], [3.0, 9.0]])
"""Of two sources, and of the rows of events that come near them."""
CELLS = SourceCells(
    np.arange(3), np.array([[0, 1], [0, 1], [1, 2]], np.int32), np.array([0, 1], np.int32), np.array([0, 2, 3]),
    np.array([1, 3, 2], np.int32),
)  # fmt: skip
PLACE = np.array([-1, 0, -1, 1, -1, -1, 2, -1], np.int32)
"""Columns 1 and 3 of the first row near the first source, column 2 of the second row near the second."""


def events(n_seasons, n_events):
    """Right ascensions and times of events, a season of times 1, 2, ... after the other."""
    ra = np.random.default_rng(1).uniform(0, 2 * np.pi, n_seasons * n_events)
    return ra, np.tile(np.arange(1.0, n_events + 1), n_seasons)


def drawn(rng, n_seasons, n_events, windows):
    """Pairs of an event and its new time: of each season the first two in the first row, the third in the second."""
    ra, mjd = events(n_seasons, n_events)
    first = np.arange(n_seasons) * n_events
    rows = [(k, k + 2, 0, s) for s, k in enumerate(first)], [(k + 2, k + 3, 1, s) for s, k in enumerate(first)]
    groups = np.array([group for season in zip(*rows, strict=True) for group in season])
    inside = np.array([t for t in mjd[:n_events] if any(low <= t <= high for low, high in windows)])
    moved = ticks(TURN * inside)
    order = np.argsort(moved)
    shift, coarse = coarsened(moved[order], n_events)
    coarse = np.tile(coarse, n_seasons), np.arange(n_seasons + 1) * len(coarse), np.full(n_seasons, shift)
    times, numbers = np.tile(inside[order], n_seasons), np.arange(n_seasons + 1) * len(inside)
    permutation = Permutation(
        groups, ticks(ra - TURN * mjd), times, np.tile(moved[order], n_seasons), numbers, *coarse,
        np.full(n_seasons, n_events), np.full(2, N_COLUMNS), np.array([0, N_COLUMNS]), PLACE, bits(PLACE >= 0),
        windows[[0, 0, 1]].astype(float),
    )  # fmt: skip
    state = rng.integers(2**64, dtype=np.uint64)
    chosen, cell, new, mjd = permute(state, permutation, CELLS.entries, CELLS.source, windows)
    return chosen, cell, new, mjd


def every(n_seasons, n_events, windows):
    """Share of each outcome of one season among all permutations of its times, season after season."""
    ra, mjd = events(n_seasons, n_events)
    for season in range(n_seasons):
        own, found = range(season * n_events, season * n_events + 3), Counter()
        for new in permutations(mjd[:n_events], 3):
            pairs = []
            for place, (i, t) in enumerate(zip(own, new, strict=True)):
                row, columns = (0, (1, 3)) if place < 2 else (1, (2,))
                column = int((ra[i] + TURN * (t - mjd[i])) % (2 * np.pi) * N_COLUMNS / (2 * np.pi))
                if windows[row, 0] <= t <= windows[row, 1] and column in columns:
                    pairs.append((i, t))
            found[frozenset(pairs)] += 1
        yield {outcome: count / found.total() for outcome, count in found.items()}


@pytest.mark.parametrize(
    ("n_seasons", "n_events", "windows"),
    [
        (1, 9, WINDOWS),
        (2, 5, WINDOWS),
        (2, 12, np.array([[2.0, 3.0], [3.0, 3.0]])),
        (1, 4, np.array([[0, 9.0]] * 2)),
        (2, 14, np.array([[2.0, 3.0], [3.0, 5.0]])),
        (1, 24, np.array([[2.0, 3.0], [3.0, 12.0]])),
    ],
    ids=["most times inside", "two seasons", "few times inside", "all times inside", "sparse", "sparse and long"],
)
def test_outcomes_are_those_of_all_permutations(n_seasons, n_events, windows):
    rng, n_trials = np.random.default_rng(2), 6_000
    skies = [drawn(rng, n_seasons, n_events, windows) for _ in range(n_trials)]
    for season, expected in enumerate(every(n_seasons, n_events, windows)):
        counts = Counter()
        for chosen, _, _, mjd in skies:
            pairs = zip(chosen.tolist(), mjd.tolist(), strict=True)
            counts[frozenset(pair for pair in pairs if pair[0] // n_events == season)] += 1
        assert counts.keys() <= expected.keys()
        outcomes = sorted(expected, key=expected.get)
        counted, wanted = (np.array([of.get(o, 0) for o in outcomes]) for of in (counts, expected))
        rare = wanted * n_trials < 10
        joint = [np.append(values[~rare], values[rare].sum()) for values in (counted, wanted * n_trials)]
        joint = [values[joint[1] > 0] for values in joint]
        assert len(joint[0]) > 3
        assert chisquare(*joint).pvalue > 1e-3


def test_seasons_are_permuted_apart():
    """What one season draws says nothing of another."""
    rng = np.random.default_rng(3)
    numbers = np.array([
        [(chosen < 5).sum(), (chosen >= 5).sum()] for chosen, *_ in (drawn(rng, 2, 5, WINDOWS) for _ in range(5000))
    ])  # fmt: skip
    assert abs(np.corrcoef(numbers.T)[0, 1]) < 4 / np.sqrt(5000)


def test_right_ascensions_follow_the_times_into_the_cells():
    rng, (ra, mjd) = np.random.default_rng(4), events(2, 12)
    for _ in range(200):
        chosen, cell, new, t = drawn(rng, 2, 12, WINDOWS)
        np.testing.assert_allclose(new, (ra[chosen] + TURN * (t - mjd[chosen])) % (2 * np.pi), atol=1e-8)
        column = (new * N_COLUMNS / (2 * np.pi)).astype(int)
        np.testing.assert_array_equal(CELLS.column[cell], column)
        np.testing.assert_array_equal(np.where(chosen % 12 < 2, 0, 1), (cell == 2).astype(int))


def test_a_sky_is_that_of_its_stream_whatever_was_drawn_before():
    first = drawn(np.random.default_rng(5), 2, 12, WINDOWS)
    for _ in range(3):
        drawn(np.random.default_rng(6), 2, 12, WINDOWS)
    for one, other in zip(first, drawn(np.random.default_rng(5), 2, 12, WINDOWS), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_inside", [20_000, 9_000, 2_000], ids=["all times inside", "many", "few"])
def test_as_many_events_come_near_as_their_times_bring_there(n_inside):
    """In a season of many times, most of which are looked up coarsely only."""
    n_events, looked_at, n_columns, rng = 20_000, 1_500, int(ROW_N_RA.max()), np.random.default_rng(7)
    mjd, ra = np.sort(rng.uniform(0, 400, n_events)), rng.uniform(0, 2 * np.pi, n_events)
    inside = mjd[:n_inside]
    moved = ticks(TURN * inside)
    order = np.argsort(moved)
    inside, moved = inside[order], moved[order]
    columns = np.sort(rng.choice(n_columns, 100, replace=False))
    place = np.full(n_columns, -1, np.int32)
    place[columns] = np.arange(100)
    shift, coarse = coarsened(moved, n_events)
    known = Permutation(
        np.array([[100, 100 + looked_at, 0, 0]]), ticks(ra - TURN * mjd), inside, moved, np.array([0, n_inside]),
        coarse, np.array([0, len(coarse)]), np.array([shift]), np.array([n_events]), np.array([n_columns]),
        np.array([0]), place, bits(place >= 0), np.tile([0.0, 400.0], (100, 1)),
    )  # fmt: skip
    entries, sources = np.tile(np.array([0, 1], np.int32), (100, 1)), np.zeros(1, np.int32)
    support = np.array([[0.0, 400.0]])
    after = (ra[100 : 100 + looked_at, None] + TURN * (inside - mjd[100 : 100 + looked_at, None])) % (2 * np.pi)
    near = np.isin((after * n_columns / (2 * np.pi)).astype(int), columns).sum(axis=1) / n_events
    numbers = []
    for _ in range(300):
        chosen, cell, new, t = permute(rng.integers(2**64, dtype=np.uint64), known, entries, sources, support)
        numbers.append(len(chosen))
        np.testing.assert_array_equal(columns[cell], (new * n_columns / (2 * np.pi)).astype(int))
        assert len(np.unique(chosen)) == len(chosen) == len(np.unique(t))
    assert shift > 0 or n_inside < n_events
    assert np.mean(numbers) == pytest.approx(near.sum(), abs=4 * np.sqrt(near.sum() / len(numbers)))
