"""The one configuration model: what a run analyses, how, and what it draws.

Keys carry their units. Unknown keys are refused. The JSON schema (`workflow/schemas/config.schema.json`) and the
table of keys (`docs/configuration.md`) are generated from this module by ``python -m nusky.config_docs``.
"""

import difflib
import glob
import math
import os
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nusky import strict_yaml
from nusky.content import read_text
from nusky.errors import ConfigurationError

MAX_FILE_BYTES = 1 << 20
_MAX_PROBLEMS = 20

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)]
Gamma = Annotated[float, Field(ge=1.0, le=5.0)]
HomePath = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path, in which `~` is the user's home folder."""
TableName = Annotated[
    str, BeforeValidator(lambda name: str(name) if isinstance(name, int) and not isinstance(name, bool) else name)
]
"""Name of a table in a file, or its number."""
FileFormat = Literal["csv", "tsv", "blanks", "ecsv", "fits", "votable"]
OneTable = Annotated[
    TableName | None, Field(description="Name or number (from 1) of the table in a file that holds several.")
]
CoordinateUnit = Annotated[
    Literal["deg", "rad", "hours"] | None,
    Field(description="Unit of coordinates where `file` states none; `hours` are those of the right ascension."),
]
Frame = Annotated[
    Literal["icrs", "fk5", "fk4", "galactic"] | None,
    Field(description="Frame of the coordinates where `file` states none; fk5 is of J2000, fk4 of B1950."),
]
DETECTORS = ("super-k", "hyper-k", "juno", "dune", "xenonnt")
"""Detectors of boosted dark matter that come with nusky, ``resources/detectors``."""
RELEASE_NAMES = ("icecube-3yr", "icecube-10yr", "icecube-14yr")
"""Releases that nusky knows, `nusky.releases.registry`."""
BuiltinList = Literal["1lhaaso-wcda", "1lhaaso-km2a", "hess", "atnf", "tdes", "1lhaaso", "gamma-cat", "3hwc"]


def _each_once(values: list[Any] | None) -> list[Any] | None:
    # Numbers name files and rows with six digits.
    shown = [f"{value:g}" if isinstance(value, float) else value for value in values or []]
    twice = [value for i, value in enumerate(shown) if value in shown[:i]]
    if twice:
        raise ValueError(f"{twice[0]} stands here twice; keep one")
    return values


MAX_BATCHES = 100_000
"""Jobs that trials may be divided into: a plan of more takes hours by itself."""


def _refuse_batches(block: Any, step: str, *totals: str) -> None:
    for name in totals:
        if (n_batches := -(-getattr(block, name) // getattr(block, step))) > MAX_BATCHES:
            raise ValueError(f"{name}: {n_batches} jobs of {step} each, more than {MAX_BATCHES}: raise {step}")


def _refuse_order(block: Any, *pairs: tuple[str, str]) -> None:
    for low, high in pairs:
        if getattr(block, low) >= getattr(block, high):
            raise ValueError(f"{low} must be below {high}")


Once = AfterValidator(_each_once)
"""Lists whose entries name files, keys or rows: equal ones would write over each other."""


def _mjd_of(value: Any) -> float | None:
    """MJD [d] of a date, or of text that is one; None of anything else."""
    try:
        date = datetime.fromisoformat(value if isinstance(value, str) else value.isoformat())
    except (AttributeError, ValueError):
        return None
    return (date.replace(tzinfo=None) - datetime(1858, 11, 17)) / timedelta(days=1)


class Section(BaseModel):
    """A block of the configuration: unknown keys refused, NaN and infinity refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    def given(self, keys: Iterable[str]) -> dict[str, Any]:
        """Those of its `keys` that are not null, with their values."""
        return {key: value for key in keys if (value := getattr(self, key)) is not None}

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Else `true` would be the number 1 or 1.0."""
        kind, given = cls.model_fields[info.field_name].annotation, value if isinstance(value, list) else [value]
        is_block = any(isinstance(part, type) and issubclass(part, BaseModel) for part in (kind, *get_args(kind)))
        if any(isinstance(each, bool) for each in given) and not is_block and bool not in (kind, *get_args(kind)):
            raise ValueError("true or false does not belong here")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _times_are_mjd(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads 2011-01-01 as a date, and in quotes it would be the name of a column."""
        if info.field_name.endswith("_mjd") and (mjd := _mjd_of(value)) is not None:
            raise ValueError(f"{value} is a date; times are in MJD, write {mjd:.10g}")
        return value


class InjectedSource(Section):
    """A point source added to generated events."""

    ra_deg: float = Field(ge=0, lt=360, description="Right ascension (J2000) of the injected source.")
    dec_deg: float = Field(ge=-90, le=90, description="Declination (J2000) of the injected source.")
    n_signal: float = Field(ge=0, description="Expected number of signal events over all seasons.")
    gamma: Gamma = Field(2.0, description="Spectral index: the flux falls as E^-gamma.")


class Generator(Section):
    """The seeded generator of releases, used only where `release.synthetic` allows it."""

    event_fraction: float = Field(1.0, gt=0, le=100, description="Generated events relative to the real seasons.")
    sources: list[InjectedSource] = Field(default_factory=list, description="Point sources injected into the events.")


class EventColumns(Section):
    """Names of the columns of a user's event list."""

    ra_deg: str = Field("ra_deg", description="Column with the right ascension, or longitude.")
    dec_deg: str = Field("dec_deg", description="Column with the declination, or latitude.")
    ang_err_deg: str | None = Field(None, description="Column with the angular error (Gaussian width).")
    mjd: str | None = Field(None, description="Column with the time, MJD in days; without it no window can be tested.")
    log10_energy_gev: str | None = Field(None, description="Column with log10 of the reconstructed energy in GeV.")


class AreaColumns(Section):
    """Names of the columns of a user's effective area, one row per bin."""

    log10_energy_min_gev: str = Field("log10_energy_min_gev", description="Column with the lower edge, log10(E/GeV).")
    log10_energy_max_gev: str = Field("log10_energy_max_gev", description="Column with the upper edge, log10(E/GeV).")
    aeff: str = Field("aeff_cm2", description="Column with the effective area.")
    dec_min_deg: str | None = Field(
        None, description="Column with the lower edge in declination; null: the area holds wherever the list reaches."
    )
    dec_max_deg: str | None = Field(None, description="Column with the upper edge in declination.")

    @model_validator(mode="after")
    def _both_edges(self) -> "AreaColumns":
        if (self.dec_min_deg is None) != (self.dec_max_deg is None):
            raise ValueError("give dec_min_deg and dec_max_deg together, or neither")
        return self


class ListArea(Section):
    """The effective area of a user's event list."""

    file: str = Field(description="Path of a table with one row per bin of energy (and declination).")
    format: FileFormat | None = Field(None, description="Format of `file`, where its suffix does not tell.")
    columns: AreaColumns = Field(default_factory=AreaColumns, description="Column names of `file`.")
    unit: Literal["m2", "cm2"] | None = Field(None, description="Unit of the area where `file` states none.")


class Cone(Section):
    """The part of the sky that a user's event list covers."""

    ra_deg: float = Field(ge=0, lt=360, description="Right ascension (J2000) of the centre.")
    dec_deg: float = Field(ge=-90, le=90, description="Declination (J2000) of the centre.")
    radius_deg: float = Field(gt=0, le=180, description="Radius of the cone.")
    density_per_deg2: float | None = Field(
        None, gt=0, description="Density of background events; null: those of the list over the area of the cone."
    )


class EventList(Section):
    """One list of events of a release of the user's own: a season."""

    name: Name = Field(description="Name of the list, as the name of a season.")
    file: HomePath = Field(description="Path of a CSV, TSV, ECSV, FITS or VOTable file, or of text with blanks.")
    format: FileFormat | None = Field(None, description="Format of `file`, where its suffix does not tell.")
    table: OneTable = None
    columns: EventColumns = Field(default_factory=EventColumns, description="Column names of `file`.")
    unit: CoordinateUnit = None
    frame: Frame = None
    ang_err_deg: float | None = Field(
        None, gt=0, le=180, description="Angular error (Gaussian width) of every event, where `file` has none."
    )
    livetime_days: float | None = Field(
        None, gt=0, le=60_000, description="Livetime, where the good runs are not known."
    )
    uptimes: str | list[Annotated[list[float], Field(min_length=2, max_length=2)]] | None = Field(
        None, description="Good runs: pairs [start, stop] in MJD, or a table with columns start_mjd and stop_mjd."
    )
    effective_area: ListArea | None = Field(
        None, description="Effective area; null: numbers of events are stated, no fluxes."
    )
    cone: Cone | None = Field(None, description="Where the list covers only a cone; null: the whole sky.")

    @model_validator(mode="after")
    def _stated_once(self) -> "EventList":
        if (self.columns.ang_err_deg is None) == (self.ang_err_deg is None):
            raise ValueError("give either a column `columns.ang_err_deg` or one `ang_err_deg` for all events")
        if (self.livetime_days is None) == (self.uptimes is None):
            raise ValueError("give exactly one of `livetime_days` and `uptimes`")
        return self


class Release(Section):
    """Which public events are analysed and where they come from."""

    events: list[EventList] | None = Field(
        None, min_length=1, description="Event lists of your own, which then are the release (docs/own_events.md)."
    )
    name: Name = Field(
        "icecube-10yr",
        validate_default=True,
        description=f"The data release, {', '.join(RELEASE_NAMES)}; with `events` a name of your own.",
    )
    seasons: list[Name] | None = Field(None, description="Seasons to use, in order; null means all of the release.")
    local_path: str | None = Field(
        None, description="Archive or folder of the release on this machine; null downloads."
    )
    check_counts: bool = Field(True, description="Refuse a season whose number of events is not the published one.")
    allow_version_1: bool = Field(
        False,
        description="Accept version 1.0 of the fourteen-year release, whose detector response is faulty; newer ones "
        "are accepted without.",
    )
    synthetic: Literal["never", "if-unavailable", "always"] = Field(
        "never", description="When generated events may stand in for the release; every output then says so."
    )
    generator: Generator = Field(default_factory=Generator, description="Settings of the generator.")

    @field_validator("seasons")
    @classmethod
    def _seasons_once(cls, seasons: list[str] | None) -> list[str] | None:
        if seasons is not None and (not seasons or len(set(seasons)) != len(seasons)):
            raise ValueError("give at least one season, and each only once")
        return seasons

    @field_validator("name")
    @classmethod
    def _known_or_own(cls, name: str, info: ValidationInfo) -> str:
        if "events" not in info.data:  # they are refused for a reason of their own
            return name
        if info.data["events"] is None and name not in RELEASE_NAMES:
            raise ValueError(
                f"there is no release '{name}'; there are {', '.join(RELEASE_NAMES)}. Event lists of your own are "
                "given with `events`"
            )
        if info.data["events"] is not None and name in RELEASE_NAMES:
            raise ValueError(f"'{name}' is a release nusky knows: with `events` give a name of your own")
        return name

    @model_validator(mode="after")
    def _own_lists_alone(self) -> "Release":
        if self.events is None:
            return self
        if self.local_path is not None or self.synthetic != "never":
            raise ValueError("`local_path` and `synthetic` do not go together with `events`")
        names = [own.name for own in self.events]
        if len(set(names)) != len(names):
            raise ValueError("`events`: give every list a name of its own")
        return self

    @property
    def lists(self) -> list[EventList]:
        """Event lists of the user's own that are used; none of a known release."""
        return [own for own in self.events or [] if self.seasons is None or own.name in self.seasons]

    @property
    def not_stated(self) -> list[str]:
        """What cannot be stated, in words, for want of something that the user's own lists do not give."""
        missing = {
            "numbers of events, no fluxes: no effective area": [own for own in self.lists if not own.effective_area],
            "no windows in time: no times of the events": [own for own in self.lists if not own.columns.mjd],
            "no map, no scan of fluxes, no single sources of the flux scans: only a cone is covered": [
                own for own in self.lists if own.cone
            ],
        }
        found = [f"{what} ({', '.join(own.name for own in lists)})" for what, lists in missing.items() if lists]
        no_energy = "no use of energies: lists of your own have no tables of smearing"
        return [*found, no_energy] if self.lists else []

    @property
    def states_fluxes(self) -> bool:
        """Whether every list that is used has an effective area."""
        return all(own.effective_area is not None for own in self.lists)

    @property
    def covers_the_sky(self) -> bool:
        """Whether no list covers only a cone."""
        return all(own.cone is None for own in self.lists)


class Columns(Section):
    """Names of the columns of a user's source list."""

    name: str = Field("name", description="Column with the source's name.")
    ra_deg: str = Field("ra_deg", description="Column with the right ascension, or longitude.")
    dec_deg: str = Field("dec_deg", description="Column with the declination, or latitude.")
    extension_deg: str | None = Field(None, description="Column with the Gaussian width of the source, degrees.")

    @model_validator(mode="after")
    def _each_its_own(self) -> "Columns":
        """One column may hold both coordinates, as a column of positions does, and nothing else twice."""
        named = [self.name, *dict.fromkeys((self.ra_deg, self.dec_deg)), self.extension_deg]
        if twice := next((column for column in named if column is not None and named.count(column) > 1), None):
            raise ValueError(f"the column '{twice}' is named twice; name and extension have columns of their own")
        return self


_REQUIRED, _OPTIONAL = "required", "optional"
SHAPES: dict[str, dict[str, str]] = {
    "power-law": {},
    "cutoff-power-law": {"cutoff_gev": _REQUIRED, "cutoff_power": _OPTIONAL},
    "broken-power-law": {"gamma_above": _REQUIRED, "break_gev": _REQUIRED, "sharpness": _OPTIONAL},
    "log-parabola": {"curvature": _REQUIRED},
    "table": {"file": _REQUIRED},
}
"""The spectra of `nusky.detector.spectrum` with their keys in a configuration."""
FIT_RANGES = {
    "gamma": (1.0, 4.0),
    "cutoff_gev": (1e3, 1e8),
    "gamma_above": (1.0, 6.0),
    "break_gev": (1e3, 1e8),
    "curvature": (-0.5, 1.0),
}
"""Keys of spectra that a fit may leave free, and where it looks for them unless told otherwise."""
Parameter = float | str | None
MAX_INDEX = 10.0
"""Steepest spectral index that is taken for one."""


def files_of_sources(file: str | None) -> list[str]:
    """The files behind a name in which `{name}` may stand for those of sources: all that are there."""
    if file is None or "{name}" not in file:
        return [file] if file else []
    return sorted(glob.glob("*".join(map(glob.escape, file.split("{name}")))))


class Spectrum(Section):
    """What the flux of a source is (docs/spectra.md); a number may be the name of a column of the catalogue instead."""

    shape: Literal[*SHAPES] = Field("power-law", description="Kind of spectrum; docs/spectra.md has the formulas.")
    gamma: Parameter = Field(
        None,
        description="Spectral index to fix, or column of the catalogue with those of the sources; null: it is fitted, "
        "or one of the `gammas`, the same for all.",
    )
    cutoff_gev: Parameter = Field(None, description="cutoff-power-law: energy of the exponential cut-off.")
    cutoff_power: Parameter = Field(None, description="cutoff-power-law: power of the energy in the exponent, or 1.")
    gamma_above: Parameter = Field(None, description="broken-power-law: index above the break.")
    break_gev: Parameter = Field(None, description="broken-power-law: energy of the break.")
    sharpness: Parameter = Field(None, description="broken-power-law: one over its width in decades, or 2.")
    curvature: Parameter = Field(None, description="log-parabola: how fast the index grows with ln E.")
    file: str | None = Field(
        None,
        description="table: path of a CSV, TSV, ECSV, FITS or VOTable file of energies and fluxes with units. With "
        "`{name}` in it, which stands for the name of a source, a file for each.",
    )
    energy_min_gev: float | None = Field(None, gt=0, description="Lowest neutrino energy; null: none.")
    energy_max_gev: float | None = Field(None, gt=0, description="Highest neutrino energy; null: none.")
    fit: Literal[*FIT_RANGES] | None = Field(
        None,
        description="Key that is fitted together with n_s; null: `gamma`, if it is not given. Another one needs a "
        "`gamma`, and its own value is the one that limits and sensitivities are quoted at.",
    )
    fit_min: float | None = Field(
        None, description="Smallest value of what `fit` names, in its unit; null: the range in docs/spectra.md."
    )
    fit_max: float | None = Field(None, description="Largest value of what `fit` names; null: as for fit_min.")

    @field_validator(
        "gamma", "cutoff_gev", "cutoff_power", "gamma_above", "break_gev", "sharpness", "curvature", mode="before"
    )
    @classmethod
    def _number_if_it_is_one(cls, value: Any) -> Any:
        try:
            return float(value) if isinstance(value, str) else value
        except ValueError:
            return value

    @field_validator("gamma")
    @classmethod
    def _index(cls, value: Parameter) -> Parameter:
        if isinstance(value, float) and not 0 <= value <= MAX_INDEX:
            hint = "; the flux falls as E^-gamma: leave the minus sign out" if value < 0 else ""
            raise ValueError(
                f"must be an index from 0 to {MAX_INDEX:g}, or the name of a column of the catalogue{hint}"
            )
        return value

    @field_validator("cutoff_gev", "cutoff_power", "break_gev", "sharpness")
    @classmethod
    def _positive(cls, value: Parameter) -> Parameter:
        if isinstance(value, float) and not value > 0:
            raise ValueError("must be above 0, or the name of a column of the catalogue")
        return value

    @model_validator(mode="after")
    def _keys_of_its_shape(self) -> "Spectrum":
        own = SHAPES[self.shape]
        for key in {name for keys in SHAPES.values() for name in keys}:
            given = getattr(self, key) is not None
            if given and key not in own:
                raise ValueError(f"`{key}` does not belong to a {self.shape}, which has {', '.join(own) or 'none'}")
            if not given and own.get(key) == _REQUIRED:
                raise ValueError(f"a {self.shape} needs `{key}`")
        if self.shape == "table" and self.gamma is not None:
            raise ValueError("a table has no `gamma`")
        low, high = self.energy_min_gev or 0.0, self.energy_max_gev or float("inf")
        if low >= high:
            raise ValueError("energy_min_gev must be below energy_max_gev")
        return self

    @model_validator(mode="after")
    def _can_be_fitted(self) -> "Spectrum":
        if self.fit is None:
            if self.fit_min is not None or self.fit_max is not None:
                raise ValueError("fit_min and fit_max are the range of a `fit`: name the key that is fitted")
            return self
        able = [key for key in SHAPES[self.shape] if key in FIT_RANGES]
        able += ["gamma"] * (self.shape != "table" and self.gamma is None)
        if self.fit not in able:
            other = " or ".join(able) + " can be" if able else "it has nothing that can be"
            given = ", as it is given," if self.fit == "gamma" and self.gamma is not None else ""
            raise ValueError(f"`fit: {self.fit}`{given} is not possible for this {self.shape}; {other} fitted")
        if self.fit != "gamma" and self.gamma is None:
            raise ValueError(f"`fit: {self.fit}` fits that in place of the index: give `gamma` a value, too")
        own = getattr(self, self.fit)
        if isinstance(own, str):
            raise ValueError(
                f"`fit: {self.fit}` is one value for all sources, so `{self.fit}` must be a number, no column: the one "
                "that limits are quoted at"
            )
        low, high = self.fit_range
        if not low < high:
            raise ValueError(f"fit_min ({low:g}) must be below fit_max ({high:g})")
        if low <= 0 and self.fit.endswith("_gev"):
            raise ValueError(f"fit_min ({low:g}) must be above 0: {self.fit} is an energy")
        if own is not None and not low <= own <= high:
            raise ValueError(
                f"{self.fit} is fitted from {low:g} to {high:g}; its own value, {own:g}, is outside. Set fit_min or "
                "fit_max"
            )
        return self

    @property
    def fitted(self) -> str:
        """Name of what is fitted together with n_s where events have energies; empty if there is nothing."""
        return self.fit or ("gamma" if self.gamma is None and self.shape != "table" else "")

    @property
    def fit_range(self) -> tuple[float, float]:
        """Where what `fit` names is looked for, in its own unit."""
        low, high = FIT_RANGES[self.fitted]
        return low if self.fit_min is None else self.fit_min, high if self.fit_max is None else self.fit_max

    @property
    def parameters(self) -> dict[str, float | str]:
        """The keys of its shape that are given, the file aside, and `gamma`."""
        return self.given([key for key in SHAPES[self.shape] if key != "file"] + ["gamma"])

    @property
    def columns(self) -> list[str]:
        """Columns of the catalogue that hold parameters."""
        return [value for value in self.parameters.values() if isinstance(value, str)]

    @property
    def files(self) -> list[str]:
        """Its files, all that are there where every source has one."""
        return files_of_sources(self.file)

    @property
    def of_each(self) -> bool:
        """Whether every source has a spectrum of its own."""
        return bool(self.columns) or "{name}" in (self.file or "")


class SourceList(Section):
    """One list of sources: a built-in one or a file."""

    builtin: BuiltinList | None = Field(None, description="A list that comes with nusky.")
    file: HomePath | None = Field(
        None, description="Path of a CSV, TSV, ECSV, FITS or VOTable file; `~` is the user's home folder."
    )
    label: Name | None = Field(None, description="Label in the `origin` column; the list's or file's name if null.")
    columns: Columns = Field(default_factory=Columns, description="Column names of `file`.")
    table: OneTable = None
    format: FileFormat | None = Field(
        None,
        description="Format of `file`, where its suffix does not tell; `blanks` is text with blanks between cells.",
    )
    unit: CoordinateUnit = None
    frame: Frame = None

    @model_validator(mode="after")
    def _one_origin(self) -> "SourceList":
        if (self.builtin is None) == (self.file is None):
            raise ValueError("give exactly one of `builtin` and `file`")
        if self.builtin is not None and any((self.table, self.format, self.unit, self.frame)):
            raise ValueError("`table`, `format`, `unit` and `frame` are for a `file`")
        return self


class Weighting(Section):
    """How the sources of a stack share the flux: weight = column ** power, or uniform."""

    column: str | None = Field(None, description="Numeric column of the catalogue; null means equal weights.")
    power: float = Field(1.0, description="Exponent applied to the column (-2 for the inverse square of a distance).")
    share_by_list: bool | Literal["published"] = Field(
        False,
        description="Normalise the weights to sum 1 within each list before joining them; `published`: in that method "
        "only. Without, the standard method brings fluxes of different lists to one scale, photons above 1 TeV.",
    )
    quantity: Literal["flux", "fluence"] = Field(
        "flux",
        description="What is shared: the flux (in the window, or at the peak), or its integral over time, so that of "
        "two sources with equal weights the one with the shorter window is brighter. `fluence` needs a `time`.",
    )

    def shares_by_list(self, method: str) -> bool:
        """Whether lists share the flux equally in a method."""
        return self.share_by_list is True or self.share_by_list == method


PROFILE_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "box": (("start_mjd", "stop_mjd"), ("start_mjd", "duration_days"), ("centre_mjd", "duration_days")),
    "gaussian": (("centre_mjd", "width_days"),),
    "decay": (("start_mjd", "timescale_days", "power"),),
    "light-curve": ((),),
    "flare": (("shortest_days", "longest_days"),),
}
"""Keys that describe each profile in time, all ways to do so; each a number or a column."""
PROFILE_OPTIONS = {
    "light-curve": ("file", "file_columns", "threshold", "lag_days"),
    "flare": ("edges", "add_above", "limit_days"),
}
"""Further keys of a profile, the same for all sources."""


Fitted = Annotated[list[float], Field(min_length=1, max_length=50), Once]
"""Values of a parameter of a light curve that is fitted."""


class CurveColumns(Section):
    """Which columns of a light curve hold what."""

    start_mjd: str = Field("start_mjd", description="Start of a bin, MJD.")
    stop_mjd: str = Field("stop_mjd", description="Stop of a bin, MJD.")
    flux: str = Field("flux", description="Flux in the bin, in any unit.")
    upper_limit: str | None = Field(
        None,
        description="Column that is true where the flux is an upper limit, which counts as no flux; null: a file that "
        "marks limits is refused.",
    )


class TimeProfile(Section):
    """How the flux of the sources changes with time; each value is a number for all sources or a column with theirs."""

    profile: Literal[*PROFILE_KEYS] = Field(
        description="box: constant from start to stop, edges included; gaussian; decay: falls as "
        "(1 + t / timescale)^-power from start on; light-curve: as measured; flare: a box that is not known, its start "
        "and duration are fitted in every source by itself."
    )
    start_mjd: float | str | None = Field(None, description="Start of a box or decay, MJD, or the column with it.")
    stop_mjd: float | str | None = Field(None, description="Stop of a box, MJD, or the column with it.")
    duration_days: float | str | None = Field(
        None, description="Duration of a box from its start on, or around its centre, or the column with it."
    )
    centre_mjd: float | str | None = Field(
        None, description="Centre of a Gaussian or of a box, MJD, or the column with it."
    )
    width_days: float | str | None = Field(None, description="Width (sigma) of a Gaussian, or the column with it.")
    timescale_days: float | str | None = Field(None, description="Timescale of a decay, or the column with it.")
    power: float | str | None = Field(None, description="Power of a decay, or the column with it.")
    file: str | None = Field(
        None,
        description="light-curve: path of a CSV, TSV, ECSV, FITS or VOTable file. With `{name}` in it, which stands "
        "for the name of a source, a file for each.",
    )
    file_columns: CurveColumns | None = Field(None, description="light-curve: what its columns are called.")
    threshold: float | Fitted | None = Field(
        None,
        description="light-curve: flux above which neutrinos come, in the unit of the file; null: 0. Of a list the "
        "best one is fitted, in every source by itself; fluxes and limits are for the first.",
    )
    lag_days: float | Fitted | None = Field(
        None, description="light-curve: how much later neutrinos come; null: 0. A list as for `threshold`."
    )
    shortest_days: float | str | None = Field(
        None, description="flare: shortest duration, days of good runs, or the column with it."
    )
    longest_days: float | str | None = Field(None, description="flare: longest duration, or the column with it.")
    edges: int | None = Field(
        None, ge=2, description="flare: how many of the events near a source may begin or end a window; null: 100."
    )
    add_above: float | None = Field(
        None, ge=0, description="flare: TS from which flares apart from each other are added up; null: none are."
    )
    limit_days: Annotated[list[Annotated[float, Field(gt=0)]], Once] | None = Field(
        None,
        min_length=1,
        description="flare: durations, days of good runs, of the flares that upper limits are about, which may come at "
        "any time; null: no limits.",
    )
    scramble: Literal["times", "right-ascension"] = Field(
        "times",
        description="times: those of a season are permuted among its events, right ascensions follow the Earth; "
        "right-ascension: times stay, right ascensions are drawn anew.",
    )

    @property
    def values(self) -> dict[str, float | str]:
        """The number or the name of the column for each key of the profile that is given."""
        return self.given(dict.fromkeys(key for way in PROFILE_KEYS[self.profile] for key in way))

    @property
    def options(self) -> dict[str, Any]:
        """Further keys of the profile that are given."""
        return self.given(PROFILE_OPTIONS.get(self.profile, ()))

    @property
    def grid(self) -> tuple[list[float], list[float]]:
        """Thresholds and lags [d] of a light curve."""
        asked = (self.threshold, self.lag_days)
        return tuple(own if isinstance(own, list) else [own or 0.0] for own in asked)

    @property
    def n_curves(self) -> int:
        """Pairs of a threshold and a lag, among which the best is fitted."""
        thresholds, lags = self.grid
        return len(thresholds) * len(lags)

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the catalogue that it needs, with the key each of them serves."""
        return {value: key for key, value in self.values.items() if isinstance(value, str)}

    @property
    def files(self) -> list[str]:
        """Its files, all that are there where every source has one."""
        return files_of_sources(self.file)

    @model_validator(mode="after")
    def _keys_of_the_profile(self) -> "TimeProfile":
        ways = PROFILE_KEYS[self.profile]
        given = self.given(key for own in PROFILE_KEYS.values() for way in own for key in way)
        if set(given) not in map(set, ways):
            described = "; or by ".join(", ".join(way) for way in ways)
            how = f"is described by {described}: give all of them and no other" if described else "is read from a file"
            raise ValueError(f"a {self.profile} {how}")
        if len(self.columns) < sum(isinstance(value, str) for value in self.values.values()):
            raise ValueError("one column is named for two of the keys")
        own = PROFILE_OPTIONS.get(self.profile, ())
        for key in self.given(key for keys in PROFILE_OPTIONS.values() for key in keys):
            if key not in own:
                raise ValueError(f"`{key}` does not belong to a {self.profile}")
        if self.profile == "light-curve" and self.file is None:
            raise ValueError("a light-curve needs `file`")
        for days in self.limit_days or []:
            lengths = (self.shortest_days, self.longest_days)
            low, high = (days if isinstance(value, str) else value for value in lengths)
            if not low <= days <= high:
                raise ValueError(
                    f"`limit_days` holds {days:g}, but flares are looked for from {low:g} to {high:g} days: give "
                    "durations among these"
                )
        return self


class Catalogue(Section):
    """A catalogue: one or more source lists, joined in order, and what is computed for it."""

    lists: list[SourceList] = Field(
        default_factory=list, description="Source lists, joined in this order; ready-made catalogues have theirs."
    )
    weightings: dict[Name, Weighting] = Field(
        default_factory=lambda: {"uniform": Weighting()}, min_length=1, description="Named weightings of the stack."
    )
    gammas: Annotated[list[Gamma], Once] = Field(
        default_factory=lambda: [2.0, 2.4, 2.53, 3.0], min_length=1, description="Spectral indices of the stack."
    )
    spectrum: Spectrum | None = Field(
        None, description="Spectrum of the sources; null: that of the run. Here it may be different for every source."
    )
    single_sources: bool = Field(True, description="Also test every source of the catalogue by itself.")
    crossmatch_radius_deg: float | None = Field(
        0.3,
        gt=0,
        le=5,
        description="Standard method: sources of different lists closer than this, or than the extension of one of "
        "them, count once; null: never.",
    )

    time: TimeProfile | None = Field(
        None, description="How the flux changes with time in the inference (docs/windows.md); null: steady sources."
    )

    @model_validator(mode="after")
    def _something_to_search(self) -> "Catalogue":
        if not self.lists:
            ready = ", ".join(PRESETS)
            raise ValueError(f"`lists` is required, except for the ready-made catalogues {ready}")
        shared = [name for name, weighting in self.weightings.items() if weighting.quantity == "fluence"]
        if shared and self.time is None:
            raise ValueError(
                f"weightings.{shared[0]}.quantity: the fluence of a steady source has no end. Give the catalogue a "
                "`time`, or let the weights share the flux"
            )
        return self


_FLUX = {"column": "flux", "share_by_list": "published"}
PRESETS: dict[str, dict[str, Any]] = {
    "wcda-hess": {
        "lists": [{"builtin": "1lhaaso-wcda"}, {"builtin": "hess"}],
        "weightings": {"uniform": {}, "flux": _FLUX},
        "gammas": [2.0, 2.4, 2.53, 3.0],
    },
    "km2a-hess": {
        "lists": [{"builtin": "1lhaaso-km2a"}, {"builtin": "hess"}],
        # Measured above 25 TeV, KM2A's spectra give no photons above 1 TeV: 25 times WCDA's if they are extended.
        "weightings": {"uniform": {}, "flux": {"column": "flux", "share_by_list": True}},
        "gammas": [2.0, 2.4, 2.53, 3.0, 3.5],
    },
    "lhaaso": {"lists": [{"builtin": "1lhaaso"}], "gammas": [2.0, 2.53, 3.0]},
    "pulsars": {
        "lists": [{"builtin": "atnf"}],
        "weightings": {
            "uniform": {},
            "inverse-distance-squared": {"column": "distance_dm_kpc", "power": -2.0},
            "s1400": {"column": "s1400_mjy"},
        },
        "gammas": [2.0, 2.53, 3.0],
        "single_sources": False,
    },
    "tdes": {
        "lists": [{"builtin": "tdes"}],
        "weightings": {
            "uniform": {"quantity": "fluence"},
            "inverse-distance-squared": {"column": "distance_mpc", "power": -2.0, "quantity": "fluence"},
        },
        "gammas": [2.0, 2.5],
        "time": {"profile": "box", "start_mjd": "start_mjd", "stop_mjd": "stop_mjd"},
    },
}


class Scan(Section):
    """The grid of flux normalisations phi0 at 100 TeV on which the test statistic is computed."""

    phi0_min_per_ev: float = Field(1e-38, gt=0, description="Lowest phi0, eV^-1 cm^-2 s^-1.")
    phi0_max_per_ev: float = Field(1e-20, gt=0, description="Highest phi0, eV^-1 cm^-2 s^-1.")
    n_steps: int = Field(1000, ge=2, le=1_000_000, description="Grid points, evenly spaced in log10 phi0.")

    @model_validator(mode="after")
    def _ordered(self) -> "Scan":
        _refuse_order(self, ("phi0_min_per_ev", "phi0_max_per_ev"))
        return self


class BdmSupernova(Section):
    """The supernova whose neutrinos boost dark matter."""

    name: str = Field("Cas A", description="Name, for figures; with null position or distance also the one looked up.")
    ra_deg: float | None = Field(
        None, ge=0, lt=360, description="Right ascension (J2000); null: of the historical supernova of that name."
    )
    dec_deg: float | None = Field(
        None, ge=-90, le=90, description="Declination (J2000); null: of the historical supernova of that name."
    )
    distance_kpc: float | None = Field(
        None, gt=0, description="Distance from Earth; null: of the historical supernova of that name."
    )
    host: str | None = Field(
        None,
        description="Galaxy whose halo is boosted, Milky Way or LMC; null: of the historical supernova of that name, "
        "the Milky Way for other names.",
    )


class BdmModel(Section):
    """Dark matter coupled to neutrinos and targets by a vector boson of L_mu - L_tau."""

    neutrino_coupling: float = Field(1e-8, gt=0, description="g_V g_x.")
    target_coupling: Annotated[float, Field(gt=0)] | Literal["loop"] = Field(
        1e-8,
        description="epsilon g_x; the vertex with the target is e epsilon g_x (published: epsilon g_x). loop: the "
        "mixing that loops of muons and taus induce.",
    )
    mediator_ratio: float = Field(1 / 3, gt=0, description="Mass of the boson over that of dark matter.")
    nucleus_mass_mev: float = Field(1.3e5, gt=0, description="Mass of the nucleus compared with the electron.")
    nucleus_charge: float = Field(
        1.0, gt=0, description="Its charge in units of e, which multiplies the vertex (published: left out); xenon: 54."
    )
    oscillation: Literal["none", "normal", "inverted"] = Field(
        "none",
        description="Flavours of the neutrinos that scatter: none: as emitted; else after adiabatic conversion in the "
        "star, for that mass ordering. Only muon and tau flavour couple (published: all).",
    )


class BdmOverride(Section):
    """Constant cross sections that replace those of the model in one example."""

    sigma_xv_cm2: float = Field(1e-35, gt=0, description="Dark matter and neutrino; dsigma/dOmega is this over 4 pi.")
    sigma_xe_cm2: float = Field(1e-35, gt=0, description="Dark matter and target.")


class BdmExclusion(Section):
    """Limits of detectors on boosted dark matter (docs/boosted_dark_matter.md, section "Limits of a detector")."""

    detectors: list[str] = Field(
        default_factory=lambda: ["super-k"],
        min_length=1,
        description="Detectors that come with nusky (super-k, hyper-k, juno, dune, xenonnt) or paths of YAML files.",
    )
    model: Literal["constant", "lmutau"] = Field(
        "constant", description="Constant cross sections, or the model of the block `model`."
    )
    t_start_yr: float | None = Field(
        None,
        gt=0,
        description="Start of counting, years after the neutrinos; null: the run of every detector in calendar years, "
        "which needs the year of the supernova.",
    )
    duration_yr: float | None = Field(None, gt=0, description="Years of counting from t_start_yr; with it only.")
    confidence_level: float = Field(0.9, gt=0.5, lt=1, description="Confidence level of the limits.")
    method: Literal["poisson", "feldman-cousins"] | None = Field(
        None, description="How the number of events is limited; null: feldman-cousins where the background is known."
    )
    draws: int = Field(
        0, ge=0, le=10_000, description="Distances and halos drawn for the band of their uncertainties; 0: no band."
    )
    distance_error_kpc: float | None = Field(
        None, ge=0, description="Error of the distance; null: that of nusky's list, which a place of your own has not."
    )
    density_error: float = Field(0.25, ge=0, description="Relative error of the halo's density at the Sun.")
    scale_radius_error: float = Field(0.2, ge=0, description="Relative error of the halo's scale radius.")
    seed: int = Field(0, ge=0, description="Seed of the draws.")
    mx_min_mev: float = Field(1e-3, gt=0, description="Lowest mass.")
    mx_max_mev: float = Field(100.0, gt=0, description="Highest mass.")
    n_masses: int = Field(50, ge=2, description="Masses, evenly spaced in the logarithm.")

    @model_validator(mode="after")
    def _possible(self) -> "BdmExclusion":
        _refuse_order(self, ("mx_min_mev", "mx_max_mev"))
        if (self.t_start_yr is None) != (self.duration_yr is None):
            raise ValueError("give t_start_yr and duration_yr together, or neither")
        if len(set(self.detectors)) != len(self.detectors):
            raise ValueError("detectors: name each only once")
        unknown = [name for name in self.detectors if name not in DETECTORS and not name.endswith((".yaml", ".yml"))]
        if unknown:
            raise ValueError(
                f"detectors: no '{unknown[0]}'; there are {', '.join(DETECTORS)}, or files ending in .yaml"
            )
        return self


class BoostedDarkMatter(Section):
    """Dark matter boosted by the neutrinos of one supernova; the defaults are Cas A as in the literature."""

    supernova: BdmSupernova = Field(
        default_factory=BdmSupernova,
        description="The supernova.",
    )
    galactic_centre_kpc: float | None = Field(
        None, gt=0, description="Distance of the centre of its galaxy; null: 8.5 for the Milky Way, 49.97 for the LMC."
    )
    mx_mev: float = Field(1.0, gt=0, description="Mass of dark matter, for everything but the mass scan.")
    tx_mev: float = Field(5.0, gt=0, description="Kinetic energy of dark matter, for sky map and light curve.")
    t_yr: float = Field(
        350.0, gt=0, description="Years since the arrival of the neutrinos: sky map, start of counting."
    )
    duration_yr: float = Field(35.0, gt=0, description="Years of counting events.")
    tx_min_mev: float = Field(5.0, gt=0, description="Lowest kinetic energy of counted dark matter.")
    tx_max_mev: float = Field(30.0, gt=0, description="Highest kinetic energy of counted dark matter.")
    n_l: int = Field(800, ge=2, le=20_000, description="Points of the sky map in Galactic longitude.")
    n_b: int = Field(400, ge=2, le=10_000, description="Points of the sky map in Galactic latitude.")
    nside: int = Field(128, ge=1, le=8192, description="Resolution of the HEALPix map, a power of two.")
    n_angles: int = Field(100, ge=2, description="Angles of the differential cross section.")
    sigma_tx_min_mev: float = Field(1e-5, gt=0, description="Lowest kinetic energy of the cross sections on targets.")
    sigma_tx_max_mev: float = Field(100.0, gt=0, description="Highest kinetic energy of the cross sections on targets.")
    n_sigma: int = Field(100, ge=2, description="Energies of the cross sections on targets.")
    n_times: int = Field(70, ge=2, description="Times of the light curve, from t_yr to the end of the signal.")
    mx_min_mev: float = Field(1e-6, gt=0, description="Lowest mass of the mass scan.")
    mx_max_mev: float = Field(100.0, gt=0, description="Highest mass of the mass scan.")
    n_masses: int = Field(35, ge=2, description="Masses of the mass scan, evenly spaced in the logarithm.")
    model: BdmModel = Field(default_factory=BdmModel, description="The particle model.")
    override: BdmOverride = Field(default_factory=BdmOverride, description="The example with constant cross sections.")
    exclusion: BdmExclusion | None = Field(None, description="Limits of detectors; null: none.")

    def settings(self, *keys: str) -> dict[str, Any]:
        """What every result depends on, and `keys`: other keys may change without computing it again."""
        common = {"supernova", "galactic_centre_kpc", "mx_mev", "tx_mev", "t_yr"}
        return self.model_dump(mode="json", include=common.union(keys))

    @model_validator(mode="after")
    def _ordered(self) -> "BoostedDarkMatter":
        masses, energies = ("mx_min_mev", "mx_max_mev"), ("tx_min_mev", "tx_max_mev")
        _refuse_order(self, energies, ("sigma_tx_min_mev", "sigma_tx_max_mev"), masses)
        if self.nside & (self.nside - 1):
            raise ValueError(_no_power_of_two("nside", self.nside))
        return self


class Durations(Section):
    """Windows of several lengths at one position, for sensitivity and discovery potential against duration."""

    ra_deg: float = Field(ge=0, lt=360, description="Right ascension (J2000) of the position.")
    dec_deg: float = Field(ge=-90, le=90, description="Declination (J2000) of the position.")
    centre_mjd: float = Field(ge=40_000, le=100_000, description="Centre of all windows, MJD.")
    days: Annotated[list[Annotated[float, Field(ge=1e-6, le=20_000)]], Once] = Field(
        min_length=1, description="Durations of the windows (boxes) in days."
    )


_TRIALS_OF_A_TAIL = 500
"""Background trials whose upper tenth is enough for a fit that reaches every significance
(`nusky.search.statistics.tail.MIN_IN_TAIL`)."""
_TRIALS_BEYOND = 11
"""Trials beyond a significance that give its threshold without a fit
(`nusky.search.statistics.sensitivity.MIN_ABOVE_THRESHOLD`)."""


class Systematics(Section):
    """By which part the truth may differ from what the analysis believes, either way; 0 leaves an effect out."""

    effective_area: float = Field(0.1, ge=0, lt=1, description="Effective area.")
    angular_error: float = Field(0.1, ge=0, lt=1, description="Distance of signal events from their source.")
    energy_scale: float = Field(0.1, ge=0, lt=1, description="Reconstructed energies of signal events.")
    background: float = Field(0.1, ge=0, lt=1, description="Density of the background near the sources.")

    @model_validator(mode="after")
    def _some(self) -> "Systematics":
        if not self.sizes:
            raise ValueError("all effects are 0: give one of them a size, or set systematics: null")
        return self

    @property
    def sizes(self) -> dict[str, float]:
        """Those that are not left out, by name."""
        return {name: size for name, size in self.model_dump().items() if size}


class Inference(Section):
    """Trials and statements of the standard method: p-values, sensitivities, upper limits (docs/inference.md)."""

    catalogues: Annotated[list[Name], Once] | None = Field(None, description="Catalogues to treat; null means all.")
    weightings: Annotated[list[Name], Once] | None = Field(
        None, description="Weightings of the stacks to treat; null means all."
    )
    trials: int = Field(10_000, ge=100, description="Background trials of every stack.")
    source_trials: int = Field(10_000, ge=100, description="Background trials of every single source or declination.")
    sky_trials: int = Field(
        1000,
        ge=10,
        description="Full scrambled skies that all searches look at, behind post-trial p-values and that of the run.",
    )
    population_p_max: float = Field(
        0.1, gt=0, le=1, description="Largest local p-value that counts in the binomial test of a list of sources."
    )
    leave_one_out_sources: int = Field(
        5,
        ge=0,
        description="Sources of a stack without which its p-value is stated, too: those without which least is left.",
    )
    leave_one_out_trials: int = Field(
        1000, ge=10, description="Scrambled skies behind each p-value of a stack without one of its sources."
    )
    injected_trials: int = Field(1000, ge=10, description="Trials with signal at each of about five strengths.")
    trials_per_batch: int = Field(1000, ge=1, description="Background trials of one job; changes no result.")
    sources_per_batch: int = Field(
        2500, ge=1, description="Sources of a list, each by itself, that one job treats, about; changes no result."
    )
    confidence_level: float = Field(0.9, gt=0.5, lt=1, description="Confidence level of the upper limits.")
    limit_method: Literal["neyman", "feldman-cousins", "asymptotic"] = Field(
        "neyman", description="How the stacks' upper limits are made."
    )
    single_sources: bool = Field(True, description="Treat the sources of the catalogues one by one, too.")
    source_limit_method: Literal["neyman", "feldman-cousins", "asymptotic"] = Field(
        "neyman",
        description="How the upper limits of single sources and of hadronic fractions are made; `asymptotic` needs no "
        "trials, but its coverage is not calibrated.",
    )
    hadronic_relation: Literal["kinematic", "interactions"] = Field(
        "kinematic",
        description="From gamma rays to the neutrinos they allow (docs/inference.md); `interactions` needs aafragpy: "
        "pip install 'nusky[gamma-rays]'.",
    )
    source_injected_trials: int = Field(
        300, ge=10, description="Trials with signal of every source at each of about ten strengths."
    )
    source_jobs: int = Field(
        8,
        ge=1,
        le=1000,
        description="Jobs that share the limits of a catalogue's sources, at least; changes no result.",
    )
    differential_log10_energy_gev: list[Annotated[float, Field(ge=0, le=12)]] = Field(
        default_factory=list,
        description="Edges in log10(E/GeV) of the energies of differential sensitivities and limits of the stacks and "
        "declinations, e.g. 3, 4, 5, 6, 7 for decades; none if empty.",
    )
    recovery_trials: int = Field(
        0,
        ge=0,
        description="Pseudo-experiments at each strength for injection, recovery and coverage; 0 leaves them out.",
    )
    profiles: bool = Field(
        False,
        description="Keep the likelihood over flux and index of every stack and single source, for other programs "
        "(docs/how_to/join_other_data.md).",
    )
    systematics: Systematics | None = Field(
        None, description="How far limits and sensitivities move with the detector and the background; null leaves it."
    )
    gamma: Annotated[float, Field(ge=1.0, le=4.0)] | None = Field(
        None, description="Spectral index to fix; null fits it, or where events have no energies fixes each listed one."
    )
    discovery_sigmas: Annotated[list[Annotated[float, Field(gt=0, le=6)]], Once] = Field(
        default_factory=lambda: [3.0, 5.0], description="Significances of the discovery potentials."
    )
    declinations_deg: Annotated[list[Annotated[float, Field(ge=-90, le=90)]], Once] = Field(
        default_factory=list, description="Declinations of the point-source sensitivity curve; none if empty."
    )
    durations: Durations | None = Field(
        None, description="Windows of the sensitivity curve against duration (docs/windows.md); null: none."
    )

    @field_validator("differential_log10_energy_gev")
    @classmethod
    def _edges_ascend(cls, edges: list[float]) -> list[float]:
        if len(edges) == 1 or sorted(set(edges)) != edges:
            raise ValueError("give at least two edges that ascend, e.g. [3, 4, 5, 6, 7]")
        return edges

    @model_validator(mode="after")
    def _resolvable(self) -> "Inference":
        """What the trials can never tell is refused before they are made."""
        _refuse_batches(self, "trials_per_batch", "trials", "source_trials", "sky_trials")
        stack, source = (self.limit_method, ""), (self.source_limit_method, "source_")
        for method, of in (stack, source) if self.single_sources else (stack,):
            # Some trials must lie beyond the level; those of the background stand for no signal in Feldman-Cousins.
            asked = {"neyman": ["injected_trials"], "feldman-cousins": ["injected_trials", "trials"]}.get(method, [])
            for name in (of + kind for kind in asked):
                needed = math.ceil(1 / (1 - self.confidence_level) - 1e-6)
                if (n_trials := getattr(self, name)) < needed:
                    raise ValueError(
                        f"confidence_level: {self.confidence_level:g} cannot be told from {n_trials} trials, at least "
                        f"{needed} are needed: raise {name}, lower the level, or set {of}limit_method: "
                        "asymptotic"
                    )
        for sigma in self.discovery_sigmas:
            p_value = math.erfc(sigma / math.sqrt(2)) / 2
            needed = min(_TRIALS_OF_A_TAIL, math.ceil(_TRIALS_BEYOND / p_value))
            of_points = self.declinations_deg or self.durations
            for name in ("trials", "source_trials") if of_points else ("trials",):
                if (n_trials := getattr(self, name)) < needed:
                    raise ValueError(
                        f"discovery_sigmas: {sigma:g} sigma cannot be told from {n_trials} background "
                        f"trials, at least {needed} are needed: raise {name}, or leave this significance out"
                    )
        return self


class SkyMap(Section):
    """The all-sky map of the standard method: a point source at every position (docs/skymap.md)."""

    gamma: Annotated[float, Field(ge=1.0, le=4.0)] | None = Field(
        None, description="Spectral index to fix; null fits it, for which the release must have smearing tables."
    )
    nside: int = Field(256, ge=4, le=1024, description="HEALPix resolution of the map, a power of two.")
    nside_coarse: int = Field(
        128,
        ge=4,
        le=1024,
        description="Resolution at which the whole sky is fitted, a power of two up to `nside`. 64 takes half the time "
        "and misses some sources of TS 10 whose events lie close together.",
    )
    refine_above: float = Field(4.0, gt=0, description="TS from which on a pixel is divided into finer ones.")
    nside_region: Literal[1, 2, 4] = Field(
        1, description="Resolution whose pixels are the regions, one job each: 12, 48 or 192 jobs."
    )
    calibration_spacing_deg: float = Field(
        0.25,
        ge=0.1,
        le=40,
        description="Largest distance of the declinations of the background trials behind local p-values. With 1 they "
        "are wrong by up to a third where few events make the largest TS.",
    )
    calibration_trials: int = Field(
        10_000, ge=500, description="Background trials at each of these declinations: n tell p down to 1/(n + 1)."
    )
    sky_trials: int = Field(
        500, ge=10, description="Full scrambled skies behind the post-trial p-values and that of the run."
    )
    calibration_per_batch: int = Field(1000, ge=1, description="Background trials of one job; changes no result.")
    skies_per_batch: int = Field(20, ge=1, description="Scrambled skies of one job; changes no result.")
    n_spots: int = Field(100, ge=1, description="Hot spots listed: those that rank highest.")
    tail_p_values: bool = Field(
        False,
        description="State p-values of hot spots below 1/(n + 1), too, from fitted tails of the trials, with errors.",
    )
    n_zooms: int = Field(6, ge=0, le=50, description="Hot spots with position contours and a map of their own.")
    zoom_width_deg: float = Field(4.0, gt=0, le=40, description="Width of the maps around hot spots.")

    @model_validator(mode="after")
    def _powers_of_two(self) -> "SkyMap":
        _refuse_batches(self, "calibration_per_batch", "calibration_trials")
        _refuse_batches(self, "skies_per_batch", "sky_trials")
        for name in ("nside", "nside_coarse"):
            if getattr(self, name).bit_count() != 1:
                raise ValueError(_no_power_of_two(name, getattr(self, name)))
        if self.nside_coarse > self.nside:
            raise ValueError(
                f"nside_coarse ({self.nside_coarse}) must not exceed nside ({self.nside}): lower it or raise nside"
            )
        return self


class Figures(Section):
    """How the figures look; nothing here changes a number."""

    formats: list[Literal["pdf", "png", "svg"]] = Field(
        default_factory=lambda: ["pdf", "png"], min_length=1, description="File formats of every figure."
    )

    @field_validator("formats")
    @classmethod
    def _one_for_the_page(cls, formats: list[str]) -> list[str]:
        if set(formats) <= {"pdf"}:
            raise ValueError("the HTML report shows png or svg: add one of them")
        return list(dict.fromkeys(formats))

    dpi: int = Field(200, ge=50, le=1200, description="Resolution of raster figures and rasterised parts.")
    titles: bool = Field(True, description="Headers above the figures; without for a paper, which has captions.")
    width: Literal["screen", "column", "page"] = Field(
        "screen", description="Size of the figures: for a screen, or as wide as a column (3.5 in) or page (7.1 in)."
    )
    max_sky_events: int = Field(20000, ge=1, description="Events drawn on the sky map: the most energetic ones.")


class Configuration(Section):
    """A whole run."""

    run: Name = Field(description="Name of the run; results go to results/<run>/.")
    seed: int = Field(20220516, ge=0, lt=2**63, description="Root of every random stream of the run.")
    release: Release = Field(default_factory=Release, description="The events.")
    bdm: BoostedDarkMatter | None = Field(
        None, description="Boosted dark matter; `bdm: {}` computes it for Cas A, null leaves it out."
    )
    catalogues: dict[Name, Catalogue] = Field(
        default_factory=dict,
        validate_default=True,
        description="Catalogues by name, ready-made ones or your own.",
    )
    spectrum: Spectrum = Field(
        default_factory=Spectrum, description="Spectrum of all sources, points of the sky and trials with signal."
    )
    methods: Annotated[list[Literal["published", "standard"]], Once] = Field(
        default_factory=lambda: ["published", "standard"], min_length=1, description="Sets of conventions to compute."
    )
    scan: Scan = Field(default_factory=Scan, description="The flux scan of the stacks.")
    inference: Inference | None = Field(
        None, description="Trials and calibrated statements of the standard method; null means none."
    )
    skymap: SkyMap | None = Field(
        None, description="The all-sky map of the standard method; `skymap: {}` makes it, null leaves it out."
    )
    figures: Figures = Field(default_factory=Figures, description="Figure options.")

    @field_validator("spectrum")
    @classmethod
    def _of_no_catalogue(cls, spectrum: Spectrum) -> Spectrum:
        if spectrum.of_each:
            raise ValueError("columns and files of single sources belong into the `spectrum` of a catalogue")
        return spectrum

    @field_validator("catalogues")
    @classmethod
    def _something_to_do(cls, catalogues: dict[str, Catalogue], info: ValidationInfo) -> dict[str, Catalogue]:
        if not catalogues and info.data.get("bdm") is None:
            raise ValueError("give at least one catalogue, or a `bdm` block")
        return catalogues

    @field_validator("catalogues", mode="before")
    @classmethod
    def _fill_presets(cls, catalogues: Any) -> Any:
        if not isinstance(catalogues, dict):
            return catalogues
        return {
            name: {**PRESETS.get(name, {}), **(block or {})} if isinstance(block, dict | None) else block
            for name, block in catalogues.items()
        }

    @model_validator(mode="after")
    def _inference_possible(self) -> "Configuration":
        if self.inference is None:
            return self
        if "standard" not in self.methods:
            raise ValueError(
                "`inference` is part of the standard method: add it to `methods`, or leave `inference` out"
            )
        unknown = [name for name in self.inference.catalogues or [] if name not in self.catalogues]
        if unknown:
            known = ", ".join(self.catalogues) or "none"
            raise ValueError(
                f"`inference.catalogues` names '{unknown[0]}', which is not among `catalogues`; there are: {known}"
            )
        treated = self.inferred
        known = {weighting for name in treated for weighting in self.catalogues[name].weightings}
        unknown = [name for name in self.inference.weightings or [] if name not in known]
        if unknown:
            raise ValueError(
                f"`inference.weightings` names '{unknown[0]}', which no catalogue it treats has; there are: "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        for name in treated:
            if not self.inferred_weightings(name):
                raise ValueError(f"catalogue '{name}' has none of the weightings of `inference.weightings`")
        return self

    @model_validator(mode="after")
    def _one_index(self) -> "Configuration":
        if self.spectrum.gamma is None:
            return self
        for name, block in (("inference", self.inference), ("skymap", self.skymap)):
            if block is not None and block.gamma is not None:
                raise ValueError(f"`spectrum.gamma` and `{name}.gamma` both fix the index: leave one of them out")
        return self

    @model_validator(mode="after")
    def _fits_possible(self) -> "Configuration":
        """What is about an index is refused where something else is fitted in its place."""
        block, own = self.inference, self.spectrum.fitted
        if self.skymap is not None and own not in ("", "gamma"):
            raise ValueError(
                f"`spectrum.fit: {own}`: the map fits the index or nothing. Give the `fit` to the `spectrum` of a "
                "catalogue, or leave the map out"
            )
        for name in self.inferred if block and block.profiles else []:
            if (fitted := self.spectrum_of(name).fitted) not in ("", "gamma"):
                raise ValueError(
                    f"`inference.profiles` are over flux and index, but {fitted} is fitted for '{name}': leave one of "
                    "them out"
                )
        return self

    @model_validator(mode="after")
    def _own_lists_suffice(self) -> "Configuration":
        """Refuse what cannot be stated from event lists of the user's own."""
        block, release = self.inference, self.release
        flux = ("declinations_deg", "durations", "differential_log10_energy_gev")
        asked = [name for name in flux if block and getattr(block, name)]
        if asked and not release.states_fluxes:
            raise ValueError(
                f"the sensitivities of `inference.{asked[0]}` are fluxes, which need an `effective_area` of every list "
                "in `release.events`: give it, or leave the key out"
            )
        if release.covers_the_sky:
            return self
        steady = [name for name in self.inferred if not self.windowed(name)]
        if self.skymap or steady or (block and block.declinations_deg):
            raise ValueError(
                "a list in `release.events` covers only a cone: right ascensions cannot be scrambled inside it, so "
                "there are no trials of steady sources, declinations or a map. Give the catalogues a `time`, or lists "
                "of the whole sky"
            )
        return self

    @model_validator(mode="after")
    def _windows_possible(self) -> "Configuration":
        windowed = [name for name in self.catalogues if self.windowed(name)]
        chosen = self.inferred
        unused = [name for name in windowed if name not in chosen]
        if unused:
            todo = "add '{}' to `inference.catalogues`" if self.inference else "add a block `inference: {{}}`"
            raise ValueError(
                f"`catalogues.{unused[0]}.time` is part of the inference, which does not treat this catalogue: "
                f"{todo.format(unused[0])}, or leave `time` out"
            )
        if not self.release.covers_the_sky:
            for name in windowed:
                if self.catalogues[name].time.scramble != "times":
                    raise ValueError(
                        f"`catalogues.{name}.time.scramble`: a list in `release.events` covers only a cone, in which "
                        "right ascensions cannot be drawn anew. Permute the `times`"
                    )
        for name in chosen:
            if self.one_by_one(name) and not (self.inference.single_sources and self.catalogues[name].single_sources):
                what = "a flare is looked for" if self.flaring(name) else "threshold and lag are fitted"
                raise ValueError(
                    f"`catalogues.{name}.time`: {what} in every source by itself, so its "
                    "`single_sources` and those of `inference` must not be false"
                )
            limited = self.flaring(name) and self.catalogues[name].time.limit_days
            if limited and self.inference.source_limit_method == "asymptotic":
                raise ValueError(
                    f"`catalogues.{name}.time.limit_days`: limits of an unknown flare come from trials, so "
                    "`inference.source_limit_method` must not be asymptotic"
                )
        without = [own.name for own in self.release.lists if own.columns.mjd is None]
        asking = [f"catalogues.{name}.time" for name in windowed]
        asking += ["inference.durations"] if self.inference and self.inference.durations else []
        if asking and without:
            raise ValueError(
                f"`{asking[0]}` needs the times of the events: give the list {without[0]} of "
                "`release.events` a column `mjd`"
            )
        return self

    @property
    def inferred(self) -> list[str]:
        """Names of the catalogues that the inference treats, in their order."""
        chosen = self.inference and (self.inference.catalogues or self.catalogues)
        return [name for name in self.catalogues if name in (chosen or [])]

    def windowed(self, catalogue: str) -> bool:
        """Whether the sources of a catalogue change with time."""
        return self.catalogues[catalogue].time is not None

    def flaring(self, catalogue: str) -> bool:
        """Whether unknown flares are looked for in a catalogue's sources."""
        time = self.catalogues[catalogue].time
        return time is not None and time.profile == "flare"

    def one_by_one(self, catalogue: str) -> bool:
        """Whether something in time is fitted for each source of a catalogue, so that there is no stack of them."""
        time = self.catalogues[catalogue].time
        return self.flaring(catalogue) or (time is not None and time.n_curves > 1)

    @model_validator(mode="after")
    def _skymap_possible(self) -> "Configuration":
        if self.skymap is None:
            return self
        if "standard" not in self.methods:
            raise ValueError("`skymap` is part of the standard method: add it to `methods`, or leave `skymap` out")
        if not self.catalogues:
            raise ValueError("`skymap` needs at least one catalogue, to be drawn over the map")
        return self

    def spectrum_of(self, catalogue: str | None) -> Spectrum:
        """The spectrum of a catalogue's sources, or of the run."""
        block = self.catalogues[catalogue].spectrum if catalogue else None
        return block or self.spectrum

    def inferred_weightings(self, catalogue: str) -> list[str]:
        """The weightings of a catalogue that the inference treats."""
        chosen = self.inference.weightings if self.inference else []
        return [name for name in self.catalogues[catalogue].weightings if chosen is None or name in chosen]


def load(path: str | os.PathLike[str]) -> Configuration:
    """Read and check a YAML configuration file."""
    return parse(read(path), where=str(path))


def read(path: str | os.PathLike[str]) -> Any:
    """The content of a YAML file, which may be a part of a configuration; a key that stands there twice is refused."""
    return strict_yaml.load(read_text(path, ConfigurationError, MAX_FILE_BYTES), where=str(path))


def parse(content: Any, where: str = "configuration") -> Configuration:
    """Check a configuration given as nested dictionaries; `where` names it in messages."""
    return validated(Configuration, content, where)


_Model = TypeVar("_Model", bound=BaseModel)


def validated(model: type[_Model], content: Any, where: str, keys: str = "docs/configuration.md") -> _Model:
    """`content` as a `model`; problems are told with `where` and their keys, all of which are documented in `keys`."""
    if not isinstance(content, dict):
        found = "nothing" if content is None else type(content).__name__
        raise ConfigurationError(f"{where}: a mapping of keys is expected, found {found}. The keys: {keys}.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = _of_one_branch(error.errors())
        lines = [f"{where}: {len(problems)} problem{'s' if len(problems) > 1 else ''}:"]
        lines += [f"  - {_place(e['loc'])}{_explain(e, model, keys)}" for e in problems[:_MAX_PROBLEMS]]
        if len(problems) > _MAX_PROBLEMS:
            lines.append(f"  - and {len(problems) - _MAX_PROBLEMS} more")
        raise ConfigurationError("\n".join(lines)) from None


_WORDS = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a plain number",
    "float_parsing": "must be a plain number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text; put it in quotes",
    "string_pattern_mismatch": "must consist of letters, digits, - and _, with a letter or digit first",
    "literal_error": "must be {expected}",
    "list_type": "must be a list, such as [a, b]",
    "dict_type": "must be a block of keys below it, or {{}}",
    "model_type": "must be a block of keys below it, or {{}}",
}
"""What pydantic's kinds of problems are called here; the others have messages of their own."""


def _of_one_branch(problems: Sequence[Any]) -> list[Any]:
    """Of a key that may be a number or a list only what is wrong with what was given, at the key's own place."""
    found = list(problems)
    places = {p["loc"][:i] for p in found for i, part in enumerate(p["loc"]) if str(part).startswith(_BRANCHES)}
    for place in sorted(places, key=len, reverse=True):
        own = [p for p in found if p["loc"][: len(place)] == place]
        fitting = [p for p in own if not (p["type"].endswith("_type") and isinstance(p["input"], list | dict))]
        kept = [p | {"loc": (*place, *p["loc"][len(place) + 1 :])} for p in fitting or own[:1]]
        found = [p for p in found if p not in own] + kept
    return found


_BRANCHES = ("function-", "list[", "dict[", "tuple[")
"""How pydantic calls the part of a type that holds a list or a mapping, in the place of a problem."""


def _explain(error: Any, model: type[BaseModel], keys: str) -> str:
    if error["type"] == "extra_forbidden":
        *place, key = error["loc"]
        meant = _meant(str(key), place, model)
        return f"unknown key; {f'did you mean `{meant}`?' if meant else f'all keys are in {keys}'}"
    if error["type"] == "missing":
        return "this key is required"
    return problem(error)


def problem(error: Any) -> str:
    """One of pydantic's problems with a value, a mapping as its `ValidationError.errors` has it, in plain words."""
    given = error.get("input")
    shown = "" if isinstance(given, dict | list) else f" (given: {_shortened(repr(given))})"
    is_index = {"gamma", "gammas"} & set(error["loc"][-2:])
    if error["type"] == "greater_than_equal" and is_index and str(given).startswith("-"):
        shown += "; the flux falls as E^-gamma: leave the minus sign out"
    shown += _hint(error["type"], str(error["loc"][-1]) if error["loc"] else "", given, error.get("ctx", {}))
    told = _WORDS.get(error["type"])
    if told is None:
        message = error["msg"].removeprefix("Value error, ")
        return message + ("" if repr(given) in message else shown)
    about = error.get("ctx", {}).items()
    return told.format(**{key: f"{value:.12g}" if isinstance(value, float) else value for key, value in about}) + shown


def _hint(kind: str, key: str, given: Any, bounds: Any) -> str:
    """What was probably meant by a value that is refused."""
    try:
        number = float(given)
    except (TypeError, ValueError):
        return ""
    if kind == "int_parsing" and number.is_integer():
        return f"; write {number:.0f}"
    if kind == "less_than" and bounds.get("lt") == 1 and 1 < number <= 100:
        return f"; {number:g} % is {number / 100:g}"
    if kind in ("less_than_equal", "greater_than_equal") and key.endswith("_mjd"):
        if 2_400_000 < number < 2_500_000:
            return "; it looks like a Julian date: subtract 2400000.5"
        if 1900 < number < 2100:
            return "; it looks like a year: give MJD, in days"
    return ""


def _no_power_of_two(name: str, value: int) -> str:
    lower = 2 ** (value.bit_length() - 1)
    return f"{name} must be a power of two, such as {lower} or {2 * lower} (given: {value})"


def _meant(key: str, place: Sequence[Any], model: type[BaseModel]) -> str | None:
    """The key of the block at `place` in `model` that is spelled most like `key`."""
    block: Any = model
    for step in place:
        block = _inside(block, step)
    keys = list(block.model_fields) if isinstance(block, type) and issubclass(block, BaseModel) else []
    longer = [name for name in keys if name.startswith(key)]
    return next(iter(longer or difflib.get_close_matches(key, keys, n=1)), None)


def _inside(kind: Any, key: Any) -> Any:
    """The type of what a block, list or mapping of type `kind` holds at `key`; None where it holds nothing."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(key))
        inner = field.annotation if field else None
    else:
        inner = next(reversed(get_args(kind)), None)
    blocks = [part for part in get_args(inner) if isinstance(part, type) and issubclass(part, BaseModel)]
    is_container = get_origin(inner) in (list, dict)
    return blocks[0] if blocks and not is_container else inner


def _place(keys: Sequence[Any]) -> str:
    """Where a problem is; nothing of one between blocks, which names their keys itself."""
    return f"in `{'.'.join(_shortened(str(key)) for key in keys)}`: " if keys else ""


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}..."
