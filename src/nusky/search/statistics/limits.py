"""Upper limits on the strength of a signal.

- **Neyman** (default): the strength with which TS <= observed in only 1 - CL of the trials, TS being the ordering
  statistic. Ties count, so the spike at TS = 0 never makes a limit too low. A deficit gives a limit below the
  sensitivity, as it must for the stated coverage.
- **Feldman-Cousins** (PRD 57, 3873): ordering by the likelihood ratio; goes over from limits to two-sided intervals
  by itself and is never empty.
- **asymptotic**: from the likelihood alone, without trials; a quick look, see `asymptotic_upper_limit`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.efficiency import InjectedTrials, find_crossing
from nusky.search.statistics.pvalues import ONE_SIGMA, checked
from nusky.search.statistics.statements import SignalStrength

DEFAULT_LEVEL = 0.9
BAND_QUANTILES = {"low95": 0.025, "low68": 0.16, "median": 0.5, "high68": 0.84, "high95": 0.975}
_MAX_SIGNAL = 1e9
_BINS, _BINS_PER_ROOT = (8, 60), 1.5
"""Bins of the trials ordered by Feldman and Cousins: least and most, and as many per root of the trials."""


@dataclass(frozen=True)
class InjectionGrid:
    """Trials on a grid of signal strengths.

    Attributes
    ----------
    n_injected : (n_grid,) float64
        Mean numbers of injected events, ascending, from 0.
    values : n_grid arrays (n_trials,) float64
        Test statistic, or another estimator that grows with the signal, of the trials of each strength.
    """

    n_injected: NDArray
    values: tuple[NDArray, ...]

    def __post_init__(self) -> None:
        grid = checked(self.n_injected, "grid of signal strengths")
        if len(grid) != len(self.values) or len(grid) < 2:
            raise PhysicsError(
                f"{len(grid)} strengths and {len(self.values)} sets of trials; give at least two of each."
            )
        if grid[0] != 0 or (np.diff(grid) <= 0).any():
            raise PhysicsError("the grid of signal strengths must ascend from 0.")
        values = tuple(np.sort(checked(v, f"trials with {n:g} events")) for n, v in zip(grid, self.values, strict=True))
        object.__setattr__(self, "n_injected", grid)
        object.__setattr__(self, "values", values)

    @property
    def n_trials(self) -> int:
        """Trials of all strengths."""
        return sum(map(len, self.values))


def neyman_upper_limit(
    trials: InjectedTrials,
    observed_ts: float,
    confidence_level: float = DEFAULT_LEVEL,
    n_trials: int = 1000,
) -> SignalStrength:
    """Classical upper limit, simulating only strengths near it.

    0 where even the background alone exceeds the observed value with the probability `confidence_level`: no strength is
    compatible, a deficit that TS >= 0 with its spike at 0 cannot show.

    Parameters
    ----------
    n_trials : trials at each of about five strengths
    """
    threshold = float(observed_ts)
    if trials.background_efficiency(threshold) >= confidence_level:
        return SignalStrength("upper limit", "Neyman", confidence_level, 0.0, 0.0, threshold, len(trials.background))
    found = find_crossing(trials, threshold, confidence_level, n_trials)
    return SignalStrength(
        "upper limit", "Neyman", confidence_level, found.n_injected, found.error, threshold, found.n_trials
    )


@dataclass(frozen=True)
class LikelihoodRatioOrdering:
    """-2 ln R of Feldman and Cousins, R(x | strength) = P(x | strength) / max over the grid, from trials of x.

    P is a histogram of the trials; between the centres of its bins ln R is interpolated linearly, so that values need
    no binning when they are ranked. Ties at exactly 0, the spike of fits with n_s >= 0, are a bin of their own. The
    coverage is that of any ordering; where the likelihood itself can be evaluated, `feldman_cousins` with its ratios
    gives shorter intervals in the far tails.

    Attributes
    ----------
    centres : (n_bins,) float64
        Mean of the trials in each bin.
    log_ratio : (n_grid, n_bins) float64
    log_ratio_at_zero : (n_grid,) float64, or None if no trial is exactly 0
    """

    centres: NDArray
    log_ratio: NDArray
    log_ratio_at_zero: NDArray | None

    @classmethod
    def from_grid(cls, grid: InjectionGrid, edges: ArrayLike | None = None) -> "LikelihoodRatioOrdering":
        """From trials; `edges` of the bins, by default equally filled ones of all trials together.

        Few trials have few bins: those that make the ordering give its quantiles too, and with a handful in each bin
        every strength would rank its own trials first and exclude others too often.
        """
        pooled = np.concatenate(grid.values)
        if edges is None:
            n_bins = int(np.clip(_BINS_PER_ROOT * np.sqrt(min(map(len, grid.values))), *_BINS))
            edges = np.unique(np.quantile(pooled[pooled != 0], np.linspace(0, 1, n_bins + 1)))
            edges[-1] = np.nextafter(edges[-1], np.inf)
        away = [v[v != 0] for v in grid.values]
        counts = np.array([np.histogram(v, edges)[0] for v in away])
        pooled = np.concatenate(away)
        sums = np.histogram(pooled, edges, weights=pooled)[0]
        filled = counts.sum(axis=0) > 0
        totals = np.array([len(v) for v in grid.values])
        at_zero = totals - np.array([len(v) for v in away])
        # Half a count keeps an empty bin from being impossible.
        probability = (counts[:, filled] + 0.5) / totals[:, None]
        zero_probability = (at_zero + 0.5) / totals
        return cls(
            sums[filled] / counts.sum(axis=0)[filled],
            np.log(probability / probability.max(axis=0)),
            np.log(zero_probability / zero_probability.max()) if at_zero.any() else None,
        )

    def __call__(self, number: int, values: ArrayLike) -> NDArray:
        """-2 ln R of `values` under the strength `number` of the grid."""
        values = np.asarray(values, dtype=float)
        ratio = np.interp(values, self.centres, self.log_ratio[number])
        if self.log_ratio_at_zero is not None:
            ratio = np.where(values == 0, self.log_ratio_at_zero[number], ratio)
        return -2 * ratio


def feldman_cousins(
    n_injected: ArrayLike,
    trial_ratios: Sequence[ArrayLike],
    observed_ratios: ArrayLike,
    confidence_level: float = DEFAULT_LEVEL,
) -> tuple[NDArray, NDArray]:
    """Feldman-Cousins intervals from likelihood ratios on a grid of strengths.

    Parameters
    ----------
    n_injected : (n_grid,) float64, ascending
    trial_ratios : n_grid arrays (n_trials,) float64
        2 ln [L(best) / L(strength)] of trials made with that very strength, best >= 0.
    observed_ratios : (n_observed, n_grid) float64
        The same of the observations, at every strength.

    Returns
    -------
    low, high : (n_observed,) float64
        low is 0 where strength 0 is inside; high is NaN where the interval reaches beyond the grid.

    Notes
    -----
    A strength is inside if the observed ratio is reached or exceeded in more than 1 - CL of its trials (PRD 57, 3873,
    section IV). The probit of that share is interpolated linearly between neighbouring strengths.
    """
    _check_level(confidence_level)
    grid = checked(n_injected, "grid of signal strengths")
    observed = np.atleast_2d(np.asarray(observed_ratios, dtype=float))
    if observed.shape[1] != len(grid) or len(trial_ratios) != len(grid):
        raise PhysicsError(
            f"{len(grid)} strengths, {len(trial_ratios)} sets of trials, {observed.shape[1]} observed ratios per "
            "observation: the three must agree."
        )
    share = np.empty(observed.shape)
    for g, ratios in enumerate(trial_ratios):
        ordered = np.sort(checked(ratios, f"ratios of trials with {grid[g]:g} events"))
        # A relative slack keeps ties ties where two ways of computing the same ratio differ in the last digit.
        slackened = observed[:, g] * (1 - 1e-9) - 1e-9
        share[:, g] = 1 - np.searchsorted(ordered, slackened, side="left") / len(ordered)
    weights = np.array([len(np.asarray(r)) for r in trial_ratios], dtype=float)
    low, high = np.zeros(len(observed)), np.empty(len(observed))
    for i, p in enumerate(share):
        best = int(np.argmin(observed[i]))
        high[i] = _falls_through(grid[best:], p[best:], weights[best:], 1 - confidence_level)
        if best > 0:
            mirrored = slice(best, None, -1)
            crossing = _falls_through(-grid[mirrored], p[mirrored], weights[mirrored], 1 - confidence_level)
            low[i] = 0.0 if np.isnan(crossing) else -crossing
    return low, high


def feldman_cousins_limit(
    grid: InjectionGrid, observed: float, confidence_level: float = DEFAULT_LEVEL, edges: ArrayLike | None = None
) -> SignalStrength:
    """Feldman-Cousins interval of one observed value (TS or best-fit n_s) from the distribution of its trials.

    `edges` are the bins of `LikelihoodRatioOrdering`.
    """
    low, high = feldman_cousins_intervals(grid, [observed], confidence_level, edges)
    if np.isnan(high[0]):
        raise PhysicsError(
            f"the interval of the observed value {observed:.4g} reaches beyond the largest strength of the grid, "
            f"{grid.n_injected[-1]:g} events. Extend the grid."
        )
    return SignalStrength(
        "upper limit",
        "Feldman-Cousins",
        confidence_level,
        float(high[0]),
        float("nan"),
        float(observed),
        grid.n_trials,
        n_signal_low=float(low[0]),
    )


def feldman_cousins_intervals(
    grid: InjectionGrid, observed: ArrayLike, confidence_level: float = DEFAULT_LEVEL, edges: ArrayLike | None = None
) -> tuple[NDArray, NDArray]:
    """`feldman_cousins` for many observed values of TS or best-fit n_s, ordered by `LikelihoodRatioOrdering`."""
    ordering = LikelihoodRatioOrdering.from_grid(grid, edges)
    numbers = range(len(grid.n_injected))
    return feldman_cousins(
        grid.n_injected,
        [ordering(g, grid.values[g]) for g in numbers],
        np.column_stack([ordering(g, np.atleast_1d(observed)) for g in numbers]),
        confidence_level,
    )


def central_interval(
    grid: InjectionGrid, observed: float, confidence_level: float = ONE_SIGMA
) -> tuple[float, float, float]:
    """Low end, median-unbiased estimate and high end of the strength, from trials on a grid.

    Neyman's construction with equal tails: at the low end larger values than `observed`, at the high end smaller ones
    have the probability (1 - `confidence_level`) / 2; at the estimate both have one half, so that it lies above the
    truth as often as below, whatever the bias of the fit. A fit with TS = 0 found nothing: its estimate is 0. NaN
    beyond the grid.
    """
    _check_level(confidence_level)
    sizes = np.array([len(values) for values in grid.values], dtype=float)
    share = np.array([np.searchsorted(values, observed, "right") for values in grid.values]) / sizes
    half = confidence_level / 2
    low, middle, high = (
        _falls_through(grid.n_injected, share, sizes, level) for level in (0.5 + half, 0.5, 0.5 - half)
    )
    return low, middle if observed > 0 else 0.0, high


def asymptotic_upper_limit(
    test_statistic: Callable[[float], float], n_best: float, confidence_level: float = DEFAULT_LEVEL
) -> SignalStrength:
    """One-sided limit where TS has fallen by the square of the Gaussian quantile (1.64 at 90 %) from its maximum.

    Parameters
    ----------
    test_statistic : TS(n_s) = 2 ln L(n_s)/L(0), profiled over everything else; it may be NaN beyond its domain
    n_best : the n_s >= 0 that maximises it

    Notes
    -----
    Cowan et al., EPJC 71, 1554, section 2.5, with the maximum kept at n_s >= 0 and the quantile of its interior; under
    a deficit it therefore lies above the classical limit and is never empty. Few events near the source are no
    asymptotic regime: with none, TS = -2 n_s and the limit at 90 % is 0.82 instead of 2.30 events.
    """

    _check_level(confidence_level)
    if confidence_level <= 0.5:
        raise PhysicsError(f"an asymptotic limit needs a confidence level above 0.5, not {confidence_level}.")
    peak = float(test_statistic(n_best))
    drop = float(scipy.special.ndtri(confidence_level)) ** 2

    def excess(n: float) -> float:
        return float(test_statistic(n)) - peak + drop

    low, high = n_best, n_best + 1.0
    while excess(high) > 0:
        if high > _MAX_SIGNAL:
            raise PhysicsError(f"TS does not fall by {drop:.3g} below its maximum anywhere up to {high:.3g} events.")
        low, high = high, n_best + 2 * (high - n_best)
    while np.isnan(excess(high)):  # the end of the domain lies between: TS falls without bound towards it
        middle = 0.5 * (low + high)
        if not low < middle < high:
            raise PhysicsError(f"TS is undefined beyond {low:.6g} events, before it has fallen by {drop:.3g}.")
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    limit = float(scipy.optimize.brentq(excess, low, high, xtol=1e-10))
    return SignalStrength("upper limit", "asymptotic", confidence_level, limit, float("nan"), peak, 0)


def _falls_through(grid: NDArray, share: NDArray, weights: NDArray, level: float) -> float:
    """Where a share, made monotonic and interpolated in its probit, falls through `level`.

    NaN beyond the end, the grid's start if never above.
    """

    from scipy.optimize import isotonic_regression

    smooth = np.asarray(isotonic_regression(share, weights=weights, increasing=False).x)
    inside = np.flatnonzero(smooth > level)
    if not inside.size:
        return float(grid[0])
    last = int(inside[-1])
    if last == len(grid) - 1:
        return float("nan")
    n = weights[[last, last + 1]]
    ends, goal = scipy.special.ndtri((smooth[[last, last + 1]] * n + 0.5) / (n + 1)), float(scipy.special.ndtri(level))
    if not ends[1] < goal < ends[0]:  # the half count of the estimate can move an end across
        return float(grid[last + 1] if ends[1] >= goal else grid[last])
    return float(grid[last] + (grid[last + 1] - grid[last]) * (ends[0] - goal) / (ends[0] - ends[1]))


def _check_level(confidence_level: float) -> None:
    if not 0 < confidence_level < 1:
        raise PhysicsError(f"confidence level {confidence_level} lies outside (0, 1); give 0.9 for 90 %.")
