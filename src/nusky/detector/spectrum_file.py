"""Tabulated spectra from files: ECSV, CSV and FITS tables of energies and fluxes, with units."""

import io
import os
import warnings
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from nusky.content import read_bytes, read_text
from nusky.detector.spectrum import TabulatedSpectrum
from nusky.errors import ConfigurationError, PhysicsError
from nusky.shortage import shortage

_COLUMNS = {"energy": ("energy", "e_ref"), "flux": ("flux", "dnde", "e2dnde")}
_DNDE, _E2DNDE = u.Unit("GeV-1 cm-2 s-1"), u.Unit("GeV cm-2 s-1")
_MAX_BYTES = 1 << 24


def read_spectrum(path: str | os.PathLike[str]) -> TabulatedSpectrum:
    """The spectrum in a file: columns `energy` (or `e_ref`) and `flux` (or `dnde`, `e2dnde`), with units.

    dN/dE or E^2 dN/dE, whichever the unit of the flux says, of one flavour (nu + anti-nu). ECSV and FITS tables hold
    units; in CSV they stand behind the names, as in `energy [TeV], flux [1 / (TeV cm2 s)]`. Rows in order of energy.

    Raises
    ------
    ConfigurationError : the file is no such table; the message names the file, and the column or row.
    """
    path = Path(path)
    try:
        table = table_of_file(path, "a spectrum")
        energy, unit = _column(table, "energy", path)
        flux, flux_unit = _column(table, "flux", path)
        energy = energy * _factor(unit, u.GeV, "energy", path)
        if flux_unit.is_equivalent(_E2DNDE):
            flux = flux * flux_unit.to(_E2DNDE) / energy**2
        else:
            flux = flux * _factor(flux_unit, _DNDE, "flux", path)
        return TabulatedSpectrum.of(energy, flux, path.name)
    except PhysicsError as error:
        raise ConfigurationError(f"{path.parent / str(error)}") from None


def table_of_file(path: Path, what: str) -> Table:
    """The table in an ECSV, CSV or FITS file that holds `what`; ConfigurationError where it is none."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    formats = {"ecsv": "ascii.ecsv", "csv": "ascii.csv", "fits": "fits", "fit": "fits"}
    if kind not in formats:
        raise ConfigurationError(f"{path}: {what} is read from files ending in .ecsv, .csv or .fits.")
    if kind in ("fits", "fit"):
        content = io.BytesIO(read_bytes(path, ConfigurationError, _MAX_BYTES))
    else:
        text = read_text(path, ConfigurationError, _MAX_BYTES)
        if not text.strip():
            raise ConfigurationError(f"{path}: the file is empty; {what} is a table with a line of names.")
        content = io.BytesIO(text.encode())  # a single line of text would be the name of a file to astropy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", u.UnitsWarning)
            return Table.read(content, format=formats[kind])
    except Exception as error:  # astropy raises errors of many kinds for what it cannot read
        reason = f"{path}: cannot be read as a {kind.upper()} table ({error})."
        raise shortage(error, path) or ConfigurationError(reason) from None


def _column(table: Table, what: str, path: Path) -> tuple[NDArray, u.UnitBase]:
    """Numbers and unit of the one column that holds `what`."""
    split = {name: name.strip().partition("[") for name in table.colnames}
    found = [name for name, (own, _, _) in split.items() if own.strip().lower() in _COLUMNS[what]]
    if len(found) != 1:
        there = ", ".join(f"'{name}'" for name in table.colnames) or "none"
        raise ConfigurationError(
            f"{path}: exactly one column must be called {' or '.join(_COLUMNS[what])}; its columns are {there}."
        )
    (name,) = found
    column, stated = table[name], split[name][2].removesuffix("]") or table[name].unit
    if stated is None:
        raise ConfigurationError(
            f"{path}: column '{name}' has no unit. State it: in ECSV and FITS in the header, in CSV behind the name, "
            f"as in '{what} [{'TeV' if what == 'energy' else '1 / (TeV cm2 s)'}]'."
        )
    try:
        unit = u.Unit(stated)
    except ValueError:
        raise ConfigurationError(f"{path}: '{stated}' of column '{name}' is no unit that astropy knows.") from None
    if column.dtype.kind not in "iuf" or column.ndim != 1:
        raise ConfigurationError(f"{path}: column '{name}' holds something that is no number.")
    if isinstance(column, MaskedColumn):
        column = column.astype(float).filled(np.nan)
    return np.asarray(column, dtype=float), unit


def _factor(unit: u.UnitBase, wanted: u.UnitBase, what: str, path: Path) -> float:
    if not unit.is_equivalent(wanted):
        of = "an energy" if what == "energy" else "dN/dE or E^2 dN/dE of a point source"
        raise ConfigurationError(f"{path}: '{unit}' is no unit of {of}; one such is '{wanted}'.")
    return unit.to(wanted)
