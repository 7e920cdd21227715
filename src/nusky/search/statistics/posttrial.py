"""The most significant of several searches of the same skies, corrected for their number.

The searches are the sources of a list, or all that a run looks at. Trial i of each is the same scrambled sky, so that
their correlations count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import ONE_SIGMA, BackgroundTrials, binomial_interval, sigma_from_p
from nusky.search.statistics.tail import fit_tail


class Background(Protocol):
    """What turns test statistics of one source into local p-values: `BackgroundTrials` or `TailFit`."""

    def p_value(self, test_statistic: ArrayLike) -> NDArray:
        """Local p-value of each value, same shape."""
        ...


@dataclass(frozen=True)
class PostTrialPValue:
    """Post-trial p-value of the most significant source of a list.

    Attributes
    ----------
    best : index of the source with the smallest local p-value, the first of equals
    p_local : (n_sources,) float64
        Observed local p-values.
    p_sources : (n_sources,) float64
        Post-trial p-value each source would have if it were the one looked at: the share of skies with any source as
        significant. Single-step adjusted p-values of Westfall and Young (1993).
    p_value, p_low, p_high, confidence_level : of the best source, with its Clopper-Pearson interval
    minimal_p : (n_trials,) float64
        Smallest local p-value of every sky.
    """

    best: int
    p_local: NDArray
    p_sources: NDArray
    p_value: float
    p_low: float
    p_high: float
    confidence_level: float
    minimal_p: NDArray

    @property
    def significance(self) -> float:
        """The post-trial p-value in one-sided Gaussian standard deviations."""
        return float(sigma_from_p(self.p_value))


def post_trial_p_value(
    observed_ts: ArrayLike,
    trial_ts: ArrayLike,
    backgrounds: Sequence[Background] | None = None,
    confidence_level: float = ONE_SIGMA,
) -> PostTrialPValue:
    """Correct the smallest local p-value of a list with the same scrambled skies evaluated at every source.

    Parameters
    ----------
    observed_ts : (n_sources,) float64
    trial_ts : (n_trials, n_sources) float64
        Row t holds all sources of sky t, so that correlations between neighbouring sources are kept.
    backgrounds : one per source
        Background distributions that give the local p-values. None ranks the observed sky and the trials among
        themselves, which is exact for any number of trials.

    Notes
    -----
    p_post = (k + 1)/(n + 1) for k of n skies whose smallest local p-value is at most the observed one; ties count. With
    more sources than trials per source every sky has the smallest p-value possible, and the result is 1: give
    backgrounds with more trials or tail fits.
    """
    local = local_p_values(observed_ts, trial_ts, backgrounds)
    return smallest_of(local[0], local[1:].min(axis=1), confidence_level)


def local_p_values(
    observed_ts: ArrayLike, trial_ts: ArrayLike, backgrounds: Sequence[Background] | None = None
) -> NDArray:
    """Local p-values of the data, then of every sky, (n_trials + 1, n_sources) float64, as `post_trial_p_value` ranks.

    Raises
    ------
    PhysicsError : the shapes do not agree, or a test statistic is not finite.
    """
    observed, trials = np.asarray(observed_ts, dtype=float), np.asarray(trial_ts, dtype=float)
    if observed.ndim != 1 or trials.ndim != 2 or trials.shape[1] != len(observed) or not trials.size:
        raise PhysicsError(
            f"trials of shape {trials.shape} do not belong to {observed.size} sources; the shape must be "
            "(n_trials, n_sources)."
        )
    if backgrounds is not None and len(backgrounds) != len(observed):
        raise PhysicsError(f"{len(backgrounds)} background distributions were given for {len(observed)} sources.")
    if not (np.isfinite(observed).all() and np.isfinite(trials).all()):
        raise PhysicsError("test statistics must be finite; leave out sources and skies that could not be fitted.")
    skies = np.vstack([observed, trials])
    if backgrounds is None:
        return np.column_stack([_ranked(column) for column in skies.T])
    return np.column_stack([known.p_value(column) for known, column in zip(backgrounds, skies.T, strict=True)])


def smallest_of(p_local: ArrayLike, minimal: ArrayLike, confidence_level: float = ONE_SIGMA) -> PostTrialPValue:
    """The same from local p-values: those of the data, (n_sources,), and the smallest of every sky, (n_trials,).

    They need only rank: whatever turned test statistics into them, the same for the data and the skies, the result is
    right; how powerful it is depends on it.
    """
    p_local, minimal = np.asarray(p_local, dtype=float), np.asarray(minimal, dtype=float)
    best, n = int(np.argmin(p_local)), len(minimal)
    k = np.searchsorted(np.sort(minimal), p_local, side="right")
    low, high = binomial_interval(k[best], n, confidence_level)
    p_sources = (k + 1) / (n + 1)
    return PostTrialPValue(
        best, p_local, p_sources, float(p_sources[best]), float(low), float(high), confidence_level, minimal
    )


def ranking(background_ts: ArrayLike) -> Background:
    """What ranks test statistics beyond the largest trial, too: a fitted tail, or the trials where they are too few.

    Its p-values are for `smallest_of`, not to be stated.
    """
    for model in ("chi2", "exponential"):
        try:
            return fit_tail(background_ts, model)
        except PhysicsError:
            continue
    return BackgroundTrials(background_ts)


def ranked_minima(p_values: ArrayLike) -> NDArray:
    """Local p-values of the smallest p-values of lists, (n,) float64: the data's and every sky's, among all of them.

    Of the smallest tenth they are proportional to the p-value itself, as for independent sources.
    """
    p = np.asarray(p_values, dtype=float)
    start = np.quantile(p, 0.1)
    below = p < start
    return np.where(below, np.mean(below) * p / start, _ranked(-p))


def _ranked(values: NDArray) -> NDArray:
    """Share of `values` at or above each of them, itself included."""
    return 1 - np.searchsorted(np.sort(values), values, side="left") / len(values)
