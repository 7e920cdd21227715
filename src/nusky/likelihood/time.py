"""How the flux of sources changes with time: the factor that a pair of an event and a source gets for its time.

    w -> w s(t) |R|,   s(t) = T(t) / integral of T over the good runs R of the season

T is the profile of the source in any unit. For a steady source the factor is 1 (Braun et al., Astropart. Phys. 33
(2010) 175, arXiv:0912.1572).
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.compile import kernel

STEADY, BOX, GAUSSIAN, DECAY, CURVE = range(5)


class Profiles(NamedTuple):
    """Profiles of the sources of a hypothesis; without sources all of them are steady.

    Attributes
    ----------
    kind : (n_sources,) int64, one of STEADY, BOX, GAUSSIAN, DECAY, CURVE
    parameter : (n_sources, 3) float64
        Start and stop; centre and width; start, timescale and power. Times in MJD, widths in days.
    first : (n_sources + 1,) int64
        Where the bins of a light curve begin in
    edge, flux : (n_bins,) float64
        Start of each bin [MJD] and the flux in it; the last bin of a curve only ends it.
    scale : (n_seasons, n_sources) float64, d over the integral of T
        |R| / integral of T over R; 0 where the profile has none.
    support : (n_sources, 2) float64, MJD
        First and last time at which T is not 0 or negligible.
    """

    kind: np.ndarray
    parameter: np.ndarray
    first: np.ndarray
    edge: np.ndarray
    flux: np.ndarray
    scale: np.ndarray
    support: np.ndarray


NO_PROFILES = Profiles(
    np.empty(0, np.int64),
    np.empty((0, 3)),
    np.zeros(1, np.int64),
    np.empty(0),
    np.empty(0),
    np.empty((0, 0)),
    np.empty((0, 2)),
)


@kernel()
def shape(t, j, profiles):
    """T of the source number `j` at the time `t` [MJD]; edges belong to a box, and to the bin that begins there."""
    kind = profiles.kind[j]
    a, b, c = profiles.parameter[j, 0], profiles.parameter[j, 1], profiles.parameter[j, 2]
    if kind == BOX:
        return 1.0 if a <= t <= b else 0.0
    if kind == GAUSSIAN:
        z = (t - a) / b
        return np.exp(-0.5 * z * z)
    if kind == DECAY:
        return (1.0 + (t - a) / b) ** -c if t > a else 0.0
    if kind == CURVE:
        low, high = profiles.first[j], profiles.first[j + 1] - 1
        if t < profiles.edge[low] or t > profiles.edge[high]:
            return 0.0
        while high - low > 1:
            middle = (low + high) // 2
            if profiles.edge[middle] <= t:
                low = middle
            else:
                high = middle
        return profiles.flux[low]
    return 1.0


@kernel()
def multiply(n, first, mjd, event, events, source, profiles, weight):
    """Multiply every `weight` (n_widths, >= n) of the first `n` pairs by s(t) |R|.

    Parameters
    ----------
    first : int
        Number of the block's first event in
    mjd : (n_events,) float64
    event, source : (>= n,) int64
        Numbers of the event in the block and of the source.
    events : (n_block,) EVENT
        The events of the block.
    """
    for p in range(n):
        j = source[p]
        factor = np.float32(profiles.scale[events[event[p]].season, j] * shape(mjd[first + event[p]], j, profiles))
        for m in range(len(weight)):
            weight[m, p] *= factor
