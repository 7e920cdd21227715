"""Figure stages: tables in, figure files out. The suffix of an output decides its format."""

import os
from collections.abc import Iterable, Mapping, Sequence

from nusky.config import Figures
from nusky.tables import read_metadata, read_table

PathLike = str | os.PathLike[str]


def sky_map(
    event_paths: Iterable[PathLike], source_paths: Iterable[PathLike], outputs: Iterable[PathLike], options: Figures
) -> None:
    """Draw the events of all seasons and the sources of all catalogues."""
    from nusky.figures import canvas
    from nusky.figures import sky_map as module

    event_paths, source_paths = list(event_paths), list(source_paths)
    figure = module.sky_map(
        [read_table(path, kind="events", columns=module.EVENT_COLUMNS) for path in event_paths],
        [read_table(path, kind="sources", columns=module.SOURCE_COLUMNS) for path in source_paths],
        max_events=options.max_sky_events,
        synthetic=_synthetic([*event_paths, *source_paths]),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def results(
    *,
    method: str,
    stacks: Sequence[Mapping[str, str]],
    singles: Sequence[str],
    scan_paths: Sequence[PathLike],
    limits_paths: Sequence[PathLike],
    single_paths: Sequence[PathLike],
    scan_outputs: Sequence[PathLike],
    limits_outputs: Sequence[PathLike],
    single_outputs: Sequence[PathLike],
    options: Figures,
) -> None:
    """Draw everything found with one set of conventions.

    `stacks` gives catalogue and weighting of every scan and limits table, `singles` the catalogue of every
    single-source table. The outputs come in the order of what they show, every figure in all its formats.
    """
    n_formats = len(options.formats)
    limits_of: dict[str, dict[str, PathLike]] = {}
    for i, (stack, scan_path, limits_path) in enumerate(zip(stacks, scan_paths, limits_paths, strict=True)):
        limits_of.setdefault(stack["catalogue"], {})[stack["weighting"]] = limits_path
        outputs = scan_outputs[i * n_formats : (i + 1) * n_formats]
        ts_scan(scan_path, limits_path, outputs, options, method=method, **stack)
    for i, (catalogue, paths) in enumerate(limits_of.items()):
        outputs = limits_outputs[i * n_formats : (i + 1) * n_formats]
        limit_spectra(paths, outputs, options, method=method, catalogue=catalogue)
    for i, (catalogue, path) in enumerate(zip(singles, single_paths, strict=True)):
        outputs = single_outputs[i * n_formats : (i + 1) * n_formats]
        ts_distribution(path, outputs, options, method=method, catalogue=catalogue)


def ts_scan(
    scan_path: PathLike,
    limits_path: PathLike,
    outputs: Iterable[PathLike],
    options: Figures,
    *,
    method: str,
    catalogue: str,
    weighting: str,
) -> None:
    """Draw the flux scan of one stack."""
    from nusky.figures import canvas
    from nusky.figures import ts_scan as module

    figure = module.ts_scan(
        read_table(scan_path, kind="stacking_scan", columns=module.SCAN_COLUMNS),
        read_table(limits_path, kind="limits", columns=module.LIMIT_COLUMNS),
        method=method,
        catalogue=catalogue,
        weighting=weighting,
        synthetic=_synthetic([scan_path, limits_path]),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def limit_spectra(
    limits_paths: Mapping[str, PathLike], outputs: Iterable[PathLike], options: Figures, *, method: str, catalogue: str
) -> None:
    """Draw the upper limits of one catalogue; `limits_paths` by the name of the weighting."""
    from nusky.figures import canvas
    from nusky.figures import limit_spectra as module

    figure = module.limit_spectra(
        {name: read_table(path, kind="limits", columns=module.LIMIT_COLUMNS) for name, path in limits_paths.items()},
        method=method,
        catalogue=catalogue,
        synthetic=_synthetic(limits_paths.values()),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def ts_distribution(
    single_path: PathLike, outputs: Iterable[PathLike], options: Figures, *, method: str, catalogue: str
) -> None:
    """Draw the distribution of the single-source test statistics of one catalogue."""
    from nusky.figures import canvas
    from nusky.figures import ts_distribution as module

    figure = module.ts_distribution(
        read_table(single_path, kind="single_sources", columns=module.COLUMNS),
        method=method,
        catalogue=catalogue,
        synthetic=_synthetic([single_path]),
    )
    canvas.save(figure, outputs, dpi=options.dpi)


def _synthetic(paths: Iterable[PathLike]) -> bool:
    return any(read_metadata(path)["synthetic"] for path in paths)
