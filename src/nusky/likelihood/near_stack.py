"""Density ratios of the events near a stack of sources.

The sky is divided into cells that know which sources an event of a given angular error may be near; a scrambled sky
draws random numbers only for events that fall into such a cell. Pairs of event and source are worked on in blocks, so
that the exponentials run over contiguous numbers.
"""

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import N_LOW
from nusky.likelihood.near import gaussians_of_chords, signal_of_chord

EVENT = np.dtype(
    {
        "names": (
            "sin_dec",
            "cos_dec",
            "variance",
            "tail_ratio",
            "tail_share",
            "inverse_background",
            "reach",
            "row",
            "n_ra",
            "energy_bin",
            "response",
            "season",
        ),
        "formats": ("f8", "f8", "f8", "f8", "f8", "f8", "f4", "i4", "i2", "i2", "i2", "i2"),
    }
)
"""What a scrambled event keeps, one cache line: `variance` is s^2 of the core [rad^2], `tail_ratio` s^2 of the tail
over it, `tail_share` the share of the tail, `inverse_background` 1/B, `reach` the largest psi^2/s^2 kept, s^2 the
larger of both, `row` the first cell of its row in the grid of its class of angular error, `n_ra` the number of cells
of that row."""
_BLOCK = 128
"""Events worked on at a time: they and their pairs with sources stay in the first cache."""
_N_ARCS = 720
"""Arcs of right ascension for cosines and sines; `_cos_sin` is exact for arcs below 2 deg."""
_CHORD = 0.3
"""Largest squared chord of `gaussians_of_chords`."""


@kernel()
def draw_cells(rng, group_start, group_key, key_start, key_column, key_n_ra):
    """Events that fall into a cell with sources in reach when right ascensions are uniform, and where.

    Parameters
    ----------
    rng : numpy Generator
    group_start : (n_groups + 1,) int64
        Events of one class and row stand together; where each such group begins.
    group_key : (n_groups,) int64
        Class and row of the group.
    key_start : (n_keys + 1,) int64; key_column : int32; key_n_ra : (n_keys,) int64
        Columns of cells with sources in reach, by class and row, and the number of all columns.

    Returns
    -------
    chosen : (n_near,) int64, ra : (n_near,) float64, rad
    """
    # Room for all: memory that is never written to is never taken.
    chosen, ra = np.empty(group_start[-1], np.int64), np.empty(group_start[-1])
    found = 0
    for group in range(len(group_key)):
        key = group_key[group]
        first, n_ra = key_start[key], key_n_ra[key]
        n_columns, width = key_start[key + 1] - first, 2 * np.pi / n_ra
        i, stop = group_start[group], group_start[group + 1]
        if 0 < n_columns < 0.4 * n_ra:  # few are chosen: jump from one to the next
            steps = -1.0 / np.log1p(-n_columns / n_ra)
            i += int(rng.standard_exponential() * steps)
            while i < stop:
                place = rng.random() * n_columns
                column = int(place)
                chosen[found] = i
                ra[found] = (key_column[first + column] + place - column) * width
                found += 1
                i += 1 + int(rng.standard_exponential() * steps)
        elif n_columns > 0:
            while i < stop:
                place = rng.random() * n_ra
                column = int(place)
                if column < n_columns:
                    chosen[found] = i
                    ra[found] = (key_column[first + column] + place - column) * width
                    found += 1
                i += 1
    return chosen[:found], ra[:found]


@kernel()
def stack_ratios(chosen, ra, events, cell_start, cell_source, sources, densities, smallest):
    """Density ratios of the events near a stack, and power sums of the small ones.

    Parameters
    ----------
    chosen : (n_chosen,) int64; ra : (n_chosen,) float64, rad
        Events to look at, and their right ascensions.
    events : (n_events,) EVENT
    cell_start : (n_cells of all classes + n_classes,) int32; cell_source : (n_entries,) int32
        Sources that an event of a class of angular error inside a cell of the sky may be near.
    sources : (n_sources, 4) float64
        cos(dec) cos(ra), cos(dec) sin(ra), sin(dec), extension^2 [rad^2].
    densities : (n_responses, n_bins, n_sources, n_gammas) float64
        Weight of the source times its signal energy density.
    smallest : (n_seasons,) float64
        Events whose ratio stays below it at every index go to the power sums.

    Returns
    -------
    ratios : (n_gammas, n_near), their begin by season, low : (n_gammas, n_seasons, N_LOW)
    """
    n_seasons, (_, n_bins, n_sources, n_gammas) = len(smallest), densities.shape
    flat = densities.reshape(-1, n_gammas)
    low = np.zeros((n_seasons, n_gammas, N_LOW))
    rows, season = np.empty((1024, n_gammas)), np.empty(1024, np.int64)
    found = 0
    middle = (np.arange(_N_ARCS) + 0.5) * (2 * np.pi / _N_ARCS)
    arcs = np.stack((middle, np.cos(middle), np.sin(middle)), axis=1)
    entries, stop = np.empty((_BLOCK, 2), np.int64), np.empty(_BLOCK, np.int64)
    chord, variance, value, density = np.empty(0), np.empty(0), np.empty(0), np.empty(0, np.int64)
    for block in range(0, len(chosen), _BLOCK):
        size = min(_BLOCK, len(chosen) - block)
        # Far apart in memory, so looked up together: the processor waits for all of them at once.
        for b in range(size):
            known = events[chosen[block + b]]
            cell = known.row + min(int(ra[block + b] * known.n_ra / (2 * np.pi)), known.n_ra - 1)
            entries[b, 0], entries[b, 1] = cell_start[cell], cell_start[cell + 1]
        most = (entries[:size, 1] - entries[:size, 0]).sum() + 1
        if most > len(chord):
            chord, variance, value, density = np.empty(most), np.empty(most), np.empty(most), np.empty(most, np.int64)
        n_pairs = 0
        for b in range(size):
            if entries[b, 0] < entries[b, 1]:
                known = events[chosen[block + b]]
                cos_ra, sin_ra = _cos_sin(ra[block + b], arcs)
                x, y, z = known.cos_dec * cos_ra, known.cos_dec * sin_ra, known.sin_dec
                widest = known.variance * max(known.tail_ratio, 1.0)
                first = (known.response * n_bins + known.energy_bin) * n_sources
                for entry in range(entries[b, 0], entries[b, 1]):
                    j = cell_source[entry]
                    c = 2.0 * (1.0 - (x * sources[j, 0] + y * sources[j, 1] + z * sources[j, 2]))
                    chord[n_pairs], density[n_pairs] = max(c, 0.0), first + j
                    variance[n_pairs] = known.variance + sources[j, 3]
                    n_pairs += 1 if c <= known.reach * (widest + sources[j, 3]) else 0  # psi exceeds its chord
            stop[b] = n_pairs
        gaussians_of_chords(n_pairs, chord, variance, value)
        p = 0
        for b in range(size):
            if stop[b] == p:
                continue
            if found == len(rows):
                rows = np.concatenate((rows, np.empty_like(rows)))
                season = np.concatenate((season, np.empty_like(season)))
            known = events[chosen[block + b]]
            inverse = known.inverse_background
            spatial, row = _spatial(p, known, chord, variance, value) * inverse, density[p]
            for g in range(n_gammas):
                rows[found, g] = spatial * flat[row, g]
            for q in range(p + 1, stop[b]):
                spatial, row = _spatial(q, known, chord, variance, value) * inverse, density[q]
                for g in range(n_gammas):
                    rows[found, g] += spatial * flat[row, g]
            p = stop[b]
            k = known.season
            n_large, limit = 0, smallest[k]
            for g in range(n_gammas):
                n_large += rows[found, g] >= limit
            if n_large > 0:
                season[found] = k
                found += 1
            else:
                for g in range(n_gammas):
                    ratio = rows[found, g]
                    square = ratio * ratio
                    low[k, g, 0] += ratio
                    low[k, g, 1] += square
                    low[k, g, 2] += square * ratio
                    low[k, g, 3] += square * square
    ratios, begin = _by_season(rows[:found], season[:found], n_seasons)
    return ratios, begin, np.ascontiguousarray(low.transpose(1, 0, 2))


@kernel()
def _spatial(p, known, chord, variance, value):
    """Spatial signal density of pair p, where a Gaussian of its variance gives `value`."""
    if known.tail_share > 0.0 or chord[p] > _CHORD:
        tail = known.tail_ratio * known.variance + (variance[p] - known.variance)
        return signal_of_chord(chord[p], variance[p], tail, known.tail_share)
    return value[p]


@kernel()
def _by_season(rows, season, n_seasons):
    """`rows` (n, n_gammas) as (n_gammas, n), ordered by season, and where each season begins."""
    begin = np.zeros(n_seasons + 1, np.int64)
    for k in season:
        begin[k + 1] += 1
    begin = np.cumsum(begin)
    place = begin.copy()
    ratios = np.empty((rows.shape[1], rows.shape[0]))
    for i in range(len(season)):
        for g in range(rows.shape[1]):
            ratios[g, place[season[i]]] = rows[i, g]
        place[season[i]] += 1
    return ratios, begin


@kernel()
def _cos_sin(ra, arcs):
    """cos and sin of a right ascension from those of the middle of its arc."""
    arc = min(int(ra * len(arcs) / (2 * np.pi)), len(arcs) - 1)
    d = ra - arcs[arc, 0]
    d2 = d * d
    sin_d = d * (1 - d2 / 6 * (1 - d2 / 20 * (1 - d2 / 42)))
    cos_d = 1 - d2 / 2 * (1 - d2 / 12 * (1 - d2 / 30))
    cos_middle, sin_middle = arcs[arc, 1], arcs[arc, 2]
    return cos_middle * cos_d - sin_middle * sin_d, sin_middle * cos_d + cos_middle * sin_d
