"""Stages of the standard inference: trials in batches, and what follows from them for stacks, sources and declinations.

A batch holds the trials number first ... stop - 1. Each trial has a random stream of its own, so adding trials adds
batches and leaves the old ones alone.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.catalogues.weights import model_weights
from nusky.conventions import STANDARD
from nusky.detector import effective_area, smearing
from nusky.detector.point_spread import GAMMA, PointSpread
from nusky.errors import TableError
from nusky.search import inference
from nusky.search.analysis import Analysis
from nusky.search.diffuse import NORTHERN_TRACKS
from nusky.search.energy_range import central_energy_range
from nusky.search.hypothesis import Hypothesis
from nusky.search.inference import Indices, Injector, Request, Signal, Statement
from nusky.search.interval import likelihood_interval
from nusky.search.sample import Sample
from nusky.search.source import Source
from nusky.search.stack import Stack
from nusky.search.statistics.posttrial import post_trial_p_value
from nusky.search.statistics.pvalues import BackgroundTrials, binomial_interval, local_p_value, sigma_from_p
from nusky.search.statistics.statements import FluxScale, FluxStatement, SignalStrength
from nusky.tables import Provenance, read_columns, read_table, trace, write_table

log = logging.getLogger(__name__)

SPATIAL, FULL = "spatial only", "spatial and energy"
FULL_WITH_SPREAD = "spatial and energy, point spread from the smearing tables at gamma {:g}"
LISTED = ("name", "origin", "ra_deg", "dec_deg")
"""What tables of single sources repeat of the list."""
_EVENT_COLUMNS = ("ra_deg", "dec_deg", "ang_err_deg", "log10_energy_gev")


@dataclass(frozen=True)
class Data:
    """The tables an analysis is made of."""

    events: Sequence[Path]
    seasons: Path
    effective_area: Path
    smearing: Path

    @property
    def paths(self) -> list[Path]:
        """All of them, the events first."""
        return [*self.events, self.seasons, self.effective_area, self.smearing]


@dataclass(frozen=True)
class Setup:
    """What all stages of the inference need.

    Attributes
    ----------
    data : tables of the release
    gammas : the catalogue's spectral indices
    gamma : the one to fix, None for a free one or, without energies, each of `gammas`
    seed : root of the random streams
    point_spread : "gaussian", or "smearing" for core and tail from the smearing tables
    point_spread_gamma : spectral index of the signal that "smearing" describes; None for the usual one
    """

    data: Data
    gammas: Sequence[float]
    gamma: float | None
    seed: int
    point_spread: str = "gaussian"
    point_spread_gamma: float | None = None

    def load(self) -> tuple[Analysis, Indices]:
        """The analysis and its spectral indices."""
        analysis = load_analysis(self.data, self.point_spread, self.point_spread_gamma)
        return analysis, Indices.choose(self.gamma, self.gammas, analysis.smearings is not None)

    def trace(self, inputs: Sequence[Path], analysis: Analysis, settings: Mapping[str, Any]) -> Provenance:
        """Provenance of a table made from the release and `inputs`."""
        return trace(
            [*self.data.paths, *inputs],
            {"analysis": kind_of(analysis), "gammas": list(self.gammas), "gamma": self.gamma, "seed": self.seed}
            | dict(settings),
        )


def setup(files: Any, choices: Mapping[str, Any]) -> Setup:
    """The `Setup` of a job: `files` has the release's tables by name, `choices` the other attributes."""
    return Setup(Data(files.events, files.seasons, files.effective_area, files.smearing), **choices)


def load_analysis(data: Data, point_spread: str = "gaussian", point_spread_gamma: float | None = None) -> Analysis:
    """The standard likelihood of a release: with energies where it has smearing tables, else spatial only.

    `point_spread_gamma`, dimensionless, is the spectral index that a `point_spread` of "smearing" describes.
    """
    responses = smearing.from_table(read_table(data.smearing, kind="smearing"))
    areas = effective_area.from_table(read_table(data.effective_area, kind="effective_area"))
    columns = ("season", "response", "livetime_s")
    seasons = read_table(data.seasons, kind="seasons", columns=columns).select(columns).to_pylist()
    spreads = {}
    if point_spread == "smearing":
        gamma = point_spread_gamma or GAMMA
        spreads = {name: PointSpread.of_response(areas[name], response, gamma) for name, response in responses.items()}
    samples = []
    for season, path in zip(seasons, data.events, strict=True):
        ra, dec, ang_err, energy = read_columns(path, kind="events", columns=_EVENT_COLUMNS)
        directions = map(np.radians, (ra, dec, ang_err))
        energy, spread = energy if responses else None, spreads.get(season["response"])
        samples.append(Sample.of_data(tuple(season.values()), *directions, energy, spread))
    return Analysis(tuple(samples), areas, responses or None)


def kind_of(analysis: Analysis) -> str:
    """What the likelihood uses, in words."""
    if analysis.smearings is None:
        return SPATIAL
    spread = analysis.samples[0].point_spread
    return FULL if spread is None else FULL_WITH_SPREAD.format(spread.gamma)


def positions(sources: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ra, dec and Gaussian width of the sources [rad]; a width that is only a limit counts as 0."""
    ra, dec, width = (np.radians(sources[name].to_numpy()) for name in ("ra_deg", "dec_deg", "extension_deg"))
    limit = sources["extension_limit"].to_numpy(zero_copy_only=False)
    return ra, dec, np.where(limit, 0.0, np.nan_to_num(width))


@dataclass(frozen=True)
class WeightedStack:
    """The stack of a catalogue with the sources that have a weight."""

    stack: Stack
    rows: np.ndarray
    weights: np.ndarray
    sources: tuple[np.ndarray, np.ndarray, np.ndarray]

    @classmethod
    def of_table(
        cls, analysis: Analysis, indices: Indices, sources: pa.Table, weighting: config.Weighting
    ) -> "WeightedStack":
        """The stack of a `sources` table in a weighting, at the spectral indices that are fitted."""
        weights, _ = model_weights(sources, weighting, STANDARD.name)
        rows = np.flatnonzero(weights > 0)
        chosen = tuple(values[rows] for values in positions(sources))
        return cls(analysis.stack(*chosen, weights[rows], **indices.grid), rows, weights[rows], chosen)


def stack_trials(
    setup: Setup, sources: Path, output: Path, *, weighting: config.Weighting, name: str, trials: range
) -> None:
    """Fits of the scrambled skies number `trials` to the stack called `name`."""
    analysis, indices = setup.load()
    weighted = WeightedStack.of_table(analysis, indices, read_table(sources, kind="sources"), weighting)
    found = inference.scrambled_fits(weighted.stack, indices.free, setup.seed, ("stack", name), trials)
    settings = {"weighting": weighting.model_dump(), "stack": name}
    columns = {"trial": np.repeat(trials, len(indices.fitted)), "gamma_fixed": np.tile(indices.fitted, len(trials))}
    columns |= dict(zip(inference.FIT_COLUMNS, found.reshape(-1, 3).T, strict=True))
    write_table(output, columns, kind="stack_trials", provenance=setup.trace([sources], analysis, settings))


def stack_statements(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    outputs: Mapping[str, Path],
    *,
    weighting: config.Weighting,
    name: str,
    request: Request,
) -> None:
    """Fit, p-value, sensitivity, discovery potentials and upper limit of the stack called `name`.

    Writes `outputs["fits"]`, one row for each fit; `outputs["statements"]`, one for each statement and index; and
    `outputs["fluxes"]`, the limit as shared by the sources.
    """
    analysis, indices = setup.load()
    table = read_table(sources, kind="sources")
    weighted = WeightedStack.of_table(analysis, indices, table, weighting)
    stack = weighted.stack
    background = trial_statistics(trials, "stack_trials", len(indices.fitted))
    observed = inference.fits(stack, stack.data(), indices.free)
    inject = Injector(analysis)
    names = np.array(table["name"].to_pylist(), dtype=object)[weighted.rows]
    rows, fluxes = [], []
    for i, gamma in enumerate(indices.gammas):
        fit = 0 if indices.free else i
        hypothesis = stack if indices.free else stack.with_gammas(np.array([gamma]))
        signal = Signal.of(analysis, weighted.sources, weighted.weights, gamma)
        made = inference.statements(
            hypothesis,
            indices.free,
            signal,
            inject,
            background[:, fit],
            observed[fit, 2],
            request,
            setup.seed,
            ("stack", name, f"{gamma:g}"),
        )
        scale = flux_scale(analysis, weighted.sources[1], weighted.weights, gamma)
        rows += [statement_row(statement, scale, inject.label) | {"n_sources": len(names)} for statement in made]
        for statement in made:
            if statement.name == "upper limit" and statement.strength is not None:
                fluxes.append(_source_fluxes(FluxStatement(statement.strength, scale), weighted, names))
    settings = {"weighting": weighting.model_dump(), "stack": name, "request": vars(request)}
    provenance = setup.trace([sources, *trials], analysis, settings)
    fit_rows = _fit_rows(stack, indices, observed, background)
    write_table(outputs["fits"], pa.Table.from_pylist(fit_rows), kind="stack_fits", provenance=provenance)
    write_table(outputs["statements"], pa.Table.from_pylist(rows), kind="statements", provenance=provenance)
    empty = {"gamma": [], "source": np.empty(0, np.int32), "name": pa.array([], pa.string())}
    empty |= {"share": [], "phi0_per_gev": [], "e2dnde_100tev_gev_cm2_s": []}
    write_table(
        outputs["fluxes"],
        pa.concat_tables(fluxes) if fluxes else empty,
        kind="source_fluxes",
        provenance=provenance,
    )


def source_trials(setup: Setup, sources: Path, output: Path, *, catalogue: str, trials: range) -> None:
    """TS of every source of a catalogue in scrambled skies of its own, number `trials`."""
    analysis, indices = setup.load()
    built = source_builder(analysis, indices, read_table(sources, kind="sources"))
    n_sources = read_table(sources, kind="sources").num_rows
    found = np.stack(
        [
            inference.scrambled_fits(built(j), indices.free, setup.seed, ("source", catalogue, j), trials)[:, :, 2]
            for j in range(n_sources)
        ],
        axis=1,
    )
    _write_source_trials(setup, analysis, indices, sources, found, trials, output, "source_trials")


def sky_trials(setup: Setup, sources: Path, output: Path, *, trials: range) -> None:
    """TS of every source of a catalogue in common scrambled skies, number `trials`."""
    analysis, indices = setup.load()
    table = read_table(sources, kind="sources")
    built = source_builder(analysis, indices, table)
    found = inference.sky_fits(analysis, built, table.num_rows, indices.free, setup.seed, trials)
    _write_source_trials(setup, analysis, indices, sources, found, trials, output, "sky_trials")


def _write_source_trials(
    setup: Setup,
    analysis: Analysis,
    indices: Indices,
    sources: Path,
    found: np.ndarray,
    trials: range,
    output: Path,
    kind: str,
) -> None:
    n_trials, n_sources, n_fits = found.shape
    columns = {
        "trial": np.repeat(trials, n_sources * n_fits),
        "source": np.tile(np.repeat(np.arange(n_sources, dtype=np.int32), n_fits), n_trials),
        "gamma_fixed": np.tile(indices.fitted, n_trials * n_sources),
        "test_statistic": found.ravel(),
    }
    write_table(output, columns, kind=kind, provenance=setup.trace([sources], analysis, {}))


def source_statements(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    skies: Sequence[Path],
    output: Path,
) -> None:
    """Fits, local and post-trial p-values of every source of a catalogue, one row for each source and fit."""
    analysis, indices = setup.load()
    table = read_table(sources, kind="sources")
    listed = table.select(LISTED).to_pylist()
    built = source_builder(analysis, indices, table)
    shape = (len(listed), len(indices.fitted))
    background = trial_statistics(trials, "source_trials", shape[0] * shape[1]).reshape(-1, *shape)
    common = trial_statistics(skies, "sky_trials", shape[0] * shape[1]).reshape(-1, *shape)
    fit_rows = []
    observed = np.empty(shape)
    for j, row in enumerate(listed):
        source = built(j)
        found = inference.fits(source, source.data(), indices.free)
        observed[j] = found[:, 2]
        fit_rows.append([row | fit for fit in _fit_rows(source, indices, found, background[:, j])])
    for f in range(shape[1]):
        known = [BackgroundTrials(background[:, j, f]) for j in range(shape[0])]
        for rows, post in zip(fit_rows, _post_trial(observed[:, f], common[:, :, f], known), strict=True):
            rows[f] |= post
    flat = [row for rows in fit_rows for row in rows]
    provenance = setup.trace([sources, *trials, *skies], analysis, {})
    write_table(output, pa.Table.from_pylist(flat), kind="source_fits", provenance=provenance)


def declination_statements(
    setup: Setup, output: Path, *, declinations_deg: Sequence[float], n_trials: int, request: Request
) -> None:
    """Sensitivity and discovery potentials of point sources at declinations, from `n_trials` scrambled skies each."""
    analysis, indices = setup.load()
    inject = Injector(analysis)
    request = replace(request, limit_method=None)
    rows = []
    for dec_deg in declinations_deg:
        source = analysis.source(0.0, np.radians(dec_deg), **indices.grid)
        keys = ("declination", f"{dec_deg:g}")
        background = inference.scrambled_fits(source, indices.free, setup.seed, keys, range(n_trials))[:, :, 2]
        where = tuple(np.array([value]) for value in (source.ra, source.dec, 0.0))
        for i, gamma in enumerate(indices.gammas):
            hypothesis = source if indices.free else source.with_gammas(np.array([gamma]))
            made = inference.statements(
                hypothesis,
                indices.free,
                Signal.of(analysis, where, np.ones(1), gamma),
                inject,
                background[:, 0 if indices.free else i],
                None,
                request,
                setup.seed,
                (*keys, f"{gamma:g}"),
            )
            scale = flux_scale(analysis, where[1], np.ones(1), gamma)
            rows += [{"dec_deg": float(dec_deg)} | statement_row(made_one, scale, inject.label) for made_one in made]
    settings = {"declinations_deg": list(declinations_deg), "n_trials": n_trials, "request": vars(request)}
    write_table(output, pa.Table.from_pylist(rows), kind="sensitivity", provenance=setup.trace([], analysis, settings))


def source_builder(analysis: Analysis, indices: Indices, sources: pa.Table) -> Callable[[int], Source]:
    """Builds the source of a row of `sources`."""
    ra, dec, width = positions(sources)
    return lambda j: analysis.source(ra[j], dec[j], width[j], **indices.grid)


def trial_statistics(paths: Sequence[Path], kind: str, n_columns: int) -> np.ndarray:
    """TS of all batches, (n_trials, n_columns); TableError unless they are the trials 0, 1, 2, ... in order."""
    columns = [read_columns(path, kind=kind, columns=("trial", "test_statistic")) for path in paths]
    trial, ts = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    n_trials = len(trial) // n_columns
    if not np.array_equal(trial, np.repeat(np.arange(n_trials), n_columns)):
        raise TableError(
            f"{Path(paths[0]).parent}: the batches are not the trials 0 to {n_trials - 1} of {n_columns} fits each. "
            "Delete the folder and run again."
        )
    return ts.reshape(n_trials, n_columns)


def _fit_rows(
    hypothesis: Hypothesis, indices: Indices, observed: np.ndarray, background: np.ndarray
) -> list[dict[str, Any]]:
    """Best fits with their likelihood intervals and local p-values.

    The p-value ranks the TS of the trials' own fit; with gamma free, the fit that is quoted is refined beyond it.
    """
    rows = []
    for i, fixed in enumerate(indices.fitted):
        local = local_p_value(observed[i, 2], background[:, i])
        interval = likelihood_interval(hypothesis if indices.free else hypothesis.with_gammas(np.array([fixed])))
        best = interval.fit
        rows.append(
            {"gamma_fixed": float(fixed)}
            | dict(zip(inference.FIT_COLUMNS, (best.n_signal, best.gamma, best.ts), strict=True))
            | {
                "converged": best.converged,
                "n_signal_low68": interval.n_signal_low,
                "n_signal_high68": interval.n_signal_high,
                "gamma_low68": interval.gamma_low,
                "gamma_high68": interval.gamma_high,
                "p_local": local.p_value,
                "p_local_low": local.p_low,
                "p_local_high": local.p_high,
                "p_confidence_level": local.confidence_level,
                "significance": local.significance,
                "n_exceeding": local.n_exceeding,
                "n_trials": local.n_trials,
            }
        )
    return rows


def _post_trial(
    observed: np.ndarray, skies: np.ndarray, backgrounds: Sequence[BackgroundTrials]
) -> Iterator[dict[str, Any]]:
    result = post_trial_p_value(observed, skies, backgrounds)
    n = len(result.minimal_p)
    low, high = binomial_interval(np.round(result.p_sources * (n + 1)) - 1, n)
    for p, p_low, p_high in zip(result.p_sources, low, high, strict=True):
        yield {
            "p_post": float(p),
            "p_post_low": float(p_low),
            "p_post_high": float(p_high),
            "significance_post": float(sigma_from_p(p)),
            "n_sky_trials": n,
        }


def flux_scale(analysis: Analysis, dec: np.ndarray, weights: np.ndarray, gamma: float) -> FluxScale:
    """Events of a stack per flux, and the central 90 % of their energies; `dec` (n_sources,) rad."""
    weights = weights / weights.sum()
    per_phi0 = float((analysis.expected(dec, np.array([gamma]))[:, 0] * weights).sum())
    livetimes = [sample.livetime_s for sample in analysis.samples]
    energies = central_energy_range(analysis.areas, analysis.responses, livetimes, dec, gamma, weights)
    return FluxScale(float(gamma), per_phi0, *energies)


def statement_row(statement: Statement, scale: FluxScale, injection: str) -> dict[str, Any]:
    """A statement as a row of a table, NaN where there is no number."""
    nothing = SignalStrength(statement.name, "", *(float("nan"),) * 4, n_trials=0, n_signal_low=float("nan"))
    strength = statement.strength or nothing
    flux = FluxStatement(strength, scale)
    if statement.problem:
        log.warning("%s, gamma %g: %s", statement.name, scale.gamma, statement.problem)
    return flux.row() | {
        "diffuse_share_100tev": NORTHERN_TRACKS.share(flux.phi0_per_gev, scale.gamma),
        "injection": injection_of(strength, injection),
        "problem": statement.problem,
    }


def injection_of(strength: SignalStrength, label: str) -> str:
    """`label` of the injection behind a number, 'none' without trials."""
    return "none" if strength.method in ("", "asymptotic") else label


def _source_fluxes(limit: FluxStatement, weighted: WeightedStack, names: np.ndarray) -> pa.Table:
    phi0 = limit.of_sources(weighted.weights)
    return pa.table(
        {
            "gamma": np.full(len(phi0), limit.scale.gamma),
            "source": weighted.rows.astype(np.int32),
            "name": pa.array(names.tolist(), pa.string()),
            "share": weighted.weights / weighted.weights.sum(),
            "phi0_per_gev": phi0,
            "e2dnde_100tev_gev_cm2_s": phi0 * limit.pivot_energy_gev**2,
        }
    )
