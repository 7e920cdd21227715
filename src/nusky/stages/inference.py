"""Stages of the standard inference: trials in batches, and the fits and statements that follow from them.

What is tested is named as in `nusky.paths`: the stack of a catalogue in a weighting, the sources of a catalogue each by
itself, points at declinations, or windows at a position. A stage takes its files by name as a job has them, its outputs
by name, and what decides their content. Each trial has a random stream of its own, so adding trials adds batches and
leaves the old ones alone.
"""

import copy
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.catalogues.weights import model_weights
from nusky.conventions import STANDARD
from nusky.detector.configured import of_stack, spectra_of
from nusky.detector.spectrum import SourceSpectra
from nusky.errors import NuskyError, PhysicsError, TableError
from nusky.search.analysis import EVENT_COLUMNS, TIMED_COLUMNS, Analysis
from nusky.search.diffuse import NORTHERN_TRACKS
from nusky.search.experiment import FIT_COLUMNS, Experiment, Indices, Request, Statement, common_fits, sky_fits
from nusky.search.scrambling import TIMES
from nusky.search.sources import Sources
from nusky.search.statistics.population import Population, binomial_scan, population, scan_quantiles
from nusky.search.statistics.posttrial import (
    PostTrialPValue,
    local_p_values,
    ranked_minima,
    ranking,
    smallest_of,
)
from nusky.search.statistics.pvalues import BackgroundTrials, binomial_interval, sigma_from_p
from nusky.search.statistics.statements import FluxScale, FluxStatement, SignalStrength
from nusky.search.target import Target
from nusky.search.time_profile import Box, Decay, Flare, Gaussian, TimeProfile, none_seen, reach_of, why_unseen
from nusky.stages.corrected import search_rows
from nusky.tables import Provenance, read_columns, read_metadata, read_table, schema, trace, write_table

log = logging.getLogger(__name__)

LISTED = ("name", "origin", "ra_deg", "dec_deg")
"""What tables of single sources repeat of the list."""
Settings = Mapping[str, Any]
"""Of a job, as the configuration has them."""
Positions = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Data:
    """The tables an analysis is made of."""

    events: Sequence[Path]
    seasons: Path
    effective_area: Path
    smearing: Path
    angular_resolution: Path
    uptimes: Path | None = None

    @classmethod
    def of_job(cls, files: Any) -> "Data":
        """From the files of a job, by name."""
        known = (files.effective_area, files.smearing, files.angular_resolution)
        return cls(files.events, files.seasons, *known, getattr(files, "uptimes", None) or None)

    @property
    def paths(self) -> list[Path]:
        """All of them, the events first."""
        release = [self.seasons, self.effective_area, self.smearing, self.angular_resolution]
        return [*self.events, *release, *filter(None, [self.uptimes])]


def load_analysis(data: Data) -> Analysis:
    """The standard likelihood of a release. With `data.uptimes` sources may change with time."""
    kinds = ("seasons", "effective_area", "smearing", "angular_resolution")
    seasons, *others = (read_table(getattr(data, name), kind=name) for name in kinds)
    uptimes = read_table(data.uptimes, kind="uptimes") if data.uptimes else None
    columns = EVENT_COLUMNS if uptimes is None else TIMED_COLUMNS
    events = [read_table(path, kind="events", columns=columns) for path in data.events]
    return Analysis.of_tables(seasons, events, *others, uptimes)


def positions(sources: pa.Table) -> Positions:
    """ra, dec and Gaussian width of the sources [rad]; a width that is only a limit counts as 0."""
    ra, dec, width = (np.radians(sources[name].to_numpy()) for name in ("ra_deg", "dec_deg", "extension_deg"))
    limit = sources["extension_limit"].to_numpy(zero_copy_only=False)
    return ra, dec, np.where(limit, 0.0, np.nan_to_num(width))


def _box(start_mjd: float = 0.0, stop_mjd: float = 0.0, centre_mjd: float = 0.0, duration_days: float = 0.0) -> Box:
    start = start_mjd or centre_mjd - duration_days / 2
    return Box(start, stop_mjd or start + duration_days)


def windows_at(durations: Mapping[str, Any]) -> list[TimeProfile]:
    """The windows of `inference.durations`."""
    return [_box(centre_mjd=durations["centre_mjd"], duration_days=days) for days in durations["days"]]


_PROFILES: dict[str, Callable[..., TimeProfile]] = {
    "box": _box,
    "gaussian": lambda centre_mjd, width_days: Gaussian(centre_mjd, width_days),
    "decay": lambda start_mjd, timescale_days, power: Decay(start_mjd, timescale_days, power),
    "flare": lambda shortest_days, longest_days, limit_days=None, **more: Flare(shortest_days, longest_days, **more),
}


def profiles_of(settings: config.TimeProfile, sources: pa.Table, folder: Path = Path(".")) -> list[TimeProfile]:
    """The profile in time of every source of a catalogue, checked when its lists were read; T = 1 is the largest flux.

    Light curves are looked for relative to `folder`; ConfigurationError where one is missing or none.
    """
    if settings.profile == "light-curve":
        return _light_curves(settings, sources["name"].to_pylist(), folder)
    options = settings.options
    columns = [
        sources[value].to_pylist() if isinstance(value, str) else [value] * sources.num_rows
        for value in settings.values.values()
    ]
    make = _PROFILES[settings.profile]
    return [make(**dict(zip(settings.values, values, strict=True)), **options) for values in zip(*columns, strict=True)]


def _light_curves(settings: config.TimeProfile, names: Sequence[str], folder: Path) -> list[TimeProfile]:
    from nusky.stages.light_curves import read_light_curve  # astropy's tables take a while to import

    columns, of_each = settings.file_columns or config.CurveColumns(), "{name}" in settings.file
    made: dict[str, TimeProfile] = {}
    for name in names:
        file = settings.file.replace("{name}", name)
        if file not in made:
            try:
                made[file] = read_light_curve(folder / file, columns, *settings.grid).at_peak()
            except NuskyError as error:
                raise type(error)(f"source '{name}': {error}" if of_each else str(error)) from None
    return [made[settings.file.replace("{name}", name)] for name in names]


class Study:
    """A hypothesis of the workflow with the data it is tested on: one `Target` or several.

    Parameters
    ----------
    files : of the job: tables of the release and, unless it is about declinations, the `sources`; `spectra`, files with
        tabulated ones, and `light_curves`, if any
    setup : `seed`, the root of the random streams; `gammas`, the catalogue's spectral indices; `gamma`, the one to fix,
        None for a free one or, without energies, each of `gammas`; `spectrum`, the keys of the configuration's block
    hypothesis : its `name`, that of sources by themselves also with a batch of them, sources/mine/0-of-3; the
        `weighting` of a stack; `declinations_deg`; `durations`, the windows at a position; `time`, how the sources
        change with time

    Attributes
    ----------
    rows : numbers of the sources in the list; without those whose window lies outside the seasons, `outside` by name
    numbers : range
        Targets that are treated, numbered among all of the hypothesis: those of the batch, or all. The study is as long
        as these, and iterates over them.
    profiles : of all sources of the list, None if they are steady
    limit_days : durations [d] of the unknown flares that limits are about; one None for windows that are known
    """

    def __init__(self, files: Any, setup: Settings, hypothesis: Settings) -> None:
        self._data, self._setup, self._hypothesis = Data.of_job(files), setup, hypothesis
        sources = getattr(files, "sources", None)
        self._files = [*self._data.paths, *([sources] if sources else [])]
        self._files += [*getattr(files, "spectra", []), *getattr(files, "light_curves", [])]
        self.analysis = load_analysis(self._data)
        self.kind, _, self.name = hypothesis["name"].partition("/")
        batch = ""
        if self.kind == "sources":
            self.name, _, batch = self.name.partition("/")
        self.table = read_table(sources, kind="sources") if sources else None
        time = hypothesis.get("time") and config.TimeProfile.model_validate(hypothesis["time"])
        self.profiles = time and profiles_of(time, self.table)
        self.limit_days = (time and time.limit_days) or [None]
        self._scramble = time.scramble if time else TIMES
        if self.kind == "stack":
            weighting = config.Weighting.model_validate(hypothesis["weighting"])
            weights, _ = model_weights(self.table, weighting, STANDARD.name)
            self._leave_out(np.flatnonzero(weights > 0))
            self.weights = weights[self.rows]
            if weighting.quantity == "fluence":
                self.weights = self.weights / self.durations
        elif self.kind == "sources":
            self._leave_out(np.arange(self.table.num_rows))
        elif self.kind == "durations":
            windows = hypothesis["durations"]
            self.profiles = windows_at(windows)
            self._leave_out(np.arange(len(self.profiles)))
        else:
            self._leave_out(np.arange(len(hypothesis["declinations_deg"])))
        self._spectra = spectra_of(config.Spectrum.model_validate(setup.get("spectrum") or {}), self.table)
        self.indices = self.indices_of(0)
        self.numbers = self._batch(batch)

    def _batch(self, name: str) -> range:
        """Targets of the batch `name`, such as 0-of-3; all of them without one."""
        part, parts = map(int, name.split("-of-")) if name else (0, 1)
        n = 1 if self.kind == "stack" else len(self.rows)
        return range(part * n // parts, (part + 1) * n // parts)

    def _leave_out(self, rows: np.ndarray) -> None:
        """Take `rows`, except sources whose window lies outside the good runs of all seasons."""
        self.rows, self.outside = rows, []
        if not self.profiles:
            return
        why = [why_unseen(self.profiles[j], self.analysis.runs) for j in rows]
        self.rows = rows[[not reason for reason in why]]
        names = self.table["name"].to_pylist() if self.table else list(map(str, self.profiles))
        left = {names[j]: reason for j, reason in zip(rows, why, strict=True) if reason}
        self.outside = list(left)
        if left:
            told = "; ".join(f"{name}: {reason}" for name, reason in left.items())
            log.warning("%d window(s) outside the good runs of the seasons, left out: %s", len(left), told)
        if not len(self.rows):
            raise PhysicsError(none_seen(left))

    @property
    def durations(self) -> np.ndarray:
        """Fluence over flux of every source that is used, (n,) d: the length of a box."""
        span = reach_of(self.analysis.runs)
        return np.array([self.profiles[row].total(*span) for row in self.rows])

    @property
    def hadronic_relation(self) -> str:
        """From gamma rays to neutrinos: 'kinematic' or 'interactions'."""
        return self._setup.get("hadronic_relation", "kinematic")

    @property
    def seed(self) -> int:
        """Root of the random streams."""
        return self._setup["seed"]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Target]:
        return map(self.target, self.numbers)

    def indices_of(self, j: int) -> Indices:
        """The spectrum of a target and how it is searched; targets differ at most in the spectrum."""
        if self.kind == "stack":
            spectrum = of_stack(self._spectra, self.rows, self.weights)
        else:
            spectrum = self._spectra[int(self.rows[j])] if isinstance(self._spectra, tuple) else self._spectra
        fixed, listed = self._setup["gamma"], self._setup["gammas"]
        return Indices.choose(fixed, listed, self.analysis.smearings is not None, spectrum)

    def target(self, j: int) -> Target:
        """The stack, or the source or declination number `j` of all."""
        if self.kind == "stack":
            profiles = self.profiles and [self.profiles[row] for row in self.rows]
            sources = Sources.of(*(values[self.rows] for values in positions(self.table)), self.weights, profiles)
            keys, row = ("stack", self.name), {}
        elif self.kind == "sources":
            listed = int(self.rows[j])
            profile = self.profiles and self.profiles[listed]
            sources = Sources.of(*(values[[listed]] for values in positions(self.table)), profiles=profile)
            keys, row = ("source", self.name, listed), self.table.select(LISTED).slice(listed, 1).to_pylist()[0]
        elif self.kind == "durations":
            windows, listed = self._hypothesis["durations"], int(self.rows[j])
            where = {name: windows[name] for name in ("ra_deg", "dec_deg")}
            sources = Sources.of(*np.radians(list(where.values())), profiles=self.profiles[listed])
            days = windows["days"][listed]
            keys, row = ("duration", f"{days:g}"), {"duration_days": days, **where}
        else:
            dec_deg = float(self._hypothesis["declinations_deg"][j])
            sources = Sources.of(0.0, np.radians(dec_deg))
            keys, row = ("declination", f"{dec_deg:g}"), {"dec_deg": dec_deg}
        indices = self.indices_of(j)
        experiment = Experiment.of(self.analysis, sources, indices, self._setup["seed"], keys, self._scramble)
        return Target(experiment, sources, row, indices.spectrum)

    def common_skies(self, numbers: range) -> np.ndarray:
        """TS of every source in common scrambled skies, (n_trials, n_targets, n_fits)."""
        if self.profiles or self.kind == "stack":
            return common_fits([target.experiment for target in self], self._setup["seed"], numbers)
        indices, own = [self.indices_of(j) for j in self.numbers], self.rows[self.numbers.start : self.numbers.stop]
        where = tuple(values[own] for values in positions(self.table))
        return sky_fits(self.analysis, where, indices, self._setup["seed"], numbers)

    def batch_of(self, j: int, trials: Sequence[Path]) -> tuple["Study", list[Path]]:
        """The batch of sources that has target `j`, and its own of the files `trials`, which come batch by batch."""
        name = read_metadata(trials[0])["settings"]["hypothesis"]
        if not (batch := re.fullmatch(r"sources/[^/]+/\d+-of-(\d+)", name)):
            return self, list(trials)
        parts, found = int(batch[1]), copy.copy(self)
        for part in range(parts):
            found.numbers = self._batch(f"{part}-of-{parts}")
            if j in found.numbers:
                break
        n = len(trials) // parts
        return found, list(trials[part * n : (part + 1) * n])

    def statistics(self, paths: Sequence[Path], targets: Sequence[int] | None = None) -> np.ndarray:
        """TS of all batches of trials, (n_trials, n_targets, n_fits), of all targets or of the numbers `targets`.

        TableError unless their trials are 0, 1, ... in order.
        """
        shape = (len(self), len(self.indices.fitted))
        if not len(self):
            return np.empty((0, *shape))
        n_columns, found, n_trials = shape[0] * shape[1], [], 0
        for path in paths:  # only what is asked for of each: of many sources all trials are many GiB
            trial, ts = read_columns(path, kind="trials", columns=("trial", "test_statistic"))
            first, n_trials = n_trials, n_trials + len(trial) // n_columns
            if not np.array_equal(trial, np.repeat(np.arange(first, n_trials), n_columns)):
                raise TableError(
                    f"{path}: does not hold the trials from number {first} of {n_columns} fits each. Delete its folder "
                    "and run again."
                )
            every = ts.reshape(-1, *shape)
            found.append(every if targets is None else every[:, np.array(targets, np.int64) - self.numbers.start])
        return np.concatenate(found)

    def trace(self, inputs: Sequence[Path] = (), **settings: Any) -> Provenance:
        """Provenance of a table made from the release, the sources and `inputs`."""
        about = dict(self._hypothesis)
        spectrum = of_stack(self._spectra)
        own = {
            "analysis": self.analysis.about(spectrum),
            "spectrum": spectrum.words,
            "hypothesis": about.pop("name"),
            **about,
        }
        own |= {"windows_outside_seasons": self.outside} if self.outside else {}
        own |= {"gammas": list(self._setup["gammas"]), "gamma": self._setup["gamma"], "seed": self._setup["seed"]}
        return trace([*self._files, *inputs], own | settings)


def trials(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, **batch: Any) -> None:
    """Fits of the scrambled skies number `first` ... `stop` - 1.

    `skies` is "trials" for skies of each target's own, of which only the surroundings are drawn, or "skies" for full
    ones that all of them look at.
    """
    study, numbers = Study(files, setup, hypothesis), range(int(batch["first"]), int(batch["stop"]))
    n_fits = len(study.indices.fitted)
    columns = {
        "trial": np.repeat(numbers, len(study) * n_fits),
        "target": np.tile(np.repeat(np.array(study.numbers, dtype=np.int32), n_fits), len(numbers)),
        "gamma_fixed": np.tile(study.indices.fitted, len(numbers) * len(study)),
    }
    if batch["skies"] == "skies":
        columns["test_statistic"] = study.common_skies(numbers).ravel() if len(study) else np.empty(0)
    else:
        of_each = [target.experiment.background(numbers) for target in study]
        found = np.stack(of_each, axis=1) if of_each else np.empty(0)
        names = [study.indices.spectrum.parameter_name or name if name == "gamma" else name for name in FIT_COLUMNS]
        columns |= dict(zip(names, found.reshape(-1, 3).T, strict=True))
    write_table(outputs[0], columns, kind="trials", provenance=study.trace(skies=batch["skies"]))


def fits(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings) -> None:
    """Fits and local p-values of a stack.

    Writes `outputs.fits`; and `outputs.searches`, by which the p-value of the run ranks the data among the common
    `files.skies`, one row for each search, sky and fit.
    """
    study = Study(files, setup, hypothesis)
    background, common = study.statistics(files.trials)[:, 0], study.statistics(files.skies)[:, 0]
    (target,) = study
    observed = target.experiment.observed[:, 2]
    rows = [target.row | fit for fit in target.fit_rows(observed, background)]
    searches = []
    for f, gamma in enumerate(study.indices.fitted):
        ranked = ranking(background[:, f]).p_value(np.append(observed[f], common[:, f]))
        searches.append(search_rows("stack", gamma, ranked, rows[f]["p_local"], rows[f]["n_trials"]))
    provenance = study.trace([*files.trials, *files.skies])
    write_table(outputs.fits, pa.Table.from_pylist(rows), kind="stack_fits", provenance=provenance)
    write_table(outputs.searches, pa.concat_tables(searches), kind="searches", provenance=provenance)


def source_ranks(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings) -> None:
    """Fits and local p-values of a batch of sources, each by itself, and of these p-values those of every common sky.

    Writes `outputs.fits` and `outputs.ranks`, one row for each fit, sky (-1: the data) and source.
    """
    study = Study(files, setup, hypothesis)
    provenance = study.trace([*files.trials, *files.skies])
    table, ranks = _alone(study, files)
    write_table(outputs.fits, table, kind="source_fits", provenance=provenance)
    n_fits, n_skies, n = ranks["p_local"].shape
    columns = {
        "gamma_fixed": np.repeat(study.indices.fitted, n_skies * n),
        "sky": np.tile(np.repeat(np.arange(-1, n_skies - 1), n), n_fits),
        "target": np.tile(np.array(study.numbers, np.int32), n_fits * n_skies),
    }
    columns |= {name: values.ravel() for name, values in ranks.items()}
    write_table(outputs.ranks, columns, kind="source_ranks", provenance=provenance)


def source_fits(
    files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, population_p_max: float = 0.1
) -> None:
    """Fits and p-values of all sources of a catalogue, local and post-trial ones from common `files.skies`.

    They are made here, or come in batches, `files.fits` and `files.ranks`. Writes `outputs.fits` and `outputs.searches`
    like `fits`; and `outputs.population`, the binomial test of the p-values up to `population_p_max`, dimensionless,
    from 0 to 1.
    """
    study, inputs = Study(files, setup, hypothesis), [*files.trials, *files.skies]
    if parts := list(getattr(files, "fits", [])):
        inputs += [*parts, *files.ranks]
        table = together(parts, "source_fits")
        sources = [path for path in files.ranks if read_metadata(path)["n_rows"]]
    else:
        table, ranks = _alone(study, files)
        sources = [ranks]
    n_fits = len(study.indices.fitted)
    searches, populations, post_trial = [], [], []
    for f, gamma in enumerate(study.indices.fitted):
        ranked, minimal, local = [], np.inf, []
        for one in sources:
            own = one if isinstance(one, dict) else _ranks_of(one, n_fits)
            ranked.append(own["p_ranked"][f, 0])
            minimal = np.minimum(minimal, own["p_ranked"][f, 1:].min(axis=1))
            local.append(own["p_local"][f])
            del own
        post = smallest_of(np.concatenate(ranked), minimal)
        post_trial.append(_post_trial(post))
        minima, n = np.append(post.p_local.min(), post.minimal_p), len(post.minimal_p)
        searches.append(search_rows("source", gamma, ranked_minima(minima), post.p_value, n))
        every = local[0] if len(local) == 1 else np.concatenate(local, axis=1)
        local.clear()
        found = population(every[0], every[1:], population_p_max)
        searches.append(search_rows("population", gamma, ranked_minima(found.statistics), found.post_trial.p_value, n))
        names = table["name"].take(pa.array(np.arange(f, len(table), n_fits)))
        populations.append(_population_rows(found, gamma, every, names, population_p_max))
    for name in post_trial[0]:
        table = table.append_column(name, pa.array(np.column_stack([own[name] for own in post_trial]).ravel()))
    provenance = study.trace(inputs)
    write_table(outputs.fits, table, kind="source_fits", provenance=provenance)
    write_table(outputs.searches, pa.concat_tables(searches), kind="searches", provenance=provenance)
    provenance = study.trace(inputs, population_p_max=population_p_max)
    write_table(outputs.population, pa.concat_tables(populations), kind="population", provenance=provenance)


def _alone(study: Study, files: Any) -> tuple[pa.Table, dict[str, np.ndarray]]:
    """Fits with local p-values of the sources, a row for each source and fit, and their p-values in the common skies.

    `p_ranked`, from fitted tails, too, and `p_local`, both (n_fits, n_skies + 1, n_sources), those of the data first.
    """
    background, common = study.statistics(files.trials), study.statistics(files.skies)
    n_fits, shape = background.shape[2], (common.shape[0] + 1, len(study))
    observed, rows = np.empty((len(study), n_fits)), []
    for j, target in enumerate(study):
        observed[j] = target.experiment.observed[:, 2]
        rows += [target.row | fit for fit in target.fit_rows(observed[j], background[:, j])]
    ranks = {name: np.empty((n_fits, *shape)) for name in ("p_ranked", "p_local")}
    for f in range(n_fits if len(study) else 0):
        for name, known in (("p_ranked", ranking), ("p_local", BackgroundTrials)):
            own = [known(ts) for ts in background[:, :, f].T]
            ranks[name][f] = local_p_values(observed[:, f], common[:, :, f], own)
    return pa.Table.from_pylist(rows), ranks


def _ranks_of(path: Path, n_fits: int) -> dict[str, np.ndarray]:
    """What `_alone` gives of a batch of sources, from its table."""
    names = ("p_ranked", "p_local")
    target, *columns = read_columns(path, kind="source_ranks", columns=("target", *names))
    n = int(target[-1] - target[0]) + 1
    return {name: column.reshape(n_fits, -1, n) for name, column in zip(names, columns, strict=True)}


def write_together(study: Study, files: Any, outputs: Any, kinds: Mapping[str, str], **settings: Any) -> bool:
    """Where a job puts the batches of sources together: write the tables called as the keys of `kinds`, of these kinds.

    Returns whether it does.
    """
    parts = {name: list(getattr(files, name, [])) for name in kinds}
    if not any(parts.values()):
        return False
    provenance = study.trace([path for paths in parts.values() for path in paths], **settings)
    for name, kind in kinds.items():
        path = outputs[0] if len(kinds) == 1 else getattr(outputs, name)
        write_table(path, together(parts[name], kind), kind=kind, provenance=provenance)
    return True


def together(parts: Sequence[Path], kind: str) -> pa.Table:
    """The tables of all batches of sources as one, those of batches without a source left out."""
    tables = [read_table(path, kind=kind) for path in parts]
    return pa.concat_tables([own for own in tables if own.num_rows] or tables, promote_options="default")


def statements(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, request: Settings) -> None:
    """Sensitivity and discovery potentials of a stack or of points of the sky; of a stack the upper limit, too.

    Writes one row for each target, index and statement, and for a stack `outputs.fluxes`, its limit as shared by the
    sources.
    """
    study, asked = Study(files, setup, hypothesis), Request(**request)
    background = study.statistics(files.trials)
    stacked = study.kind == "stack"
    rows, fluxes = [], []
    for j, target in enumerate(study):
        observed = target.experiment.observed[:, 2] if stacked else [None] * background.shape[2]
        for gamma in study.indices.gammas:
            fit, scale = study.indices.fit_of(gamma), target.flux_scale(gamma)
            experiment = target.experiment.at(gamma).named(f"{gamma:g}")
            limit = asked if stacked else replace(asked, limit_method=None)
            for made in experiment.statements(target.signal(gamma), background[:, j, fit], observed[fit], limit):
                row = target.row | statement_row(made, scale, experiment.inject.label)
                rows.append(row | {"n_sources": len(target.sources)} if stacked else row)
                if stacked and made.name == "upper limit" and made.strength is not None:
                    fluxes.append(_source_fluxes(FluxStatement(made.strength, scale), study))
    provenance = study.trace(files.trials, request=request)
    kind = "statements" if stacked else "sensitivity"
    write_table(outputs[0], pa.Table.from_pylist(rows), kind=kind, provenance=provenance)
    if stacked:
        table = pa.concat_tables([_FLUXES.empty_table(), *fluxes])
        write_table(outputs.fluxes, table, kind="source_fluxes", provenance=provenance)


def _post_trial(result: PostTrialPValue) -> dict[str, np.ndarray]:
    """Columns of the post-trial p-values, one number for each source."""
    n = len(result.minimal_p)
    low, high = binomial_interval(np.round(result.p_sources * (n + 1)) - 1, n)
    return {
        "p_post": result.p_sources,
        "p_post_low": low,
        "p_post_high": high,
        "significance_post": sigma_from_p(result.p_sources),
        "n_sky_trials": np.full(len(low), n),
    }


_SKY_QUANTILES = {"low95": 0.025, "low68": 0.16, "median": 0.5, "high68": 0.84, "high95": 0.975}


def _population_rows(found: Population, gamma: float, local: np.ndarray, names: pa.Array, p_max: float) -> pa.Table:
    """One row for each number k of sources, with the result of the test in all.

    `local` (n_skies + 1, n_sources) is sorted in place: of many sources a second one is many GiB.
    """
    order, n = np.argsort(local[0], kind="stable"), local.shape[1]
    local.sort(axis=1)
    post = found.post_trial
    result = {
        "k_best": found.k,
        "p_k_best": found.p_k,
        "p_binomial_best": found.p_binomial,
        "p_post": post.p_value,
        "p_post_low": post.p_low,
        "p_post_high": post.p_high,
        "significance_post": post.significance,
        "n_sky_trials": len(post.minimal_p),
        "p_max": p_max,
    }
    columns = {"gamma_fixed": np.full(n, gamma), "k": np.arange(1, n + 1), "name": names.take(pa.array(order))}
    columns |= {"p_k": local[0].copy(), "p_binomial": binomial_scan(local[0])}
    quantiles = scan_quantiles(local[1:], list(_SKY_QUANTILES.values()))
    columns |= {f"sky_{label}": values for label, values in zip(_SKY_QUANTILES, quantiles, strict=True)}
    return pa.table(columns | {name: np.full(n, value) for name, value in result.items()})


def statement_row(statement: Statement, scale: FluxScale, injection: str) -> dict[str, Any]:
    """A statement as a row of a table, NaN where there is no number."""
    nothing = SignalStrength(statement.name, "", *(float("nan"),) * 4, n_trials=0, n_signal_low=float("nan"))
    strength = statement.strength or nothing
    flux = FluxStatement(strength, scale)
    at_pivot = float(flux.phi0_per_gev * scale.spectrum.shape(flux.pivot_energy_gev))
    if statement.problem:
        log.warning("%s, gamma %g: %s", statement.name, scale.gamma, statement.problem)
    return flux.row() | {
        "diffuse_share_100tev": NORTHERN_TRACKS.share(at_pivot, scale.gamma),
        "injection": injection_of(strength, injection),
        "problem": statement.problem,
    }


def injection_of(strength: SignalStrength, label: str) -> str:
    """`label` of the injection behind a number; 'none' without a number, 'none (uncalibrated)' without trials."""
    return {"": "none", "asymptotic": "none (uncalibrated)"}.get(strength.method, label)


_FLUXES = schema(
    (pa.float64(), "gamma"),
    (pa.int32(), "source"),
    (pa.string(), "name"),
    (pa.float64(), "share phi0_per_gev e2dnde_100tev_gev_cm2_s duration_s e2_fluence_100tev_gev_cm2"),
)


def _source_fluxes(limit: FluxStatement, study: Study) -> pa.Table:
    phi0, spectrum = limit.of_sources(study.weights), limit.scale.spectrum
    own = spectrum.own if isinstance(spectrum, SourceSpectra) else [spectrum] * len(phi0)
    shape = np.array([float(each.shape(limit.pivot_energy_gev)) for each in own])
    duration_s = 86400 * study.durations if study.profiles else np.full(len(phi0), np.nan)
    e2dnde = phi0 * limit.pivot_energy_gev**2 * shape
    columns = (
        np.full(len(phi0), limit.scale.gamma),
        study.rows.astype(np.int32),
        study.table["name"].take(pa.array(study.rows)),
        study.weights / study.weights.sum(),
        *(phi0, e2dnde, duration_s, e2dnde * duration_s),
    )
    return pa.table(list(columns), schema=_FLUXES)
