"""Directions on the sphere."""

import numpy as np


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
