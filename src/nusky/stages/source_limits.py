"""Stages of the upper limits of single sources: the limits of a part of a catalogue, and the catalogue put together.

A part holds every n-th source. The trials of a source have random streams of their own, so the number of parts changes
no limit; it only shares the work between jobs.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import PowerLaw
from nusky.errors import CatalogueError
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Experiment, Indices, Request
from nusky.search.hadronic import HadronicSpectra, fraction_limit, hadronic_spectra, select
from nusky.search.hypothesis import Sources
from nusky.search.injection import Signal
from nusky.search.statistics.limits import BAND_QUANTILES
from nusky.search.statistics.statements import FluxStatement
from nusky.search.target import Target, calibrated
from nusky.stages.inference import Study, injection_of, positions
from nusky.tables import read_table, write_table

log = logging.getLogger(__name__)

ALL_SOURCES = "all sources"
KINDS = {"limits": "source_limits", "hadronic": "hadronic_limits"}


def part(
    files: Any,
    outputs: Any,
    *,
    setup: Mapping[str, Any],
    hypothesis: Mapping[str, Any],
    request: Mapping[str, Any],
    part: int,
    parts: int,
) -> None:
    """Upper limits of the sources number part, part + parts, ... of a catalogue.

    Writes `outputs.limits`, one row for each source and index, and `outputs.hadronic`, limits on the hadronic fraction
    of those with a gamma-ray spectrum. Limits from trials take the background's TS from `files.trials`.
    """
    study, asked = Study(files, setup, hypothesis), Request(**request)
    background = study.statistics(files.trials)
    hadronic = None if study.profiles else _hadronic_spectra(study.analysis, study.table)
    limits, fractions = [], []
    for j in range(int(part), len(study), int(parts)):
        target = study.target(j)
        row = {"source": int(study.rows[j])} | target.row
        limits += [row | limit for limit in _source_limits(study, target, background[:, j], asked)]
        if hadronic is not None and j in hadronic.row:
            own = select(hadronic, hadronic.row == j)
            keys = ("hadronic", study.name, j)
            fractions.append(row | _hadronic_row(target, own, float(own.gamma[0]), keys, asked))
        log.info("limits of %s", target.row["name"])
    provenance = study.trace(files.trials, request=request)
    for name, rows, schema in (("limits", limits, _LIMITS), ("hadronic", fractions, _HADRONIC)):
        table = pa.Table.from_pylist(rows, schema)
        write_table(getattr(outputs, name), table, kind=KINDS[name], provenance=provenance)


def whole(
    files: Any, outputs: Any, *, setup: Mapping[str, Any], hypothesis: Mapping[str, Any], request: Mapping[str, Any]
) -> None:
    """The tables of all parts as one each, sources in order; `hadronic` ends with the stack of all sources."""
    study = Study(files, setup, hypothesis)
    joined = {
        name: pa.concat_tables([read_table(path, kind=kind) for path in getattr(files, name)]).sort_by("source")
        for name, kind in KINDS.items()
    }
    hadronic = None if study.profiles else _hadronic_spectra(study.analysis, study.table)
    if hadronic is not None:
        row = _hadronic_stack(study, hadronic, setup["seed"], Request(**request))
        joined["hadronic"] = pa.concat_tables([joined["hadronic"], pa.Table.from_pylist([row], _HADRONIC)])
    provenance = study.trace([*files.limits, *files.hadronic], request=request)
    for name, made in joined.items():
        write_table(getattr(outputs, name), made, kind=KINDS[name], provenance=provenance)


def _source_limits(study: Study, target: Target, background: np.ndarray, request: Request) -> Iterator[dict[str, Any]]:
    """Limits for every index, with the range expected from scrambled skies; `background` is (n_trials, n_fits)."""
    observed = target.experiment.observed[:, 2]
    for gamma in study.indices.gammas:
        fit, scale = study.indices.fit_of(gamma), target.flux_scale(gamma)
        limit = target.limit(gamma, observed[fit], background[:, fit], request)
        if limit.problem:
            log.warning("no upper limit: %s", limit.problem)
        row = FluxStatement(limit.strength, scale).row()
        row |= {"injection": injection_of(limit.strength, target.experiment.inject.label), "problem": limit.problem}
        per_event = 1e5**2 / scale.events_per_phi0_gev
        for label, value in zip(BAND_QUANTILES, limit.expected, strict=True):
            row[f"expected_{label}_e2dnde_100tev_gev_cm2_s"] = float(value * per_event)
        yield row


def _hadronic_spectra(analysis: Analysis, sources: pa.Table) -> HadronicSpectra | None:
    """The spectra from which events are expected at the energies they were measured at; None if there are none."""
    if not analysis.has_area:
        log.info("no hadronic fractions: no effective area is known")
        return None
    try:
        spectra = hadronic_spectra(sources)
    except CatalogueError as error:
        log.info("no hadronic fractions: %s", error)
        return None
    spectra = select(spectra, np.isfinite(spectra.energy_min_gev + spectra.energy_max_gev))
    seen = _hadronic_events(analysis, spectra).sum(axis=0) > 0
    if not seen.all():
        blind = [name for name, visible in zip(spectra.names, seen, strict=True) if not visible]
        log.info("no hadronic fraction, as no event is expected at the measured energies: %s", ", ".join(blind))
    return select(spectra, seen) if seen.any() else None


def _hadronic_events(analysis: Analysis, spectra: HadronicSpectra) -> np.ndarray:
    """Events expected at the measured energies, (n_seasons, n_spectra)."""
    acceptance = spectra.acceptance(analysis.areas, analysis.responses)
    return spectra.phi0_per_gev * acceptance * analysis.livetimes_s[:, None]


def _hadronic_row(
    target: Target, spectra: HadronicSpectra, gamma: float, keys: tuple[str | int, ...], request: Request
) -> dict[str, Any]:
    """The limit of a source or of a stack, whose index is fixed at `gamma`.

    Trials inject signal at the energies of the measured gamma rays only, as the events are counted that are expected.
    """
    events = _hadronic_events(target.analysis, spectra)
    limit, problem, label = target.asymptotic_limit(gamma, request), "", "none"
    if request.limit_method != "asymptotic":
        experiment = replace(target.experiment.fixed(gamma), keys=keys)
        signal = Signal(target.sources, events / events.sum(), tuple(own.at(gamma) for own in spectra.spectra))
        background = experiment.named("background").background(range(request.n_trials))
        calibration = LimitCalibration(experiment.trial_ts(signal), background[:, 0, 2], limit.n_signal, request)
        limit, problem = calibrated(calibration, experiment.observed[0, 2], request)
        if problem:
            log.warning("no upper limit: %s", problem)
        label = injection_of(limit, experiment.inject.label)
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


def _hadronic_stack(study: Study, spectra: HadronicSpectra, seed: int, request: Request) -> dict[str, Any]:
    """All sources with a spectrum, each once, sharing the events as their hadronic spectra do.

    One index, the mean of the sources' own weighted by their events, stands for all in the energy term, in the shares
    of the seasons and in the signal of the trials.
    """
    analysis, once = study.analysis, select(spectra, ~spectra.repeated)
    events = _hadronic_events(analysis, once).sum(axis=0)
    gamma = float(events @ once.gamma / events.sum())
    chosen = tuple(values[once.row] for values in positions(study.table))
    weights = events / analysis.expected(chosen[1], [PowerLaw(gamma)])[:, 0].sum(axis=0)
    sources, keys = Sources.of(*chosen, weights), ("hadronic", study.name, ALL_SOURCES)
    experiment = Experiment.of(analysis, sources, Indices(np.array([gamma]), free=False), seed, keys)
    target = Target(experiment, sources, {})
    return {"source": -1, "name": ALL_SOURCES} | _hadronic_row(target, once, gamma, keys, request)


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
        ("duration_s", pa.float64()),
        ("flavours", pa.string()),
        ("pivot_energy_gev", pa.float64()),
        ("phi0_per_gev", pa.float64()),
        ("phi0_error_per_gev", pa.float64()),
        ("e2dnde_100tev_gev_cm2_s", pa.float64()),
        ("e2_fluence_100tev_gev_cm2", pa.float64()),
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
