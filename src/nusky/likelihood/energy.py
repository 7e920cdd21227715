"""Densities of the reconstructed energy, per dex of E: of signal from the detector response, of background from data.

Both are constant inside common bins of log10(E/GeV) and linear in sin(dec) between the centres of declination bins,
constant beyond the outermost centres. So each integrates to 1 at every declination, and nothing jumps where a source or
an event crosses the edge of a declination bin.
"""

from collections.abc import Sequence

import numpy as np

from nusky.detector.effective_area import EffectiveArea, checked_declinations
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError

LOG10_ENERGY_EDGES = np.linspace(0.5, 9.0, 86)
"""Common bins of log10(E/GeV), 0.1 wide: the public events and smearing tables lie between 0.78 and 8.75."""
ANG_ERR_EDGES = np.radians(np.geomspace(0.2, 10.0, 13))
"""Bins of AngErr, rad, where its distribution is part of the densities; the outermost also hold what lies beyond."""
SIN_DEC_EDGES = np.linspace(-1.0, 1.0, 41)
"""Bins of sin(dec) of the background density."""
_FLOOR = 0.03
"""Events in an empty bin of usual width. Small, so that the many empty bins weigh nothing in the normalisation: with
one event in each, the mean density ratio of background events is up to 17 % below 1."""
_REACH = (2, 2, 0)
"""Half-widths, in bins of declination, energy and AngErr, of the windows that AngErr's distribution is counted in."""
_PRIOR = 3.0
"""Weight, in events, of the distribution over all energies of a band."""
_LEAST_SHARE = 1e-3
"""Share that every bin of AngErr gets on top."""
_PARABOLA = np.array([-3, 12, 17, 12, -3]) / 35
"""Weights of the least-squares parabola through five points, at its middle (Savitzky and Golay 1964)."""
_MEAN = np.array([0, 1, 2, 1, 0]) / 4
_SAME_EDGE = np.radians(0.01)
"""Effective areas give their declination edges to 0.01 deg: edges closer than that are the same."""
_SAME_ENERGY = 1e-6


def energy_bin(log10_energy: np.ndarray, log10_energy_edges: np.ndarray = LOG10_ENERGY_EDGES) -> np.ndarray:
    """Number of the bin of each log10(E/GeV); energies beyond the edges belong to the outermost bins."""
    last = len(log10_energy_edges) - 2
    return np.clip(np.searchsorted(log10_energy_edges, log10_energy, side="right") - 1, 0, last)


def signal_energy_density(
    area: EffectiveArea,
    smearing: Smearing,
    dec: np.ndarray,
    spectra: Sequence[Spectrum],
    log10_energy_edges: np.ndarray = LOG10_ENERGY_EDGES,
    ang_err_edges: np.ndarray | None = None,
) -> np.ndarray:
    """P(log10 E | dec), or P(log10 E, AngErr | dec), of detected neutrinos of every spectrum.

    In a bin of declination it is the sum over the true energy of the integral of A_eff(E_nu) f(E_nu) dE_nu times the
    smearing, normalised; the bins of the effective area and the cells of the smearing are split at each other's
    edges, and the outermost cells serve the energies beyond them.

    Parameters
    ----------
    dec : (n_dec,) float64, rad
    spectra : (n_spectra,)
    log10_energy_edges : (n_bins + 1,), log10(E/GeV)
    ang_err_edges : (n_ang_err + 1,), rad
        If given, every bin of energy is divided into bins of AngErr.

    Returns
    -------
    (n_dec, n_spectra, n_bins) float64, per dex of E, or (n_dec, n_spectra, n_bins n_ang_err) per dex of E and bin of
    AngErr

    Raises
    ------
    PhysicsError
        A declination lies outside the sphere, or no neutrino of that range can be seen from anywhere.
    """
    dec = checked_declinations(dec)
    dec_edges = _merged(np.concatenate([area.dec, smearing.dec]), _SAME_EDGE)
    middle = (dec_edges[1:] + dec_edges[:-1]) / 2
    accepted = _accepted(area, smearing, middle, spectra)
    matrix = smearing.energy_matrix(log10_energy_edges, ang_err_edges, ANG_ERR_FLOOR)[smearing.dec_cell(middle)]
    counts = np.matmul(accepted, matrix)
    totals = counts.sum(axis=2)
    visible = totals > 0
    if not visible.any(axis=0).all():
        raise PhysicsError(
            f"{smearing.response} has no effective area in the whole energy range of the flux. Widen the range."
        )
    # Where nothing can be seen the density is never used; the neighbour's keeps the interpolation defined.
    distance = np.abs(middle[:, None] - middle)
    nearest = np.where(visible.T[:, None], distance, np.inf).argmin(axis=2).T, np.arange(len(spectra))
    width = np.repeat(np.diff(log10_energy_edges), counts.shape[2] // (len(log10_energy_edges) - 1))
    density = (counts[nearest] / totals[nearest][..., None]) / width
    lower, weight = _between(_centres(np.sin(dec_edges)), np.sin(dec))
    weight = weight[:, None, None]
    return density[lower] * (1 - weight) + density[np.minimum(lower + 1, len(density) - 1)] * weight


def background_energy_density(
    log10_energy: np.ndarray,
    sin_dec: np.ndarray,
    log10_energy_edges: np.ndarray = LOG10_ENERGY_EDGES,
    sin_dec_edges: np.ndarray = SIN_DEC_EDGES,
) -> np.ndarray:
    """P(log10 E | sin dec) of background, from the data of a season.

    Counts in bins, smoothed along the energy by a parabola through each bin and two neighbours on either side: a plain
    mean would raise the steep flanks of the spectrum by 10 %. No bin is below what _FLOOR events of its band would
    give, so no event can have an infinite density ratio. A band without events takes those of the nearest.

    Parameters
    ----------
    log10_energy, sin_dec : (n_events,) float64
    log10_energy_edges : (n_bins + 1,), log10(E/GeV)
    sin_dec_edges : (n_sin_dec + 1,)

    Returns
    -------
    (n_sin_dec, n_bins) float64, per dex of E

    Raises
    ------
    PhysicsError
        There are no events.
    """
    if not len(log10_energy):
        raise PhysicsError("no events: the background's energy density cannot be estimated. Check the season's events.")
    n_bands, n_bins = len(sin_dec_edges) - 1, len(log10_energy_edges) - 1
    band = np.clip(np.searchsorted(sin_dec_edges, sin_dec, side="right") - 1, 0, n_bands - 1)
    flat = band * n_bins + energy_bin(log10_energy, log10_energy_edges)
    counts = np.bincount(flat, minlength=n_bands * n_bins).reshape(n_bands, n_bins).astype(float)
    occupied = np.flatnonzero(counts.sum(axis=1))
    counts = counts[occupied[np.argmin(np.abs(np.arange(n_bands)[:, None] - occupied), axis=1)]]
    around = np.lib.stride_tricks.sliding_window_view(np.pad(counts, ((0, 0), (2, 2)), mode="edge"), 5, axis=1)
    # Beside a sharp edge a parabola swings below zero: there a plain mean is a lower bound.
    smooth = np.maximum(around @ _PARABOLA, around @ _MEAN / 2)
    width = np.diff(log10_energy_edges)
    floored = np.maximum(smooth, _FLOOR * width / np.median(width))
    return floored / floored.sum(axis=1, keepdims=True) / width


def background_ang_err_share(log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray) -> np.ndarray:
    """P(AngErr | log10 E, sin dec) of background, from the data of a season: shares of the bins of AngErr.

    Counts in the bins of declination, energy and AngErr, summed over the neighbours in declination and energy as far as
    `_REACH`. Where these are few, the distribution over all energies of the band fills in with the weight of `_PRIOR`
    events, and no share is below `_LEAST_SHARE`.

    Parameters
    ----------
    log10_energy, sin_dec, ang_err : (n_events,) float64; log10(E/GeV), 1, rad

    Returns
    -------
    (n_bands, n_bins, n_ang_err) float64, summing to 1 over AngErr
    """
    shape = (len(SIN_DEC_EDGES) - 1, len(LOG10_ENERGY_EDGES) - 1, len(ANG_ERR_EDGES) - 1)
    place = [np.searchsorted(SIN_DEC_EDGES, sin_dec, side="right") - 1, energy_bin(log10_energy), ang_err_bin(ang_err)]
    place[0] = np.clip(place[0], 0, shape[0] - 1)
    counts = np.bincount(np.ravel_multi_index(place, shape), minlength=np.prod(shape)).reshape(shape).astype(float)
    for axis, reach in enumerate(_REACH):
        padding = [(reach, reach) if axis == other else (0, 0) for other in range(3)]
        counts = np.lib.stride_tricks.sliding_window_view(np.pad(counts, padding), 2 * reach + 1, axis).sum(axis=-1)
    prior = counts.sum(axis=1, keepdims=True) + 1 / shape[2]
    shares = counts + _PRIOR * prior / prior.sum(axis=2, keepdims=True)
    shares = shares / shares.sum(axis=2, keepdims=True) + _LEAST_SHARE
    return shares / shares.sum(axis=2, keepdims=True)


def ang_err_bin(ang_err: np.ndarray) -> np.ndarray:
    """Number of the bin of each AngErr [rad]; what lies beyond the edges belongs to the outermost bins."""
    return energy_bin(ang_err, ANG_ERR_EDGES)


def background_ang_err_share_at(
    table: np.ndarray, log10_energy: np.ndarray, sin_dec: np.ndarray, ang_err: np.ndarray
) -> np.ndarray:
    """The share of the background in the bin of AngErr of events, (n_events,) float64.

    `table` is that of `background_ang_err_share`; log10(E/GeV), sin(dec) and AngErr [rad] are (n_events,).
    """
    at = energy_bin(log10_energy), ang_err_bin(ang_err)
    lower, weight = _between(_centres(SIN_DEC_EDGES), sin_dec)
    upper = np.minimum(lower + 1, len(table) - 1)
    return table[lower, *at] * (1 - weight) + table[upper, *at] * weight


def background_energy_density_at(
    table: np.ndarray,
    log10_energy: np.ndarray,
    sin_dec: np.ndarray,
    log10_energy_edges: np.ndarray = LOG10_ENERGY_EDGES,
    sin_dec_edges: np.ndarray = SIN_DEC_EDGES,
) -> np.ndarray:
    """The background's energy density at events, per dex of E: (n_events,) float64.

    `table` and the edges are those of `background_energy_density`; `log10_energy`, `sin_dec` are (n_events,).
    """
    column = energy_bin(log10_energy, log10_energy_edges)
    lower, weight = _between(_centres(np.asarray(sin_dec_edges)), sin_dec)
    upper = np.minimum(lower + 1, len(table) - 1)
    return table[lower, column] * (1 - weight) + table[upper, column] * weight


def _accepted(area: EffectiveArea, smearing: Smearing, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
    """Integral of A_eff f dE over each smearing cell: (n_dec, n_spectra, n_enu)."""
    low, high = area.log10_energy[[0, -1]]
    inner = smearing.log10_enu[1:-1]
    edges = _merged(np.concatenate([area.log10_energy, inner[(inner > low) & (inner < high)]]), _SAME_ENERGY)
    middle = (edges[1:] + edges[:-1]) / 2
    row = np.clip(np.searchsorted(area.log10_energy, middle) - 1, 0, len(area.area) - 1)
    per_part = np.stack([spectrum.integrals(edges) for spectrum in spectra])
    cell = np.eye(len(smearing.log10_enu) - 1)[smearing.enu_cell(middle)]
    return (area.area[row][:, area.band(dec)].T[:, None, :] * per_part) @ cell


def _merged(edges: np.ndarray, tolerance: float) -> np.ndarray:
    """Sorted `edges`, those closer than `tolerance` to the one before left out; the ends are kept."""
    edges = np.unique(edges)
    inner = edges[1:-1]
    inner = inner[(np.diff(edges)[:-1] > tolerance) & (edges[-1] - inner > tolerance)]
    return np.concatenate([edges[:1], inner, edges[-1:]])


def _centres(edges: np.ndarray) -> np.ndarray:
    return (edges[1:] + edges[:-1]) / 2


def _between(nodes: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the node below each value and the weight of the next one: linear, constant beyond the ends."""
    place = np.interp(values, nodes, np.arange(len(nodes)))
    lower = place.astype(np.int64)
    return lower, place - lower
