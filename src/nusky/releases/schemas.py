"""The canonical tables of a release: columns, allowed ranges, and the checks every release passes."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.errors import ReleaseError
from nusky.releases.registry import Season
from nusky.units import MJD_RANGE

EVENT_COLUMNS = {  # header of the releases' event files -> canonical column
    "MJD[days]": "mjd",
    "log10(E/GeV)": "log10_energy_gev",
    "AngErr[deg]": "ang_err_deg",
    "RA[deg]": "ra_deg",
    "Dec[deg]": "dec_deg",
    "Azimuth[deg]": "azimuth_deg",
    "Zenith[deg]": "zenith_deg",
}

CONE_COLUMNS = ("cone_ra_deg", "cone_dec_deg", "cone_radius_deg", "cone_density_per_sr")
"""Where the events of a season cover only a cone: its centre, radius and background density; NaN for the whole sky."""

_FLOAT = pa.float64()


@dataclass(frozen=True)
class Column:
    """Type of a column, and for numbers the range allowed: its upper end included, its lower one unless `above`."""

    dtype: pa.DataType = _FLOAT
    low: float = 0.0
    high: float = math.inf
    above: bool = False


_TEXT = Column(pa.string())
_MJD = Column(low=MJD_RANGE[0], high=MJD_RANGE[1])
_LOG10_ENERGY = Column(low=-3.0, high=15.0)
_DEC = Column(low=-90.0, high=90.0)
_RA = Column(high=360.0)
_ANGLE = Column(high=180.0)
_WIDTH = Column(high=180.0, above=True)
_DURATION_S = Column(high=1e10, above=True)


@dataclass(frozen=True)
class Kind:
    """What a canonical table must look like."""

    columns: dict[str, Column]
    ordered: tuple[tuple[str, str], ...] = ()
    """Pairs (a, b) of columns with a < b in every row."""
    not_falling: tuple[tuple[str, str], ...] = ()
    """Pairs (a, b) of columns with a <= b: edges that rounding in the file may have made equal."""
    unknown: tuple[str, ...] = ()
    """Columns that may be NaN: what a release does not state."""
    grid: tuple[str, ...] = ()
    """Columns whose values form a complete grid, one row per cell."""

    def empty(self) -> pa.Table:
        """The table without rows."""
        return pa.schema([(name, column.dtype) for name, column in self.columns.items()]).empty_table()


KINDS = {
    "events": Kind(
        {
            "mjd": _MJD,
            "log10_energy_gev": _LOG10_ENERGY,
            "ang_err_deg": _WIDTH,
            "ra_deg": _RA,
            "dec_deg": _DEC,
            "azimuth_deg": _RA,
            "zenith_deg": _ANGLE,
        }
    ),
    "uptimes": Kind({"season": _TEXT, "start_mjd": _MJD, "stop_mjd": _MJD}, ordered=(("start_mjd", "stop_mjd"),)),
    "seasons": Kind(
        {
            "season": _TEXT,
            "response": _TEXT,
            "n_events": Column(pa.int64(), high=10**10),
            "livetime_s": _DURATION_S,
            "span_s": _DURATION_S,
            "livetime_origin": _TEXT,
            "cone_ra_deg": _RA,
            "cone_dec_deg": _DEC,
            "cone_radius_deg": _ANGLE,
            "cone_density_per_sr": Column(high=1e12),
        },
        unknown=CONE_COLUMNS,
    ),
    "effective_area": Kind(
        {
            "response": _TEXT,
            "log10_energy_min_gev": _LOG10_ENERGY,
            "log10_energy_max_gev": _LOG10_ENERGY,
            "dec_min_deg": _DEC,
            "dec_max_deg": _DEC,
            "aeff_cm2": Column(high=1e15),
        },
        ordered=(("log10_energy_min_gev", "log10_energy_max_gev"), ("dec_min_deg", "dec_max_deg")),
        grid=("log10_energy_min_gev", "dec_min_deg"),
    ),
    "angular_resolution": Kind(
        {
            "response": _TEXT,
            "log10_enu_min_gev": _LOG10_ENERGY,
            "log10_enu_max_gev": _LOG10_ENERGY,
            "median_deg": _WIDTH,
        },
        ordered=(("log10_enu_min_gev", "log10_enu_max_gev"),),
    ),
    "smearing": Kind(
        {
            "response": _TEXT,
            "log10_enu_min_gev": _LOG10_ENERGY,
            "log10_enu_max_gev": _LOG10_ENERGY,
            "dec_nu_min_deg": _DEC,
            "dec_nu_max_deg": _DEC,
            "log10_energy_min_gev": _LOG10_ENERGY,
            "log10_energy_max_gev": _LOG10_ENERGY,
            "psf_min_deg": _ANGLE,
            "psf_max_deg": _ANGLE,
            "ang_err_min_deg": _ANGLE,
            "ang_err_max_deg": _ANGLE,
            "fraction": Column(high=1.0),
        },
        ordered=(("log10_enu_min_gev", "log10_enu_max_gev"), ("dec_nu_min_deg", "dec_nu_max_deg")),
        not_falling=(
            ("log10_energy_min_gev", "log10_energy_max_gev"),
            ("psf_min_deg", "psf_max_deg"),
            ("ang_err_min_deg", "ang_err_max_deg"),
        ),
    ),
}


@dataclass(frozen=True)
class DetectorTimes:
    """When and with which response the detector ran, without any event.

    `livetime_s` (good runs) and `span_s` (first start to last stop) by season, in s; `origin` of both is 'uptimes' or
    'published'.
    """

    uptimes: pa.Table
    effective_area: pa.Table
    livetime_s: dict[str, float]
    span_s: dict[str, float]
    origin: str


@dataclass(frozen=True)
class CanonicalRelease:
    """A release as canonical tables; `events` by season. `angular_resolution` is for releases without smearing."""

    events: dict[str, pa.Table]
    seasons: pa.Table
    uptimes: pa.Table
    effective_area: pa.Table
    smearing: pa.Table = field(default_factory=KINDS["smearing"].empty)
    angular_resolution: pa.Table = field(default_factory=KINDS["angular_resolution"].empty)


def table(kind: str, columns: dict[str, Any], where: str, unknown: Sequence[str] = ()) -> pa.Table:
    """A checked canonical table.

    Parameters
    ----------
    kind : one of KINDS
    columns : columns of equal length; a string stands for that text in every row
    where : what the table belongs to, for messages
    unknown : further columns that may be NaN, as it does not state them

    Raises
    ------
    ReleaseError
        A value is outside its range; the message names `where`, row, column, value and range.
    """
    made = _assemble(kind, columns)
    _validate(kind, made, where, "row", np.arange(1, made.num_rows + 1), tuple(unknown))
    return made


def file_table(kind: str, columns: dict[str, Any], path: Path, rows: np.ndarray | None = None) -> pa.Table:
    """A checked canonical table read from a text file with one header line.

    As `table`, but messages name the line of `path`; `rows` gives the file's row (from 0) behind each row of the table
    where some were left out.
    """
    made = _assemble(kind, columns)
    _validate(kind, made, str(path), "line", (np.arange(made.num_rows) if rows is None else rows) + 2)
    return made


def _assemble(kind: str, columns: dict[str, Any]) -> pa.Table:
    n_rows = next(len(values) for values in columns.values() if not isinstance(values, str))
    full = {name: [values] * n_rows if isinstance(values, str) else values for name, values in columns.items()}
    return pa.table({name: pa.array(full[name], type=own.dtype) for name, own in KINDS[kind].columns.items()})


def _validate(
    kind: str, made: pa.Table, where: str, unit: str, numbers: np.ndarray, unknown: tuple[str, ...] = ()
) -> None:
    from pandera.errors import SchemaErrors

    frame = made.to_pandas()
    try:
        _pandera_schema(kind, unknown).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        failure = cases.loc[cases["index"].astype("Int64").fillna(0).idxmin()]
        row = int(failure["index"])
        column, text = _explain(failure, frame.iloc[row])
        raise ReleaseError(
            f"{where}, {unit} {numbers[row]}, column {column}: {text} ({cases['index'].nunique()} bad row(s) in all). "
            "Fetch the file again or correct it."
        ) from None
    model = KINDS[kind]
    if model.grid:
        _check_grid(model, frame, where)


def _explain(failure: Any, row: Any) -> tuple[str, str]:
    column, rule = str(failure["column"]), str(failure["check"])
    if failure["schema_context"] == "DataFrameSchema":
        low, relation, high = rule.split()
        problem = "is not above" if relation == "<" else "is below"
        return high, f"{row[high]:.10g} {problem} {low} = {row[low]:.10g}"
    if rule == "not_nullable":
        return column, "the value is not a number (NaN)"
    return column, f"{row[column]:.10g} is outside the allowed range, {rule}"


def _check_grid(model: Kind, frame: Any, where: str) -> None:
    n_cells, n_rows = 1, len(frame)
    for name in model.grid:
        n_cells *= frame[name].nunique()
    if n_rows != n_cells or frame.duplicated(list(model.grid)).any():
        raise ReleaseError(
            f"{where}: {n_rows} rows do not form one complete grid in {' and '.join(model.grid)} ({n_cells} cells): "
            "bins are missing or occur twice. Fetch the file again."
        )


@functools.cache
def _pandera_schema(kind: str, unknown: tuple[str, ...] = ()) -> Any:
    import pandera.pandas as pandera

    model = KINDS[kind]
    unknown = (*model.unknown, *unknown)

    def in_range(own: Column) -> pandera.Check | None:
        if own == _TEXT:
            return None
        said = f"above {own.low:g}, up to {own.high:g}" if own.above else f"{own.low:g} to {own.high:g}"
        return pandera.Check.in_range(own.low, own.high, include_min=not own.above, error=said)

    return pandera.DataFrameSchema(
        {name: pandera.Column(nullable=name in unknown, checks=in_range(own)) for name, own in model.columns.items()},
        checks=[
            # The columns are bound as defaults: a closure would see the last pair only.
            pandera.Check(lambda frame, low=low, high=high: ~(frame[low] >= frame[high]), error=f"{low} < {high}")
            for low, high in model.ordered
        ]
        + [
            pandera.Check(lambda frame, low=low, high=high: ~(frame[low] > frame[high]), error=f"{low} <= {high}")
            for low, high in model.not_falling
        ],
        strict=True,
        ordered=True,
    )


def canonical(
    seasons: Sequence[Season], events: Sequence[pa.Table], times: DetectorTimes, **further: pa.Table
) -> CanonicalRelease:
    """The canonical tables of `seasons` from the events of each of them, their times, and `further` tables by name."""
    names = [season.name for season in seasons]
    columns = {
        "season": names,
        "response": [season.response for season in seasons],
        "n_events": [table.num_rows for table in events],
        "livetime_s": [times.livetime_s[name] for name in names],
        "span_s": [times.span_s[name] for name in names],
        "livetime_origin": times.origin,
    } | {name: np.full(len(seasons), np.nan) for name in CONE_COLUMNS}
    rows = table("seasons", columns, "seasons " + ", ".join(names))
    return CanonicalRelease(dict(zip(names, events, strict=True)), rows, times.uptimes, times.effective_area, **further)
