"""From pairs of events and sources to the density ratios that the likelihood needs.

The ratio of event i at the spectrum g is r_i(g) = sum_jm w_ijm D_jmg, over the sources j near it and the widths m of
the point spread: w_ijm from `nusky.likelihood.terms`, D_jmg the share of the source times its density in the event's
bin of energy and AngErr. Most ratios are small, and only the sums of their powers count (`nusky.likelihood.fit`). Large
ratios are kept one by one.
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.lanes import N_WIDTHS, add_powers, fetch, sum_pairs
from nusky.likelihood.terms import EXTENSION_REACH, direction, pair_weights
from nusky.likelihood.time import multiply

FIRST_BOUND = 32.0
"""Largest n_s for which small ratios of a source are summed at first; a sky with more signal is looked at again."""
POWERS = 4
SUMS = POWERS + 1
"""Numbers that a season has for each spectrum: the sums of powers of the small ratios, and that of the far pairs."""
SERIES = 0.012
"""Ratios with y r below it enter through sums of powers, with an error of ln L below SERIES^5/5 = 5e-11 each."""
_BLOCK = 256
"""Events worked on at a time: they and their pairs stay in the caches of a core."""
_ROOM = 1 << 14
"""Sources to look at for them, about: a block of events with more is cut short."""


class Signal(NamedTuple):
    """What the detector makes of the signal of some sources.

    Attributes
    ----------
    widths : n_widths numbers
        Of the point spread, in units of AngErr.
    density : (n_responses, n_tables, n_bins, at least n_widths, n_spectra) float32
        Density of energy and AngErr of each of the widths, per dex and bin.
    table : (n_sources,) int64
        The table of each source.
    share : (n_responses, n_sources, n_spectra) float32
        Of each source in the signal.
    far : (n_seasons, n_spectra) float64
        Sum of the ratios of far pairs.
    """

    widths: tuple[float, ...]
    density: np.ndarray
    table: np.ndarray
    share: np.ndarray
    far: np.ndarray


@kernel()
def series_limits(bound, shares, n_events, limits):
    """Set `limits` (n_seasons,) to the largest ratios of which sums of powers hold up to n_s = `bound`; `shares` is
    (n_spectra, n_seasons)."""
    for k in range(len(n_events)):
        most = 0.0
        for g in range(len(shares)):
            most = max(most, shares[g, k])
        x = bound * most / n_events[k]
        limits[k] = np.inf if x == 0.0 else SERIES * max(0.0, 1.0 - x) / x


@kernel(inner=True)
def add_events(n, events, stop, weight, source, signal, limits, low, rows, seasons, found):
    """Take in a block of events.

    Parameters
    ----------
    n : int
        Number of events.
    events : (>= n,) EVENT
    stop : (>= n,) int64
        Where the pairs of each end in `weight` (n_widths, n_pairs) and `source` (n_pairs,), those of the next begin.
    signal : Signal
    limits : see `series_limits`
    low : (n_seasons, SUMS, n_spectra) float64
        Sums of powers of r; added to.
    rows : (>= found + n, n_spectra), seasons : (>= found + n,)
        Large ratios and their seasons.

    Returns
    -------
    The new number `found` of large ratios.
    """
    n_spectra, density, table, share = rows.shape[1], signal.density, signal.table, signal.share
    n_tables, n_bins, n_sources, row = density.shape[1], density.shape[2], share.shape[1], density.shape[3] * n_spectra
    held, n_held, season, first = np.empty((n + 1, n_spectra), np.float32), 0, 0, 0
    n_pairs = stop[n - 1] if n > 0 else 0
    rows_at, shares_at = np.empty(n_pairs, np.int64), np.empty(n_pairs, np.int64)
    for b in range(n):
        r, e = np.int64(events[b].response), np.int64(events[b].bin)
        for p in range(first, stop[b]):
            j = source[p]
            rows_at[p] = ((r * n_tables + table[j]) * n_bins + e) * row
            shares_at[p] = (r * n_sources + j) * n_spectra
            fetch(density, rows_at[p], N_WIDTHS * n_spectra)
        first = stop[b]
    first = 0
    for b in range(n):
        last = stop[b]
        if last == first:
            continue
        k = np.int64(events[b].season)
        if k != season:
            add_powers(held, n_held, low, season * SUMS * n_spectra, n_spectra)
            n_held, season = 0, k
        at, limit = n_held * n_spectra, np.float32(limits[season])
        if sum_pairs(held, at, density, rows_at, share, shares_at, weight, first, last, n_spectra, limit):
            seasons[found] = season
            for g in range(n_spectra):
                rows[found, g] = held[n_held, g]
            found += 1
        else:
            n_held += 1
        first = last
    add_powers(held, n_held, low, season * SUMS * n_spectra, n_spectra)
    return found


@kernel()
def grown(needed, rows, seasons):
    """`rows` and `seasons` with room for at least `needed`."""
    if needed <= len(rows):
        return rows, seasons
    more = max(needed, 2 * len(rows))
    new_rows, new_seasons = np.empty((more, rows.shape[1])), np.empty(more, np.int64)
    for i in range(len(rows)):
        new_seasons[i] = seasons[i]
        for g in range(rows.shape[1]):
            new_rows[i, g] = rows[i, g]
    return new_rows, new_seasons


@kernel()
def near_ratios(chosen, cell, ra, events, mjd, extra, cells, sources, profiles, signal, limits):
    """Ratios of the events near the sources of a hypothesis in one sky.

    Parameters
    ----------
    chosen, cell : (n_chosen,) int64; ra : (n_chosen,) float64, rad
        Events to look at, the places of their cells in `cells`, and their right ascensions.
    events : (n_events,) EVENT
    mjd : (n_chosen,) float64
        Times of the events to look at; without `profiles` none.
    extra : (5,) tuple
        `chosen`, `cell`, `ra`, `events` and `mjd` of injected events.
    cells : SourceCells
    sources : (n_sources, 4) float64
        Unit vectors and extension^2 [rad^2].
    profiles : nusky.likelihood.time.Profiles
    signal : Signal
    limits
        As in `add_events`.

    Returns
    -------
    rows : (n_large, n_spectra); seasons : (n_large,); low : (n_seasons, SUMS, n_spectra)
    """
    n_seasons, n_spectra = signal.far.shape
    low = np.zeros((n_seasons, SUMS, n_spectra))
    for k in range(n_seasons):
        for g in range(n_spectra):
            low[k, POWERS, g] = signal.far[k, g]
    rows, seasons = np.empty((256, n_spectra)), np.empty(256, np.int64)
    found = np.int64(0)  # a literal would be compiled by itself
    for part in ((chosen, cell, ra, events, mjd), extra):
        rows, seasons, found = _add_near(part, cells, sources, profiles, signal, limits, low, rows, seasons, found)
    return rows[:found], seasons[:found], low


@kernel(inner=True)
def _add_near(part, cells, sources, profiles, signal, limits, low, rows, seasons, found):
    chosen, cell, ra, events, mjd = part
    local, stop, entries = np.empty(_BLOCK, events.dtype), np.empty(_BLOCK, np.int64), np.empty((_BLOCK, 2), np.int64)
    most, n_widths, timed = 0, len(signal.widths), len(profiles.kind) > 0
    pairs, room, weight = np.empty((2, 0)), np.empty((5, 0), np.float32), np.empty((n_widths, 0), np.float32)
    source, event, exponent = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)
    block = np.int64(0)
    while block < len(chosen):
        # Far apart in memory, so looked up together: the processor waits for all of them at once.
        size, needed, touched = 0, 1, 0
        while size < min(_BLOCK, len(chosen) - block) and (needed < _ROOM or size == 0):
            local[size] = events[chosen[block + size]]
            own = cell[block + size]
            entries[size, 0], entries[size, 1] = cells.entries[own, 0], cells.entries[own, 1]
            needed += entries[size, 1] - entries[size, 0]
            touched += cells.source[entries[size, 0]]
            size += 1
        if needed > most or touched < 0:
            most = 2 * needed
            pairs, room = np.empty((2, most)), np.empty((5, most), np.float32)
            weight, exponent = np.empty((n_widths, most), np.float32), np.empty(most, np.int32)
            source, event = np.empty(most, np.int64), np.empty(most, np.int64)
        for i in range(block + size, min(block + size + _BLOCK, len(chosen))):
            fetch(events, chosen[i], 1)
            fetch(cells.entries, 2 * cell[i], 2)
        chord, extension = pairs[0], pairs[1]
        n_pairs = np.int64(0)
        for b in range(size):
            known = local[b]
            x, y = direction(known.cos_dec, ra[block + b])
            z = known.sin_dec
            for entry in range(entries[b, 0], entries[b, 1]):
                j = cells.source[entry]
                if timed and not profiles.support[j, 0] <= mjd[block + b] <= profiles.support[j, 1]:
                    continue
                c = 2.0 * (1.0 - (x * sources[j, 0] + y * sources[j, 1] + z * sources[j, 2]))
                chord[n_pairs], extension[n_pairs] = max(c, 0.0), sources[j, 3]
                source[n_pairs], event[n_pairs] = j, b
                n_pairs += 1 if c <= known.reach + EXTENSION_REACH * sources[j, 3] else 0
            stop[b] = n_pairs
        pair_weights(n_pairs, chord, extension, event, local, signal.widths, room, exponent, weight)
        if timed:
            multiply(n_pairs, block, mjd, event, local, source, profiles, weight)
        rows, seasons = grown(found + size, rows, seasons)
        found = add_events(size, local, stop, weight, source, signal, limits, low, rows, seasons, found)
        block += size
    return rows, seasons, found
