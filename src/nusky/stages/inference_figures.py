"""Figure stage of the standard inference: tables in, figure files out.

Where the spectral index is fixed at several values, the first one is drawn.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nusky.config import Figures
from nusky.tables import read_metadata, read_table

PathLike = str | os.PathLike[str]
KINDS = (
    "background_ts",
    "p_values",
    "source_limits",
    "sensitivity",
    "differential",
    "differential_sensitivity",
    "recovery",
    "coverage",
    "source_recovery",
    "source_coverage",
)
_CHECKS = ("recovery", "coverage")
_METHOD = "standard"


def draw(
    *,
    tables: Mapping[str, Mapping[str, Any]],
    trials: Sequence[PathLike],
    n_batches: int,
    sensitivity: Sequence[PathLike],
    outputs: Mapping[str, Sequence[PathLike]],
    release: str,
    options: Figures,
) -> None:
    """Draw the inference of all catalogues.

    Parameters
    ----------
    tables : by catalogue: `stacks`, the tables of every weighting, and `sources`, those of the single sources
    trials : batches of trials, `n_batches` for each weighting of each catalogue
    sensitivity : tables over declination: of the sensitivity and of the differential one, where there are any
    outputs : figure files by kind, in the order of the tables, every figure in all its formats
    """
    files = {kind: _in_groups(outputs[kind], len(options.formats)) for kind in KINDS}
    batches = _in_groups(trials, n_batches)
    for catalogue, of_catalogue in tables.items():
        for weighting, of_stack in of_catalogue["stacks"].items():
            _background_ts(
                next(batches), of_stack["fits"], (catalogue, weighting), next(files["background_ts"]), options
            )
            if "differential" in of_stack:
                title = (f"{catalogue}, {weighting} weights", _setting(of_stack["differential"], "analysis"))
                _differential(of_stack["differential"], title, next(files["differential"]), options)
            _checks(of_stack, "", files, options)
        if of_catalogue["sources"]:
            _p_values(of_catalogue["sources"]["fits"], catalogue, next(files["p_values"]), options)
            _source_limits(of_catalogue["sources"]["limits"], catalogue, next(files["source_limits"]), options)
            _checks(of_catalogue["sources"], "source_", files, options)
    for path, kind in zip(sensitivity, ("sensitivity", "differential_sensitivity"), strict=False):
        if kind == "sensitivity":
            _sensitivity(path, release, next(files[kind]), options)
        else:
            _differential(path, (release, _setting(path, "analysis")), next(files[kind]), options)


def _in_groups(paths: Sequence[PathLike], size: int) -> Iterator[tuple[PathLike, ...]]:
    return zip(*[iter(paths)] * size, strict=True)


def _background_ts(
    batches: Sequence[PathLike],
    fits: PathLike,
    names: tuple[str, str],
    outputs: Sequence[PathLike],
    options: Figures,
) -> None:
    from nusky.figures import background_ts, canvas

    fit = read_table(fits, kind="stack_fits").to_pylist()[0]
    every = pa.concat_tables([read_table(path, kind="stack_trials") for path in batches])
    fixed, analysis = fit["gamma_fixed"], _setting(fits, "analysis")
    free = fixed != fixed
    figure = background_ts.background_ts(
        every if free else every.filter(pc.equal(every["gamma_fixed"], fixed)),
        title=(f"{_METHOD} method", *names, analysis + ("" if free else f", γ = {fixed:g}")),
        observed=fit["test_statistic"],
        note=f"p = {fit['p_local']:.2g}",
        synthetic=_synthetic(fits),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def _p_values(fits: PathLike, catalogue: str, outputs: Sequence[PathLike], options: Figures) -> None:
    from nusky.figures import canvas, p_values

    table = first_fit(read_table(fits, kind="source_fits"))
    best = pc.min_max(table["p_local"]).as_py()["min"]
    post = table.filter(pc.equal(table["p_local"], best))["p_post"][0].as_py()
    figure = p_values.p_values(table, method=_METHOD, catalogue=catalogue, post_trial=post, synthetic=_synthetic(fits))
    canvas.save(figure, outputs, dpi=options.dpi)


def _source_limits(limits: PathLike, catalogue: str, outputs: Sequence[PathLike], options: Figures) -> None:
    from nusky.figures import canvas, source_limits

    table = read_table(limits, kind="source_limits")
    gamma = table["gamma"][0].as_py()
    figure = source_limits.source_limits(
        table.filter(pc.equal(table["gamma"], gamma)),
        method=_METHOD,
        catalogue=catalogue,
        gamma=gamma,
        confidence_level=table["confidence_level"][0].as_py(),
        synthetic=_synthetic(limits),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def _sensitivity(path: PathLike, release: str, outputs: Sequence[PathLike], options: Figures) -> None:
    from nusky.figures import canvas
    from nusky.figures import sensitivity as module

    release = f"{release}, {_setting(path, 'analysis')}"
    table = read_table(path, kind="sensitivity")
    figure = module.sensitivity(table, method=_METHOD, release=release, synthetic=_synthetic(path))
    canvas.save(figure, outputs, dpi=options.dpi)


def _differential(path: PathLike, title: tuple[str, str], outputs: Sequence[PathLike], options: Figures) -> None:
    from nusky.figures import canvas, differential

    kind = "differential_sensitivity" if "dec_deg" in read_metadata(path)["columns"] else "differential"
    table = read_table(path, kind=kind)
    figure = differential.differential(table, method=_METHOD, title=title, synthetic=_synthetic(path))
    canvas.save(figure, outputs, dpi=options.dpi)


def _checks(tables: Mapping[str, PathLike], prefix: str, files: Mapping[str, Iterator[Any]], options: Figures) -> None:
    """Injection and recovery, and the coverage of the limits, where they were measured."""
    from nusky.figures import canvas, coverage, injection_recovery

    if not set(_CHECKS) <= set(tables):
        return
    about = {"method": _METHOD, "target": _setting(tables["recovery"], "target")}
    about["synthetic"] = _synthetic(tables["recovery"])
    recovered = read_table(tables["recovery"], kind="injection_recovery")
    figure = injection_recovery.injection_recovery(recovered, **about)
    canvas.save(figure, next(files[f"{prefix}recovery"]), dpi=options.dpi)
    table = read_table(tables["coverage"], kind="coverage")
    several = len(set(table["gamma"].to_pylist())) > 1
    labels = [
        f"{method}, γ = {gamma:g}" if several else method
        for method, gamma in zip(table["method"].to_pylist(), table["gamma"].to_pylist(), strict=True)
    ]
    table = table.set_column(table.schema.get_field_index("method"), "method", pa.array(labels, pa.string()))
    canvas.save(coverage.coverage(table, **about), next(files[f"{prefix}coverage"]), dpi=options.dpi)


def first_fit(fits: pa.Table) -> pa.Table:
    """The rows of the first of the fixed indices, or all of them where the index is free."""
    first = fits["gamma_fixed"][0].as_py()
    return fits if first != first else fits.filter(pc.equal(fits["gamma_fixed"], first))


def _setting(path: PathLike, name: str) -> Any:
    return read_metadata(path)["settings"][name]


def _synthetic(path: PathLike) -> bool:
    return bool(read_metadata(path)["synthetic"])
