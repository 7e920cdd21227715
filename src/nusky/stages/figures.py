"""The figures of a run: what they are called, which tables they show, how they are drawn. One entry each in `KINDS`.

A figure of the inference where the spectral index is fixed at several values shows the first one.
"""

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from nusky.config import Figures
from nusky.conventions import index_text
from nusky.probability import compared
from nusky.stages import bdm_figures
from nusky.stages.contents import DECLINATIONS, DURATIONS, Contents, Names
from nusky.tables import read_metadata, read_table

if TYPE_CHECKING:  # matplotlib is imported by the job that draws only
    from matplotlib.figure import Figure as Drawn

Tables = Mapping[str, Any]
"""Paths by name; a list of paths where there are several of one kind."""
_METHOD = "standard"


@dataclass(frozen=True)
class Kind:
    """A kind of figure: `title` and `stem`, its file below ``figures/``, are closed by the names of `each`.

    `tables` gives the paths it is drawn from, `draw` makes it of them, the names and the figure options. Its caption
    is ``workflow/report/<caption>.rst``, by default that of its own name.
    """

    title: str
    stem: str
    each: Callable[[Contents], list[Names]]
    tables: Callable[..., Tables] | None = None
    draw: Callable[..., "Drawn"] | None = None
    caption: str | None = None


@dataclass(frozen=True)
class Figure:
    """A figure of a run."""

    kind: str
    names: Names
    tables: Tables

    @property
    def title(self) -> str:
        """Its heading in the report."""
        return KINDS[self.kind].title.format(**self.names)

    @property
    def stem(self) -> str:
        """Its file below ``figures/``, without a suffix."""
        return KINDS[self.kind].stem.format(**self.names)

    @property
    def caption(self) -> str:
        """The name of its caption's file."""
        return KINDS[self.kind].caption or self.kind

    @property
    def inputs(self) -> list[str]:
        """All its tables."""
        groups = ([value] if isinstance(value, str | os.PathLike) else value for value in self.tables.values())
        return [path for group in groups for path in group]


def of_run(contents: Contents) -> list[Figure]:
    """Every figure of a run, in the order of the report; those without tables are drawn by another stage."""
    return [
        Figure(kind, names, entry.tables(contents, **names) if entry.tables else {})
        for kind, entry in KINDS.items()
        for names in entry.each(contents)
    ]


def write(
    figures: Sequence[Mapping[str, Any]], outputs: Mapping[str, Sequence[str | os.PathLike[str]]], options: Figures
) -> None:
    """Draw `figures` (the attributes of `Figure`) into `outputs`: by kind, every figure in all its formats."""
    from nusky.figures import canvas

    files = {kind: _in_groups(paths, len(options.formats)) for kind, paths in outputs.items()}
    for figure in figures:
        drawn = draw(figure["kind"], figure["tables"], figure["names"], options)
        canvas.save(drawn, next(files[figure["kind"]]), dpi=options.dpi)


def draw(kind: str, tables: Tables, names: Names | None = None, options: Figures | None = None) -> "Drawn":
    """The matplotlib figure of one of `KINDS`, tagged where an event behind its tables was generated."""
    from nusky.figures import canvas

    paths = Figure(kind, names or {}, tables).inputs
    synthetic = any(read_metadata(path)["synthetic"] for path in paths if str(path).endswith(".parquet"))
    options = options or Figures()
    with canvas.laid_out(canvas.Layout(options.titles, options.width)):
        return KINDS[kind].draw(tables, options, synthetic=synthetic, **(names or {}))


def _in_groups(paths: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    paths = [paths] if isinstance(paths, str | os.PathLike) else paths
    return zip(*[iter(paths)] * size, strict=True)


def _sky_map(tables: Tables, options: Figures, *, synthetic: bool) -> "Drawn":
    from nusky.figures import sky_map as module

    return module.sky_map(
        [read_table(path, kind="events", columns=module.EVENT_COLUMNS) for path in tables["events"]],
        [read_table(path, kind="sources", columns=("name", *module.SOURCE_COLUMNS)) for path in tables["sources"]],
        max_events=options.max_sky_events,
        synthetic=synthetic,
    )


def _ts_scan(tables: Tables, options: Figures, **about: Any) -> "Drawn":
    from nusky.figures import ts_scan as module

    return module.ts_scan(
        read_table(tables["scan"], kind="stacking_scan", columns=module.SCAN_COLUMNS),
        read_table(tables["limits"], kind="limits", columns=module.LIMIT_COLUMNS),
        **about,
    )


def _limit_spectra(tables: Tables, options: Figures, **about: Any) -> "Drawn":
    from nusky.figures import limit_spectra as module

    read = {name: read_table(path, kind="limits", columns=module.LIMIT_COLUMNS) for name, path in tables.items()}
    return module.limit_spectra(read, **about)


def _ts_distribution(tables: Tables, options: Figures, **about: Any) -> "Drawn":
    from nusky.figures import ts_distribution as module

    return module.ts_distribution(read_table(tables["single"], kind="single_sources", columns=module.COLUMNS), **about)


def _background_ts(tables: Tables, options: Figures, *, catalogue: str, weighting: str, **about: Any) -> "Drawn":
    from nusky.figures import background_ts

    fits = read_table(tables["fits"], kind="stack_fits")
    fit, fixed = fits.to_pylist()[0], fits["gamma_fixed"][0].as_py()
    every = first_fit(pa.concat_tables([read_table(path, kind="trials") for path in tables["trials"]]))
    how = _setting(tables["fits"], "analysis") + ("" if fixed != fixed else f", {index_text(f'{fixed:g}')}")
    return background_ts.background_ts(
        every,
        title=(f"{_METHOD} method", catalogue, weighting, how),
        observed=fit["test_statistic"],
        note=f"p {compared(fit['p_local'], fit['n_trials'])}",
        synthetic=about["synthetic"],
    )


def _p_values(tables: Tables, options: Figures, *, catalogue: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import p_values

    table = first_fit(read_table(tables["fits"], kind="source_fits"))
    row = min(table.to_pylist(), key=lambda row: row["p_local"])
    post = compared(row["p_post"], row["n_sky_trials"])
    return p_values.p_values(table, method=_METHOD, catalogue=catalogue, post_trial=post, synthetic=synthetic)


def _population(tables: Tables, options: Figures, *, catalogue: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import population

    table = first_fit(read_table(tables["population"], kind="population"))
    return population.population(table, method=_METHOD, catalogue=catalogue, synthetic=synthetic)


def _stack_sources(tables: Tables, options: Figures, *, label: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import stack_sources

    table = first_fit(read_table(tables["sources"], kind="stack_sources"))
    return stack_sources.stack_sources(table, method=_METHOD, title=label, synthetic=synthetic)


def _corrected(tables: Tables, options: Figures, *, synthetic: bool) -> "Drawn":
    from nusky.figures import corrected

    read = {name: read_table(tables[name], kind=name) for name in ("corrected", "corrected_skies")}
    return corrected.corrected(*read.values(), synthetic=synthetic)


def _source_limits(tables: Tables, options: Figures, *, catalogue: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import source_limits

    table = read_table(tables["limits"], kind="source_limits")
    gamma = table["gamma"][0].as_py()
    time = read_metadata(tables["limits"])["settings"].get("time") or {}
    days = (time.get("limit_days") or [None])[0]
    if days is not None:
        table = rows_where(table, duration_s=table["duration_s"][0])
    shifts = None
    if path := tables.get("systematics"):
        every = read_table(path, kind="systematics")
        shifts = rows_where(every, gamma=gamma, statement="upper limit", effect="all")
    return source_limits.source_limits(
        rows_where(table, gamma=gamma),
        systematics=shifts,
        method=_METHOD,
        catalogue=catalogue,
        gamma=gamma,
        confidence_level=table["confidence_level"][0].as_py(),
        synthetic=synthetic,
        flare_days=days,
    )


def _flare(tables: Tables, options: Figures, *, catalogue: str, synthetic: bool, **_: Any) -> "Drawn":
    """Of the source with the smallest local p-value."""
    from nusky.figures import flare as module

    fits = first_fit(read_table(tables["fits"], kind="source_fits"))
    best = min(fits.to_pylist(), key=lambda row: row["p_local"])
    kinds = {"flares": module.FLARE_COLUMNS, "windows": module.WINDOW_COLUMNS, "weights": module.WEIGHT_COLUMNS}
    shown = {}
    for what, columns in kinds.items():
        kind = what if what == "flares" else f"flare_{what}"
        table = read_table(tables[what], kind=kind)
        shown[what] = rows_where(table, name=best["name"])
        if what == "flares" and shown[what].num_rows:
            shown[what] = first_fit(shown[what])
        shown[what] = shown[what].select(columns)
    note = f"p {compared(best['p_local'], best['n_trials'])}"
    title = (best["name"], catalogue, _setting(tables["fits"], "analysis"))
    return module.flare(**shown, title=title, note=note, synthetic=synthetic)


def _gamma_rays(
    tables: Tables, options: Figures, *, catalogue: str, synthetic: bool, names: Sequence[str] = (), **_: Any
) -> "Drawn":
    from nusky.figures import gamma_rays as module

    spectra = read_table(tables["gamma_rays"], kind="gamma_rays")
    fractions = read_table(tables["hadronic"], kind="hadronic_limits", columns=module.COLUMNS)
    return module.gamma_rays(spectra, fractions, method=_METHOD, catalogue=catalogue, synthetic=synthetic, names=names)


def _sensitivity(tables: Tables, options: Figures, *, release: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import sensitivity as module

    table = read_table(tables["sensitivity"], kind="sensitivity")
    where = f"{release}, {_setting(tables['sensitivity'], 'analysis')}"
    return module.sensitivity(table, method=_METHOD, release=where, synthetic=synthetic)


def _durations(tables: Tables, options: Figures, *, release: str, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import durations as module

    table, about = read_table(tables["sensitivity"], kind="sensitivity"), _setting(tables["sensitivity"], "durations")
    where = f"RA {about['ra_deg']:g}°, Dec {about['dec_deg']:g}°, around MJD {about['centre_mjd']:g}".replace("-", "−")
    return module.durations(table, method=_METHOD, where=(where, release), synthetic=synthetic)


def _windows(tables: Tables, options: Figures, *, catalogue: str, synthetic: bool) -> "Drawn":
    from nusky.figures import windows as module

    table = read_table(tables["windows"], kind="windows", columns=module.COLUMNS)
    seasons = _setting(tables["windows"], "seasons")
    return module.windows(table, seasons, method=_METHOD, catalogue=catalogue, synthetic=synthetic)


def _differential(tables: Tables, options: Figures, *, label: str, synthetic: bool, **names: Any) -> "Drawn":
    from nusky.figures import differential

    path = tables["differential"]
    table = read_table(path, kind=read_metadata(path)["kind"])
    title = (names.get("release", label), _setting(path, "analysis"))
    return differential.differential(table, method=_METHOD, title=title, synthetic=synthetic)


def _recovery(tables: Tables, options: Figures, *, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import injection_recovery

    path = tables["recovery"]
    about = {"method": _METHOD, "target": _setting(path, "target"), "synthetic": synthetic}
    return injection_recovery.injection_recovery(read_table(path, kind="injection_recovery"), **about)


def _coverage(tables: Tables, options: Figures, *, synthetic: bool, **_: Any) -> "Drawn":
    from nusky.figures import coverage

    path = tables["coverage"]
    table = read_table(path, kind="coverage")
    several = len(set(table["gamma"].to_pylist())) > 1
    labels = [
        f"{method}, {index_text(f'{gamma:g}')}" if several else method
        for method, gamma in zip(table["method"].to_pylist(), table["gamma"].to_pylist(), strict=True)
    ]
    table = table.set_column(table.schema.get_field_index("method"), "method", pa.array(labels, pa.string()))
    return coverage.coverage(table, method=_METHOD, target=_setting(path, "target"), synthetic=synthetic)


def _all_sky(tables: Tables, options: Figures, *, name: str, synthetic: bool) -> "Drawn":
    from nusky.figures import skymap
    from nusky.search.skymap import healpix_file

    nside, values = healpix_file.read(tables["fits"], "NEG_LOG10_P")
    spots = read_table(tables["spots"], kind="skymap_spots", columns=skymap.SPOT_COLUMNS)
    lists = [read_table(path, kind="sources") for path in tables["sources"]]
    about = {"n_trials": _setting(tables["spots"], "calibration_trials")}
    about |= {"coordinates": name, "analysis": skymap_analysis(tables["spots"]), "synthetic": synthetic}
    return skymap.all_sky(values, nside, spots, lists, **about)


def _zooms(tables: Tables, options: Figures, *, name: str, synthetic: bool) -> "Drawn":
    from nusky.figures import skymap

    columns = {"zooms": skymap.ZOOM_COLUMNS, "contours": skymap.CONTOUR_COLUMNS, "spots": skymap.SPOT_COLUMNS}
    read = [read_table(tables[what], kind=f"skymap_{what}", columns=own) for what, own in columns.items()]
    lists = [read_table(path, kind="sources") for path in tables["sources"]]
    return skymap.zooms(*read, lists, analysis=skymap_analysis(tables["spots"]), synthetic=synthetic)


def _hottest(tables: Tables, options: Figures, *, name: str, synthetic: bool) -> "Drawn":
    from nusky.figures import skymap

    columns = {"hottest": skymap.HOTTEST_COLUMNS, "hottest_trials": skymap.TRIAL_COLUMNS}
    read = [read_table(tables[what], kind=f"skymap_{what}", columns=own) for what, own in columns.items()]
    return skymap.hottest(*read, analysis=skymap_analysis(tables["hottest"]), synthetic=synthetic)


def first_fit(fits: pa.Table) -> pa.Table:
    """The rows of the first of the fixed indices, or all of them where the index is free."""
    first = fits["gamma_fixed"][0].as_py()
    return fits if first != first else rows_where(fits, gamma_fixed=first)


def rows_where(table: pa.Table, **wanted: Any) -> pa.Table:
    """The rows in which the columns have the `wanted` values."""
    import pyarrow.compute as pc  # takes longer to import than the rest of this module

    return table.filter(functools.reduce(pc.and_, (pc.equal(table[name], value) for name, value in wanted.items())))


def skymap_analysis(path: str | os.PathLike[str], free: str = "") -> str:
    """What the likelihood behind a table of the all-sky map used; `free` is added where the index was fitted."""
    settings = read_metadata(path)["settings"]
    return settings["analysis"] + (free if settings["gamma"] is None else f", γ = {settings['gamma']:g}")


def _setting(path: str | os.PathLike[str], name: str) -> Any:
    return read_metadata(path)["settings"][name]


def _sources(contents: Contents) -> list[str]:
    return [contents.paths.sources.format(catalogue=name) for name in contents.cfg.catalogues]


def _once(contents: Contents) -> list[Names]:
    return [{}] if contents.cfg.catalogues else []


def _inferred(*what: str) -> Callable[..., Tables]:
    """The tables of a hypothesis with these contents, those that it has."""

    def tables(contents: Contents, hypothesis: str, **_: Any) -> Tables:
        known = contents.inference_tables[hypothesis]
        return {name: known[name] for name in what if name in known}

    return tables


def _of_points(kind: str, what: str) -> Callable[[Contents], list[Names]]:
    """The declinations or durations where they have a table, with the release's name."""
    return lambda c: [names | {"release": c.cfg.release.name} for names in c.having(what, kind)]


def _skymap(title: str, name: str, draw: Callable[..., "Drawn"], *tables: str) -> Kind:
    """A figure of the all-sky map, of `tables`, the map itself and the sources of all catalogues."""

    def each(contents: Contents) -> list[Names]:
        block = contents.cfg.skymap
        return [{"name": name}] if block and (name != "zooms" or block.n_zooms) else []

    def paths(contents: Contents, **_: Any) -> Tables:
        shown = {what: contents.skymap_tables[what] for what in tables}
        return shown | {"fits": contents.paths.skymap_fits, "sources": _sources(contents)}

    return Kind(title, "standard/skymap/{name}", each, paths, draw)


def _bdm(title: str, name: str) -> Kind:
    """A figure of boosted dark matter, drawn by `nusky.stages.bdm_figures`."""
    return Kind(
        f"Boosted dark matter: {title}",
        f"bdm/{name}",
        lambda c: [{}] if c.cfg.bdm and name in bdm_figures.of_run(c.cfg.bdm) else [],
    )


KINDS = {
    "sky_map": Kind(
        "Sky map",
        "sky_map",
        _once,
        lambda c: {"events": [c.paths.events.format(season=s) for s in c.seasons], "sources": _sources(c)},
        _sky_map,
    ),
    "ts_scan": Kind(
        "Flux scan of {catalogue}, {weighting} weights, {method} conventions",
        "{method}/ts_scan/{catalogue}/{weighting}",
        lambda c: c.by_method(c.stacks),
        lambda c, **names: {"scan": c.paths.scan.format(**names), "limits": c.paths.limits.format(**names)},
        _ts_scan,
    ),
    "limit_spectra": Kind(
        "Upper limits for {catalogue}, {method} conventions",
        "{method}/limit_spectra/{catalogue}",
        lambda c: c.by_method([{"catalogue": name} for name in c.cfg.catalogues if c.stacks]),
        lambda c, catalogue, method: {
            weighting: c.paths.limits.format(method=method, catalogue=catalogue, weighting=weighting)
            for weighting in c.cfg.catalogues[catalogue].weightings
        },
        _limit_spectra,
    ),
    "ts_distribution": Kind(
        "Single sources of {catalogue}, {method} conventions",
        "{method}/ts_distribution/{catalogue}",
        lambda c: c.by_method(c.singles),
        lambda c, **names: {"single": c.paths.single.format(**names)},
        _ts_distribution,
    ),
    "windows": Kind(
        "Windows of the sources of {catalogue}",
        "standard/windows/{catalogue}",
        lambda c: c.windowed,
        lambda c, catalogue: {"windows": c.paths.windows.format(catalogue=catalogue)},
        _windows,
    ),
    "corrected": Kind(
        "p-value of the run",
        "standard/corrected",
        lambda c: [{}] if c.corrected else [],
        lambda c: {"corrected": c.paths.corrected, "corrected_skies": c.paths.corrected_skies},
        _corrected,
    ),
    "background_ts": Kind(
        "Test statistic of scrambled skies, {label}",
        "standard/background_ts/{hypothesis}",
        lambda c: c.of_kind("stack"),
        lambda c, hypothesis, **_: {
            "fits": c.inference_tables[hypothesis]["fits"],
            "trials": c.trials(hypothesis),
        },
        _background_ts,
    ),
    "p_values": Kind(
        "Local p-values of the sources of {catalogue}",
        "standard/p_values/{catalogue}",
        lambda c: c.of_kind("sources"),
        _inferred("fits"),
        _p_values,
    ),
    "flare": Kind(
        "Flare of the most significant source of {catalogue}",
        "standard/flare/{catalogue}",
        lambda c: c.having("flares", "sources"),
        _inferred("fits", "flares", "windows", "weights"),
        _flare,
    ),
    "population": Kind(
        "Binomial test of the sources of {catalogue}",
        "standard/population/{catalogue}",
        lambda c: c.of_kind("sources"),
        _inferred("population"),
        _population,
    ),
    "stack_sources": Kind(
        "Sources of the stack, {label}",
        "standard/stack_sources/{hypothesis}",
        lambda c: c.of_kind("stack"),
        _inferred("sources"),
        _stack_sources,
    ),
    "source_limits": Kind(
        "Upper limits of the sources of {catalogue}",
        "standard/source_limits/{catalogue}",
        lambda c: c.having("limits", "sources") if c.cfg.release.states_fluxes else [],
        _inferred("limits", "systematics"),
        _source_limits,
    ),
    "gamma_rays": Kind(
        "Gamma rays and the neutrinos they allow, {catalogue}",
        "standard/gamma_rays/{catalogue}",
        lambda c: c.having("gamma_rays", "sources"),
        _inferred("gamma_rays", "hadronic"),
        _gamma_rays,
    ),
    "differential": Kind(
        "Sensitivity and limit by energy, {label}",
        "standard/differential/{hypothesis}",
        lambda c: c.having("differential", "stack"),
        _inferred("differential"),
        _differential,
    ),
    "recovery": Kind(
        "Injection and recovery, {label}",
        "standard/recovery/{hypothesis}",
        lambda c: c.having("recovery", "stack", "sources"),
        _inferred("recovery"),
        _recovery,
    ),
    "coverage": Kind(
        "Coverage of the upper limits, {label}",
        "standard/coverage/{hypothesis}",
        lambda c: c.having("coverage", "stack", "sources"),
        _inferred("coverage"),
        _coverage,
    ),
    "sensitivity": Kind(
        "Sensitivity over declination",
        "standard/sensitivity",
        _of_points(DECLINATIONS, "sensitivity"),
        _inferred("sensitivity"),
        _sensitivity,
    ),
    "durations": Kind(
        "Sensitivity against duration",
        "standard/durations",
        _of_points(DURATIONS, "sensitivity"),
        _inferred("sensitivity"),
        _durations,
    ),
    "differential_sensitivity": Kind(
        "Sensitivity over declination by energy",
        "standard/differential_sensitivity",
        _of_points(DECLINATIONS, "differential"),
        _inferred("differential"),
        _differential,
    ),
    "skymap_equatorial": _skymap("All-sky map, equatorial coordinates", "equatorial", _all_sky, "spots"),
    "skymap_galactic": _skymap("All-sky map, Galactic coordinates", "galactic", _all_sky, "spots"),
    "skymap_zooms": _skymap("Hot spots", "zooms", _zooms, "zooms", "contours", "spots"),
    "skymap_hottest": _skymap("Hottest spots of scrambled skies", "hottest", _hottest, "hottest", "hottest_trials"),
    "bdm_sky_map": _bdm("the sky", "sky_map"),
    "bdm_differential_cross_section": _bdm("scattering on neutrinos", "differential_cross_section"),
    "bdm_target_cross_sections": _bdm("scattering in a detector", "target_cross_sections"),
    "bdm_light_curve": _bdm("light curve", "light_curve"),
    "bdm_events": _bdm("events", "events"),
    "bdm_exclusion": _bdm("limits of detectors", "exclusion"),
}
"""Every kind of figure, in the order of the report."""
