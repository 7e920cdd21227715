"""How many injected events make a test statistic exceed a threshold in a given share of trials."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import checked

TrialFunction = Callable[[float, int, int], NDArray]
"""trial_ts(n_injected, n_trials, stream): TS of `n_trials` pseudo-experiments with the mean number of injected events
`n_injected` (Poisson), float64. Every stream is an independent sequence of random numbers."""

_START = 4.0  # first guess of the number of events
_MAX_INJECTED = 1e6
_PROBITS = (-0.8, -0.4, 0.0, 0.4, 0.8)  # where efficiencies are measured, relative to the target
_WINDOW = 1.3  # measurements further than this from the target, in probits, are left out of the fit
_ROUNDS = 4
_COARSE_SHARE = 0.1
_MIN_COARSE = 50


class InjectedTrials:
    """Trials by number of injected events, simulated when first needed and shared by all thresholds.

    Parameters
    ----------
    trial_ts : see `TrialFunction`
    background_ts : (n,) float64
        Trials without signal.
    first_stream : number of the first random stream handed out; each request for new trials takes the next
    """

    def __init__(self, trial_ts: TrialFunction, background_ts: ArrayLike, first_stream: int = 0) -> None:
        self.background = np.sort(checked(background_ts, "background trials"))
        self._trial_ts = trial_ts
        self._next_stream = first_stream
        self._known: dict[float, NDArray] = {}

    @property
    def n_simulated(self) -> int:
        """Trials with signal simulated so far."""
        return sum(map(len, self._known.values()))

    @property
    def by_strength(self) -> dict[float, NDArray]:
        """TS of the trials with signal, by ascending number of injected events."""
        return {n: self._known[n] for n in sorted(self._known)}

    def request(self, n_injected: float, n_trials: int) -> None:
        """Have at least `n_trials` trials with `n_injected` events."""
        known = self._known.get(n_injected, np.empty(0))
        missing = n_trials - len(known)
        if missing > 0:
            what = f"trials with {n_injected:g} injected events"
            new = checked(self._trial_ts(n_injected, missing, self._next_stream), what)
            if len(new) != missing:
                raise PhysicsError(f"{what}: {missing} were asked for, {len(new)} came.")
            self._next_stream += 1
            self._known[n_injected] = np.concatenate([known, new])

    def measured(self, threshold: float) -> "Efficiencies":
        """Shares of the trials above `threshold`, of all numbers of injected events known."""
        n_injected = np.array(sorted(self._known))
        counts = [(np.count_nonzero(self._known[n] > threshold), len(self._known[n])) for n in n_injected]
        return Efficiencies(n_injected, *np.array(counts, dtype=float).reshape(-1, 2).T)

    def background_efficiency(self, threshold: float) -> float:
        """Share of the background trials above `threshold`."""
        return float(np.mean(self.background > threshold))


@dataclass(frozen=True)
class Efficiencies:
    """`n_exceeding` of `n_trials` trials lie above a threshold at each of `n_injected`, all (n,) float64."""

    n_injected: NDArray
    n_exceeding: NDArray
    n_trials: NDArray

    def where(self, chosen: NDArray) -> "Efficiencies":
        """Those that the mask `chosen` is true for."""
        return Efficiencies(self.n_injected[chosen], self.n_exceeding[chosen], self.n_trials[chosen])


@dataclass(frozen=True)
class Crossing:
    """Where an efficiency curve reaches its target.

    Attributes
    ----------
    n_injected, error : mean number of injected events and its 1 sigma error from the number of trials
    efficiencies : the measurements behind it
    coefficients : of the fit, probit(efficiency) = c0 + c1 sqrt(n) [+ c2 n]
    fit_p_value : chi-square probability of the deviance; small if the curve does not describe the measurements
    """

    n_injected: float
    error: float
    efficiencies: Efficiencies
    coefficients: NDArray
    fit_p_value: float

    @property
    def n_trials(self) -> int:
        """Trials in the fit."""
        return int(self.efficiencies.n_trials.sum())

    def efficiency(self, n_injected: ArrayLike) -> NDArray:
        """The fitted curve."""
        return scipy.special.ndtr(np.polynomial.Polynomial(self.coefficients)(np.sqrt(n_injected)))


def find_crossing(trials: InjectedTrials, threshold: float, target: float, n_trials: int = 1000) -> Crossing:
    """Number of injected events with which the share `target` of trials has TS > `threshold`.

    Brackets the target with few trials, then measures the efficiency with `n_trials` at five places around it and fits
    a smooth curve to all measurements near the target by maximum likelihood with binomial weights.

    Raises
    ------
    PhysicsError : the background alone reaches the target, or a million events do not, or the curve does not rise.
    """
    if not 0 < target < 1:
        raise PhysicsError(f"the target efficiency is {target}; it must lie in (0, 1).")
    floor = trials.background_efficiency(threshold)
    if floor >= target:
        raise PhysicsError(
            f"{floor:.1%} of the background trials exceed TS = {threshold:.4g} already; there is no number of injected "
            f"events at which it is {target:.1%}."
        )
    # Fewer could not exceed the target even if all of them lay above the threshold.
    coarse = max(_MIN_COARSE, int(_COARSE_SHARE * n_trials), int(np.ceil(1 / (1 - target))))
    guess, slope = _bracket(trials, threshold, target, floor, coarse)
    probit = float(scipy.special.ndtri(target))
    for _ in range(_ROUNDS):
        roots = np.sqrt(guess) + np.array(_PROBITS) / slope
        for root in np.maximum(roots, 0.2 * np.sqrt(guess)):
            trials.request(float(np.round(root**2, 6)), n_trials)
        crossing = fit_crossing(_near(trials.measured(threshold), probit), target)
        if roots[1] <= np.sqrt(crossing.n_injected) <= roots[-2]:
            return crossing
        root = np.sqrt(crossing.n_injected)
        guess, slope = root**2, _derivative(crossing.coefficients, root)
    raise PhysicsError(
        f"the number of events for {target:.1%} above TS = {threshold:.4g} does not settle; the last value is "
        f"{guess:.3g}. Run more than {n_trials} trials per point."
    )


def known_crossing(trials: InjectedTrials, threshold: float, target: float) -> Crossing:
    """`find_crossing` from the trials there are, without simulating more."""
    return fit_crossing(_near(trials.measured(threshold), float(scipy.special.ndtri(target))), target)


def fit_crossing(efficiencies: Efficiencies, target: float) -> Crossing:
    """Fit a smooth, rising efficiency curve and read where it reaches `target`.

    probit(efficiency) is a parabola in sqrt(n), or a straight line where the parabola would fall anywhere among the
    measurements: exact where TS is Gaussian with a width growing as sqrt(n), flexible enough elsewhere.
    """
    root = np.sqrt(efficiencies.n_injected)
    for degree in (2, 1):
        if len(root) <= degree:
            continue
        coefficients, covariance, deviance = _fit_probit(efficiencies, degree)
        if (_derivative(coefficients, root) > 0).all():
            break
    else:
        raise PhysicsError(
            f"the efficiency does not rise with the number of injected events "
            f"({efficiencies.n_exceeding / efficiencies.n_trials} at {efficiencies.n_injected}). Run more trials, or "
            "check that the injected signal reaches the test statistic."
        )
    solution = _solve(coefficients, float(scipy.special.ndtri(target)), root)
    powers = solution ** np.arange(degree + 1)
    error = np.sqrt(powers @ covariance @ powers) / _derivative(coefficients, solution)
    freedom = len(root) - degree - 1
    quality = float(scipy.special.chdtrc(freedom, deviance)) if freedom > 0 else 1.0
    return Crossing(float(solution**2), float(2 * solution * error), efficiencies, coefficients, quality)


def _bracket(
    trials: InjectedTrials, threshold: float, target: float, floor: float, n_trials: int
) -> tuple[float, float]:
    """Rough crossing and the slope of probit(efficiency) against sqrt(n) there."""

    def efficiency(n: float) -> float:
        trials.request(n, n_trials)
        measured = trials.measured(threshold)
        at = int(np.flatnonzero(measured.n_injected == n)[0])
        return (measured.n_exceeding[at] + 0.5) / (measured.n_trials[at] + 1)

    low, high = (0.0, floor), (_START, efficiency(_START))
    while high[1] <= target:
        if high[0] >= _MAX_INJECTED:
            raise PhysicsError(
                f"with {high[0]:.0f} injected events only {high[1]:.1%} of the trials exceed TS = {threshold:.4g}. "
                "Check that the injected signal reaches the test statistic."
            )
        low, high = high, (2 * high[0], efficiency(2 * high[0]))
    for _ in range(4):
        middle = 0.5 * (low[0] + high[0])
        here = (middle, efficiency(middle))
        low, high = (here, high) if here[1] <= target else (low, here)
    below, above = (float(scipy.special.ndtri(np.clip(end[1], 1e-3, 1 - 1e-3))) for end in (low, high))
    # Neighbouring coarse points can fluctuate to any slope, so it is kept near that of a curve rising from nothing.
    usual = 2.0 / max(np.sqrt(high[0]), 0.5)
    slope = float(np.clip((above - below) / (np.sqrt(high[0]) - np.sqrt(low[0])), 0.3 * usual, 5 * usual))
    return 0.5 * (low[0] + high[0]), slope


def _near(efficiencies: Efficiencies, probit: float) -> Efficiencies:
    """The measurements within `_WINDOW` of the target, in probits."""
    share = (efficiencies.n_exceeding + 0.5) / (efficiencies.n_trials + 1)
    near = np.abs(scipy.special.ndtri(share) - probit) < _WINDOW
    return efficiencies.where(near) if np.count_nonzero(near) > 2 else efficiencies


def _fit_probit(efficiencies: Efficiencies, degree: int) -> tuple[NDArray, NDArray, float]:
    """Maximum likelihood by Fisher scoring; coefficients, covariance, deviance."""
    k, n = efficiencies.n_exceeding, efficiencies.n_trials
    design = np.vander(np.sqrt(efficiencies.n_injected), degree + 1, increasing=True)
    eta = scipy.special.ndtri((k + 0.5) / (n + 1))
    for _ in range(50):
        share = np.clip(scipy.special.ndtr(eta), 1e-9, 1 - 1e-9)
        density = np.maximum(np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi), 1e-9)
        weight = n * density**2 / (share * (1 - share))
        working = eta + (k / n - share) / density
        information = design.T @ (weight[:, None] * design)
        coefficients = np.linalg.lstsq(information, design.T @ (weight * working), rcond=1e-12)[0]
        before, eta = eta, np.clip(design @ coefficients, -5.5, 5.5)
        if np.abs(eta - before).max() < 1e-10:
            break
    share = np.clip(scipy.special.ndtr(eta), 1e-9, 1 - 1e-9)
    deviance = 2 * np.sum(
        scipy.special.xlogy(k, k / (n * share + (k == 0))) + scipy.special.xlogy(n - k, (n - k) / (n * (1 - share)))
    )
    return coefficients, np.linalg.pinv(information), max(float(deviance), 0.0)


def _derivative(coefficients: NDArray, root: ArrayLike) -> NDArray:
    return np.polynomial.Polynomial(coefficients).deriv()(np.asarray(root))


def _solve(coefficients: NDArray, probit: float, root: NDArray) -> float:
    """Where the rising curve meets `probit`; beyond the measurements along the tangent at their ends."""
    curve = np.polynomial.Polynomial(coefficients)
    for end, outside in ((root.min(), probit < curve(root.min())), (root.max(), probit > curve(root.max()))):
        if outside:
            return max(float(end + (probit - curve(end)) / _derivative(coefficients, end)), 0.0)
    roots = (curve - probit).roots()
    inside = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real >= root.min() - 1e-9)]
    return float(inside[np.argmin(np.abs(inside - np.clip(inside, root.min(), root.max())))])
