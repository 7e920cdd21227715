"""The halo's number density integrated over a ring about the line of sight to the supernova.

A ring's distances r from the Galactic centre obey r^2 = r_min^2 cos^2(z) + r_max^2 sin^2(z) with z half the azimuth,
counted from the side of the centre, so that Int_0^{2 pi} n dphi = 4 Int_0^{pi/2} n(r(z)) dz.
"""

import math

import numpy as np

from nusky.bdm.halo import BREAKS, N_BREAKS, R_CUT, number_density
from nusky.likelihood.compile import kernel

_DIGITS = 25.0  # natural logarithm of the wanted relative accuracy, about 1e-11
_SMALLEST_SMOOTH = 0.02  # ratio r_min/r_max below which one rule over the whole ring does not pay
_STEP = 1.5  # length of a panel in the logarithmic variable
_SIZES = np.array([4, 6, 8, 12, 16, 24, 32, 48])
_COSINE2 = np.zeros((_SIZES.size, _SIZES[-1] + 1))
for _row, _size in enumerate(_SIZES):
    _COSINE2[_row, : _size + 1] = np.cos(np.pi / 2 * np.arange(_size + 1) / _size) ** 2
_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(10)


@kernel(inner=True)
def ring_distances(distance, angle, centre_distance, centre_angle):
    """(r_min, r_max) in kpc between a ring and the Galactic centre.

    The ring lies at `distance` and `angle` from one end of the axis Earth-supernova, the centre at `centre_distance`
    and `centre_angle` from the same end; sums of squares only, so nothing cancels.
    """
    radial = distance - centre_distance
    product = 4 * distance * centre_distance
    near, far = math.sin((angle - centre_angle) / 2), math.sin((angle + centre_angle) / 2)
    return math.sqrt(radial * radial + product * near * near), math.sqrt(radial * radial + product * far * far)


@kernel()
def ring_density(r_min, r_max, mx, halo):
    """Integral of n(r) over the azimuth, cm^-3 rad; n counts as 0 within r_cut. Relative accuracy about 1e-10."""
    if r_max <= halo[R_CUT]:
        return 0.0
    ratio = r_min / r_max
    smooth = ratio > _SMALLEST_SMOOTH
    for k in range(BREAKS, BREAKS + N_BREAKS):
        if r_min < halo[k] < r_max:
            smooth = False
    if smooth:
        return _whole_ring(r_min, r_max, ratio, mx, halo)
    total, low = 0.0, max(r_min, halo[R_CUT])
    for k in range(N_BREAKS + 1):
        high = r_max if k == N_BREAKS else min(max(halo[BREAKS + k], low), r_max)
        if high > low:
            total += _arc(low, high, r_min, r_max, mx, halo)
            low = high
    return total


@kernel(inner=True)
def _whole_ring(r_min, r_max, ratio, mx, halo):
    """Trapezoidal rule in w, tan(z) = sqrt(ratio) tan(w): the integrand is periodic and analytic for |Im w| < width."""
    width = 0.5 * math.log((1 + math.sqrt(ratio)) / max(1 - math.sqrt(ratio), 1e-9))
    row = 0
    while row < _SIZES.size - 1 and _SIZES[row] < _DIGITS / (4 * width):
        row += 1
    size = _SIZES[row]
    total = 0.0
    for j in range(size + 1):
        c2 = _COSINE2[row, j]
        s2 = 1 - c2
        norm = c2 + ratio * s2
        r = math.sqrt(r_min * (r_min * c2 + r_max * s2) / norm)
        weight = 0.5 if j == 0 or j == size else 1.0
        total += weight * number_density(r, mx, halo) / norm
    return 4 * total * math.sqrt(ratio) * math.pi / (2 * size)


@kernel(inner=True)
def _arc(low, high, r_min, r_max, mx, halo):
    """The ring between two radii: Gauss rules in q, tan(z) = (r_min/r_max) sinh(q), up to 45 degrees, then in z."""
    ratio = max(r_min / r_max, 1e-18)
    tangent_low = math.sqrt(max(low * low - r_min * r_min, 0.0) / max(r_max * r_max - low * low, 1e-300))
    rest = r_max * r_max - high * high
    tangent_high = math.sqrt(max(high * high - r_min * r_min, 0.0) / rest) if rest > 0 else math.inf
    total = 0.0
    if tangent_low < 1:
        q_low, q_high = math.asinh(tangent_low / ratio), math.asinh(min(tangent_high, 1.0) / ratio)
        panels = max(1, math.ceil((q_high - q_low) / _STEP))
        half = (q_high - q_low) / (2 * panels)
        for panel in range(panels):
            middle = q_low + (2 * panel + 1) * half
            for j in range(_GAUSS_NODES.size):
                q = middle + half * _GAUSS_NODES[j]
                tangent = ratio * math.sinh(q)
                cosine2 = 1 / (1 + tangent * tangent)
                r = math.sqrt(cosine2 * (r_min * r_min + r_max * r_max * tangent * tangent))
                total += half * _GAUSS_WEIGHTS[j] * cosine2 * ratio * math.cosh(q) * number_density(r, mx, halo)
    if tangent_high > 1:
        z_low, z_high = math.atan(max(tangent_low, 1.0)), math.atan(tangent_high)
        half = (z_high - z_low) / 2
        for j in range(_GAUSS_NODES.size):
            sine = math.sin(z_low + half * (1 + _GAUSS_NODES[j]))
            r = math.sqrt(r_min * r_min + (r_max * r_max - r_min * r_min) * sine * sine)
            total += half * _GAUSS_WEIGHTS[j] * number_density(r, mx, halo)
    return 4 * total
