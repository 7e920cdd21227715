"""Upper limits from a number of counted events: Poisson, and Feldman-Cousins with a known background.

Both are exact for counts of any size: sums of Poisson probabilities are incomplete gamma functions, and the ordering
of Feldman and Cousins (PRD 57 (1998) 3873) gives an interval of counts whose ends follow in closed form.
"""

import math

import numpy as np
import scipy
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, handed_back, not_negative
from nusky.errors import PhysicsError

BAND = (0.025, 0.16, 0.5, 0.84, 0.975)
"""Quantiles of the expected band."""
_COARSE = 30  # intervals of the first search


def checked_level(confidence_level: float) -> float:
    """A confidence level in (0, 1)."""
    if not (np.ndim(confidence_level) == 0 and 0 < confidence_level < 1):
        raise PhysicsError(f"confidence_level = {confidence_level!r} must be a number between 0 and 1, such as 0.9.")
    return float(confidence_level)


def poisson_upper_limit(observed: ArrayLike, confidence_level: float = 0.9) -> float | Array:
    """Largest mean with P(N <= observed) >= 1 - CL, in events; no background is subtracted.

    Valid whatever the background is, and conservative where there is one. `observed` are whole numbers, any shape.
    """
    counts, level = _counts(observed), checked_level(confidence_level)
    return handed_back(scipy.special.gammaincinv(counts + 1, level), counts.shape)


def feldman_cousins_upper_limit(observed: ArrayLike, background: float, confidence_level: float = 0.9) -> float | Array:
    """Upper end of the Feldman-Cousins interval of the signal's mean, in events, for a known mean background.

    The largest signal mean whose acceptance region holds `observed` (whole numbers, any shape); the lengthening of
    intervals with which the paper's tables smooth their dependence on the background is not applied.
    """
    counts, level = _counts(observed), checked_level(confidence_level)
    b = not_negative("background", background, "")
    if b.ndim or not np.isfinite(b):
        raise PhysicsError(f"background = {background!r} must be one finite number of events.")
    return handed_back([_upper_end(int(n), float(b), level) for n in counts.reshape(-1)], counts.shape)


def expected_counts(background: float, quantiles: ArrayLike = BAND) -> Array:
    """(n_quantiles,) smallest numbers n of events with P(N <= n) >= q, the mean being `background`."""
    from scipy.stats import poisson

    return np.asarray(poisson.ppf(quantiles, background), dtype=np.int64)


def _counts(observed: ArrayLike) -> Array:
    counts = not_negative("observed", observed, "events")
    if (counts != np.floor(counts)).any() or np.isinf(counts).any():
        raise PhysicsError(f"observed = {observed!r} must be whole numbers of events.")
    return counts


def _upper_end(n: int, b: float, level: float) -> float:
    """Largest mu with P(counts ranked above n | mu + b) < CL.

    With R(k) = P(k; mu + b)/P(k; max(k, b)), ln R(k) > ln R(n) for k > n means ln(mu + b) > [g(k) - g(n)]/(k - n),
    g(k) = k ln max(k, b) - max(k, b), whose right side rises with k: the counts above n that rank higher are n + 1 to
    K(mu), and K steps at mu_k = exp of the right side, minus b. Below the largest mu no count under n ranks higher.
    Between two steps the probability first rises, then falls with mu.
    """

    def g(k: Array) -> Array:
        best = np.maximum(k, b)
        return k * np.log(np.where(best > 0, best, 1.0)) - best

    def ranked_above(k: Array | float, mean: Array | float) -> Array:
        return scipy.special.pdtr(k, mean) - scipy.special.pdtr(n, mean)

    def accepted(k: Array) -> tuple[Array, Array, Array, Array]:
        """Which pieces of constant K = k hold an accepted mean: their indices, start, end, probability at the end."""
        k, base = k.astype(np.float64), g(np.array(float(n)))
        start = np.maximum(np.exp((g(k) - base) / (k - n)), b)
        end = np.exp((g(k + 1) - base) / (k + 1 - n))
        at_end = ranked_above(k, end)
        return np.flatnonzero((end > b) & ((ranked_above(k, start) < level) | (at_end < level))), start, end, at_end

    # No larger mean is accepted: n and everything below it are too rare there, or far below the background.
    reach = max(scipy.special.gammaincinv(n + 1, 1 - 1e-3 * (1 - level)), b + 20)
    # K is at least the background's mean, for the smallest signal.
    k = np.arange(max(n + 1, math.floor(b)), 22 + math.ceil(reach + 12 * math.sqrt(reach + 1)))
    if k.size > _COARSE**2:  # the last accepted piece by steps first: the probability rises but for a tiny sawtooth
        stride = k.size // _COARSE
        found = accepted(k[::stride])[0]
        middle = stride * (found[-1] if found.size else 0)
        k = k[max(middle - 2 * stride, 0) : middle + 3 * stride]
    found, start, end, at_end = accepted(k)
    if found.size == 0:  # at a low level the smallest signal is refused already
        return 0.0
    i = found[-1]
    if at_end[i] < level:
        return float(end[i]) - b
    # It rises through CL once on this piece.
    crossing = scipy.optimize.brentq(
        lambda mean: ranked_above(k[i], mean) - level, start[i], end[i], xtol=1e-13, rtol=1e-14
    )
    return float(crossing) - b
