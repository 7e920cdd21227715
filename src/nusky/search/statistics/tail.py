"""Extrapolation of the background distribution of a test statistic beyond its trials.

A p-value below 1/n_trials is a statement about a model: results state one only where asked for, with its error, or say
`extrapolated`; the map ranks its spots by it. Asymptotically TS follows a mixture of a spike at 0 and chi-square
distributions (Chernoff 1954), which is the model `chi2`; `exponential` is the plain alternative, and their difference a
measure of the error.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import ONE_SIGMA, BackgroundTrials, LocalPValue, binomial_interval, sigma_from_p

Model = Literal["chi2", "exponential"]
MIN_IN_TAIL = 50
"""Trials a fit needs: its parameter is then known to about 15 %."""
_NDF_RANGE = (0.05, 30.0)


@dataclass(frozen=True)
class TailFit:
    """Survival function of TS above `start`: n_tail/n_trials times the model's conditional survival function.

    Attributes
    ----------
    model : 'chi2' (parameter: degrees of freedom) or 'exponential' (parameter: scale)
    start : TS above which the model holds
    parameter, parameter_error : maximum-likelihood estimate and its error
    n_tail : trials above `start`
    distance : largest distance between the tail's distribution and the model, times sqrt(n_tail) (Kolmogorov-Smirnov;
        1.36 is exceeded in less than 5 % of cases if the model is right)
    background : all trials
    """

    model: Model
    start: float
    parameter: float
    parameter_error: float
    n_tail: int
    distance: float
    background: BackgroundTrials

    def p_value(self, test_statistic: ArrayLike) -> NDArray:
        """p-values: from the trials up to `start`, from the model above."""
        ts = np.asarray(test_statistic, dtype=float)
        return np.where(ts > self.start, self._beyond(ts, self.parameter), self.background.p_value(ts))

    def threshold(self, p_value: float) -> float:
        """TS whose extrapolated p-value is `p_value`, which must lie below that of `start`."""

        at_start = self.n_tail / self.background.n_trials
        if not 0 < p_value < at_start:
            raise PhysicsError(
                f"p = {p_value:g} lies outside the tail, which begins at {at_start:g}; read it from the trials."
            )
        end = self.start + 1.0
        while self._beyond(end, self.parameter) > p_value:
            end = self.start + 2 * (end - self.start)
        return float(
            scipy.optimize.brentq(lambda ts: np.log(self._beyond(ts, self.parameter) / p_value), self.start, end)
        )

    def local_p_value(self, observed: float, confidence_level: float = ONE_SIGMA) -> LocalPValue:
        """Local p-value of `observed`; `extrapolated` if it lies above `start`.

        The interval adds the binomial error of the tail's share and the error of the parameter in ln p; that the model
        may be wrong is not part of it.
        """
        k, n = int(self.background.n_exceeding(observed)), self.background.n_trials
        p = float(self.p_value(observed))
        if observed <= self.start:
            low, high = binomial_interval(k, n, confidence_level)
            return LocalPValue(float(observed), p, float(low), float(high), confidence_level, k, n)
        shifted = self._beyond(observed, self.parameter + self.parameter_error)
        slope = np.log(shifted / p)
        deviation = float(sigma_from_p((1 - confidence_level) / 2)) * np.hypot(slope, np.sqrt(1 / self.n_tail - 1 / n))
        low, high = p * np.exp(-deviation), min(1.0, p * np.exp(deviation))
        return LocalPValue(float(observed), p, float(low), float(high), confidence_level, k, n, extrapolated=True)

    def _beyond(self, ts: ArrayLike, parameter: float) -> NDArray:
        share = self.n_tail / self.background.n_trials
        return share * np.exp(_log_survival(self.model, np.maximum(ts, self.start), self.start, parameter))


def fit_tail(background_ts: ArrayLike, model: Model = "chi2", fraction: float = 0.1) -> TailFit:
    """Fit the upper `fraction` of the trials, of those with TS > 0 if these are fewer.

    Raises
    ------
    PhysicsError : fewer than `MIN_IN_TAIL` trials in the tail.
    """
    if model not in ("chi2", "exponential"):
        raise PhysicsError(f"no tail model '{model}'; there are 'chi2' and 'exponential'.")
    if not 0 < fraction <= 1:
        raise PhysicsError(f"the fraction of trials in the tail is {fraction}; it must lie in (0, 1].")
    trials = BackgroundTrials(background_ts)
    start = max(float(np.quantile(trials.sorted, 1 - fraction)), 0.0)
    tail = trials.sorted[trials.sorted > start]
    if len(tail) < MIN_IN_TAIL or tail[0] == tail[-1]:
        raise PhysicsError(
            f"only {len(tail)} of {trials.n_trials} trials lie in the tail above TS = {start:.3g}; a fit needs "
            f"{MIN_IN_TAIL} different ones. Run more trials."
        )
    parameter, error = _estimate(model, tail, start)
    survival = np.exp(_log_survival(model, tail, start, parameter))
    steps = np.arange(len(tail) + 1) / len(tail)
    distance = np.sqrt(len(tail)) * max(np.abs(1 - survival - steps[1:]).max(), np.abs(1 - survival - steps[:-1]).max())
    return TailFit(model, start, parameter, error, len(tail), float(distance), trials)


def _estimate(model: Model, tail: NDArray, start: float) -> tuple[float, float]:
    from scipy.optimize import minimize_scalar

    if model == "exponential":
        scale = float(np.mean(tail - start))
        return scale, scale / np.sqrt(len(tail))

    def cost(ndf: float) -> float:
        half = ndf / 2
        normalisation = np.log(scipy.special.chdtrc(ndf, start)) + scipy.special.gammaln(half) + half * np.log(2)
        return -float(np.sum((half - 1) * np.log(tail) - tail / 2) - len(tail) * normalisation)

    best = float(minimize_scalar(cost, bounds=_NDF_RANGE, method="bounded", options={"xatol": 1e-6}).x)
    step = min(0.05 * best, best - _NDF_RANGE[0], _NDF_RANGE[1] - best)
    if step < 1e-3:
        raise PhysicsError("the tail of the trials does not look like a chi-square; use the model 'exponential'.")
    curvature = (cost(best + step) - 2 * cost(best) + cost(best - step)) / step**2
    return best, float(1 / np.sqrt(curvature))


def _log_survival(model: Model, ts: ArrayLike, start: float, parameter: float) -> NDArray:
    if model == "exponential":
        return -(np.asarray(ts) - start) / parameter
    return np.log(scipy.special.chdtrc(parameter, ts) / scipy.special.chdtrc(parameter, start))
