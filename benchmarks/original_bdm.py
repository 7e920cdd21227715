"""Times the public package snorer on the calls of the seed page; run by its own interpreter, prints JSON.

Only its documented functions are called. The map is a sixteenth of the full one: every fourth l and b.
"""

import json
import time

import numpy as np
import snorer as sn

MAP_STEP = 4


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main():
    beta, l_sn, b_sn = sn.equatorial_to_beta("23h23m24s", "58d49m00s")
    year = sn.constant.year2Seconds
    l_grid, b_grid = np.meshgrid(
        np.linspace(-np.pi, np.pi, 800)[::MAP_STEP], np.linspace(-np.pi / 2, np.pi / 2, 400)[::MAP_STEP]
    )
    l_off, b_off = (l_grid - l_sn + np.pi) % (2 * np.pi) - np.pi, b_grid - b_sn
    angles = np.hypot(l_off, b_off), np.arctan2(l_off, b_off) % (2 * np.pi)
    directions = np.column_stack([angle.ravel() for angle in angles])
    times = {
        "map": seconds(lambda: [sn.differential_flux(350 * year, 5, 1, *d, 3.5, beta) for d in directions]),
        "flux": seconds(lambda: sn.flux(350 * year, 5, 1, 3.5, beta)),
        "event": seconds(lambda: sn.event(1, 3.5, beta, t_range=[350 * year, 385 * year])),
        "t_van": seconds(lambda: sn.get_tvan(*np.meshgrid(np.logspace(0, 2, 100), np.logspace(-3, 2, 100)), 3.5)),
    }
    print(json.dumps({"version": sn.__version__, "map_factor": MAP_STEP**2, "seconds": times}))


if __name__ == "__main__":
    main()
