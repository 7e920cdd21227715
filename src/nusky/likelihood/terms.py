"""What one pair of an event and a source contributes to the density ratio S/B, apart from the event's energy.

    S/B of event i = sum over the sources j of w_ij D_j(energy bin of i)

D_j is the source's weight times its energy density. w_ij, the spatial signal density over the background density, is
written here and nowhere else; it serves single sources, stacks and maps.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.likelihood.compile import kernel
from nusky.likelihood.spatial import spherical_gaussian

TAIL = 0.03
"""Pairs whose spatial signal density stays below TAIL times an isotropic sky count as far: they are so many that the
sum of their ratios is much the same in every sky, and its mean stands for it (`nusky.search.far_pairs`). In a stack,
where a source has only a share of the signal, the limit is higher."""
_STEPS = 64.0
_EXPONENTIALS = np.exp(-np.arange(40 * _STEPS + 1) / _STEPS)
_SERIES = 0.3
"""Largest squared chord of the series."""


def reach(variance: ArrayLike, tail: ArrayLike = TAIL) -> NDArray:
    """psi^2/s^2 at which the density of a Gaussian of variance s^2 [rad^2] falls to `tail` times an isotropic sky; 0 if
    it is nowhere above. Arguments are broadcast."""
    return 2 * np.log(np.maximum(1.0, 2 / (np.asarray(variance) * tail)))


@kernel()
def pair_weights(n, chord, variance, event, events, source, sources, tail, weight):
    """w of the first `n` pairs, into `weight`.

    Parameters
    ----------
    chord : (>= n,) float64
        Squared chord between event and source.
    variance : (>= n,) float64, rad^2
        Squared width of the event's core and of the source together; changed where there are tails.
    event, source : (>= n,) int64
        Numbers of the event and of the source of each pair in
    events : (n_events,) EVENT
    sources : (n_sources, 5) float64
        See `nusky.likelihood.ratios.near_ratios`.
    tail : (>= n,) float64
        Room to work in.
    weight : (>= n,) float64, 1 or 1/dex
    """
    _gaussians(n, chord, variance, weight)
    any_tail = False
    for p in range(n):
        any_tail |= events[event[p]].tail_share > 0.0
    if any_tail:
        for p in range(n):
            variance[p] += (events[event[p]].tail_ratio - 1.0) * (variance[p] - sources[source[p], 3])
        _gaussians(n, chord, variance, tail)
        for p in range(n):
            weight[p] += events[event[p]].tail_share * (tail[p] - weight[p])
    for p in range(n):
        weight[p] *= events[event[p]].inverse_background


@kernel()
def _gaussians(n, chord, variance, value):
    """`spherical_gaussian` at squared chords, for the first `n` of them.

    A loop that compilers turn into vector instructions, which a call of exp would prevent: exp(-u) is a tabulated value
    times a short series, to 1e-15, and stays at exp(-40) beyond u = 40. Series of psi^2/c and of psi/sin(psi) in c =
    4 sin^2(psi/2): no inverse sine, no root.
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
    for p in range(n):
        if chord[p] > _SERIES:
            value[p] = spherical_gaussian(2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord[p]))), variance[p])
