"""The record of an event: what every likelihood of a point-like or Gaussian signal needs to know of it."""

from collections.abc import Mapping

import numpy as np

EVENT = np.dtype(
    [
        ("sin_dec", "f8"),
        ("cos_dec", "f8"),
        ("variance", "f4"),
        ("inverse_background", "f4"),
        ("reach", "f4"),
        ("bin", "i2"),
        ("response", "u1"),
        ("season", "u1"),
    ]
)
"""Half a cache line, without the right ascension, which scrambled skies redraw.

`variance` is AngErr^2 [rad^2], `inverse_background` 1/B [sr, or sr dex with energy], `reach` the squared chord up to
which a point source is near (`nusky.search.reach`); `bin` (of energy and AngErr), `response` and `season` are numbers.
"""
MOST_SEASONS = 256
"""As many as `season` can number."""


def records(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """EVENT records (n_events,) that begin where a cache line does, from a column (n_events,) for every field."""
    n = len(columns["season"])
    room = np.zeros((n + 1) * EVENT.itemsize, np.uint8)
    begin = -room.ctypes.data % EVENT.itemsize
    made = room[begin : begin + n * EVENT.itemsize].view(EVENT)
    for name in EVENT.names:
        made[name] = columns[name]
    return made
