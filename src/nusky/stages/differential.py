"""Stage of the differential sensitivity and upper limit: signal confined to one part of the energy axis at a time."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa

from nusky.detector.spectrum import PowerLaw
from nusky.search.experiment import Experiment, Request, Statement
from nusky.search.injection import Signal, expected_events
from nusky.search.sources import Sources
from nusky.search.statistics.differential import differential_e2_dnde
from nusky.search.statistics.statements import ONE_FLAVOUR, SignalStrength
from nusky.stages.inference import Settings, Study, injection_of
from nusky.tables import write_table

GAMMA = 2.0
"""Spectral index of the flux inside a part: E^2 dN/dE is flat there."""


def differential(
    files: Any,
    outputs: Any,
    *,
    setup: Settings,
    hypothesis: Settings,
    request: Settings,
    log10_energy_edges: Sequence[float],
) -> None:
    """Sensitivity in every part of the energy axis, and of a stack the upper limit; edges are log10(E/GeV).

    The limit is a Feldman-Cousins one if `request` asks for that and a Neyman one otherwise: the likelihood of one
    power law has no asymptotic limit on a part of the energies.
    """
    study = Study(files, setup, hypothesis)
    stacked, asked = study.kind == "stack", Request(**request)
    method = "feldman-cousins" if asked.limit_method == "feldman-cousins" else "neyman"
    asked = replace(asked, limit_method=method if stacked else None, discovery_sigmas=())
    background, fit = study.statistics(files.trials), study.indices.fit_of(GAMMA)
    rows = []
    for j, target in enumerate(study):
        experiment = target.experiment.at(study.indices.fitted[fit]).named("differential")
        observed = float(target.experiment.observed[fit, 2]) if stacked else None
        found = _rows(
            experiment,
            target.sources,
            background[:, j, fit],
            observed,
            study.indices.fitted[fit],
            log10_energy_edges,
            asked,
        )
        rows += [target.row | row for row in found]
    kind = "differential" if stacked else "differential_sensitivity"
    provenance = study.trace(files.trials, request=request)
    write_table(outputs[0], pa.Table.from_pylist(rows), kind=kind, provenance=provenance)


def _rows(
    experiment: Experiment,
    sources: Sources,
    background: np.ndarray,
    observed: float | None,
    fit_gamma: float,
    log10_energy_edges: Sequence[float],
    request: Request,
) -> Iterator[dict[str, Any]]:
    """One row for each part of the energy axis and statement; `fit_gamma` is that of the fit behind the TS."""
    analysis = experiment.hypothesis.analysis
    for low, high in itertools.pairwise(log10_energy_edges):
        spectrum = PowerLaw(GAMMA, log10_limits=(low, high))
        per_phi0 = float(expected_events(analysis, sources, spectrum).sum())
        label = "none"
        if per_phi0 > 0:
            own, label = experiment.named(f"{low:g}-{high:g}"), experiment.inject.label
            made = own.statements(Signal.of(analysis, sources, spectrum), background, observed, request)
        else:
            names = ["sensitivity"] if observed is None else ["sensitivity", "upper limit"]
            blind = "no event is expected at these energies: they lie outside the effective area's table"
            made = [Statement(name, None, blind) for name in names]
        for statement in made:
            nothing = SignalStrength(statement.name, "", request.confidence_level, *(float("nan"),) * 3, n_trials=0)
            strength = statement.strength or nothing
            flux = differential_e2_dnde([strength.n_signal], [[per_phi0]], [low, high], GAMMA)
            yield {
                "log10_energy_min_gev": float(low),
                "log10_energy_max_gev": float(high),
                "gamma": GAMMA,
                "gamma_fixed": float(fit_gamma),
                **asdict(strength),
                "events_per_phi0_gev": per_phi0,
                "flavours": ONE_FLAVOUR,
                "e2dnde_gev_cm2_s": float(flux[0]),
                "injection": injection_of(strength, label),
                "problem": statement.problem,
            }
