"""Stage of the interactive sky map: the FITS file and tables in, one HTML page out."""

import os
from collections.abc import Sequence

from nusky.search.skymap import healpix_file
from nusky.stages.figures import skymap_analysis
from nusky.tables import read_metadata, read_table

PathLike = str | os.PathLike[str]


def write(
    *, run: str, fits: PathLike, spots: PathLike, contours: PathLike, sources: Sequence[PathLike], output: PathLike
) -> None:
    """Write the page of the map `fits` of `run` with its hot spots and the sources of the catalogues."""
    from nusky.report import sky_viewer

    metadata = read_metadata(spots)
    values = {}
    for name in sky_viewer.QUANTITIES:
        nside, values[name] = healpix_file.read(fits, name)
    sky_viewer.build_sky_viewer(
        output,
        run=run,
        analysis=skymap_analysis(spots, free=", γ fitted"),
        synthetic=bool(metadata["synthetic"]),
        nside=nside,
        n_trials=metadata["settings"]["calibration_trials"],
        values=values,
        spots=read_table(spots, kind="skymap_spots", columns=sky_viewer.SPOT_COLUMNS),
        contours=read_table(contours, kind="skymap_contours", columns=sky_viewer.CONTOUR_COLUMNS),
        sources=[read_table(path, kind="sources", columns=sky_viewer.SOURCE_COLUMNS) for path in sources],
    )
