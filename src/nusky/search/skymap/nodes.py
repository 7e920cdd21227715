"""Declinations of the map's background trials.

The distribution of TS without signal changes most near the horizon, where the detector's view changes from muons of the
atmosphere to neutrinos: there the declinations lie twice as close.
"""

import numpy as np

MAX_DEC = np.radians(82.0)
"""Positions closer to the poles are left out: too little sky has their declination to scramble."""
_HORIZON_DEG = (-10.0, 3.0)


def declinations(spacing_deg: float) -> np.ndarray:
    """Ascending declinations between the limits of the map, (n,) rad.

    At most `spacing_deg` apart, and at most half of it from -10 to 3 deg; evenly within each of the three parts.
    """
    ends = (-np.degrees(MAX_DEC), *_HORIZON_DEG, np.degrees(MAX_DEC))
    parts = []
    for low, high, step in zip(ends[:-1], ends[1:], (spacing_deg, spacing_deg / 2, spacing_deg), strict=True):
        parts.append(np.linspace(low, high, int(np.ceil((high - low) / step - 1e-9)) + 1))
    return np.radians(np.unique(np.concatenate(parts)))
