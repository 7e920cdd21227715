"""The likelihood of one sky: ln L, its maximum in n_s, and its profile over a grid of spectra.

With x_k = n_s f_k/N_k and y_k = x_k/(1 - x_k), an event of season k adds ln(1 - x_k) to ln L(n_s)/L(0), and an event
near a source ln(1 + y_k r_i) on top, r_i = S_i/B_i. So events without signal enter exactly and cost nothing. Large
ratios enter one by one, as ln(1 + n_s u_i) with u_i = f_k/N_k (r_i - 1); small ones by the sums R_p of their powers,

    y R_1 - y^2 R_2/2 + y^3 R_3/3 - ...

Of far pairs only the sum F of the ratios is known. All M events that are not large share it, M ln(1 + y F/M): the most
that this sum allows, as the logarithm is concave, which stays finite however much of a season is signal.
"""

import numpy as np

from nusky.likelihood.compile import kernel


@kernel()
def log_likelihood(n_signal, u, closed, low, c):
    """ln L(n_s)/L(0) at one spectrum.

    Parameters
    ----------
    u : (n_large,) float64
        c_k (r - 1) of the large ratios.
    closed : (n_seasons,) float64
        Number of all other events.
    low : (n_seasons, n_powers + 1) float64
        Sums of powers of the small ratios; last the sum of the ratios of far pairs.
    c : (n_seasons,) float64
        f_k/N_k.
    """
    value, product = 0.0, 1.0
    for i in range(len(u)):
        product *= 1.0 + n_signal * u[i]
        if product > 1e200 or product < 1e-200:
            value += np.log(product)
            product = 1.0
    value += np.log(product)
    n_powers = low.shape[1] - 1
    for k in range(len(c)):
        x = n_signal * c[k]
        y = x / (1.0 - x)
        series = 0.0
        for p in range(n_powers - 1, -1, -1):
            series = low[k, p] / (p + 1) - y * series
        over = low[k, n_powers] / max(closed[k], 1.0) - 1.0
        value += closed[k] * np.log1p(x * over) + y * series
    return value


@kernel()
def slopes(n_signal, u, closed, low, c):
    """Slope and curvature in n_s of `log_likelihood`."""
    slope = curvature = 0.0
    for i in range(len(u)):
        share = u[i] / (1.0 + n_signal * u[i])
        slope += share
        curvature -= share * share
    n_powers = low.shape[1] - 1
    for k in range(len(c)):
        rest = 1.0 - n_signal * c[k]
        y = n_signal * c[k] / rest
        first = second = 0.0
        for p in range(n_powers - 1, -1, -1):
            first = low[k, p] - y * first
            if p > 0:
                second = p * low[k, p] - y * second
        over = low[k, n_powers] / max(closed[k], 1.0) - 1.0
        share = over / (1.0 + n_signal * c[k] * over)
        slope += c[k] * (first / rest**2 + closed[k] * share)
        curvature += c[k] ** 2 * (2 * first / rest**3 - second / rest**4 - closed[k] * share * share)
    return slope, curvature


@kernel()
def best_signal(u, closed, low, c, guess):
    """The n_s > 0 that maximises a likelihood that rises at 0, and whether it converged.

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
        slope, curvature = slopes(n, u, closed, low, c)
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


@kernel()
def at_spectrum(g, rows, seasons, low, shares, n_events):
    """Arguments u, closed, low and c of `log_likelihood` at spectrum `g`; parameters as in `profile`."""
    n_seasons, n_sums = len(n_events), low.shape[1]
    c, closed, u = np.empty(n_seasons), np.empty(n_seasons), np.empty(len(seasons))
    sums = np.empty((n_seasons, n_sums))
    for k in range(n_seasons):
        c[k], closed[k] = shares[g, k] / n_events[k], n_events[k]
        for p in range(n_sums):
            sums[k, p] = low[k, p, g]
    for i in range(len(seasons)):
        u[i] = c[seasons[i]] * (rows[i, g] - 1.0)
        closed[seasons[i]] -= 1.0
    return u, closed, sums, c


@kernel()
def profile(rows, seasons, low, shares, n_events):
    """Best n_s and ln L ratio at every spectrum of a grid.

    Parameters
    ----------
    rows : (n_large, n_spectra) float64
        Large ratios.
    seasons : (n_large,) int64
    low : (n_seasons, n_powers + 1, n_spectra) float64
    shares : (n_spectra, n_seasons) float64
        f_k.
    n_events : (n_seasons,) float64
        N_k.

    Returns
    -------
    n_signal, value : (n_spectra,) float64
    converged : bool
    """
    n_spectra = len(shares)
    n_signal, value = np.zeros(n_spectra), np.zeros(n_spectra)
    sums = np.empty((len(n_events), n_spectra))
    for k in range(len(n_events)):
        for g in range(n_spectra):
            sums[k, g] = low[k, 0, g] + low[k, low.shape[1] - 1, g]
    for i in range(len(seasons)):
        for g in range(n_spectra):
            sums[seasons[i], g] += rows[i, g]
    converged, guess = True, 1.0
    for g in range(n_spectra):
        slope = 0.0
        for k in range(len(n_events)):
            slope += shares[g, k] / n_events[k] * (sums[k, g] - n_events[k])
        if slope <= 0.0:
            continue
        u, closed, powers, c = at_spectrum(g, rows, seasons, low, shares, n_events)
        n_signal[g], good = best_signal(u, closed, powers, c, guess)
        value[g] = log_likelihood(n_signal[g], u, closed, powers, c)
        guess = n_signal[g]
        converged = converged and good
    return n_signal, value, converged


@kernel()
def peak(parameter, n_signal, value):
    """Maximum of a profile between the grid points, by the parabola through the best point and its neighbours.

    Returns TS = 2 ln L ratio, n_s and the parameter, which is NaN where n_s = 0. A grid of one point has its maximum
    there.
    """
    best = 0
    for g in range(1, len(parameter)):
        if value[g] > value[best]:
            best = g
    if n_signal[best] == 0.0:
        return 0.0, 0.0, np.nan
    if best == 0 or best == len(parameter) - 1:
        return 2 * value[best], n_signal[best], parameter[best]
    left, middle, right = value[best - 1], value[best], value[best + 1]
    bend = left - 2 * middle + right
    if bend >= 0.0:
        return 2 * middle, n_signal[best], parameter[best]
    shift = 0.5 * (left - right) / bend
    n_fit = n_signal[best] + shift * (
        0.5 * (n_signal[best + 1] - n_signal[best - 1])
        + 0.5 * shift * (n_signal[best + 1] - 2 * n_signal[best] + n_signal[best - 1])
    )
    return (
        2 * (middle - 0.125 * (left - right) ** 2 / bend),
        max(n_fit, 0.0),
        parameter[best] + shift * (parameter[best + 1] - parameter[best]),
    )
