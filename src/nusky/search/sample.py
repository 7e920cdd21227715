"""The events of one season, ready for the standard likelihood."""

from dataclasses import dataclass, replace

import numpy as np

from nusky.detector.smearing import ANG_ERR_FLOOR
from nusky.likelihood import energy
from nusky.likelihood.spatial import DeclinationDensity


@dataclass(frozen=True)
class Sample:
    """The events of one season, ready for the likelihood.

    Attributes
    ----------
    name, response : str
    livetime_s : float
    ra, dec, ang_err : (n_events,) float64, rad
    width : (n_events,) float64, rad
        Gaussian width of the core of the spatial signal density.
    tail_ratio, tail_share : (n_events,) float64
        Squared width of its tail over that of the core, and the share of the signal in the tail.
    energy_bin : (n_events,) int64
    inverse_background : (n_events,) float64
        1/B_i: sr for a spatial analysis, sr dex with energy.
    density : DeclinationDensity
        Background density in declination.
    energy_density : (n_bands, n_bins) float64, per dex, or None
        Background density in energy (`nusky.likelihood.energy`); None for a spatial analysis.
    """

    name: str
    response: str
    livetime_s: float
    ra: np.ndarray
    dec: np.ndarray
    ang_err: np.ndarray
    width: np.ndarray
    tail_ratio: np.ndarray
    tail_share: np.ndarray
    energy_bin: np.ndarray
    inverse_background: np.ndarray
    density: DeclinationDensity
    energy_density: np.ndarray | None

    @classmethod
    def of_data(
        cls,
        season: tuple[str, str, float],
        ra: np.ndarray,
        dec: np.ndarray,
        ang_err: np.ndarray,
        log10_energy: np.ndarray | None,
    ) -> "Sample":
        """A season's own events: they also are the background's model.

        `season` is name, response and livetime [s]; directions in rad; no energies makes the analysis spatial.
        """
        density = DeclinationDensity.from_events(dec)
        energies = None if log10_energy is None else energy.background_energy_density(log10_energy, np.sin(dec))
        return cls(*season, *(np.empty(0),) * 6, np.empty(0, np.int64), np.empty(0), density, energies).with_events(
            ra, dec, ang_err, log10_energy
        )

    def with_events(
        self, ra: np.ndarray, dec: np.ndarray, ang_err: np.ndarray, log10_energy: np.ndarray | None
    ) -> "Sample":
        """Other events of the same season, against the same background."""
        inverse = 1 / self.density(dec)
        energy_bin = np.zeros(len(dec), dtype=np.int64)
        if self.energy_density is not None:
            inverse /= energy.background_energy_density_at(self.energy_density, log10_energy, np.sin(dec))
            energy_bin = energy.energy_bin(log10_energy)
        ang_err = np.maximum(ang_err, ANG_ERR_FLOOR)
        return replace(
            self,
            ra=ra,
            dec=dec,
            ang_err=ang_err,
            width=ang_err,
            tail_ratio=np.ones(len(dec)),
            tail_share=np.zeros(len(dec)),
            energy_bin=energy_bin,
            inverse_background=inverse,
        )

    def __len__(self) -> int:
        return len(self.ra)
