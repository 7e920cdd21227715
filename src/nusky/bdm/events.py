"""Dark matter scattering in a detector, integrated over time and kinetic energy.

Swapping the order of integration turns time and directions into space, Int dt dOmega Phi = Int dV/l^2 (emission), and
in the variables psi (deflection), theta and phi (seen from Earth) the volume element is regular everywhere, dV/(l^2
d^2) = dpsi dtheta dphi / R_s. Scattering and spectrum depend on (T, psi) only, the halo on (psi, theta, phi) only,
and a point contributes the energies whose arrival lies in the time range, an interval of T in closed form:

N = 1/R_s Int dpsi Int dtheta [Int dphi n] [C(psi, T_b) - C(psi, T_a)],   C(psi, T) = Int^T dT' sigma S fluence/(4 pi).

Points of equal psi lie on a circle through Earth and supernova, on which theta counts the arc. All edges (time range,
energies, shells of the halo) are known on it in closed form.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.azimuth import ring_density
from nusky.bdm.checks import Array, columns, interval, not_negative, positive, tolerance
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import ConstantCrossSection, neutrino_energy
from nusky.bdm.flux import reported
from nusky.bdm.geometry import Source, angles_of_tangents, centre_distances, light_travel, source
from nusky.bdm.halo import BREAKS, N_BREAKS, R_CUT
from nusky.bdm.kinematics import get_psiMax
from nusky.bdm.problem import MAX_KNOTS, Emission, surroundings, with_noise
from nusky.bdm.quadrature import (
    KRONROD,
    NODES,
    ORDER,
    TO_INTEGRAL,
    TO_LEGENDRE,
    Integrals,
    Interpolant,
    integrate,
    joined,
    legendre_sum,
    panel_sums,
)
from nusky.bdm.spectrum import Spectrum
from nusky.bdm.targets import IsotropicTarget, Problem, rate_cross_section
from nusky.bdm.times import slowness_excess, vanishing_ratio
from nusky.likelihood.compile import kernel

_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(8)
_MAX_PLACES = 2 * MAX_KNOTS  # of the emission, and of the cross section with the target
_MAX_BREAKS = 4 * (2 + _MAX_PLACES) + 4 * N_BREAKS + 4
_MAX_PANELS = 400
_FIRST_ENERGY_PANELS = 4
_MAX_ENERGY_PANELS = 512


@kernel(inner=True)
def _circle(psi, side, place):
    """The circle of deflection psi and the Galactic centre (side 1) or its mirror image (side -1).

    Returns (distance of the centre from the circle, factor, theta of the closest point): the distance to the point at
    theta is hypot(first, factor sin(theta - closest)).
    """
    sine, cosine = math.sin(psi), math.cos(psi)
    x = place.Re * math.cos(place.beta) - place.Rs / 2
    y = side * place.Re * math.sin(place.beta)
    across = y * sine + place.Rs / 2 * cosine
    reach = math.hypot(x * sine, across)
    # Power of the centre with respect to the circle, times sin(psi), without cancellation.
    cross = place.Rs * math.sin(place.beta) * cosine * side
    offset = place.Re * (place.Re - place.Rs + 2 * place.Rs * math.sin(place.beta / 2) ** 2) * sine + place.Re * cross
    closest = 0.5 * (math.atan2(-x * sine, across) + psi)
    factor = 2 * math.sqrt(place.Rs / 2 * reach) / sine
    return abs(offset) / (place.Rs / 2 + reach), factor, closest


@kernel(inner=True)
def _interval_integral(low, high, coefficients, cumulative, totals, edges):
    """Integral of the tabulated density between two values of y in [0, 1], exact for the interpolant."""
    panels = edges.size - 1
    first = 0
    while first < panels - 1 and edges[first + 1] <= low:
        first += 1
    last = first
    while last < panels - 1 and edges[last + 1] < high:
        last += 1
    if first == last:
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        centre, width = 0.5 * (edges[first] + edges[first + 1]), 0.5 * (edges[first + 1] - edges[first])
        total = 0.0
        for j in range(_GAUSS_NODES.size):
            x = (middle + half * _GAUSS_NODES[j] - centre) / width
            total += _GAUSS_WEIGHTS[j] * legendre_sum(coefficients[first], x)
        return half * total
    centre, width = 0.5 * (edges[first] + edges[first + 1]), 0.5 * (edges[first + 1] - edges[first])
    total = totals[first] - width * legendre_sum(cumulative[first], (low - centre) / width)
    for panel in range(first + 1, last):
        total += totals[panel]
    centre, width = 0.5 * (edges[last] + edges[last + 1]), 0.5 * (edges[last + 1] - edges[last])
    return total + width * legendre_sum(cumulative[last], (high - centre) / width)


@kernel(inner=True)
def _kinetic(excess, mx):
    """Kinetic energy in MeV of speed v, 1/v - 1 = excess > 0."""
    p2 = mx * mx / (excess * (2 + excess))
    return p2 / (math.sqrt(p2 + mx * mx) + mx)


@kernel(inner=True)
def _ordinate(T, energies):
    """y in [0, 1] of an energy: equal steps from one of the `energies` to the next, logarithmic in between."""
    pieces = energies.size - 1
    for j in range(pieces):
        if energies[j + 1] > T:
            if energies[j] >= T:
                return j / pieces
            return (j + math.log(T / energies[j]) / math.log(energies[j + 1] / energies[j])) / pieces
    return 1.0


@kernel(inner=True)
def _on_arc(theta, alpha, psi, table, mx, times, place, halo):
    """The integrand over theta: ring density times the energies that arrive in time; alpha = psi - theta."""
    energies, edges, coefficients, cumulative, totals = table
    # d + l - R_s and l, in units of R_s
    detour = 2 * math.sin(theta / 2) * math.sin(alpha / 2) / math.cos(psi / 2)
    l = math.sin(alpha) / math.sin(psi)
    if l <= 0:
        return 0.0
    slowest, fastest = (times[1] - detour) / l, (times[0] - detour) / l
    if slowest <= 0:
        return 0.0
    low, high = 0.0, 1.0
    if slowest < math.inf:
        low = _ordinate(_kinetic(slowest, mx), energies)
    if fastest > 0:
        high = _ordinate(_kinetic(fastest, mx), energies)
    if not low < high:
        return 0.0
    d = math.sin(theta) / math.sin(psi)
    r_min, r_max = centre_distances(l * place.Rs, d * place.Rs, theta, psi, place)
    return ring_density(r_min, r_max, mx, halo) * _interval_integral(low, high, coefficients, cumulative, totals, edges)


@kernel(inner=True)
def _breaks(psi, from_earth, energies, mx, times, low, high, place, halo, found):
    """Ends of smooth pieces in (low, high) of theta, or of alpha if `from_earth`, unsorted; returns how many."""
    count = 0
    half = math.tan(psi / 2)
    for k in range(energies.size):
        p = math.sqrt(energies[k] * (energies[k] + 2 * mx))
        excess = mx * mx / (p * (p + energies[k] + mx))
        for j in range(2):
            if times[j] == math.inf:
                continue
            # Arrival of this energy at this time, theta or alpha.
            if from_earth:
                a, b, c = 2 + times[j], 2 * half + excess * (1 + half * half) / half, times[j]
            else:
                a, b, c = 2 + excess + times[j], 2 * half - excess * (1 - half * half) / half, times[j] - excess
            found[count], found[count + 1] = angles_of_tangents(a, b, c)
            count += 2
    for side in (1.0, -1.0):
        distance, factor, middle = _circle(psi, side, place)
        if from_earth:
            middle = psi - middle
        for b in range(BREAKS, BREAKS + N_BREAKS):
            if distance < halo[b] < factor + distance:
                angle = math.asin(min(math.sqrt(halo[b] * halo[b] - distance * distance) / factor, 1.0))
                found[count], found[count + 1] = middle - angle, middle + angle
                count += 2
    inside = 0
    for k in range(count):
        if low < found[k] < high:
            found[inside] = found[k]
            inside += 1
    return inside


@kernel()
def _panel(piece, s_low, s_high, psi, table, mx, times, place, halo):
    """Gauss-Kronrod value and error of the panel [s_low, s_high] of a piece.

    A piece is (pole, width, x from, x to, from Earth): pole + width sinh(x) is theta, or alpha if reckoned from Earth.
    """
    pole, width, start, end, from_earth = piece
    half, middle = 0.5 * (s_high - s_low), 0.5 * (s_high + s_low)
    values = np.empty(ORDER)
    for j in range(ORDER):
        u = middle + half * NODES[j]
        # The cubic flattens the square roots at the ends, where a ring enters a shell.
        x = start + (end - start) * u * u * (3 - 2 * u)
        slope = (end - start) * 6 * u * (1 - u) * width * math.cosh(x)
        angle = pole + width * math.sinh(x)
        values[j] = 0.0
        if 0 < angle < psi:
            theta, alpha = (psi - angle, angle) if from_earth > 0 else (angle, psi - angle)
            values[j] = _on_arc(theta, alpha, psi, table, mx, times, place, halo) * slope
    kronrod, error, _ = panel_sums(values)
    return half * kronrod, half * error


@kernel()
def _pieces(psi, energies, mx, times, place, halo, d_cut, pieces):
    """Cut the arc into smooth pieces, reckoned from the Galactic centre's closest point and, near Earth, from Earth."""
    low = math.asin(min(d_cut / place.Rs * math.sin(psi), 1.0))
    distance, factor, closest = _circle(psi, 1.0, place)
    pole = min(max(closest, low), psi)
    width = max(distance, halo[R_CUT], 1e-13 * factor) / factor + abs(closest - pole)
    middle = 0.5 * (pole + psi) if pole < psi else 0.5 * (low + psi)
    ends = np.empty(_MAX_BREAKS)
    count = 0
    for from_earth in (False, True):
        if from_earth:
            first, last = 0.0, psi - middle
        else:
            first, last = low, middle
        n_ends = _breaks(psi, from_earth, energies, mx, times, first, last, place, halo, ends)
        if from_earth:
            pole, width = 0.0, last
            for k in range(n_ends):
                width = min(width, ends[k])
        ends[n_ends], ends[n_ends + 1], ends[n_ends + 2] = first, last, min(max(pole, first), last)
        ordered = np.sort(ends[: n_ends + 3])
        for k in range(ordered.size - 1):
            if ordered[k] < ordered[k + 1]:
                pieces[count, 0], pieces[count, 1], pieces[count, 4] = pole, width, 1.0 if from_earth else 0.0
                pieces[count, 2] = math.asinh((ordered[k] - pole) / width)
                pieces[count, 3] = math.asinh((ordered[k + 1] - pole) / width)
                count += 1
    return count


@kernel()
def _arc(psi, table, mx, times, place, halo, d_cut, rtol):
    """Integral over theta at one deflection, and its error estimate."""
    pieces = np.empty((2 * _MAX_BREAKS, 5))
    count = _pieces(psi, table[0], mx, times, place, halo, d_cut, pieces)
    whose = np.empty(_MAX_PANELS, dtype=np.int64)
    a, b, value, error = np.empty(_MAX_PANELS), np.empty(_MAX_PANELS), np.empty(_MAX_PANELS), np.empty(_MAX_PANELS)
    total, uncertain = 0.0, 0.0
    for k in range(count):
        whose[k], a[k], b[k] = k, 0.0, 1.0
        value[k], error[k] = _panel(pieces[k], 0.0, 1.0, psi, table, mx, times, place, halo)
        total += value[k]
        uncertain += error[k]
    panels = count
    while uncertain > rtol * abs(total) and panels < _MAX_PANELS:
        worst = np.argmax(error[:panels])
        whose[panels], a[panels], b[panels] = whose[worst], 0.5 * (a[worst] + b[worst]), b[worst]
        b[worst] = a[panels]
        total -= value[worst]
        uncertain -= error[worst]
        for i in (worst, panels):
            value[i], error[i] = _panel(pieces[whose[i]], a[i], b[i], psi, table, mx, times, place, halo)
            total += value[i]
            uncertain += error[i]
        panels += 1
    return np.sum(value[:panels]), np.sum(error[:panels])


@kernel()
def _arcs(psi, energies, edges, coefficients, cumulative, totals, mx, times, place, halo, d_cut, rtol, value, error):
    for i in range(psi.size):
        table = (energies[i], edges, coefficients[i], cumulative[i], totals[i])
        value[i], error[i] = _arc(psi[i], table, mx, times, place, halo, d_cut, rtol)


class _EnergyTable:
    """sigma(T) S fluence/(4 pi) against y of `_ordinate`, for given deflections, on panels halved until it is smooth.

    `knots` are the energies of neutrinos, and `places` those of dark matter, at which it has narrow structures.
    """

    def __init__(
        self,
        mx: float,
        low: float,
        high: float,
        sigma: Interpolant,
        emission: Emission,
        rtol: float,
        knots: Array,
        places: Array,
    ) -> None:
        self._mx, self._low, self._high = mx, low, high
        self._sigma, self._emission, self._rtol = sigma, emission, rtol
        self._knots, self._places = knots, places
        self._pieces = 1 + knots.size + places.size
        self.edges = np.linspace(0, 1, _FIRST_ENERGY_PANELS * self._pieces + 1)

    def energies(self, psi: Array) -> Array:
        """For psi (m,): lowest energy, places of narrow structures, highest; (m, pieces + 1), ascending."""
        # Beyond 2 m cot^2(psi) this deflection is impossible.
        highest = np.minimum(self._high, 2 * self._mx / np.tan(psi) ** 2)
        highest = np.maximum(highest, self._low * (1 + 1e-15))[:, None]
        inside = [
            recoil_of(self._knots, self._mx, psi[:, None]),
            np.broadcast_to(self._places, (psi.size, self._places.size)),
        ]
        inside = np.sort(np.clip(np.concatenate(inside, axis=1), self._low, highest), axis=1)
        return np.concatenate([np.full((psi.size, 1), self._low), inside, highest], axis=1)

    def __call__(self, psi: Array) -> tuple[Array, Array, Array, Array]:
        """For psi (m,): energies, Legendre coefficients of the density and of its integral, relative error."""
        limits = self.energies(psi)
        span = np.log(limits[:, 1:] / limits[:, :-1])
        while True:
            middle, half = (self.edges[1:] + self.edges[:-1]) / 2, np.diff(self.edges) / 2
            piece = np.minimum((middle * self._pieces).astype(int), self._pieces - 1)
            y = (middle[:, None] + half[:, None] * NODES) * self._pieces - piece[:, None]
            Tx = limits[:, piece, None] * np.exp(span[:, piece, None] * y)
            angles = np.broadcast_to(psi[:, None, None], Tx.shape)
            masses = np.broadcast_to(self._mx, Tx.shape)
            Ev = neutrino_energy(Tx, masses, angles)
            density = (
                self._emission(Tx, masses, angles, Ev) * self._sigma(Tx) * Tx * span[:, piece, None] * self._pieces
            )
            coefficients = density @ TO_LEGENDRE.T
            tail = np.abs(coefficients[..., -3:]).max(axis=2) * half
            total = (density @ KRONROD) @ half
            missing = tail / np.maximum(total, 1e-300)[:, None]
            missing[total < 1e-12 * total.max()] = 0.0
            rough = (missing > self._rtol).any(axis=0) & (half > 1e-13)
            if not rough.any() or self.edges.size > _MAX_ENERGY_PANELS:
                break
            self.edges = np.sort(np.concatenate([self.edges, middle[rough]]))
        own = ((density * self._sigma.relative_error(Tx)) @ KRONROD) @ half / np.maximum(total, 1e-300)
        return limits, coefficients, density @ TO_INTEGRAL.T, missing.sum(axis=1) + own


def recoil_of(Ev: Array, mx: float, psi: Array) -> Array:
    """Kinetic energy, MeV, of dark matter that a neutrino of energy Ev sends off at psi."""
    along = (Ev * np.cos(psi)) ** 2
    return 2 * mx * along / (mx * (mx + 2 * Ev) + (Ev * np.sin(psi)) ** 2)


def _last_arrivals(mx: float, Ev: float, times: Array, first: float, last: float) -> list[float]:
    """Deflections at which dark matter boosted by neutrinos of energy Ev arrives at one of the times at the latest."""

    def late(psi: Array, tau: float) -> Array:
        slow = slowness_excess(recoil_of(np.float64(Ev), mx, psi), mx)
        square = tau * (2 + tau)
        return np.tan(psi / 2) * (2 + slow) - np.sqrt(np.maximum(square - slow * (2 + slow), 0)) - math.sqrt(square)

    found, grid = [], np.linspace(first, last, 201)[1:-1]
    for tau in times[np.isfinite(times) & (times > 0)]:
        sign = np.sign(late(grid, tau))
        for k in np.flatnonzero(sign[1:] * sign[:-1] < 0):
            a, b = grid[k], grid[k + 1]
            for _ in range(50):
                middle = 0.5 * (a + b)
                a, b = (middle, b) if np.sign(late(middle, tau)) == sign[k] else (a, middle)
            found.append(0.5 * (a + b))
    return found


def _deflections(
    mx: float, energies: Array, times: Array, place: Source, halo: Array, knots: Array
) -> tuple[Array, Array]:
    """Ends of smooth pieces in psi, and (pole, width) of psi = pole + width sinh(x)."""
    excess = slowness_excess(energies, mx)
    tau, slow = (np.ravel(a) for a in np.meshgrid(times[np.isfinite(times)], excess))
    late = tau > slow
    tau, slow = tau[late], slow[late]
    # The deflection at which a ray of this energy arrives at this time at the latest.
    root = np.sqrt(np.maximum(tau * (2 + tau) - slow * (2 + slow), 0)) + np.sqrt(tau * (2 + tau))
    last = get_psiMax(energies[0], mx)
    across = place.Rs * math.sin(place.beta)
    along = place.Re - place.Rs + 2 * place.Rs * math.sin(place.beta / 2) ** 2
    centre = math.pi - math.atan2(across, along) if place.centre_distance > 0 else 0.0
    pole = min(centre, last)
    if place.centre_distance > 0:
        width = max(halo[R_CUT], 1e-13) * place.Rs / (place.Re * place.centre_distance) + (centre - pole)
    else:
        width = last
    ends = [0.0, *(2 * np.arctan(root / (2 + slow))), *np.ravel(get_psiMax(energies[1:], mx)), pole, last]
    for Ev in knots:
        # cos^2(psi) at which that neutrino gives one of the energies
        square = energies * (mx + Ev) ** 2 / (Ev**2 * (2 * mx + energies))
        ends += [*np.arccos(np.sqrt(square[square < 1])), *_last_arrivals(mx, Ev, times, 0.0, last)]
    ends = np.array(ends)
    ends = np.unique(ends[(ends >= 0) & (ends <= last)])
    return ends, np.array([pole, min(width, last)])


def counted(
    mx: float, problem: Problem, t_range: tuple[float, float], sigma: Interpolant | None, rtol: float
) -> Integrals:
    """Events per target for one mass, with a tabulated cross section in cm^2; value and error of shape (1,)."""
    if sigma is None:
        return Integrals(np.zeros(1), np.zeros(1))
    ranges = sigma.smooth_ranges()
    knots = problem.emission.knots(ranges[0][0], mx) if ranges else np.empty(0)
    parts = [_counted_smooth(mx, problem, r, t_range, sigma, rtol, knots) for r in ranges]
    value, error = sum(p.value[0] for p in parts), sum(p.error[0] for p in parts)
    return Integrals(np.array([value]), np.array([error + sigma.lost() * value]))


def counted_masses(
    mx: ArrayLike,
    problem: Problem,
    Tx_range: Any,
    t_range: Any,
    cross_section: Callable[..., Interpolant | None],
    recoil: float,
    rtol: float,
) -> tuple[tuple[int, ...], Integrals]:
    """Events per target with a `cross_section` (target, mx, low, high, recoil, rtol): shape of mx and flat integrals.

    Energies and masses in MeV, times in s after the neutrinos.
    """
    (low, high), times, rtol = checked_energies(Tx_range), interval("t_range", t_range, "s"), tolerance(rtol)
    shape, (masses,) = columns(positive("mx", mx, "MeV"))
    parts = []
    for mass in masses.tolist():
        sigma = cross_section(problem.target, mass, low, high, recoil, 0.01 * rtol)
        parts.append(counted(mass, problem, times, sigma, rtol))
    return shape, with_noise(joined(parts), problem.emission)


def _counted_smooth(
    mx: float,
    problem: Problem,
    Tx_range: tuple[float, float],
    t_range: tuple[float, float],
    sigma: Interpolant,
    rtol: float,
    knots: Array,
) -> Integrals:
    """`counted` over energies between jumps of the cross section."""
    place, around, emission, _ = problem
    nothing = Integrals(np.zeros(1), np.zeros(1))
    low, high = Tx_range
    times = np.asarray(light_travel(t_range, place.Rs))
    if not low < high or not times[0] < min(times[1], vanishing_ratio(low, mx)):
        return nothing
    places = sigma.narrow_places(MAX_KNOTS)
    places = places[(places > low) & (places < high)]
    energies = np.array([low, *places, high])
    ends, (pole, width) = _deflections(mx, energies, times, place, around.halo, knots)
    start, end = np.arcsinh((ends[:-1] - pole) / width), np.arcsinh((ends[1:] - pole) / width)
    energy_table = _EnergyTable(mx, low, high, sigma, emission, 0.03 * rtol, knots, places)

    def integrand(segment: np.ndarray, u: Array) -> tuple[Array, Array]:
        first, length = start[segment][:, None], (end - start)[segment][:, None]
        x = first + length * u * u * (3 - 2 * u)
        psi = np.clip(pole + width * np.sinh(x), 1e-300, ends[-1]).reshape(-1)
        slope = length * 6 * u * (1 - u) * width * np.cosh(x)
        limits, coefficients, cumulative, missing = energy_table(psi)
        value, error = np.empty(psi.size), np.empty(psi.size)
        edges = energy_table.edges
        totals = cumulative.sum(axis=2) * (np.diff(edges) / 2)  # every Legendre polynomial is 1 at the end of its panel
        _arcs(
            psi, limits, edges, coefficients, cumulative, totals, mx, times, place, around.halo, around.d_cut,
            0.1 * rtol, value, error,
        )  # fmt: skip
        error += missing * np.abs(value)
        return value.reshape(u.shape) * slope, error.reshape(u.shape) * slope

    result = integrate(integrand, np.zeros(start.size, dtype=np.int64), 1, rtol)
    scale = 1 / (place.Rs * constant.kpc2cm)
    return Integrals(result.value * scale, result.error * scale)


def checked_energies(Tx_range: Any, name: str = "Tx_range") -> tuple[float, float]:
    """The energy range, MeV, which must start above 0 and end at a finite energy; messages call it `name`."""
    low, high = interval(name, Tx_range, "MeV")
    positive(name, [low, high], "MeV")
    return low, high


def event(
    mx: ArrayLike,
    Rs: float,
    beta: float,
    Re: float = 8.5,
    Tx_range: tuple[float, float] = (5, 30),
    t_range: tuple[float, float] = (10, 1.1045e9),
    sigxv0: float = 1e-45,
    is_spike: bool = False,
    *,
    recoil_above: float = 0.0,
    mt: float = constant.me,
    form_factor: Callable[[Array], Array] | None = None,
    rtol: float = 1e-5,
    full_output: bool = False,
    profile: str = "nfw",
    spectrum: Spectrum | None = None,
    conventions: Conventions = STANDARD,
    **kwargs: Any,
) -> Any:
    """Events per target of cross section 1 cm^2, over a range of energies and times; mx broadcasts.

    Tx_range is that of the dark matter, MeV; t_range counts from the arrival of the neutrinos, s, and its end may be
    infinite. Multiply by the number of targets, sigma/cm^2 and sigma_xv/sigxv0. Other arguments as `flux`. 0 where
    nothing arrives in time.

    `recoil_above` (MeV) counts only recoils of targets of mass `mt` (MeV) above that energy, for scattering isotropic
    in the centre of mass; `form_factor` F(q), q in MeV, reduces them by F^2.
    """
    place, around = source(Rs, Re, beta), surroundings(is_spike, profile, spectrum, kwargs)
    emission = Emission(ConstantCrossSection(sigxv0), around.spectrum, conventions)
    above = not_negative("recoil_above", recoil_above, "MeV").item()
    target = IsotropicTarget(lambda Tx, mx: np.ones_like(Tx), positive("mt", mt, "MeV").item(), form_factor)
    problem = Problem(place, around, emission, target)
    result = counted_masses(mx, problem, Tx_range, t_range, rate_cross_section, above, rtol)
    return reported(*result, full_output, rtol, "event")
