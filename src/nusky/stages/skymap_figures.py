"""Figure stage of the all-sky map: the FITS file and tables in, figure files out."""

import os
from collections.abc import Mapping, Sequence

from nusky.config import Figures
from nusky.search.skymap import healpix_file
from nusky.tables import read_metadata, read_table

PathLike = str | os.PathLike[str]
TABLES = ("spots", "contours", "zooms", "hottest", "hottest_trials")


def draw(
    *,
    fits: PathLike,
    tables: Mapping[str, PathLike],
    sources: Sequence[PathLike],
    outputs: Mapping[str, Sequence[PathLike]],
    options: Figures,
) -> None:
    """Draw the map in two coordinate systems, the surroundings of hot spots and the correction for the scan.

    Parameters
    ----------
    tables : by name (`TABLES`)
    outputs : files of 'equatorial', 'galactic', 'hottest' and, where there are zooms, 'zooms', in all their formats
    """
    from nusky.figures import canvas, skymap

    columns = (
        skymap.SPOT_COLUMNS,
        skymap.CONTOUR_COLUMNS,
        skymap.ZOOM_COLUMNS,
        skymap.HOTTEST_COLUMNS,
        skymap.TRIAL_COLUMNS,
    )
    spots, contours, zooms, hottest, trials = (
        read_table(tables[name], kind=f"skymap_{name}", columns=own) for name, own in zip(TABLES, columns, strict=True)
    )
    lists = [read_table(path, kind="sources") for path in sources]
    metadata = read_metadata(tables["spots"])
    fixed = metadata["settings"]["gamma"]
    common = {
        "analysis": metadata["settings"]["analysis"] + ("" if fixed is None else f", γ = {fixed:g}"),
        "synthetic": bool(metadata["synthetic"]),
    }
    nside, values = healpix_file.read(fits, "NEG_LOG10_P")
    figures = {
        coordinates: skymap.all_sky(values, nside, spots, lists, coordinates=coordinates, **common)
        for coordinates in ("equatorial", "galactic")
    }
    figures["hottest"] = skymap.hottest(hottest, trials, **common)
    if "zooms" in outputs:
        figures["zooms"] = skymap.zooms(zooms, contours, spots, lists, **common)
    for name, paths in outputs.items():
        canvas.save(figures[name], [paths] if isinstance(paths, str) else paths, dpi=options.dpi)
