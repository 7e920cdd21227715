"""The flux of boosted dark matter from the whole sky at one time.

Int dOmega dPhi/(dT dOmega) is done over the azimuth by `ring_density` and over theta adaptively, between the
closed-form edges of the emission. The integrand peaks where the surface of equal arrival time passes the supernova or
the Galactic centre; theta = centre + side width sinh(x) resolves both at any distance.
"""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.azimuth import ring_density
from nusky.bdm.checks import Array, columns, handed_back, not_negative, positive, real, tolerance
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import ConstantCrossSection
from nusky.bdm.differential import arrival_weight, neutrino_energy_at
from nusky.bdm.geometry import Source, angles_of_tangents, centre_distances, isochrone, light_travel, source
from nusky.bdm.halo import BREAKS, N_BREAKS, R_CUT
from nusky.bdm.problem import MAX_KNOTS, Emission, Surroundings, surroundings
from nusky.bdm.quadrature import Integrals, in_blocks, integrate
from nusky.bdm.spectrum import Spectrum
from nusky.bdm.times import slowness_excess, theta_range, travel_time, vanishing_ratio
from nusky.likelihood.compile import kernel

_MAX_BREAKS = 6  # on one side of the closest point; a break beyond that only costs time
_ALL_BREAKS = _MAX_BREAKS + 2 * MAX_KNOTS
_MAX_SEGMENTS = 3 * (_ALL_BREAKS + 1)
_BLOCK = 2000  # points computed together, which bounds the memory
_GOLDEN = 0.3819660112501051
_SCAN = 8  # parts of a segment searched for the crossing of a radius where the density is not smooth


@kernel(inner=True)
def _distances(theta, tau, excess, place):
    l, d, psi = isochrone(theta, tau, excess)
    return centre_distances(l * place.Rs, d * place.Rs, theta, psi, place)


@kernel()
def _closest(low, high, tau, excess, place):
    """theta at which the surface comes closest to the Galactic centre, by golden section."""
    a, b = low, high
    x1, x2 = a + _GOLDEN * (b - a), b - _GOLDEN * (b - a)
    f1, f2 = _distances(x1, tau, excess, place)[0], _distances(x2, tau, excess, place)[0]
    while b - a > 1e-15 * high:
        if f1 < f2:
            b, x2, f2 = x2, x1, f1
            x1 = a + _GOLDEN * (b - a)
            if x1 >= x2:
                break
            f1 = _distances(x1, tau, excess, place)[0]
        else:
            a, x1, f1 = x1, x2, f2
            x2 = b - _GOLDEN * (b - a)
            if x1 >= x2:
                break
            f2 = _distances(x2, tau, excess, place)[0]
    best, distance = 0.5 * (a + b), _distances(0.5 * (a + b), tau, excess, place)[0]
    for edge in (low, high):
        if _distances(edge, tau, excess, place)[0] <= distance:
            best, distance = edge, _distances(edge, tau, excess, place)[0]
    return best, distance


@kernel(inner=True)
def _crossing(a, b, radius, far, tau, excess, place):
    """theta in [a, b] at which the ring's nearest (or farthest) point is at `radius`, by bisection."""
    rising = _distances(b, tau, excess, place)[far] > radius
    for _ in range(60):
        middle = 0.5 * (a + b)
        if (_distances(middle, tau, excess, place)[far] > radius) == rising:
            b = middle
        else:
            a = middle
    return 0.5 * (a + b)


@kernel(inner=True)
def _add_segments(low, high, centre, width, breaks, n_breaks, segments, count):
    """Split [low, high], on one side of `centre`, at the breaks; each row: centre, side * width, x from, x to."""
    side = 1.0 if low >= centre else -1.0
    start = low
    for k in range(n_breaks + 1):
        end = high if k == n_breaks else breaks[k]
        if not (start < end <= high):
            continue
        segments[count, 0], segments[count, 1] = centre, side * width
        segments[count, 2] = side * math.asinh((start - centre) / width)
        segments[count, 3] = side * math.asinh((end - centre) / width)
        count += 1
        start = end
    return count


@kernel(inner=True)
def _at_deflection(psi, tau, excess):
    """The two angles theta under which deflection psi is seen at tau, or NaN."""
    half = math.tan(psi / 2)
    return angles_of_tangents(2 + excess + tau, 2 * half - excess * (1 - half * half) / half, tau - excess)


@kernel()
def _plan(tau, excess, low, high, knots, place, halo, segments):
    """Segments of one integral over theta; returns how many. `knots` are deflections where emission is not smooth."""
    pole, nearest = _closest(low, high, tau, excess, place)
    scale = high * (1 - tau / excess) if tau < excess else low
    edge = _distances(low, tau, excess, place)[0]
    scale = max(min(scale, max(edge, halo[R_CUT]) / place.Re), 1e-13 * high)
    sides = np.empty((3, 4))
    n_sides = 0
    if pole - low <= 1e-9 * high:
        sides[0] = low, high, low if tau < excess else 0.0, scale
        n_sides = 1
    else:
        middle = 0.5 * (low + pole)
        width = max(nearest, halo[R_CUT], 1e-13 * place.Re) / place.Re
        sides[0] = low, middle, 0.0, scale
        sides[1] = middle, pole, pole, width
        sides[2] = pole, high, pole, width
        n_sides = 3 if high - pole > 1e-12 * high else 2
    count = 0
    breaks = np.empty(_ALL_BREAKS)
    for k in range(n_sides):
        start, end = sides[k, 0], sides[k, 1]
        n_breaks = 0
        for j in range(knots.size):
            if knots[j] > 0:
                for theta in _at_deflection(knots[j], tau, excess):
                    if start < theta < end:
                        breaks[n_breaks] = theta
                        n_breaks += 1
        for b in range(BREAKS, BREAKS + N_BREAKS):
            if halo[b] <= 0 or (nearest > halo[b]):
                continue
            for far in range(2):
                before = start
                value = _distances(before, tau, excess, place)[far] - halo[b]
                for j in range(1, _SCAN + 1):
                    after = start + (end - start) * j / _SCAN
                    next_ = _distances(after, tau, excess, place)[far] - halo[b]
                    if value * next_ < 0 and n_breaks < _ALL_BREAKS:
                        breaks[n_breaks] = _crossing(before, after, halo[b], far, tau, excess, place)
                        n_breaks += 1
                    before, value = after, next_
        ordered = np.sort(breaks[:n_breaks])
        count = _add_segments(start, end, sides[k, 2], sides[k, 3], ordered, n_breaks, segments, count)
    return count


@kernel()
def _plans(tau, excess, low, high, knots, place, halo, segments, counts):
    for i in range(tau.size):
        counts[i] = _plan(tau[i], excess[i], low[i], high[i], knots[i], place, halo, segments[i])


@kernel()
def _nodes(segments, owner, x, tau, excess, Tx, mx, place, halo, d_cut, psi_out, energy, geometry):
    """Deflection, neutrino energy and geometric weight (cm^-3 kpc^-2, the azimuth and the change of variable in it)."""
    for i in range(x.shape[0]):
        centre, width, start, end = segments[i]
        k = owner[i]
        for j in range(x.shape[1]):
            # The cubic flattens the square roots at the ends, where the ring enters a shell.
            u = x[i, j]
            argument = start + (end - start) * u * u * (3 - 2 * u)
            slope = (end - start) * 6 * u * (1 - u)
            theta = centre + width * math.sinh(argument)
            energy[i, j], geometry[i, j], psi_out[i, j] = math.inf, 0.0, 0.0
            if not 0 < theta < math.pi / 2:
                continue
            l, d, psi = isochrone(theta, tau[k], excess[k])
            Ev = neutrino_energy_at(Tx[k], mx[k], psi)
            d *= place.Rs
            if Ev == math.inf or d <= d_cut:
                continue
            r_min, r_max = centre_distances(l * place.Rs, d, theta, psi, place)
            ring = ring_density(r_min, r_max, mx[k], halo)
            jacobian = width * math.cosh(argument) * slope
            psi_out[i, j], energy[i, j] = psi, Ev
            geometry[i, j] = ring * arrival_weight(psi, excess[k]) * math.sin(theta) / (d * d) * jacobian


def integrated_flux(
    t: ArrayLike,
    Tx: ArrayLike,
    mx: ArrayLike,
    place: Source,
    around: Surroundings,
    emission: Emission,
    rtol: float,
    burst: float = 0.0,
) -> tuple[tuple[int, ...], Integrals]:
    """`flux` for any emission: the shape of the broadcast (t, Tx, mx) and the integrals in flat order.

    Averaged over emission times from 0 to `burst` seconds if that is not 0.
    """
    rtol, burst = tolerance(rtol), not_negative("burst", burst, "s").item()
    t, Tx, mx = real("t", t, "s"), not_negative("Tx", Tx, "MeV"), positive("mx", mx, "MeV")
    shape, vectors = columns(t, Tx, mx)

    def some(block: slice) -> Integrals:
        points = (vector[block] for vector in vectors)
        if burst == 0:
            return _block(*points, place, around, emission, rtol)
        return _burst(*points, place, around, emission, rtol, burst)

    # With a burst each point takes some thirty fluxes at a time.
    return shape, in_blocks(some, vectors[0].size, _BLOCK if burst == 0 else _BLOCK // 10)


def _knots(Tx: Array, mx: Array, emission: Emission) -> Array:
    """Deflections (n, MAX_KNOTS) at which emission has narrow structures; 0 for none."""
    angles = np.zeros((Tx.size, MAX_KNOTS))
    masses, whose = np.unique(mx, return_inverse=True)
    for k, mass in enumerate(masses.tolist()):
        rows = np.flatnonzero(whose == k)
        energies = emission.knots(Tx[rows].min().item(), mass)
        if energies.size:
            T, m = Tx[rows][:, None], mass
            p = np.sqrt(T * (T + 2 * m))
            half2 = (2 / (p + T) - 1 / energies) * T * m / (2 * p)
            angles[rows, : energies.size] = 2 * np.arcsin(np.sqrt(np.clip(half2, 0, 1)))
    return angles


def _block(
    t: Array, Tx: Array, mx: Array, place: Source, around: Surroundings, emission: Emission, rtol: float
) -> Integrals:
    value, error = np.zeros(t.size), np.zeros(t.size)
    tau = light_travel(t, place.Rs)
    with np.errstate(invalid="ignore"):
        low, high = theta_range(tau, Tx, mx)
    shining = np.flatnonzero((t > 0) & (Tx > 0) & np.isfinite(t) & (high > low) & (high > 0))
    if shining.size == 0:
        return Integrals(value, error)
    tau, Tx, mx, low, high = tau[shining], Tx[shining], mx[shining], low[shining], high[shining]
    excess = slowness_excess(Tx, mx)
    plans, counts = np.empty((tau.size, _MAX_SEGMENTS, 4)), np.empty(tau.size, dtype=np.int64)
    _plans(tau, excess, low, high, _knots(Tx, mx, emission), place, around.halo, plans, counts)
    segments = plans[np.arange(_MAX_SEGMENTS) < counts[:, None]]
    owner = np.repeat(np.arange(tau.size), counts)

    def integrand(segment: np.ndarray, x: Array) -> Array:
        psi, energy, geometry = (np.empty(x.shape) for _ in range(3))
        whose = owner[segment]
        _nodes(
            segments[segment], whose, x, tau, excess, Tx, mx, place, around.halo, around.d_cut, psi, energy, geometry
        )
        seen = geometry > 0
        whose = np.broadcast_to(whose[:, None], x.shape)[seen]
        geometry[seen] *= emission(Tx[whose], mx[whose], psi[seen], energy[seen])
        return geometry

    result = integrate(integrand, owner, tau.size, rtol)
    scale = constant.c / constant.kpc2cm**2
    value[shining], error[shining] = result.value * scale, result.error * scale
    return Integrals(value, error)


def _burst(
    t: Array, Tx: Array, mx: Array, place: Source, around: Surroundings, emission: Emission, rtol: float, burst: float
) -> Integrals:
    first, last = np.maximum(t - burst, 0), np.maximum(t, 0)
    # The light curve has a corner or a peak where dark matter boosted at the supernova arrives.
    peak = np.clip(slowness_excess(Tx, mx) * travel_time(place.Rs), first, last)
    end = np.clip(vanishing_ratio(Tx, mx) * travel_time(place.Rs), first, last)
    low, high = np.concatenate([first, peak]), np.concatenate([peak, np.maximum(end, peak)])
    owner = np.flatnonzero(high > low)
    low, high = low[owner], high[owner]
    point = owner % t.size

    def integrand(segment: np.ndarray, x: Array) -> tuple[Array, Array]:
        length = (high - low)[segment][:, None]
        when = low[segment][:, None] + length * x * x * (3 - 2 * x)
        slope = length * 6 * x * (1 - x) / burst
        which = point[segment][:, None]
        _, flux_ = integrated_flux(when, Tx[which], mx[which], place, around, emission, 0.1 * rtol)
        return flux_.value.reshape(x.shape) * slope, flux_.error.reshape(x.shape) * slope

    if owner.size == 0:
        return Integrals(np.zeros(t.size), np.zeros(t.size))
    return integrate(integrand, point, t.size, rtol)


def warn_of_error(result: Integrals, rtol: float, what: str) -> None:
    """A RuntimeWarning with the accuracy that was reached, where that is not the one asked for."""
    missed = ~(result.error <= rtol * (1 + 1e-6) * np.abs(result.value))
    if missed.any():
        size = np.abs(result.value[missed])
        worst = np.max(result.error[missed] / np.where(size > 0, size, 1e-300))
        count = "" if result.value.size == 1 else f" for {np.count_nonzero(missed)} of {result.value.size} values"
        warnings.warn(
            f"{what}: the relative accuracy rtol = {rtol:g} is not reached{count}; the largest relative error is about "
            f"{worst:.2g}. full_output=True gives every error.",
            RuntimeWarning,
            stacklevel=4,
        )


def reported(shape: tuple[int, ...], result: Integrals, full_output: bool, rtol: float, what: str) -> Any:
    """The value, or the pair of value and error estimate; warns where the error is larger than asked for."""
    warn_of_error(result, rtol, what)
    value = handed_back(result.value, shape)
    return (value, handed_back(result.error, shape)) if full_output else value


def flux(
    t: ArrayLike,
    Tx: ArrayLike,
    mx: ArrayLike,
    Rs: float,
    beta: float,
    Re: float = 8.5,
    sigxv0: float = 1e-45,
    is_spike: bool = False,
    *,
    rtol: float = 1e-8,
    burst: float = 0.0,
    full_output: bool = False,
    profile: str = "nfw",
    spectrum: Spectrum | None = None,
    conventions: Conventions = STANDARD,
    **kwargs: Any,
) -> Any:
    """Flux from the whole sky per kinetic energy, MeV^-1 cm^-2 s^-1; t, Tx and mx broadcast.

    Arguments as `differential_flux`; rtol is the relative accuracy, and `full_output` returns (value, error estimate).
    0 for t <= 0 and after the vanishing time. `nitn` and `neval` are accepted and ignored.

    The neutrinos leave in an instant; `burst` (s) spreads them evenly over that time, the flux at t being the mean of
    the instant's flux over [t - burst, t]. This matters where t is not much longer than the burst, or within it of
    the peak; the shape of the real luminosity curve and the change of the spectrum in time are neglected.
    """
    place = source(Rs, Re, beta)
    around = surroundings(is_spike, profile, spectrum, kwargs)
    emission = Emission(ConstantCrossSection(sigxv0), around.spectrum, conventions)
    return reported(*integrated_flux(t, Tx, mx, place, around, emission, rtol, burst), full_output, rtol, "flux")
