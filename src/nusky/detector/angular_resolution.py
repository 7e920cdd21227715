"""How far reconstructed directions lie from true ones, where a release gives only medians by true energy.

Two things that such a release leaves open are assumed. Distances follow a Rayleigh distribution, that of a Gaussian on
the plane, with the median of the neutrino's energy; and the AngErr that an event of that energy is given is that of a
measured one of about the same energy, now reconstructed, from about the same declination. Distance and AngErr are
related by the energy and no further.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

MEDIAN_OF_RAYLEIGH = np.sqrt(2 * np.log(2))
"""Median of a Rayleigh distribution of width 1."""
N_BANDS = 40
"""Equal bands of sin(dec) that AngErr is taken from."""
REACH = 0.25
"""Largest difference in log10(E) of the events that AngErr is taken from."""
MIN_EVENTS = 20
"""Their least number: where fewer are within reach, the nearest in energy are taken."""
_APART = 100.0
"""Distance of two bands on a common axis with log10(E): no energy comes near it."""


@dataclass(frozen=True)
class AngularResolution:
    """Median distance between true and reconstructed direction of one response.

    Attributes
    ----------
    log10_enu : (n_enu + 1,) float64
        Edges in log10(E_nu/GeV); the outermost bins also serve the energies beyond.
    median : (n_enu,) float64, rad
    """

    log10_enu: np.ndarray
    median: np.ndarray

    def width(self, log10_enu: np.ndarray) -> np.ndarray:
        """Width [rad] of the Rayleigh distribution of the distance at log10(E_nu/GeV), (n,) each."""
        cell = np.clip(np.searchsorted(self.log10_enu, log10_enu, side="right") - 1, 0, len(self.median) - 1)
        return self.median[cell] / MEDIAN_OF_RAYLEIGH


def from_table(table: pa.Table) -> dict[str, AngularResolution]:
    """The resolutions of an `angular_resolution` table by response name."""
    names = ("log10_enu_min_gev", "log10_enu_max_gev", "median_deg")
    low, high, median = (table[name].to_numpy() for name in names)
    responses = np.array(table["response"].to_pylist(), dtype=object)
    made = {}
    for response in dict.fromkeys(responses):
        rows = np.flatnonzero(responses == response)
        rows = rows[np.argsort(low[rows], kind="stable")]
        made[response] = AngularResolution(np.append(low[rows], high[rows[-1]]), np.radians(median[rows]))
    return made


@dataclass(frozen=True)
class MedianSpread:
    """Spread of signal in one season: its response's resolution and the AngErr of its events.

    Attributes
    ----------
    resolution : AngularResolution
    start : (N_BANDS + 1,) int64
        First event of every band; a band without events has those of the nearest.
    stop : (N_BANDS,) int64
    place, ang_err : (n_events,) float64
        Bands and, inside them, log10(E/GeV) on one ascending axis; AngErr in rad.
    """

    resolution: AngularResolution
    start: np.ndarray
    stop: np.ndarray
    place: np.ndarray
    ang_err: np.ndarray

    @classmethod
    def of_events(
        cls, resolution: AngularResolution, dec: np.ndarray, log10_energy: np.ndarray, ang_err: np.ndarray
    ) -> "MedianSpread":
        """From a season's own events: dec [rad], log10(E/GeV), AngErr [rad], (n_events,) each, at least one."""
        place = _band(dec) * _APART + log10_energy
        order = np.argsort(place, kind="stable")
        counts = np.bincount(_band(dec), minlength=N_BANDS)
        stop = np.cumsum(counts)
        occupied = np.flatnonzero(counts)
        nearest = occupied[np.argmin(np.abs(np.arange(N_BANDS)[:, None] - occupied), axis=1)]
        return cls(resolution, (stop - counts)[nearest], stop[nearest], place[order], ang_err[order])

    def draw_ang_err(self, rng: np.random.Generator, dec: np.ndarray, log10_enu: np.ndarray) -> np.ndarray:
        """AngErr [rad] of neutrinos of log10(E_nu/GeV) from declinations `dec` [rad], (n,) each."""
        band = _band(dec)
        start, stop = self.start[band], self.stop[band]
        at = np.round(self.place[start] / _APART) * _APART + log10_enu  # the band that serves this one
        first = np.clip(np.searchsorted(self.place, at - REACH), start, stop)
        last = np.clip(np.searchsorted(self.place, at + REACH, side="right"), start, stop)
        least = np.minimum(MIN_EVENTS, stop - start)
        first = np.maximum(first - np.maximum(least - (last - first) + 1, 0) // 2, start)
        last = np.minimum(np.maximum(last, first + least), stop)
        first = np.minimum(first, last - least)
        return self.ang_err[first + (rng.random(len(first)) * (last - first)).astype(np.int64)]


def _band(dec: np.ndarray) -> np.ndarray:
    return np.clip(((np.sin(dec) + 1) / 2 * N_BANDS).astype(np.int64), 0, N_BANDS - 1)
