"""How far from a source an event still matters.

What an event adds to the test statistic goes with the square of its density ratio: of all pairs together, with the
integral of S^2/B. Pairs of the smallest ratios are left to their mean (`nusky.search.far_pairs`), so many that they
hold the part `LOST` of that integral, whatever the index.
"""

from collections.abc import Sequence

import numpy as np

from nusky.detector.spectrum import PowerLaw, power_laws
from nusky.likelihood.energy import ANG_ERR_EDGES, LOG10_ENERGY_EDGES, SIN_DEC_EDGES, SIN_DEC_MIDDLES
from nusky.search.season import RARITY_STEP, SeasonEvents

LOST = 1e-4
GAMMAS = (1.5, 2.0, 2.5, 3.0, 4.0)
"""Indices for none of which more is lost."""
_SQUARES = np.geomspace(1.0, 400.0, 19)
"""Squared pulls that a reach may have."""


def spectra() -> tuple[PowerLaw, ...]:
    """The spectra that `by_bin` needs the signal of."""
    return power_laws(GAMMAS)


def band_declinations() -> np.ndarray:
    """The declinations [rad] that `by_bin` needs the signal at, (n_bands,)."""
    return np.arcsin(SIN_DEC_MIDDLES)


def by_bin(season: SeasonEvents, widths: Sequence[float], densities: np.ndarray, factor: float = 1.0) -> np.ndarray:
    """Squared pull up to which the events of each rarity, band and bin are near, (n_rarities, n_bands, n_bins) float64.

    Parameters
    ----------
    season : SeasonEvents
        With energies.
    widths : n_widths numbers
    densities : (n_bands, n_bins, n_widths, n_spectra)
        Signal densities per dex and bin of AngErr at `band_declinations` for `spectra`.
    factor : float, at least 1
        By which sources that change with time can make ratios larger: pairs are near down to a ratio smaller by it.
    """
    n_bands, n_energies, n_ang_err = season.ang_err_share.table.shape
    n_spectra = densities.shape[3]
    variance = np.tile(ANG_ERR_EDGES[1:] * ANG_ERR_EDGES[:-1], n_energies)
    width = np.repeat(np.diff(LOG10_ENERGY_EDGES), n_ang_err)
    middle = (LOG10_ENERGY_EDGES[1:] + LOG10_ENERGY_EDGES[:-1]) / 2
    at = np.meshgrid(np.sin(band_declinations()), middle, indexing="ij")
    energies = season.energy_density.at(at[1].ravel(), at[0].ravel()).reshape(n_bands, n_energies, 1)
    background = (energies * season.ang_err_share.table).reshape(n_bands, -1)
    background = background * season.density(band_declinations())[:, None] * variance
    squares = np.square(widths)
    # The product of two Gaussians has the integral 1/(2 pi (s^2 + t^2)).
    pairs = 1 / (squares[:, None] + squares)
    falling = np.exp(-0.5 * _SQUARES / squares[:, None]) / squares[:, None]
    ring = np.diff(_SQUARES, append=_SQUARES[-1] ** 2 / _SQUARES[-2])
    n_bins = n_energies * n_ang_err
    factors = factor * RARITY_STEP ** np.arange(season.rarity.max(initial=0) + 1)
    found = np.zeros((len(factors), n_bands, n_bins))
    counts = np.bincount(season.band * n_bins + season.bin, minlength=n_bands * n_bins).reshape(n_bands, n_bins)
    # Events over what the model of the background expects: bins of its floors, where none are, must not count.
    solid_angle = 2 * np.pi * np.diff(SIN_DEC_EDGES)[:, None]
    real = counts * variance / (len(season) * solid_angle * background * width)
    for band in range(n_bands):
        filled = np.flatnonzero(densities[band].max(axis=(1, 2)) > 0)
        strength, per_bin = densities[band, filled].transpose(0, 2, 1).astype(float), background[band, filled]
        over = strength / (2 * np.pi * per_bin)[:, None, None]
        weight = width[filled] * real[band, filled]
        ratio, used = over @ falling, np.flatnonzero(weight)  # bins without events hold nothing
        whole = ((over[used] * (strength[used] @ pairs)).sum(axis=2) * weight[used, None]).sum(axis=0)
        # S^2/B of a ring of pulls: the square of the ratio times the background inside it.
        content = ratio[used] ** 2 * (np.pi * per_bin * weight)[used, None, None] * ring
        for g in range(n_spectra):
            values = ratio[used, g].ravel()
            order = np.argsort(values)
            lost = np.cumsum(content[:, g].ravel()[order])
            place = min(np.searchsorted(lost, LOST * whole[g]), len(order) - 1)
            limit = values[order[place]] if len(order) else 0.0
            for own, larger in zip(found[:, band], factors, strict=True):
                last = (ratio[:, g] >= limit / larger).sum(axis=1)  # ratios fall with the pull
                own[filled] = np.maximum(own[filled], np.concatenate(([0.0], _SQUARES))[last])
    return found
