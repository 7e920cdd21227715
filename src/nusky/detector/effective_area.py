"""Effective area on bins of energy and declination, and its exact integrals over spectra.

Near the horizon neighbouring bins of declination differ by a factor of up to 10. A table of steps makes a source's
acceptance jump where it crosses an edge, so between the centres of the bins the logarithm of the area is interpolated.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import SourceSpectra, Spectrum
from nusky.errors import PhysicsError, ReleaseError


@dataclass(frozen=True)
class EffectiveArea:
    """Effective area of one detector response, constant inside each bin of energy.

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

    def at(self, dec: np.ndarray, *, steps: bool = False) -> np.ndarray:
        """Area in every bin of energy at declinations [rad] (n_dec,): (n_energy, n_dec) float64, cm^2.

        ln A is linear in sin(dec) between the centres of the bins and constant beyond the outermost; beside a bin
        without area, where it has no logarithm, A itself is linear. With `steps` the area is that of the bin.

        Raises
        ------
        PhysicsError : a declination lies outside the sphere.
        """
        dec = checked_declinations(dec)
        if steps:
            return self.area[:, np.clip(np.searchsorted(self.dec, dec, side="right") - 1, 0, len(self.dec) - 2)]
        edges = np.sin(self.dec)
        place = np.interp(np.sin(dec), (edges[1:] + edges[:-1]) / 2, np.arange(len(edges) - 1))
        lower = place.astype(np.int64)
        weight = place - lower
        low, high = self.area[:, lower], self.area[:, np.minimum(lower + 1, len(edges) - 2)]
        both = (low > 0) & (high > 0)
        ratio = np.divide(high, low, out=np.ones_like(low), where=both)
        return np.where(both, low * ratio**weight, low + (high - low) * weight)

    def integrals(self, dec: np.ndarray, spectra: Sequence[Spectrum], *, steps: bool = False) -> np.ndarray:
        """Integrals of A_eff(E, dec) f(E) dE with the shapes f of spectra, exact for the bins of energy.

        So the integrals over parts of the energy axis add up to that over all of it.

        Parameters
        ----------
        dec : (n_dec,) float64, rad
        spectra : their ranges are intersected with the table's; `SourceSpectra` give each of `dec` its own
        steps : as in `at`

        Returns
        -------
        (n_spectra, n_dec) float64, cm^2 GeV
        """
        area = self.at(dec, steps=steps)
        if not any(isinstance(spectrum, SourceSpectra) for spectrum in spectra):
            return np.stack([spectrum.integrals(self.log10_energy) for spectrum in spectra]) @ area
        return np.stack([self._integral(area, spectrum) for spectrum in spectra])

    def _integral(self, area: np.ndarray, spectrum: Spectrum) -> np.ndarray:
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
