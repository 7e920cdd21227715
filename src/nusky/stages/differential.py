"""Stages of the differential sensitivity and upper limit: signal confined to one part of the energy axis at a time."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config
from nusky.search import inference
from nusky.search.confined import ConfinedInjector, expected_in_range
from nusky.search.hypothesis import Hypothesis
from nusky.search.inference import Indices, Request, Signal
from nusky.search.statistics.differential import differential_e2_dnde
from nusky.search.statistics.statements import ONE_FLAVOUR, SignalStrength
from nusky.stages.inference import Setup, WeightedStack, injection_of, trial_statistics
from nusky.tables import read_table, write_table

GAMMA = 2.0
"""Spectral index of the flux inside a part: E^2 dN/dE is flat there."""


def stack_differential(
    setup: Setup,
    sources: Path,
    trials: Sequence[Path],
    output: Path,
    *,
    weighting: config.Weighting,
    name: str,
    log10_energy_edges: Sequence[float],
    request: Request,
) -> None:
    """Sensitivity and upper limit of the stack called `name` in every part of the energy axis.

    `log10_energy_edges`: edges of the parts, log10(E/GeV).

    The limit is a Feldman-Cousins one if `request` asks for that and a Neyman one otherwise: the likelihood of one
    power law has no asymptotic limit on a part of the energies.
    """
    analysis, indices = setup.load()
    weighted = WeightedStack.of_table(analysis, indices, read_table(sources, kind="sources"), weighting)
    fit = _nearest_fit(indices)
    hypothesis = _with_index(weighted.stack, indices)
    background = trial_statistics(trials, "stack_trials", len(indices.fitted))[:, fit]
    observed = inference.fits(hypothesis, hypothesis.data(), indices.free)[0, 2]
    method = "feldman-cousins" if request.limit_method == "feldman-cousins" else "neyman"
    rows = list(
        _rows(
            setup,
            hypothesis,
            indices,
            weighted.sources,
            weighted.weights,
            background,
            float(observed),
            log10_energy_edges,
            replace(request, limit_method=method, discovery_sigmas=()),
            ("differential", name),
        )
    )
    settings = {"weighting": weighting.model_dump(), "stack": name, "request": vars(request)}
    provenance = setup.trace([sources, *trials], analysis, settings)
    write_table(output, pa.Table.from_pylist(rows), kind="differential", provenance=provenance)


def declination_differential(
    setup: Setup,
    output: Path,
    *,
    declinations_deg: Sequence[float],
    n_trials: int,
    log10_energy_edges: Sequence[float],
    request: Request,
) -> None:
    """Differential sensitivity of point sources at declinations, from `n_trials` scrambled skies each.

    `log10_energy_edges`: edges of the parts of the energy axis, log10(E/GeV).
    """
    analysis, indices = setup.load()
    request = replace(request, limit_method=None, discovery_sigmas=())
    rows = []
    for dec_deg in declinations_deg:
        source = _with_index(analysis.source(0.0, np.radians(dec_deg), **indices.grid), indices)
        keys = ("declination", f"{dec_deg:g}", "differential")
        background = inference.scrambled_fits(source, indices.free, setup.seed, keys, range(n_trials))[:, 0, 2]
        where = tuple(np.array([value]) for value in (source.ra, source.dec, 0.0))
        found = _rows(setup, source, indices, where, np.ones(1), background, None, log10_energy_edges, request, keys)
        rows += [{"dec_deg": float(dec_deg)} | row for row in found]
    settings = {"declinations_deg": list(declinations_deg), "n_trials": n_trials, "request": vars(request)}
    provenance = setup.trace([], analysis, settings)
    write_table(output, pa.Table.from_pylist(rows), kind="differential_sensitivity", provenance=provenance)


def _nearest_fit(indices: Indices) -> int:
    """Number of the fit whose fixed index is nearest to that of the signal; 0 where the index is fitted."""
    return 0 if indices.free else int(np.argmin(np.abs(indices.gammas - GAMMA)))


def _with_index(hypothesis: Hypothesis, indices: Indices) -> Hypothesis:
    return hypothesis if indices.free else hypothesis.with_gammas(indices.gammas[[_nearest_fit(indices)]])


def _rows(
    setup: Setup,
    hypothesis: Hypothesis,
    indices: Indices,
    where: tuple[np.ndarray, np.ndarray, np.ndarray],
    weights: np.ndarray,
    background: np.ndarray,
    observed: float | None,
    log10_energy_edges: Sequence[float],
    request: Request,
    keys: tuple[str, ...],
) -> Iterator[dict[str, Any]]:
    """One row for each part of the energy axis and statement."""
    analysis = hypothesis.analysis
    for low, high in itertools.pairwise(log10_energy_edges):
        ranges = np.tile([low, high], (len(weights), 1))
        expected = expected_in_range(analysis, where[1], GAMMA, ranges) * weights / weights.sum()
        per_phi0, made, label = float(expected.sum()), [], "none"
        if per_phi0 > 0:
            inject = ConfinedInjector(analysis, ranges)
            made = inference.statements(
                hypothesis,
                indices.free,
                Signal(where, expected / per_phi0, GAMMA),
                inject,
                background,
                observed,
                request,
                setup.seed,
                (*keys, f"{low:g}-{high:g}"),
            )
            label = inject.label
        else:
            names = ["sensitivity"] if observed is None else ["sensitivity", "upper limit"]
            blind = "no event is expected at these energies: they lie outside the effective area's table"
            made = [inference.Statement(name, None, blind) for name in names]
        for statement in made:
            nothing = SignalStrength(statement.name, "", request.confidence_level, *(float("nan"),) * 3, n_trials=0)
            strength = statement.strength or nothing
            flux = differential_e2_dnde([strength.n_signal], [[per_phi0]], [low, high], GAMMA)
            yield {
                "log10_energy_min_gev": float(low),
                "log10_energy_max_gev": float(high),
                "gamma": GAMMA,
                "gamma_fixed": float(indices.fitted[_nearest_fit(indices)]),
                **asdict(strength),
                "events_per_phi0_gev": per_phi0,
                "flavours": ONE_FLAVOUR,
                "e2dnde_gev_cm2_s": float(flux[0]),
                "injection": injection_of(strength, label),
                "problem": statement.problem,
            }
