"""Background density of directions of the standard analysis, smooth in sin(dec)."""

from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel
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

    Attributes
    ----------
    coefficients : (3, n_bins) float64
        2 pi times the density in equal bins of sin(dec): of powers 2, 1 and 0 of the distance from where a bin begins.
    floor : float
    """

    coefficients: np.ndarray
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
        return cls(np.ascontiguousarray(PchipInterpolator(edges, cumulative).derivative().c), _FLOOR)

    def __call__(self, dec: np.ndarray) -> np.ndarray:
        """Density [sr^-1] at declinations [rad]; shape of `dec`."""
        sin_dec = np.sin(dec)
        return _density(self.coefficients, self.floor, sin_dec.ravel()).reshape(sin_dec.shape)


@kernel()
def _density(coefficients, floor, sin_dec):
    """`DeclinationDensity` at sin(dec), (n,) float64."""
    found, n_bins = np.empty(len(sin_dec)), coefficients.shape[1]
    for i in range(len(sin_dec)):
        place = (sin_dec[i] + 1) / 2 * n_bins
        k = int(min(place, n_bins - 1.0)) if place > 0 else 0
        z = sin_dec[i] + 1 - k * 2 / n_bins
        value = (coefficients[0, k] * z + coefficients[1, k]) * z + coefficients[2, k]
        found[i] = max(value, floor / 4) / (2 * np.pi)
    return found
