"""Local p-values of any position: background trials at fixed declinations, interpolated in between.

Two numbers. `p_value` is (k + 1)/(n + 1) at the two neighbouring declinations, its logarithm interpolated: never below
1/(n + 1). `tail_p_value` follows the trials up to the start of their tail and a model fitted to the tail beyond it
(`nusky.search.statistics.tail`); it ranks spots and draws maps, and what lies beyond the trials is an extrapolation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.hypothesis import Hypothesis, Sources
from nusky.search.skymap.grid import MAX_DEC
from nusky.search.skymap.model import SkyModel
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.statistics.tail import TailFit, fit_tail
from nusky.search.trials import stream

_SMALLEST_P = 1e-300


def declinations(n: int) -> np.ndarray:
    """Declinations of the trials, evenly spaced between the limits of the map: (n,) rad."""
    return np.linspace(-MAX_DEC, MAX_DEC, n)


def declination_trials(model: SkyModel, dec: np.ndarray, seed: int, trials: range) -> np.ndarray:
    """TS of scrambled skies number `trials` at each of `dec` [rad], (n_trials, n_dec); each has skies of its own."""
    columns = []
    for value in dec:
        source = Hypothesis.of(model.analysis, Sources.of(0.0, value), model.spectra)
        name = f"{np.degrees(value):.6f}"
        columns.append([source.fit(source.scrambled(stream(seed, "skymap", name, t))).ts for t in trials])
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Calibration:
    """Background distributions at ascending declinations `dec` (n_dec,) rad."""

    dec: np.ndarray
    backgrounds: Sequence[BackgroundTrials]
    tails: Sequence[TailFit]

    @classmethod
    def of_trials(cls, dec: np.ndarray, ts: np.ndarray) -> "Calibration":
        """From TS of trials, (n_trials, n_dec)."""
        if ts.shape[1:] != (len(dec),) or len(dec) < 2:
            raise PhysicsError(f"trials of shape {ts.shape} do not belong to {len(dec)} declinations (at least two).")
        return cls(dec, [BackgroundTrials(column) for column in ts.T], [_tail(column) for column in ts.T])

    @property
    def n_trials(self) -> int:
        """Trials at each declination."""
        return self.backgrounds[0].n_trials

    def p_value(self, ts: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """p-values from the trials alone, shape of `ts`; NaN where TS is."""
        return self._interpolated([b.p_value for b in self.backgrounds], ts, dec)

    def tail_p_value(self, ts: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """p-values that follow the fitted tail beyond its start, shape of `ts`; NaN where TS is."""
        return self._interpolated([tail.p_value for tail in self.tails], ts, dec)

    def extrapolated(self, ts: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """Whether TS lies above every trial of one of the neighbouring declinations."""
        lower, _ = self._place(dec)
        top = np.array([background.sorted[-1] for background in self.backgrounds])
        return ts > np.minimum(top[lower], top[lower + 1])

    def _place(self, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = np.interp(dec, self.dec, np.arange(len(self.dec)))
        lower = np.minimum(place.astype(np.int64), len(self.dec) - 2)
        return lower, place - lower

    def _interpolated(
        self, p_values: Sequence[Callable[[np.ndarray], np.ndarray]], ts: np.ndarray, dec: np.ndarray
    ) -> np.ndarray:
        lower, weight = self._place(dec)
        result = np.zeros(len(ts))
        for node, p_value in enumerate(p_values):
            for chosen, part in ((lower == node, 1 - weight), (lower + 1 == node, weight)):
                if chosen.any():
                    result[chosen] += part[chosen] * np.log(np.maximum(p_value(ts[chosen]), _SMALLEST_P))
        return np.where(np.isnan(ts), np.nan, np.exp(result))


def _tail(ts: np.ndarray) -> TailFit:
    """A chi-square, or an exponential where the trials do not look like one."""
    try:
        return fit_tail(ts, "chi2")
    except PhysicsError:
        return fit_tail(ts, "exponential")
