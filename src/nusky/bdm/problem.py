"""What flux and events have in common: the checked description of one problem, and its emission."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nusky.bdm.checks import Array, ignore_monte_carlo, not_negative
from nusky.bdm.conventions import Conventions
from nusky.bdm.dependencies import fresh
from nusky.bdm.halo import halo_from_keywords
from nusky.bdm.kinematics import momentum
from nusky.bdm.params import params
from nusky.bdm.quadrature import Integrals, Interpolant
from nusky.bdm.spectrum import Spectrum, fermi_dirac_fluence
from nusky.errors import PhysicsError

MAX_KNOTS = 4
_HIGHEST_NEUTRINO = 500.0  # MeV


class NeutrinoCrossSection(Protocol):
    """The scattering that boosts dark matter."""

    def emission(self, Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
        """(dsigma/dOmega)(dE_nu/dT_x), cm^2/sr."""
        ...


@dataclass(frozen=True)
class Emission:
    """Dark matter sent off per halo particle: scattering times neutrino fluence."""

    cross_section: NeutrinoCrossSection
    spectrum: Spectrum
    conventions: Conventions

    def knots(self, Tx: float, mx: float) -> Array:
        """Neutrino energies, MeV, at which emission has narrow structures or jumps, looked for at this Tx; few."""
        if getattr(self.cross_section, "smooth", False) and getattr(self.spectrum, "smooth", False):
            return np.empty(0)
        p = momentum(Tx, mx)
        low = 0.5 * (Tx + p)
        if not low < _HIGHEST_NEUTRINO:
            return np.empty(0)

        def strength(Ev: Array) -> Array:
            # 2 p sin^2(psi/2) = 2 T m/(p + T) - T m/E
            half = np.sqrt(np.clip(Tx * mx * (1 / low - 1 / Ev) / (2 * p), 0, 1))
            return self(np.full(Ev.shape, Tx), np.full(Ev.shape, mx), 2 * np.arcsin(half), Ev)

        try:
            table = Interpolant(strength, low * (1 + 1e-12), _HIGHEST_NEUTRINO, 1e-9)
        except PhysicsError:  # fails at an energy or angle that may not be needed
            return np.empty(0)
        return table.narrow_places(MAX_KNOTS)

    def __call__(self, Tx: Array, mx: Array, psi: Array, Ev: Array) -> Array:
        """S times neutrinos per MeV and 4 pi, cm^2 MeV^-1 sr^-1; 0 where Ev is not finite. Arrays of one shape."""
        out = np.zeros(Ev.shape)
        ok = np.isfinite(Ev)
        fluence = np.asarray(fresh(self.spectrum)(Ev[ok]), dtype=np.float64)
        if fluence.shape != Ev[ok].shape or not np.isfinite(fluence).all():
            raise PhysicsError("the neutrino spectrum must give one finite number per energy; check the function.")
        # Where no neutrinos are, cross sections are not asked for: a user's function may fail at such energies.
        ok[ok] = fluence > 0
        fluence = fluence[fluence > 0]
        if fluence.size:
            Tx, mx, psi, Ev = Tx[ok], mx[ok], psi[ok], Ev[ok]
            strength = self.cross_section.emission(Tx, mx, psi, Ev) * fluence / (4 * math.pi)
            out[ok] = strength * (momentum(Tx, mx) / (Tx + mx)) if self.conventions.per_momentum else strength
        return out


@dataclass(frozen=True)
class Surroundings:
    """Halo vector, smallest distance to the supernova, and the neutrino spectrum."""

    halo: Array
    d_cut: float
    spectrum: Spectrum


def surroundings(
    is_spike: bool, profile: str, spectrum: Spectrum | Callable[[Array], Array] | None, keywords: dict[str, Any]
) -> Surroundings:
    """Check the keyword arguments of `differential_flux`, `flux` and `event`, whatever will be needed of them.

    `spectrum` maps neutrino energies in MeV to neutrinos per MeV; None is the Fermi-Dirac one.
    """
    merged = params.merge("min_distance", "halo", "spike", **ignore_monte_carlo(keywords))
    halo = halo_from_keywords(is_spike, profile, merged)
    d_cut = not_negative("d_cut", merged["d_cut"], "kpc").item()
    return Surroundings(halo, d_cut, fermi_dirac_fluence if spectrum is None else spectrum)


def with_noise(result: Integrals, emission: Emission) -> Integrals:
    """The result with the rounding errors of the amplitude's own arithmetic in its error."""
    noise = getattr(emission.cross_section, "noise", 0.0)
    return Integrals(result.value, result.error + noise * np.abs(result.value))
