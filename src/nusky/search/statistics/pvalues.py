"""Local p-values from background trials."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError

ONE_SIGMA = 0.6826894921370859  # content of +-1 sigma, of a normal distribution


@dataclass(frozen=True)
class LocalPValue:
    """Chance that background alone gives a test statistic at least as high as the observed one.

    Attributes
    ----------
    test_statistic : observed value
    p_value : (k + 1)/(n + 1) for k of n trials at or above it; of a tail fit where `extrapolated`
    p_low, p_high : interval of the true probability: Clopper-Pearson, or the errors of the tail fit
    confidence_level : of that interval
    n_exceeding, n_trials : k and n
    extrapolated : whether the value lies beyond the reach of the trials and comes from a fit to their tail
    """

    test_statistic: float
    p_value: float
    p_low: float
    p_high: float
    confidence_level: float
    n_exceeding: int
    n_trials: int
    extrapolated: bool = False

    @property
    def significance(self) -> float:
        """The p-value in one-sided Gaussian standard deviations."""
        return float(sigma_from_p(self.p_value))


class BackgroundTrials:
    """Test statistics of background trials, sorted, so that many values can be ranked among them.

    Ties count: all trials with TS = 0 are at least as high as an observed 0, whose p-value is therefore 1.
    """

    def __init__(self, test_statistic: ArrayLike) -> None:
        self.sorted = np.sort(checked(test_statistic, "background trials"))

    @property
    def n_trials(self) -> int:
        """Number of background trials."""
        return len(self.sorted)

    def n_exceeding(self, test_statistic: ArrayLike) -> NDArray:
        """Number of trials at or above each value, ties included."""
        return self.n_trials - np.searchsorted(self.sorted, test_statistic, side="left")

    def p_value(self, test_statistic: ArrayLike) -> NDArray:
        """(k + 1)/(n + 1) of each value: valid for any n, never 0 (Davison and Hinkley 1997, section 4.2)."""
        return (self.n_exceeding(test_statistic) + 1) / (self.n_trials + 1)


def local_p_value(observed: float, background_ts: ArrayLike, confidence_level: float = ONE_SIGMA) -> LocalPValue:
    """Local p-value of `observed` among background trials, with its Clopper-Pearson interval.

    Parameters
    ----------
    background_ts : (n_trials,) float64
    confidence_level : of the interval, two-sided

    Raises
    ------
    PhysicsError : no trials, or a value that is not finite.

    Examples
    --------
    >>> found = local_p_value(3.0, [0.0, 0.0, 1.0, 3.0])
    >>> found.p_value, found.n_exceeding
    (0.4, 1)
    """
    observed = float(checked([observed], "observed test statistic")[0])
    trials = BackgroundTrials(background_ts)
    k, n = int(trials.n_exceeding(observed)), trials.n_trials
    low, high = binomial_interval(k, n, confidence_level)
    return LocalPValue(observed, (k + 1) / (n + 1), float(low), float(high), confidence_level, k, n)


def binomial_interval(k: ArrayLike, n: ArrayLike, confidence_level: float = ONE_SIGMA) -> tuple[NDArray, NDArray]:
    """Clopper-Pearson interval of a probability after `k` of `n`: each side missed with (1 - confidence level)/2."""
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    if not 0 < confidence_level < 1:
        raise PhysicsError(f"confidence level {confidence_level} lies outside (0, 1); give 0.9 for 90 %.")
    if np.any((k < 0) | (k > n) | (n <= 0)):
        raise PhysicsError("a binomial interval needs 0 <= k <= n and n > 0.")
    miss = (1 - confidence_level) / 2
    low = np.where(k > 0, scipy.special.betaincinv(np.maximum(k, 1), n - k + 1, miss), 0.0)
    high = np.where(k < n, scipy.special.betaincinv(k + 1, np.maximum(n - k, 1), 1 - miss), 1.0)
    return low, high


def sigma_from_p(p_value: ArrayLike) -> NDArray:
    """One-sided Gaussian significance of a p-value; negative above 0.5.

    >>> round(float(sigma_from_p(2.8665e-7)), 3)
    5.0
    """
    return -scipy.special.ndtri(np.asarray(p_value, dtype=float))


def p_from_sigma(sigma: ArrayLike) -> NDArray:
    """One-sided p-value of a Gaussian significance: 1.35e-3 for 3, 2.87e-7 for 5."""
    return scipy.special.ndtr(-np.asarray(sigma, dtype=float))


def checked(values: ArrayLike, what: str) -> NDArray:
    """`values` as a finite, non-empty (n_values,) float64 array."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or not array.size:
        raise PhysicsError(f"{what}: a one-dimensional, non-empty array is needed, not shape {array.shape}.")
    bad = ~np.isfinite(array)
    if bad.any():
        raise PhysicsError(
            f"{what}: number {int(np.argmax(bad))} is {array[bad][0]}; fits that failed must be repeated or left out."
        )
    return array
