"""Published measurements of the diffuse astrophysical neutrino flux, the scale for fluxes and limits of catalogues."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV


@dataclass(frozen=True)
class DiffuseFlux:
    """A power law dN/dE = phi (E / 100 TeV)^-gamma per flavour (nu + anti-nu) and steradian, with 1 sigma errors."""

    label: str
    citation: str
    phi: float
    """Best fit at 100 TeV, GeV^-1 cm^-2 s^-1 sr^-1, one flavour."""
    phi_up: float
    phi_down: float
    gamma: float
    gamma_error: float
    energy_min_gev: float
    energy_max_gev: float

    def band(self, energy_gev: ArrayLike, *, n_flavours: int) -> tuple[NDArray, NDArray]:
        """Lower and upper edge of E^2 dN/dE over the whole sky (4 pi sr), GeV cm^-2 s^-1, shape of `energy_gev`.

        The envelope of the 1 sigma ranges of normalisation and index, taken as independent: where the published
        contour is correlated, this is wider than the measurement.
        """
        energy = np.asarray(energy_gev, float)
        scale = 4 * np.pi * n_flavours * energy**2
        slopes = [(energy / PIVOT_ENERGY_GEV) ** -(self.gamma + sign * self.gamma_error) for sign in (-1, 1)]
        low = (self.phi - self.phi_down) * np.minimum(*slopes)
        high = (self.phi + self.phi_up) * np.maximum(*slopes)
        return scale * low, scale * high

    def share(self, phi0_per_gev: float, gamma: float, energy_gev: float = PIVOT_ENERGY_GEV) -> float:
        """Share of the whole-sky flux (best fit, 4 pi sr) at `energy_gev` in a flux phi0 (E / 100 TeV)^-gamma.

        `phi0_per_gev` in GeV^-1 cm^-2 s^-1, one flavour (nu + anti-nu), all sources of a catalogue together. The
        share of a limit is a limit on the share.
        """
        scale = energy_gev / PIVOT_ENERGY_GEV
        return phi0_per_gev * scale**-gamma / (4 * np.pi * self.phi * scale**-self.gamma)


NORTHERN_TRACKS = DiffuseFlux(  # IceCube Collaboration, ApJ 928, 50 (2022), arXiv:2111.10299, abstract
    label="IceCube diffuse × 4π sr\n(ApJ 928, 50)",
    citation="IceCube Collaboration, ApJ 928, 50 (2022), arXiv:2111.10299",
    phi=1.44e-18,
    phi_up=0.25e-18,
    phi_down=0.26e-18,
    gamma=2.37,
    gamma_error=0.09,
    energy_min_gev=15e3,
    energy_max_gev=5e6,
)
