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


def offsets(ra: np.ndarray, dec: np.ndarray, ra0: float, dec0: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets to the east and north, (n,) each, of directions along the great circles from (ra0, dec0); all in rad."""
    across = np.cos(dec) * np.sin(ra - ra0)
    up = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
    along = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra - ra0)
    distance, angle = np.arctan2(np.hypot(across, up), along), np.arctan2(across, up)
    return distance * np.sin(angle), distance * np.cos(angle)
