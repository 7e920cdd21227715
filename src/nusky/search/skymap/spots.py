"""Hot spots: maxima of the test statistic, found on the pixels and refined below their spacing.

A spot begins at a pixel whose TS is at least `refine_above` and not below that of any of its eight neighbours. Two
maxima may lie side by side, the higher one between the pixels: so the search takes the best of 41 positions, half a
pixel apart up to one pixel away and one pixel apart up to two, moves to the best of nine positions around it until none
is better, then halves its step, down to `STEP`. So a spot is a maximum among positions `STEP` apart and no lower than
its pixel; spots that end at the same place are one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from nusky.likelihood.positions import CellEvents
from nusky.search.skymap.grid import PixelMap
from nusky.search.skymap.model import SkyModel
from nusky.sphere import displaced

STEP = np.radians(0.02)
"""Distance between the last positions compared."""
CONTOUR_LEVELS = (0.68, 0.95)
_MAX_ROUNDS = 60
_SAME = np.radians(0.05)
_N_RAYS = 48
_FIRST_RADIUS, _GROWTH, _LARGEST_RADIUS = np.radians(0.03), 1.3, np.radians(8.0)
_BISECTIONS = 8
_OFFSETS = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)], dtype=float)
_AROUND = np.array([(x, y) for y in range(-2, 3) for x in range(-2, 3)], dtype=float)
_STARTS = np.unique(np.concatenate((_AROUND, 2 * _AROUND)), axis=0)
"""In half pixels."""


@dataclass(frozen=True)
class Spots:
    """Refined maxima, each (n_spots,) float64; `ra`, `dec` rad; `pixel` (n_spots,) int64 is where the search began."""

    ra: np.ndarray
    dec: np.ndarray
    ts: np.ndarray
    n_signal: np.ndarray
    gamma: np.ndarray
    pixel: np.ndarray

    def __len__(self) -> int:
        return len(self.ra)

    def take(self, rows: np.ndarray) -> "Spots":
        """Some of the spots."""
        return Spots(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def local_maxima(sky_map: PixelMap, least: float) -> np.ndarray:
    """Rows of the pixels of a map of the whole sky with TS of at least `least` and of at least their neighbours'."""

    from astropy_healpix import HEALPix

    candidates = np.flatnonzero(np.nan_to_num(sky_map.ts, nan=-1.0) >= max(least, 1e-9))
    if not candidates.size:
        return candidates
    with np.errstate(invalid="ignore"):  # some pixels have seven neighbours, marked by -1
        around = HEALPix(sky_map.nside, "nested").neighbours(candidates)
    neighbours = np.where(around >= 0, np.nan_to_num(sky_map.ts, nan=-1.0)[around], -1.0)
    return candidates[(sky_map.ts[candidates] >= neighbours).all(axis=0)]


def refine(model: SkyModel, sky: CellEvents, sky_map: PixelMap, rows: np.ndarray) -> Spots:
    """The maxima that the searches from pixels `rows` of a map lead to, one for each pixel."""
    ra, dec = (values[rows] for values in sky_map.directions())
    spacing = np.radians(58.6 / sky_map.nside)
    best = _best_around(model, sky, ra, dec, _STARTS, np.full(len(rows), spacing / 2))
    step = np.full(len(rows), spacing / 4)
    for _ in range(_MAX_ROUNDS):
        active = np.flatnonzero(step >= STEP / 2)
        if not active.size:
            break
        found = _best_around(model, sky, best[active, 0], best[active, 1], _OFFSETS, step[active])
        better = found[:, 2] > best[active, 2] + 1e-9
        best[active[better]] = found[better]
        step[active[~better]] /= 2
    return Spots(*best.T.copy(), sky_map.pixel[rows])


def _best_around(
    model: SkyModel, sky: CellEvents, ra: np.ndarray, dec: np.ndarray, offsets: np.ndarray, scale: np.ndarray
) -> np.ndarray:
    """Right ascension, declination, TS, n_s and gamma of the best position around each of ra, dec, (n, 5)."""
    around_ra, around_dec = _offset(ra, dec, offsets, scale)
    found = model.search(sky, around_ra.ravel(), around_dec.ravel())
    columns = around_ra, around_dec, found.ts, found.n_signal, found.gamma
    values = np.stack([column.reshape(around_ra.shape) for column in columns], axis=-1)
    return values[np.arange(len(ra)), np.argmax(values[..., 2], axis=1)]


def distinct(spots: Spots) -> Spots:
    """The spots in order of falling TS, without those that ended beside a higher one."""
    kept: list[int] = []
    unit = _unit(spots.ra, spots.dec)
    for i in np.argsort(-spots.ts, kind="stable"):
        if not kept or (unit[kept] @ unit[i]).max() < np.cos(_SAME):
            kept.append(int(i))
    return spots.take(np.array(kept, dtype=np.int64))


def quoted(model: SkyModel, sky: CellEvents, spots: Spots) -> Spots:
    """The same positions with the response at their own declinations and gamma refined to the true optimum."""
    found = model.best(sky, spots.ra, spots.dec)
    return Spots(spots.ra, spots.dec, found.ts, found.n_signal, found.gamma, spots.pixel)


@dataclass(frozen=True)
class Contour:
    """Where TS has fallen from its maximum by the quantile of a chi-square with two degrees of freedom (Wilks).

    Attributes
    ----------
    spot : number of the spot
    confidence_level : float
    ra, dec : (n_rays,) float64, rad
        First crossings on rays from the maximum; NaN on rays on which TS does not fall so far.
    """

    spot: int
    confidence_level: float
    ra: np.ndarray
    dec: np.ndarray


def contours(model: SkyModel, sky: CellEvents, spots: Spots, levels: Sequence[float] = CONTOUR_LEVELS) -> list[Contour]:
    """Position contours of every spot, for each level."""
    if not len(spots):
        return []
    angle = np.linspace(0, 2 * np.pi, _N_RAYS, endpoint=False)
    top = model.search(sky, spots.ra, spots.dec).ts
    made = []
    for level in levels:
        edge = np.repeat(top - scipy.special.chdtri(2, 1 - level), _N_RAYS)
        whose, direction = np.repeat(np.arange(len(spots)), _N_RAYS), np.tile(angle, len(spots))

        def below(rays: np.ndarray, radius: np.ndarray, edge=edge, whose=whose, direction=direction) -> np.ndarray:
            ra, dec = displaced(spots.ra[whose[rays]], spots.dec[whose[rays]], radius, direction[rays])
            return model.search(sky, ra, dec).ts < edge[rays]

        inner, outer = np.zeros(len(whose)), np.full(len(whose), np.nan)
        open_rays, radius = np.flatnonzero(edge > 0), _FIRST_RADIUS
        while open_rays.size and radius <= _LARGEST_RADIUS:
            crossed = below(open_rays, np.full(len(open_rays), radius))
            outer[open_rays[crossed]] = radius
            inner[open_rays[~crossed]] = radius
            open_rays, radius = open_rays[~crossed], _GROWTH * radius
        closed = np.flatnonzero(np.isfinite(outer))
        for _ in range(_BISECTIONS if closed.size else 0):
            middle = (inner[closed] + outer[closed]) / 2
            crossed = below(closed, middle)
            outer[closed[crossed]], inner[closed[~crossed]] = middle[crossed], middle[~crossed]
        ra, dec = displaced(spots.ra[whose], spots.dec[whose], (inner + outer) / 2, direction)
        parts = zip(ra.reshape(-1, _N_RAYS), dec.reshape(-1, _N_RAYS), strict=True)
        made += [Contour(number, level, *part) for number, part in enumerate(parts)]
    return made


def zoom(model: SkyModel, sky: CellEvents, spots: Spots, half_width: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """TS around every spot: offsets (n,) rad, and TS (n_spots, n, n) by offset to the north, then to the east."""
    offset = np.linspace(-half_width, half_width, n)
    grid = np.stack(np.meshgrid(offset, offset), axis=-1).reshape(-1, 2)
    ra, dec = _offset(spots.ra, spots.dec, grid, np.ones(len(spots)))
    ts = model.search(sky, ra.ravel(), dec.ravel()).ts if len(spots) else np.empty(0)
    return offset, ts.reshape(len(spots), n, n)


def _offset(ra: np.ndarray, dec: np.ndarray, offsets: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions at `offsets` (n, 2) to the east and north times `scale` [rad], each (n_spots, n)."""
    distance = np.hypot(*offsets.T)[None, :] * scale[:, None]
    return displaced(ra[:, None], dec[:, None], distance, np.arctan2(*offsets.T)[None, :])


def _unit(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
