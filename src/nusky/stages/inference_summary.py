"""What the summary says of the standard inference of one catalogue (format: docs/inference.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nusky.files import finite_or_null
from nusky.stages.figures import first_fit
from nusky.tables import read_metadata, read_table

_EVENTS = ("method", "confidence_level", "n_signal", "n_signal_error", "n_signal_low")
_FLUXES = (
    "phi0_per_gev",
    "e2dnde_100tev_gev_cm2_s",
    "duration_s",
    "e2_fluence_100tev_gev_cm2",
    "energy_min_gev",
    "energy_max_gev",
)
_HOW = ("injection", "problem")
_STATEMENT_KEYS = (
    *_EVENTS,
    "threshold_ts",
    "n_trials",
    "extrapolated",
    *_FLUXES,
    "flavours",
    "pivot_energy_gev",
    "diffuse_share_100tev",
    *_HOW,
)
_LIMIT_KEYS = ("origin", "gamma", *_EVENTS, "n_trials", *_FLUXES, *_HOW)
_POPULATION_KEYS = (
    "k_best",
    "p_k_best",
    "p_binomial_best",
    "p_max",
    "p_post",
    "p_post_low",
    "p_post_high",
    "significance_post",
    "n_sky_trials",
)
_CHECKS = {
    "differential": "differential",
    "recovery": "injection_recovery",
    "coverage": "coverage",
    "systematics": "systematics",
}
"""Tables that a configuration may leave out, with their kinds."""


def collect(
    stacks: Mapping[str, Mapping[str, Path]], sources: Mapping[str, Path] | None, windows: Path | None = None
) -> dict[str, Any]:
    """The inference of one catalogue from the tables of its stacks, by weighting, of its sources if searched, and of
    their `windows` in time if they have some."""
    first = next(iter(stacks.values()), sources)
    settings = read_metadata(first["fits"])["settings"]
    found = {
        "analysis": settings["analysis"],
        "time": settings.get("time"),
        "windows": read_table(windows, kind="windows").to_pylist() if windows else [],
        "windows_outside_seasons": settings.get("windows_outside_seasons", []),
        "stacks": {weighting: _stack(tables) for weighting, tables in stacks.items()},
        "sources": _sources(sources) if sources else None,
    }
    return finite_or_null(found)


def _stack(tables: Mapping[str, Path]) -> dict[str, Any]:
    fits = read_table(tables["fits"], kind="stack_fits").to_pylist()
    statements: dict[str, dict[str, Any]] = {}
    for row in read_table(tables["statements"], kind="statements").to_pylist():
        by_name = statements.setdefault(str(row["gamma"]), {})
        by_name[row["statement"].replace(" ", "_")] = {key: row[key] for key in _STATEMENT_KEYS}
    sources = read_table(tables["sources"], kind="stack_sources").to_pylist()
    return {"fits": fits, "statements": statements, "sources": sources, **_checks(tables)}


def _checks(tables: Mapping[str, Path]) -> dict[str, list[dict[str, Any]]]:
    return {name: read_table(tables[name], kind=kind).to_pylist() for name, kind in _CHECKS.items() if name in tables}


def _sources(tables: Mapping[str, Path]) -> dict[str, Any]:
    fits = read_table(tables["fits"], kind="source_fits")
    compared = first_fit(fits).to_pylist()
    best = min(compared, key=lambda row: row["p_local"])
    limits: dict[str, list[dict[str, Any]]] = {}
    hadronic: list[dict[str, Any]] = []
    if "limits" in tables:
        for row in read_table(tables["limits"], kind="source_limits").to_pylist():
            limits.setdefault(row["name"], []).append({key: row[key] for key in _LIMIT_KEYS})
        hadronic = read_table(tables["hadronic"], kind="hadronic_limits").to_pylist()
    flares = {"flares": read_table(tables["flares"], kind="flares").to_pylist()} if "flares" in tables else {}
    return {
        "best": best,
        "fits": fits.to_pylist(),
        "population": _population(tables["population"]),
        "limits": limits,
        "hadronic": hadronic,
        **flares,
        **_checks(tables),
    }


def _population(path: Path) -> list[dict[str, Any]]:
    """The binomial test of a list of sources, by index."""
    rows = read_table(path, kind="population", columns=("gamma_fixed", "k", "name", *_POPULATION_KEYS)).to_pylist()
    first = [row for row in rows if row["k"] == 1]
    found = []
    for row in first:
        same = [own for own in rows if own["gamma_fixed"] == row["gamma_fixed"] or len(first) == 1]
        named = [own["name"] for own in same if own["k"] <= row["k_best"]]
        kept = {key.removesuffix("_best"): row[key] for key in _POPULATION_KEYS}
        found.append({"gamma_fixed": row["gamma_fixed"], "n_sources": len(same), **kept, "names": named})
    return found
