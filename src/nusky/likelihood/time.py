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
_TURN = 2 * np.pi


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


class Permutation(NamedTuple):
    """What is known of the times that are permuted.

    Attributes
    ----------
    groups : (n_groups, 4) int64
        Events of one season, class and row stand together: first, end, number of the row over all classes, and season,
        of those groups whose events may come near a source while it shines; season after season.
    ra, mjd : (n_events,) float64, rad and d
        In the order of the sky's index.
    times, phase : (n_times,) float64, MJD and rad
        Those of all times of events at which a source may shine, season after season, and by how far right ascensions
        have moved then, modulo a turn, ascending in a season.
    first : (n_seasons + 1,) int64
        Where each season begins in them.
    buckets : (n_seasons, n_buckets + 1) int64
        Where each of equal parts of a turn begins among the phases of a season.
    most : (n_seasons, n_widths) int64
        Largest number of `times` whose phases fit into one column of a row, for each number of columns in
    widths : (n_widths,) int64
    n_events : (n_seasons,) int64
        All events of each season.
    turn : (n_seasons,) float64
        By which right ascensions move, rad per day.
    shining : (N_ROWS, 2) float64, MJD
        First and last time at which any of the sources that events of a row may be near shines.
    n_columns : (N_ROWS,) int64
        Columns of each row, `nusky.likelihood.cells.ROW_N_RA`.
    """

    groups: np.ndarray
    ra: np.ndarray
    mjd: np.ndarray
    times: np.ndarray
    phase: np.ndarray
    first: np.ndarray
    buckets: np.ndarray
    most: np.ndarray
    widths: np.ndarray
    n_events: np.ndarray
    turn: np.ndarray
    shining: np.ndarray
    n_columns: np.ndarray


@kernel()
def permute(rng, known, cells, support):
    """A sky with the times of every season permuted among its events: those that come near a source while it shines.

    The events swap their times one by one with one of those at their own place or behind it. As the order of the times
    is free, those at which no source shines stand first, as many as there are events to look at. Then no other time is
    ever moved, and an event gets one if it draws its place before any other does. So only such draws that come near a
    source are made, in steps from one to the next, and those of the same times by earlier events. Where the times of a
    season do not allow that, its events take one of those that are left in turn.

    Parameters
    ----------
    rng : numpy Generator
    known : Permutation
    cells : nusky.likelihood.cells.SourceCells
    support
        As in `Profiles`.

    Returns
    -------
    chosen, cell : (n,) int64; ra, mjd : (n,) float64
        As in `nusky.likelihood.cells.draw`, and the times.
    """
    groups, found, group = known.groups, 0, 0
    chosen, cell, placed = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty((2, 1024))
    while group < len(groups):
        k, last, n, slots, likely = groups[group, 3], group, 0, 0, 0.0
        total, free = known.n_events[k], known.first[k + 1] - known.first[k]
        while last < len(groups) and groups[last, 3] == k:
            size, own = groups[last, 1] - groups[last, 0], _slots(groups[last], known, cells)
            n, slots, likely = n + size, max(slots, own if own < free else 0), likely + size * own
            last += 1
        sparse = free + n <= total and total - n + 1 - slots >= 2 * n
        room = min(n, free)
        if sparse:  # ten standard deviations more than expected
            likely /= total - n + 1
            room = min(n, int(likely + 10 * np.sqrt(likely) + 100))
        if found + room > len(chosen):
            chosen, cell, placed = (
                _longer(chosen, found + room), _longer(cell, found + room), _wider(placed, found + room)
            )  # fmt: skip
        out, ends = (chosen[found:], cell[found:], placed[:, found:]), (group, last, n, slots)
        if sparse:
            found += _drawn(rng, k, ends, known, cells, support, out)
        else:
            found += _in_turn(rng, k, ends, known, cells, support, out)
        group = last
    return chosen[:found].copy(), cell[:found].copy(), placed[0, :found].copy(), placed[1, :found].copy()


@kernel(inner=True)
def _in_turn(rng, k, ends, known, cells, support, out):
    """Events of a season that each take one of the times that are left; the number of those in `out`."""
    group, last, n, _ = ends
    chosen, cell, placed = out
    found = 0
    # Each event takes one of the times that are left: a permutation, as far as it is looked at.
    left, free = known.n_events[k], known.first[k + 1] - known.first[k]
    place = np.full(known.n_columns.max(), -1)  # of the cells of a row, by column
    untaken = np.empty(free, np.int32)
    for i in range(free):
        untaken[i] = known.first[k] + i
    most = free / (left - n + 1)  # the largest part that `free` can become of `left`
    few = most < _FEW  # jump from one event that may get such a time to the next
    steps = -1.0 / np.log1p(-most) if few else 0.0
    most = most if few else 1.0
    for own in range(group, last):
        start, stop, row = known.groups[own, 0], known.groups[own, 1], known.groups[own, 2]
        for c in range(cells.row_start[row], cells.row_start[row + 1]):
            place[cells.column[c]] = c
        i = start - 1
        while True:
            i += 1 + (int(rng.standard_exponential() * steps) if few else 0)
            if i >= stop:
                break
            at = int(rng.random() * most * (left - (i - start)))
            if at >= free:
                continue
            t = known.times[untaken[at]]
            free -= 1
            untaken[at] = untaken[free]
            if t < known.shining[row, 0] or t > known.shining[row, 1]:
                continue
            new = _moved(i, t, k, known)
            near = place[_column(new, row, known)]
            if near >= 0 and _any_shines(t, near, cells, support):
                chosen[found], cell[found], placed[0, found], placed[1, found] = i, near, new, t
                found += 1
        for c in range(cells.row_start[row], cells.row_start[row + 1]):
            place[cells.column[c]] = -1
        left -= stop - start
    return found


@kernel(inner=True)
def _drawn(rng, k, ends, known, cells, support, out):
    """Events of a season that draw a time near a source before all others; the number of those in `out`."""
    group, last, n, slots = ends
    chosen, cell, placed = out
    begin, n_times, total = known.first[k], known.first[k + 1] - known.first[k], known.n_events[k]
    least = total - n + 1  # times that an event can draw from
    number, rank = np.empty(len(chosen), np.int32), np.empty(len(chosen), np.int64)
    drawn = np.full(n_times, -1, np.int32)  # the first draw of each time: first its place among those found
    found, before, distinct = 0, 0, 0
    at = np.empty(len(chosen), np.int32)
    for own in range(group, last):
        start, stop, row = known.groups[own, 0], known.groups[own, 1], known.groups[own, 2]
        n_slots = _slots(known.groups[own], known, cells)
        first, in_column = cells.row_start[row], _most(row, k, known)
        steps = -1.0 / np.log1p(-n_slots / least)
        i = start - 1
        while True:
            i += 1 + int(rng.standard_exponential() * steps)
            if i >= stop:
                break
            slot = int(rng.random() * n_slots)
            if rng.random() * (total - before - (i - start)) >= least:
                continue
            if n_slots < n_times:
                column = cells.column[first + slot // in_column]
                slot, low = slot % in_column, _first_in(column, i, row, k, known)
                if slot >= (_first_in(column + 1, i, row, k, known) - low) % n_times:
                    continue
                slot = (low + slot) % n_times
            if found == len(chosen):
                continue
            t = known.times[begin + slot]
            new = _moved(i, t, k, known)
            near = _near(t, new, row, known, cells, support)
            chosen[found], cell[found], placed[0, found], placed[1, found] = i, near, new, t
            number[found], rank[found] = slot, before + i - start
            if drawn[slot] < 0:
                drawn[slot], at[distinct] = found, slot
                distinct += 1
            found += 1
        before += stop - start
    if not found:
        return 0
    # Of the times that were found, the rank of the first event that drew them.
    for d in range(distinct):
        drawn[at[d]] = rank[drawn[at[d]]]
    bound, before, passed = least - slots, 0, 0
    steps = -1.0 / np.log1p(-distinct / bound)
    for own in range(group, last):
        start, stop, row = known.groups[own, 0], known.groups[own, 1], known.groups[own, 2]
        i = start - 1
        while True:
            i += 1 + int(rng.standard_exponential() * steps)
            if i >= stop:
                break
            slot = at[int(rng.random() * distinct)]
            order = before + i - start
            while passed < found and rank[passed] < order:
                passed += 1
            if drawn[slot] <= order or (passed < found and rank[passed] == order):
                continue
            if _slots(known.groups[own], known, cells) == n_times:
                continue  # an event that drew any of the times was found
            limit = rng.random() * (total - order)
            if limit * (1 - _slots(known.groups[own], known, cells) / (total - order)) >= bound:
                continue
            count, among = _in_columns(slot, i, row, k, known, cells)
            if not among and limit * (1 - count / (total - order)) < bound:
                drawn[slot] = order
        before += stop - start
    kept = 0
    for c in range(found):
        if drawn[number[c]] == rank[c] and cell[c] >= 0:
            chosen[kept], cell[kept], placed[0, kept], placed[1, kept] = chosen[c], cell[c], placed[0, c], placed[1, c]
            kept += 1
    return kept


@kernel(inner=True)
def _most(row, k, known):
    """Largest number of times in a column of a row."""
    width = 0
    while known.widths[width] != known.n_columns[row]:
        width += 1
    return known.most[k, width]


@kernel(inner=True)
def _slots(group, known, cells):
    """Draws to choose from, at least as many as times that bring an event of a group near a source."""
    row, k = group[2], group[3]
    return min(
        (cells.row_start[row + 1] - cells.row_start[row]) * _most(row, k, known), known.first[k + 1] - known.first[k]
    )


@kernel(inner=True)
def _moved(i, t, k, known):
    """Right ascension of the event `i` at the time `t`, rad in [0, 2 pi)."""
    new = known.ra[i] + known.turn[k] * (t - known.mjd[i])
    return new - _TURN * np.floor(new / _TURN)


@kernel(inner=True)
def _column(ra, row, known):
    return min(int(ra * known.n_columns[row] / _TURN), known.n_columns[row] - 1)


@kernel(inner=True)
def _first_in(column, i, row, k, known):
    """Place among the times of a season, by phase, of the first that brings the event `i` into a column."""
    phase = column % known.n_columns[row] * _TURN / known.n_columns[row] - known.ra[i] + known.turn[k] * known.mjd[i]
    phase -= _TURN * np.floor(phase / _TURN)
    bucket = min(int(phase * (known.buckets.shape[1] - 1) / _TURN), known.buckets.shape[1] - 2)
    low, high = known.buckets[k, bucket], known.buckets[k, bucket + 1]
    while low < high:
        middle = (low + high) // 2
        if known.phase[known.first[k] + middle] < phase:
            low = middle + 1
        else:
            high = middle
    return low


@kernel(inner=True)
def _near(t, ra, row, known, cells, support):
    """The cell of a row at a right ascension, if it has sources of which one shines at the time `t`; else -1."""
    if t < known.shining[row, 0] or t > known.shining[row, 1]:
        return -1
    column, low, high = _column(ra, row, known), cells.row_start[row], cells.row_start[row + 1]
    end = high
    while low < high:
        middle = (low + high) // 2
        if cells.column[middle] < column:
            low = middle + 1
        else:
            high = middle
    return low if low < end and cells.column[low] == column and _any_shines(t, low, cells, support) else -1


@kernel(inner=True)
def _in_columns(slot, i, row, k, known, cells):
    """Number of the times of a season that bring the event `i` into columns of a row with sources, and whether the time
    at the place `slot` does."""
    n_times, count, among = known.first[k + 1] - known.first[k], 0, False
    c, end = cells.row_start[row], cells.row_start[row + 1]
    while c < end:
        low = _first_in(cells.column[c], i, row, k, known)
        while c + 1 < end and cells.column[c + 1] == cells.column[c] + 1:
            c += 1
        size = (_first_in(cells.column[c] + 1, i, row, k, known) - low) % n_times
        count += size
        among = among or (slot - low) % n_times < size
        c += 1
    return count, among


@kernel(inner=True)
def _any_shines(t, cell, cells, support):
    """Whether a source that events in a cell may be near shines at the time `t` [MJD]."""
    for entry in range(cells.entries[cell, 0], cells.entries[cell, 1]):
        j = cells.source[entry]
        if support[j, 0] <= t <= support[j, 1]:
            return True
    return False


@kernel(inner=True)
def _longer(values, needed):
    more = np.empty(max(needed, 2 * len(values)), values.dtype)
    for i in range(len(values)):  # a slice takes seconds to compile
        more[i] = values[i]
    return more


@kernel(inner=True)
def _wider(values, needed):
    more = np.empty((len(values), max(needed, 2 * values.shape[1])))
    for i in range(len(values)):
        for j in range(values.shape[1]):
            more[i, j] = values[i, j]
    return more
