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

    values: np.ndarray
    """(n_bins + 1,) the density per sin(dec) at evenly spaced ones from -1 to 1."""
    means: np.ndarray
    """(n_bins,) its means between them."""
    floor: float

    @classmethod
    @takes_directions(dec="dec")
    def from_events(cls, dec: np.ndarray, n_bins: int = _BINS) -> "DeclinationDensity":
        """From the declinations [rad] of a season's events."""
        if len(dec) == 0:
            raise PhysicsError("a background density needs events; this season has none.")
        edges = np.linspace(-1, 1, n_bins + 1)
        counts, _ = np.histogram(np.sin(dec), bins=edges)
        cumulative = np.concatenate(([0.0], np.cumsum(counts))) / len(dec)
        cumulative = (1 - _FLOOR) * cumulative + _FLOOR * (edges + 1) / 2
        means = np.diff(cumulative) / np.diff(edges)
        # Slopes of a monotone cubic: Fritsch and Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984); at the ends those
        # of the parabola through three points, which must not fall.
        inside = 2 / (1 / means[1:] + 1 / means[:-1])
        first, last = 1.5 * means[0] - 0.5 * means[1], 1.5 * means[-1] - 0.5 * means[-2]
        values = np.concatenate(([max(first, 0.0)], inside, [max(last, 0.0)]))
        return cls(values, means, _FLOOR)

    def __call__(self, dec: np.ndarray) -> np.ndarray:
        """Density [sr^-1] at declinations [rad]; shape of `dec`."""
        place = (np.sin(dec) + 1) / 2 * len(self.means)
        k = np.clip(place.astype(np.int64), 0, len(self.means) - 1)
        t = place - k
        left, right, mean = self.values[k], self.values[k + 1], self.means[k]
        density = left * (1 - 4 * t + 3 * t**2) + right * (3 * t**2 - 2 * t) + 6 * mean * (t - t**2)
        return np.maximum(density, self.floor / 4) / (2 * np.pi)
