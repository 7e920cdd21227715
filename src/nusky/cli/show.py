"""`nusky show`: any result as a table in the terminal, with where it comes from and how it was made."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nusky.cli import console
from nusky.conventions import FLUENCE, IN_WINDOW, PARAMETERS

_FROM_TRIALS = {
    "p_local": ("< ", "p_local", "n_trials"),
    "p_post": ("< ", "p_post", "n_sky_trials"),
    "significance": ("> ", "p_local", "n_trials"),
    "significance_post": ("> ", "p_post", "n_sky_trials"),
}
"""p-values from trials, and what is made of them: the sign where no trial was as extreme, p-value and trials."""
_SHORT = {
    "number": "no.",
    "name": "name",
    "catalogue": "catalogue",
    "weighting": "weights",
    "test_statistic": "TS",
    "n_signal": "n_s",
    "p_local": "p local",
    "p_post": "p post",
    "limit_e2dnde_100tev_gev_cm2_s": "UL 100 TeV",
    FLUENCE: "UL fluence",
    "limit_n_signal": "UL n_s",
    "limit_gamma": "UL gamma",
    "gamma": "gamma",
    **{key: key for key in PARAMETERS},
    "ra_deg": "ra_deg",
    "dec_deg": "dec_deg",
}
"""The columns of results and their names on a terminal, the most wanted first; UL: upper limit."""
_ELSEWHERE = ("kind", "columns", "n_rows", "settings", "inputs")
"""Provenance that is shown in a place of its own."""


def show(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT", help="Table (.parquet) or JSON file of a run, or its folder.")
    ],
    rows: Annotated[int, typer.Option(min=0, help="Number of rows to show.")] = 20,
    columns: Annotated[str | None, typer.Option(help="Columns to show, separated by commas; all that fit.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write the whole table as CSV, numbers in full.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print provenance and run log as JSON, without the rows.")
    ] = False,
) -> None:
    """Print a result: its rows, what it was made from, and when, where and by which job.

    \b
    Examples:
      nusky show results/demo/summary.json
      nusky show results/demo/standard/limits/wcda-hess/flux.parquet
      nusky show results/demo/seasons.parquet --columns season,n_events
      nusky show results/demo/sources/wcda-hess.parquet --csv > sources.csv
    """
    from nusky.errors import NuskyError
    from nusky.paths import summary_of
    from nusky.stages import run_log

    if result.is_dir() or not result.suffix:
        result = summary_of(result)
    if result.suffix == ".parquet":
        _table(result, rows, columns.split(",") if columns else None, csv, json, run_log.find(result))
    elif result.suffix == ".json":
        if csv or columns:
            raise NuskyError(f"{result}: --csv and --columns are for tables (.parquet), this is JSON.")
        _json(result, rows, json, run_log.find(result))
    else:
        raise NuskyError(f"{result}: cannot be shown. Give a .parquet table, a .json file or the folder of a run.")


def _table(path: Path, rows: int, columns: list[str] | None, csv: bool, json: bool, log: dict[str, Any] | None) -> None:
    from nusky.tables import read_metadata, read_table

    provenance = read_metadata(path)
    if json:
        console.as_json({"provenance": provenance, "run_log": log})
        return
    table = read_table(path, kind=provenance["kind"], columns=columns)
    if csv:
        console.as_csv(table)
        return
    console.heading(f"{provenance['kind']}: {table.num_rows} rows, {table.num_columns} columns")
    left_out = console.grid(_shown(path, provenance, table, rows))
    if left_out:
        console.say(f"further columns (--columns shows them): {', '.join(left_out)}")
    if rows < table.num_rows:
        console.say(f"{table.num_rows - rows} more rows (--rows)")
    console.section("provenance")
    told = {key: value for key, value in provenance.items() if key not in _ELSEWHERE}
    if provenance["synthetic"]:
        told["synthetic"] = "True: generated events are behind it, no number is a measurement"
    told["seeds"] = ", ".join(map(str, provenance.get("seeds", []))) or "none: nothing random"
    console.pairs(told)
    for key in ("settings", "inputs"):
        if provenance[key]:
            console.pairs({key: ""})
            console.pairs(provenance[key], indent=4)
    _run_log(log)


def _shown(path: Path, provenance: dict[str, Any], table: Any, n: int) -> list[dict[str, Any]]:
    """The first rows, with p-values that are the smallest their trials can give as what they are: upper limits."""
    from nusky.probability import at_floor
    from nusky.tables import read_table

    rows = table.slice(0, n).to_pylist()
    columns = provenance.get("columns", {}).keys()
    known = {key: names for key, names in _FROM_TRIALS.items() if {key, *names[1:]} <= columns}
    needed = sorted({name for names in known.values() for name in names[1:]})
    behind = read_table(path, kind=provenance["kind"], columns=needed).slice(0, n).to_pylist() if needed else rows
    for row, other in zip(rows, behind, strict=True):
        for key, (sign, p_value, n_trials) in known.items():
            if key in row and other[p_value] is not None and at_floor(other[p_value], other[n_trials]):
                row[key] = sign + console.cell(row[key])
    return rows


def _json(path: Path, rows: int, json: bool, log: dict[str, Any] | None) -> None:
    from nusky.files import read_json

    content = read_json(path)
    if json:
        console.as_json({"content": content, "run_log": log})
    elif {"methods", "tables_sha256"} <= content.keys():
        _summary(content, rows)
        _run_log(log)
    else:
        console.as_json(content)


def _summary(summary: dict[str, Any], rows: int) -> None:
    """What was found, then how it was made."""
    _results(summary, rows)
    _scans(summary, rows)
    if summary.get("bdm"):
        console.section(f"boosted dark matter of {summary['bdm']['supernova']}")
        console.grid(
            [
                {"published": n["published"], "standard": n["standard"], "quantity": n["quantity"], "unit": n["unit"]}
                for n in summary["bdm"]["numbers"].values()
            ]
        )
    console.section(f"run {summary['run']}")
    told = {"release": summary["release"], "seasons": ", ".join(summary["seasons"]), "n_events": summary["n_events"]}
    if summary["livetime_days"] is not None:
        told["livetime_days"] = f"{summary['livetime_days']:.2f}"
    if summary["synthetic"]:
        told["synthetic"] = "generated events are behind it, no number is a measurement"
    told |= {"seed": summary["seed"], "git_revision": summary["git_revision"]}
    told["config_hash"] = f"{summary['config_hash'][:16]} (--json: all of it)"
    told["versions"] = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    told["tables"] = len(summary["tables_sha256"])
    told["warning"] = " ".join(summary.get("warnings", []))
    console.pairs({key: value for key, value in told.items() if value not in (None, "")})


def _scans(summary: dict[str, Any], rows: int) -> None:
    """Scans and single sources of directions alone, of `standard` where no likelihood says it better."""
    from nusky.report.numbers import index_cell

    for method, catalogues in summary["methods"].items():
        inferred = {name for name, found in catalogues.items() if found.get("inference")}
        stacks = [
            {"catalogue": name, "weights": weighting, "gamma": index_cell(gamma)}
            | {"TS": stack["ts_max"], "n_s": stack["n_signal_at_max"], "n_src": stack["n_sources"]}
            | {"UL95 E2dN/dE": stack["ul95_e2dnde_100tev_gev_cm2_s"]}
            for name, found in catalogues.items()
            for weighting, by_gamma in found["stacking"].items()
            if weighting not in (found.get("inference") or {"stacks": ()})["stacks"]
            for gamma, stack in by_gamma.items()
        ]
        if stacks:
            console.section(f"flux scans of directions alone, {method} method")
            console.say("UL95: limit on E2 dN/dE at 100 TeV, one flavour, in GeV cm^-2 s^-1")
            console.grid([{key: _short(value) for key, value in row.items()} for row in stacks])
        for name, found in catalogues.items():
            best = sorted(found["single_sources"], key=lambda source: -(source["ts_max"] or 0))[: min(rows, 5)]
            if best and name not in inferred and (method == "standard" or "standard" not in summary["methods"]):
                console.section(f"largest TS of the {len(found['single_sources'])} sources of {name}, {method} method")
                console.grid(
                    [{key: s[key] for key in ("name", "ra_deg", "dec_deg", "ts_max", "ns_best")} for s in best]
                )


def _short(value: Any) -> Any:
    """A number with four digits, which is more than any of these is known to."""
    from nusky.report.numbers import Probability

    is_plain = isinstance(value, float) and not isinstance(value, Probability)
    return float(f"{value:.4g}") if is_plain else value


def _results(summary: dict[str, Any], rows: int) -> None:
    """The verdict, and the stacks, sources and hot spots it is about."""
    from nusky.report.numbers import cell_of
    from nusky.report.rows import source_rows, spot_rows, stack_rows
    from nusky.report.verdict import verdict

    found = verdict(summary)
    console.heading(found.headline)
    for sentence in filter(None, (found.p_sentence, found.limit_sentence)):
        console.prose(sentence)
    inferred = {name: source_rows(summary, name) for name in summary["methods"].get("standard") or {}}
    tables = {"stacks, p-values and limits": [row for row in stack_rows(summary) if row["p_local"] is not None]}
    tables |= {f"sources of {name}": own for name, own in inferred.items() if own and "p_local" in own[0]}
    tables["hot spots of the sky"] = spot_rows(summary)
    explained = False
    for title, own in tables.items():
        if own:
            console.section(title if len(own) <= rows else f"{title}: the first {rows} of {len(own)} (--rows)")
            columns = {key: short for key, short in _SHORT.items() if any(row.get(key) is not None for row in own)}
            if not explained and any(key.startswith("limit_") for key in columns):
                explained = True
                console.say("UL: upper limit; at 100 TeV on E2 dN/dE of one flavour, in GeV cm^-2 s^-1")
                if FLUENCE in columns:
                    console.say(f"  {IN_WINDOW}; fluence: E2 times the flux integrated over time, in GeV cm^-2")
            shown = [{key: cell_of(row, key) for key in columns} for row in own[:rows]]
            console.grid(
                [{columns[k]: v if k.endswith("_deg") else _short(v) for k, v in row.items()} for row in shown]
            )


def _run_log(log: dict[str, Any] | None) -> None:
    console.say()
    if log is None:
        console.say("run log: none beside this file")
        return
    console.heading("run log (changes no number)")
    console.pairs({key: value for key, value in log.items() if key != "outputs" and value is not None})
