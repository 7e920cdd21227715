"""Stages of the upper limits of single sources: the limits of a part of a catalogue, and the catalogue put together.

A part holds every n-th source. The trials of a source have random streams of their own, so the number of parts changes
no limit; it only shares the work between jobs.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.errors import CatalogueError, PhysicsError
from nusky.search import inference
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.confined import ConfinedInjector
from nusky.search.hadronic import HadronicSpectra, fraction_limit, hadronic_spectra, select
from nusky.search.hypothesis import Hypothesis
from nusky.search.inference import Indices, Injector, Request, Signal
from nusky.search.source import Source
from nusky.search.statistics.limits import BAND_QUANTILES
from nusky.search.statistics.statements import FluxStatement, SignalStrength
from nusky.search.trials import stream
from nusky.stages.inference import (
    LISTED,
    Setup,
    flux_scale,
    injection_of,
    positions,
    source_builder,
    trial_statistics,
)
from nusky.tables import read_table, write_table

log = logging.getLogger(__name__)

BAND_TRIALS = 100
"""Scrambled skies behind the expected range of an asymptotic limit."""
ALL_SOURCES = "all sources"
Keys = tuple[str | int, ...]


def part_limits(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    outputs: Mapping[str, Path],
    *,
    catalogue: str,
    part: int,
    n_parts: int,
    request: Request,
) -> None:
    """Upper limits of the sources number part, part + n_parts, ... of a catalogue.

    Writes `outputs["limits"]`, one row for each source and index, and `outputs["hadronic"]`, limits on the hadronic
    fraction of those with a gamma-ray spectrum. Limits from trials take the background's TS from `trials`.
    """
    analysis, indices = setup.load()
    table = read_table(sources, kind="sources")
    listed = table.select(LISTED).to_pylist()
    built = source_builder(analysis, indices, table)
    shape = (len(listed), len(indices.fitted))
    background = trial_statistics(trials, "source_trials", shape[0] * shape[1]).reshape(-1, *shape)
    hadronic = _hadronic_spectra(analysis, table)
    limits, fractions = [], []
    for j in range(part, len(listed), n_parts):
        source, row = built(j), {"source": j} | listed[j]
        found = _source_limits(setup, source, indices, background[:, j], (catalogue, j), request)
        limits += [row | limit for limit in found]
        if hadronic is not None and j in hadronic.row:
            own = select(hadronic, hadronic.row == j)
            where = tuple(np.array([value]) for value in (source.ra, source.dec, source.extension))
            fixed = source.with_gammas(own.gamma)
            keys = ("hadronic", catalogue, j)
            fractions.append(row | _hadronic_row(setup, fixed, where, own, float(own.gamma[0]), keys, request))
        log.info("limits of %s", listed[j]["name"])
    provenance = setup.trace([sources, *trials], analysis, {"request": vars(request)})
    for name, rows, schema in (("limits", limits, _LIMITS), ("hadronic", fractions, _HADRONIC)):
        write_table(outputs[name], pa.Table.from_pylist(rows, schema), kind=KINDS[name], provenance=provenance)


def collect_limits(
    setup: Setup,
    sources: Path,
    parts: Mapping[str, Sequence[Path]],
    outputs: Mapping[str, Path],
    *,
    catalogue: str,
    request: Request,
) -> None:
    """The tables of all parts as one each, sources in order; `hadronic` ends with the stack of all sources."""
    analysis, _ = setup.load()
    table = read_table(sources, kind="sources")
    whole = {
        name: pa.concat_tables([read_table(path, kind=KINDS[name]) for path in paths]).sort_by("source")
        for name, paths in parts.items()
    }
    hadronic = _hadronic_spectra(analysis, table)
    if hadronic is not None:
        row = _hadronic_stack(setup, analysis, table, hadronic, catalogue, request)
        whole["hadronic"] = pa.concat_tables([whole["hadronic"], pa.Table.from_pylist([row], _HADRONIC)])
    inputs = [path for paths in parts.values() for path in paths]
    provenance = setup.trace([sources, *inputs], analysis, {"request": vars(request)})
    for name, made in whole.items():
        write_table(outputs[name], made, kind=KINDS[name], provenance=provenance)


def _source_limits(
    setup: Setup, source: Source, indices: Indices, background: np.ndarray, keys: Keys, request: Request
) -> list[dict[str, Any]]:
    """Limits for every index, with the range expected from scrambled skies; `background` is (n_trials, n_fits)."""
    where = tuple(np.array([value]) for value in (source.ra, source.dec, source.extension))
    observed = inference.fits(source, source.data(), indices.free)[:, 2]
    fixed = source.with_gammas(indices.gammas)
    near = fixed.data()
    inject = Injector(source.analysis)
    rows = []
    for i, gamma in enumerate(indices.gammas):
        quick = inference.asymptotic_limit(fixed, near, i, request.confidence_level)
        if request.limit_method == "asymptotic":
            skies = (fixed.scrambled(stream(setup.seed, "source", *keys, t)) for t in range(BAND_TRIALS))
            limits = [inference.asymptotic_limit(fixed, sky, i, request.confidence_level).n_signal for sky in skies]
            limit, problem, expected = quick, "", np.quantile(limits, list(BAND_QUANTILES.values()))
        else:
            fit = 0 if indices.free else i
            hypothesis = source if indices.free else source.with_gammas(np.array([gamma]))
            signal = Signal.of(source.analysis, where, np.ones(1), gamma)
            streams = ("source limit", *keys, f"{gamma:g}")
            trial_ts = inference.injected_ts(hypothesis, indices.free, signal, inject, setup.seed, streams)
            calibration = LimitCalibration(trial_ts, background[:, fit], quick.n_signal, request)
            expected = calibration.expected()
            limit, problem = _calibrated(calibration, observed[fit], request)
        scale = flux_scale(source.analysis, where[1], np.ones(1), gamma)
        row = FluxStatement(limit, scale).row()
        row |= {"injection": injection_of(limit, inject.label), "problem": problem}
        per_event = 1e5**2 / scale.events_per_phi0_gev
        for label, value in zip(BAND_QUANTILES, expected, strict=True):
            row[f"expected_{label}_e2dnde_100tev_gev_cm2_s"] = float(value * per_event)
        rows.append(row)
    return rows


def _calibrated(calibration: LimitCalibration, ts: float, request: Request) -> tuple[SignalStrength, str]:
    """The limit of an observed TS, or NaN and why there is none."""
    try:
        return calibration.limit(float(ts)), ""
    except PhysicsError as error:
        log.warning("no upper limit: %s", error)
        nothing = SignalStrength("upper limit", "", request.confidence_level, *(float("nan"),) * 3, n_trials=0)
        return nothing, str(error)


def _hadronic_spectra(analysis: Analysis, sources: pa.Table) -> HadronicSpectra | None:
    """The spectra from which events are expected at the energies they were measured at; None if there are none."""
    try:
        spectra = hadronic_spectra(sources)
    except CatalogueError as error:
        log.info("no hadronic fractions: %s", error)
        return None
    spectra = select(spectra, np.isfinite(spectra.energy_min_gev))
    seen = _hadronic_events(analysis, spectra).sum(axis=0) > 0
    if not seen.all():
        blind = [name for name, visible in zip(spectra.names, seen, strict=True) if not visible]
        log.info("no hadronic fraction, as no event is expected at the measured energies: %s", ", ".join(blind))
    return select(spectra, seen) if seen.any() else None


def _hadronic_events(analysis: Analysis, spectra: HadronicSpectra) -> np.ndarray:
    """Events expected at the measured energies, (n_seasons, n_spectra)."""
    livetimes = np.array([sample.livetime_s for sample in analysis.samples])
    return spectra.phi0_per_gev * spectra.acceptance(analysis.areas, analysis.responses) * livetimes[:, None]


def _hadronic_row(
    setup: Setup,
    fixed: Hypothesis,
    where: tuple[np.ndarray, np.ndarray, np.ndarray],
    spectra: HadronicSpectra,
    gamma: float,
    keys: Keys,
    request: Request,
) -> dict[str, Any]:
    """The limit of a source or of a stack of the sources at `where`, whose index is fixed at `gamma`.

    Trials inject signal at the energies of the measured gamma rays only, as the events are counted that are expected.
    """
    analysis = fixed.analysis
    events = _hadronic_events(analysis, spectra)
    near = fixed.data()
    limit, problem, label = inference.asymptotic_limit(fixed, near, 0, request.confidence_level), "", "none"
    if request.limit_method != "asymptotic":
        inject = ConfinedInjector(analysis, np.log10(np.column_stack([spectra.energy_min_gev, spectra.energy_max_gev])))
        signal = Signal(where, events / events.sum(), gamma)
        trial_ts = inference.injected_ts(fixed, False, signal, inject, setup.seed, keys)
        background = inference.scrambled_fits(fixed, False, setup.seed, (*keys, "background"), range(request.n_trials))
        calibration = LimitCalibration(trial_ts, background[:, 0, 2], limit.n_signal, request)
        limit, problem = _calibrated(calibration, inference.fits(fixed, near, False)[0, 2], request)
        label = injection_of(limit, inject.label)
    fraction = fraction_limit(limit.n_signal, events, spectra, request.confidence_level)
    return {
        "n_sources": len(spectra.row),
        "gamma": gamma,
        "n_signal_limit": limit.n_signal,
        "n_signal_limit_error": limit.n_signal_error,
        "n_hadronic": float(events.sum()),
        "fraction_limit": fraction.fraction,
        "method": limit.method,
        "confidence_level": request.confidence_level,
        "n_trials": limit.n_trials,
        "energy_min_gev": fraction.energy_min_gev,
        "energy_max_gev": fraction.energy_max_gev,
        "injection": label,
        "problem": problem,
    }


def _hadronic_stack(
    setup: Setup, analysis: Analysis, sources: pa.Table, spectra: HadronicSpectra, catalogue: str, request: Request
) -> dict[str, Any]:
    """All sources with a spectrum, each once, sharing the events as their hadronic spectra do.

    One index, the mean of the sources' own weighted by their events, stands for all in the energy term, in the shares
    of the seasons and in the signal of the trials.
    """
    once = select(spectra, ~spectra.repeated)
    events = _hadronic_events(analysis, once).sum(axis=0)
    gamma = float(events @ once.gamma / events.sum())
    chosen = tuple(values[once.row] for values in positions(sources))
    per_flux = analysis.expected(chosen[1], np.array([gamma]))[:, 0].sum(axis=0)
    stack = analysis.stack(*chosen, events / per_flux, np.array([gamma]))
    row = _hadronic_row(setup, stack, chosen, once, gamma, ("hadronic", catalogue, ALL_SOURCES), request)
    return {"source": -1, "name": ALL_SOURCES} | row


KINDS = {"limits": "source_limits", "hadronic": "hadronic_limits"}
_SOURCE_FIELDS = [
    ("source", pa.int32()),
    ("name", pa.string()),
    ("origin", pa.string()),
    ("ra_deg", pa.float64()),
    ("dec_deg", pa.float64()),
]
_LIMITS = pa.schema(
    [
        *_SOURCE_FIELDS,
        ("gamma", pa.float64()),
        ("statement", pa.string()),
        ("method", pa.string()),
        ("confidence_level", pa.float64()),
        ("n_signal", pa.float64()),
        ("n_signal_error", pa.float64()),
        ("n_signal_low", pa.float64()),
        ("threshold_ts", pa.float64()),
        ("n_trials", pa.int64()),
        ("events_per_phi0_gev", pa.float64()),
        ("energy_min_gev", pa.float64()),
        ("energy_max_gev", pa.float64()),
        ("energy_content", pa.float64()),
        ("flavours", pa.string()),
        ("pivot_energy_gev", pa.float64()),
        ("phi0_per_gev", pa.float64()),
        ("phi0_error_per_gev", pa.float64()),
        ("e2dnde_100tev_gev_cm2_s", pa.float64()),
        *((f"expected_{label}_e2dnde_100tev_gev_cm2_s", pa.float64()) for label in BAND_QUANTILES),
        ("injection", pa.string()),
        ("problem", pa.string()),
    ]
)
_HADRONIC = pa.schema(
    [
        *_SOURCE_FIELDS,
        ("n_sources", pa.int64()),
        ("gamma", pa.float64()),
        ("n_signal_limit", pa.float64()),
        ("n_signal_limit_error", pa.float64()),
        ("n_hadronic", pa.float64()),
        ("fraction_limit", pa.float64()),
        ("method", pa.string()),
        ("confidence_level", pa.float64()),
        ("n_trials", pa.int64()),
        ("energy_min_gev", pa.float64()),
        ("energy_max_gev", pa.float64()),
        ("injection", pa.string()),
        ("problem", pa.string()),
    ]
)
