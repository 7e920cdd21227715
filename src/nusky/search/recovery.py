"""Pseudo-experiments with a known signal: what the fit finds of it, and how often upper limits hold it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nusky.search import inference
from nusky.search.calibration import LimitCalibration
from nusky.search.hypothesis import Hypothesis
from nusky.search.inference import Inject, Request, Signal
from nusky.search.statistics.coverage import Coverage, coverage
from nusky.search.trials import stream

STRENGTHS = (3.0, 10.0, 30.0, 100.0)
"""Mean numbers of injected events."""
COVERED = (3.0, 10.0, 30.0)
"""Those at which the coverage is measured: limits are about weak signals."""
_QUANTILES = (0.16, 0.84)


@dataclass(frozen=True)
class Recovery:
    """Fits of `n_trials` skies with Poisson(`n_injected`) events of the index `gamma`; means and central 68 %.

    The means carry their standard errors. The fitted indices, averaged over trials with n_s > 0, are NaN where the
    index was fixed or no trial has n_s > 0.
    """

    gamma: float
    n_injected: float
    n_trials: int
    n_fitted_mean: float
    n_fitted_error: float
    n_fitted_low68: float
    n_fitted_high68: float
    gamma_fitted_mean: float
    gamma_fitted_error: float
    gamma_fitted_low68: float
    gamma_fitted_high68: float


@dataclass(frozen=True)
class PseudoExperiments:
    """Skies with signal of one hypothesis; the skies of a strength are the same whatever is asked of them.

    Attributes
    ----------
    hypothesis : with gamma free, or fixed at the signal's
    free : gamma is fitted
    keys : name the random streams; they must differ from those of the trials behind the limits
    """

    hypothesis: Hypothesis
    free: bool
    signal: Signal
    inject: Inject
    seed: int
    keys: Sequence[str | int]
    n_trials: int

    def _streams(self, n_injected: float) -> list[np.random.Generator]:
        return [stream(self.seed, *self.keys, f"{n_injected:g}", t) for t in range(self.n_trials)]

    def fits(self, n_injected: float) -> np.ndarray:
        """n_signal, gamma and TS of every sky, (n_trials, 3)."""
        return np.array(
            [
                inference.injected_fits(self.hypothesis, self.free, self.signal, self.inject, n_injected, rng)[0]
                for rng in self._streams(n_injected)
            ]
        )

    def asymptotic_limits(self, n_injected: float, confidence_level: float) -> np.ndarray:
        """Asymptotic upper limits of the same skies, (n_trials,) events."""
        fixed = self.hypothesis.with_gammas(np.array([self.signal.gamma])) if self.free else self.hypothesis
        skies = (
            inference.injected_sky(fixed, self.signal, self.inject, n_injected, rng)
            for rng in self._streams(n_injected)
        )
        return np.array([inference.asymptotic_limit(fixed, sky, 0, confidence_level).n_signal for sky in skies])


def recover(experiments: PseudoExperiments, n_injected: float, fits: np.ndarray) -> Recovery:
    """What `fits`, (n_trials, 3) from `PseudoExperiments.fits`, found of `n_injected` events."""
    n_signal, gamma, _ = fits.T
    numbers = (float(n_signal.mean()), _error(n_signal), *map(float, np.quantile(n_signal, _QUANTILES)))
    found = gamma[(n_signal > 0) & np.isfinite(gamma)] if experiments.free else np.empty(0)
    indices = (np.nan,) * 4
    if found.size:
        indices = (float(found.mean()), _error(found), *map(float, np.quantile(found, _QUANTILES)))
    return Recovery(experiments.signal.gamma, n_injected, len(fits), *numbers, *indices)


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def cover(
    experiments: PseudoExperiments,
    n_injected: float,
    fits: np.ndarray,
    calibration: LimitCalibration,
    request: Request,
) -> Coverage:
    """How often the limits of `request` hold `n_injected` events; `calibration` serves those from trials.

    `fits`: (n_trials, 3), from `PseudoExperiments.fits`.
    """
    level = request.confidence_level
    if request.limit_method == "asymptotic":
        upper = experiments.asymptotic_limits(n_injected, level)
        return coverage(n_injected, upper, method="asymptotic", confidence_level=level)
    found = {ts: calibration.limit(float(ts)) for ts in sorted(set(fits[:, 2]), reverse=True)}
    made = [found[ts] for ts in fits[:, 2]]
    return coverage(
        n_injected,
        [limit.n_signal for limit in made],
        np.array([limit.n_signal_low for limit in made]),
        method=made[0].method,
        confidence_level=level,
    )
