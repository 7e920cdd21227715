"""Directions on the sphere."""

import numpy as np

TO_GALACTIC = np.array(
    [
        [-0.05487565771259163, -0.8734370519556159, -0.48383507361671546],
        [0.4941094371927268, -0.4448297212232952, 0.7469821839866676],
        [-0.8676661375596576, -0.19807633727300053, 0.4559838136873016],
    ]
)
"""Cartesian Galactic directions of those in ICRS: Reid and Brunthaler, ApJ 616, 872 (2004), and the frame bias of FK5.
That of astropy, whose coordinates take longer to import than most jobs need for everything else."""


def galactic(ra: float | np.ndarray, dec: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Galactic longitude in 0 ... 2 pi and latitude of ICRS directions, all in rad."""
    return _turned(TO_GALACTIC, ra, dec)


def equatorial(longitude: float | np.ndarray, latitude: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Right ascension in 0 ... 2 pi and declination (ICRS) of Galactic directions, all in rad."""
    return _turned(TO_GALACTIC.T, longitude, latitude)


def _turned(matrix: np.ndarray, lon: float | np.ndarray, lat: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    across = np.cos(lat)
    x, y, z = np.tensordot(matrix, np.stack([across * np.cos(lon), across * np.sin(lon), np.sin(lat)]), axes=1)
    return np.arctan2(y, x) % (2 * np.pi), np.arctan2(z, np.hypot(x, y))


def displaced(
    ra: float | np.ndarray, dec: float | np.ndarray, distance: np.ndarray, position_angle: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Directions at a great-circle `distance` from (ra, dec), along a `position_angle` from north through east.

    All in rad, scalars or arrays that broadcast; exact everywhere, the poles included. Right ascension is returned in
    0 ... 2 pi.
    """
    across = np.sin(distance) * np.sin(position_angle)
    along = np.cos(dec) * np.cos(distance) - np.sin(dec) * np.sin(distance) * np.cos(position_angle)
    up = np.sin(dec) * np.cos(distance) + np.cos(dec) * np.sin(distance) * np.cos(position_angle)
    return (ra + np.arctan2(across, along)) % (2 * np.pi), np.arctan2(up, np.hypot(across, along))
