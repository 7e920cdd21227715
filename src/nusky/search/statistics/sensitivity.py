"""Sensitivity and discovery potential.

The sensitivity is the strength with which 90 % of the trials have a TS above the median of the background; the 3 and
5 sigma discovery potentials are those with which half of the trials have a local p-value of 3 or 5 sigma.
"""

from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.statistics.efficiency import Crossing, InjectedTrials, find_crossing
from nusky.search.statistics.pvalues import BackgroundTrials, p_from_sigma
from nusky.search.statistics.statements import SignalStrength
from nusky.search.statistics.tail import Model, fit_tail

SENSITIVITY_EFFICIENCY = 0.9
DISCOVERY_EFFICIENCY = 0.5
MIN_ABOVE_THRESHOLD = 10
"""Background trials that must lie above a threshold for it to be read from them; their p-value then holds to 30 %."""


@dataclass(frozen=True)
class Threshold:
    """TS that must be exceeded for a p-value, and whether a tail fit had to supply it."""

    test_statistic: float
    extrapolated: bool


def discovery_threshold(background: BackgroundTrials, sigma: float, tail_model: Model | None = None) -> Threshold:
    """The TS beyond which the local p-value is that of `sigma` or smaller.

    From the trials where at least `MIN_ABOVE_THRESHOLD` lie above it, else from a tail fit with `tail_model`.

    Raises
    ------
    PhysicsError : too few trials, and no tail model was asked for.
    """
    p_value = float(p_from_sigma(sigma))
    n_above = int(np.floor(p_value * (background.n_trials + 1) + 1e-9)) - 1  # largest k with (k + 1)/(n + 1) <= p
    if n_above >= MIN_ABOVE_THRESHOLD:
        return Threshold(float(background.sorted[-n_above - 1]), extrapolated=False)
    if tail_model is None:
        raise PhysicsError(
            f"{background.n_trials} background trials are too few for {sigma:g} sigma: "
            f"{np.ceil((MIN_ABOVE_THRESHOLD + 1) / p_value):.0f} are needed. Run more, or ask for an extrapolation by "
            "giving a tail model."
        )
    return Threshold(fit_tail(background.sorted, tail_model).threshold(p_value), extrapolated=True)


def sensitivity(trials: InjectedTrials, n_trials: int = 1000) -> SignalStrength:
    """Mean number of events with which 90 % of the trials exceed the median of the background.

    `n_trials` is simulated at each of about five strengths. Where the median is the spike at TS = 0, the trials must
    exceed 0.
    """
    threshold = Threshold(float(np.median(trials.background)), extrapolated=False)
    crossing = find_crossing(trials, threshold.test_statistic, SENSITIVITY_EFFICIENCY, n_trials)
    return _strength("sensitivity", SENSITIVITY_EFFICIENCY, threshold, crossing)


def discovery_potential(
    trials: InjectedTrials, sigma: float, n_trials: int = 1000, tail_model: Model | None = None
) -> SignalStrength:
    """Mean number of events with which half of the trials have a local significance above `sigma`."""
    threshold = discovery_threshold(BackgroundTrials(trials.background), sigma, tail_model)
    crossing = find_crossing(trials, threshold.test_statistic, DISCOVERY_EFFICIENCY, n_trials)
    return _strength(f"{sigma:g} sigma discovery potential", DISCOVERY_EFFICIENCY, threshold, crossing)


def _strength(statement: str, efficiency: float, threshold: Threshold, crossing: Crossing) -> SignalStrength:
    return SignalStrength(
        statement,
        "Neyman",
        efficiency,
        crossing.n_injected,
        crossing.error,
        threshold.test_statistic,
        crossing.n_trials,
        extrapolated=threshold.extrapolated,
    )
