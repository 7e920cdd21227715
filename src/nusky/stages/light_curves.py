"""Measured light curves from files."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Column
from numpy.typing import NDArray

from nusky.config import CurveColumns
from nusky.detector.spectrum_file import table_of_file
from nusky.errors import ConfigurationError, PhysicsError
from nusky.search.time_profile import FittedCurve, LightCurve
from nusky.units import says_julian, time_unit, time_unit_in_name

_WORDS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "<": True, "": False}


def read_light_curve(
    path: str | os.PathLike[str],
    columns: CurveColumns,
    thresholds: Sequence[float] = (0.0,),
    lags: Sequence[float] = (0.0,),
) -> LightCurve | FittedCurve:
    """The light curve in an ECSV, CSV or FITS file: bins in order that touch, times in MJD.

    `thresholds` are in the unit of the flux, `lags` in days; of several the best is fitted.

    Raises
    ------
    ConfigurationError : the file is no such table; the message names the file, and the column or bin.
    """
    path = Path(path)
    table = table_of_file(path, "a light curve")
    wanted = columns.model_dump(exclude_none=True)
    for name in wanted.values():
        if name not in table.colnames:
            there = ", ".join(f"'{own}'" for own in table.colnames) or "none"
            raise ConfigurationError(f"{path}: there is no column '{name}'; its columns are {there}.")
    start, stop, flux = (_numbers(table[wanted[what]], path) for what in ("start_mjd", "stop_mjd", "flux"))
    for what in ("start_mjd", "stop_mjd"):
        _check_times(table[wanted[what]], path)
    if "upper_limit" in wanted:
        flux = np.where(_flags(table[wanted["upper_limit"]], path), 0.0, flux)
    try:
        fitted = FittedCurve.of(start, stop, flux, thresholds=thresholds, lags=lags)
    except PhysicsError as error:
        raise ConfigurationError(f"{path}: {error}") from None
    return fitted if len(fitted.curves) > 1 else fitted.curves[0]


def _numbers(column: Column, path: Path) -> NDArray:
    if column.dtype.kind not in "iuf" or column.ndim != 1:
        raise ConfigurationError(f"{path}: column '{column.name}' holds something that is no number.")
    return np.ma.filled(column.astype(float), np.nan)


def _check_times(column: Column, path: Path) -> None:
    """ConfigurationError where a column of times says that they are no MJD in days."""
    unit = str(column.unit or "").strip()
    in_name = time_unit_in_name(column.name)
    if (unit and unit.casefold() != "mjd" and time_unit(unit) != 1.0) or (in_name and in_name[1] != 1.0):
        raise ConfigurationError(
            f"{path}: column '{column.name}' is in '{unit or in_name[0]}'; times are MJD, in days."
        )
    if says_julian(column.name):
        raise ConfigurationError(
            f"{path}: the name of column '{column.name}' says Julian dates; times are MJD: subtract 2400000.5, and "
            "name it so."
        )


def _flags(column: Column, path: Path) -> NDArray:
    found = [_WORDS.get(str(np.ma.filled(value, "") if np.ma.is_masked(value) else value).lower()) for value in column]
    if None in found:
        row = found.index(None) + 1
        raise ConfigurationError(
            f"{path}: '{column[row - 1]}' in row {row} of column '{column.name}' is neither true nor false."
        )
    return np.array(found, dtype=bool)
