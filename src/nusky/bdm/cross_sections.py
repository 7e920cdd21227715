"""Cross sections of dark matter with neutrinos and with the detector's targets, cm^2; energies in MeV.

What boosts dark matter is S = (dsigma/dOmega) (dE_nu/dT_x). In closed form, for a cross section that is constant and
isotropic in the centre of mass S = sigma p (m + 2 E_nu)/(4 pi T m), and for a squared amplitude
S = |M|^2 p/(64 pi^2 m^2 T) (hbar c)^2: neither has a singularity.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.amplitudes import Elementwise, SquaredAmplitude
from nusky.bdm.checks import Array, broadcast, common_shape, handed_back, not_negative, real
from nusky.bdm.constants import constant
from nusky.bdm.conventions import Conventions
from nusky.bdm.dependencies import fresh
from nusky.bdm.extended import Extended
from nusky.bdm.kinematics import get_gx, momentum
from nusky.bdm.quadrature import Integrals, in_blocks, integrate
from nusky.errors import PhysicsError

Amplitude = Callable[[float, float, float, float], float]

_RTOL_TARGET = 1e-13
_MAX_TARGET_PANELS = 200
_BLOCK = 2000  # points computed together
_MASSLESS = (Extended(0.0),)
_AMPLE_NEUTRINO, _AMPLE_TARGET = 50.0, 8.0  # m1^2 + m2^2 over s - m1^2 - m2^2 that double precision takes well


def dsigma_xv(Ev: ArrayLike, mx: ArrayLike, psi: ArrayLike, sigxv0: ArrayLike = 1e-45) -> Any:
    """d(sigma)/dOmega in the laboratory, cm^2/sr, of a cross section sigxv0 isotropic in the centre of mass."""
    sigxv0 = not_negative("sigxv0", sigxv0, "cm^2")
    common_shape(sigxv0, Ev, mx, psi)
    return handed_back(sigxv0 * get_gx(Ev, mx, psi))


def neutrino_energy(Tx: ArrayLike, mx: ArrayLike, psi: ArrayLike) -> Array:
    """Energy in MeV of the neutrino that sends dark matter off with Tx at psi; inf where that is impossible."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p = momentum(Tx, mx)
        excess = 2 * np.multiply(Tx, mx) / (p + Tx) - 2 * p * np.sin(np.asarray(psi) / 2) ** 2
        energy = np.multiply(Tx, mx) / excess
        return np.where((excess > 0) & np.isfinite(energy), energy, np.inf)


def jacobian(Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
    """dE_nu/dT_x at fixed psi: (E_nu/T)^2 T cos(psi)/p, no unit; energies and mass in MeV, psi in rad."""
    return Ev**2 * np.cos(psi) / (Tx * momentum(Tx, mx))


class ConstantCrossSection:
    """sigxv0, cm^2, whatever the energy."""

    smooth = True

    def __init__(self, sigxv0: float) -> None:
        if np.size(sigxv0) != 1:
            raise PhysicsError("sigxv0 must be one number here, not an array.")
        self._sigxv0 = not_negative("sigxv0", sigxv0, "cm^2").item()

    def emission(self, Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
        """S = (dsigma/dOmega)(dE_nu/dT_x), cm^2/sr."""
        return self._sigxv0 * momentum(Tx, mx) * (mx + 2 * Ev) / (4 * math.pi * Tx * mx)


class AmplitudeCrossSection:
    """From |M|^2(s, t, u, mx), averaged over initial and summed over final spins, dimensionless; s, t, u in MeV^2."""

    def __init__(self, amplitude: Amplitude, conventions: Conventions) -> None:
        name = "the amplitude of dark matter and neutrino (s, t, u, mx)"
        self._amplitude = SquaredAmplitude(amplitude, name, _AMPLE_NEUTRINO)
        self.smooth = self._amplitude.smooth
        self._jacobian_twice = conventions.amplitude_jacobian_twice
        self.noise = 0.0
        """Largest relative error by rounding in the amplitude's own arithmetic so far."""

    def emission(self, Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
        """S = (dsigma/dOmega)(dE_nu/dT_x), cm^2/sr; published: times dE_nu/dT_x once more."""
        Tx, mx, psi, Ev = np.broadcast_arrays(Tx, mx, psi, Ev)
        gap = 2 * mx * Ev
        # q_max - q = q_max cos^2 of half the angle in the centre of mass, q_max = gap^2/s.
        across = (Ev + mx) ** 2 * np.sin(psi) ** 2
        share = across / (mx * (2 * Ev + mx) * np.cos(psi) ** 2 + across)
        remaining = 4 * mx * Ev**2 / (mx + 2 * Ev) * share
        squared, error = self._amplitude(gap, _MASSLESS, 2 * mx * Tx, remaining, mx)
        self.noise = max(self.noise, float(error.max(initial=0.0)))
        emission = squared * momentum(Tx, mx) / (64 * math.pi**2 * mx**2 * Tx) * constant.perMeV2cm**2
        return emission * jacobian(Tx, mx, psi, Ev) if self._jacobian_twice else emission

    def differential(self, Tx: ArrayLike, mx: ArrayLike, psi: ArrayLike) -> Array:
        """d(sigma)/dOmega, cm^2/sr; 0 where no neutrino can do it."""
        Tx, mx, psi = np.broadcast_arrays(Tx, mx, psi)
        out = np.zeros(Tx.shape)
        Ev = neutrino_energy(Tx, mx, psi)
        ok = np.isfinite(Ev) & (Tx > 0)
        if ok.any():
            arguments = Tx[ok], mx[ok], psi[ok], Ev[ok]
            out[ok] = self.emission(*arguments) / jacobian(*arguments)
        return out


class GivenCrossSection:
    """From a function (Tx, mx, psi) -> d(sigma)/dOmega in cm^2/sr."""

    def __init__(self, differential: Callable[[float, float, float], float]) -> None:
        self._differential = Elementwise(differential, "dsigma_xv (Tx, mx, psi)")

    def emission(self, Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
        """S = (dsigma/dOmega)(dE_nu/dT_x), cm^2/sr."""
        Tx, mx, psi, Ev = np.broadcast_arrays(Tx, mx, psi, Ev)
        return self._differential(Tx, mx, psi) * jacobian(Tx, mx, psi, Ev)


class TargetAmplitude:
    """Dark matter of mass mx and kinetic energy Tx on a target of mass mt at rest, from |M|^2(s, t, u, mx).

    sigma = (hbar c)^2/(16 pi lambda) Int |M|^2 dt over [-lambda/s, 0], lambda = 4 mt^2 Tx (Tx + 2 mx), times F^2(q)
    of an optional form factor F(q), q = sqrt(-t) in MeV.
    """

    def __init__(
        self, amplitude: Amplitude, mt: float, factor: float, form_factor: Callable[[Array], Array] | None
    ) -> None:
        name = "the amplitude of dark matter and target (s, t, u, mx)"
        self._amplitude = SquaredAmplitude(amplitude, name, _AMPLE_TARGET)
        self.mt, self._factor, self._form_factor = mt, factor, form_factor
        # An amplitude may square its mass in double precision, or have a mass that was: the first is the usual form.
        self._mass2 = (Extended(mt * mt),)
        if Fraction(mt) ** 2 != Fraction(mt * mt):
            self._mass2 += (Extended(mt) * mt,)

    def total(self, Tx: ArrayLike, mx: ArrayLike, recoil_above: float = 0.0) -> Integrals:
        """Cross section for recoils above a kinetic energy, cm^2; Tx and mx of one shape."""
        Tx, mx = np.broadcast_arrays(real("Tx", Tx, "MeV"), mx)
        shape, Tx, mx = Tx.shape, Tx.reshape(-1), mx.reshape(-1)
        result = in_blocks(lambda block: self._total(Tx[block], mx[block], recoil_above), Tx.size, _BLOCK)
        return Integrals(result.value.reshape(shape), result.error.reshape(shape))

    def _total(self, Tx: Array, mx: Array, recoil_above: float) -> Integrals:
        lambda_, s = self._invariants(Tx, mx)
        low, high = 2 * self.mt * recoil_above, lambda_ / s
        reach = np.flatnonzero((Tx > 0) & (high > low))
        value, error = np.zeros(Tx.size), np.zeros(Tx.size)
        if reach.size:
            span = high[reach] - low

            noise = np.zeros(reach.size)

            def integrand(segment: np.ndarray, x: Array) -> Array:
                # -t = low + span x^4 puts nodes where a light mediator has its pole.
                length = span[segment][:, None]
                point = reach[segment][:, None]
                rest = length * (1 - x) * (1 + x) * (1 + x * x)
                squared, own = self._squared(Tx[point], mx[point], low + length * x**4, rest)
                if own.any():
                    np.maximum.at(noise, segment, own.max(axis=1))
                return squared * length * 4 * x**3

            owner = np.arange(reach.size)
            result = integrate(integrand, owner, reach.size, _RTOL_TARGET, max_panels=_MAX_TARGET_PANELS)
            scale = self._factor * constant.perMeV2cm**2 / (16 * math.pi * lambda_[reach])
            value[reach], error[reach] = result.value * scale, (result.error + noise * result.value) * scale
        return Integrals(value, error)

    def recoil(self, Tx: ArrayLike, mx: ArrayLike, recoil: ArrayLike) -> Integrals:
        """d(sigma)/dT_recoil, cm^2/MeV; 0 above the largest recoil. Energies and mass in MeV broadcast."""
        Tx, mx, recoil = np.broadcast_arrays(real("Tx", Tx, "MeV"), mx, recoil)
        lambda_, s = self._invariants(Tx, mx)
        value, error = np.zeros(Tx.shape), np.zeros(Tx.shape)
        rest = lambda_ / s - 2 * self.mt * recoil
        ok = rest >= 0
        if ok.any():
            squared, noise = self._squared(Tx[ok], mx[ok], 2 * self.mt * recoil[ok], rest[ok])
            value[ok] = self._factor * constant.perMeV2cm**2 * squared * 2 * self.mt / (16 * math.pi * lambda_[ok])
            error[ok] = value[ok] * noise
        return Integrals(value, error)

    def _invariants(self, Tx: Array, mx: Array) -> tuple[Array, Array]:
        return 4 * self.mt**2 * Tx * (Tx + 2 * mx), (self.mt + mx) ** 2 + 2 * self.mt * Tx

    def _squared(self, Tx: Array, mx: Array, transfer: Array, remaining: Array) -> tuple[Array, Array]:
        """|M|^2 F^2 at -t = transfer = -t_min - remaining, MeV^2, and the relative error of |M|^2."""
        Tx, mx, transfer, remaining = np.broadcast_arrays(Tx, mx, transfer, remaining)
        gap = (Extended(Tx) + mx) * (2 * self.mt)
        squared, noise = self._amplitude(gap, self._mass2, transfer, remaining, mx, 2 * self.mt * Tx)
        if self._form_factor is not None:
            squared = squared * np.square(fresh(self._form_factor)(np.sqrt(transfer)))
        return squared, noise


def largest_recoil(Tx: ArrayLike, mx: ArrayLike, mt: float) -> Any:
    """Largest kinetic energy of the target, MeV: 2 mt Tx (Tx + 2 mx)/((mt + mx)^2 + 2 mt Tx)."""
    Tx, mx = broadcast(not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV"))
    return handed_back(2 * mt * Tx * (Tx + 2 * mx) / ((mt + mx) ** 2 + 2 * mt * Tx))


def smallest_energy(recoil: float, mx: float, mt: float) -> float:
    """Kinetic energy of dark matter, MeV, whose largest recoil is `recoil`."""
    # 2 mt T^2 + (4 mt mx - 2 mt recoil) T - recoil (mt + mx)^2 = 0
    half = mx - recoil / 2
    root = math.sqrt(half * half + recoil * (mt + mx) ** 2 / (2 * mt))
    return root - half if half < 0 else recoil * (mt + mx) ** 2 / (2 * mt) / (root + half)


class Helm:
    """Helm's nuclear form factor F(q) for mass number A; q in MeV, F(0) = 1.

    F = 3 j1(q r)/(q r) exp(-(q s)^2/2), r^2 = c^2 + 7/3 pi^2 a^2 - 5 s^2 with c = 1.23 A^(1/3) - 0.60 fm, a = 0.52 fm,
    s = 0.9 fm (Lewin and Smith, Astropart. Phys. 6 (1996) 87, eqs 4.7-4.11).
    """

    def __init__(self, mass_number: float) -> None:
        if not mass_number >= 4:
            raise PhysicsError(f"mass number {mass_number} is below 4, where Helm's form factor means nothing.")
        self._skin = 0.9
        radius2 = (1.23 * mass_number ** (1 / 3) - 0.60) ** 2 + 7 / 3 * math.pi**2 * 0.52**2 - 5 * self._skin**2
        self._radius = math.sqrt(radius2)

    def __call__(self, q: ArrayLike) -> Any:
        q_fm = not_negative("q", q, "MeV") / (constant.perMeV2cm * 1e13)
        x = q_fm * self._radius
        with np.errstate(divide="ignore", invalid="ignore"):
            exact = 3 * (np.sin(x) - x * np.cos(x)) / x**3
        bessel = np.where(x > 0.02, exact, 1 - x**2 / 10 + x**4 / 280)
        return handed_back(bessel * np.exp(-((q_fm * self._skin) ** 2) / 2))
