"""One list of sources in nusky's own columns, and the checks every list has to pass."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import pandera.pandas as pandera

from nusky.errors import CatalogueError

CANONICAL = (
    "name",
    "ra_deg",
    "dec_deg",
    "extension_deg",
    "extension_limit",
    "flux",
    "flux_limit",
    "origin",
    "duplicate_of",
)
"""Columns of every catalogue; further columns are numbers a list has beyond these."""

MAX_NAME = 200
"""Longest name of a source, in characters."""
_MISSING = "is missing"
_SCHEMA = pandera.DataFrameSchema(
    {
        "name": pandera.Column(
            str,
            [
                pandera.Check.str_length(min_value=1, error=_MISSING),
                pandera.Check.str_length(max_value=MAX_NAME, error=f"is longer than {MAX_NAME} characters"),
                pandera.Check(lambda names: names.map(str.isprintable), error="holds control characters"),
            ],
        ),
        "ra_deg": pandera.Column(
            float, pandera.Check.in_range(0, 360, error="must lie in 0 to 360 degrees (add 360 to a negative RA)")
        ),
        "dec_deg": pandera.Column(float, pandera.Check.in_range(-90, 90, error="must lie in -90 to 90 degrees")),
        "extension_deg": pandera.Column(
            float, pandera.Check.in_range(0, 180, error="must lie in 0 to 180 degrees; 0 for a point-like source")
        ),
        "flux": pandera.Column(
            float,
            pandera.Check(lambda flux: flux.abs() < float("inf"), error="must be finite; leave it empty if unknown"),
            nullable=True,
        ),
    }
)


@dataclass(frozen=True)
class Sources:
    """A list of sources as read: `frame` is indexed by the row in the file, 1 being the first row of data."""

    label: str
    where: str
    """What messages call the list: its file or its built-in name."""
    frame: pd.DataFrame
    """The canonical columns up to `flux_limit`, then further float64 columns."""
    has_flux: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    """The file's own name of a canonical column, where it differs."""
    notes: tuple[str, ...] = ()
    understood: str | None = None
    """How unit and frame of a file's coordinates were understood, with its first row."""


def check(sources: Sources) -> None:
    """Raise CatalogueError unless every row has a name, a position on the sky and a usable extension and flux."""
    try:
        _SCHEMA.validate(sources.frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        failures = error.failure_cases.sort_values("index", kind="stable")
        raise CatalogueError(_explain(sources, failures)) from None


def _explain(sources: Sources, failures: pd.DataFrame) -> str:
    lines = []
    for case in failures.head(5).itertuples():
        header = sources.headers.get(case.column, case.column)
        if case.check in ("not_nullable", _MISSING):
            problem = f"{header} is missing; give it"
        else:
            problem = f"{header} = {shown(case.failure_case)} {case.check}"
        lines.append(f"row {case.index}: {problem}")
    if len(failures) > len(lines):
        lines.append(f"and {len(failures) - len(lines)} more")
    return f"{sources.where}: " + "; ".join(lines) + "."


def shown(value: Any) -> str:
    """A value on one line of bounded length; only text can need that."""
    text = str(value)
    return text if text.isprintable() and len(text) <= 50 else f"{text[:50]!r}..."


def drop_repeats(sources: Sources, needed: Collection[str] = ()) -> tuple[Sources, list[str]]:
    """Keep the first of rows with the same name and position; the names of the rows left out come second.

    Rows that differ in other columns are noted.

    Raises
    ------
    CatalogueError
        They differ in their extension or in a `needed` column: no row may decide for the others.
    """
    frame, key = sources.frame, ["name", "ra_deg", "dec_deg"]
    repeated = frame.duplicated(key)
    if not repeated.any():
        return sources, []
    groups = frame[frame.duplicated(key, keep=False)].groupby(key, sort=False)
    varying = groups.nunique(dropna=False) > 1
    differing = [column for column in varying.columns if varying[column].any()]
    decisive = [c for c in differing if c in needed or c.removesuffix("_limit") in needed or c.startswith("extension_")]
    names = [index[0] for index in varying.index[varying[decisive or differing].any(axis=1)]] if differing else []
    if decisive:
        headers = ", ".join(sources.headers.get(column, column) for column in decisive)
        raise CatalogueError(
            f"{sources.where}: rows of the same name and position differ in {headers}: {', '.join(names[:5])}"
            f"{' ...' if len(names) > 5 else ''}. Write one row for each source, with the sum or mean that is meant, "
            "or give rows that are different sources different names."
        )
    notes = sources.notes
    if differing:
        notes += (
            f"Repeated rows left out although they differ in {', '.join(differing)}, the first counts: "
            f"{', '.join(names[:20])}{' ...' if len(names) > 20 else ''}.",
        )
    return replace(sources, frame=frame[~repeated], notes=notes), frame["name"][repeated].tolist()


def shared(frame: pd.DataFrame, by: list[str]) -> list[list[str]]:
    """Names of the sources that agree in the columns `by`, one list per group of two or more."""
    common = frame[frame.duplicated(by, keep=False)]
    return [group["name"].tolist() for _, group in common.groupby(by, sort=False)]
