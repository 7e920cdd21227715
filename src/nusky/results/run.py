"""A finished run: finds its files and hands out what is in them."""

import functools
import html
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from nusky.errors import TableError
from nusky.files import read_json
from nusky.paths import Paths
from nusky.results.result import Result
from nusky.results.sky import SkyMap
from nusky.tables import read_metadata, read_table

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
        self.summary: dict[str, Any] = read_json(self._paths.summary, keys=("run", "methods", "catalogues"))

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
        scan, limits = (pattern.format(**names) for pattern in (self._paths.scan, self._paths.limits))

        def figure() -> Any:
            from nusky.figures.ts_scan import ts_scan

            return ts_scan(_read(scan), _read(limits), synthetic=_synthetic([scan, limits]), **names)

        return _result(f"flux scan of {catalogue}, {weighting} weights, {method} method", [scan], figure)

    def limits(self, catalogue: str, method: str = "standard") -> Result:
        """Upper limits of the stacks of a catalogue: one row for each weighting and index."""
        paths = {
            name: self._paths.limits.format(**self._stack(catalogue, name, method))
            for name in self.weightings(catalogue)
        }

        def figure() -> Any:
            from nusky.figures.limit_spectra import limit_spectra

            tables = {name: _read(path) for name, path in paths.items()}
            return limit_spectra(tables, method=method, catalogue=catalogue, synthetic=_synthetic(paths.values()))

        data = pa.concat_tables(
            _read(path).add_column(0, "weighting", pa.array([name] * len(_read(path)))) for name, path in paths.items()
        )
        return Result(f"95 % upper limits of {catalogue}, {method} method", data, _synthetic(paths.values()), figure)

    def single_sources(self, catalogue: str, method: str = "standard") -> Result:
        """The largest test statistic of every source of a catalogue."""
        path = self._paths.single.format(catalogue=self._catalogue(catalogue), method=self._method(method))

        def figure() -> Any:
            from nusky.figures.ts_distribution import ts_distribution

            return ts_distribution(_read(path), method=method, catalogue=catalogue, synthetic=_synthetic([path]))

        return _result(f"single sources of {catalogue}, {method} method", [path], figure)

    def statements(self, catalogue: str, weighting: str) -> Result:
        """Sensitivity, discovery potential and upper limit of a stack; drawn are its background trials."""
        names = self._stack(catalogue, weighting, "standard")
        path, fits = (self._paths.inference(what).format(**names) for what in ("statements", "fits"))
        trials = Path(self._paths.stack_trials.format(first="", stop="", **names)).parent

        def figure() -> Any:
            from nusky.figures.background_ts import background_ts

            fit, analysis = _read(fits).to_pylist()[0], read_metadata(fits)["settings"]["analysis"]
            every = pa.concat_tables(_read(batch) for batch in sorted(trials.glob("*.parquet")))
            fixed = fit["gamma_fixed"]
            if free := fixed != fixed:
                every = every.filter(pc.is_nan(every["gamma_fixed"]))
            else:
                every = every.filter(pc.equal(every["gamma_fixed"], fixed))
            return background_ts(
                every,
                title=("standard method", catalogue, weighting, analysis + ("" if free else f", γ = {fixed:g}")),
                observed=fit["test_statistic"],
                note=f"p = {fit['p_local']:.2g}",
                synthetic=_synthetic([fits]),
            )

        return _result(f"statements on the stack of {catalogue}, {weighting} weights", [path], figure)

    def source_p_values(self, catalogue: str) -> Result:
        """p-values of the sources of a catalogue, each from its own trials."""
        path = self._paths.source_inference("fits").format(catalogue=self._catalogue(catalogue))

        def figure() -> Any:
            from nusky.figures.p_values import p_values

            fixed = _read(path)["gamma_fixed"][0].as_py()
            table = _read(path) if fixed != fixed else _read(path).filter(pc.equal(_read(path)["gamma_fixed"], fixed))
            post = min(table["p_post"].to_pylist())
            arguments = {"method": "standard", "catalogue": catalogue, "post_trial": post}
            return p_values(table, **arguments, synthetic=_synthetic([path]))

        return _result(f"p-values of the sources of {catalogue}", [path], figure)

    @functools.cached_property
    def sky_map(self) -> SkyMap:
        """The all-sky map of the likelihood."""
        if not self.summary.get("skymap"):
            raise TableError(f"{self._paths.summary}: this run has no all-sky map. Add a `skymap` block and run.")
        sources = [self._paths.sources.format(catalogue=name) for name in self.catalogues]
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
        paths = {
            "sky_map": self._paths.bdm_sky_map,
            "differential_cross_section": self._paths.bdm_differential,
            "target_cross_sections": self._paths.bdm_targets,
            "light_curve": self._paths.bdm_light_curve,
            "events": self._paths.bdm_events,
        }

        def figure() -> Any:
            from nusky import config
            from nusky.stages.bdm_figures import figure

            block = config.BoostedDarkMatter.model_validate(read_metadata(paths[what])["settings"])
            return figure(what, block, paths[what], self._paths.bdm_numbers)

        return _result(f"boosted dark matter: {_BDM[what]}", [paths[what]], figure)

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
                calls += [f"statements({catalogue!r}, {name!r})" for name in inferred["stacks"]]
                calls += [f"source_p_values({catalogue!r})"] if inferred["sources"] else []
        calls += ["sky_map"] if self.summary.get("skymap") else []
        calls += [f"bdm({what!r})" for what in _BDM] if self.summary.get("bdm") else []
        return calls

    def _catalogue(self, name: str) -> str:
        return self._one_of("catalogue", name, self.catalogues)

    def _method(self, name: str) -> str:
        return self._one_of("method", name, list(self.summary["methods"]))

    def _stack(self, catalogue: str, weighting: str, method: str) -> dict[str, str]:
        self._one_of("weighting", weighting, self.weightings(catalogue))
        return {"catalogue": catalogue, "weighting": weighting, "method": self._method(method)}

    def _one_of(self, what: str, name: str, known: list[str]) -> str:
        if name not in known:
            raise TableError(f"{self._paths.summary}: no {what} {name!r}; there is {', '.join(known) or 'none'}.")
        return name


def _result(title: str, paths: list[str], figure: Callable[..., Any]) -> Result:
    return Result(title, _read(paths[0]), _synthetic(paths), figure)


def _read(path: PathLike) -> pa.Table:
    return read_table(path, kind=read_metadata(path)["kind"])


def _synthetic(paths: Iterable[PathLike]) -> bool:
    return any(read_metadata(path)["synthetic"] for path in paths)
