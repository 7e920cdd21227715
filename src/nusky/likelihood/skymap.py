"""Best fits of n_s and gamma at many positions of one sky.

The events are sorted into cells of the sky once; a position then looks only at the cells in its reach. The density
ratio of an event is r_i(gamma) = w_i d_i(gamma): w_i, its `event_weight`, knows the position, d_i the event's season
and energy bin. So events with a small ratio are summed by season and energy bin, as powers of w_i, once for all gamma:

    sum_i ln(1 + y r_i) = y R_1 - y^2 R_2 / 2 + y^3 R_3 / 3 - ...,   R_p = sum_bins d^p sum_i w_i^p

with y = x/(1 - x), x = n_s f_k/N_k. The series of `_POWERS` terms is used below y r = `_SERIES_REACH`, where it leaves
out less than 3 x 10^-13 per event. The other events enter one by one, and those far from the position as (N - N_near)
ln(1 - x), exactly. Positions do not depend on each other, so neither order nor threads change a result.
"""

from typing import NamedTuple

import numba
import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import peak
from nusky.likelihood.near import signal_of_chord

_SERIES_REACH = 0.05
_POWERS = 8
_FIRST_BOUND = 32.0
"""Largest n_s for which the series is prepared at first; a position with more signal is computed again."""
_CHUNK = 64
_MARGIN = 1e-9


class CellEvents(NamedTuple):
    """The events of a sky, sorted by class of angular error, row in declination and column in right ascension.

    Attributes
    ----------
    cell_start : (n_classes * n_rows * n_columns + 1,) int64
        Where each cell begins among the events.
    reach : (n_classes,) float64, rad
        Largest separation at which an event of the class is near.
    row_edges : (n_rows + 1,) float64, rad
        Edges of the rows in declination.
    x, y, z : (n_events,) float64
        Unit vectors.
    cut : (n_events,) float64
        Squared chord beyond which the event is far.
    variance, tail : (n_events,) float64, rad^2
        Squared widths of core and tail of the spatial signal density.
    tail_share : (n_events,) float64
        Share of the signal in the tail.
    inverse_background : (n_events,) float64, sr or sr dex
    slot : (n_events,) int64
        Season times the number of energy bins plus energy bin.
    n_events : (n_seasons,) float64
        N_k.
    """

    cell_start: np.ndarray
    reach: np.ndarray
    row_edges: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    cut: np.ndarray
    variance: np.ndarray
    tail: np.ndarray
    tail_share: np.ndarray
    inverse_background: np.ndarray
    slot: np.ndarray
    n_events: np.ndarray


class ResponseTables(NamedTuple):
    """The detector's response at several declinations.

    Attributes
    ----------
    density : (n_tables, n_slots, n_gammas) float64
        Signal energy density of every season and energy bin.
    largest : (n_tables, n_slots) float64
        Its maximum over gamma.
    shares : (n_tables, n_gammas, n_seasons) float64
        f_k(gamma).
    gammas : (n_tables, n_gammas) float64
    """

    density: np.ndarray
    largest: np.ndarray
    shares: np.ndarray
    gammas: np.ndarray


@kernel()
def event_weight(chord, variance, tail, tail_share, inverse_background):
    """The part of an event's S/B that knows the position: spatial signal density over background density.

    `chord` is the squared chord to the position, `variance` and `tail` rad^2, `inverse_background` 1/B. Everything
    about the ratio of one event that is not its energy density belongs here.
    """
    return signal_of_chord(chord, variance, tail, tail_share) * inverse_background


@kernel()
def sort_into_cells(cell, n_cells):
    """Order of the events by cell, and where each cell begins: (n_events,) and (n_cells + 1,) int64."""
    start = np.zeros(n_cells + 1, np.int64)
    for c in cell:
        start[c + 1] += 1
    for c in range(n_cells):
        start[c + 1] += start[c]
    place = start[:-1].copy()
    order = np.empty(len(cell), np.int64)
    for i in range(len(cell)):
        order[place[cell[i]]] = i
        place[cell[i]] += 1
    return order, start


@kernel()
def _widest_window(low, high, radius, dec):
    """Largest RA difference [rad] at which a declination in [low, high] is within `radius` of declination `dec`."""
    if dec + radius >= np.pi / 2 - _MARGIN or dec - radius <= -np.pi / 2 + _MARGIN:
        return np.pi
    # The circle's widest point lies where its meridian is tangent.
    widest = np.arcsin(min(1.0, max(-1.0, np.sin(dec) / np.cos(radius))))
    at = min(max(widest, low), high)
    reach = np.sin(radius / 2) ** 2 - np.sin((at - dec) / 2) ** 2
    if reach <= 0.0:
        return 0.0
    return 2 * np.arcsin(min(1.0, np.sqrt(reach / (np.cos(at) * np.cos(dec)))))


@kernel()
def _gather(ra, dec, events, largest, threshold, n_columns, weight, slot, moments, big):
    """Collect the near events of one position: the big ones into `weight` and `slot`, the others into `moments`.

    `threshold` (n_seasons,) is the ratio below which an event goes to the moments; `big` (n_slots,) receives the sums
    of the big ones. Returns the number of big events and the two arrays, which may have grown.
    """
    x, y, z = np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)
    n_rows = len(events.row_edges) - 1
    height = events.row_edges[1] - events.row_edges[0]
    n_bins = len(largest) // len(threshold)
    moments[:] = 0.0
    big[:] = 0.0
    found = 0
    for c in range(len(events.reach)):
        radius = events.reach[c] + _MARGIN
        bottom = max(0, int((dec - radius - events.row_edges[0]) / height))
        top = min(n_rows - 1, int((dec + radius - events.row_edges[0]) / height))
        for row in range(bottom, top + 1):
            half = _widest_window(events.row_edges[row], events.row_edges[row + 1], radius, dec) + _MARGIN
            first = int(np.floor((ra - half) / (2 * np.pi) * n_columns))
            last = int(np.floor((ra + half) / (2 * np.pi) * n_columns))
            if last - first + 1 >= n_columns:
                first, last = 0, n_columns - 1
            base = (c * n_rows + row) * n_columns
            for turn in (-1, 0, 1):  # the window may reach across RA = 0
                a, b = max(first, turn * n_columns), min(last, (turn + 1) * n_columns - 1)
                if a > b:
                    continue
                begin = events.cell_start[base + a - turn * n_columns]
                end = events.cell_start[base + b - turn * n_columns + 1]
                for i in range(begin, end):
                    chord = (events.x[i] - x) ** 2 + (events.y[i] - y) ** 2 + (events.z[i] - z) ** 2
                    if chord > events.cut[i]:
                        continue
                    own = event_weight(
                        chord, events.variance[i], events.tail[i], events.tail_share[i], events.inverse_background[i]
                    )
                    s = events.slot[i]
                    if own * largest[s] < threshold[s // n_bins]:
                        power = own
                        for p in range(_POWERS):
                            moments[s, p] += power
                            power *= own
                    else:
                        if found == len(weight):
                            weight = np.concatenate((weight, np.empty(found)))
                            slot = np.concatenate((slot, np.empty(found, np.int64)))
                        big[s] += own
                        weight[found] = own
                        slot[found] = s
                        found += 1
    return found, weight, slot


@kernel()
def _power_sums(moments, big, density, n_seasons, low, ratio):
    """Power sums of the small ratios and sums of all, for every gamma.

    `low` (_POWERS, n_seasons, n_gammas), `ratio` (n_seasons, n_gammas).
    """
    low[:] = 0.0
    ratio[:] = 0.0
    n_bins = len(moments) // n_seasons
    for s in range(len(moments)):
        own = moments[s, 0] + big[s]
        if own == 0.0:
            continue
        k = s // n_bins
        for g in range(ratio.shape[1]):
            ratio[k, g] += own * density[s, g]
        for p in range(_POWERS):
            for g in range(ratio.shape[1]):
                low[p, k, g] += moments[s, p] * density[s, g] ** (p + 1)


@kernel()
def _slopes(n_signal, u, closed, low, c):
    """Slope and curvature in n_s of ln L.

    `u` (n_big,) is c_k (r - 1) of the big events, `closed` (n_seasons,) the number of all others, `low` (_POWERS,
    n_seasons) their power sums and `c` (n_seasons,) f_k/N_k.
    """
    slope = curvature = 0.0
    for i in range(len(u)):
        share = u[i] / (1.0 + n_signal * u[i])
        slope += share
        curvature -= share * share
    for k in range(len(c)):
        rest = 1.0 - n_signal * c[k]
        y = n_signal * c[k] / rest
        first, second = low[_POWERS - 1, k], (_POWERS - 1) * low[_POWERS - 1, k]
        for p in range(_POWERS - 2, -1, -1):
            first = low[p, k] - y * first
            if p > 0:
                second = p * low[p, k] - y * second
        slope += c[k] * (first / rest**2 - closed[k] / rest)
        curvature += c[k] ** 2 * (2 * first / rest**3 - second / rest**4 - closed[k] / rest**2)
    return slope, curvature


@kernel()
def _value(n_signal, u, closed, low, c):
    """ln L(n_s)/L(0); arguments as `_slopes`."""
    value, product = 0.0, 1.0
    for i in range(len(u)):
        product *= 1.0 + n_signal * u[i]
        if product > 1e200 or product < 1e-200:
            value += np.log(product)
            product = 1.0
    value += np.log(product)
    for k in range(len(c)):
        x = n_signal * c[k]
        y = x / (1.0 - x)
        value += closed[k] * np.log1p(-x)
        series = low[_POWERS - 1, k] / _POWERS
        for p in range(_POWERS - 2, -1, -1):
            series = low[p, k] / (p + 1) - y * series
        value += y * series
    return value


@kernel()
def _best_signal(u, closed, low, c, guess):
    """n_s > 0 with the largest likelihood, where ln L rises at 0, and whether it converged.

    Newton's method inside a shrinking bracket: ln L is concave in n_s. The last step is taken without another look when
    it would gain less than 10^-13 in ln L.
    """
    bottom, top = 0.0, np.inf
    for k in range(len(c)):
        if c[k] > 0:
            top = min(top, 1.0 / c[k])
    limit = top * (1 - 1e-12)
    n = guess if 0.0 < guess < limit else min(1.0, limit / 2)
    for _ in range(100):
        slope, curvature = _slopes(n, u, closed, low, c)
        if slope > 0:
            bottom = n
        else:
            top = n
        step = -slope / curvature if curvature < 0 else np.inf
        proposal = n + step
        if bottom <= proposal <= top and abs(slope * step) < 2e-13:
            return min(proposal, limit), True
        if not bottom < proposal < top:
            proposal = min(2 * n + 1.0, 0.5 * (n + limit)) if top > limit else 0.5 * (bottom + top)
        n = proposal
    return n, False


@kernel(parallel=True)
def fit_positions(ra, dec, table, events, responses, n_columns):
    """Best fit of n_s and gamma at every position.

    Parameters
    ----------
    ra, dec : (n_positions,) float64, rad
    table : (n_positions,) int64
        The declination's row in `responses`.
    events : CellEvents
    responses : ResponseTables
    n_columns : int
        Columns of the cells in right ascension.

    Returns
    -------
    (n_positions, 4) float64
        TS = 2 ln L(best)/L(0), n_s, gamma (NaN where n_s = 0) and 1.0 if every fit converged. With several gammas the
        maximum of the profile is interpolated between them (`nusky.likelihood.fit.peak`).
    """
    n_positions, n_gammas = len(ra), responses.density.shape[2]
    n_slots, n_seasons = responses.density.shape[1], len(events.n_events)
    n_bins = n_slots // n_seasons
    result = np.empty((n_positions, 4))
    for chunk in numba.prange((n_positions + _CHUNK - 1) // _CHUNK):
        weight, slot = np.empty(1024), np.empty(1024, np.int64)
        moments, big = np.empty((n_slots, _POWERS)), np.empty(n_slots)
        low, ratio = np.empty((_POWERS, n_seasons, n_gammas)), np.empty((n_seasons, n_gammas))
        threshold, c, closed = np.empty(n_seasons), np.empty(n_seasons), np.empty(n_seasons)
        n_signal, value = np.empty(n_gammas), np.empty(n_gammas)
        for m in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, n_positions)):
            t = table[m]
            density, shares = responses.density[t], responses.shares[t]
            bound = _FIRST_BOUND
            while True:
                for k in range(n_seasons):
                    x = bound * shares[:, k].max() / events.n_events[k]
                    threshold[k] = np.inf if x == 0.0 else _SERIES_REACH * max(0.0, 1.0 - x) / x
                found, weight, slot = _gather(
                    ra[m], dec[m], events, responses.largest[t], threshold, n_columns, weight, slot, moments, big
                )
                _power_sums(moments, big, density, n_seasons, low, ratio)
                closed[:] = events.n_events
                for i in range(found):
                    closed[slot[i] // n_bins] -= 1.0
                u = np.empty(found)
                converged = True
                guess = 1.0
                for g in range(n_gammas):
                    n_signal[g] = value[g] = slope = 0.0
                    for k in range(n_seasons):
                        c[k] = shares[g, k] / events.n_events[k]
                        slope += c[k] * (ratio[k, g] - events.n_events[k])
                    if slope <= 0.0:
                        continue
                    for i in range(found):
                        u[i] = c[slot[i] // n_bins] * (weight[i] * density[slot[i], g] - 1.0)
                    n_signal[g], good = _best_signal(u, closed, low[:, :, g], c, guess)
                    value[g] = _value(n_signal[g], u, closed, low[:, :, g], c)
                    converged = converged and good
                    guess = n_signal[g]
                if n_signal.max() <= bound:
                    break
                bound = max(8 * bound, 2 * n_signal.max())
            if n_gammas == 1:
                best = (n_signal[0], responses.gammas[t, 0] if n_signal[0] > 0.0 else np.nan, 2 * value[0])
            else:
                best = peak(responses.gammas[t], n_signal, value)
            result[m, 0] = max(best[2], 0.0)
            result[m, 1] = best[0]
            result[m, 2] = best[1]
            result[m, 3] = 1.0 if converged else 0.0
    return result
