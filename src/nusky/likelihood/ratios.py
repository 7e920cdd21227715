"""From pairs of events and sources to the density ratios that the likelihood needs.

The ratio of event i at the spectrum g is r_i(g) = sum_j w_ij D_jg, over the sources j near it: w_ij from
`nusky.likelihood.terms`, D_jg the share of the source times its energy density in the event's energy bin. Most ratios
are small, and only the sums of their powers count (`nusky.likelihood.fit`). With one source they are taken before the
spectra come in,

    sum_i r_i^p = sum over the energy bins of D^p sum_i w_i^p

so an event costs a few additions, whatever the number of spectra. Large ratios are kept one by one.
"""

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.terms import pair_weights
from nusky.likelihood.time import multiply

POWERS = 6
SERIES = 0.02
"""Ratios with y r below it enter through sums of powers, with an error of ln L below SERIES^7/7 = 2e-13 each."""
_TINY = 1e-3
"""Below it three powers do: the next is TINY^4/4 = 3e-13."""
_BLOCK = 128
"""Events worked on at a time: they and their pairs stay in the first cache."""
_MIDDLES = (np.arange(720) + 0.5) * (2 * np.pi / 720)
_ARCS = np.column_stack((_MIDDLES, np.cos(_MIDDLES), np.sin(_MIDDLES)))
"""Middles of arcs of right ascension, their cosines and sines; `_cos_sin` is exact for arcs below 2 deg."""


@kernel()
def series_limits(bound, shares, n_events, limits):
    """Set `limits` (2, n_seasons) so that the sums of powers hold up to n_s = `bound`; `shares` (n_spectra, n_seasons).

    The second are the largest ratios that enter through sums of powers, the first those that need three powers only.
    """
    for k in range(len(n_events)):
        most = 0.0
        for g in range(len(shares)):
            most = max(most, shares[g, k])
        x = bound * most / n_events[k]
        largest = np.inf if x == 0.0 else max(0.0, 1.0 - x) / x
        limits[0, k], limits[1, k] = _TINY * largest, SERIES * largest


@kernel()
def add_events(n, events, stop, weight, source, densities, largest, limits, moments, low, rows, seasons, found):
    """Take in a block of events.

    Parameters
    ----------
    n : int
        Number of events.
    events : (>= n,) EVENT
    stop : (>= n,) int64
        Where the pairs of each end in `weight` and `source` (n_pairs,), those of the next begin.
    densities : (n_responses, n_bins, n_sources, n_spectra) float64
        D of the module's text.
    largest : (n_responses, n_bins) float64
        Its maximum over the spectra where there is one source.
    limits : see `series_limits`
    moments : (n_bins, n_seasons, POWERS) float64
        Sums of powers of w where there is one source; added to.
    low : (n_seasons, POWERS, n_spectra) float64
        Sums of powers of r; added to.
    rows : (>= found + n, n_spectra), seasons : (>= found + n,)
        Large ratios and their seasons.

    Returns
    -------
    The new number `found` of large ratios.
    """
    n_sources, n_spectra, first = densities.shape[2], densities.shape[3], 0
    held, n_held, held_season = np.empty((n, n_spectra)), 0, 0
    for b in range(n):
        last = stop[b]
        if last == first:
            continue
        known = events[b]
        k, e, r = known.season, known.energy_bin, known.response
        if n_sources == 1 and weight[first] * largest[r, e] < limits[1, k]:
            own = power = weight[first]
            for q in range(POWERS):
                moments[e, k, q] += power
                power *= own
        else:
            total = _row(first, last, weight, source, densities, r, e, rows, found)
            if total < limits[0, k]:
                if n_held > 0 and k != held_season:
                    _add_three_powers(held, n_held, low, held_season)
                    n_held = 0
                held_season = k
                for g in range(n_spectra):
                    held[n_held, g] = rows[found, g]
                n_held += 1
            elif total < limits[1, k]:
                for g in range(n_spectra):
                    power = rows[found, g]
                    for q in range(POWERS):
                        low[k, q, g] += power
                        power *= rows[found, g]
            else:
                seasons[found] = k
                found += 1
        first = last
    _add_three_powers(held, n_held, low, held_season)
    return found


@kernel()
def _add_three_powers(ratios, n, low, season):
    """Add three powers of the first `n` of `ratios` (>= n, n_spectra) to a season's in `low`; sums in registers."""
    n_spectra, g = ratios.shape[1], 0
    while g < n_spectra and n > 0:
        if n_spectra - g < 4:
            for i in range(n):
                r = ratios[i, g]
                low[season, 0, g] += r
                low[season, 1, g] += r * r
                low[season, 2, g] += r * r * r
            g += 1
            continue
        a1 = b1 = c1 = d1 = a2 = b2 = c2 = d2 = a3 = b3 = c3 = d3 = 0.0
        for i in range(n):
            a, b, c, d = ratios[i, g], ratios[i, g + 1], ratios[i, g + 2], ratios[i, g + 3]
            aa, bb, cc, dd = a * a, b * b, c * c, d * d
            a1 += a
            b1 += b
            c1 += c
            d1 += d
            a2 += aa
            b2 += bb
            c2 += cc
            d2 += dd
            a3 += aa * a
            b3 += bb * b
            c3 += cc * c
            d3 += dd * d
        for q, sums in ((0, (a1, b1, c1, d1)), (1, (a2, b2, c2, d2)), (2, (a3, b3, c3, d3))):
            low[season, q, g] += sums[0]
            low[season, q, g + 1] += sums[1]
            low[season, q, g + 2] += sums[2]
            low[season, q, g + 3] += sums[3]
        g += 4


@kernel()
def _row(first, last, weight, source, densities, r, e, rows, found):
    """Set row `found` of `rows` to the ratios of the event with pairs `first` ... `last` - 1; returns the largest."""
    n_spectra, largest = rows.shape[1], 0.0
    w, j = weight[first], source[first]
    for g in range(n_spectra):
        rows[found, g] = w * densities[r, e, j, g]
    for p in range(first + 1, last):
        w, j = weight[p], source[p]
        for g in range(n_spectra):
            rows[found, g] += w * densities[r, e, j, g]
    for g in range(n_spectra):
        largest = max(largest, rows[found, g])
    return largest


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
def close(moments, densities, response, low):
    """Turn the sums of powers of w into those of r; `response` (n_seasons,) is the number of each season's."""
    n_bins, n_seasons, _ = moments.shape
    for e in range(n_bins):
        for k in range(n_seasons):
            if moments[e, k, 0] == 0.0:
                continue
            r = response[k]
            for g in range(densities.shape[3]):
                power = densities[r, e, 0, g]
                for q in range(POWERS):
                    low[k, q, g] += moments[e, k, q] * power
                    power *= densities[r, e, 0, g]


@kernel()
def near_ratios(
    chosen, cell, ra, events, mjd, extra, cells, sources, profiles, densities, largest, response, far, limits
):
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
    sources : (n_sources, 5) float64
        Unit vectors, extension^2 [rad^2], and what the reach of an event is too large by.
    profiles : nusky.likelihood.time.Profiles
    densities, largest, limits
        As in `add_events`.
    response : (n_seasons,) int64
    far : (n_seasons, n_spectra) float64
        Sum of the ratios of far pairs.

    Returns
    -------
    rows : (n_large, n_spectra); seasons : (n_large,); low : (n_seasons, POWERS, n_spectra)
    """
    _, n_bins, n_sources, n_spectra = densities.shape
    n_seasons = len(response)
    moments, low = np.zeros((n_bins, n_seasons, POWERS)), np.zeros((n_seasons, POWERS, n_spectra))
    for k in range(n_seasons):
        for g in range(n_spectra):
            low[k, 0, g] = far[k, g]
    rows, seasons = np.empty((256, n_spectra)), np.empty(256, np.int64)
    found = np.int64(0)  # a literal would be compiled by itself
    for part in ((chosen, cell, ra, events, mjd), extra):
        rows, seasons, found = _add_near(
            part, cells, sources, profiles, densities, largest, limits, moments, low, rows, seasons, found
        )
    if n_sources == 1:
        close(moments, densities, response, low)
    return rows[:found], seasons[:found], low


@kernel()
def _add_near(part, cells, sources, profiles, densities, largest, limits, moments, low, rows, seasons, found):
    chosen, cell, ra, events, mjd = part
    local, stop, entries = np.empty(_BLOCK, events.dtype), np.empty(_BLOCK, np.int64), np.empty((_BLOCK, 2), np.int64)
    most = 0
    chord, variance, tail, weight = np.empty(0), np.empty(0), np.empty(0), np.empty(0)
    source, event = np.empty(0, np.int64), np.empty(0, np.int64)
    for block in range(0, len(chosen), _BLOCK):
        size = min(_BLOCK, len(chosen) - block)
        # Far apart in memory, so looked up together: the processor waits for all of them at once.
        needed, touched = 1, 0
        for b in range(size):
            local[b] = events[chosen[block + b]]
            entries[b, 0], entries[b, 1] = cells.start[cell[block + b]], cells.start[cell[block + b] + 1]
            needed += entries[b, 1] - entries[b, 0]
            touched += cells.source[entries[b, 0]]
        if needed > most or touched < 0:
            most = 2 * needed
            chord, variance, tail, weight = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
            source, event = np.empty(most, np.int64), np.empty(most, np.int64)
        n_pairs = 0
        for b in range(size):
            known = local[b]
            cos_ra, sin_ra = _cos_sin(ra[block + b])
            x, y, z = known.cos_dec * cos_ra, known.cos_dec * sin_ra, known.sin_dec
            core, reach = known.variance, known.reach
            widest = core * max(known.tail_ratio, 1.0)
            for entry in range(entries[b, 0], entries[b, 1]):
                j = cells.source[entry]
                c = 2.0 * (1.0 - (x * sources[j, 0] + y * sources[j, 1] + z * sources[j, 2]))
                chord[n_pairs], variance[n_pairs] = max(c, 0.0), core + sources[j, 3]
                source[n_pairs], event[n_pairs] = j, b
                n_pairs += 1 if c <= (reach - sources[j, 4]) * (widest + sources[j, 3]) else 0
            stop[b] = n_pairs
        pair_weights(n_pairs, chord, variance, event, local, source, sources, tail, weight)
        if len(profiles.kind) > 0:
            multiply(n_pairs, block, mjd, event, local, source, profiles, weight)
        rows, seasons = grown(found + size, rows, seasons)
        found = add_events(
            size, local, stop, weight, source, densities, largest, limits, moments, low, rows, seasons, found
        )
    return rows, seasons, found


@kernel()
def _cos_sin(ra):
    """cos and sin of a right ascension in [0, 2 pi] from those of the middle of its arc."""
    arc = min(int(ra * len(_ARCS) / (2 * np.pi)), len(_ARCS) - 1)
    d = ra - _ARCS[arc, 0]
    d2 = d * d
    sin_d = d * (1 - d2 / 6 * (1 - d2 / 20 * (1 - d2 / 42)))
    cos_d = 1 - d2 / 2 * (1 - d2 / 12 * (1 - d2 / 30))
    cos_middle, sin_middle = _ARCS[arc, 1], _ARCS[arc, 2]
    return cos_middle * cos_d - sin_middle * sin_d, sin_middle * cos_d + cos_middle * sin_d
