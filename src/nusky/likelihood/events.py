"""The record of an event: what every likelihood of a point-like or Gaussian signal needs to know of it."""

from collections.abc import Mapping

import numpy as np

EVENT = np.dtype(
    {
        "names": (
            "sin_dec",
            "cos_dec",
            "variance",
            "inverse_background",
            "reach",
            "row",
            "n_ra",
            "bin",
            "response",
            "season",
        ),
        "formats": ("f8", "f8", "f8", "f8", "f4", "i4", "i2", "i2", "i2", "i2"),
        "itemsize": 64,
    },
    align=True,
)
"""One cache line, without the right ascension, which scrambled skies redraw.

`variance` is AngErr^2 [rad^2], `inverse_background` 1/B [sr, or sr dex with energy], `reach` the squared chord up to
which a point source is near (`nusky.search.reach`), `row` the first cell of the event's row in the grid of its class
(`nusky.likelihood.cells`), `n_ra` the number of cells of that row; `bin` (of energy and AngErr), `response` and
`season` are numbers."""


def records(columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """EVENT records (n_events,) that begin where a cache line does, from a column (n_events,) for every field."""
    n = len(columns["season"])
    room = np.zeros((n + 1) * EVENT.itemsize, np.uint8)
    begin = -room.ctypes.data % EVENT.itemsize
    made = room[begin : begin + n * EVENT.itemsize].view(EVENT)
    for name in EVENT.names:
        made[name] = columns[name]
    return made
