"""Declinations of the map's background trials.

The few events that background seldom looks like decide the largest TS, and each is felt as far as its angular error
goes: the distribution of TS without signal changes within some tenths of a degree.
"""

import numpy as np

MAX_DEC = np.radians(82.0)
"""Positions closer to the poles are left out: too little sky has their declination to scramble."""


def declinations(spacing_deg: float) -> np.ndarray:
    """Ascending declinations between the limits of the map, evenly and at most `spacing_deg` apart; (n,) rad."""
    steps = int(np.ceil(2 * np.degrees(MAX_DEC) / spacing_deg - 1e-9))
    return np.linspace(-MAX_DEC, MAX_DEC, steps + 1)
