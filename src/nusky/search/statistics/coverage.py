"""How often limits and intervals hold the true strength."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import ONE_SIGMA, binomial_interval


@dataclass(frozen=True)
class Coverage:
    """Share of pseudo-experiments whose interval holds the truth, with its Clopper-Pearson interval."""

    method: str
    confidence_level: float
    n_injected: float
    n_covered: int
    n_trials: int
    coverage: float
    coverage_low: float
    coverage_high: float


def coverage(
    n_injected: float,
    upper: ArrayLike,
    lower: ArrayLike = 0.0,
    *,
    method: str,
    confidence_level: float,
    interval_level: float = ONE_SIGMA,
) -> Coverage:
    """Coverage of the intervals [lower, upper] of pseudo-experiments made with `n_injected` events.

    `upper` (n_trials,) may hold NaN where an interval has no upper end in the range scanned: it then covers.
    """
    upper = np.asarray(upper, dtype=float)
    if upper.ndim != 1 or not upper.size:
        raise PhysicsError("coverage needs the upper ends of at least one pseudo-experiment.")
    covered = int(np.count_nonzero((np.isnan(upper) | (upper >= n_injected)) & (np.asarray(lower) <= n_injected)))
    low, high = binomial_interval(covered, upper.size, interval_level)
    share = covered / upper.size
    return Coverage(method, confidence_level, n_injected, covered, upper.size, share, float(low), float(high))
