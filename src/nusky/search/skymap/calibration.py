"""Local p-values of any position: background trials at fixed declinations, interpolated in between.

`p_value` is (k + 1)/(n + 1) at the two neighbouring declinations, its logarithm interpolated: never below 1/(n + 1),
which says only that no trial was as extreme. Beyond that spots are put in order by `tail_score`, from models fitted to
the tails of the trials (`nusky.search.statistics.tail`), one family for all declinations. The score is no p-value;
`tail_p_value` states one, with its error, where it is asked for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.hypothesis import Hypothesis
from nusky.search.skymap.model import SkyModel
from nusky.search.sources import Sources
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.statistics.tail import TailFit, fit_tail
from nusky.search.trials import stream

_SMALLEST_P = 1e-300


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
    _others: list[TailFit] = field(default_factory=list, repr=False)

    @classmethod
    def of_trials(cls, dec: np.ndarray, ts: np.ndarray) -> "Calibration":
        """From TS of trials, (n_trials, n_dec)."""
        if ts.shape[1:] != (len(dec),) or len(dec) < 2:
            raise PhysicsError(f"trials of shape {ts.shape} do not belong to {len(dec)} declinations (at least two).")
        return cls(dec, [BackgroundTrials(column) for column in ts.T], _tails(ts))

    @property
    def n_trials(self) -> int:
        """Trials at each declination."""
        return self.backgrounds[0].n_trials

    @property
    def tail_model(self) -> str:
        """The family of all tails."""
        return self.tails[0].model

    def p_value(self, ts: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """p-values from the trials, shape of `ts`; NaN where TS is; `dec` in rad."""
        return self._interpolated([b.p_value for b in self.backgrounds], ts, dec)

    def tail_score(self, ts: np.ndarray, dec: np.ndarray) -> np.ndarray:
        """-log10 p of the fitted tails, shape of `ts`, to rank by: no p-value. NaN where TS is; `dec` in rad."""
        return -np.log10(self._interpolated([tail.p_value for tail in self.tails], ts, dec)) + 0.0

    def tail_p_value(self, ts: np.ndarray, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """p-values of the fitted tails with the lower and upper ends of their errors, each the shape of `ts`.

        The error is that of the fit (68 %), widened to what the other family of tails gives. `dec` in rad.
        """
        if not self._others:
            other = "exponential" if self.tail_model == "chi2" else "chi2"
            self._others.extend(_fitted([b.sorted for b in self.backgrounds], other) or self.tails)
        ends = [
            self._interpolated([_each(tail, name) for tail in self.tails], ts, dec)
            for name in ("p_value", "p_low", "p_high")
        ]
        other = self._interpolated([tail.p_value for tail in self._others], ts, dec)
        return ends[0], np.minimum(ends[1], other), np.maximum(ends[2], other)

    def _interpolated(
        self, p_values: Sequence[Callable[[np.ndarray], np.ndarray]], ts: np.ndarray, dec: np.ndarray
    ) -> np.ndarray:
        place = np.interp(dec, self.dec, np.arange(len(self.dec)))
        lower = np.minimum(place.astype(np.int64), len(self.dec) - 2)
        order = np.argsort(lower, kind="stable")
        first = np.searchsorted(lower[order], np.arange(len(self.dec)))
        result = np.full(len(ts), np.nan)
        for node in np.unique(lower):
            own = order[first[node] : first[node + 1]]
            own = own[~np.isnan(ts[own])]
            weight = place[own] - node
            below, above = (np.log(np.maximum(p_values[n](ts[own]), _SMALLEST_P)) for n in (node, node + 1))
            result[own] = np.exp((1 - weight) * below + weight * above)
        return result


def _each(tail: TailFit, name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A part of the local p-value with its error, of many TS."""
    return lambda ts: np.array([getattr(tail.local_p_value(value), name) for value in ts])


def _tails(ts: np.ndarray) -> list[TailFit]:
    """Chi-squares at all declinations, or exponentials at all: neighbours of two families could not be compared."""
    return _fitted(ts.T, "chi2") or [fit_tail(column, "exponential") for column in ts.T]


def _fitted(columns: Sequence[np.ndarray], model: str) -> list[TailFit]:
    """Tails of one family; none if it does not describe all."""
    try:
        return [fit_tail(column, model) for column in columns]
    except PhysicsError:
        return []
