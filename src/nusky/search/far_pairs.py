"""What pairs of an event and a source far from each other add to the likelihood.

A good part of the pairs within five standard deviations of each other lie so far out that only the sum of their density
ratios matters, and they are so many that it is much the same in every scrambled sky. Its mean stands for it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import make_interp_spline

from nusky.likelihood.energy import SIN_DEC_EDGES
from nusky.likelihood.spatial import UniformDensity
from nusky.likelihood.terms import TAIL, reach
from nusky.search.season import SeasonEvents


def source_tails(omega: np.ndarray) -> np.ndarray:
    """Spatial density, in units of an isotropic sky, below which pairs of each source count as far; (n_sources,).

    `omega` (n_sources,) are the sources' largest shares of the signal. A single source has TAIL. In a stack what a pair
    adds is smaller by omega, and what the far pairs of all sources leave out fluctuates with the root of their number.
    In steps of two, so that sources share their sums.
    """
    limit = TAIL / np.sqrt(len(omega)) / np.maximum(omega, 1e-300)
    return TAIL * 2 ** np.floor(np.log2(np.maximum(limit / TAIL, 1.0)) + 1e-9)


def far_ratios(
    seasons: Sequence[SeasonEvents], response: np.ndarray, dec: np.ndarray, tail: np.ndarray, densities: np.ndarray
) -> np.ndarray:
    """Mean over scrambled skies of the sum of S/B over the far pairs of each season.

    The sum over events near a declination of 1/B times the share of their signal that lies beyond their reach, per
    solid angle: the integral over a uniform sky of what is left out. A source's extension does not change it, because
    the reach grows as the signal does.

    Parameters
    ----------
    response : (n_seasons,) int64
        Number of the response of each season.
    dec : (n_sources,) float64, rad
    tail : (n_sources,) float64
        From `source_tails`.
    densities : (n_responses, n_bins, n_sources, n_spectra) float64
        Weight of the source times its signal energy density.

    Returns
    -------
    (n_seasons, n_spectra) float64
    """
    found = np.zeros((len(seasons), densities.shape[3]))
    for value in np.unique(tail):
        own = np.flatnonzero(tail == value)
        per_bin = far_by_bin(seasons, dec[own], densities.shape[1], value)
        for k, r in enumerate(response):
            found[k] += np.einsum("jb,bjg->g", per_bin[k], densities[r][:, own])
    return found


def far_by_bin(seasons: Sequence[SeasonEvents], dec: np.ndarray, n_bins: int, tail: float = TAIL) -> np.ndarray:
    """The part of `far_ratios` that knows no spectrum, (n_seasons, n_dec, n_bins) float64; `dec` (n_dec,) rad."""
    n_bands = len(SIN_DEC_EDGES) - 1
    middle = (SIN_DEC_EDGES[1:] + SIN_DEC_EDGES[:-1]) / 2
    solid_angle = 2 * np.pi * np.diff(SIN_DEC_EDGES)[:, None]
    made = []
    for season in seasons:
        band = np.clip(np.searchsorted(SIN_DEC_EDGES, np.sin(season.dec), side="right") - 1, 0, n_bands - 1)
        ratio = season.inverse_background * _share_beyond(season, tail)
        if isinstance(season.density, UniformDensity):  # a cone, whose solid angle is the inverse of its density
            of_cone = np.bincount(season.energy_bin, ratio, n_bins) * season.density.value
            made.append(np.tile(of_cone, (len(dec), 1)))
            continue
        flat = np.bincount(band * n_bins + season.energy_bin, ratio, n_bands * n_bins)
        of_bands = make_interp_spline(middle, flat.reshape(n_bands, n_bins) / solid_angle, k=1)
        made.append(of_bands(np.clip(np.sin(dec), middle[0], middle[-1])))
    return np.stack(made)


def _share_beyond(season: SeasonEvents, tail: float) -> np.ndarray:
    """Share of the signal of a point that lies farther from it than an event's reach, (n_events,)."""
    widest = np.maximum(season.tail_ratio, 1.0)
    square = reach(season.width**2 * widest, tail) * widest / 2
    return (1 - season.tail_share) * np.exp(-square) + season.tail_share * np.exp(-square / season.tail_ratio)
