"""One sky of a hypothesis, and its best fit."""

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Sky:
    """The events of one sky to be looked at.

    `chosen` (n_chosen,) are numbers of events of the analysis, `cell` the places of their cells, `ra` [rad] their right
    ascensions, `mjd` their times (none where all sources are steady); `extra` the same, the records before the times,
    of injected events; `n_events` (n_seasons,) float64 counts all events.
    """

    chosen: np.ndarray
    cell: np.ndarray
    ra: np.ndarray
    extra: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    n_events: np.ndarray
    mjd: np.ndarray = field(default_factory=lambda: np.empty(0))

    def part(self, which: np.ndarray) -> "Sky":
        """Only those of the events to be looked at that `which` (n_chosen,) names, by number or by truth."""
        columns = {name: getattr(self, name)[which] for name in ("chosen", "cell", "ra")}
        return replace(self, **columns, mjd=self.mjd[which] if len(self.mjd) else self.mjd)

    def joined(self, other: "Sky") -> "Sky":
        """With the events to be looked at of another sky of the same hypothesis, too; the number of all stays."""
        names = ("chosen", "cell", "ra", "mjd")
        return replace(self, **{n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names})


@dataclass(frozen=True)
class Fit:
    """Best fit of n_s and gamma.

    Attributes
    ----------
    n_signal : float
        Best number of signal events, all seasons.
    gamma : float
        Best spectral index; NaN where n_s = 0, the fixed one if it was fixed.
    ts : float
        2 ln L(best)/L(0), at least 0.
    converged : bool
    """

    n_signal: float
    gamma: float
    ts: float
    converged: bool
