"""The all-sky map of a run: hot spots as a table, and the values at any position."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.results.result import Result
from nusky.tables import read_metadata, read_table
from nusky.units import takes_directions

if TYPE_CHECKING:
    from astropy.table import Table

PathLike = str | os.PathLike[str]
QUANTITIES = {"TS": "test_statistic", "N_SIGNAL": "n_signal", "GAMMA": "gamma", "NEG_LOG10_P": "minus_log10_p"}


@dataclass(frozen=True, eq=False, repr=False)
class SkyMap(Result):
    """The map; as a `Result` its table is that of the hot spots.

    Attributes
    ----------
    nside : resolution
    values : (12 nside²,) float64 by name (`test_statistic`, `n_signal`, `gamma`, `minus_log10_p`), nested order, ICRS;
        NaN where there is no value
    """

    nside: int
    values: dict[str, NDArray]

    @classmethod
    def read(cls, fits: PathLike, spots: PathLike, sources: Sequence[PathLike]) -> "SkyMap":
        """From the files of a run."""
        from nusky.search.skymap import healpix_file  # with the kernels of the map: other results need none
        from nusky.stages import figures

        values = {}
        for column, name in QUANTITIES.items():
            nside, values[name] = healpix_file.read(fits, column)
        analysis = figures.skymap_analysis(spots)
        tables = {"fits": fits, "spots": spots, "sources": sources}

        def figure(coordinates: str = "equatorial") -> Any:
            return figures.draw("skymap_equatorial", tables, {"name": coordinates})

        listed, synthetic = read_table(spots, kind="skymap_spots"), bool(read_metadata(spots)["synthetic"])
        return cls(f"hot spots of the sky, {analysis}", listed, synthetic, figure, nside, values)

    @takes_directions(ra="deg", dec="deg")
    def at(self, ra: ArrayLike, dec: ArrayLike) -> "Table":
        """The values of the pixels that hold positions (ICRS), one row each.

        Parameters
        ----------
        ra, dec : (n,) float64 or a number, deg, or quantities
        """
        from astropy import units as u
        from astropy.table import Table
        from astropy_healpix import HEALPix

        ra, dec = np.broadcast_arrays(*np.atleast_1d(ra, dec))
        pixel = HEALPix(self.nside, "nested").lonlat_to_healpix(ra * u.deg, dec * u.deg)
        columns = {"ra_deg": ra * u.deg, "dec_deg": dec * u.deg, "pixel": pixel}
        return Table(columns | {name: values[pixel] for name, values in self.values.items()})
