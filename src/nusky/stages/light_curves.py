"""Measured light curves from files."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nusky.catalogues import columns as reading
from nusky.catalogues.tablefile import TableFile, read_table, without_keys
from nusky.catalogues.userfile import column
from nusky.config import CurveColumns
from nusky.errors import CatalogueError, ConfigurationError, PhysicsError
from nusky.search.time_profile import FittedCurve, LightCurve

log = logging.getLogger(__name__)


def read_light_curve(
    path: str | os.PathLike[str],
    columns: CurveColumns,
    thresholds: Sequence[float] = (0.0,),
    lags: Sequence[float] = (0.0,),
) -> LightCurve | FittedCurve:
    """The light curve in a file: bins in order that touch, times in MJD; upper limits are no flux.

    `thresholds` are in the unit of the flux, `lags` in days; of several the best is fitted. Files are read as source
    lists are. Limits are what the column `columns.upper_limit` marks; without one a file that marks some is refused.

    Raises
    ------
    ConfigurationError : the file is no such table; the message names the file, and the column, row or bin.
    """
    path, notes = Path(path), list[str]()
    try:
        file = read_table(path, "", [columns.start_mjd, columns.stop_mjd, columns.flux])
        names = {key: column(file, name) for key, name in columns.model_dump(exclude_none=True).items()}
        start, stop = (
            reading.times(file, names[key], f"time.file_columns.{key}", reading.measured(file, names[key]), notes)
            for key in ("start_mjd", "stop_mjd")
        )
        flux = _flux(file, names)
        for note in (*file.notes, *notes):
            log.info("%s: %s", file.where, note)
        fitted = FittedCurve.of(start, stop, flux, thresholds=thresholds, lags=lags)
    except CatalogueError as error:
        said = without_keys(str(error), form=False, table=False)
        raise ConfigurationError(said.replace("`columns` in the configuration", "`time.file_columns`")) from None
    except PhysicsError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return fitted if len(fitted.curves) > 1 else fitted.curves[0]


def _flux(file: TableFile, names: dict[str, str]) -> np.ndarray:
    """Fluxes of the bins (n_bins,) in the unit of the file, 0 where they are limits."""
    found = reading.numbers(file.where, file.table, names["flux"])
    if "upper_limit" in names:
        return np.where(reading.flags(file, names["upper_limit"]) | found.limit, 0.0, found.values)
    limit, by = reading.limits_of(file, names["flux"], found.values)
    if limit.any():
        raise CatalogueError(
            f"{file.where}: column '{by[0]}' says that the flux in row {np.flatnonzero(limit)[0] + 1} is a limit. Name "
            "it with `time.file_columns.upper_limit`: limits then count as no flux."
        )
    return np.where(found.limit, 0.0, found.values)
