"""Sensitivities and limits by parts of the energy axis, usually decades."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.detector.effective_area import EffectiveArea
from nusky.errors import PhysicsError


def expected_by_energy(
    areas: Mapping[str, EffectiveArea],
    responses: Sequence[str],
    livetime_s: ArrayLike,
    dec: ArrayLike,
    model_weights: ArrayLike,
    log10_energy_edges: ArrayLike,
    gamma: float = 2.0,
) -> NDArray:
    """Events expected from phi0 (E / 100 TeV)^-gamma confined to each part of the energy axis.

    Parameters
    ----------
    responses, livetime_s : of the seasons; s
    dec, model_weights : (n_sources,) float64, rad and dimensionless
        A flux of the whole stack is shared by the weights, in any normalisation.
    log10_energy_edges : (n_parts + 1,) float64, log10(E/GeV), ascending

    Returns
    -------
    (n_parts, n_seasons) float64, GeV cm^2 s
        Events for phi0 = 1 GeV^-1 cm^-2 s^-1; 0 where the part lies outside the effective area's table.
    """
    edges = np.asarray(log10_energy_edges, dtype=float)
    if edges.ndim != 1 or len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise PhysicsError("the edges of the energy axis must ascend; give log10(E/GeV), e.g. 3, 4, 5, 6, 7.")
    dec, weights = np.atleast_1d(np.asarray(dec, dtype=float)), np.atleast_1d(np.asarray(model_weights, dtype=float))
    parts = [(float(low), float(high)) for low, high in itertools.pairwise(edges)]
    per_response = {
        name: [areas[name].power_law_integral(dec, gamma, limits) @ weights / weights.sum() for limits in parts]
        for name in dict.fromkeys(responses)
    }
    return np.column_stack([per_response[name] for name in responses]) * np.asarray(livetime_s, dtype=float)


def differential_e2_dnde(
    n_signal: ArrayLike, expected: ArrayLike, log10_energy_edges: ArrayLike, gamma: float = 2.0
) -> NDArray:
    """E^2 dN/dE [GeV cm^-2 s^-1] at the geometric centre of each part, for `n_signal` events in it; NaN if blind there.

    Parameters
    ----------
    n_signal : (n_parts,) float64
        Sensitivity or limit of a signal confined to that part.
    expected : (n_parts, n_seasons) float64
        From `expected_by_energy` with the same index.
    """
    edges = np.asarray(log10_energy_edges, dtype=float)
    events = np.asarray(expected, dtype=float).sum(axis=1)
    centre = 10 ** (0.5 * (edges[1:] + edges[:-1]))
    phi0 = np.divide(n_signal, events, out=np.full(len(events), np.nan), where=events > 0)
    return phi0 * centre**2 * (centre / PIVOT_ENERGY_GEV) ** -gamma
