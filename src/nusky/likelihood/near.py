"""Density ratios r_i = S_i/B_i of the events near one source or a stack, for every spectral index of a grid.

An event has a fixed declination, angular error and energy; only its right ascension is redrawn in a scrambled sky. So
an event can be near a source only inside a window of right ascension that is known beforehand, and a scrambled sky
needs random numbers only for the few events that fall into their window (`draw_near`): the same distribution as
drawing all of them, at the cost of the near ones.
"""

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import N_LOW
from nusky.likelihood.spatial import spherical_gaussian

_BLOCK = 256


def window_half_width(dec: np.ndarray, radius: np.ndarray, source_dec: float) -> np.ndarray:
    """Largest |RA difference| at which an event is within `radius` of a source: (n,) rad, 0 if never, pi if always.

    From the haversine formula; `dec`, `radius` (n,) rad, `source_dec` rad.
    """
    reach = np.sin(np.minimum(radius, np.pi) / 2) ** 2 - np.sin((dec - source_dec) / 2) ** 2
    scale = np.maximum(np.cos(dec) * np.cos(source_dec), 1e-300)
    return np.where(reach < 0, 0.0, 2 * np.arcsin(np.sqrt(np.clip(reach / scale, 0.0, 1.0))))


@kernel()
def draw_near(rng, half_width, start):
    """Events that fall into their window when right ascensions are uniform, and where in the window they fall.

    Parameters
    ----------
    rng : numpy Generator
    half_width : (n_candidates,) float64, rad
        Windows, falling within each season.
    start : (n_seasons + 1,) int64
        Where each season begins among the candidates.

    Returns
    -------
    chosen : (n_near,) int64
        Candidates, ordered by season.
    offset : (n_near,) float64, rad
        RA differences to the source.
    begin : (n_seasons + 1,) int64
        Where each season begins in `chosen`.
    """
    n_seasons = len(start) - 1
    capacity = 64
    for i in range(len(half_width)):
        capacity += 1 if half_width[i] > 2.0 else 0
    chosen, offset = np.empty(capacity, np.int64), np.empty(capacity)
    begin = np.zeros(n_seasons + 1, np.int64)
    found = 0
    for k in range(n_seasons):
        for block in range(start[k], start[k + 1], _BLOCK):
            stop = min(block + _BLOCK, start[k + 1])
            largest = half_width[block] / np.pi
            if largest <= 0.0:
                break
            thin = largest < 0.5
            per_step = -np.log1p(-largest) if thin else 0.0
            i = block - 1
            while True:
                # Jump to the next candidate a coin of probability `largest` would pick, then thin to its own window.
                i += 1 + int(rng.standard_exponential() / per_step) if thin else 1
                if i >= stop:
                    break
                keep = half_width[i] / np.pi
                if rng.random() * (largest if thin else 1.0) < keep:
                    if found == len(chosen):
                        chosen = np.concatenate((chosen, np.empty(found, np.int64)))
                        offset = np.concatenate((offset, np.empty(found)))
                    chosen[found] = i
                    offset[found] = half_width[i] * (2 * rng.random() - 1)
                    found += 1
        begin[k + 1] = found
    return chosen[:found], offset[:found], begin


@kernel()
def source_ratios(chosen, offset, begin, candidates, densities, largest, smallest):
    """Density ratios of the near events of one source, and power sums of the small ones.

    Parameters
    ----------
    chosen, offset, begin
        As `draw_near` returns them.
    candidates : (n_candidates, 7) float64
        sin^2 of half the difference in declination, product of the cosines of both declinations, s^2 of the core and of
        the tail [rad^2], share of the tail, 1/B [sr, or sr dex with energy], energy bin: side by side, because only a
        few candidates are near and each would cost a cache line per column.
    densities : (n_seasons, n_bins, n_gammas) float64
        Signal energy density; 1 for a spatial analysis.
    largest : (n_seasons, n_bins) float64
        The largest of `densities` over the indices.
    smallest : (n_seasons,) float64
        Events whose ratio stays below it at every index go to the power sums.

    Returns
    -------
    ratios : (n_gammas, n_kept), their begin by season, low : (n_gammas, n_seasons, N_LOW)
    """
    n_seasons, n_bins, n_gammas = densities.shape
    kept, spatial = np.empty(len(chosen), np.int64), np.empty(len(chosen))
    begin_kept = np.zeros(n_seasons + 1, np.int64)
    low = np.zeros((n_gammas, n_seasons, N_LOW))
    # A ratio is the spatial part times what the energy bin has in common: sums of powers need one pass per bin.
    sums = np.empty((n_bins, N_LOW))
    found = 0
    for k in range(n_seasons):
        sums[:] = 0.0
        for m in range(begin[k], begin[k + 1]):
            i = chosen[m]
            chord = 4 * (candidates[i, 0] + candidates[i, 1] * np.sin(offset[m] / 2) ** 2)
            core, tail, share = candidates[i, 2], candidates[i, 3], candidates[i, 4]
            ratio = signal_of_chord(chord, core, tail, share) * candidates[i, 5]
            e = int(candidates[i, 6])
            if ratio * largest[k, e] < smallest[k]:
                power = ratio
                for p in range(N_LOW):
                    sums[e, p] += power
                    power *= ratio
            else:
                kept[found], spatial[found] = e, ratio
                found += 1
        begin_kept[k + 1] = found
        for e in range(n_bins):
            if sums[e, 0] > 0.0:
                for g in range(n_gammas):
                    power = densities[k, e, g]
                    for p in range(N_LOW):
                        low[g, k, p] += sums[e, p] * power
                        power *= densities[k, e, g]
    ratios = np.empty((n_gammas, found))
    for k in range(n_seasons):
        for m in range(begin_kept[k], begin_kept[k + 1]):
            for g in range(n_gammas):
                ratios[g, m] = spatial[m] * densities[k, kept[m], g]
    return ratios, begin_kept, low


@kernel()
def draw_cells(rng, group_start, group_key, season_start, key_start, key_column, n_ra):
    """Events that fall into a cell with sources in reach when right ascensions are uniform, and where.

    Parameters
    ----------
    rng : numpy Generator
    group_start : (n_groups + 1,) int64
        Events of one season, class and row stand together; where each such group begins.
    group_key : (n_groups,) int64
        Class and row of the group.
    season_start : (n_seasons + 1,) int64
        Where each season begins among the groups.
    key_start : (n_keys + 1,) int64; key_column : int32
        Columns of cells with sources in reach, by class and row.

    Returns
    -------
    chosen : (n_near,) int64, ra : (n_near,) float64, rad; begin : (n_seasons + 1,) int64
    """
    n_seasons = len(season_start) - 1
    chosen, ra = np.empty(4096, np.int64), np.empty(4096)
    begin = np.zeros(n_seasons + 1, np.int64)
    width = 2 * np.pi / n_ra
    found = 0
    for k in range(n_seasons):
        for group in range(season_start[k], season_start[k + 1]):
            first = key_start[group_key[group]]
            n_columns = key_start[group_key[group] + 1] - first
            if n_columns == 0:
                continue
            everywhere = n_columns == n_ra
            per_step = 0.0 if everywhere else -np.log1p(-n_columns / n_ra)
            i = group_start[group] - 1
            while True:
                i += 1 if everywhere else 1 + int(rng.standard_exponential() / per_step)
                if i >= group_start[group + 1]:
                    break
                if found == len(chosen):
                    chosen = np.concatenate((chosen, np.empty(found, np.int64)))
                    ra = np.concatenate((ra, np.empty(found)))
                place = rng.random() * n_columns
                column = min(int(place), n_columns - 1)
                chosen[found] = i
                ra[found] = (key_column[first + column] + place - column) * width
                found += 1
        begin[k + 1] = found
    return chosen[:found], ra[:found], begin


@kernel()
def stack_ratios(chosen, ra, begin, events, cell_start, cell_source, n_ra, sources, response, densities, smallest):
    """Density ratios of the events near a stack, and power sums of the small ones.

    Parameters
    ----------
    chosen : (n_chosen,) int64; ra : (n_chosen,) float64, rad; begin : (n_seasons + 1,) int64
        Events to look at, their right ascensions, and where each season begins among them.
    events : (n_events, 9) float64
        First cell of its row for its class of angular error, sin and cos of the declination, s^2 of the core [rad^2],
        s^2 of the tail over that of the core, share of the tail, largest psi^2 / s^2 kept, 1/B, energy bin.
    cell_start : (n_classes * (n_cells + 1),) int64; cell_source : (n_entries,) int32
        Sources that an event of a class of angular error inside a cell of the sky may be near.
    sources : (n_sources, 4) float64
        cos(dec) cos(ra), cos(dec) sin(ra), sin(dec), extension^2 [rad^2].
    response : (n_seasons,) int64
    densities : (n_responses, n_bins, n_sources, n_gammas) float64
        Weight of the source times its signal energy density.
    smallest : (n_seasons,) float64
        Events whose ratio stays below it at every index go to the power sums.

    Returns
    -------
    ratios : (n_gammas, n_near), their begin by season, low : (n_gammas, n_seasons, N_LOW)
    """
    n_seasons, n_gammas = len(begin) - 1, densities.shape[3]
    low = np.zeros((n_seasons, N_LOW, n_gammas))
    kept = np.zeros(n_seasons + 1, np.int64)
    rows = np.empty((1024, n_gammas))
    found = 0
    total = np.empty(n_gammas)
    per_cell = n_ra / (2 * np.pi)
    middle = (np.arange(n_ra) + 0.5) / per_cell
    columns = np.stack((middle, np.cos(middle), np.sin(middle)), axis=1)
    for k in range(n_seasons):
        q = response[k]
        for m in range(begin[k], begin[k + 1]):
            i = chosen[m]
            cell = int(events[i, 0]) + min(int(ra[m] * per_cell), n_ra - 1)
            first, last = cell_start[cell], cell_start[cell + 1]
            if first == last:
                continue
            cos_ra, sin_ra = _cos_sin(ra[m], per_cell, columns)
            x, y, z = events[i, 2] * cos_ra, events[i, 2] * sin_ra, events[i, 1]
            variance, tail_ratio, tail_share, cut = events[i, 3], events[i, 4], events[i, 5], events[i, 6]
            e = int(events[i, 8])
            near = False
            for entry in range(first, last):
                j = cell_source[entry]
                chord = 2.0 * (1.0 - (x * sources[j, 0] + y * sources[j, 1] + z * sources[j, 2]))
                own = variance + sources[j, 3]
                if chord > cut * own:  # psi exceeds its chord
                    continue
                tail = tail_ratio * variance + sources[j, 3]
                spatial = events[i, 7] * signal_of_chord(max(chord, 0.0), own, tail, tail_share)
                if near:
                    for g in range(n_gammas):
                        total[g] += spatial * densities[q, e, j, g]
                else:
                    for g in range(n_gammas):
                        total[g] = spatial * densities[q, e, j, g]
                    near = True
            if not near:
                continue
            largest = 0.0
            for g in range(n_gammas):
                largest = max(largest, total[g])
            if largest < smallest[k]:
                # One loop per power, so that each runs over contiguous numbers.
                for g in range(n_gammas):
                    low[k, 0, g] += total[g]
                for g in range(n_gammas):
                    low[k, 1, g] += total[g] ** 2
                for g in range(n_gammas):
                    low[k, 2, g] += total[g] ** 3
                for g in range(n_gammas):
                    low[k, 3, g] += total[g] ** 4
            else:
                if found == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                for g in range(n_gammas):
                    rows[found, g] = total[g]
                found += 1
        kept[k + 1] = found
    return np.ascontiguousarray(rows[:found].T), kept, np.ascontiguousarray(low.transpose(2, 0, 1))


@kernel()
def _cos_sin(ra, per_cell, columns):
    """cos and sin of a right ascension from those of its column's middle, exact for columns below 2 deg."""
    column = min(int(ra * per_cell), len(columns) - 1)
    d = ra - columns[column, 0]
    d2 = d * d
    sin_d = d * (1 - d2 / 6 * (1 - d2 / 20 * (1 - d2 / 42)))
    cos_d = 1 - d2 / 2 * (1 - d2 / 12 * (1 - d2 / 30))
    return columns[column, 1] * cos_d - columns[column, 2] * sin_d, columns[column, 2] * cos_d + columns[
        column, 1
    ] * sin_d


@kernel()
def signal_of_chord(chord, core, tail, tail_share):
    """Spatial signal density: a Gaussian of variance `core` and, with the share `tail_share`, a wider one."""
    value = gaussian_of_chord(chord, core)
    if tail_share > 0.0:
        value += tail_share * (gaussian_of_chord(chord, tail) - value)
    return value


@kernel()
def gaussian_of_chord(chord, variance):
    """`spherical_gaussian` of the separation whose squared chord is `chord`."""
    if chord > 0.3:
        return spherical_gaussian(2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord))), variance)
    # Series of psi^2/c and of psi/sin(psi) in c = 4 sin^2(psi/2): no inverse sine, no root.
    c = chord
    square = 1 + c * (1 / 12 + c * (1 / 90 + c * (1 / 560 + c * (1 / 3150 + c * (1 / 16632 + c / 84084)))))
    stretch = 1 + c * (
        1 / 6 + c * (1 / 30 + c * (1 / 140 + c * (1 / 630 + c * (1 / 2772 + c * (1 / 12012 + c / 51480)))))
    )
    inverse = 0.5 / variance
    return stretch * np.exp(-c * square * inverse) * inverse / np.pi
