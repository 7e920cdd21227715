"""An unknown flare: the likelihood of every window between two events, and the windows that fit best.

In a window with the exposures E_k of the seasons an event of season k has the ratio r |R_k| / E_k, and seasons share
n_s by acceptance times E_k (`nusky.likelihood.time`, `nusky.likelihood.fit`). Short windows are many, so each is worth
less (Braun et al., Astropart. Phys. 33 (2010) 175, arXiv:0912.1572):

    TS = 2 ln [ T / T_max L(n_s, gamma, window) / L(0) ]

with the duration T. Not every window has to be fitted: a bound on its ln L follows from sums over classes of events
with similar ratios, by Jensen's inequality, ln being concave. Running sums make it independent of the number of events.
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import best_signal, log_likelihood
from nusky.likelihood.terms import EXTENSION_REACH, direction

_N_CLASSES = 12
"""Classes of ratios within a factor of two below the largest; of all smaller ones ln(1 + z) is bounded by z."""


GROUP = 4
"""Spectra that have a bound in common."""


class NearEvents(NamedTuple):
    """The events near a source, in order of time, and what a flare is made of.

    Attributes
    ----------
    season : (n_events,) int64
    strength : (n_events, n_spectra) float64, d
        r |R_k| Y_k / N_k with Y_k the expected signal of a day; over sum_k Y_k E_k, what an event adds for n_s = 1.
    rate : (n_spectra, n_seasons) float64
        Y_k, in any unit.
    far : (n_seasons, n_spectra) float64
        Sum of the ratios of far pairs.
    n_events : (n_seasons,) float64
        N_k.
    """

    season: np.ndarray
    strength: np.ndarray
    rate: np.ndarray
    far: np.ndarray
    n_events: np.ndarray


class Windows(NamedTuple):
    """Candidate windows.

    Attributes
    ----------
    first, stop : (n_windows,) int64
        The events inside are `first` ... `stop` - 1 of those in order of time.
    begin, end : (n_windows,) float64, MJD
    duration : (n_windows,) float64, d
        Good runs inside.
    exposure : (n_windows, n_seasons) float64, d
        E_k.
    """

    first: np.ndarray
    stop: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    duration: np.ndarray
    exposure: np.ndarray


@kernel()
def near_source(ra, records, source, near):
    """Set `near` (n,) to whether events at `ra` [rad] with their `records` (n,) are near a source, as
    `nusky.likelihood.ratios.near_ratios` judges it; `source` (4,)."""
    for i in range(len(ra)):
        x, y = direction(records[i].cos_dec, ra[i])
        c = 2.0 * (1.0 - (x * source[0] + y * source[1] + records[i].sin_dec * source[2]))
        near[i] = c <= records[i].reach + EXTENSION_REACH * source[3]


@kernel()
def candidates(mjd, live, exposure, edge, shortest, shortest_live, shortest_exposure, longest):
    """The windows that begin at an edge and end at a later one, or at the end of the shortest window from there.

    Parameters
    ----------
    mjd, live : (n_events,) float64
        Times in order, and the good runs until then [d].
    exposure : (n_events, n_seasons) float64, d
        Good runs of each season until then.
    edge : (n_edges,) int64
        Numbers of the events at which windows begin and end, in order.
    shortest, shortest_live : (n_edges,), shortest_exposure : (n_edges, n_seasons)
        `mjd`, `live` and `exposure` of the end of the shortest window from each edge.
    longest : float, d
    """
    n, n_seasons, room = len(edge), exposure.shape[1], len(edge) * (len(edge) + 1) // 2
    first, stop = np.empty(room, np.int64), np.empty(room, np.int64)
    begin, end, duration = np.empty(room), np.empty(room), np.empty(room)
    inside = np.empty((room, n_seasons))
    found = 0
    for a in range(n):
        i = edge[a]
        while i > 0 and mjd[i - 1] == mjd[i]:
            i -= 1
        for b in range(a, n):
            j = edge[b]
            if b == a:
                to = np.searchsorted(mjd, shortest[a], side="right")
                at, until = shortest[a], shortest_live[a]
            else:
                at, until = mjd[j], live[j]
                if until <= shortest_live[a]:
                    continue
                if until - live[i] > longest:
                    break
                to = j + 1
                while to < len(mjd) and mjd[to] == at:
                    to += 1
            first[found], stop[found], begin[found], end[found] = i, to, mjd[i], at
            duration[found] = until - live[i]
            for k in range(n_seasons):
                last = shortest_exposure[a, k] if b == a else exposure[j, k]
                inside[found, k] = last - exposure[i, k]
            found += 1 if duration[found] > 0.0 else 0
    return Windows(first[:found], stop[:found], begin[:found], end[:found], duration[:found], inside[:found])


@kernel()
def bounds(near, windows, low, high, bound):
    """Set `bound` (n_windows,) to numbers that the best ln L(n_s)/L(0) of a window does not exceed at any spectrum from
    the number `low` to `high` - 1.

    Each event counts with the one that suits it best. With c_k = f_k/N_k, and m_k events inside,
    sum_k (N_k - m_k) ln(1 - n c_k) + far pairs <= -n min_k [1 - (m_k + far_k)/N_k], as sum_k c_k N_k = 1.
    """
    n, n_seasons = len(near.season), len(near.n_events)
    count, total = np.zeros((n + 1, _N_CLASSES + 1)), np.zeros((n + 1, _N_CLASSES + 1))
    number, strength, most = np.zeros((n + 1, n_seasons)), np.empty(n), 0.0
    # A flux that makes one event in a day of the first exposure: strengths of different spectra then compare.
    whole = np.empty(high)
    for g in range(low, high):
        whole[g] = near.rate[g].sum()
    for i in range(n):
        strength[i] = 0.0
        for g in range(low, high):
            strength[i] = max(strength[i], near.strength[i, g] / whole[g])
        most = max(most, strength[i])
    for i in range(n):
        for k in range(n_seasons):
            number[i + 1, k] = number[i, k] + (1.0 if near.season[i] == k else 0.0)
        value = strength[i]
        own = _N_CLASSES if value <= 0.0 else min(_N_CLASSES, int(np.log2(most / value)))
        for m in range(_N_CLASSES + 1):
            count[i + 1, m] = count[i, m] + (1.0 if m == own else 0.0)
            total[i + 1, m] = total[i, m] + (value if m == own else 0.0)
    far = np.zeros(n_seasons)
    for k in range(n_seasons):
        for g in range(low, high):
            far[k] = max(far[k], near.far[k, g])
    many, mean = np.empty(_N_CLASSES), np.empty(_N_CLASSES)
    for w in range(len(windows.first)):
        first, stop = windows.first[w], windows.stop[w]
        signal, least, cost = np.inf, np.inf, 1.0
        for g in range(low, high):
            own = 0.0
            for k in range(n_seasons):
                own += near.rate[g, k] * windows.exposure[w, k]
            signal = min(signal, own / whole[g])
            for k in range(n_seasons):
                if number[stop, k] > number[first, k] or windows.exposure[w, k] > 0.0:
                    least = min(least, near.rate[g, k] * windows.exposure[w, k] / (own * near.n_events[k]))
        for k in range(n_seasons):
            if windows.exposure[w, k] > 0.0:
                cost = min(cost, 1.0 - (number[stop, k] - number[first, k] + far[k]) / near.n_events[k])
        if signal <= 0.0:
            bound[w] = np.inf
            continue
        rest = count[stop, _N_CLASSES] - count[first, _N_CLASSES]
        straight = (total[stop, _N_CLASSES] - total[first, _N_CLASSES]) / signal - rest * least - cost
        slope, filled = straight, np.int64(0)
        for m in range(_N_CLASSES):
            inside = count[stop, m] - count[first, m]
            if inside > 0.0:
                many[filled] = inside
                mean[filled] = (total[stop, m] - total[first, m]) / (inside * signal) - least
                slope += inside * mean[filled]
                filled += 1
        bound[w] = _top(filled, many, mean, straight) if slope > 0.0 else 0.0


@kernel()
def _top(filled, many, mean, straight):
    """Maximum over n of sum_m many_m ln(1 + n mean_m) + n straight, from above by what Newton's method may gain."""
    if straight >= 0.0:
        return np.inf
    bottom, top, n, gain = 0.0, np.inf, 3.0, 0.0
    for _ in range(60):
        slope, curvature = straight, 0.0
        for m in range(filled):
            share = mean[m] / (1.0 + n * mean[m])
            slope += many[m] * share
            curvature -= many[m] * share * share
        if slope > 0.0:
            bottom = n
        else:
            top = n
        step = -slope / curvature if curvature < 0.0 else np.inf
        gain = abs(slope * step)
        proposal = n + step
        if bottom <= proposal <= top and gain < 0.01:
            break
        if not bottom < proposal < top:
            proposal = 2 * n + 1.0 if top == np.inf else 0.5 * (bottom + top)
        n = proposal
    value = straight * n + 2 * gain
    for m in range(filled):
        value += many[m] * np.log1p(n * mean[m])
    return value + 1e-9


@kernel()
def fit_window(near, windows, w, g, guess):
    """Best n_s, ln L(n_s)/L(0) of the window number `w` at the spectrum number `g`, and whether it converged."""
    n_seasons, first, stop = len(near.n_events), windows.first[w], windows.stop[w]
    u, closed, c, far = np.zeros(stop - first), near.n_events.copy(), np.zeros(n_seasons), np.zeros((n_seasons, 2))
    signal = 0.0
    for k in range(n_seasons):
        signal += near.rate[g, k] * windows.exposure[w, k]
    if signal <= 0.0:
        return 0.0, 0.0, True
    slope = 0.0
    for k in range(n_seasons):
        c[k], far[k, 1] = near.rate[g, k] * windows.exposure[w, k] / (signal * near.n_events[k]), near.far[k, g]
        slope += c[k] * (far[k, 1] - near.n_events[k])
    for i in range(first, stop):
        k = near.season[i]
        if windows.exposure[w, k] > 0.0:
            u[i - first] = near.strength[i, g] / signal - c[k]
            closed[k] -= 1.0
            slope += u[i - first] + c[k]
    if slope <= 0.0:
        return 0.0, 0.0, True
    n_signal, good = best_signal(u, closed, far, c, guess)
    return n_signal, log_likelihood(n_signal, u, closed, far, c), good


@kernel()
def strongest(near, windows, bound, penalty, order, free):
    """The window of the largest ln [ T / T_max L(n_s)/L(0) ] on the spectra of a grid, and its fits.

    Parameters
    ----------
    bound : (n_groups, n_windows), see `bounds`
        Of `GROUP` spectra each, the last of what is left.
    penalty : (n_windows,) float64
        ln(T / T_max).
    order : (n_windows,) int64
        Windows in order of falling bounds, the penalty added.
    free : (n_windows,) bool
        Those to choose from.

    Returns
    -------
    number of the window, -1 if none is above 0; n_signal, value : (n_spectra,) without the penalty; converged
    """
    n_spectra = near.strength.shape[1]
    chosen, best = np.int64(-1), 0.0
    for w in order:
        if bound[:, w].max() + penalty[w] <= best:
            break
        if not free[w]:
            continue
        guess = 1.0
        for group in range(len(bound)):
            if bound[group, w] + penalty[w] <= best:
                continue
            for g in range(group * GROUP, min((group + 1) * GROUP, n_spectra)):
                n_signal, value, _ = fit_window(near, windows, w, g, guess)
                guess = max(n_signal, 0.1)
                if value + penalty[w] > best:
                    chosen, best = w, value + penalty[w]
    n_signal, value, converged = np.zeros(n_spectra), np.zeros(n_spectra), True
    if chosen >= 0:
        for g in range(n_spectra):
            n_signal[g], value[g], good = fit_window(near, windows, chosen, g, 1.0)
            converged = converged and good
    return chosen, n_signal, value, converged
