"""The canonical tables of a release: columns, allowed ranges, and the checks every release passes."""

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.errors import ReleaseError
from nusky.releases.registry import Season

log = logging.getLogger(__name__)

EVENT_COLUMNS = {  # header of the releases' event files -> canonical column
    "MJD[days]": "mjd",
    "log10(E/GeV)": "log10_energy_gev",
    "AngErr[deg]": "ang_err_deg",
    "RA[deg]": "ra_deg",
    "Dec[deg]": "dec_deg",
    "Azimuth[deg]": "azimuth_deg",
    "Zenith[deg]": "zenith_deg",
}

_FLOAT, _INTEGER, _TEXT = pa.float64(), pa.int64(), pa.string()
_DEC = (-90.0, 90.0)
_ANGLE = (0.0, 180.0)
_LOG10_ENERGY = (-3.0, 15.0)


@dataclass(frozen=True)
class Kind:
    """What a canonical table must look like."""

    columns: dict[str, pa.DataType]
    closed: dict[str, tuple[float, float]]
    """Allowed ranges, bounds included."""
    positive: dict[str, float]
    """Columns that must be above 0, with their largest allowed value."""
    ordered: tuple[tuple[str, str], ...] = ()
    """Pairs (a, b) of columns with a < b in every row."""
    not_falling: tuple[tuple[str, str], ...] = ()
    """Pairs (a, b) of columns with a <= b: edges that rounding in the file may have made equal."""
    grid: tuple[str, ...] = ()
    """Columns whose values form a complete grid, one row per cell."""

    @property
    def schema(self) -> pa.Schema:
        """Columns and their types."""
        return pa.schema(list(self.columns.items()))

    def empty(self) -> pa.Table:
        """The table without rows."""
        return self.schema.empty_table()


def _floats(*names: str) -> dict[str, pa.DataType]:
    return dict.fromkeys(names, _FLOAT)


KINDS = {
    "events": Kind(
        _floats(*EVENT_COLUMNS.values()),
        closed={
            "mjd": (40_000.0, 100_000.0),
            "log10_energy_gev": _LOG10_ENERGY,
            "ra_deg": (0.0, 360.0),
            "dec_deg": _DEC,
            "azimuth_deg": (0.0, 360.0),
            "zenith_deg": _ANGLE,
        },
        positive={"ang_err_deg": 180.0},
    ),
    "uptimes": Kind(
        {"season": _TEXT} | _floats("start_mjd", "stop_mjd"),
        closed={"start_mjd": (40_000.0, 100_000.0), "stop_mjd": (40_000.0, 100_000.0)},
        positive={},
        ordered=(("start_mjd", "stop_mjd"),),
    ),
    "seasons": Kind(
        {
            "season": _TEXT,
            "response": _TEXT,
            "n_events": _INTEGER,
            "livetime_s": _FLOAT,
            "span_s": _FLOAT,
            "livetime_origin": _TEXT,
        },
        closed={"n_events": (0, 10**10)},
        positive={"livetime_s": 1e10, "span_s": 1e10},
    ),
    "effective_area": Kind(
        {"response": _TEXT}
        | _floats("log10_energy_min_gev", "log10_energy_max_gev", "dec_min_deg", "dec_max_deg", "aeff_cm2"),
        closed={
            "log10_energy_min_gev": _LOG10_ENERGY,
            "log10_energy_max_gev": _LOG10_ENERGY,
            "dec_min_deg": _DEC,
            "dec_max_deg": _DEC,
            "aeff_cm2": (0.0, 1e15),
        },
        positive={},
        ordered=(("log10_energy_min_gev", "log10_energy_max_gev"), ("dec_min_deg", "dec_max_deg")),
        grid=("log10_energy_min_gev", "dec_min_deg"),
    ),
    "angular_resolution": Kind(
        {"response": _TEXT} | _floats("log10_enu_min_gev", "log10_enu_max_gev", "median_deg"),
        closed={"log10_enu_min_gev": _LOG10_ENERGY, "log10_enu_max_gev": _LOG10_ENERGY},
        positive={"median_deg": 180.0},
        ordered=(("log10_enu_min_gev", "log10_enu_max_gev"),),
    ),
    "smearing": Kind(
        {"response": _TEXT}
        | _floats(
            *("log10_enu_min_gev", "log10_enu_max_gev", "dec_nu_min_deg", "dec_nu_max_deg"),
            *("log10_energy_min_gev", "log10_energy_max_gev", "psf_min_deg", "psf_max_deg"),
            *("ang_err_min_deg", "ang_err_max_deg", "fraction"),
        ),
        closed={
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
            "fraction": (0.0, 1.0),
        },
        positive={},
        ordered=(
            ("log10_enu_min_gev", "log10_enu_max_gev"),
            ("dec_nu_min_deg", "dec_nu_max_deg"),
        ),
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
    smearing: pa.Table
    angular_resolution: pa.Table = field(default_factory=KINDS["angular_resolution"].empty)


def table(kind: str, columns: dict[str, Any], where: str) -> pa.Table:
    """A checked canonical table.

    Parameters
    ----------
    kind : one of KINDS
    columns : columns of equal length; a string stands for that text in every row
    where : what the table belongs to, for messages

    Raises
    ------
    ReleaseError
        A value is outside its range; the message names `where`, row, column, value and range.
    """
    made = _assemble(kind, columns)
    _validate(kind, made, where, "row", np.arange(1, made.num_rows + 1))
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
    return pa.table({name: pa.array(full[name], type=dtype) for name, dtype in KINDS[kind].columns.items()})


def _validate(kind: str, made: pa.Table, where: str, unit: str, numbers: np.ndarray) -> None:
    from pandera.errors import SchemaErrors

    frame = made.to_pandas()
    try:
        _pandera_schema(kind).validate(frame, lazy=True)
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
def _pandera_schema(kind: str) -> Any:
    import pandera.pandas as pandera

    model = KINDS[kind]
    checks = {name: pandera.Check.in_range(*r, error=f"{r[0]:g} to {r[1]:g}") for name, r in model.closed.items()}
    for name, upper in model.positive.items():
        checks[name] = pandera.Check.in_range(0, upper, include_min=False, error=f"above 0, up to {upper:g}")
    return pandera.DataFrameSchema(
        {name: pandera.Column(nullable=False, checks=checks.get(name)) for name in model.columns},
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


def check_count(path: Path, n_events: int, season: Season, check_counts: bool) -> None:
    """Refuse a season whose number of events is not the published one, if `check_counts`."""
    if season.n_events is None:
        log.info("%s: %d events; no published number is known, so it is not checked", path, n_events)
    elif check_counts and n_events != season.n_events:
        raise ReleaseError(
            f"{path}: season {season.name} has {n_events} events, the release has {season.n_events}. Fetch the file "
            "again; if you know why they differ, set `release.check_counts: false`."
        )


def season_rows(seasons: Sequence[Season], n_events: Sequence[int], times: DetectorTimes) -> pa.Table:
    """The `seasons` table."""
    columns = {
        "season": [season.name for season in seasons],
        "response": [season.response for season in seasons],
        "n_events": n_events,
        "livetime_s": [times.livetime_s[season.name] for season in seasons],
        "span_s": [times.span_s[season.name] for season in seasons],
        "livetime_origin": times.origin,
    }
    return table("seasons", columns, "seasons " + ", ".join(columns["season"]))
