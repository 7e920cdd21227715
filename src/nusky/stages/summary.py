"""Stage: everything a run found, in one JSON file (format: docs/summary.md)."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from nusky.config import Release, parse
from nusky.errors import TableError
from nusky.files import finite_or_null, read_json, sha256, write_json
from nusky.releases import registry
from nusky.report.verdict import hadronic_fractions
from nusky.revision import revision
from nusky.stages import bdm_summary, corrected, inference_summary, origins, skymap_summary
from nusky.stages.contents import Contents
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
    "energy_min_gev",
    "energy_max_gev",
)
_RENAMED = {"ns_per_phi0_ev": "ns_per_phi0_per_ev", "ns_per_phi0_gev": "ns_per_phi0_per_gev"}


def summarise(configuration: Mapping[str, Any], output: Path) -> None:
    """Collect the results of the run of a `configuration`, from its files.

    Raises
    ------
    TableError
        A table is missing, damaged, or another one than the job wrote that made it.
    """
    contents = Contents(parse(configuration))
    paths, cfg = contents.paths, contents.cfg
    tables = sorted(contents.tables())
    strangers = origins.strangers(Path(), paths.root, tables)
    if strangers.changed:
        raise TableError(
            f"{', '.join(strangers.changed)}: not what a job of this run wrote there: a table of another run, or "
            "changed. Delete it and run again."
        )
    code = origins.code(map(Path, tables))
    methods: dict[str, Any] = {
        method: {catalogue: {"stacking": {}, "single_sources": [], "notes": []} for catalogue in cfg.catalogues}
        for method in cfg.methods
    }
    for names in contents.by_method(contents.stacks):
        entry, path = methods[names["method"]][names["catalogue"]], paths.limits.format(**names)
        entry["stacking"][names["weighting"]] = _stacks(path)
        entry["notes"] += [f"{names['weighting']}: {note}" for note in read_metadata(path)["settings"]["notes"]]
    for names in contents.by_method(contents.singles):
        methods[names["method"]][names["catalogue"]]["single_sources"] = _sources(paths.single.format(**names))
    for catalogue in cfg.inferred:
        stacks = {
            names["weighting"]: contents.inference_tables[names["hypothesis"]]
            for names in contents.of_kind("stack")
            if names["catalogue"] == catalogue
        }
        sources = contents.inference_tables.get(f"sources/{catalogue}")
        known = {"catalogue": catalogue} in contents.windowed
        windows = paths.windows.format(catalogue=catalogue) if known else None
        methods["standard"][catalogue]["inference"] = inference_summary.collect(stacks, sources, windows)
    write_json(
        output,
        {
            "run": cfg.run,
            "hadronic_fractions": hadronic_fractions({"methods": methods}),
            **_events(cfg.release, paths.seasons if cfg.catalogues else None),
            "versions": {name: version(name) for name in _VERSIONS},
            "git_revision": revision(),
            "config_hash": settings_digest(configuration),
            "configuration": cfg.model_dump(mode="json", exclude={"figures"}, exclude_unset=True),
            "seed": cfg.seed,
            "corrected": corrected.collect(Path(paths.corrected)) if contents.corrected else None,
            "methods": methods,
            "bdm": bdm_summary.collect(paths.bdm_numbers, configuration["bdm"]) if cfg.bdm else None,
            "skymap": skymap_summary.collect(contents.skymap_tables) if cfg.skymap else None,
            "catalogues": {name: read_json(paths.sources_report.format(catalogue=name)) for name in cfg.catalogues},
            "tables_sha256": {path: sha256(path) for path in tables},
            "code": code,
            "warnings": origins.warnings(code, strangers.unaccounted),
        },
    )


def _events(settings: Release, seasons: str | None) -> dict[str, Any]:
    """What the summary says of the events; null where a run searches none."""
    if seasons is None:
        missing = dict.fromkeys(("release", "release_title", "citation", "livetime_days"))
        return {**missing, "not_stated": [], "seasons": [], "n_events": 0, "synthetic": False}
    release = registry.of(settings)
    names, n_events, livetime = read_columns(seasons, kind="seasons", columns=("season", "n_events", "livetime_s"))
    return {
        "release": release.name,
        "release_title": release.title,
        "citation": release.citation,
        "not_stated": settings.not_stated,
        "seasons": [str(name) for name in names],
        "n_events": int(np.sum(n_events)),
        "synthetic": bool(read_metadata(seasons)["synthetic"]),
        "livetime_days": float(np.sum(livetime) / 86400),
    }


def _stacks(path: str) -> dict[str, dict[str, Any]]:
    rows = read_table(path, kind="limits", columns=("gamma", *_STACK_COLUMNS)).to_pylist()
    return {str(row["gamma"]): {_RENAMED.get(k, k): finite_or_null(row[k]) for k in _STACK_COLUMNS} for row in rows}


def _sources(path: str) -> list[dict[str, Any]]:
    columns: Sequence[str] = ("name", "origin", "ra_deg", "dec_deg", "n_band", "ts_max", "ns_best")
    return finite_or_null(read_table(path, kind="single_sources", columns=columns).to_pylist())
