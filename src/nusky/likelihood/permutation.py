"""Skies in which the times of a season are permuted among its events, as far as they come near a source that shines.

Right ascensions follow the sky's turn, or stay in a cone. Whether an event may come near a source with the time that it
draws is read from what stays in the processor's nearest memory; what is far is looked up for the few that may.
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.cells import ROW_N_RA
from nusky.likelihood.compile import kernel

_FEW = 0.25
"""Part of the times left that those in windows may be, up to which events that get none of them are jumped over."""
_COARSEST = 5
"""So that the coarse steps of the times of a season stay in the processor's nearest memory."""
_STEP = np.uint64(0x9E3779B97F4A7C15)
"""Of the states of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195)."""
_TURN = 2 * np.pi
TICKS = 2**32
"""Of a turn: where permuted times lead events is counted in them, 1.5e-9 rad each."""


class Permutation(NamedTuple):
    """What is known of the times that are permuted.

    Attributes
    ----------
    groups : (n_groups, 4) int64
        Events of one season, class and row stand together: first, end, number of the row over all classes, and season,
        of those groups whose events may come near a source while it shines; season after season.
    origin : (n_events,) uint32
        Where each event would have come from at the time 0, its right ascension in `TICKS` of a turn, in the order of
        the sky's index.
    times, moved : (n_times,) float64, MJD, and uint32
        Those of all times of events at which a source may shine, season after season, and by how many ticks right
        ascensions have moved then, ascending in a season.
    first : (n_seasons + 1,) int64
        Where each season begins in them.
    coarse : (n_coarse,) uint32; first_coarse : (n_seasons + 1,) int64; shift : (n_seasons,) int64
        Every (2^shift)-th of `moved` of a season, so many that none differs from the next by more than a column is
        wide; and where each season begins in them.
    n_events : (n_seasons,) int64
        All events of each season.
    n_columns, row_place : (N_ROWS,) int64
        Columns of each row, `nusky.likelihood.cells.ROW_N_RA`, and where the columns of a row with sources begin in
    place : (n_columns of all these rows,) int32
        Number of the cell of a column, -1 where it has no sources.
    occupied : (n,) uint64
        A bit for each of these columns: whether it has sources.
    hull : (n_cells, 2) float64, MJD
        First and last time at which any of the sources in the list of a cell shines.
    """

    groups: np.ndarray
    origin: np.ndarray
    times: np.ndarray
    moved: np.ndarray
    first: np.ndarray
    coarse: np.ndarray
    first_coarse: np.ndarray
    shift: np.ndarray
    n_events: np.ndarray
    n_columns: np.ndarray
    row_place: np.ndarray
    place: np.ndarray
    occupied: np.ndarray
    hull: np.ndarray


def ticks(angle: np.ndarray) -> np.ndarray:
    """Angles [rad] as whole numbers, of which `TICKS` are a turn; uint32, so that sums stay within a turn."""
    turn = angle / _TURN
    return np.floor((turn - np.floor(turn)) * TICKS).astype(np.int64).astype(np.uint32)


def coarsened(moved: np.ndarray, n_events: int) -> tuple[int, np.ndarray]:
    """`shift` and `coarse` of a `Permutation`, from `moved` of a season (n_times,) and the number of its events."""
    narrowest = TICKS // ROW_N_RA.max()
    for shift in range(_COARSEST, -1, -1):
        number = np.minimum(np.arange((n_events >> shift) + 2) << shift, max(len(moved) - 1, 0))
        coarse = moved[number] if len(moved) else np.zeros(len(number), np.uint32)
        if shift == 0 or np.diff(coarse.astype(np.int64)).max() < narrowest:
            break
    return shift, coarse


def bits(flags: np.ndarray) -> np.ndarray:
    """Booleans (n_flags,) as bits, the first one the lowest of the first word; (n_words,) uint64."""
    packed = np.packbits(flags, bitorder="little")
    return np.append(packed, np.zeros(-len(packed) % 8, np.uint8)).view("<u8")


@kernel()
def permute(state, known, entries, sources, support):
    """A sky with the times of every season permuted among its events: those that come near a source while it shines.

    Each event draws one of the times of its season until it is one that no other has: a permutation, as far as it is
    looked at. Where few times lie in windows, steps lead from one event that may get such a time to the next.

    Parameters
    ----------
    state : uint64
        A random number of 64 bits, from which all others are made.
    known : Permutation
    entries, sources
        As in `nusky.likelihood.cells.SourceCells`.
    support
        As in `Profiles`.

    Returns
    -------
    chosen, cell : (n,) int64; ra, mjd : (n,) float64
        As in `nusky.likelihood.cells.draw`, and the times.
    """
    groups, found, last = known.groups, 0, 0
    chosen, cell, placed = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty((2, 1024))
    taken = np.empty(int(known.n_events.max()) // 64 + 1, np.uint64)
    while last < len(groups):
        first, season, n = last, groups[last, 3], 0
        while last < len(groups) and groups[last, 3] == season:
            n += groups[last, 1] - groups[last, 0]
            last += 1
        begin, end, total = known.first[season], known.first[season + 1], known.n_events[season]
        waiting, own, taken[:] = np.empty((4, n + 1), np.int64), groups[first:last], 0
        most = (end - begin) / (total - n + 1)  # the largest part of the times left that those in windows can become
        if most < _FEW:
            n, state = _some(state, most, own, total, end - begin, taken, waiting)
        else:
            coarse = known.coarse[known.first_coarse[season] : known.first_coarse[season + 1]]
            n, state = _each(
                state, own, total, end - begin, coarse, known.shift[season], known.origin, known.row_place,
                known.n_columns, known.occupied, taken, waiting,
            )  # fmt: skip
        chosen, cell, placed = _room(found, n, chosen, cell, placed)
        found = _shining(
            n, waiting, known.origin, known.moved[begin:end], known.times[begin:end], known.row_place, known.n_columns,
            known.place, known.hull, entries, sources, support, found, chosen, cell, placed,
        )  # fmt: skip
    return chosen[:found].copy(), cell[:found].copy(), placed[0, :found].copy(), placed[1, :found].copy()


@kernel(inner=True)
def _some(state, most, groups, left, n_times, taken, waiting):
    """Let the few events that get a time in a window, `most` of those `left` at most, take it: as `_each`."""
    free, n = n_times, 0
    steps = 1.0 / np.log1p(-most)
    for own in range(len(groups)):
        start, stop = groups[own, 0], groups[own, 1]
        i = start + int(np.log(1.0 - _mixed(state)) * steps)
        while i < stop:
            if _mixed(state + _STEP) * most * (left - (i - start)) < free:
                slot = np.uint64(_mixed(state + np.uint64(2) * _STEP) * n_times)
                while taken[slot >> np.uint64(6)] >> (slot & np.uint64(63)) & np.uint64(1):
                    state += _STEP
                    slot = np.uint64(_mixed(state + np.uint64(2) * _STEP) * n_times)
                taken[slot >> np.uint64(6)] |= np.uint64(1) << (slot & np.uint64(63))
                free -= 1
                waiting[0, n], waiting[1, n], waiting[2, n] = i, slot, groups[own, 2]
                n += 1
            state += np.uint64(3) * _STEP
            i += 1 + int(np.log(1.0 - _mixed(state)) * steps)
        state += _STEP
        left -= stop - start
    return n, state


@kernel(inner=True)
def _each(state, groups, n_events, n_times, coarse, shift, origin, row_place, row_columns, occupied, taken, waiting):
    """Let each event of the groups of a season draw a time until it is one that is not taken.

    In steps for all events of a group: none has to wait for what is far in memory, nor guess what it will be.

    Returns
    -------
    n : int
        Number of events in `waiting`, among them all that come near a source if it shines: their number, that of the
        time among those in windows, and the row.
    """
    n, largest, one, six, low = np.uint64(0), 0, np.uint64(1), np.uint64(6), np.uint64(63)
    for own in range(len(groups)):
        largest = max(largest, groups[own, 1] - groups[own, 0])
    event, drawn = np.empty(largest + 1, np.int64), np.empty(largest, np.uint64)
    within, turn, shift, half = np.uint64(n_times), np.uint64(TICKS - 1), np.uint64(shift), np.uint64(32)
    for own in range(len(groups)):
        start, row, left = groups[own, 0], groups[own, 2], groups[own, 1] - groups[own, 0]
        columns, n_columns = np.uint64(row_place[row]), np.uint64(row_columns[row])
        for e in range(left):
            event[e] = start + e
        while left:
            for e in range(left):
                drawn[e] = np.uint64(_mixed(state + np.uint64(e) * _STEP) * n_events)
            state += np.uint64(left) * _STEP
            again = np.uint64(0)
            for e in range(left):
                i, slot = event[e], drawn[e]
                before = taken[slot >> six]
                taken[slot >> six] = before | one << (slot & low)
                rejected = before >> (slot & low) & one
                event[again] = i
                again += rejected
                begin = columns + ((np.uint64(origin[i] + coarse[slot >> shift]) & turn) * n_columns >> half)
                end = columns + ((np.uint64(origin[i] + coarse[(slot >> shift) + one]) & turn) * n_columns >> half)
                near = (occupied[begin >> six] >> (begin & low)) | (occupied[end >> six] >> (end & low))
                waiting[0, n], waiting[1, n], waiting[2, n] = i, slot, row
                n += near & (one ^ rejected) & np.uint64(slot < within)
            left = np.int64(again)
    return np.int64(n), state


@kernel(inner=True)
def _mixed(state):
    """A number in [0, 1) from each of states that are a `_STEP` apart: SplitMix64.

    A call of the Generator costs as much as all else that is done for an event.
    """
    state += _STEP
    mixed = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@kernel(inner=True)
def _shining(
    n, waiting, origin, moved, times, row_place, row_columns, place, hull, entries, sources, support, found, chosen,
    cell, placed,
):  # fmt: skip
    """Add the first `n` events that wait to those found, as far as they come near a source that shines; the number of
    these."""
    near, kept = waiting[2], 0
    for w in range(n):
        i, slot, row = waiting[0, w], waiting[1, w], waiting[2, w]
        ra = np.uint64(origin[i] + moved[slot]) & np.uint64(TICKS - 1)
        waiting[0, kept], waiting[1, kept], waiting[3, kept] = i, slot, ra
        near[kept] = place[row_place[row] + np.int64(ra * np.uint64(row_columns[row]) >> np.uint64(32))]
        kept += near[kept] >= 0
    n, kept = kept, 0
    for w in range(n):
        slot, own = waiting[1, w], near[w]
        waiting[0, kept], waiting[1, kept], waiting[3, kept], near[kept] = waiting[0, w], slot, waiting[3, w], own
        kept += (hull[own, 0] <= times[slot]) & (times[slot] <= hull[own, 1])
    for w in range(kept):
        t, own = times[waiting[1, w]], near[w]
        if entries[own, 1] - entries[own, 0] == 1 or _any_shines(t, entries[own, 0], entries[own, 1], sources, support):
            chosen[found], cell[found] = waiting[0, w], own
            placed[0, found], placed[1, found] = waiting[3, w] * (_TURN / TICKS), t
            found += 1
    return found


@kernel(inner=True)
def _any_shines(t, first, end, sources, support):
    """Whether any of the `sources` from `first` to `end` shines at the time `t` [MJD]."""
    for entry in range(first, end):
        j = sources[entry]
        if support[j, 0] <= t <= support[j, 1]:
            return True
    return False


@kernel(inner=True)
def _room(found, n, chosen, cell, placed):
    """The same with room for `n` more."""
    if found + n < len(chosen):
        return chosen, cell, placed
    more = 2 * (found + n + 1)
    one, two, three = np.empty(more, np.int64), np.empty(more, np.int64), np.empty((2, more))
    for i in range(found):  # a slice takes seconds to compile
        one[i], two[i], three[0, i], three[1, i] = chosen[i], cell[i], placed[0, i], placed[1, i]
    return one, two, three
