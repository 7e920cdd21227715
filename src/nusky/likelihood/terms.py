"""What one pair of an event and a source contributes to the density ratio S/B.

    S/B of event i = sum over the sources j and the widths m of w_ijm D_jm(bin of i)

D_jm is the source's share of the signal times the density of energy and AngErr that belongs to the width m
(`nusky.likelihood.point_spread`). w_ijm, the spatial signal density over the background density, is written here and
nowhere else; it serves single sources, stacks and maps.
"""

import numpy as np

from nusky.likelihood.compile import kernel

_ONE, _HALF, _U_MOST, _LOG2_E = np.float32(1.0), np.float32(0.5), np.float32(80.0), np.float32(np.log2(np.e))
_PER_TURN = np.float32(1 / (2 * np.pi))
_POLYNOMIAL = np.polynomial.Chebyshev.interpolate(lambda f: 2.0**-f, 6, [0.0, 1.0])
"""2^-f for f from 0 to 1, to 1e-8."""
_C0, _C1, _C2, _C3, _C4, _C5, _C6 = _POLYNOMIAL.convert(kind=np.polynomial.Polynomial).coef.astype(np.float32)
_MIDDLES = (np.arange(720) + 0.5) * (2 * np.pi / 720)
_ARCS = np.column_stack((_MIDDLES, np.cos(_MIDDLES), np.sin(_MIDDLES)))
"""Middles of arcs of right ascension, their cosines and sines; `direction` is exact for arcs below 2 deg."""
_ARCS_PER_RAD = len(_ARCS) / (2 * np.pi)

EXTENSION_REACH = 16.0
"""What a source's squared width [rad^2] adds, this many times, to the squared chord up to which an event is near: a
Gaussian falls to exp(-8) there."""
_SERIES = 0.3
"""Largest squared chord of the series."""


@kernel()
def direction(cos_dec, ra):
    """x and y of the unit vector of a declination with `cos_dec` and a right ascension in [0, 2 pi].

    Every separation is made of these, to the last bit: sources, stacks and maps round the same way. The cosine and sine
    follow from those of the middle of the arc that the right ascension lies in.
    """
    arc = min(int(ra * _ARCS_PER_RAD), len(_ARCS) - 1)
    d = ra - _ARCS[arc, 0]
    d2 = d * d
    # Constants to multiply with: a division takes ten times as long.
    sin_d = d * (1 - d2 * (1 / 6) * (1 - d2 * (1 / 20) * (1 - d2 * (1 / 42))))
    cos_d = 1 - d2 * 0.5 * (1 - d2 * (1 / 12) * (1 - d2 * (1 / 30)))
    cos_middle, sin_middle = _ARCS[arc, 1], _ARCS[arc, 2]
    return cos_dec * (cos_middle * cos_d - sin_middle * sin_d), cos_dec * (sin_middle * cos_d + cos_middle * sin_d)


@kernel()
def directions(cos_dec, ra):
    """`direction` of many, (n,) each."""
    x, y = np.empty(len(ra)), np.empty(len(ra))
    for i in range(len(ra)):
        x[i], y[i] = direction(cos_dec[i], ra[i])
    return x, y


@kernel()
def pair_weights(n, chord, extension, event, events, widths, room, exponent, weight):
    """w of the first `n` pairs, into `weight`.

    In single precision: what a pair contributes is known to 1e-6 of itself.

    Parameters
    ----------
    chord : (>= n,) float64
        Squared chord between event and source; changed.
    extension : (>= n,) float64, rad^2
        Squared Gaussian width of the source.
    event : (>= n,) int64
        Number of the event of each pair in
    events : (n_events,) EVENT
    widths : n_widths numbers
        The point spread's, in units of AngErr.
    room : (5, >= n) float32, exponent : (>= n,) int32
        Room to work in.
    weight : (n_widths, >= n) float32, 1 or 1/dex
    """
    half, stretch, variance, added, rest = room[0], room[1], room[2], room[3], room[4]
    power = exponent.view(np.float32)
    # Series of psi^2/c and of psi/sin(psi) in c = 4 sin^2(psi/2): no inverse sine, no root.
    for p in range(n):
        c = chord[p]
        square = 1 + c * (1 / 12 + c * (1 / 90 + c * (1 / 560 + c * (1 / 3150 + c * (1 / 16632 + c * (1 / 84084))))))
        longer = 1 + c * (
            1 / 6 + c * (1 / 30 + c * (1 / 140 + c * (1 / 630 + c * (1 / 2772 + c * (1 / 12012 + c * (1 / 51480))))))
        )
        half[p], stretch[p], added[p] = _HALF * np.float32(c * square), np.float32(longer), np.float32(extension[p])
    for p in range(n):
        if chord[p] > _SERIES:
            psi = 2 * np.arcsin(min(1.0, 0.5 * np.sqrt(chord[p])))
            half[p], stretch[p] = np.float32(0.5 * psi * psi), np.float32(psi / max(np.sin(psi), 1e-8))
    for p in range(n):
        stretch[p] *= events[event[p]].inverse_background * _PER_TURN
        variance[p] = events[event[p]].variance
    for m in range(len(widths)):
        ratio, own = np.float32(widths[m] * widths[m]), weight[m]
        # exp(-u) = 2^-k 2^-f: the first from the bits of the number, the second a polynomial for f in [0, 1]. Loops
        # that compilers turn into vector instructions, which a call of exp would prevent.
        for p in range(n):
            inverse = _ONE / (ratio * variance[p] + added[p])
            t = min(half[p] * inverse, _U_MOST) * _LOG2_E
            k = np.int32(t)
            f = t - np.float32(k)
            exponent[p] = (np.int32(127) - k) << np.int32(23)
            rest[p] = inverse * (_C0 + f * (_C1 + f * (_C2 + f * (_C3 + f * (_C4 + f * (_C5 + f * _C6))))))
        for p in range(n):
            own[p] = stretch[p] * (rest[p] * power[p])
