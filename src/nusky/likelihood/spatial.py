"""Background density of directions of the standard analysis, smooth in sin(dec)."""

from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.units import takes_directions

_BINS = 40
_FLOOR = 1e-3
"""Smallest background density, in units of an isotropic sky: no event can have an infinite density ratio."""


@dataclass(frozen=True)
class UniformDensity:
    """Background density of directions in a small cone: the same everywhere, `value` sr^-1."""

    value: float

    def __call__(self, dec: np.ndarray) -> np.ndarray:
        """Density [sr^-1] at declinations [rad]; shape of `dec`."""
        return np.full(np.shape(dec), self.value)


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
