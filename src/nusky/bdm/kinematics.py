"""Elastic scattering 1 + 2 -> 1 + 2 with particle 2 at rest; energies and masses in MeV, angles in rad.

The target gets kinetic energy T2 at angle psi to the direction of particle 1. For neutrinos (m1 = 0) on dark matter the
neutrino energy follows from D = p cos(psi) - T = 2 T m/(p + T) - 2 p sin^2(psi/2): E = T m / D.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Getters, angle, broadcast, common_shape, handed_back, not_negative, real


def momentum(T: ArrayLike, m: ArrayLike) -> Any:
    """p = sqrt(T (T + 2 m)), MeV."""
    return np.sqrt(np.multiply(T, np.add(T, np.multiply(2, m))))


class Kinematics(Getters):
    """Particle 1 (mass m1) that gives the target (mass m2, at rest) kinetic energy T2 at angle psi.

    Attributes (floats or arrays): T1, the kinetic energy of particle 1 in MeV; dT1 = dT1/dT2 at fixed psi; x =
    cos(psi); dLips = |du/dx| / (128 pi^2 s p*^2) at fixed T2, in MeV^-2; sanity, whether T2 < p2 x. Outside that
    region the numbers are those of the formula (T1 < 0). NaN where m1 > m2 leaves no solution.
    """

    def __init__(self, T2: ArrayLike, m1: ArrayLike, m2: ArrayLike, psi: ArrayLike) -> None:
        T2, m1, m2 = not_negative("T2", T2, "MeV"), not_negative("m1", m1, "MeV"), not_negative("m2", m2, "MeV")
        psi = angle("psi", psi)
        common_shape(T2, m1, m2, psi)
        with np.errstate(all="ignore"):
            x, sine, total = np.cos(psi), np.sin(psi), m1 + m2
            # p1 p2 x = T2 (E1 + m2) gives (1 - w) T1^2 + 2 [m1 (1 - w) - m2 w] T1 - w (m1 + m2)^2 = 0, w = (T2/p2 x)^2.
            w = T2 / ((T2 + 2 * m2) * x**2)
            rest = (2 * m2 * x**2 - T2 * sine**2) / ((T2 + 2 * m2) * x**2)  # 1 - w
            half = m1 * rest - m2 * w
            root = np.copysign(np.sqrt(m1**2 * rest + m2**2 * w), x)
            product = w * total**2
            T1 = np.where((half > 0) & (root > 0), product / (half + root), (root - half) / rest)
            momentum2 = T1 * (T1 + 2 * m1)
            s = total**2 + 2 * m2 * T1
            slope = (T1 + total) ** 2 / root
            # u = 2 (m1^2 + m2^2) - s - t with t fixed by T2, so |du/dx| = 2 m2 |dE1/dx|
            lips = 2 * np.abs(slope * w / x) / (128 * math.pi**2 * m2 * momentum2)  # s p*^2 = (m2 p1)^2
            self._s, self._T1 = s, T1
            self.T2, self.m1, self.m2, self.psi = (handed_back(value) for value in (T2, m1, m2, psi))
            self.T1 = handed_back(T1)
            self.dT1 = handed_back(slope * m2 / ((T2 + 2 * m2) * x) ** 2)
            self.x = handed_back(x)
            self.dLips = handed_back(lips)
            self.sanity = handed_back((rest > 0) & (x > 0))


class Mandelstam(Kinematics):
    """`Kinematics` with the invariants s, t, u in MeV^2."""

    def __init__(self, T2: ArrayLike, m1: ArrayLike, m2: ArrayLike, psi: ArrayLike) -> None:
        super().__init__(T2, m1, m2, psi)
        t = -2 * np.multiply(m2, T2)
        self.s = handed_back(self._s)
        self.t = handed_back(t)
        m1, m2 = np.asarray(m1, dtype=np.float64), np.asarray(m2, dtype=np.float64)
        self.u = handed_back((m1 - m2) ** 2 - 2 * m2 * (self._T1 - np.asarray(T2)))


class Neutrino(Mandelstam):
    """A neutrino that gives dark matter of mass mx kinetic energy Tx at angle psi; Ev and dEv are its T1 and dT1."""

    def __init__(self, Tx: ArrayLike, mx: ArrayLike, psi: ArrayLike) -> None:
        super().__init__(Tx, 0.0, mx, psi)
        self.Ev = self.T1
        self.dEv = self.dT1


def get_vx(Tx: ArrayLike, mx: ArrayLike) -> Any:
    """Speed p/(T + m) in units of c; kinetic energy and mass in MeV."""
    Tx, mx = broadcast(not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV"))
    with np.errstate(invalid="ignore"):
        return handed_back(np.where(Tx + mx > 0, momentum(Tx, mx) / (Tx + mx), 0.0))


def get_psiMax(Tx: ArrayLike, mx: ArrayLike) -> Any:
    """Largest recoil angle at kinetic energy Tx, rad: sin^2 = 2 m / (T + 2 m)."""
    Tx, mx = broadcast(not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV"))
    return handed_back(np.arctan2(np.sqrt(2 * mx), np.sqrt(Tx)))


def KallenLambda(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> Any:
    """x^2 + y^2 + z^2 - 2 (xy + yz + zx), e.g. MeV^4 of squared masses in MeV^2; arguments broadcast."""
    x, y, z = broadcast(real("x", x, ""), real("y", y, ""), real("z", z, ""))
    return handed_back((x - y - z) ** 2 - 4 * y * z)


def get_tBound(T1: ArrayLike, m1: ArrayLike, m2: ArrayLike) -> tuple[Any, Any]:
    """(t_min, t_max) in MeV^2 of elastic scattering of particle 1 with kinetic energy T1 off m2 at rest.

    t_min = -4 m2^2 T1 (T1 + 2 m1) / s, t_max = 0.
    """
    T1, m1, m2 = not_negative("T1", T1, "MeV"), not_negative("m1", m1, "MeV"), not_negative("m2", m2, "MeV")
    common_shape(T1, m1, m2)
    s = (m1 + m2) ** 2 + 2 * m2 * T1
    with np.errstate(invalid="ignore"):
        t_min = np.where(s > 0, -4 * m2**2 * T1 * (T1 + 2 * m1) / s, 0.0)
    return handed_back(t_min), handed_back(np.zeros_like(t_min))


def get_gx(Ev: ArrayLike, mx: ArrayLike, psi: ArrayLike) -> Any:
    """Angular distribution in the laboratory of a recoil that is isotropic in the centre of mass, 1/sr.

    g = gamma^2 cos(psi) / (pi (cos^2(psi) + gamma^2 sin^2(psi))^2), gamma = (Ev + mx)/sqrt(mx (2 Ev + mx)); its
    integral over the forward hemisphere is one and it is 0 elsewhere, and for Ev < 0.
    """
    Ev, mx, psi = real("Ev", Ev, "MeV"), not_negative("mx", mx, "MeV"), real("psi", psi, "rad")
    common_shape(Ev, mx, psi)
    with np.errstate(all="ignore"):
        gamma2 = (Ev + mx) ** 2 / (mx * (2 * Ev + mx))
        cosine, sine = np.cos(psi), np.sin(psi)
        g = gamma2 * cosine / (math.pi * (cosine**2 + gamma2 * sine**2) ** 2)
    inside = (psi >= 0) & (psi < math.pi / 2) & (Ev >= 0) & (mx > 0)
    return handed_back(np.where(inside, g, 0.0))
