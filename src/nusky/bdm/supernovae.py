"""Catalogues of supernovae: the historical ones that come with nusky, and files of a user's own."""

import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from nusky.bdm.checks import Array, positive
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.coordinates import equatorial_to_beta, galactic_to_beta
from nusky.errors import CatalogueError, PhysicsError
from nusky.resources import SUPERNOVAE, resource

MILKY_WAY = "Milky Way"
_DISTANCE = "distance_kpc"
_OPTIONAL = ("distance_error_low_kpc", "distance_error_high_kpc", "year", "year_error")
_UNITS = {"year": "yr", "year_error": "yr"}  # all others: kpc


@dataclass(frozen=True)
class Host:
    """The galaxy whose halo is boosted: position of its centre (l, b in rad, distance in kpc), halo keywords."""

    name: str
    l: float
    b: float
    distance_kpc: float
    halo: dict[str, Any] = field(default_factory=dict)


def host(name: str) -> Host:
    """The Milky Way (default halo, centre at l = b = 0 and 8.5 kpc) or the LMC (`constant.LMC_profile`)."""
    if name == MILKY_WAY:
        return Host(name, 0.0, 0.0, 8.5)
    if name == "LMC":
        ra, dec, distance = constant.LMC_coord
        _, l, b = equatorial_to_beta(ra, dec)
        return Host(name, l, b, distance, constant.LMC_profile)
    raise PhysicsError(f"unknown host '{name}'; there are {MILKY_WAY} and LMC. Build a `Host` for another galaxy.")


@dataclass(frozen=True)
class Supernova:
    """One supernova: J2000 position in degrees, distance in kpc, year (CE) in which its neutrinos arrived.

    Errors are 1 sigma; NaN stands for what is not known.
    """

    name: str
    ra_deg: float
    dec_deg: float
    distance_kpc: float
    distance_error_low_kpc: float = np.nan
    distance_error_high_kpc: float = np.nan
    year: float = np.nan
    year_error: float = np.nan
    host: str = MILKY_WAY
    core_collapse: bool = True
    """Whether the star collapsed, which alone gives the burst of neutrinos."""

    def __post_init__(self) -> None:
        if not (0 <= self.ra_deg <= 360 and -90 <= self.dec_deg <= 90):
            raise PhysicsError(
                f"{self.name}: ra_deg = {self.ra_deg:g}, dec_deg = {self.dec_deg:g} is no position; give 0 to 360 and "
                "-90 to 90 degrees."
            )
        positive(f"{self.name}: distance_kpc", self.distance_kpc, "kpc")

    def galactic(self) -> tuple[float, float]:
        """(l, b) in rad."""
        from astropy.coordinates import SkyCoord

        position = SkyCoord(self.ra_deg, self.dec_deg, unit="deg", frame="icrs").galactic
        return float(position.l.rad), float(position.b.rad)

    def beta(self, of: Host | None = None) -> float:
        """Angle between the supernova and the centre of its host, rad."""
        centre = host(self.host) if of is None else of
        return galactic_to_beta(*self.galactic(), (centre.l, centre.b))

    def age(self, year: float) -> float:
        """Time in s from the arrival of its neutrinos to the (decimal) `year`."""
        if not np.isfinite(self.year):
            raise PhysicsError(f"{self.name}: its year is not known; give the time instead.")
        return (year - self.year) * constant.year2Seconds


@dataclass(frozen=True)
class Place:
    """A supernova and the galaxy whose halo its neutrinos cross: the one way from both to flux, events and maps."""

    supernova: Supernova
    host: Host

    @property
    def galactic(self) -> tuple[float, float]:
        """(l, b) of the supernova, rad."""
        return self.supernova.galactic()

    @property
    def centre(self) -> tuple[float, float]:
        """(l, b) of the halo's centre, rad."""
        return self.host.l, self.host.b

    @property
    def beta(self) -> float:
        """Angle between supernova and the halo's centre, rad."""
        return self.supernova.beta(self.host)

    def under(self, model: Any, conventions: Conventions = STANDARD) -> Any:
        """A model of `nusky.bdm.models` under this supernova, in this halo."""
        place = self.supernova.distance_kpc, self.host.distance_kpc, self.beta
        return model.at(*place, conventions=conventions, **self.host.halo)


def place(supernova: Supernova, of: Host | None = None) -> Place:
    """A supernova in the galaxy that its `host` names, or in another one."""
    return Place(supernova, host(supernova.host) if of is None else of)


def described(
    name: str,
    ra_deg: float | None = None,
    dec_deg: float | None = None,
    distance_kpc: float | None = None,
    host: str | None = None,
) -> Supernova:
    """A supernova by name and what else is known of it; None is taken from the historical supernova of that name.

    The host of a name that is not among these is the Milky Way. Raises `CatalogueError` if more is missing.
    """
    given = {"ra_deg": ra_deg, "dec_deg": dec_deg, "distance_kpc": distance_kpc, "host": host}
    known = {key: value for key, value in given.items() if value is not None}
    if None in (ra_deg, dec_deg, distance_kpc) or name in {supernova.name for supernova in load()}:
        return replace(find(name), **known)
    return Supernova(name=name, **known)


def load(path: str | os.PathLike[str] | None = None) -> list[Supernova]:
    """The supernovae of a CSV, ECSV, FITS or VOTable file, or the historical ones.

    Columns `name`, `ra_deg`, `dec_deg` and `distance_kpc` are needed; `distance_error_low_kpc`,
    `distance_error_high_kpc`, `year`, `year_error`, `host` and `core_collapse` (True or False; without the column all
    are taken for core collapses) are used where the file has them. Units given in the file are converted.

    Raises
    ------
    CatalogueError
        The file cannot be read, lacks a column, or holds a row that is no supernova; the message names the row.
    """
    from nusky.catalogues.columns import texts
    from nusky.catalogues.sources import check
    from nusky.catalogues.tablefile import read_table
    from nusky.catalogues.userfile import read_file
    from nusky.config import Columns

    path = resource(SUPERNOVAE) if path is None else Path(path)
    sources = read_file(path, Columns(), label="supernovae")
    check(sources)
    table = read_table(path, "name", ("name", "ra_deg", "dec_deg", _DISTANCE)).table
    if _DISTANCE not in table.colnames:
        raise CatalogueError(f"{path}: no column '{_DISTANCE}'; it has {', '.join(table.colnames)}. Add it.")
    names = sources.frame["name"].tolist()
    twice = [name for name, uses in Counter(names).items() if uses > 1]
    if twice:
        raise CatalogueError(f"{path}: more than one row is called '{twice[0]}'. Give every supernova its own name.")
    numbers = {axis: sources.frame[axis].to_numpy() for axis in ("ra_deg", "dec_deg")}
    numbers |= {name: _numbers(path, table, name) for name in (_DISTANCE, *_OPTIONAL) if name in table.colnames}
    hosts = texts(table["host"]) if "host" in table.colnames else [MILKY_WAY] * len(names)
    collapsed = _flags(path, table, "core_collapse") if "core_collapse" in table.colnames else [True] * len(names)
    listed = []
    for i, name in enumerate(names):
        row = {key: float(column[i]) for key, column in numbers.items()}
        try:
            host(hosts[i])
            listed.append(Supernova(name=name, host=hosts[i], core_collapse=collapsed[i], **row))
        except PhysicsError as error:
            raise CatalogueError(f"{path}: row {i + 1}: {error}") from None
    return listed


def find(name: str, path: str | os.PathLike[str] | None = None) -> Supernova:
    """One supernova of `load(path)` by its name."""
    listed = {supernova.name: supernova for supernova in load(path)}
    if name not in listed:
        from nusky.suggestions import did_you_mean

        hint = did_you_mean(name, listed, cutoff=0.5)
        raise CatalogueError(f"no supernova '{name}'; there are {', '.join(listed)}.{hint}")
    return listed[name]


def _numbers(path: Path, table: Any, header: str) -> Array:
    """A column as float64 in the unit of its name, NaN where it is empty."""
    from astropy import units as u

    from nusky.catalogues.columns import is_numeric

    column, unit = table[header], u.Unit(_UNITS.get(header, "kpc"))
    if not is_numeric(column):
        raise CatalogueError(f"{path}: column '{header}' holds text. Give one plain number per row.")
    plain = column.value if isinstance(column, u.Quantity) else column
    values = np.ma.filled(np.ma.asarray(plain, dtype=float), np.nan)
    try:
        return values if column.unit is None else values * column.unit.to(unit)
    except (u.UnitsError, TypeError, ValueError):
        raise CatalogueError(f"{path}: column '{header}' has the unit '{column.unit}'. Give {unit}.") from None


def _flags(path: Path, table: Any, header: str) -> list[bool]:
    """A column of True and False; anything else is refused with its row."""
    flags = {"true": True, "1": True, "false": False, "0": False}
    out = []
    for row, value in enumerate(table[header], 1):
        if str(value).lower() not in flags:
            raise CatalogueError(f"{path}: row {row}: {header} = '{value}' must be True or False.")
        out.append(flags[str(value).lower()])
    return out
