"""The figures of a run: what they are called, which tables they show, how they are drawn. One entry each in `KINDS`.

A figure of the inference where the spectral index is fixed at several values shows the first one.
"""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
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
_STACK, _SOURCES = ("stack",), ("sources",)


@dataclass(frozen=True)
class Kind:
    """A kind of figure: `title` and `stem`, its file below ``figures/``, are closed by the names of `each`.

    `tables` gives the paths it is drawn from, `draw` makes it of a `Drawing`, whose module is `module` of
    `nusky.figures`. Its caption is ``workflow/report/<caption>.rst``. Both are by default called as the kind.
    """

    title: str
    stem: str
    each: Callable[[Contents], list[Names]]
    tables: Callable[..., Tables] | None = None
    draw: Callable[["Drawing"], "Drawn"] | None = None
    module: str | None = None
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


@dataclass(frozen=True)
class Drawing:
    """What a figure is drawn with: the module that draws, its tables, what it is of, options, and how real it is."""

    module: ModuleType
    tables: Tables
    names: Mapping[str, Any]
    options: Figures
    synthetic: bool

    def read(self, what: str, kind: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """One of its tables, whose `kind` is its name unless told otherwise."""
        return read_table(self.tables[what], kind=kind or what, columns=columns)

    def read_all(self, what: str, columns: Sequence[str] | None = None) -> list[pa.Table]:
        """Its tables of a kind of which there are several."""
        return [read_table(path, kind=what, columns=columns) for path in self.tables[what]]

    def setting(self, what: str, name: str) -> Any:
        """A setting behind one of its tables."""
        return read_metadata(self.tables[what])["settings"][name]

    def about(self, *names: str) -> dict[str, Any]:
        """Arguments of figures of the standard method, and some of what the figure is of."""
        return {"method": _METHOD, "synthetic": self.synthetic, **{name: self.names[name] for name in names}}


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

    files = {kind: bdm_figures.in_groups(paths, len(options.formats)) for kind, paths in outputs.items()}
    for figure in figures:
        drawn = draw(figure["kind"], figure["tables"], figure["names"], options)
        canvas.save(drawn, next(files[figure["kind"]]), dpi=options.dpi)


def draw(kind: str, tables: Tables, names: Names | None = None, options: Figures | None = None) -> "Drawn":
    """The matplotlib figure of one of `KINDS`, tagged where an event behind its tables was generated."""
    from nusky.figures import canvas

    paths = Figure(kind, names or {}, tables).inputs
    synthetic = any(read_metadata(path)["synthetic"] for path in paths if str(path).endswith(".parquet"))
    options = options or Figures()
    module = import_module(f"nusky.figures.{KINDS[kind].module or kind}")
    with canvas.laid_out(canvas.Layout(options.titles, options.width)):
        return KINDS[kind].draw(Drawing(module, tables, names or {}, options, synthetic))


def _sky_map(d: Drawing) -> "Drawn":
    events = d.read_all("events", d.module.EVENT_COLUMNS)
    sources = d.read_all("sources", ("name", *d.module.SOURCE_COLUMNS))
    return d.module.sky_map(events, sources, max_events=d.options.max_sky_events, synthetic=d.synthetic)


def _ts_scan(d: Drawing) -> "Drawn":
    scan = d.read("scan", "stacking_scan", d.module.SCAN_COLUMNS)
    limits = d.read("limits", columns=d.module.LIMIT_COLUMNS)
    return d.module.ts_scan(scan, limits, **d.names, synthetic=d.synthetic)


def _limit_spectra(d: Drawing) -> "Drawn":
    read = {weighting: d.read(weighting, "limits", d.module.LIMIT_COLUMNS) for weighting in d.tables}
    return d.module.limit_spectra(read, **d.names, synthetic=d.synthetic)


def _ts_distribution(d: Drawing) -> "Drawn":
    table = d.read("single", "single_sources", d.module.COLUMNS)
    return d.module.ts_distribution(table, **d.names, synthetic=d.synthetic)


def _background_ts(d: Drawing) -> "Drawn":
    fits = d.read("fits", "stack_fits")
    fit, fixed = fits.to_pylist()[0], fits["gamma_fixed"][0].as_py()
    how = d.setting("fits", "analysis") + ("" if fixed != fixed else f", {index_text(f'{fixed:g}')}")
    return d.module.background_ts(
        first_fit(pa.concat_tables(d.read_all("trials"))),
        title=(f"{_METHOD} method", d.names["catalogue"], d.names["weighting"], how),
        observed=fit["test_statistic"],
        note=f"p {compared(fit['p_local'], fit['n_trials'])}",
        synthetic=d.synthetic,
    )


def _p_values(d: Drawing) -> "Drawn":
    table = first_fit(d.read("fits", "source_fits"))
    row = min(table.to_pylist(), key=lambda row: row["p_local"])
    return d.module.p_values(table, post_trial=compared(row["p_post"], row["n_sky_trials"]), **d.about("catalogue"))


def _population(d: Drawing) -> "Drawn":
    return d.module.population(first_fit(d.read("population")), **d.about("catalogue"))


def _stack_sources(d: Drawing) -> "Drawn":
    return d.module.stack_sources(first_fit(d.read("sources", "stack_sources")), title=d.names["label"], **d.about())


def _corrected(d: Drawing) -> "Drawn":
    return d.module.corrected(d.read("corrected"), d.read("corrected_skies"), synthetic=d.synthetic)


def _source_limits(d: Drawing) -> "Drawn":
    table = d.read("limits", "source_limits")
    gamma = table["gamma"][0].as_py()
    time = read_metadata(d.tables["limits"])["settings"].get("time") or {}
    days = (time.get("limit_days") or [None])[0]
    if days is not None:
        table = rows_where(table, duration_s=table["duration_s"][0])
    shifts = None
    if "systematics" in d.tables:
        shifts = rows_where(d.read("systematics"), gamma=gamma, statement="upper limit", effect="all")
    return d.module.source_limits(
        rows_where(table, gamma=gamma),
        systematics=shifts,
        gamma=gamma,
        confidence_level=table["confidence_level"][0].as_py(),
        flare_days=days,
        **d.about("catalogue"),
    )


def _flare(d: Drawing) -> "Drawn":
    """Of the source with the smallest local p-value."""
    best = min(first_fit(d.read("fits", "source_fits")).to_pylist(), key=lambda row: row["p_local"])
    flares, windows, weights = (
        rows_where(table, name=best["name"])
        for table in (d.read("flares"), d.read("windows", "flare_windows"), d.read("weights", "flare_weights"))
    )
    return d.module.flare(
        flares=(first_fit(flares) if flares.num_rows else flares).select(d.module.FLARE_COLUMNS),
        windows=windows.select(d.module.WINDOW_COLUMNS),
        weights=weights.select(d.module.WEIGHT_COLUMNS),
        title=(best["name"], d.names["catalogue"], d.setting("fits", "analysis")),
        note=f"p {compared(best['p_local'], best['n_trials'])}",
        synthetic=d.synthetic,
    )


def _gamma_rays(d: Drawing) -> "Drawn":
    fractions = d.read("hadronic", "hadronic_limits", d.module.COLUMNS)
    return d.module.gamma_rays(d.read("gamma_rays"), fractions, names=d.names.get("names", ()), **d.about("catalogue"))


def _sensitivity(d: Drawing) -> "Drawn":
    where = f"{d.names['release']}, {d.setting('sensitivity', 'analysis')}"
    return d.module.sensitivity(d.read("sensitivity"), release=where, **d.about())


def _durations(d: Drawing) -> "Drawn":
    about = d.setting("sensitivity", "durations")
    where = f"RA {about['ra_deg']:g}°, Dec {about['dec_deg']:g}°, around MJD {about['centre_mjd']:g}".replace("-", "−")
    return d.module.durations(d.read("sensitivity"), where=(where, d.names["release"]), **d.about())


def _windows(d: Drawing) -> "Drawn":
    table = d.read("windows", columns=d.module.COLUMNS)
    return d.module.windows(table, d.setting("windows", "seasons"), **d.about("catalogue"))


def _differential(d: Drawing) -> "Drawn":
    table = d.read("differential", read_metadata(d.tables["differential"])["kind"])
    title = (d.names.get("release", d.names["label"]), d.setting("differential", "analysis"))
    return d.module.differential(table, title=title, **d.about())


def _recovery(d: Drawing) -> "Drawn":
    table = d.read("recovery", "injection_recovery")
    return d.module.injection_recovery(table, target=d.setting("recovery", "target"), **d.about())


def _coverage(d: Drawing) -> "Drawn":
    table = d.read("coverage")
    several = len(set(table["gamma"].to_pylist())) > 1
    labels = [
        f"{method}, {index_text(f'{gamma:g}')}" if several else method
        for method, gamma in zip(table["method"].to_pylist(), table["gamma"].to_pylist(), strict=True)
    ]
    table = table.set_column(table.schema.get_field_index("method"), "method", pa.array(labels, pa.string()))
    return d.module.coverage(table, target=d.setting("coverage", "target"), **d.about())


def _all_sky(d: Drawing) -> "Drawn":
    from nusky.search.skymap import healpix_file

    nside, values = healpix_file.read(d.tables["fits"], "NEG_LOG10_P")
    return d.module.all_sky(
        values,
        nside,
        d.read("spots", "skymap_spots", d.module.SPOT_COLUMNS),
        d.read_all("sources"),
        n_trials=d.setting("spots", "calibration_trials"),
        coordinates=d.names["name"],
        analysis=skymap_analysis(d.tables["spots"]),
        synthetic=d.synthetic,
    )


def _zooms(d: Drawing) -> "Drawn":
    columns = {"zooms": d.module.ZOOM_COLUMNS, "contours": d.module.CONTOUR_COLUMNS, "spots": d.module.SPOT_COLUMNS}
    read = [d.read(what, f"skymap_{what}", own) for what, own in columns.items()]
    analysis = skymap_analysis(d.tables["spots"])
    return d.module.zooms(*read, d.read_all("sources"), analysis=analysis, synthetic=d.synthetic)


def _hottest(d: Drawing) -> "Drawn":
    columns = {"hottest": d.module.HOTTEST_COLUMNS, "hottest_trials": d.module.TRIAL_COLUMNS}
    read = [d.read(what, f"skymap_{what}", own) for what, own in columns.items()]
    return d.module.hottest(*read, analysis=skymap_analysis(d.tables["hottest"]), synthetic=d.synthetic)


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


def _sources(contents: Contents) -> list[str]:
    return [contents.paths.sources.format(catalogue=name) for name in contents.cfg.catalogues]


def _inferred(
    title: str, stem: str, draw: Callable[[Drawing], "Drawn"], kinds: Sequence[str], *shown: str, **own: str
) -> Kind:
    """A figure of every hypothesis of some `kinds` that has the first of the tables `shown`, with those that it has."""

    def each(contents: Contents) -> list[Names]:
        release = {} if kinds[0] in ("stack", "sources") else {"release": contents.cfg.release.name}
        return [names | release for names in contents.having(shown[0], *kinds)]

    def tables(contents: Contents, hypothesis: str, **_: Any) -> Tables:
        known = contents.inference_tables[hypothesis]
        return {name: known[name] for name in shown if name in known}

    return Kind(title, f"standard/{stem}", each, tables, draw, **own)


def _skymap(title: str, name: str, draw: Callable[[Drawing], "Drawn"], *tables: str) -> Kind:
    """A figure of the all-sky map, of `tables`, the map itself and the sources of all catalogues."""

    def each(contents: Contents) -> list[Names]:
        block = contents.cfg.skymap
        return [{"name": name}] if block and (name != "zooms" or block.n_zooms) else []

    def paths(contents: Contents, **_: Any) -> Tables:
        shown = {what: contents.skymap_tables[what] for what in tables}
        return shown | {"fits": contents.paths.skymap_fits, "sources": _sources(contents)}

    return Kind(title, "standard/skymap/{name}", each, paths, draw, "skymap")


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
        lambda c: [{}] if c.cfg.catalogues else [],
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
    "p_values": _inferred(
        "Local p-values of the sources of {catalogue}", "p_values/{catalogue}", _p_values, _SOURCES, "fits"
    ),
    "flare": _inferred(
        "Flare of the most significant source of {catalogue}",
        "flare/{catalogue}",
        _flare,
        _SOURCES,
        *("flares", "fits", "windows", "weights"),
    ),
    "population": _inferred(
        "Binomial test of the sources of {catalogue}", "population/{catalogue}", _population, _SOURCES, "population"
    ),
    "stack_sources": _inferred(
        "Sources of the stack, {label}", "stack_sources/{hypothesis}", _stack_sources, _STACK, "sources"
    ),
    "source_limits": Kind(
        "Upper limits of the sources of {catalogue}",
        "standard/source_limits/{catalogue}",
        lambda c: c.having("limits", "sources") if c.cfg.release.states_fluxes else [],
        lambda c, hypothesis, **_: {
            name: path for name, path in c.inference_tables[hypothesis].items() if name in ("limits", "systematics")
        },
        _source_limits,
    ),
    "gamma_rays": _inferred(
        "Gamma rays and the neutrinos they allow, {catalogue}",
        "gamma_rays/{catalogue}",
        _gamma_rays,
        _SOURCES,
        *("gamma_rays", "hadronic"),
    ),
    "differential": _inferred(
        "Sensitivity and limit by energy, {label}", "differential/{hypothesis}", _differential, _STACK, "differential"
    ),
    "recovery": _inferred(
        "Injection and recovery, {label}",
        "recovery/{hypothesis}",
        _recovery,
        (*_STACK, *_SOURCES),
        "recovery",
        module="injection_recovery",
    ),
    "coverage": _inferred(
        "Coverage of the upper limits, {label}",
        "coverage/{hypothesis}",
        _coverage,
        (*_STACK, *_SOURCES),
        "coverage",
    ),
    "sensitivity": _inferred(
        "Sensitivity over declination", "sensitivity", _sensitivity, (DECLINATIONS,), "sensitivity"
    ),
    "durations": _inferred("Sensitivity against duration", "durations", _durations, (DURATIONS,), "sensitivity"),
    "differential_sensitivity": _inferred(
        "Sensitivity over declination by energy",
        "differential_sensitivity",
        _differential,
        (DECLINATIONS,),
        "differential",
        module="differential",
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
