"""Stage: everything a run found, in one JSON file (format: docs/summary.md)."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nusky.files import finite_or_null, read_json, sha256, write_json
from nusky.releases import registry
from nusky.revision import revision
from nusky.stages import bdm_summary, inference_summary, skymap_summary
from nusky.tables import read_columns, read_metadata, read_table, settings_digest

_VERSIONS = ("nusky", "numpy", "scipy", "numba", "astropy", "pyarrow", "snakemake")
_STACK_COLUMNS = (
    "n_sources",
    "ns_per_phi0_ev",
    "ns_per_phi0_gev",
    "ts_max",
    "phi0_at_max_per_ev",
    "n_signal_at_max",
    "phi0_ul95_per_ev",
    "ul95_e2dnde_100tev_gev_cm2_s",
)
_RENAMED = {"ns_per_phi0_ev": "ns_per_phi0_per_ev", "ns_per_phi0_gev": "ns_per_phi0_per_gev"}


def summarise(
    *,
    configuration: Mapping[str, Any],
    seasons: Path | None,
    catalogue_reports: Mapping[str, Path],
    limits: Mapping[tuple[str, str, str], Path],
    singles: Mapping[tuple[str, str], Path],
    output: Path,
    inference: Mapping[str, Mapping[str, Any]] | None = None,
    bdm: Path | None = None,
    skymap: Mapping[str, Path] | None = None,
    tables: Sequence[Path] = (),
) -> None:
    """Collect the results of a run.

    Parameters
    ----------
    configuration : the whole configuration as nested dictionaries
    seasons : table "seasons"; None for a run without a search
    limits : limits tables by (method, catalogue, weighting)
    singles : single-source tables by (method, catalogue)
    inference : tables of the standard inference by catalogue (`nusky.stages.inference_summary`)
    bdm : table "bdm_numbers"; None for a run without boosted dark matter
    skymap : tables "skymap_spots" and "skymap_hottest" as `spots` and `hottest`; None for a run without a sky map
    tables : every table of the run; their SHA-256 are recorded
    """
    methods: dict[str, Any] = {
        method: {catalogue: {"stacking": {}, "single_sources": [], "notes": []} for catalogue in catalogue_reports}
        for method in configuration["methods"]
    }
    for (method, catalogue, weighting), path in limits.items():
        entry = methods[method][catalogue]
        entry["stacking"][weighting] = _stacks(path)
        notes = read_metadata(path)["settings"]["notes"]
        entry["notes"] += [f"{weighting}: {note}" for note in notes]
    for (method, catalogue), path in singles.items():
        methods[method][catalogue]["single_sources"] = _sources(path)
    for catalogue, found in (inference or {}).items():
        methods["standard"][catalogue]["inference"] = inference_summary.collect(found)
    write_json(
        output,
        {
            "run": configuration["run"],
            **_events(configuration["release"]["name"], seasons),
            "versions": {name: version(name) for name in _VERSIONS},
            "git_revision": revision(),
            "config_hash": settings_digest(configuration),
            "seed": configuration["seed"],
            "methods": methods,
            "bdm": None if bdm is None else bdm_summary.collect(bdm, configuration["bdm"]),
            "skymap": skymap_summary.collect(skymap) if skymap else None,
            "catalogues": {name: read_json(path) for name, path in catalogue_reports.items()},
            "tables_sha256": {path: sha256(path) for path in sorted(map(str, tables))},
        },
    )


def _events(release_name: str, seasons: Path | None) -> dict[str, Any]:
    """What the summary says of the events; null where a run searches none."""
    if seasons is None:
        missing = dict.fromkeys(("release", "release_title", "citation", "livetime_days"))
        return {**missing, "seasons": [], "n_events": 0, "synthetic": False}
    release = registry.find(release_name)
    names, n_events, livetime = read_columns(seasons, kind="seasons", columns=("season", "n_events", "livetime_s"))
    return {
        "release": release.name,
        "release_title": release.title,
        "citation": release.citation,
        "seasons": [str(name) for name in names],
        "n_events": int(np.sum(n_events)),
        "synthetic": bool(read_metadata(seasons)["synthetic"]),
        "livetime_days": float(np.sum(livetime) / 86400),
    }


def _stacks(path: Path) -> dict[str, dict[str, Any]]:
    rows = read_table(path, kind="limits", columns=("gamma", *_STACK_COLUMNS)).to_pylist()
    return {str(row["gamma"]): {_RENAMED.get(k, k): finite_or_null(row[k]) for k in _STACK_COLUMNS} for row in rows}


def _sources(path: Path) -> list[dict[str, Any]]:
    columns: Sequence[str] = ("name", "origin", "ra_deg", "dec_deg", "n_band", "ts_max", "ns_best")
    return finite_or_null(read_table(path, kind="single_sources", columns=columns).to_pylist())
