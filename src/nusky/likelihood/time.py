"""How the flux of sources changes with time: the factor that a pair of an event and a source gets for its time.

    w -> w s(t) |R|,   s(t) = T(t) / integral of T over the good runs R of the season

T is the profile of the source in any unit. For a steady source the factor is 1 (Braun et al., Astropart. Phys. 33
(2010) 175, arXiv:0912.1572).
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.compile import kernel

STEADY, BOX, GAUSSIAN, DECAY, CURVE = range(5)
_FEW = 0.25
"""Share of the times that are looked at up to which events without one are jumped over."""


class Profiles(NamedTuple):
    """Profiles of the sources of a hypothesis; without sources all of them are steady.

    Attributes
    ----------
    kind : (n_sources,) int64, one of STEADY, BOX, GAUSSIAN, DECAY, CURVE
    parameter : (n_sources, 3) float64
        Start and stop; centre and width; start, timescale and power. Times in MJD, widths in days.
    first : (n_sources + 1,) int64
        Where the bins of a light curve begin in
    edge, flux : (n_bins,) float64
        Start of each bin [MJD] and the flux in it; the last bin of a curve only ends it.
    scale : (n_seasons, n_sources) float64, d over the integral of T
        |R| / integral of T over R; 0 where the profile has none.
    support : (n_sources, 2) float64, MJD
        First and last time at which T is not 0 or negligible.
    """

    kind: np.ndarray
    parameter: np.ndarray
    first: np.ndarray
    edge: np.ndarray
    flux: np.ndarray
    scale: np.ndarray
    support: np.ndarray


NO_PROFILES = Profiles(
    np.empty(0, np.int64),
    np.empty((0, 3)),
    np.zeros(1, np.int64),
    np.empty(0),
    np.empty(0),
    np.empty((0, 0)),
    np.empty((0, 2)),
)


@kernel()
def shape(t, j, profiles):
    """T of the source number `j` at the time `t` [MJD]; edges belong to a box, and to the bin that begins there."""
    kind = profiles.kind[j]
    a, b, c = profiles.parameter[j, 0], profiles.parameter[j, 1], profiles.parameter[j, 2]
    if kind == BOX:
        return 1.0 if a <= t <= b else 0.0
    if kind == GAUSSIAN:
        z = (t - a) / b
        return np.exp(-0.5 * z * z)
    if kind == DECAY:
        return (1.0 + (t - a) / b) ** -c if t > a else 0.0
    if kind == CURVE:
        low, high = profiles.first[j], profiles.first[j + 1] - 1
        if t < profiles.edge[low] or t > profiles.edge[high]:
            return 0.0
        while high - low > 1:
            middle = (low + high) // 2
            if profiles.edge[middle] <= t:
                low = middle
            else:
                high = middle
        return profiles.flux[low]
    return 1.0


@kernel()
def multiply(n, first, mjd, event, events, source, profiles, weight):
    """Multiply every `weight` (n_widths, >= n) of the first `n` pairs by s(t) |R|.

    Parameters
    ----------
    first : int
        Number of the block's first event in
    mjd : (n_events,) float64
    event, source : (>= n,) int64
        Numbers of the event in the block and of the source.
    events : (n_block,) EVENT
        The events of the block.
    """
    for p in range(n):
        j = source[p]
        factor = np.float32(profiles.scale[events[event[p]].season, j] * shape(mjd[first + event[p]], j, profiles))
        for m in range(len(weight)):
            weight[m, p] *= factor


@kernel()
def permute(rng, groups, ra, mjd, times, first, n_events, turn, shining, n_columns, cells, support):
    """A sky with the times of every season permuted among its events: those that come near a source while it shines.

    Only times at which a source may shine are known one by one, only events that get one cost more than a step.

    Parameters
    ----------
    rng : numpy Generator
    groups : (n_groups, 4) int64
        Events of one season, class and row stand together: first, end, number of the row over all classes, and season,
        of those groups whose events may come near a source while it shines; season after season.
    ra, mjd : (n_events,) float64, rad and d
        In the order of the sky's index.
    times : (n_times,) float64
        Those of all times of events at which a source may shine, season after season.
    first : (n_seasons + 1,) int64
        Where each season begins in `times`.
    n_events : (n_seasons,) int64
        All events of each season.
    turn : (n_seasons,) float64
        By which right ascensions move, rad per day.
    shining : (N_ROWS, 2) float64, MJD
        First and last time at which any of the sources that events of a row may be near shines.
    n_columns : (N_ROWS,) int64
        Columns of each row, `nusky.likelihood.cells.ROW_N_RA`.
    cells : nusky.likelihood.cells.SourceCells
    support
        As in `Profiles`.

    Returns
    -------
    chosen, cell : (n,) int64; ra, mjd : (n,) float64
        As in `nusky.likelihood.cells.draw`, and the times.
    """
    whole = 2 * np.pi
    found, group = 0, 0
    chosen, cell, placed = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty((2, 1024))
    place = np.full(n_columns.max(), -1)  # of the cells of a row, by column
    untaken = np.empty(np.diff(first).max(), np.int32)
    while group < len(groups):
        k, last, n = groups[group, 3], group, 0
        while last < len(groups) and groups[last, 3] == k:
            n += groups[last, 1] - groups[last, 0]
            last += 1
        # Each event takes one of the times that are left: a permutation, as far as it is looked at.
        left, free = n_events[k], first[k + 1] - first[k]
        for i in range(free):
            untaken[i] = first[k] + i
        most = free / (left - n + 1)  # the largest part that `free` can become of `left`
        few = most < _FEW  # jump from one event that may get such a time to the next
        steps = -1.0 / np.log1p(-most) if few else 0.0
        most = most if few else 1.0
        for own in range(group, last):
            start, stop, row = groups[own, 0], groups[own, 1], groups[own, 2]
            begin, end, n_ra = cells.row_start[row], cells.row_start[row + 1], n_columns[row]
            for c in range(begin, end):
                place[cells.column[c]] = c
            i = start - 1
            while True:
                i += 1 + (int(rng.standard_exponential() * steps) if few else 0)
                if i >= stop:
                    break
                at = int(rng.random() * most * (left - (i - start)))
                if at >= free:
                    continue
                t = times[untaken[at]]
                free -= 1
                untaken[at] = untaken[free]
                if t < shining[row, 0] or t > shining[row, 1]:
                    continue
                new = ra[i] + turn[k] * (t - mjd[i])
                new -= whole * np.floor(new / whole)
                near = place[min(int(new * n_ra / whole), n_ra - 1)]
                if near < 0 or not _any_shines(t, near, cells, support):
                    continue
                if found == len(chosen):
                    chosen, cell, placed = _twice(chosen), _twice(cell), _wider(placed)
                chosen[found], cell[found], placed[0, found], placed[1, found] = i, near, new, t
                found += 1
            left -= stop - start
            for c in range(begin, end):
                place[cells.column[c]] = -1
        group = last
    return chosen[:found], cell[:found], placed[0, :found].copy(), placed[1, :found].copy()


@kernel()
def _any_shines(t, cell, cells, support):
    """Whether a source that events in a cell may be near shines at the time `t` [MJD]."""
    for entry in range(cells.entries[cell, 0], cells.entries[cell, 1]):
        j = cells.source[entry]
        if support[j, 0] <= t <= support[j, 1]:
            return True
    return False


@kernel()
def _twice(values):
    more = np.empty(2 * len(values), values.dtype)
    more[: len(values)] = values
    return more


@kernel()
def _wider(values):
    more = np.empty((len(values), 2 * values.shape[1]))
    more[:, : values.shape[1]] = values
    return more
