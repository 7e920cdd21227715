"""How long the all-sky map takes on generated ten-year events, and how much memory."""

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import peak_memory_mib
from nusky.search.skymap import hottest, spots
from nusky.search.skymap.grid import Grid, Scanner
from nusky.search.skymap.model import SkyModel
from validation import page, samples

SEED = 4010
GRID = Grid(nside=256, nside_coarse=64, refine_above=4.0)
PLAIN = Grid(nside=64, nside_coarse=64, refine_above=4.0)


def make(event_fraction: float = 1.0, plain: Grid = PLAIN, fine: Grid = GRID) -> str:
    rows = []

    def add(what: str, value: float, unit: str, target: str = "", met: bool = True) -> None:
        rows.append((what, f"{value:.3g} {unit}", target, ("met" if met else "MISSED") if target else ""))
        print(*rows[-1], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        analysis = samples.read_written(Path(folder))
    model = SkyModel.of_analysis(analysis)
    sky = model.data()
    model.fit(sky, np.zeros(1), np.zeros(1))
    for name, grid, target in (
        (f"map at nside {plain.nside}", plain, 300.0),
        (f"map to nside {fine.nside}", fine, None),
    ):
        start, busy = time.perf_counter(), time.process_time()
        sky_map = Scanner(model, grid).map(sky)
        seconds = time.perf_counter() - start
        name = f"map, nside {grid.nside_coarse} to {grid.nside}"
        add(name, seconds, "s", "below 300 s" if target else "", target is None or seconds < target)
        add("of it processor time", time.process_time() - busy, "s")
    scanner = Scanner(model, plain)
    hottest.scrambled_maxima(scanner, SEED, 0)
    start = time.perf_counter()
    hottest.scrambled_maxima(scanner, SEED, 1)
    seconds = time.perf_counter() - start
    add(f"one scrambled sky at nside {plain.nside}, with its spots", seconds, "s", "below 60 s", seconds < 60)
    start = time.perf_counter()
    found = spots.distinct(spots.refine(model, sky, sky_map, spots.local_maxima(sky_map, fine.refine_above)))
    add(f"refining {len(found)} spots of the data", time.perf_counter() - start, "s")
    memory = peak_memory_mib()
    add("largest resident memory", memory, "MiB", "below 4096 MiB", memory < 4096)
    table = page.Table("Space and energy, free gamma.", ("what", "measured", "target", "verdict"), rows)
    about = f"Generated ten-year release, {int(analysis.n_events.sum())} events, seed {SEED}; one process."
    return page.page("skymap", "The all-sky map", about, [table])


if __name__ == "__main__":
    page.main("skymap", make)
