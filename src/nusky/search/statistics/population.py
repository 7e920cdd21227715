"""A population of weak sources: the binomial test of a list of local p-values.

With the p-values in order, P_k = Prob(Binomial(n, p_k) >= k) is the chance that k of n independent sources reach p_k
(IceCube, PRL 124, 051103). The smallest P_k over k is the statistic. Sources share events and k was chosen, so its
p-value comes from the same statistic of common scrambled skies.
"""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.posttrial import PostTrialPValue, post_trial_p_value

_SMALLEST = 1e-300


def binomial_scan(p_local: ArrayLike) -> NDArray:
    """P_k of n local p-values in ascending order, k = 1 ... n, along the last axis: the shape of `p_local`.

    Raises
    ------
    PhysicsError : a number is no p-value, or they do not ascend.
    """
    p = np.asarray(p_local, dtype=float)
    if not p.shape or not p.shape[-1] or not ((p >= 0) & (p <= 1)).all() or (np.diff(p, axis=-1) < 0).any():
        raise PhysicsError("a binomial test takes p-values from 0 to 1 in ascending order, at least one.")
    k = np.arange(1, p.shape[-1] + 1)
    return scipy.special.betainc(k, p.shape[-1] - k + 1, p)  # Abramowitz and Stegun 26.5.24


def binomial_statistic(p_local: ArrayLike, p_max: float) -> tuple[NDArray, NDArray]:
    """The number k of sources with the smallest P_k among those with p_k <= `p_max`, and this P_k.

    Parameters
    ----------
    p_local : (..., n_sources) float64, in any order

    Returns
    -------
    k : (...,) int64, 0 where no source has p <= `p_max`
    p : (...,) float64, then 1
    """
    if not 0 < p_max <= 1:
        raise PhysicsError(f"p_max = {p_max}: give a p-value above 0, at most 1.")
    p = np.sort(np.asarray(p_local, dtype=float), axis=-1)
    scan = np.where(p <= p_max, binomial_scan(p), np.inf)
    smallest = scan.min(axis=-1)
    none = np.isinf(smallest)
    return np.where(none, 0, np.argmin(scan, axis=-1) + 1), np.where(none, 1.0, smallest)


@dataclass(frozen=True)
class Population:
    """The binomial test of a list of sources.

    Attributes
    ----------
    k : sources that it names
    p_k : largest local p-value of these; NaN if there are none
    p_binomial : P_k of independent sources, for this k
    post_trial : PostTrialPValue
        Of P_k: corrected for the choice of k and for sources that share events.
    statistics : (n_skies + 1,) float64
        Smallest P_k of the data, then of every sky.
    """

    k: int
    p_k: float
    p_binomial: float
    post_trial: PostTrialPValue
    statistics: NDArray


def population(observed: ArrayLike, skies: ArrayLike, p_max: float = 0.1) -> Population:
    """The binomial test with its p-value from common skies.

    Parameters
    ----------
    observed : (n_sources,) float64
        Local p-values.
    skies : (n_skies, n_sources) float64
        Those of scrambled skies, each looked at by all sources.
    p_max : largest local p-value that counts
    """
    observed, skies = np.asarray(observed, dtype=float), np.asarray(skies, dtype=float)
    if observed.ndim != 1 or skies.ndim != 2 or skies.shape[1] != len(observed) or not skies.size:
        raise PhysicsError(
            f"skies of shape {skies.shape} do not belong to {observed.size} sources; the shape must be "
            "(n_skies, n_sources)."
        )
    k, p = binomial_statistic(np.vstack([observed, skies]), p_max)
    score = -np.log(np.maximum(p, _SMALLEST))
    post = post_trial_p_value(score[:1], score[1:, None])
    p_k = float(np.sort(observed)[k[0] - 1]) if k[0] else float("nan")
    return Population(int(k[0]), p_k, float(p[0]), post, p)
