"""Fit of n_s and gamma: the likelihood of seasons that share the expected signal, on a grid of spectral indices.

With x_k = n_s f_k(gamma)/N_k and y = x/(1 - x) every event contributes ln(1 - x_k), and an event near a source
ln(1 + y_k r_i) on top, with r_i = S_i/B_i. So events far from every source enter exactly and cost nothing. Near events
with a small ratio may be passed as sums of their powers (`low`), exact to the fifth power of y r.
"""

import numpy as np

from nusky.likelihood.compile import kernel

N_LOW = 4
_LAST_STEP = 1e-5
"""Newton step, relative to n_s, after which n_s is right to its square and ln L to its cube."""


@kernel()
def log_likelihood(n_signal, ratio, start, low, share, n_events):
    """Value, slope and curvature in n_s of ln L(n_s)/L(0) at one spectral index.

    Parameters
    ----------
    ratio : (n_near,) float64
        r_i of the near events, ordered by season.
    start : (n_seasons + 1,) int64
        Where each season begins in `ratio`.
    low : (n_seasons, N_LOW) float64
        Sums of r, r^2, ... of near events not in `ratio`.
    share, n_events : (n_seasons,) float64
        f_k and N_k.
    """
    value = slope = curvature = 0.0
    for k in range(len(n_events)):
        c = share[k] / n_events[k]
        x = n_signal * c
        rest = 1.0 - x
        y = x / rest
        first = low[k, 0] - y * (low[k, 1] - y * (low[k, 2] - y * low[k, 3]))
        second = low[k, 1] - y * (2 * low[k, 2] - 3 * y * low[k, 3])
        logs = y * (low[k, 0] - y * (low[k, 1] / 2 - y * (low[k, 2] / 3 - y * low[k, 3] / 4)))
        product = 1.0
        for i in range(start[k], start[k + 1]):
            term = 1.0 + y * ratio[i]
            share_of_slope = ratio[i] / term
            first += share_of_slope
            second += share_of_slope * share_of_slope
            product *= term
            if product > 1e200:
                logs += np.log(product)
                product = 1.0
        logs += np.log(product)
        value += n_events[k] * np.log1p(-x) + logs
        slope += c * (first / rest**2 - n_events[k] / rest)
        curvature += c * c * (2 * first / rest**3 - second / rest**4 - n_events[k] / rest**2)
    return value, slope, curvature


@kernel()
def best_signal(ratio, start, low, share, n_events, guess):
    """The n_s >= 0 that maximises the likelihood at one spectral index, its ln L ratio, and whether it converged.

    Newton's method inside a shrinking bracket: ln L is concave in n_s. A step below _LAST_STEP is the last, and the
    parabola's value is taken there.
    """
    slope = 0.0
    for k in range(len(n_events)):
        slope += share[k] / n_events[k] * (low[k, 0] + ratio[start[k] : start[k + 1]].sum() - n_events[k])
    if slope <= 0.0:
        return 0.0, 0.0, True
    bottom, top = 0.0, np.inf
    for k in range(len(n_events)):
        if share[k] > 0:
            top = min(top, n_events[k] / share[k])
    limit = top * (1 - 1e-12)
    n = guess if 0.0 < guess < limit else min(1.0, limit / 2)
    for _ in range(100):
        value, slope, curvature = log_likelihood(n, ratio, start, low, share, n_events)
        if slope > 0:
            bottom = n
        else:
            top = n
        step = -slope / curvature if curvature < 0 else np.inf
        proposal = n + step
        if abs(step) <= _LAST_STEP * n + 1e-12 and 0.0 < proposal < limit:
            return proposal, value + 0.5 * slope * step, True
        if not bottom < proposal < top:
            proposal = min(2 * n + 1.0, 0.5 * (n + limit)) if top > limit else 0.5 * (bottom + top)
        n = proposal
    return n, value, False


@kernel()
def profile(ratios, start, low, shares, n_events):
    """Best n_s and ln L ratio at every index of a grid.

    Parameters
    ----------
    ratios : (n_gammas, n_near) float64
    low : (n_gammas, n_seasons, N_LOW) float64
    shares : (n_gammas, n_seasons) float64

    Returns
    -------
    n_signal, value : (n_gammas,) float64
    converged : bool
    """
    n_gammas = len(shares)
    n_signal, value = np.zeros(n_gammas), np.zeros(n_gammas)
    converged = True
    guess = 1.0
    for g in range(n_gammas):
        n_signal[g], value[g], good = best_signal(ratios[g], start, low[g], shares[g], n_events, guess)
        guess = n_signal[g]
        converged = converged and good
    return n_signal, value, converged


@kernel()
def peak(gammas, n_signal, value):
    """Maximum of the profile between the grid points, by the parabola through the best point and its neighbours.

    Returns n_s, gamma and TS = 2 ln L ratio; gamma is NaN where n_s = 0.
    """
    best = 0
    for g in range(1, len(gammas)):
        if value[g] > value[best]:
            best = g
    if n_signal[best] == 0.0:
        return 0.0, np.nan, 0.0
    if best == 0 or best == len(gammas) - 1:
        return n_signal[best], gammas[best], 2 * value[best]
    left, middle, right = value[best - 1], value[best], value[best + 1]
    bend = left - 2 * middle + right
    if bend >= 0.0:
        return n_signal[best], gammas[best], 2 * middle
    shift = 0.5 * (left - right) / bend
    n_fit = n_signal[best] + shift * (
        0.5 * (n_signal[best + 1] - n_signal[best - 1])
        + 0.5 * shift * (n_signal[best + 1] - 2 * n_signal[best] + n_signal[best - 1])
    )
    return (
        max(n_fit, 0.0),
        gammas[best] + shift * (gammas[best + 1] - gammas[best]),
        2 * (middle - 0.125 * (left - right) ** 2 / bend),
    )
