"""Spatial densities of the standard analysis: Gaussian on the sphere for signal, smooth in sin(dec) for background."""

from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel
from nusky.units import takes_directions

_BINS = 40
_FLOOR = 1e-3
"""Smallest background density, in units of an isotropic sky: no event can have an infinite density ratio."""


@kernel()
def spherical_gaussian(psi, variance):
    """(psi / sin psi) exp(-psi^2 / 2 s^2) / (2 pi s^2), sr^-1: the planar Gaussian with its measure carried over.

    It integrates to 1 - exp(-pi^2 / 2 s^2) over the sphere, so to 1 for s below 30 deg.
    """
    stretch = psi / np.sin(psi) if psi > 1e-8 else 1.0
    return stretch * np.exp(-0.5 * psi * psi / variance) / (2 * np.pi * variance)


@dataclass(frozen=True)
class DeclinationDensity:
    """Background density of directions, uniform in RA and smooth in sin(dec).

    The cumulative distribution of sin(dec) is a monotone cubic through the counts, so its derivative, the density, is
    continuous, positive and normalised exactly.
    """

    spline: object
    floor: float

    @classmethod
    @takes_directions(dec="dec")
    def from_events(cls, dec: np.ndarray, n_bins: int = _BINS) -> "DeclinationDensity":
        """From the declinations [rad] of a season's events."""
        from scipy.interpolate import PchipInterpolator

        if len(dec) == 0:
            raise PhysicsError("a background density needs events; this season has none.")
        edges = np.linspace(-1, 1, n_bins + 1)
        counts, _ = np.histogram(np.sin(dec), bins=edges)
        cumulative = np.concatenate(([0.0], np.cumsum(counts))) / len(dec)
        cumulative = (1 - _FLOOR) * cumulative + _FLOOR * (edges + 1) / 2
        return cls(PchipInterpolator(edges, cumulative).derivative(), _FLOOR)

    def __call__(self, dec: np.ndarray) -> np.ndarray:
        """Density [sr^-1] at declinations [rad]; shape of `dec`."""
        return np.maximum(self.spline(np.sin(dec)), self.floor / 4) / (2 * np.pi)
