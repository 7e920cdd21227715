"""Stage of injection and recovery: does the fit find what was injected, and do the limits hold it?"""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Request
from nusky.search.recovery import COVERED, STRENGTHS, cover, pseudo_experiments, recover
from nusky.stages.inference import Settings, Study
from nusky.tables import schema, write_table

log = logging.getLogger(__name__)


def recovery(
    files: Any, outputs: Any, *, setup: Settings, hypothesis: Settings, request: Settings, n_trials: int
) -> None:
    """Injection, recovery and coverage, from `n_trials` pseudo-experiments per strength.

    One source stands for all of a catalogue: the one in the middle of their declinations. Writes `outputs.recovery` and
    `outputs.coverage`, one row for each index and strength.
    """
    study, asked = Study(files, setup, hypothesis), Request(**request)
    label, j = f"{study.name} stack", 0
    if study.kind == "sources":
        j = int(np.argsort(study.table["dec_deg"].to_numpy()[study.rows], kind="stable")[len(study) // 2])
        label = f"{study.name}, {study.table['name'][int(study.rows[j])].as_py()}"
    target, (batch, trials) = study.target(j), study.batch_of(j, files.trials)
    background = batch.statistics(trials, [j])[:, 0]
    recovered: list[dict[str, Any]] = []
    covered: list[dict[str, Any]] = []
    for gamma in study.indices.gammas:
        experiment = target.experiment.at(gamma).named("recovery", f"{gamma:g}")
        signal = target.signal(gamma)
        # Limits from trials of their own, independent of the pseudo-experiments.
        trial_ts = experiment.named("limits").trial_ts(signal)
        quick = target.asymptotic_limit(gamma, asked).n_signal
        calibration = LimitCalibration(trial_ts, background[:, study.indices.fit_of(gamma)], quick, asked)
        for n_injected in STRENGTHS:
            skies = pseudo_experiments(experiment, signal, n_injected, n_trials)
            fits = np.array([experiment.fits(sky)[0] for sky in skies])
            recovered.append(_named(asdict(recover(experiment, gamma, n_injected, fits)), signal.spectra[0]))
            if n_injected in COVERED:
                try:
                    found = cover(experiment, signal, n_injected, fits, calibration, asked)
                except PhysicsError as error:
                    log.warning("no coverage at %g events, gamma %g: %s", n_injected, gamma, error)
                    continue
                covered.append({"gamma": target.spectrum.at(gamma).quoted_index} | asdict(found))
    provenance = study.trace(trials, target=label, n_trials=n_trials, request=request)
    tables = (("recovery", "injection_recovery", recovered, None), ("coverage", "coverage", covered, _COVERAGE))
    for name, kind, rows, columns in tables:
        write_table(getattr(outputs, name), pa.Table.from_pylist(rows, columns), kind=kind, provenance=provenance)


def _named(row: dict[str, Any], spectrum: Spectrum) -> dict[str, Any]:
    """A row of `recover` with what is fitted in place of an index under its own name, of energies the logarithm."""
    name = spectrum.parameter_name
    if name in ("", "gamma"):
        return row
    own = {name: row["gamma"], "gamma": spectrum.quoted_index}
    return own | {key.replace("gamma_fitted", f"{name}_fitted"): row[key] for key in row if key != "gamma"}


_COVERAGE = schema(
    (pa.float64(), "gamma"),
    (pa.string(), "method"),
    (pa.float64(), "confidence_level n_injected"),
    (pa.int64(), "n_covered n_trials"),
    (pa.float64(), "coverage coverage_low coverage_high"),
)
