"""Sources of different lists at the same place."""

import numpy as np


def duplicates(
    ra_deg: np.ndarray, dec_deg: np.ndarray, extension_deg: np.ndarray, list_index: np.ndarray, radius_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """For each source the nearest source of an earlier list within reach, and the distance.

    Within reach are sources closer than `radius_deg`, or than the extension of one of the two. Only sources that are
    not themselves duplicates are matched against, so there are no chains: a source between two others never joins them.

    Parameters
    ----------
    ra_deg, dec_deg : (n_sources,) float64, deg
    extension_deg : (n_sources,) float64, deg
        Gaussian widths; 0 for point-like sources.
    list_index : (n_sources,) int, which list a source comes from, in the order of the lists

    Returns
    -------
    duplicate_of : (n_sources,) int32, row of the earlier source, -1 for none
    separation_deg : (n_sources,) float64, deg, NaN for none
    """
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    direction = np.column_stack((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))
    duplicate_of = np.full(len(ra), -1, dtype=np.int32)
    separation_deg = np.full(len(ra), np.nan)
    for later in np.unique(list_index)[1:]:
        earlier = np.flatnonzero((list_index < later) & (duplicate_of < 0))
        for row in np.flatnonzero(list_index == later):
            chord = np.linalg.norm(direction[earlier] - direction[row], axis=1)
            separation = np.degrees(2 * np.arcsin(np.minimum(chord / 2, 1.0)))
            reach = np.maximum(radius_deg, np.maximum(extension_deg[earlier], extension_deg[row]))
            near = np.flatnonzero(separation <= reach)
            if near.size:
                nearest = near[np.argmin(separation[near])]
                duplicate_of[row], separation_deg[row] = earlier[nearest], separation[nearest]
    return duplicate_of, separation_deg
