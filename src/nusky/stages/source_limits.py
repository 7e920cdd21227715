"""Stages of the upper limits of single sources: the limits of a part of a catalogue, and the catalogue put together.

A part holds every n-th source. The trials of a source have random streams of their own, so the number of parts changes
no limit; it only shares the work between jobs.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import SourceSpectra
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.energy_range import central_energy_range
from nusky.search.experiment import Experiment, Request
from nusky.search.hadronic import (
    GAMMA_PER_NEUTRINO_ENERGY,
    Detector,
    HadronicSpectra,
    fraction_limit,
    hadronic_spectra,
    select,
)
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.sources import Sources
from nusky.search.statistics.limits import BAND_QUANTILES
from nusky.search.statistics.pvalues import local_p_value
from nusky.search.statistics.statements import FluxStatement
from nusky.search.target import BAND_TRIALS, Target, calibrated
from nusky.stages.inference import Settings, Study, injection_of, positions
from nusky.tables import read_table, schema, write_table

log = logging.getLogger(__name__)

ALL_SOURCES = "all sources"
KINDS = {"limits": "source_limits", "hadronic": "hadronic_limits"}


def part(
    files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, request: Settings, part: int, parts: int
) -> None:
    """Upper limits of the sources number part, part + parts, ... of a catalogue or of a batch of its sources.

    Writes `outputs.limits`, one row for each source and index, of unknown flares for each duration, and
    `outputs.hadronic`, limits on the hadronic fraction of those with a gamma-ray spectrum. Limits from trials take the
    background's TS from `files.trials`.
    """
    study, asked = Study(files, setup, hypothesis), Request(**request)
    own = study.numbers[int(part) :: int(parts)]
    background = study.statistics(files.trials, own)
    hadronic = None if study.profiles else _hadronic_spectra(study)
    limits, fractions = [], []
    for number, j in enumerate(own):
        target = study.target(j)
        row = {"source": int(study.rows[j])} | target.row
        for days in study.limit_days:
            about = replace(target, limit_days=days)
            limits += [row | limit for limit in _source_limits(study, about, background[:, number], asked)]
        if hadronic is not None and j in hadronic.row:
            own = select(hadronic, hadronic.row == j)
            fractions.append(row | _hadronic_row(study, own, ("hadronic", study.name, j), asked))
        log.info("limits of %s", target.row["name"])
    provenance = study.trace(files.trials, request=request)
    for name, rows, columns in (("limits", limits, _LIMITS), ("hadronic", fractions, _HADRONIC)):
        table = pa.Table.from_pylist(rows, columns)
        write_table(getattr(outputs, name), table, kind=KINDS[name], provenance=provenance)


def whole(files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, request: Settings) -> None:
    """The tables of all parts as one each, sources in order; `hadronic` ends with the stack of all sources.

    `outputs.gamma_rays` has the measured spectra and the neutrinos they allow.
    """
    study = Study(files, setup, hypothesis)
    joined = {
        name: pa.concat_tables([read_table(path, kind=kind) for path in getattr(files, name)]).sort_by("source")
        for name, kind in KINDS.items()
    }
    hadronic = None if study.profiles else _hadronic_spectra(study)
    if hadronic is not None:
        once, keys = select(hadronic, ~hadronic.repeated), ("hadronic", study.name, ALL_SOURCES)
        row = {"source": -1, "name": ALL_SOURCES} | _hadronic_row(study, once, keys, Request(**request))
        joined["hadronic"] = pa.concat_tables([joined["hadronic"], pa.Table.from_pylist([row], _HADRONIC)])
    provenance = study.trace([*files.limits, *files.hadronic], request=request)
    for name, made in joined.items():
        write_table(getattr(outputs, name), made, kind=KINDS[name], provenance=provenance)
    rows = [] if hadronic is None else [row for j in range(len(hadronic.row)) for row in _allowed(hadronic, j)]
    table = pa.Table.from_pylist(rows, _GAMMA_RAYS)
    write_table(outputs.gamma_rays, table, kind="gamma_rays", provenance=provenance)


def _allowed(spectra: HadronicSpectra, j: int) -> Iterator[dict[str, Any]]:
    """The gamma rays of a source with their error, and the neutrinos they allow: E^2 dN/dE in GeV cm^-2 s^-1."""
    measured, phi0, spectrum = spectra.gamma_rays[j], spectra.phi0_per_gev[j], spectra.spectra[j]
    for number, component in enumerate(measured.components):
        # a little inside, so that rounding leaves the ends of a table in it, and two components their own ends
        low, high = component.energy_min_tev * (1 + 1e-9), component.energy_max_tev * (1 - 1e-9)
        energy = np.geomspace(low, high, _POINTS)
        of_neutrinos = 1e3 * energy / GAMMA_PER_NEUTRINO_ENERGY
        columns = {
            "gamma_energy_gev": 1e3 * energy,
            "gamma_e2dnde_gev_cm2_s": 1e3 * energy**2 * measured.flux(energy),
            "gamma_e2dnde_error_gev_cm2_s": 1e3 * energy**2 * measured.flux_error(energy),
            "neutrino_energy_gev": of_neutrinos,
            "neutrino_e2dnde_gev_cm2_s": of_neutrinos**2 * phi0 * spectrum.shape(of_neutrinos),
        }
        for values in zip(*(column.tolist() for column in columns.values()), strict=True):
            yield {"source": int(spectra.row[j]), "component": number, **dict(zip(columns, values, strict=True))}


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
        per_event = 1e5**2 * float(scale.spectrum.shape(1e5)) / scale.events_per_phi0_gev
        for label, value in zip(BAND_QUANTILES, limit.expected, strict=True):
            row[f"expected_{label}_e2dnde_100tev_gev_cm2_s"] = float(value * per_event)
        yield row


def _hadronic_spectra(study: Study) -> HadronicSpectra | None:
    """The spectra from which events are expected at the energies they were measured at; None if there are none."""
    if not study.analysis.has_area:
        log.info("no hadronic fractions: no effective area is known")
        return None
    spectra = hadronic_spectra(study.table, study.hadronic_relation)
    for reason, names in spectra.left_out.items():
        log.info("no hadronic fraction of %d source(s), as %s: %s", len(names), reason, ", ".join(names))
    if not len(spectra.row):
        return None
    seen = spectra.expected_events(_detector(study.analysis)) > 0
    if not seen.all():
        blind = [name for name, visible in zip(spectra.names, seen, strict=True) if not visible]
        log.info("no hadronic fraction, as no event is expected at the measured energies: %s", ", ".join(blind))
    return select(spectra, seen) if seen.any() else None


def _detector(analysis: Analysis) -> Detector:
    return Detector(analysis.areas, analysis.responses, analysis.livetimes_s)


def hadronic_signal(table: pa.Table, spectra: HadronicSpectra) -> tuple[Sources, SourceSpectra]:
    """Sources of a table "sources" that emit the neutrinos `spectra` of their gamma rays, and these as a spectrum."""
    own = SourceSpectra.of(spectra.spectra, spectra.phi0_per_gev)
    return Sources.of(*(values[spectra.row] for values in positions(table)), spectra.phi0_per_gev), own


def _hadronic_row(
    study: Study, spectra: HadronicSpectra, keys: tuple[str | int, ...], request: Request
) -> dict[str, Any]:
    """Fit, sensitivity and limit of the hadronic fraction of a source, or of all together.

    One hypothesis with one parameter: every source has the fraction of the events that its gamma rays allow, with the
    shape and the range of energies of its own spectrum, in the fit as in the signal of the trials.
    """
    analysis = study.analysis
    sources, own = hadronic_signal(study.table, spectra)
    experiment = Experiment(Hypothesis.of(analysis, sources, [own]), False, study.seed, keys)
    detector = _detector(analysis)
    events = spectra.expected_events(detector)
    ((n_signal, _, ts),) = experiment.observed
    level, p_value, interval = request.confidence_level, float("nan"), (float("nan"),) * 3
    limit, problem = experiment.asymptotic_limit(experiment.hypothesis.data(), own.parameter, level), ""
    if request.limit_method == "asymptotic":
        skies = map(experiment.scrambled, range(BAND_TRIALS))
        expected = float(np.median([experiment.asymptotic_limit(sky, own.parameter, level).n_signal for sky in skies]))
    else:
        background = experiment.named("background").background(range(request.n_trials))[:, 0, 2]
        trial_ts = experiment.trial_ts(Signal.of(analysis, sources, own))
        calibration = LimitCalibration(trial_ts, background, limit.n_signal, request)
        expected = float(dict(zip(BAND_QUANTILES, calibration.expected(), strict=True))["median"])
        limit, problem = calibrated(calibration, ts, request)
        interval = interval if problem else calibration.interval(ts)
        p_value = local_p_value(ts, background).p_value
    if problem:
        log.warning("no upper limit: %s", problem)
    fraction = fraction_limit(limit.n_signal, events, spectra, level)
    where = analysis.areas, analysis.responses, analysis.livetimes_s, sources.dec
    low, high = central_energy_range(*where, own, sources.weights)
    return {
        "n_sources": len(spectra.row),
        "gamma": float(spectra.gamma[0]) if len(spectra.row) == 1 and np.isfinite(spectra.gamma[0]) else None,
        "n_signal": float(n_signal),
        "test_statistic": float(ts),
        "p_local": p_value,
        "n_signal_limit": limit.n_signal,
        "n_signal_limit_error": limit.n_signal_error,
        "n_hadronic": float(events.sum()),
        "n_hadronic_error": float(np.sqrt((spectra.events_error(detector) ** 2).sum())),
        "n_hadronic_capped": float(spectra.capped_events(detector).sum()),
        "relation": spectra.relation,
        "fraction": float(n_signal / events.sum()),
        **{f"fraction_{end}": float(value / events.sum()) for end, value in zip(_INTERVAL, interval, strict=True)},
        "fraction_sensitivity": float(expected / events.sum()),
        "fraction_limit": fraction.fraction,
        "method": limit.method,
        "confidence_level": level,
        "n_trials": limit.n_trials,
        "energy_min_gev": fraction.energy_min_gev,
        "energy_max_gev": fraction.energy_max_gev,
        "events_energy_min90_gev": low,
        "events_energy_max90_gev": high,
        "injection": injection_of(limit, experiment.inject.label),
        "problem": problem,
    }


_INTERVAL = ("low68", "unbiased", "high68")
"""Of the fraction, from trials: the ends of its central 68 % interval and the median-unbiased estimate between."""
_POINTS = 25
"""Energies at which a measured component is tabulated."""
_INT, _FLOAT, _TEXT = pa.int64(), pa.float64(), pa.string()
_GAMMA_RAYS = schema(
    (pa.int32(), "source component"),
    (_FLOAT, "gamma_energy_gev gamma_e2dnde_gev_cm2_s gamma_e2dnde_error_gev_cm2_s"),
    (_FLOAT, "neutrino_energy_gev neutrino_e2dnde_gev_cm2_s"),
)
_SOURCE = ((pa.int32(), "source"), (_TEXT, "name origin"), (_FLOAT, "ra_deg dec_deg"))
_LIMITS = schema(
    *_SOURCE,
    (_FLOAT, "gamma"),
    (_TEXT, "spectrum statement method"),
    (_FLOAT, "confidence_level n_signal n_signal_error n_signal_low threshold_ts"),
    (_INT, "n_trials"),
    (_FLOAT, "events_per_phi0_gev energy_min_gev energy_max_gev energy_content duration_s"),
    (_TEXT, "flavours"),
    (_FLOAT, "pivot_energy_gev phi0_per_gev phi0_error_per_gev e2dnde_100tev_gev_cm2_s e2_fluence_100tev_gev_cm2"),
    (_FLOAT, " ".join(f"expected_{label}_e2dnde_100tev_gev_cm2_s" for label in BAND_QUANTILES)),
    (_TEXT, "injection problem"),
)
_HADRONIC = schema(
    *_SOURCE,
    (_INT, "n_sources"),
    (_FLOAT, "gamma n_signal test_statistic p_local n_signal_limit n_signal_limit_error"),
    (_FLOAT, "n_hadronic n_hadronic_error n_hadronic_capped"),
    (_TEXT, "relation"),
    (_FLOAT, " ".join(["fraction", *(f"fraction_{end}" for end in _INTERVAL)])),
    (_FLOAT, "fraction_sensitivity fraction_limit"),
    (_TEXT, "method"),
    (_FLOAT, "confidence_level"),
    (_INT, "n_trials"),
    (_FLOAT, "energy_min_gev energy_max_gev events_energy_min90_gev events_energy_max90_gev"),
    (_TEXT, "injection problem"),
)
