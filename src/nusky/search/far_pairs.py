"""What pairs of an event and a source far from each other add to the likelihood.

A good part of the pairs that a point spread allows lie so far out that only the sum of their density ratios matters,
and they are so many that it is much the same in every scrambled sky. Its mean stands for it.
"""

from collections.abc import Sequence

import numpy as np

from nusky.likelihood.energy import SIN_DEC_EDGES, SIN_DEC_MIDDLES
from nusky.likelihood.spatial import UniformDensity
from nusky.likelihood.terms import EXTENSION_REACH
from nusky.search.season import SeasonEvents

EXTENSIONS = np.radians([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0])
"""Gaussian widths [rad] of sources for which far pairs are summed; a source has the sums of the nearest."""
_AT_ONCE = 64


def far_by_bin(
    seasons: Sequence[SeasonEvents], dec: np.ndarray, extension: float, widths: Sequence[float], n_bins: int
) -> np.ndarray:
    """Mean over scrambled skies of the sum over the far pairs of 1/B times the share of their signal.

    The sum over events near a declination of 1/B times the share of their signal that lies beyond their reach, per
    solid angle: the integral over a uniform sky of what is left out.

    Parameters
    ----------
    dec : (n_dec,) float64, rad
    extension : float, rad
        Gaussian width of the source.
    widths : n_widths numbers
        The point spread's, in units of AngErr.
    n_bins : int
        Bins of energy and AngErr.

    Returns
    -------
    (n_seasons, n_dec, n_bins, n_widths + 1) float64
        Last what is far whatever the reach.
    """

    n_bands = len(SIN_DEC_MIDDLES)
    solid_angle = 2 * np.pi * np.diff(SIN_DEC_EDGES)[:, None, None]
    at = np.clip(np.sin(dec), SIN_DEC_MIDDLES[0], SIN_DEC_MIDDLES[-1])
    below = np.clip(np.searchsorted(SIN_DEC_MIDDLES, at, side="right") - 1, 0, n_bands - 2)
    upper = ((at - SIN_DEC_MIDDLES[below]) / np.diff(SIN_DEC_MIDDLES)[below])[:, None, None]
    made = []
    for season in seasons:
        reach = 4 * np.arcsin(np.sqrt(season.near) / 2) ** 2 + EXTENSION_REACH * extension**2
        variance = season.ang_err**2
        shares = [np.exp(-0.5 * reach / (width**2 * variance + extension**2)) for width in widths]
        cone = isinstance(season.density, UniformDensity)  # whose solid angle is the inverse of its density
        place, n_places = (season.bin, n_bins) if cone else (season.band * n_bins + season.bin, n_bands * n_bins)
        inverse = season.inverse_background
        sums = [np.bincount(place, inverse * share, n_places) for share in (*shares, np.ones(len(reach)))]
        if cone:
            made.append(np.tile(np.stack(sums, axis=-1) * season.density.value, (len(dec), 1, 1)))
            continue
        of_bands = np.stack(sums, axis=-1).reshape(n_bands, n_bins, -1) / solid_angle
        made.append((1 - upper) * of_bands[below] + upper * of_bands[below + 1])
    return np.stack(made)


def nearest_extension(extension: np.ndarray) -> np.ndarray:
    """Number in `EXTENSIONS` of the nearest to each width [rad], (n,) int64."""
    return np.argmin(np.abs(np.asarray(extension)[..., None] - EXTENSIONS), axis=-1)


def far_of_each(
    seasons: Sequence[SeasonEvents],
    response: np.ndarray,
    sources: tuple[np.ndarray, np.ndarray | float],
    widths: Sequence[float],
    densities: np.ndarray,
) -> np.ndarray:
    """Mean over scrambled skies of the sum of S/B over the far pairs of each source by itself.

    Parameters
    ----------
    response : (n_seasons,) int64
        Number of the response of each season.
    sources : dec and Gaussian width [rad], (n_sources,)
    widths : n_widths numbers
    densities : (n_responses, n_sources, n_bins, n_widths + 1, n_spectra)
        Signal density of each, last that beyond all reach.

    Returns
    -------
    (n_seasons, n_sources, n_spectra) float64
    """
    dec, extension = np.broadcast_arrays(*sources)
    node = nearest_extension(extension)
    found = np.zeros((len(seasons), len(dec), densities.shape[4]))
    for value in np.unique(node):
        own = np.flatnonzero(node == value)
        sums = far_by_bin(seasons, dec[own], EXTENSIONS[value], widths, densities.shape[2])
        for k, r in enumerate(response):
            found[k, own] = np.einsum("tbm,tbmg->tg", sums[k], densities[r, own])
    return found


def far_ratios(
    seasons: Sequence[SeasonEvents],
    response: np.ndarray,
    sources: tuple[np.ndarray, np.ndarray, np.ndarray],
    widths: Sequence[float],
    densities: np.ndarray,
    shares: np.ndarray,
) -> np.ndarray:
    """The same for all sources of a stack together, (n_seasons, n_spectra) float64.

    Parameters
    ----------
    sources : dec, extension [rad] and table, (n_sources,) each
    densities : (n_responses, n_tables, n_bins, n_widths + 1, n_spectra)
    shares : (n_responses, n_sources, n_spectra) float64
        Of each source in the signal.
    """
    dec, extension, table = sources
    # Sources of one table have nearly one declination.
    pairs, first, place = np.unique(nearest_extension(extension) + 1j * table, return_index=True, return_inverse=True)
    middle = np.bincount(place, dec) / np.bincount(place)
    found = np.zeros((len(seasons), densities.shape[4]))
    for begin in range(0, len(pairs), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        own = densities[:, table[first[part]]]
        each = far_of_each(seasons, response, (middle[part], extension[first[part]]), widths, own)
        of_part = np.flatnonzero((place >= begin) & (place < begin + _AT_ONCE))
        for k, r in enumerate(response):
            found[k] += (each[k, place[of_part] - begin] * shares[r, of_part]).sum(axis=0)
    return found
