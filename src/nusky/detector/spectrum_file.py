"""Tabulated spectra from files: tables of energies and fluxes, with units."""

import os
from pathlib import Path

import astropy.units as u
from numpy.typing import NDArray

from nusky.catalogues.columns import measured
from nusky.catalogues.tablefile import TableFile, read_table, without_keys
from nusky.detector.spectrum import TabulatedSpectrum
from nusky.errors import CatalogueError, ConfigurationError, PhysicsError

_COLUMNS = {"energy": ("energy", "e_ref"), "flux": ("flux", "dnde", "e2dnde")}
_DNDE, _E2DNDE = u.Unit("GeV-1 cm-2 s-1"), u.Unit("GeV cm-2 s-1")


def read_spectrum(path: str | os.PathLike[str]) -> TabulatedSpectrum:
    """The spectrum in a file: columns `energy` (or `e_ref`) and `flux` (or `dnde`, `e2dnde`), with units.

    dN/dE or E^2 dN/dE, whichever the unit of the flux says, of one flavour (nu + anti-nu). ECSV, FITS and VOTable hold
    units; in CSV they stand behind the names, as in `energy [TeV], flux [1 / (TeV cm2 s)]`. Rows in order of energy.
    Files are read as source lists are.

    Raises
    ------
    ConfigurationError : the file is no such table; the message names the file, and the column or row.
    """
    path = Path(path)
    try:
        file = read_table(path, "", [name for names in _COLUMNS.values() for name in names])
        energy, unit = _column(file, "energy", path)
        flux, flux_unit = _column(file, "flux", path)
        energy = energy * _factor(unit, u.GeV, "energy", path)
        if flux_unit.is_equivalent(_E2DNDE):
            flux = flux * flux_unit.to(_E2DNDE) / energy**2
        else:
            flux = flux * _factor(flux_unit, _DNDE, "flux", path)
        return TabulatedSpectrum.of(energy, flux, path.name)
    except CatalogueError as error:
        raise ConfigurationError(without_keys(str(error), form=False, table=False)) from None
    except PhysicsError as error:
        raise ConfigurationError(f"{path.parent / str(error)}") from None


def _column(file: TableFile, what: str, path: Path) -> tuple[NDArray, u.UnitBase]:
    """Numbers and unit of the one column that holds `what`."""
    table = file.table
    split = {name: name.strip().partition("[") for name in table.colnames}
    found = [name for name, (own, _, _) in split.items() if own.strip().lower() in _COLUMNS[what]]
    if len(found) != 1:
        there = ", ".join(f"'{name}'" for name in table.colnames) or "none"
        raise ConfigurationError(
            f"{path}: exactly one column must be called {' or '.join(_COLUMNS[what])}; its columns are {there}."
        )
    (name,) = found
    stated = split[name][2].removesuffix("]") or table[name].unit
    if stated is None:
        raise ConfigurationError(
            f"{path}: column '{name}' has no unit. State it: in ECSV and FITS in the header, in CSV behind the name, "
            f"as in '{what} [{'TeV' if what == 'energy' else '1 / (TeV cm2 s)'}]'."
        )
    try:
        unit = u.Unit(stated)
    except ValueError:
        raise ConfigurationError(f"{path}: '{stated}' of column '{name}' is no unit that astropy knows.") from None
    return measured(file, name), unit


def _factor(unit: u.UnitBase, wanted: u.UnitBase, what: str, path: Path) -> float:
    if not unit.is_equivalent(wanted):
        of = "an energy" if what == "energy" else "dN/dE or E^2 dN/dE of a point source"
        raise ConfigurationError(f"{path}: '{unit}' is no unit of {of}; one such is '{wanted}'.")
    return unit.to(wanted)
