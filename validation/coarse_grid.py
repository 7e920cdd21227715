"""Which sources the all-sky map misses because no coarse pixel beside them is hot, and what a finer grid costs."""

import time
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from nusky.detector.spectrum import PowerLaw
from nusky.search.analysis import Analysis
from nusky.search.injection import Injector, Signal
from nusky.search.season import SeasonEvents
from nusky.search.skymap import spots
from nusky.search.skymap.grid import Grid, Scanner, centres
from nusky.search.skymap.model import SkyModel
from nusky.search.skymap.nodes import MAX_DEC
from nusky.search.sources import Sources
from nusky.sphere import displaced
from validation import page, samples

SEED = 5201
GRIDS = (Grid(256, 64, 4.0), Grid(256, 128, 4.0))
SIGNAL = {2.0: (4.0, 6.0), 3.0: (15.0, 19.0)}
"""Index -> expected events of a source in the south and in the north, for TS of about 10 to 20."""
HORIZON = np.radians(-5.0)
REACH_DEG, _STEP_DEG = 0.6, 0.1
FALL = 0.5
"""A source is missed if no hot spot beside it comes within so much of its highest TS."""
TARGET = 10.0
_N_SIDE = 4


def make(event_fraction: float = 1.0, grids: Sequence[Grid] = GRIDS, signal=SIGNAL) -> str:
    name, analysis = samples.real_or_generated(event_fraction)
    rows, times = [], []
    for gamma, strength in signal.items():
        rng = np.random.default_rng([SEED, int(10 * gamma)])
        ra, dec = positions(rng)
        model = SkyModel.of_analysis(sky_with_sources(rng, analysis, ra, dec, gamma, strength))
        sky = model.data()
        top = highest(model, sky, ra, dec)
        for grid in grids:
            begin = time.process_time()
            sky_map = Scanner(model, grid).map(sky)
            times.append((grid.nside_coarse, f"{gamma:g}", f"{time.process_time() - begin:.0f}"))
            print(*times[-1], flush=True)
            found = spots.refine(model, sky, sky_map, beside(sky_map, ra, dec, grid.refine_above))
            reached = np.array([_highest_beside(found, *where) for where in zip(ra, dec, strict=True)])
            for half, own in (("south", dec < HORIZON), ("north", dec >= HORIZON)):
                for low, high in ((8.0, TARGET), (TARGET, np.inf)):
                    there = own & (top > low) & (top <= high)
                    n_missed = int((reached[there] < top[there] - FALL).sum())
                    verdict = ("met" if not n_missed else "MISSED") if low == TARGET else ""
                    limits = f"above {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"
                    rows.append((grid.nside_coarse, f"{gamma:g}", half, limits, int(there.sum()), n_missed, verdict))
                    print(*rows[-1], flush=True)
    header = ("coarse nside", "γ", "sky", "TS", "sources", "missed", "none missed")
    tables = [
        page.Table("Sources without a hot spot of their TS beside them.", header, rows),
        page.Table("Processor time of a map.", ("coarse nside", "γ", "seconds"), times),
    ]
    about = (
        f"{name}, {int(analysis.n_events.sum())} events, with {len(ra)} sources 15° apart in one "
        "scrambled sky for each index; γ fitted. The TS of a source is the highest within "
        f"{REACH_DEG}° of it, on a grid of {_STEP_DEG}°; where that is at the rim, it belongs to something else and "
        "does not count. The map is fitted at the coarse pixels, divided where TS is at least 4, and its hot spots "
        f"refined; a source is missed if none beside it comes within {FALL} of its TS. "
        f"South is below declination {np.degrees(HORIZON):g}°. Seed {SEED}."
    )
    return page.page("coarse_grid", "What a coarse grid misses", about, tables)


def positions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions all over the sky, far from each other and anywhere between the pixels of a map, each (n,) rad."""
    ra, dec = centres(_N_SIDE, np.arange(12 * _N_SIDE**2))
    ra, dec = displaced(ra, dec, np.radians(2) * rng.random(len(ra)), 2 * np.pi * rng.random(len(ra)))
    inside = np.abs(dec) < MAX_DEC - np.radians(2)
    return ra[inside], dec[inside]


def sky_with_sources(
    rng: np.random.Generator,
    analysis: Analysis,
    ra: np.ndarray,
    dec: np.ndarray,
    gamma: float,
    strength: tuple[float, float],
) -> Analysis:
    """A scrambled sky with a source at every position, as the data of an analysis."""
    inject = Injector(analysis)
    seasons = [replace(season, ra=2 * np.pi * rng.random(len(season))) for season in analysis.seasons]
    for where, n in zip(zip(ra, dec, strict=True), np.where(dec < HORIZON, *strength), strict=True):
        drawn = inject(rng, Signal.of(analysis, Sources.of(*where), PowerLaw(gamma)), n)
        seasons = [_joined(season, extra) for season, extra in zip(seasons, drawn, strict=True)]
    return replace(analysis, seasons=tuple(seasons))


def _joined(season: SeasonEvents, extra: SeasonEvents) -> SeasonEvents:
    """The events of both; the background's model stays."""
    if not len(extra):
        return season
    per_event = [f.name for f in fields(season) if np.shape(getattr(season, f.name))[:1] == (len(season),)]
    return replace(
        season, **{name: np.concatenate([getattr(season, name), getattr(extra, name)]) for name in per_event}
    )


def highest(model: SkyModel, sky, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Highest TS beside every position, (n,); NaN where it lies at the rim, as it then belongs to something else."""
    offset = np.radians(np.arange(-REACH_DEG, REACH_DEG + 1e-9, _STEP_DEG))
    north, east = (values.ravel() for values in np.meshgrid(offset, offset))
    around = displaced(ra[:, None], dec[:, None], np.hypot(north, east)[None], np.arctan2(east, north)[None])
    ts = model.search(sky, *map(np.ravel, around)).ts.reshape(len(ra), -1)
    top, inside = np.argmax(ts, axis=1), np.maximum(np.abs(north), np.abs(east)) < offset[-1] - 1e-9
    return np.where(inside[top], ts.max(axis=1), np.nan)


def beside(sky_map, ra: np.ndarray, dec: np.ndarray, least: float) -> np.ndarray:
    """Rows of the pixels at which hot spots begin near one of the positions."""
    rows = spots.local_maxima(sky_map, least)
    pixel_ra, pixel_dec = (values[rows] for values in sky_map.directions())
    return rows[(_cosines(pixel_ra, pixel_dec, ra, dec) > np.cos(np.radians(2 * REACH_DEG))).any(axis=1)]


def _highest_beside(found: spots.Spots, ra: float, dec: float) -> float:
    near = _cosines(found.ra, found.dec, np.array([ra]), np.array([dec]))[:, 0] > np.cos(np.radians(2 * REACH_DEG))
    return float(found.ts[near].max(initial=0.0))


def _cosines(ra: np.ndarray, dec: np.ndarray, other_ra: np.ndarray, other_dec: np.ndarray) -> np.ndarray:
    """Of the angles between two lists of directions."""
    one, other = (
        np.stack([np.cos(d) * np.cos(r), np.cos(d) * np.sin(r), np.sin(d)], axis=1)
        for r, d in ((ra, dec), (other_ra, other_dec))
    )
    return one @ other.T


if __name__ == "__main__":
    page.main("coarse_grid", make)
