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
KINDS = ("background_ts", "p_values", "source_limits", "sensitivity")
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
    sensitivity : the table of the sensitivity over declination, or nothing
    outputs : figure files by kind, in the order of the tables, every figure in all its formats
    """
    files = {kind: _in_groups(outputs[kind], len(options.formats)) for kind in KINDS}
    batches = _in_groups(trials, n_batches)
    for catalogue, of_catalogue in tables.items():
        for weighting, of_stack in of_catalogue["stacks"].items():
            _background_ts(
                next(batches), of_stack["fits"], (catalogue, weighting), next(files["background_ts"]), options
            )
        if of_catalogue["sources"]:
            _p_values(of_catalogue["sources"]["fits"], catalogue, next(files["p_values"]), options)
            _source_limits(of_catalogue["sources"]["limits"], catalogue, next(files["source_limits"]), options)
    for path in sensitivity:
        _sensitivity(path, release, next(files["sensitivity"]), options)


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


def first_fit(fits: pa.Table) -> pa.Table:
    """The rows of the first of the fixed indices, or all of them where the index is free."""
    first = fits["gamma_fixed"][0].as_py()
    return fits if first != first else fits.filter(pc.equal(fits["gamma_fixed"], first))


def _setting(path: PathLike, name: str) -> Any:
    return read_metadata(path)["settings"][name]


def _synthetic(path: PathLike) -> bool:
    return bool(read_metadata(path)["synthetic"])
