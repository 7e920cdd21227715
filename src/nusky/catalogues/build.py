"""Join source lists into one catalogue."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from nusky.catalogues.builtin import read_builtin
from nusky.catalogues.crossmatch import duplicates
from nusky.catalogues.sources import CANONICAL, Sources, check, drop_repeats, shared
from nusky.catalogues.times import check_times
from nusky.catalogues.userfile import Reading, read_file
from nusky.catalogues.weights import weight_column
from nusky.config import Catalogue, SourceList
from nusky.errors import CatalogueError


def build_catalogue(catalogue: Catalogue, name: str) -> tuple[pa.Table, dict[str, Any]]:
    """Read, check and join the lists of the catalogue called `name`, in their order.

    Returns
    -------
    sources : one row per source; angles in degrees. Further numeric columns of the lists follow the canonical ones,
        NaN where a list lacks them.
    report : what was read, left out and merged; plain types for JSON.

    Raises
    ------
    CatalogueError : a list cannot be read or used; the message names the catalogue, the file and the row.
    """
    try:
        return _build(catalogue, name)
    except CatalogueError as error:
        raise CatalogueError(f"in config block `catalogues.{name}`: {error}") from None


def _build(catalogue: Catalogue, name: str) -> tuple[pa.Table, dict[str, Any]]:
    of_time = catalogue.time.columns if catalogue.time else {}
    numeric = {weighting.column for weighting in catalogue.weightings.values() if weighting.column} | set(of_time)
    numeric.update(catalogue.spectrum.columns if catalogue.spectrum else [])
    lists, reports = [], []
    for item in catalogue.lists:
        sources = _read(item, numeric, of_time)
        check(sources)
        if catalogue.time:
            check_times(sources, catalogue.time)
        sources, repeated = drop_repeats(sources, numeric)
        lists.append(sources)
        reports.append(_list_report(sources, repeated))
    frame = _join(lists)
    matches = []
    if catalogue.crossmatch_radius_deg is not None:
        matches = _crossmatch(frame, lists, catalogue.crossmatch_radius_deg)
    columns = [*CANONICAL, *(column for column in frame.columns if column not in CANONICAL)]
    table = pa.table({column: frame[column].to_numpy() for column in columns})
    for weighting in catalogue.weightings.values():
        if weighting.column:
            weight_column(table, weighting.column)
    report = {
        "catalogue": name,
        "n_sources": len(frame),
        "lists": reports,
        "missing_flux": {
            "count": sum(len(part["missing_flux"]) for part in reports),
            "names": [source for part in reports for source in part["missing_flux"]],
        },
        "limits": {"flux": int(frame["flux_limit"].sum()), "extension": int(frame["extension_limit"].sum())},
        "crossmatch": {"radius_deg": catalogue.crossmatch_radius_deg, "merged": matches},
        "notes": [f"{sources.label}: {note}" for sources in lists for note in sources.notes],
    }
    return table, report


def _read(item: SourceList, numeric: set[str], times: dict[str, str]) -> Sources:
    if item.builtin:
        return read_builtin(item.builtin, item.label or item.builtin)
    path = Path(item.file)
    stated = Reading(item.table, item.format, item.unit, item.frame)
    return read_file(path, item.columns, item.label or path.name.split(".")[0], numeric, stated, times)


def _join(lists: list[Sources]) -> pd.DataFrame:
    label, uses = Counter(sources.label for sources in lists).most_common(1)[0]
    if uses > 1:
        raise CatalogueError(f"two lists are called '{label}'. Give one of them another `label`.")
    parts = [sources.frame.assign(origin=sources.label) for sources in lists]
    frame = pd.concat(parts, ignore_index=True).assign(duplicate_of=np.int32(-1))
    for column in frame.columns:
        if column.endswith("_limit"):  # of a column that other lists have without limits, or not at all
            frame[column] = frame[column].eq(True)
    return frame


def _crossmatch(frame: pd.DataFrame, lists: list[Sources], radius_deg: float) -> list[dict[str, Any]]:
    list_index = np.repeat(np.arange(len(lists)), [len(sources.frame) for sources in lists])
    extension = frame["extension_deg"].where(~frame["extension_limit"].astype(bool), 0.0).fillna(0.0)
    positions = (frame[name].to_numpy() for name in ("ra_deg", "dec_deg"))
    duplicate_of, separation_deg = duplicates(*positions, extension.to_numpy(), list_index, radius_deg)
    frame["duplicate_of"] = duplicate_of
    names = frame["name"]
    return [
        {
            "source": names[row],
            "duplicate_of": names[duplicate_of[row]],
            "separation_deg": round(float(separation_deg[row]), 6),
        }
        for row in np.flatnonzero(duplicate_of >= 0)
    ]


def _list_report(sources: Sources, repeated: list[str]) -> dict[str, Any]:
    frame = sources.frame
    same_name = [names[0] for names in shared(frame, ["name"])]
    return {
        "label": sources.label,
        "source": sources.where,
        "understood": sources.understood,
        "n_sources": len(frame),
        "has_flux": sources.has_flux,
        "missing_flux": frame["name"][frame["flux"].isna()].tolist() if sources.has_flux else [],
        "repeated_rows_left_out": repeated,
        "same_name_kept": same_name,
        "same_position_kept": shared(frame, ["ra_deg", "dec_deg"]),
    }
