"""A population of weak sources: the binomial test of a list of local p-values.

With the p-values in order, P_k = Prob(Binomial(n, p_k) >= k) is the chance that k of n independent sources reach p_k
(IceCube, PRL 124, 051103). The smallest P_k over k is the statistic. Sources share events and k was chosen, so its
p-value comes from the same statistic of common scrambled skies.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.posttrial import PostTrialPValue, post_trial_p_value

_SMALLEST = 1e-300
_AT_ONCE = 1 << 22
"""P-values that are treated together: long lists on many skies are many GiB."""


def binomial_scan(p_local: ArrayLike) -> NDArray:
    """P_k of n local p-values in ascending order, k = 1 ... n, along the last axis: the shape of `p_local`.

    Raises
    ------
    PhysicsError : a number is no p-value, or they do not ascend.
    """
    p = _p_values(p_local)
    if (np.diff(p, axis=-1) < 0).any():
        raise PhysicsError("a binomial test takes p-values in ascending order.")
    return _chance(np.arange(1, p.shape[-1] + 1), p.shape[-1], p)


def _p_values(p_local: ArrayLike) -> NDArray:
    p = np.asarray(p_local, dtype=float)
    if not p.shape or not p.shape[-1] or not ((p >= 0) & (p <= 1)).all():
        raise PhysicsError("a binomial test takes p-values from 0 to 1, at least one.")
    return p


def _chance(k: NDArray, n: int, p: NDArray) -> NDArray:
    """Prob(Binomial(n, p) >= k): Abramowitz and Stegun 26.5.24."""
    return scipy.special.betainc(k, n - k + 1, p)


def scan_quantiles(p_sorted: NDArray, quantiles: Sequence[float]) -> NDArray:
    """Quantiles over skies of P_k, (n_quantiles, n_sources) float64, from p-values in ascending order.

    `p_sorted` is (n_skies, n_sources) float64.
    """
    n = p_sorted.shape[1]
    step, found = max(1, _AT_ONCE // len(p_sorted)), np.empty((len(quantiles), n))
    for first in range(0, n, step):
        k = np.arange(first + 1, min(first + step, n) + 1)
        found[:, k - 1] = np.quantile(_chance(k, n, p_sorted[:, k - 1]), list(quantiles), axis=0)
    return found


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
    p = np.sort(_p_values(p_local), axis=-1)
    n, scan = p.shape[-1], np.full(p.shape, np.inf)
    counts = p <= p_max
    scan[counts] = _chance(np.broadcast_to(np.arange(1, n + 1), p.shape)[counts], n, p[counts])
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
    step = max(1, _AT_ONCE // len(observed))
    blocks = [observed[None, :], *(skies[first : first + step] for first in range(0, len(skies), step))]
    k, p = map(np.concatenate, zip(*(binomial_statistic(block, p_max) for block in blocks), strict=True))
    score = -np.log(np.maximum(p, _SMALLEST))
    post = post_trial_p_value(score[:1], score[1:, None])
    p_k = float(np.sort(observed)[k[0] - 1]) if k[0] else float("nan")
    return Population(int(k[0]), p_k, float(p[0]), post, p)
