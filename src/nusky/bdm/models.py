"""Ready-made models of the scattering: a constant cross section, and the L_mu-tau vector boson of the seed page.

A model knows nothing of a supernova; `at(Rs, Rg, beta)` puts it under one and gives an object with the methods
`differential_flux(t, Tx, mx, theta, phi)`, `flux(t, Tx, mx)` and `event(mx, Tx_range, t_range)`. A model of your own is
a `BoostedDarkMatter`, or a class with such a method `at`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, positive, real
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import ConstantCrossSection as NeutrinoCrossSection
from nusky.bdm.differential import differential_flux
from nusky.bdm.events import event
from nusky.bdm.flux import flux
from nusky.bdm.geometry import source
from nusky.bdm.model import BoostedDarkMatter
from nusky.bdm.problem import Emission, surroundings
from nusky.bdm.spectrum import Spectrum, coupled_spectrum, fermi_dirac_fluence, flavour_weights
from nusky.bdm.targets import IsotropicTarget, Problem
from nusky.errors import PhysicsError


class Boosted(Protocol):
    """Dark matter boosted by one supernova: positions (kpc, rad), conventions, and what arrives."""

    Rs: float
    Rg: float
    beta: float
    conventions: Conventions

    def differential_flux(self, t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, theta: ArrayLike, phi: ArrayLike) -> Any:
        """MeV^-1 cm^-2 s^-1 sr^-1; arguments broadcast."""
        ...

    def flux(self, t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, *, rtol: float, full_output: bool) -> Any:
        """MeV^-1 cm^-2 s^-1; arguments broadcast."""
        ...

    def event(
        self,
        mx: ArrayLike,
        Tx_range: tuple[float, float],
        t_range: tuple[float, float],
        *,
        rtol: float,
        full_output: bool,
    ) -> Any:
        """Events per target; mx broadcasts."""
        ...


class Model(Protocol):
    """A model of the scattering."""

    def at(self, Rs: float, Rg: float, beta: float, *, conventions: Conventions, **halo: Any) -> Boosted:
        """The model under a supernova at Rs (kpc), with the halo's centre at Rg (kpc), beta (rad) from it."""
        ...


@dataclass(frozen=True)
class ConstantCrossSection:
    """Cross sections isotropic in the centre of mass and independent of energy: sigxv0 (cm^2) with neutrinos, 1 cm^2
    with the target."""

    sigxv0: float = 1e-45

    def at(
        self, Rs: float, Rg: float, beta: float, *, conventions: Conventions = STANDARD, **halo: Any
    ) -> "ConstantBoosted":
        """See `Model.at`; `halo` are further keyword arguments of `nusky.bdm.flux`."""
        return ConstantBoosted(Rs, Rg, beta, self.sigxv0, conventions, halo)


@dataclass(frozen=True)
class ConstantBoosted:
    """`nusky.bdm.differential_flux`, `flux` and `event` for one supernova, halo and cross section."""

    Rs: float
    Rg: float
    beta: float
    sigxv0: float
    conventions: Conventions
    halo: dict[str, Any]

    def differential_flux(self, t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, theta: ArrayLike, phi: ArrayLike) -> Any:
        """See `nusky.bdm.differential_flux`: MeV^-1 cm^-2 s^-1 sr^-1."""
        return differential_flux(t, Tx, mx, theta, phi, self.Rs, self.beta, **self._common())

    def flux(self, t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, **options: Any) -> Any:
        """See `nusky.bdm.flux`: MeV^-1 cm^-2 s^-1; options: rtol, burst, full_output."""
        return flux(t, Tx, mx, self.Rs, self.beta, **self._common(), **options)

    def event(
        self,
        mx: ArrayLike,
        Tx_range: tuple[float, float] = (5, 30),
        t_range: tuple[float, float] = (10, 1.1045e9),
        **options: Any,
    ) -> Any:
        """See `nusky.bdm.event`: events per target, energies in MeV, times in s.

        Options: rtol, full_output, recoil_above, mt, form_factor.
        """
        return event(mx, self.Rs, self.beta, Tx_range=Tx_range, t_range=t_range, **self._common(), **options)

    def problem(self, mt: float, form_factor: Callable[[Array], Array] | None = None) -> Problem:
        """What counting needs, for targets of mass mt (MeV), cross section 1 cm^2 and form factor F(q), q in MeV."""
        halo = {"is_spike": False, "profile": "nfw", "spectrum": None, **self.halo}
        around = surroundings(halo.pop("is_spike"), halo.pop("profile"), halo.pop("spectrum"), halo)
        emission = Emission(NeutrinoCrossSection(self.sigxv0), around.spectrum, self.conventions)
        target = IsotropicTarget(lambda Tx, mx: np.ones_like(Tx), mt, form_factor)
        return Problem(source(self.Rs, self.Rg, self.beta), around, emission, target)

    def _common(self) -> dict[str, Any]:
        return {"Re": self.Rg, "sigxv0": self.sigxv0, "conventions": self.conventions, **self.halo}


ELEMENTARY_CHARGE = math.sqrt(4 * math.pi / 137.035999177)  # CODATA 2022
# Kinetic mixing per g_V that loops of muons and taus induce, e/(12 pi^2) ln(m_tau^2/m_mu^2), about 1/70: Escudero et
# al., JHEP 03 (2019) 071, sec. 2; masses in MeV of PDG 2024. Its sign drops out of the amplitude squared.
LOOP_MIXING = ELEMENTARY_CHARGE / (12 * math.pi**2) * math.log((1776.93 / 105.6583755) ** 2)


@dataclass(frozen=True)
class VectorExchange:
    """|M|^2 of dark matter and a fermion of mass mt that exchange a vector boson of mass `mediator_ratio` times mx.

    `strength` N/(t - m_V^2)^2 with N = s^2 + u^2 + 4 t M - 2 M^2, M = mx^2 + mt^2. With q = -t below its largest value
    q_max, N = 2 s (q_max - q) + 8 mx^2 mt^2 + q^2: a sum of positive terms.
    """

    strength: float
    mediator_ratio: float
    mt: float
    smooth = True

    def __call__(self, s: float, t: float, u: float, mx: float) -> float:
        masses = self.mt**2 + mx**2
        numerator = s**2 + u**2 + 4 * t * masses - 2 * masses**2
        return self.strength * numerator / (t - (self.mediator_ratio * mx) ** 2) ** 2

    def without_cancellation(self, gap: Array, transfer: Array, remaining: Array, mx: Array) -> Array:
        """The same of gap = s - M, transfer = q and remaining = q_max - q, MeV^2."""
        s = gap + self.mt**2 + mx**2
        numerator = 2 * s * remaining + 8 * (mx * self.mt) ** 2 + transfer**2
        return self.strength * numerator / (transfer + (self.mediator_ratio * mx) ** 2) ** 2


@dataclass(frozen=True)
class LMuTau:
    """Dark matter coupled to a vector boson V of L_mu - L_tau, which mixes with the photon.

    Parameters
    ----------
    neutrino_coupling : g_V g_x, the product of V's couplings to neutrinos and dark matter
    target_coupling : epsilon g_x, the product of kinetic mixing and coupling to dark matter, or "loop" for the mixing
        that loops of muons and taus induce, `LOOP_MIXING` g_V
    mediator_ratio : m_V/m_x
    mt : mass of the target, MeV
    charge : of the target, in units of e; the vertex is charge e epsilon g_x. (Published: epsilon g_x.)
    charges : of nu_e, nu_mu and nu_tau; the vertex with flavour a is charges[a] g_V g_x. (Published: all the same.)
    oscillation : of the neutrinos on their way from emission to scattering, see `flavour_weights`
    neutrino_spins : by how many spin states of the neutrino |M|^2 is averaged. The literature takes 2; of the
        left-handed neutrinos of the Lagrangian there is 1, and the flux twice as large.
    """

    neutrino_coupling: float = 1e-8
    target_coupling: float | Literal["loop"] = 1e-8
    mediator_ratio: float = 1 / 3
    mt: float = constant.me
    charge: float = 1.0
    charges: tuple[float, float, float] = (0.0, 1.0, -1.0)
    oscillation: str = "none"
    neutrino_spins: int = 2

    def __post_init__(self) -> None:
        positive("neutrino_coupling", self.neutrino_coupling, "")
        positive("mediator_ratio", self.mediator_ratio, "")
        positive("mt", self.mt, "MeV")
        if self.target_coupling != "loop":
            positive("target_coupling", self.target_coupling, "")
        if self.neutrino_spins not in (1, 2):
            raise PhysicsError(f"neutrino_spins = {self.neutrino_spins!r} must be 1 or 2.")
        real("charge", self.charge, "e")
        flavour_weights(self.charges, self.oscillation)

    @property
    def mixing(self) -> float:
        """epsilon g_x."""
        return LOOP_MIXING * self.neutrino_coupling if self.target_coupling == "loop" else float(self.target_coupling)

    @property
    def coupling_product(self) -> float:
        """g_V g_x epsilon g_x; rates in a detector go with its square."""
        return self.neutrino_coupling * self.mixing

    def with_neutrinos(self) -> VectorExchange:
        """|M|^2 of dark matter and a neutrino of charge 1."""
        return VectorExchange(2 / self.neutrino_spins * self.neutrino_coupling**2, self.mediator_ratio, 0.0)

    def with_target(self, conventions: Conventions = STANDARD) -> VectorExchange:
        """|M|^2 of dark matter and the target: both helicities."""
        unit = 1.0 if conventions.mixing_without_charge else self.charge * ELEMENTARY_CHARGE
        return VectorExchange(2 * (unit * self.mixing) ** 2, self.mediator_ratio, self.mt)

    def amp2_xv(self, s: float, t: float, u: float, mx: float) -> float:
        """|M|^2(s, t, u, mx) of dark matter and a neutrino of charge 1."""
        return self.with_neutrinos()(s, t, u, mx)

    def amp2_xe(self, s: float, t: float, u: float, mx: float) -> float:
        """|M|^2(s, t, u, mx) of dark matter and the target, standard conventions."""
        return self.with_target()(s, t, u, mx)

    def at(
        self,
        Rs: float,
        Rg: float,
        beta: float,
        *,
        conventions: Conventions = STANDARD,
        spectrum: Spectrum | None = None,
        **halo: Any,
    ) -> BoostedDarkMatter:
        """See `Model.at`; `halo` are further keyword arguments of `BoostedDarkMatter`."""
        spectrum = fermi_dirac_fluence if spectrum is None else spectrum
        if not conventions.every_flavour_couples:
            spectrum = coupled_spectrum(spectrum, flavour_weights(self.charges, self.oscillation))
        return BoostedDarkMatter(
            Rs,
            Rg,
            beta,
            self.with_neutrinos(),
            self.with_target(conventions),
            mt=self.mt,
            conventions=conventions,
            spectrum=spectrum,
            **halo,
        )
