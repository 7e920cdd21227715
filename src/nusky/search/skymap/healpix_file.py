"""FITS files of all-sky maps, with the keywords that HEALPix software looks for."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from nusky.errors import TableError
from nusky.files import atomic_path
from nusky.search.skymap.grid import PixelMap
from nusky.shortage import shortage

UNSEEN = -1.6375e30
"""HEALPix's value of pixels without one."""


def write(
    path: str | os.PathLike[str],
    sky_map: PixelMap,
    minus_log10_p: np.ndarray,
    tail_score: np.ndarray,
    cards: Mapping[str, tuple[Any, str]],
) -> None:
    """Write a map of the whole sky, the calibrated p-values first; atomic.

    Parameters
    ----------
    minus_log10_p, tail_score : (n_pixels,) float64
        Local p-values from trials, at most log10(n + 1) for n of them, and `Calibration.tail_score`.
    cards : keyword -> (value, comment) of the header
    """
    from astropy.io import fits

    values = {
        "NEG_LOG10_P": ("D", minus_log10_p),
        "TS": ("D", sky_map.ts),
        "N_SIGNAL": ("D", sky_map.n_signal),
        "GAMMA": ("D", sky_map.gamma),
        "TAIL_SCORE": ("D", tail_score),
    }
    columns = [
        fits.Column(name=name, format=kind, array=np.where(np.isnan(array), UNSEEN, array))
        for name, (kind, array) in values.items()
    ]
    columns.append(fits.Column(name="NSIDE_FITTED", format="D", array=sky_map.nside_fitted.astype(float)))
    table = fits.BinTableHDU.from_columns(columns, name="SKYMAP")
    table.header.update(
        {
            "PIXTYPE": ("HEALPIX", "pixelisation"),
            "ORDERING": ("NESTED", "pixel order"),
            "COORDSYS": ("C", "equatorial (celestial) coordinates, ICRS"),
            "NSIDE": (sky_map.nside, "resolution parameter"),
            "FIRSTPIX": 0,
            "LASTPIX": 12 * sky_map.nside**2 - 1,
            "INDXSCHM": ("IMPLICIT", "one row per pixel"),
            "OBJECT": ("FULLSKY", "sky coverage"),
            "BAD_DATA": (UNSEEN, "value of pixels without one"),
        }
    )
    table.header.update(dict(cards))
    with atomic_path(path) as temporary:
        fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary)


def read(path: str | os.PathLike[str], column: str) -> tuple[int, np.ndarray]:
    """nside and one column of a map written by `write`, NaN where a pixel has no value: (12 nside^2,) float64.

    Raises
    ------
    TableError : it is no readable FITS file, no nested HEALPix map, or lacks the column.
    """
    from astropy.io import fits

    try:
        with fits.open(path) as file:
            table = file[1]
            header, values = table.header, np.array(table.data[column], dtype=float)
    except (OSError, LookupError, TypeError, AttributeError, MemoryError) as error:
        if short := shortage(error, path):
            raise short from None
        raise TableError(f"{path}: no map with a column {column} ({error}). Delete it and run again.") from None
    if header.get("PIXTYPE") != "HEALPIX" or header.get("ORDERING") != "NESTED" or "NSIDE" not in header:
        raise TableError(f"{path}: not a HEALPix map in nested order. Point to a map written by nusky.")
    if len(values) != 12 * header["NSIDE"] ** 2:
        raise TableError(f"{path}: {len(values)} pixels are not those of nside {header['NSIDE']}. Run again.")
    return int(header["NSIDE"]), np.where(values == UNSEEN, np.nan, values)
