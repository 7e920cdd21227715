"""The all-sky map as one interactive HTML page that needs no other file and no network."""

import base64
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nusky.errors import PhysicsError
from nusky.files import write_text
from nusky.printable import printable
from nusky.report.page import page_template

QUANTITIES = ("TS", "NEG_LOG10_P", "N_SIGNAL", "GAMMA")
"""The quantities of a map, named as the columns of its FITS file (`nusky.search.skymap.healpix_file`)."""
MAX_NSIDE = 256
"""Finer maps are shown at this resolution, so that the page stays below 20 MB."""
SPOT_COLUMNS = ("ra_deg", "dec_deg", "test_statistic", "n_signal", "gamma", "p_local")
CONTOUR_COLUMNS = ("spot", "confidence_level", "ra_deg", "dec_deg")
SOURCE_COLUMNS = ("name", "ra_deg", "dec_deg", "origin")


def build_sky_viewer(
    output: str | os.PathLike[str],
    *,
    run: str,
    analysis: str,
    synthetic: bool,
    nside: int,
    n_trials: int,
    values: Mapping[str, NDArray],
    spots: pa.Table,
    contours: pa.Table,
    sources: Sequence[pa.Table],
) -> None:
    """Write the page: pan, zoom, values under the pointer, sources by list, hot spots, two coordinate systems.

    Parameters
    ----------
    run, analysis
        Name of the run, and what its likelihood uses.
    synthetic
        Whether any event was generated.
    nside, values
        Resolution, and (12 nside²,) float64 of each of `QUANTITIES`: nested order, ICRS, NaN where there is no value.
    n_trials
        Background trials at each declination, which tell no p-value below 1/(n + 1).
    spots, contours
        Tables "skymap_spots" and "skymap_contours".
    sources
        Tables "sources"; a source that several catalogues list under one origin is shown once.

    Raises
    ------
    PhysicsError
        When a map does not have the pixels of `nside`.
    """
    for name in QUANTITIES:
        if np.shape(values[name]) != (12 * nside**2,):
            raise PhysicsError(f"{name} has shape {np.shape(values[name])}; nside {nside} has {12 * nside**2} pixels.")
    shown, values = _reduced(nside, values)
    data = {
        "nside": shown,
        "least": 1 / (n_trials + 1),
        "galactic": _to_galactic().ravel().tolist(),
        "spots": spots.select(SPOT_COLUMNS).to_pylist(),
        "contours": _lines(contours),
        "sources": _by_list(sources),
    }
    page = page_template("sky_viewer.html.j2").render(
        run=run,
        analysis=analysis,
        synthetic=synthetic,
        nside=nside,
        shown=shown,
        n_trials=n_trials,
        data=data,
        maps={name: base64.b64encode(values[name].astype("<f4").tobytes()).decode("ascii") for name in QUANTITIES},
    )
    write_text(output, page)


def _reduced(nside: int, values: Mapping[str, NDArray]) -> tuple[int, dict[str, NDArray]]:
    """The map at `MAX_NSIDE` or coarser: of the pixels inside a larger one, that with the highest TS stands for all."""
    shown = min(nside, MAX_NSIDE)
    inside = (nside // shown) ** 2
    ts = np.where(np.isnan(values["TS"]), -np.inf, values["TS"]).reshape(-1, inside)
    highest = np.arange(len(ts)) * inside + np.argmax(ts, axis=1)
    return shown, {name: np.asarray(values[name])[highest] for name in QUANTITIES}


def _to_galactic() -> NDArray:
    """Matrix from ICRS to Galactic directions, (3, 3)."""
    from astropy.coordinates import ICRS, CartesianRepresentation, Galactic

    axes = ICRS(CartesianRepresentation(np.eye(3)))
    return axes.transform_to(Galactic()).cartesian.xyz.value


def _lines(contours: pa.Table) -> list[dict[str, Any]]:
    """One closed line per spot and confidence level, with None where it is interrupted (NaN in the table)."""
    lines: dict[tuple[int, float], list[list[float] | None]] = {}
    for spot, level, ra, dec in zip(*(contours[name].to_pylist() for name in CONTOUR_COLUMNS), strict=True):
        lines.setdefault((spot, level), []).append(None if math.isnan(ra) else [ra, dec])
    return [{"spot": spot, "level": level, "points": points} for (spot, level), points in lines.items()]


def _by_list(sources: Sequence[pa.Table]) -> list[dict[str, Any]]:
    """The lists in alphabetical order, each with the names and positions [deg] of its sources."""
    found: dict[str, dict[tuple[Any, ...], None]] = {}
    for table in sources:
        for name, ra, dec, origin in zip(*(table[column].to_pylist() for column in SOURCE_COLUMNS), strict=True):
            found.setdefault(printable(origin), {})[printable(name), ra, dec] = None
    return [{"list": origin, "sources": [list(source) for source in found[origin]]} for origin in sorted(found)]
