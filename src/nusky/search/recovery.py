"""Pseudo-experiments with a known signal: what the fit finds of it, and how often upper limits hold it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Experiment, Request
from nusky.search.injection import Signal
from nusky.search.sky import Sky
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
    index was fixed or no trial has n_s > 0. Where another parameter of the spectrum is fitted, all of them are of that.
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


def recover(experiment: Experiment, gamma: float, n_injected: float, fits: np.ndarray) -> Recovery:
    """What `fits`, (n_trials, 3) of skies with `n_injected` events of an index, found of them."""
    n_signal, fitted, _ = fits.T
    numbers = (float(n_signal.mean()), _error(n_signal), *map(float, np.quantile(n_signal, _QUANTILES)))
    found = fitted[(n_signal > 0) & np.isfinite(fitted)] if experiment.free else np.empty(0)
    indices = (np.nan,) * 4
    if found.size:
        indices = (float(found.mean()), _error(found), *map(float, np.quantile(found, _QUANTILES)))
    return Recovery(float(gamma), n_injected, len(fits), *numbers, *indices)


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def cover(
    experiment: Experiment,
    signal: Signal,
    n_injected: float,
    fits: np.ndarray,
    calibration: LimitCalibration,
    request: Request,
) -> Coverage:
    """How often the limits of `request` hold `n_injected` events; `calibration` serves those from trials.

    `fits`: (n_trials, 3), of the skies that `pseudo_experiments` makes.
    """
    level = request.confidence_level
    if request.limit_method == "asymptotic":
        gamma = signal.spectra[0].parameter
        skies = pseudo_experiments(experiment, signal, n_injected, len(fits))
        upper = np.array([experiment.asymptotic_limit(sky, gamma, level).n_signal for sky in skies])
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


def pseudo_experiments(experiment: Experiment, signal: Signal, n_injected: float, n_trials: int) -> Iterator[Sky]:
    """Skies with signal; those of a strength are the same whatever is asked of them."""
    for t in range(n_trials):
        yield experiment.with_signal(
            signal, n_injected, stream(experiment.seed, *experiment.keys, f"{n_injected:g}", t)
        )
