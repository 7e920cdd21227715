"""Stages of injection and recovery: does the fit find what was injected, and do the limits hold it?"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.errors import PhysicsError
from nusky.search import inference
from nusky.search.calibration import LimitCalibration
from nusky.search.hypothesis import Hypothesis
from nusky.search.inference import Indices, Injector, Request, Signal
from nusky.search.recovery import COVERED, STRENGTHS, PseudoExperiments, cover, recover
from nusky.stages.inference import Setup, WeightedStack, positions, source_builder, trial_statistics
from nusky.tables import Provenance, read_table, write_table

log = logging.getLogger(__name__)


def stack_recovery(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    outputs: Mapping[str, Path],
    *,
    weighting: config.Weighting,
    name: str,
    n_trials: int,
    request: Request,
) -> None:
    """Injection, recovery and coverage of the stack called `name`, from `n_trials` pseudo-experiments per strength.

    Writes `outputs["recovery"]` and `outputs["coverage"]`, one row for each index and strength.
    """
    analysis, indices = setup.load()
    weighted = WeightedStack.of_table(analysis, indices, read_table(sources, kind="sources"), weighting)
    background = trial_statistics(trials, "stack_trials", len(indices.fitted))
    where, keys = (weighted.sources, weighted.weights), ("stack", name)
    tables = _measure(setup, weighted.stack, indices, where, background, keys, n_trials, request)
    settings = {"weighting": weighting.model_dump(), "stack": name, "target": f"{name} stack"}
    settings |= {"n_trials": n_trials, "request": vars(request)}
    _write(outputs, tables, setup.trace([sources, *trials], analysis, settings))


def source_recovery(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    outputs: Mapping[str, Path],
    *,
    catalogue: str,
    n_trials: int,
    request: Request,
) -> None:
    """The same for one source that stands for all of a catalogue: the one in the middle of their declinations."""
    analysis, indices = setup.load()
    table = read_table(sources, kind="sources")
    ra, dec, width = positions(table)
    j = int(np.argsort(dec, kind="stable")[len(dec) // 2])
    n_fits = len(indices.fitted)
    background = trial_statistics(trials, "source_trials", table.num_rows * n_fits)[:, j * n_fits : (j + 1) * n_fits]
    where = (tuple(values[[j]] for values in (ra, dec, width)), np.ones(1))
    source, keys = source_builder(analysis, indices, table)(j), ("source", catalogue, j)
    tables = _measure(setup, source, indices, where, background, keys, n_trials, request)
    settings = {"target": f"{catalogue}, {table['name'][j].as_py()}", "n_trials": n_trials, "request": vars(request)}
    _write(outputs, tables, setup.trace([sources, *trials], analysis, settings))


def _measure(
    setup: Setup,
    hypothesis: Hypothesis,
    indices: Indices,
    where: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray],
    background: np.ndarray,
    keys: tuple[str | int, ...],
    n_trials: int,
    request: Request,
) -> dict[str, pa.Table]:
    """Tables of recovery and coverage of a hypothesis; `where` holds the sources and their weights."""
    inject = Injector(hypothesis.analysis)
    recovered: list[dict[str, Any]] = []
    covered: list[dict[str, Any]] = []
    for i, gamma in enumerate(indices.gammas):
        tested = hypothesis if indices.free else hypothesis.with_gammas(np.array([gamma]))
        signal = Signal.of(hypothesis.analysis, *where, gamma)
        streams = (*keys, "recovery", f"{gamma:g}")
        experiments = PseudoExperiments(tested, indices.free, signal, inject, setup.seed, streams, n_trials)
        calibration = _calibration(
            tested, indices, signal, inject, background[:, 0 if indices.free else i], setup.seed, streams, request
        )
        for n_injected in STRENGTHS:
            fits = experiments.fits(n_injected)
            recovered.append(asdict(recover(experiments, n_injected, fits)))
            if n_injected in COVERED:
                try:
                    found = cover(experiments, n_injected, fits, calibration, request)
                except PhysicsError as error:
                    log.warning("no coverage at %g events, gamma %g: %s", n_injected, gamma, error)
                    continue
                covered.append({"gamma": float(gamma)} | asdict(found))
    return {"recovery": pa.Table.from_pylist(recovered), "coverage": pa.Table.from_pylist(covered, _COVERAGE)}


def _calibration(
    tested: Hypothesis,
    indices: Indices,
    signal: Signal,
    inject: Injector,
    background: np.ndarray,
    seed: int,
    keys: tuple[str | int, ...],
    request: Request,
) -> LimitCalibration:
    """Limits from trials of their own, independent of the pseudo-experiments."""
    fixed = tested.with_gammas(np.array([signal.gamma])) if indices.free else tested
    quick = inference.asymptotic_limit(fixed, fixed.data(), 0, request.confidence_level)
    trial_ts = inference.injected_ts(tested, indices.free, signal, inject, seed, (*keys, "limits"))
    return LimitCalibration(trial_ts, background, quick.n_signal, request)


_COVERAGE = pa.schema(
    [
        ("gamma", pa.float64()),
        ("method", pa.string()),
        ("confidence_level", pa.float64()),
        ("n_injected", pa.float64()),
        ("n_covered", pa.int64()),
        ("n_trials", pa.int64()),
        ("coverage", pa.float64()),
        ("coverage_low", pa.float64()),
        ("coverage_high", pa.float64()),
    ]
)


def _write(outputs: Mapping[str, Path], tables: Mapping[str, pa.Table], provenance: Provenance) -> None:
    for name, kind in (("recovery", "injection_recovery"), ("coverage", "coverage")):
        write_table(outputs[name], tables[name], kind=kind, provenance=provenance)
