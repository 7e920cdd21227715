"""Which pixels of a HEALPix grid are fitted: all coarse ones, and finer ones where there is something to see.

What is guaranteed: every pixel of `nside_coarse` with its centre inside the declination limit is fitted at its centre.
A pixel is divided into four, down to `nside`, if and only if the TS at its own centre is at least `refine_above`; every
child is then fitted at its own centre. Pixels that were not divided hand their values on. So a maximum is missed only
if it is so narrow that no coarser centre around it reaches `refine_above`. The pixels of a region, one pixel of a
coarser grid, depend on no other region.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.positions import CellEvents
from nusky.search.skymap.model import Known, SkyModel
from nusky.search.skymap.nodes import MAX_DEC

_BATCH = 2048
"""Positions between two reports of progress."""


@dataclass(frozen=True)
class Grid:
    """A HEALPix grid, nested order, ICRS.

    Attributes
    ----------
    nside : finest resolution, the map's
    nside_coarse : resolution at which the whole sky is fitted
    refine_above : TS at which a pixel is divided
    nside_region : resolution whose pixels are the regions
    """

    nside: int
    nside_coarse: int
    refine_above: float
    nside_region: int = 1

    def __post_init__(self) -> None:
        ordered = 1 <= self.nside_region <= self.nside_coarse <= self.nside
        powers = all(n > 0 and n & (n - 1) == 0 for n in (self.nside, self.nside_coarse, self.nside_region))
        if not (ordered and powers):
            raise PhysicsError(
                f"nside_region {self.nside_region}, nside_coarse {self.nside_coarse} and nside {self.nside} must be "
                "powers of two, none smaller than the one before."
            )

    @property
    def n_regions(self) -> int:
        """Parts of the sky that are jobs of their own."""
        return 12 * self.nside_region**2

    @property
    def levels(self) -> list[int]:
        """Resolutions from `nside_coarse` to `nside`."""
        return [self.nside_coarse << i for i in range((self.nside // self.nside_coarse).bit_length())]

    def pixels(self, nside: int, region: int | None) -> np.ndarray:
        """Pixels of a region, of the whole sky if None, at a resolution."""
        if region is None:
            return np.arange(12 * nside**2)
        if not 0 <= region < self.n_regions:
            raise PhysicsError(f"there is no region {region}; the grid has {self.n_regions}.")
        size = (nside // self.nside_region) ** 2
        return np.arange(region * size, (region + 1) * size)


@dataclass(frozen=True)
class PixelMap:
    """Best fits on the finest grid, one entry per pixel of a region or of the whole sky.

    Attributes
    ----------
    nside : int
    pixel : (n,) int64, nested order
    ts, n_signal, gamma : (n,) float64
        NaN outside the declination limit; gamma also where n_s = 0.
    nside_fitted : (n,) int16
        Resolution of the pixel whose centre was fitted; 0 outside the declination limit.
    """

    nside: int
    pixel: np.ndarray
    ts: np.ndarray
    n_signal: np.ndarray
    gamma: np.ndarray
    nside_fitted: np.ndarray

    def directions(self) -> tuple[np.ndarray, np.ndarray]:
        """RA and Dec of the pixels' centres, each (n,) rad."""
        return centres(self.nside, self.pixel)


def centres(nside: int, pixel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """RA and Dec of the centres of nested pixels, each (n,) rad."""

    from astropy_healpix import HEALPix

    lon, lat = HEALPix(nside, "nested").healpix_to_lonlat(pixel)
    return lon.rad, lat.rad


class Scanner:
    """Maps of many skies on one grid: what depends on declination alone is kept between them."""

    def __init__(self, model: SkyModel, grid: Grid, region: int | None = None) -> None:
        self.model, self.grid, self.region = model, grid, region
        self._known: dict[int, Known] = {}

    def map(self, sky: CellEvents, progress: Callable[[int, int, int], None] | None = None) -> PixelMap:
        """The map of one sky. `progress` is told the resolution, the positions done and those to do."""
        values = None
        for nside in self.grid.levels:
            pixels = self.grid.pixels(nside, self.region)
            if values is None:
                values = np.full((len(pixels), 4), np.nan)
                values[:, 3] = 0
                chosen = np.arange(len(pixels))
            else:
                chosen = np.flatnonzero(values[:, 0] >= self.grid.refine_above)
                chosen = (4 * chosen[:, None] + np.arange(4)).ravel()
                values = np.repeat(values, 4, axis=0)
            ra, dec = centres(nside, pixels[chosen])
            inside = np.abs(dec) <= MAX_DEC
            values[chosen[~inside]] = np.nan, np.nan, np.nan, 0
            values[chosen[inside]] = self._fit(sky, nside, ra[inside], dec[inside], progress)
        ts, n_signal, gamma, fitted = values.T
        return PixelMap(self.grid.nside, pixels, ts.copy(), n_signal.copy(), gamma.copy(), fitted.astype(np.int16))

    def _fit(
        self,
        sky: CellEvents,
        nside: int,
        ra: np.ndarray,
        dec: np.ndarray,
        progress: Callable[[int, int, int], None] | None,
    ) -> np.ndarray:
        rows = np.empty((len(ra), 4))
        if nside not in self._known and len(ra):
            every = np.unique(centres(nside, self.grid.pixels(nside, self.region))[1])
            self._known[nside] = self.model.known(every[np.abs(every) <= MAX_DEC])
        for first in range(0, len(ra), _BATCH):
            part = slice(first, first + _BATCH)
            found = self.model.fit(sky, ra[part], dec[part], self._known[nside])
            rows[part] = np.column_stack([found.ts, found.n_signal, found.gamma, np.full(len(found.ts), nside)])
            if progress is not None:
                progress(nside, min(first + _BATCH, len(ra)), len(ra))
        return rows
