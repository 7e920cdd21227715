"""Upper limits of any observed TS from one set of trials with signal of rising strength.

A stack is asked for one limit, and its trials lie around it (`neyman_upper_limit`). A single source is asked for the
limit of the data and for the range expected from background, a coverage test for those of hundreds of skies: here all
of them share the strengths, which are added upwards until the largest TS asked for is exceeded in nearly every trial.
"""

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.experiment import Request
from nusky.search.statistics.efficiency import InjectedTrials, TrialFunction, known_crossing
from nusky.search.statistics.limits import (
    BAND_QUANTILES,
    InjectionGrid,
    central_interval,
    feldman_cousins_limit,
)
from nusky.search.statistics.statements import SignalStrength

_FIRST = 1.0
"""Smallest strength, events: below it no limit lies, since no event at all excludes 2.3 at 90 %."""
_STEP, _STEP_SHARE = 0.4, 0.15
"""Steps in sqrt(events): TS rises by about two probits per unit for few events and more slowly on much background."""
_MAX_STRENGTHS = 100


class LimitCalibration:
    """Trials of one hypothesis with signal, shared by the limits of all TS values.

    Parameters
    ----------
    trial_ts : see `TrialFunction`
    background_ts : (n_trials,) float64
        TS of scrambled skies from the same fit.
    guess : events of a limit of ordinary size; sets the steps of the strengths
    request : confidence level, `limit_method` 'neyman' or 'feldman-cousins', trials at each strength
    """

    def __init__(self, trial_ts: TrialFunction, background_ts: np.ndarray, guess: float, request: Request) -> None:
        self._trials = InjectedTrials(trial_ts, background_ts)
        self._step = max(_STEP, _STEP_SHARE * np.sqrt(guess))
        self._request = request
        self._strengths: list[float] = []

    def limit(self, observed_ts: float) -> SignalStrength:
        """The upper limit of an observed TS.

        Raises
        ------
        PhysicsError : the trials are too few for a limit, or the signal does not reach the test statistic.
        """
        self._reach(observed_ts)
        level, background = self._request.confidence_level, self._trials.background
        if self._request.limit_method == "feldman-cousins":
            return feldman_cousins_limit(self.grid, observed_ts, level)
        if self._trials.background_efficiency(observed_ts) >= level:
            return SignalStrength("upper limit", "Neyman", level, 0.0, 0.0, observed_ts, len(background))
        found = known_crossing(self._trials, observed_ts, level)
        return SignalStrength(
            "upper limit", "Neyman", level, found.n_injected, found.error, observed_ts, found.n_trials
        )

    def interval(self, observed_ts: float) -> tuple[float, float, float]:
        """Low end, median-unbiased estimate and high end of the events behind an observed TS (`central_interval`).

        Raises
        ------
        PhysicsError : the signal does not reach the test statistic.
        """
        self._reach(observed_ts)
        return central_interval(self.grid, observed_ts)

    def expected(self) -> np.ndarray:
        """Limits of the background's TS at the quantiles `BAND_QUANTILES`, events; NaN where there is none."""
        quantiles = np.quantile(self._trials.background, list(BAND_QUANTILES.values()), method="inverted_cdf")
        limits = {ts: self._events(float(ts)) for ts in sorted(set(quantiles), reverse=True)}
        return np.array([limits[ts] for ts in quantiles])

    @property
    def grid(self) -> InjectionGrid:
        """The trials of all strengths simulated so far, and of none."""
        known = self._trials.by_strength
        return InjectionGrid(np.array([0.0, *known]), (self._trials.background, *known.values()))

    def _events(self, ts: float) -> float:
        try:
            return self.limit(ts).n_signal
        except PhysicsError:
            return float("nan")

    def _reach(self, ts: float) -> None:
        """Add strengths until at two of them `ts` is exceeded in nearly every trial."""
        n_trials, rare = self._request.n_trials, (1 - self._request.confidence_level) / 4
        while sum(np.mean(self._trials.by_strength[n] <= ts) <= rare for n in self._strengths[-2:]) < 2:
            if len(self._strengths) == _MAX_STRENGTHS:
                raise PhysicsError(
                    f"with {self._strengths[-1]:.0f} injected events TS = {ts:.4g} is still not exceeded in nearly "
                    "every trial. Check that the injected signal reaches the test statistic."
                )
            root = np.sqrt(_FIRST) + len(self._strengths) * self._step
            self._strengths.append(float(np.round(root**2, 6)))
            self._trials.request(self._strengths[-1], n_trials)
