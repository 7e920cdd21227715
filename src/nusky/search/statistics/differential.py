"""Sensitivities and limits by parts of the energy axis, usually decades."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV


def differential_e2_dnde(
    n_signal: ArrayLike, expected: ArrayLike, log10_energy_edges: ArrayLike, gamma: float = 2.0
) -> NDArray:
    """E^2 dN/dE [GeV cm^-2 s^-1] at the geometric centre of each part, for `n_signal` events in it; NaN if blind there.

    Parameters
    ----------
    n_signal : (n_parts,) float64
        Sensitivity or limit of a signal confined to that part.
    expected : (n_parts, n_seasons) float64
        Events of each part for phi0 = 1 GeV^-1 cm^-2 s^-1 (GeV cm^2 s), with the same index.
    """
    edges = np.asarray(log10_energy_edges, dtype=float)
    events = np.asarray(expected, dtype=float).sum(axis=1)
    centre = 10 ** (0.5 * (edges[1:] + edges[:-1]))
    phi0 = np.divide(n_signal, events, out=np.full(len(events), np.nan), where=events > 0)
    return phi0 * centre**2 * (centre / PIVOT_ENERGY_GEV) ** -gamma
