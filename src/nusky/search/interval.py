"""The profile likelihood of a fit as intervals: the quick alternative to a Neyman construction."""

from dataclasses import dataclass

import numpy as np
import scipy

from nusky.errors import PhysicsError
from nusky.likelihood.fit import peak
from nusky.search.hypothesis import Hypothesis
from nusky.search.sky import Fit
from nusky.search.statistics.pvalues import ONE_SIGMA

_GAMMA_STEP = 1 / 16


@dataclass(frozen=True)
class LikelihoodInterval:
    """Two-sided intervals of n_s and gamma, each with the other one profiled.

    They are approximate (Wilks, Ann. Math. Stat. 9 (1938) 60), above all with few events and near n_s = 0: limits with
    calibrated coverage are those of `nusky.search.statistics.limits`.

    Attributes
    ----------
    fit : Fit
        The best fit.
    n_signal_low, n_signal_high : float
        `n_signal_low` is 0 where n_s = 0 is inside.
    gamma_low, gamma_high : float
        An end of the range of gamma where the likelihood does not fall far enough before it; the fixed index if it is.
    confidence_level : float
    """

    fit: Fit
    n_signal_low: float
    n_signal_high: float
    gamma_low: float
    gamma_high: float
    confidence_level: float


def likelihood_interval(hypothesis: Hypothesis, confidence_level: float = ONE_SIGMA) -> LikelihoodInterval:
    """Where 2 ln L has fallen from its maximum by the quantile of a chi-square with one degree of freedom.

    `confidence_level` is two-sided, the one-sigma level by default.

    Raises
    ------
    PhysicsError : the confidence level is not between 0 and 1.
    """

    if not 0 < confidence_level < 1:
        raise PhysicsError(f"confidence level {confidence_level}: give a number between 0 and 1, e.g. 0.9.")
    fine = hypothesis
    if len(hypothesis.gammas) > 1:
        first, last = hypothesis.gammas[[0, -1]]
        fine = hypothesis.with_gammas(np.linspace(first, last, round((last - first) / _GAMMA_STEP) + 1))
    likelihood = fine.likelihood(fine.data())
    n_signal, value, _ = likelihood.profile()
    top_ts, middle, _ = peak(fine.gammas, n_signal, value)
    level = top_ts - scipy.special.chdtri(1, 1 - confidence_level)

    def above(n: float) -> float:
        """TS at n_s with gamma profiled, over the level."""
        return likelihood.profiled(n) - level

    most = likelihood.most.min()
    top = min(2 * middle + 1.0, most)
    while above(top) > 0 and top < most:
        top = min(2 * top, most)
    gamma_low, gamma_high = _ends(fine.gammas, 2 * value - level)
    return LikelihoodInterval(
        fit=hypothesis.fit(),
        n_signal_low=0.0 if above(0.0) >= 0 else scipy.optimize.brentq(above, 0.0, middle),
        n_signal_high=top if above(top) > 0 else scipy.optimize.brentq(above, middle, top),
        gamma_low=gamma_low,
        gamma_high=gamma_high,
        confidence_level=confidence_level,
    )


def _ends(gammas: np.ndarray, above: np.ndarray) -> tuple[float, float]:
    """The outermost places where `above` changes its sign, linear between the points, or the ends of the range."""
    first, last = np.flatnonzero(above >= 0)[[0, -1]]
    low, high = gammas[first], gammas[last]
    if first > 0:
        low = np.interp(0.0, above[first - 1 : first + 1], gammas[first - 1 : first + 1])
    if last < len(gammas) - 1:
        high = np.interp(0.0, above[[last + 1, last]], gammas[[last + 1, last]])
    return float(low), float(high)
