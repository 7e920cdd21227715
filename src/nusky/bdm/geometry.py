"""Supernova, Earth, Galactic centre and the point where dark matter is boosted; kpc, rad, s.

theta is the angle at Earth from the supernova, phi the azimuth about the Earth-supernova axis, with phi = pi/2 on the
side of the Galactic centre; beta is the angle between supernova and centre. A point is at distance l from Earth, d
from the supernova, rprime from the centre, and psi = theta + alpha is the deflection there, alpha the angle at the
supernova.

At time t the points lie on d + l/v = R_s + c t. With T = tan(theta/2), P = tan(psi/2), tau = c t/R_s, i = 1/v - 1
this is the quadratic (2 + i) T P^2 - [(2 + i + tau) T^2 + tau - i] P - i T = 0, solved without cancellation for any
mass and time.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.azimuth import ring_distances
from nusky.bdm.checks import Array, Getters, angle, columns, common_shape, handed_back, not_negative, positive, real
from nusky.bdm.times import KPC_PER_LIGHT_SECOND
from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel


class Source(NamedTuple):
    """Where supernova and Galactic centre are, as scalars for the kernels."""

    Rs: float
    Re: float
    beta: float
    centre_distance: float
    """Distance from the supernova to the Galactic centre, kpc."""
    centre_angle: float
    """Angle at the supernova between Earth and the Galactic centre, rad."""


def source(Rs: float, Re: float, beta: float) -> Source:
    """Check the positions (distances Rs and Re in kpc, beta in rad) and complete them."""
    for name, value in (("Rs", Rs), ("Re", Re), ("beta", beta)):
        if np.size(value) != 1:
            raise PhysicsError(f"{name} must be one number here, not an array of shape {np.shape(value)}.")
    Rs, Re = positive("Rs", Rs, "kpc").item(), positive("Re", Re, "kpc").item()
    beta = min(angle("beta", beta).item(), math.pi)
    return Source(Rs, Re, beta, *centre_from_supernova(Rs, Re, beta))


@kernel()
def centre_from_supernova(Rs, Re, beta):
    """Distance of the Galactic centre from the supernova and its angle there from Earth."""
    half = math.sin(beta / 2)
    distance = math.sqrt((Rs - Re) * (Rs - Re) + 4 * Rs * Re * half * half)
    return distance, math.atan2(Re * math.sin(beta), Rs - Re + 2 * Re * half * half)


@kernel(inner=True)
def isochrone(theta, tau, excess):
    """(l/R_s, d/R_s, psi) where dark matter seen at theta < pi was boosted; excess = 1/v - 1, tau = c t/R_s > 0."""
    T = math.tan(theta / 2)
    b = T * T * (2 + excess + tau) + (tau - excess)
    root = math.sqrt(b * b + 4 * T * T * (2 + excess) * excess)
    ratio = 2 * excess / (root - b) if b < 0 else (b + root) / (2 * T * T * (2 + excess))
    P = ratio * T
    s2 = T * T / (1 + T * T)
    B = excess + 2 * s2 + tau * (1 + excess)
    discriminant = (excess - tau) * (excess - tau) + 4 * s2 * (s2 + excess + tau * (1 + excess))
    d = (1 + P * P) / ((1 + T * T) * ratio) if ratio < math.inf else 0.0
    return tau * (2 + tau) / (B + math.sqrt(discriminant)), d, 2 * math.atan(P)


@kernel(inner=True)
def angles_of_tangents(a, b, c):
    """The two angles x, rad, with a T^2 - b T + c = 0 in T = tan(x/2); NaN without solution.

    With a = 2 + i + tau, b = 2 P - i (1 - P^2)/P and c = tau - i these are the theta at which a deflection is seen.
    """
    discriminant = b * b - 4 * a * c
    if not discriminant >= 0:
        return math.nan, math.nan
    q = 0.5 * (b + math.copysign(math.sqrt(discriminant), b))
    return 2 * math.atan(q / a), 2 * math.atan(c / q) if q != 0 else 0.0


@kernel(inner=True)
def centre_distances(l, d, theta, psi, place):
    """(r_min, r_max) in kpc over the azimuth at a point, reckoned from the nearer end of the axis."""
    if d < l:
        return ring_distances(d, psi - theta, place.centre_distance, place.centre_angle)
    return ring_distances(l, theta, place.Re, place.beta)


class Geometry(Getters):
    """A point at (l, theta, phi) seen from Earth, with the supernova at Rs and the Galactic centre at (Re, beta).

    Attributes: the inputs; d and rprime in kpc; cos_psi, the cosine of the deflection, theta's at l = 0 and NaN at d
    = 0. d^2 = (l - Rs)^2 + 4 l Rs sin^2(theta/2), cos(psi) = (Rs cos(theta) - l)/d, rprime^2 = (l - Re)^2 + 4 l Re
    [sin^2((theta - beta)/2) + sin(theta) sin(beta) sin^2((phi - pi/2)/2)].
    """

    def __init__(
        self, l: ArrayLike, theta: ArrayLike, phi: ArrayLike, Rs: ArrayLike, Re: ArrayLike, beta: ArrayLike
    ) -> None:
        l, Rs, Re = not_negative("l", l, "kpc"), not_negative("Rs", Rs, "kpc"), not_negative("Re", Re, "kpc")
        theta, phi, beta = angle("theta", theta), real("phi", phi, "rad"), angle("beta", beta)
        common_shape(l, theta, phi, Rs, Re, beta)
        s2 = np.sin(theta / 2) ** 2
        d = np.sqrt((l - Rs) ** 2 + 4 * l * Rs * s2)
        tilt = np.sin(theta) * np.sin(beta) * np.sin((phi - math.pi / 2) / 2) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            cosine = np.where(d > 0, np.clip((Rs - l - 2 * Rs * s2) / d, -1, 1), np.nan)
        self.d = handed_back(d)
        self.rprime = handed_back(np.sqrt((l - Re) ** 2 + 4 * l * Re * (np.sin((theta - beta) / 2) ** 2 + tilt)))
        self.cos_psi = handed_back(cosine)
        self.l, self.theta, self.phi = handed_back(l), handed_back(theta), handed_back(phi)
        self.Rs, self.Re, self.beta = handed_back(Rs), handed_back(Re), handed_back(beta)


@kernel()
def _propagate(columns_, l, d, rprime, cos_psi):
    for i in range(l.size):
        t, v, theta, phi, Rs, Re, beta = columns_[:, i]
        excess, tau = 1 / v - 1, KPC_PER_LIGHT_SECOND * t / Rs
        s, c = math.sin(theta / 2), math.cos(theta / 2)
        B = excess + 2 * s * s + tau * (1 + excess)
        discriminant = (excess - tau) * (excess - tau) + 4 * s * s * (s * s + excess + tau * (1 + excess))
        length = tau * (2 + tau) / (B + math.sqrt(discriminant)) if B + math.sqrt(discriminant) > 0 else 0.0
        # Along and across the axis, counted from the supernova.
        x, y = 1 - 2 * s * s - length, 2 * s * c
        distance = math.hypot(x, y)
        if theta < math.pi / 2 and excess > 0:
            _, distance, psi = isochrone(theta, tau, excess)
            cos_psi[i] = math.cos(psi)
        else:
            cos_psi[i] = x / distance if distance > 0 else math.nan
        l[i], d[i] = length * Rs, distance * Rs
        near = math.sin((theta - beta) / 2)
        side = math.sin((phi - math.pi / 2) / 2)
        tilt = near * near + math.sin(theta) * math.sin(beta) * side * side
        rprime[i] = math.sqrt((l[i] - Re) ** 2 + 4 * l[i] * Re * tilt)


class Propagation(Geometry):
    """The point in direction (theta, phi) from which dark matter of speed vx (units of c) arrives at time t (s).

    Attributes as `Geometry`, and l in kpc.
    """

    def __init__(
        self,
        t: ArrayLike,
        vx: ArrayLike,
        theta: ArrayLike,
        phi: ArrayLike,
        Rs: ArrayLike,
        Re: ArrayLike,
        beta: ArrayLike,
    ) -> None:
        t, v = not_negative("t", t, "s"), positive("vx", vx, "c")
        if (v > 1).any():
            raise PhysicsError(f"vx = {v.max():g} exceeds the speed of light; give a fraction of c.")
        Rs, Re = positive("Rs", Rs, "kpc"), not_negative("Re", Re, "kpc")
        theta, phi, beta = angle("theta", theta), real("phi", phi, "rad"), angle("beta", beta)
        shape, vectors = columns(t, v, theta, phi, Rs, Re, beta)
        out = np.empty((4, vectors[0].size))
        _propagate(np.stack(vectors), *out)
        self.l, self.d, self.rprime, self.cos_psi = (handed_back(value, shape) for value in out)
        self.t, self.vx = handed_back(t), handed_back(v)
        self.theta, self.phi = handed_back(theta), handed_back(phi)
        self.Rs, self.Re, self.beta = handed_back(Rs), handed_back(Re), handed_back(beta)


def light_travel(t: ArrayLike, Rs: ArrayLike) -> Array:
    """tau = c t / R_s."""
    return KPC_PER_LIGHT_SECOND * np.asarray(t, dtype=np.float64) / Rs
