"""Stage: one p-value for a run, corrected for everything it looked at.

The searches of a run (stacks by weighting and index, lists of sources, the hemispheres of the map) look at the same
scrambled skies. Each has a local p-value of the data and of every sky; the share of skies whose smallest one is at
most that of the data is the p-value of the run (Westfall and Young 1993, single step). That of a single search is its
own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.errors import TableError
from nusky.files import finite_or_null
from nusky.search.statistics.posttrial import ranked_minima, smallest_of
from nusky.search.statistics.pvalues import ONE_SIGMA, binomial_interval, sigma_from_p
from nusky.tables import read_metadata, read_table, trace, write_table

MAP = "skymap"
"""Stands for the hypothesis where a search is of the all-sky map."""


def corrected(files: Any, outputs: Any, *, hypotheses: Sequence[str]) -> None:
    """Write `outputs.searches`, one row for each search, and `outputs.skies`, the smallest local p-value of every sky.

    `files.searches` are the tables of the `hypotheses`, in their order; `files.hottest` and `files.hottest_trials`
    those of the map, if there is one. The skies are those that all searches have looked at.
    """
    found = [(name, read_table(path, kind="searches")) for name, path in zip(hypotheses, files.searches, strict=True)]
    inputs = list(files.searches)
    if files.hottest:
        found.append((MAP, _of_map(files.hottest, files.hottest_trials)))
        inputs += [files.hottest, files.hottest_trials]
    rows, ranked = [], []
    for name, table in found:
        data = table.filter(pa.array(table["sky"].to_numpy() == -1)).drop_columns("sky").to_pylist()
        numbers = np.tile(np.arange(-1, len(table) // len(data) - 1), len(data))
        if not np.array_equal(table["sky"].to_numpy(), numbers):
            raise TableError(f"the searches of {name} looked at different skies. Delete their table and run again.")
        rows += [{"hypothesis": name} | row for row in data]
        ranked += list(table["p_ranked"].to_numpy().reshape(len(data), -1))
    n_skies = min(map(len, ranked)) - 1
    every = np.column_stack([own[: n_skies + 1] for own in ranked])
    result = smallest_of(every[0], every[1:].min(axis=1))
    p_run, n_behind = result.p_sources, n_skies
    if len(rows) == 1:  # nothing to correct for, and more skies than the common ones may be behind it
        p_run, n_behind = np.array([rows[0]["p_value"]]), rows[0]["n_trials"]
    low, high = binomial_interval(np.round(p_run * (n_behind + 1)) - 1, n_behind)
    for row, p, p_low, p_high in zip(rows, p_run, low, high, strict=True):
        row |= {"p_run": float(p), "p_run_low": float(p_low), "p_run_high": float(p_high), "n_skies": n_behind}
    provenance = trace(inputs, {"hypotheses": list(hypotheses)})
    write_table(outputs.searches, pa.Table.from_pylist(rows), kind="corrected", provenance=provenance)
    columns = {"sky": np.arange(n_skies), "p_ranked": result.minimal_p}
    write_table(outputs.skies, columns, kind="corrected_skies", provenance=provenance)


def search_rows(search: str, gamma: float, ranked: np.ndarray, p_value: float, n_trials: int) -> pa.Table:
    """Rows of the table "searches": of one search what ranks the data, then every sky.

    Parameters
    ----------
    search : 'stack', 'source' (the most significant of a list), 'population', or a hemisphere of the map
    ranked : (n_skies + 1,) float64
        Local p-values, from fitted tails where the trials do not reach.
    p_value, n_trials : the p-value that the search states by itself, and the skies behind it
    """
    n = len(ranked)
    return pa.table(
        {
            "search": pa.array([search] * n, pa.string()),
            "gamma_fixed": np.full(n, gamma),
            "sky": np.arange(-1, n - 1),
            "p_ranked": ranked,
            "p_value": np.full(n, p_value),
            "n_trials": np.full(n, n_trials),
        }
    )


def _of_map(hottest: Path, trials: Path) -> pa.Table:
    """The hottest spots of the map's hemispheres as searches."""
    gamma = read_metadata(hottest)["settings"]["gamma"]
    spots, skies = read_table(hottest, kind="skymap_hottest"), read_table(trials, kind="skymap_hottest_trials")
    of_skies, made = np.asarray(skies["hemisphere"]), []
    for row in spots.to_pylist():
        scores = skies["tail_score"].to_numpy()[of_skies == row["hemisphere"]]
        own = row["tail_score"] if np.isfinite(row["test_statistic"]) else 0.0
        ranked = ranked_minima(10.0 ** -np.append(own, scores))
        fixed = np.nan if gamma is None else gamma
        made.append(search_rows(row["hemisphere"], fixed, ranked, row["p_post"], row["n_sky_trials"]))
    return pa.concat_tables(made)


def collect(table: Path) -> dict[str, Any]:
    """The entry `corrected` of the summary, from the table "corrected"."""
    searches = read_table(table, kind="corrected").to_pylist()
    best = min(searches, key=lambda row: row["p_ranked"])
    bound = min(1.0, len(searches) * min(row["p_value"] for row in searches))
    return finite_or_null(
        {
            "p_value": best["p_run"],
            "p_low": best["p_run_low"],
            "p_high": best["p_run_high"],
            "p_confidence_level": ONE_SIGMA,
            "significance": float(sigma_from_p(best["p_run"])),
            "n_skies": best["n_skies"],
            "floor": 1 / (best["n_skies"] + 1),
            "bonferroni": bound,
            "bonferroni_ratio": bound / best["p_run"],
            "best": best,
            "searches": searches,
        }
    )
