"""What pairs of an event and a source far from each other add to the likelihood of a stack.

A good part of the pairs within five standard deviations of each other lie so far out that only the sum of their density
ratios matters, and they are so many that it is much the same in every scrambled sky. Its mean stands for it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import make_interp_spline

from nusky.likelihood.energy import SIN_DEC_EDGES
from nusky.search.hypothesis import near_radius
from nusky.search.sample import Sample

TAIL = 0.1
"""Pairs whose spatial signal density stays below TAIL times an isotropic sky count as far."""


def far_ratios(samples: Sequence[Sample], dec: np.ndarray, densities: np.ndarray) -> np.ndarray:
    """Mean over scrambled skies of the sum of S/B over the far pairs of each season.

    The sum over events near a declination of 1/B times the share of their signal that lies beyond their reach, per
    solid angle: the integral over a uniform sky of what is left out. A source's extension does not change it, because
    the reach grows as the signal does.

    Parameters
    ----------
    dec : (n_sources,) float64, rad
    densities : (n_responses, n_bins, n_sources, n_gammas) float64
        Weight of the source times its signal energy density, by response as the samples first name them.

    Returns
    -------
    (n_gammas, n_seasons) float64
    """
    n_bands, n_bins = len(SIN_DEC_EDGES) - 1, densities.shape[1]
    middle = (SIN_DEC_EDGES[1:] + SIN_DEC_EDGES[:-1]) / 2
    solid_angle = 2 * np.pi * np.diff(SIN_DEC_EDGES)[:, None]
    responses = list(dict.fromkeys(sample.response for sample in samples))
    of_seasons = []
    for sample in samples:
        band = np.clip(np.searchsorted(SIN_DEC_EDGES, np.sin(sample.dec), side="right") - 1, 0, n_bands - 1)
        ratio = sample.inverse_background * _share_beyond(sample)
        flat = np.bincount(band * n_bins + sample.energy_bin, ratio, n_bands * n_bins)
        per_bin = make_interp_spline(middle, flat.reshape(n_bands, n_bins) / solid_angle, k=1)
        at_sources = per_bin(np.clip(np.sin(dec), middle[0], middle[-1]))
        of_seasons.append(np.einsum("jb,bjg->g", at_sources, densities[responses.index(sample.response)]))
    return np.stack(of_seasons, axis=1)


def _share_beyond(sample: Sample) -> np.ndarray:
    """Share of the signal of a point that lies farther from it than an event's reach, (n_events,)."""
    square = near_radius(sample.width**2 * np.maximum(sample.tail_ratio, 1.0), TAIL) ** 2 / (2 * sample.width**2)
    return (1 - sample.tail_share) * np.exp(-square) + sample.tail_share * np.exp(-square / sample.tail_ratio)
