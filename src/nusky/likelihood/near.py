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
            per_step = np.log1p(-largest) if thin else 0.0
            i = block - 1
            while True:
                # Jump to the next candidate a coin of probability `largest` would pick, then thin to its own window.
                i += 1 + int(np.log1p(-rng.random()) / per_step) if thin else 1
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
def source_ratios(chosen, offset, begin, dec, variance, inverse_background, energy_bin, source_dec, densities):
    """Density ratios of the near events of one source, (n_gammas, n_near).

    Parameters
    ----------
    chosen, offset, begin
        As `draw_near` returns them.
    dec, variance, inverse_background, energy_bin : (n_candidates,)
        Declination [rad], s^2 = sigma^2 + extension^2 [rad^2], 1/B [sr, or sr dex with energy], energy bin.
    densities : (n_seasons, n_bins, n_gammas) float64
        Signal energy density; 1 for a spatial analysis.
    """
    n_gammas = densities.shape[2]
    ratios = np.empty((n_gammas, len(chosen)))
    cos_source = np.cos(source_dec)
    for k in range(len(begin) - 1):
        for m in range(begin[k], begin[k + 1]):
            i = chosen[m]
            h = np.sin((dec[i] - source_dec) / 2) ** 2 + np.cos(dec[i]) * cos_source * np.sin(offset[m] / 2) ** 2
            psi = 2 * np.arcsin(min(1.0, np.sqrt(h)))
            spatial = spherical_gaussian(psi, variance[i]) * inverse_background[i]
            for g in range(n_gammas):
                ratios[g, m] = spatial * densities[k, energy_bin[i], g]
    return ratios


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
            per_step = 0.0 if everywhere else np.log1p(-n_columns / n_ra)
            i = group_start[group] - 1
            while True:
                i += 1 if everywhere else 1 + int(np.log1p(-rng.random()) / per_step)
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
def stack_ratios(
    chosen,
    ra,
    begin,
    row,
    sin_dec,
    cos_dec,
    variance,
    cut,
    reach_class,
    inverse_background,
    energy_bin,
    cell_start,
    cell_source,
    n_ra,
    sources,
    response,
    densities,
    smallest,
):
    """Density ratios of the events near a stack, and power sums of the small ones.

    Parameters
    ----------
    chosen : (n_chosen,) int64; ra : (n_chosen,) float64, rad; begin : (n_seasons + 1,) int64
        Events to look at, their right ascensions, and where each season begins among them.
    sin_dec, cos_dec, variance, inverse_background : (n_events,) float64
        Declination, sigma^2 [rad^2], 1/B.
    row, reach_class, energy_bin : (n_events,) int64
        Row of cells, class of angular error, energy bin.
    cut : (n_events,) float64
        Largest psi^2 / s^2 kept.
    cell_start : (n_classes, n_cells + 1) int64; cell_source : (n_entries,) int32
        Sources that an event of a reach class inside a cell of the sky may be near.
    sources : (n_sources, 4) float64
        cos(dec) cos(ra), cos(dec) sin(ra), sin(dec), extension^2 [rad^2].
    response : (n_seasons,) int64
    densities : (n_responses, n_bins, n_sources, n_gammas) float64
        Weight of the source times its signal energy density.
    smallest : float
        Events whose ratio stays below it at every index go to the power sums.

    Returns
    -------
    ratios : (n_gammas, n_near), their begin by season, low : (n_gammas, n_seasons, N_LOW)
    """
    n_seasons, n_gammas = len(begin) - 1, densities.shape[3]
    low = np.zeros((n_gammas, n_seasons, N_LOW))
    kept = np.zeros(n_seasons + 1, np.int64)
    rows = np.empty((4096, n_gammas))
    found = 0
    total = np.empty(n_gammas)
    per_cell = n_ra / (2 * np.pi)
    middle = (np.arange(n_ra) + 0.5) / per_cell
    columns = np.stack((middle, np.cos(middle), np.sin(middle)), axis=1)
    for k in range(n_seasons):
        for m in range(begin[k], begin[k + 1]):
            i = chosen[m]
            cell = row[i] * n_ra + min(int(ra[m] * per_cell), n_ra - 1)
            first, last = cell_start[reach_class[i], cell], cell_start[reach_class[i], cell + 1]
            if first == last:
                continue
            cos_ra, sin_ra = _cos_sin(ra[m], per_cell, columns)
            x, y, z = cos_dec[i] * cos_ra, cos_dec[i] * sin_ra, sin_dec[i]
            near = False
            largest = 0.0
            for entry in range(first, last):
                j = cell_source[entry]
                chord = 2.0 * (1.0 - (x * sources[j, 0] + y * sources[j, 1] + z * sources[j, 2]))
                own = variance[i] + sources[j, 3]
                if chord > cut[i] * own:  # psi exceeds its chord
                    continue
                spatial = inverse_background[i] * gaussian_of_chord(max(chord, 0.0), own)
                for g in range(n_gammas):
                    before = total[g] if near else 0.0
                    total[g] = before + spatial * densities[response[k], energy_bin[i], j, g]
                    largest = max(largest, total[g])
                near = True
            if not near:
                continue
            if largest < smallest:
                for g in range(n_gammas):
                    power = total[g]
                    for p in range(N_LOW):
                        low[g, k, p] += power
                        power *= total[g]
            else:
                if found == len(rows):
                    rows = np.concatenate((rows, np.empty_like(rows)))
                for g in range(n_gammas):
                    rows[found, g] = total[g]
                found += 1
        kept[k + 1] = found
    return np.ascontiguousarray(rows[:found].T), kept, low


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
def gaussian_of_chord(chord, variance):
    """`spherical_gaussian` of the separation whose squared chord is `chord`."""
    if chord > 0.3:
        return spherical_gaussian(2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord))), variance)
    # psi^2 = c (1 + c/12 + c^2/90 + ...), sin^2 psi = c (1 - c/4): no inverse sine needed.
    grown = 1 + chord * (1 / 12 + chord * (1 / 90 + chord * (1 / 560 + chord * (1 / 3150 + chord / 16632))))
    stretch = np.sqrt(grown / (1 - 0.25 * chord))
    return stretch * np.exp(-0.5 * chord * grown / variance) / (2 * np.pi * variance)
