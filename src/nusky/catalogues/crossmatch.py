"""Sources of different lists at the same place."""

import numpy as np


def duplicates(
    ra_deg: np.ndarray, dec_deg: np.ndarray, list_index: np.ndarray, radius_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """For each source the nearest source of an earlier list within `radius_deg`, and the distance.

    Only sources that are not themselves duplicates are matched against, so there are no chains: a source between
    two others never joins them.

    Parameters
    ----------
    ra_deg, dec_deg : (n_sources,) float64, deg
    list_index : (n_sources,) int, which list a source comes from, in the order of the lists

    Returns
    -------
    duplicate_of : (n_sources,) int32, row of the earlier source, -1 for none
    separation_deg : (n_sources,) float64, deg, NaN for none
    """
    from astropy import units as u
    from astropy.coordinates import SkyCoord

    positions = SkyCoord(ra_deg * u.deg, dec_deg * u.deg)
    duplicate_of = np.full(len(positions), -1, dtype=np.int32)
    separation_deg = np.full(len(positions), np.nan)
    for later in np.unique(list_index)[1:]:
        rows = np.flatnonzero(list_index == later)
        earlier = np.flatnonzero((list_index < later) & (duplicate_of < 0))
        nearest, separation, _ = positions[rows].match_to_catalog_sky(positions[earlier])
        near = separation.deg <= radius_deg
        duplicate_of[rows[near]] = earlier[nearest[near]]
        separation_deg[rows[near]] = separation.deg[near]
    return duplicate_of, separation_deg
