"""Density ratios r_i = S_i/B_i of the events near one source, for every spectral index of a grid.

An event has a fixed declination, angular error and energy; only its right ascension is redrawn in a scrambled sky. So
an event can be near a source only inside a window of right ascension that is known beforehand, and a scrambled sky
needs random numbers only for the few events that fall into their window (`draw_near`): the same distribution as
drawing all of them, at the cost of the near ones.
"""

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import N_LOW
from nusky.likelihood.spatial import spherical_gaussian

_BLOCK = 256
_STEPS = 64.0
_EXPONENTIALS = np.exp(-np.arange(40 * _STEPS + 1) / _STEPS)


def window_half_width(dec: np.ndarray, radius: np.ndarray, source_dec: float) -> np.ndarray:
    """Largest |RA difference| at which an event is within `radius` of a source: (n,) rad, 0 if never, pi if always.

    From the haversine formula; `dec`, `radius` (n,) rad, `source_dec` rad.
    """
    reach = np.sin(np.minimum(radius, np.pi) / 2) ** 2 - np.sin((dec - source_dec) / 2) ** 2
    scale = np.maximum(np.cos(dec) * np.cos(source_dec), 1e-300)
    return np.where(reach < 0, 0.0, 2 * np.arcsin(np.sqrt(np.clip(reach / scale, 0.0, 1.0))))


@kernel()
def draw_near(rng, half_width, start):
    """Events that fall into their window when right ascensions are uniform, and where in the window they fall.

    Parameters
    ----------
    rng : numpy Generator
    half_width : (n_candidates,) float64, rad
        Windows, falling within each season.
    start : (n_seasons + 1,) int64
        Where each season begins among the candidates.

    Returns
    -------
    chosen : (n_near,) int64
        Candidates, ordered by season.
    offset : (n_near,) float64, rad
        RA differences to the source.
    begin : (n_seasons + 1,) int64
        Where each season begins in `chosen`.
    """
    n_seasons = len(start) - 1
    capacity = 64
    for i in range(len(half_width)):
        capacity += 1 if half_width[i] > 2.0 else 0
    chosen, offset = np.empty(capacity, np.int64), np.empty(capacity)
    begin = np.zeros(n_seasons + 1, np.int64)
    found = 0
    for k in range(n_seasons):
        for block in range(start[k], start[k + 1], _BLOCK):
            stop = min(block + _BLOCK, start[k + 1])
            largest = half_width[block] / np.pi
            if largest <= 0.0:
                break
            thin = largest < 0.5
            per_step = -np.log1p(-largest) if thin else 0.0
            i = block - 1
            while True:
                # Jump to the next candidate a coin of probability `largest` would pick, then thin to its own window.
                i += 1 + int(rng.standard_exponential() / per_step) if thin else 1
                if i >= stop:
                    break
                keep = half_width[i] / np.pi
                if rng.random() * (largest if thin else 1.0) < keep:
                    if found == len(chosen):
                        chosen = np.concatenate((chosen, np.empty(found, np.int64)))
                        offset = np.concatenate((offset, np.empty(found)))
                    chosen[found] = i
                    offset[found] = half_width[i] * (2 * rng.random() - 1)
                    found += 1
        begin[k + 1] = found
    return chosen[:found], offset[:found], begin


@kernel()
def source_ratios(chosen, offset, begin, candidates, densities, largest, smallest):
    """Density ratios of the near events of one source, and power sums of the small ones.

    Parameters
    ----------
    chosen, offset, begin
        As `draw_near` returns them.
    candidates : (n_candidates, 7) float64
        sin^2 of half the difference in declination, product of the cosines of both declinations, s^2 of the core and of
        the tail [rad^2], share of the tail, 1/B [sr, or sr dex with energy], energy bin: side by side, because only a
        few candidates are near and each would cost a cache line per column.
    densities : (n_seasons, n_bins, n_gammas) float64
        Signal energy density; 1 for a spatial analysis.
    largest : (n_seasons, n_bins) float64
        The largest of `densities` over the indices.
    smallest : (n_seasons,) float64
        Events whose ratio stays below it at every index go to the power sums.

    Returns
    -------
    ratios : (n_gammas, n_kept), their begin by season, low : (n_gammas, n_seasons, N_LOW)
    """
    n_seasons, n_bins, n_gammas = densities.shape
    kept, spatial = np.empty(len(chosen), np.int64), np.empty(len(chosen))
    begin_kept = np.zeros(n_seasons + 1, np.int64)
    low = np.zeros((n_gammas, n_seasons, N_LOW))
    # A ratio is the spatial part times what the energy bin has in common: sums of powers need one pass per bin.
    sums = np.empty((n_bins, N_LOW))
    found = 0
    for k in range(n_seasons):
        sums[:] = 0.0
        for m in range(begin[k], begin[k + 1]):
            i = chosen[m]
            chord = 4 * (candidates[i, 0] + candidates[i, 1] * np.sin(offset[m] / 2) ** 2)
            core, tail, share = candidates[i, 2], candidates[i, 3], candidates[i, 4]
            ratio = signal_of_chord(chord, core, tail, share) * candidates[i, 5]
            e = int(candidates[i, 6])
            if ratio * largest[k, e] < smallest[k]:
                power = ratio
                for p in range(N_LOW):
                    sums[e, p] += power
                    power *= ratio
            else:
                kept[found], spatial[found] = e, ratio
                found += 1
        begin_kept[k + 1] = found
        for e in range(n_bins):
            if sums[e, 0] > 0.0:
                for g in range(n_gammas):
                    power = densities[k, e, g]
                    for p in range(N_LOW):
                        low[g, k, p] += sums[e, p] * power
                        power *= densities[k, e, g]
    ratios = np.empty((n_gammas, found))
    for k in range(n_seasons):
        for m in range(begin_kept[k], begin_kept[k + 1]):
            for g in range(n_gammas):
                ratios[g, m] = spatial[m] * densities[k, kept[m], g]
    return ratios, begin_kept, low


@kernel()
def signal_of_chord(chord, core, tail, tail_share):
    """Spatial signal density: a Gaussian of variance `core` and, with the share `tail_share`, a wider one."""
    value = gaussian_of_chord(chord, core)
    if tail_share > 0.0:
        value += tail_share * (gaussian_of_chord(chord, tail) - value)
    return value


@kernel()
def gaussian_of_chord(chord, variance):
    """`spherical_gaussian` of the separation whose squared chord is `chord`."""
    if chord > 0.3:
        return spherical_gaussian(2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord))), variance)
    # Series of psi^2/c and of psi/sin(psi) in c = 4 sin^2(psi/2): no inverse sine, no root.
    c = chord
    square = 1 + c * (1 / 12 + c * (1 / 90 + c * (1 / 560 + c * (1 / 3150 + c * (1 / 16632 + c / 84084)))))
    stretch = 1 + c * (
        1 / 6 + c * (1 / 30 + c * (1 / 140 + c * (1 / 630 + c * (1 / 2772 + c * (1 / 12012 + c / 51480)))))
    )
    inverse = 0.5 / variance
    return stretch * np.exp(-c * square * inverse) * inverse / np.pi


@kernel()
def gaussians_of_chords(n, chord, variance, value):
    """`gaussian_of_chord` of the first `n` of many, into `value`: for chords up to 0.3 and densities that matter.

    A loop that compilers turn into vector instructions, which a call of exp would prevent: exp(-u) is a tabulated value
    times a short series, to 1e-15, and stays at exp(-40) beyond u = 40.
    """
    for p in range(n):
        c = chord[p]
        square = 1 + c * (1 / 12 + c * (1 / 90 + c * (1 / 560 + c * (1 / 3150 + c * (1 / 16632 + c / 84084)))))
        stretch = 1 + c * (
            1 / 6 + c * (1 / 30 + c * (1 / 140 + c * (1 / 630 + c * (1 / 2772 + c * (1 / 12012 + c / 51480)))))
        )
        inverse = 0.5 / variance[p]
        u = min(c * square * inverse, 40.0)
        step = int(u * _STEPS + 0.5)
        r = step / _STEPS - u
        rest = 1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r / 120))))
        value[p] = stretch * _EXPONENTIALS[step] * rest * inverse / np.pi
