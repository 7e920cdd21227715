"""How far reconstructed directions lie from true ones, where a release gives only medians by true energy.

Such a release does not say how distance and AngErr are distributed together. Assumed is: the distance of an event is
that of a Gaussian of its AngErr (a Rayleigh distribution), and AngErr is distributed as among the measured events of
the declination, times a factor by which half of all distances lie below the release's median of the neutrino's energy.
The better response of the same detector, simulated, supports both from 3 TeV on (docs/validation/three_year.md).
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nusky.detector.smearing import ANG_ERR_FLOOR

N_BANDS = 40
"""Equal bands of sin(dec) in which AngErr is looked at."""
_STEPS = 50


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

    def at(self, log10_enu: np.ndarray) -> np.ndarray:
        """The median [rad] at log10(E_nu/GeV), (n,) each."""
        cell = np.searchsorted(self.log10_enu, log10_enu, side="right") - 1
        return self.median[np.clip(cell, 0, len(self.median) - 1)]


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
    start, stop : (N_BANDS,) int64
        The events of every band of sin(dec); a band without events has those of the nearest.
    ang_err : (n_events,) float64, rad
        Ordered by band.
    usual : (N_BANDS,) float64, rad
        Median distance if every event of the band is as far away as its AngErr says.
    """

    resolution: AngularResolution
    start: np.ndarray
    stop: np.ndarray
    ang_err: np.ndarray
    usual: np.ndarray

    @classmethod
    def of_events(cls, resolution: AngularResolution, dec: np.ndarray, ang_err: np.ndarray) -> "MedianSpread":
        """From a season's own events: dec and AngErr [rad], (n_events,) each, at least one."""
        band = _band(dec)
        order = np.argsort(band, kind="stable")
        ang_err = np.maximum(ang_err[order], ANG_ERR_FLOOR)
        counts = np.bincount(band, minlength=N_BANDS)
        stop = np.cumsum(counts)
        occupied = np.flatnonzero(counts)
        nearest = occupied[np.argmin(np.abs(np.arange(N_BANDS)[:, None] - occupied), axis=1)]
        start, stop = (stop - counts)[nearest], stop[nearest]
        usual = [median_distance(ang_err[first:last]) for first, last in zip(start, stop, strict=True)]
        return cls(resolution, start, stop, ang_err, np.array(usual))

    def draw_ang_err(self, rng: np.random.Generator, dec: np.ndarray, log10_enu: np.ndarray) -> np.ndarray:
        """AngErr [rad] of neutrinos of log10(E_nu/GeV) from declinations `dec` [rad], (n,) each."""
        band = _band(dec)
        start, stop = self.start[band], self.stop[band]
        event = start + (rng.random(len(band)) * (stop - start)).astype(np.int64)
        return self.ang_err[event] * self.resolution.at(log10_enu) / self.usual[band]


def median_distance(width: np.ndarray) -> float:
    """Median [rad] of distances, each Rayleigh-distributed with one of `width` [rad], (n,) float64."""
    low, high = width.min() / 2, width.max() * 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if np.exp(-0.5 * (middle / width) ** 2).mean() > 0.5:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _band(dec: np.ndarray) -> np.ndarray:
    return np.clip(((np.sin(dec) + 1) / 2 * N_BANDS).astype(np.int64), 0, N_BANDS - 1)
