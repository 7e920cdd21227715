"""Stage: everything a run found, in one JSON file (format: docs/summary.md)."""

import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nusky.files import read_json, sha256, write_json
from nusky.releases import registry
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
    seasons: Path,
    catalogue_reports: Mapping[str, Path],
    limits: Mapping[tuple[str, str, str], Path],
    singles: Mapping[tuple[str, str], Path],
    output: Path,
) -> None:
    """Collect the results of a run.

    Parameters
    ----------
    configuration : the whole configuration as nested dictionaries
    limits : limits tables by (method, catalogue, weighting)
    singles : single-source tables by (method, catalogue)
    """
    release = registry.find(configuration["release"]["name"])
    names, n_events, livetime = read_columns(seasons, kind="seasons", columns=("season", "n_events", "livetime_s"))
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
    write_json(
        output,
        {
            "run": configuration["run"],
            "release": release.name,
            "release_title": release.title,
            "citation": release.citation,
            "seasons": [str(name) for name in names],
            "n_events": int(np.sum(n_events)),
            "synthetic": bool(read_metadata(seasons)["synthetic"]),
            "livetime_days": float(np.sum(livetime) / 86400),
            "versions": {name: version(name) for name in _VERSIONS},
            "git_revision": _git_revision(),
            "config_hash": settings_digest(configuration),
            "seed": configuration["seed"],
            "methods": methods,
            "catalogues": {name: read_json(path) for name, path in catalogue_reports.items()},
            "tables_sha256": {str(path): sha256(path) for path in [*limits.values(), *singles.values()]},
        },
    )


def _stacks(path: Path) -> dict[str, dict[str, Any]]:
    rows = read_table(path, kind="limits", columns=("gamma", *_STACK_COLUMNS)).to_pylist()
    return {str(row["gamma"]): {_RENAMED.get(k, k): _number(row[k]) for k in _STACK_COLUMNS} for row in rows}


def _sources(path: Path) -> list[dict[str, Any]]:
    columns: Sequence[str] = ("name", "origin", "ra_deg", "dec_deg", "n_band", "ts_max", "ns_best")
    return [
        {key: _number(value) for key, value in row.items()}
        for row in read_table(path, kind="single_sources", columns=columns).to_pylist()
    ]


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _git_revision() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
