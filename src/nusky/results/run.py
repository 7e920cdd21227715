"""A finished run: finds its files and hands out what is in them."""

import functools
import html
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from nusky.errors import TableError
from nusky.files import read_json, sha256
from nusky.paths import Paths, summary_of
from nusky.report.rows import source_rows, stack_rows
from nusky.report.verdict import Verdict, verdict
from nusky.results.result import Result
from nusky.results.sky import SkyMap
from nusky.tables import read_metadata, read_table

if TYPE_CHECKING:  # importing it takes longer than reading the results
    from astropy.table import Table as AstropyTable

PathLike = str | os.PathLike[str]
_BDM = {
    "sky_map": "sky map",
    "differential_cross_section": "cross section with neutrinos",
    "target_cross_sections": "cross sections with targets",
    "light_curve": "light curve",
    "events": "events",
}


def open_run(folder: PathLike) -> "Run":
    """The run whose results are in `folder`, such as ``results/demo``.

    Raises
    ------
    TableError
        When there is no ``summary.json``: the run never finished, or `folder` is another one.
    """
    return Run(Path(folder))


class Run:
    """The results of a finished run.

    Attributes
    ----------
    folder : where they are
    summary : everything found, as in ``summary.json``
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._paths = Paths(folder.name, str(folder.parent))
        keys = ("run", "methods", "catalogues", "tables_sha256")
        self.summary: dict[str, Any] = read_json(summary_of(folder), keys=keys)
        # As the workflow names them: results/<run>/..., wherever the folder lies now.
        self._digests = {"/".join(Path(name).parts[2:]): digest for name, digest in self.summary[keys[-1]].items()}

    @property
    def catalogues(self) -> list[str]:
        """Names of the catalogues."""
        return list(self.summary["catalogues"])

    @property
    def synthetic(self) -> bool:
        """Whether any event of the run was generated."""
        return bool(self.summary["synthetic"])

    def weightings(self, catalogue: str) -> list[str]:
        """Names of the weightings of a catalogue."""
        self._one_of("catalogue", catalogue, self.catalogues)
        found = (results[catalogue]["stacking"] for results in self.summary["methods"].values())
        return sorted({name for stacking in found for name in stacking})

    def scan(self, catalogue: str, weighting: str, method: str = "standard") -> Result:
        """The flux scan of a stack: TS over the flux, for every index."""
        names = self._stack(catalogue, weighting, method)
        tables = {what: getattr(self._paths, what).format(**names) for what in ("scan", "limits")}
        title = f"flux scan of {catalogue}, {weighting} weights, {method} method"
        return self._result(title, "scan", "ts_scan", tables, names)

    def limits(self, catalogue: str, method: str = "standard") -> Result:
        """Upper limits of the stacks of a catalogue: one row for each weighting and index."""
        names = {name: self._stack(catalogue, name, method) for name in self.weightings(catalogue)}
        tables = {name: self._paths.limits.format(**own) for name, own in names.items()}
        self._check(tables.values())
        data = pa.concat_tables(
            _read(path).add_column(0, "weighting", pa.array([name] * len(_read(path)))) for name, path in tables.items()
        )
        title = f"95 % upper limits of {catalogue}, {method} method"
        figure = _figure("limit_spectra", tables, {"method": method, "catalogue": catalogue})
        return Result(title, data, _synthetic(tables.values()), figure)

    def single_sources(self, catalogue: str, method: str = "standard") -> Result:
        """The largest test statistic of every source of a catalogue."""
        names = {"catalogue": self._catalogue(catalogue), "method": self._method(method)}
        tables = {"single": self._paths.single.format(**names)}
        title = f"single sources of {catalogue}, {method} method"
        return self._result(title, "single", "ts_distribution", tables, names)

    def statements(self, catalogue: str, weighting: str) -> Result:
        """Sensitivity, discovery potential and upper limit of a stack; drawn are its background trials."""
        names = self._stack_names(catalogue, weighting)
        # Only those of the run: batches of an earlier number of trials may lie there too.
        folder = Path(self._paths.trials.format(first="", stop="", skies="trials", **names)).parent
        trials = sorted(str(self.folder / name) for name in self._digests if (self.folder / name).parent == folder)
        statements, fits = (self._paths.inference(what).format(**names) for what in ("statements", "fits"))
        self._check([statements, fits, *trials])
        figure = _figure("background_ts", {"fits": fits, "trials": trials}, names)
        title = f"statements on the stack of {names['label']}"
        return Result(title, _read(statements), _synthetic([statements]), figure)

    def source_p_values(self, catalogue: str) -> Result:
        """p-values of the sources of a catalogue, each from its own trials."""
        return self._of_sources(f"p-values of the sources of {catalogue}", "p_values", catalogue, "fits")

    def population(self, catalogue: str) -> Result:
        """The binomial test of the sources of a catalogue: a row for each number of sources."""
        return self._of_sources(f"binomial test of the sources of {catalogue}", "population", catalogue, "population")

    def stack_sources(self, catalogue: str, weighting: str) -> Result:
        """What each source adds to a stack, and the fit without it."""
        names = self._stack_names(catalogue, weighting)
        tables = {"sources": self._paths.inference("sources").format(**names)}
        return self._result(f"sources of the stack of {names['label']}", "sources", "stack_sources", tables, names)

    def searches(self) -> Result:
        """Every search of the run with its p-value, by itself and corrected for all of them."""
        if not self.summary.get("corrected"):
            raise TableError(f"{self._paths.summary}: this run has no p-value. Add an `inference` block and run.")
        tables = {"corrected": self._paths.corrected, "corrected_skies": self._paths.corrected_skies}
        return self._result("searches of the run", "corrected", "corrected", tables, {})

    def source_limits(self, catalogue: str) -> Result:
        """Upper limits of the sources of a catalogue with the range expected from background, for every index."""
        return self._of_sources(f"upper limits of the sources of {catalogue}", "source_limits", catalogue, "limits")

    def gamma_rays(self, catalogue: str, *names: str) -> Result:
        """Hadronic fractions of the sources of a catalogue; drawn are the gamma rays and the neutrinos they allow.

        Of the sources called `names`, or of those with the most expected neutrinos.
        """
        found = self._of_sources(
            f"gamma rays of {catalogue}", "gamma_rays", catalogue, "hadronic", "gamma_rays", names=names
        )
        unknown = sorted(set(names) - set(found.data["name"].to_pylist()))
        if unknown:
            path = self._paths.inference("hadronic").format(hypothesis=f"sources/{catalogue}")
            raise TableError(f"{path}: no hadronic fraction of '{unknown[0]}'.")
        return found

    def likelihood_profile(
        self, catalogue: str, *, weighting: str | None = None, source: str | None = None
    ) -> "AstropyTable":
        """TS of the data over flux, n_s and index of one stack or one source, as `nusky.results.profile` describes it.

        `nusky.results.write_profile` writes it for other programs.
        """
        from nusky.results.profile import profile_table

        if (weighting is None) == (source is None):
            raise TableError("give either the weighting of a stack or the name of a source.")
        of = f"sources/{catalogue}" if weighting is None else f"stack/{catalogue}/{weighting}"
        path = self._paths.inference("profiles").format(hypothesis=of)
        self._one_of("catalogue", catalogue, self.catalogues)
        self._check([path])
        rows, settings = _read(path).to_pylist(), read_metadata(path)["settings"]
        about = {"OBJECT": f"{catalogue}, {weighting} weights"}
        if source is not None:
            self._one_of("source", source, list(dict.fromkeys(row["name"] for row in rows)))
            first = next(row["source"] for row in rows if row["name"] == source)
            rows = [row for row in rows if row["source"] == first]
            about = {"OBJECT": source, "RA": rows[0]["ra_deg"], "DEC": rows[0]["dec_deg"]}
        about |= {"RELEASE": self.summary.get("release"), "SYNTH": _synthetic([path])}
        return profile_table(rows, about | {"LIKELIHD": settings["analysis"], "SPECTRUM": settings["spectrum"]})

    def source_table(self, catalogue: str) -> Result:
        """The sources of a catalogue with fit, p-values and the limit to quote, as in the report; see `source_rows`."""
        rows = source_rows(self.summary, self._catalogue(catalogue))
        if not rows:
            raise TableError(f"{self._paths.summary}: the sources of {catalogue} were not searched one by one.")
        inferred = "p_local" in rows[0]
        drawn = self.source_limits if inferred else self.single_sources
        return Result(f"sources of {catalogue}", _table(rows), self.synthetic, lambda: drawn(catalogue).figure())

    def stack_table(self, catalogue: str | None = None) -> Result:
        """Every stack of the standard method, or of a `catalogue`, with its fit, p-value and the limit to quote.

        See `stack_rows`.
        """
        chosen = self.catalogues if catalogue is None else [self._catalogue(catalogue)]
        rows = [row for row in stack_rows(self.summary) if row["catalogue"] in chosen]
        if not rows:
            raise TableError(f"{self._paths.summary}: no stack of the standard method is here.")
        first = rows[0]["catalogue"]
        return Result("stacks", _table(rows), self.synthetic, lambda: self.limits(first).figure())

    def hot_spots(self) -> Result:
        """The hot spots of the all-sky map, the most significant first."""
        return self.sky_map

    @functools.cached_property
    def verdict(self) -> Verdict:
        """What was found, in words, and the p-value of the whole run."""
        return verdict(self.summary)

    @functools.cached_property
    def sky_map(self) -> SkyMap:
        """The all-sky map of the likelihood."""
        if not self.summary.get("skymap"):
            raise TableError(f"{self._paths.summary}: this run has no all-sky map. Add a `skymap` block and run.")
        sources = [self._paths.sources.format(catalogue=name) for name in self.catalogues]
        self._check([self._paths.skymap("spots"), *sources])
        return SkyMap.read(self._paths.skymap_fits, self._paths.skymap("spots"), sources)

    def bdm_numbers(self) -> dict[str, Any]:
        """Numbers of boosted dark matter by key, each with `quantity`, `unit`, `published` and `standard`."""
        if not self.summary.get("bdm"):
            raise TableError(f"{self._paths.summary}: this run has no boosted dark matter. Add a `bdm` block and run.")
        return self.summary["bdm"]["numbers"]

    def bdm(self, what: str) -> Result:
        """Boosted dark matter in both sets of conventions.

        `what` is 'sky_map', 'light_curve' (the flux over time), 'events', 'differential_cross_section' or
        'target_cross_sections'.
        """
        self._one_of("result of boosted dark matter", what, list(_BDM))
        self.bdm_numbers()
        from nusky import config
        from nusky.stages import bdm_figures

        path = getattr(self._paths, f"bdm_{bdm_figures.FIGURES[what]}")

        def figure() -> Any:
            block = config.BoostedDarkMatter.model_validate(read_metadata(path)["settings"])
            return bdm_figures.figure(what, block, path, self._paths.bdm_numbers)

        self._check([path])
        return Result(f"boosted dark matter: {_BDM[what]}", _read(path), _synthetic([path]), figure)

    def __repr__(self) -> str:
        return f"<Run {self.summary['run']}: {', '.join(self._contents())}>"

    def _repr_html_(self) -> str:
        warning = "<p><b>Synthetic events: not a measurement.</b></p>" if self.synthetic else ""
        items = "".join(f"<li><code>{html.escape(call)}</code></li>" for call in self._contents())
        return f"<h4>Run {html.escape(self.summary['run'])}</h4>{warning}<ul>{items}</ul>"

    def _contents(self) -> Iterable[str]:
        """The calls that give what there is."""
        calls = []
        for method, results in self.summary["methods"].items():
            for catalogue, found in results.items():
                which = "" if method == "standard" else f", method={method!r}"
                calls += [f"scan({catalogue!r}, {name!r}{which})" for name in found["stacking"]]
                calls += [f"limits({catalogue!r}{which})"] if found["stacking"] else []
                calls += [f"single_sources({catalogue!r}{which})"] if found["single_sources"] else []
                inferred = found.get("inference") or {"stacks": {}, "sources": None}
                for call in ("statements", "stack_sources"):
                    calls += [f"{call}({catalogue!r}, {name!r})" for name in inferred["stacks"]]
                of_sources = ["source_table", "source_p_values", "population"] if inferred["sources"] else []
                of_sources += ["source_limits"] if of_sources and inferred["sources"].get("limits") else []
                calls += [f"{call}({catalogue!r})" for call in of_sources]
        calls += ["searches()"] if self.summary.get("corrected") else []
        calls += ["stack_table()"] if stack_rows(self.summary) else []
        calls += ["sky_map", "hot_spots()"] if self.summary.get("skymap") else []
        calls += [f"bdm({what!r})" for what in _BDM] if self.summary.get("bdm") else []
        return calls

    def _of_sources(self, title: str, kind: str, catalogue: str, *tables: str, **more: Any) -> Result:
        """The first of the `tables` of the sources of a catalogue, drawn as a `kind` of figure from all of them."""
        names = {"catalogue": self._catalogue(catalogue), "hypothesis": f"sources/{catalogue}"}
        paths = {what: self._paths.inference(what).format(**names) for what in tables}
        return self._result(title, tables[0], kind, paths, names | more)

    def _result(self, title: str, shown: str, kind: str, tables: dict[str, str], names: dict[str, Any]) -> Result:
        """The table called `shown`, drawn as a `kind` of figure from all `tables`."""
        self._check(tables.values())
        return Result(title, _read(tables[shown]), _synthetic([tables[shown]]), _figure(kind, tables, names))

    def _check(self, tables: Iterable[PathLike]) -> None:
        """Refuse tables that are no longer those the summary was written from."""
        for path in map(Path, tables):
            name = path.relative_to(self.folder).as_posix()
            if not path.is_file():
                raise TableError(f"{path}: no such table. Run the workflow again.")
            if sha256(path) != self._digests.get(name):
                raise TableError(
                    f"{path}: not the table that {self._paths.summary} was written from, but that of another run, or "
                    "changed. Run the workflow again; delete the table where it does not make it anew."
                )

    def _catalogue(self, name: str) -> str:
        return self._one_of("catalogue", name, self.catalogues)

    def _method(self, name: str) -> str:
        return self._one_of("method", name, list(self.summary["methods"]))

    def _stack(self, catalogue: str, weighting: str, method: str) -> dict[str, str]:
        self._one_of("weighting", weighting, self.weightings(catalogue))
        return {"catalogue": catalogue, "weighting": weighting, "method": self._method(method)}

    def _stack_names(self, catalogue: str, weighting: str) -> dict[str, str]:
        """What figures of the inference of a stack are of."""
        names = self._stack(catalogue, weighting, "standard")
        return names | {"hypothesis": f"stack/{catalogue}/{weighting}", "label": f"{catalogue}, {weighting} weights"}

    def _one_of(self, what: str, name: str, known: list[str]) -> str:
        if name not in known:
            raise TableError(f"{self._paths.summary}: no {what} {name!r}; there is {', '.join(known) or 'none'}.")
        return name


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """`rows` as a table; a column without any value is one of missing numbers, and they are NaN."""
    table = pa.Table.from_pylist(rows)
    for k, field in enumerate(table.schema):
        if pa.types.is_null(field.type):
            table = table.set_column(k, field.name, table[k].cast(pa.float64()))
        if pa.types.is_floating(table.schema[k].type):
            table = table.set_column(k, field.name, table[k].fill_null(float("nan")))
    return table


def _figure(kind: str, tables: dict[str, Any], names: dict[str, Any]) -> Callable[..., Any]:
    def figure() -> Any:
        from nusky.stages import figures

        return figures.draw(kind, tables, names)

    return figure


def _read(path: PathLike) -> pa.Table:
    return read_table(path, kind=read_metadata(path)["kind"])


def _synthetic(paths: Iterable[PathLike]) -> bool:
    return any(read_metadata(path)["synthetic"] for path in paths)
