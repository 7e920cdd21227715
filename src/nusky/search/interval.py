"""The profile likelihood of a fit as intervals: the quick alternative to a Neyman construction."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from nusky.errors import PhysicsError
from nusky.likelihood.fit import log_likelihood, profile
from nusky.search.hypothesis import Fit, Hypothesis

_GAMMA_STEP = 1 / 16
ONE_SIGMA = 0.682689492137


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
    best = hypothesis.fit()
    free = len(hypothesis.gammas) > 1
    first, last = hypothesis.gammas[0], hypothesis.gammas[-1]
    fine = hypothesis
    if free:
        fine = hypothesis.with_gammas(np.linspace(first, last, round((last - first) / _GAMMA_STEP) + 1))
    near = fine.data()
    level = best.ts - chi2.ppf(confidence_level, 1)

    def above(n_signal: float) -> float:
        """TS at n_s with gamma profiled, over the level."""
        of_gammas = zip(near.ratios, near.low, fine.shares, strict=True)
        return (
            2 * max(log_likelihood(n_signal, r, near.begin, *rest, near.n_events)[0] for r, *rest in of_gammas) - level
        )

    top = 2 * best.n_signal + 1.0
    while above(top) > 0:
        top *= 2
    gammas = first, last
    if free:
        _, value, _ = profile(near.ratios, near.begin, near.low, fine.shares, near.n_events)
        gammas = _ends(fine.gammas, 2 * value - level)
    return LikelihoodInterval(
        fit=best,
        n_signal_low=0.0 if above(0.0) >= 0 else brentq(above, 0.0, best.n_signal),
        n_signal_high=brentq(above, best.n_signal, top),
        gamma_low=float(gammas[0]),
        gamma_high=float(gammas[1]),
        confidence_level=confidence_level,
    )


def _ends(gammas: np.ndarray, above: np.ndarray) -> tuple[float, float]:
    """The outermost places where `above` changes its sign, linear between the points, or the ends of the range."""
    inside = np.flatnonzero(above >= 0)
    if not len(inside):  # narrower than the steps
        at = gammas[np.argmax(above)]
        return at, at
    first, last = inside[0], inside[-1]
    low, high = gammas[first], gammas[last]
    if first > 0:
        low = np.interp(0.0, above[first - 1 : first + 1], gammas[first - 1 : first + 1])
    if last < len(gammas) - 1:
        high = np.interp(0.0, above[[last + 1, last]], gammas[[last + 1, last]])
    return low, high
