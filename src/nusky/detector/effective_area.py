"""Effective area on bins of energy and declination, and its exact integrals over spectra."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import SourceSpectra, Spectrum
from nusky.errors import PhysicsError, ReleaseError


@dataclass(frozen=True)
class EffectiveArea:
    """Effective area of one detector response, constant inside each bin.

    Attributes
    ----------
    log10_energy : (n_energy + 1,) float64
        Edges in log10(E/GeV).
    dec : (n_dec + 1,) float64, rad
        Edges in declination.
    area : (n_energy, n_dec) float64, cm^2
    """

    log10_energy: np.ndarray
    dec: np.ndarray
    area: np.ndarray

    def band(self, dec: np.ndarray) -> np.ndarray:
        """Number of the bin of each declination [rad]."""
        return np.clip(np.searchsorted(self.dec, dec, side="right") - 1, 0, len(self.dec) - 2)

    def integral(self, dec: np.ndarray, spectrum: Spectrum) -> np.ndarray:
        """Integral of A_eff(E, dec) f(E) dE with the shape f of a spectrum, exact for the binned area.

        Parameters
        ----------
        dec : (n,) float64, rad
        spectrum : its range is intersected with the table's; `SourceSpectra` gives each of `dec` its own

        Returns
        -------
        (n,) float64, cm^2 GeV
        """
        area = self.area[:, self.band(checked_declinations(dec))]
        if isinstance(spectrum, SourceSpectra):
            return np.einsum("jb,bj->j", spectrum.of_each(self.log10_energy), area)
        return spectrum.integrals(self.log10_energy) @ area


def checked_declinations(dec: np.ndarray) -> np.ndarray:
    """Declinations [rad] as float64; PhysicsError where one is none."""
    dec = np.asarray(dec, dtype=float)
    outside = ~((dec >= -np.pi / 2) & (dec <= np.pi / 2))
    if outside.any():
        raise PhysicsError(f"declination {dec[outside][0]} rad lies outside [-pi/2, pi/2]; give radians.")
    return dec


def from_table(table: pa.Table) -> dict[str, EffectiveArea]:
    """The effective areas of an `effective_area` table by response name; the bins must form a full grid."""
    responses = table["response"].to_numpy(zero_copy_only=False).astype(str)
    columns = ("log10_energy_min_gev", "log10_energy_max_gev", "dec_min_deg", "dec_max_deg", "aeff_cm2")
    values = np.column_stack([table[name].to_numpy() for name in columns])
    return {str(name): _grid(values[responses == name], str(name)) for name in dict.fromkeys(responses)}


def _grid(rows: np.ndarray, response: str) -> EffectiveArea:
    energy_low, energy = np.unique(rows[:, 0], return_inverse=True)
    dec_low, dec = np.unique(rows[:, 2], return_inverse=True)
    energy_high, dec_high = np.unique(rows[:, 1]), np.unique(rows[:, 3])
    contiguous = np.array_equal(energy_low[1:], energy_high[:-1]) and np.array_equal(dec_low[1:], dec_high[:-1])
    if (
        not contiguous
        or len(rows) != len(energy_low) * len(dec_low)
        or len({*zip(energy, dec, strict=True)}) != len(rows)
    ):
        raise ReleaseError(
            f"effective area of {response}: its {len(rows)} bins are no full grid of energy and declination. "
            "The file is incomplete; fetch it again."
        )
    area = np.zeros((len(energy_low), len(dec_low)))
    area[energy, dec] = rows[:, 4]
    return EffectiveArea(np.append(energy_low, energy_high[-1]), np.radians(np.append(dec_low, dec_high[-1])), area)
