"""Ready-made models of the scattering: a constant cross section, and the L_mu-tau vector boson of the seed page.

A model knows nothing of a supernova; `at(Rs, Rg, beta)` puts it under one and gives an object with the methods
`differential_flux(t, Tx, mx, theta, phi)`, `flux(t, Tx, mx)` and `event(mx, Tx_range, t_range)`. A model of your own is
a `BoostedDarkMatter`, or a class with such a method `at`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import ConstantCrossSection as NeutrinoCrossSection
from nusky.bdm.differential import differential_flux
from nusky.bdm.events import event
from nusky.bdm.flux import flux
from nusky.bdm.geometry import source
from nusky.bdm.model import BoostedDarkMatter
from nusky.bdm.problem import Emission, surroundings
from nusky.bdm.targets import IsotropicTarget, Problem


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


@dataclass(frozen=True)
class LMuTau:
    """Dark matter coupled to a vector boson V of L_mu - L_tau, which mixes with the photon.

    Parameters
    ----------
    neutrino_coupling : g_V g_x, the product of V's couplings to neutrinos and dark matter
    target_coupling : epsilon g_x, the product of kinetic mixing and coupling to dark matter
    mediator_ratio : m_V/m_x
    mt : mass of the target, MeV
    """

    neutrino_coupling: float = 1e-8
    target_coupling: float = 1e-8
    mediator_ratio: float = 1 / 3
    mt: float = constant.me

    def amp2_xv(self, s: float, t: float, u: float, mx: float) -> float:
        """|M|^2 of dark matter and neutrino: one neutrino helicity."""
        return self._vector(s, t, u, mx, 0.0) * self.neutrino_coupling**2

    def amp2_xe(self, s: float, t: float, u: float, mx: float) -> float:
        """|M|^2 of dark matter and the target: both helicities."""
        return 2 * self._vector(s, t, u, mx, self.mt) * self.target_coupling**2

    def _vector(self, s: float, t: float, u: float, mx: float, mt: float) -> float:
        """[s^2 + u^2 + 4 t (mt^2 + mx^2) - 2 (mt^2 + mx^2)^2]/(t - m_V^2)^2."""
        masses = mt**2 + mx**2
        return (s**2 + u**2 + 4 * t * masses - 2 * masses**2) / (t - (self.mediator_ratio * mx) ** 2) ** 2

    def at(
        self, Rs: float, Rg: float, beta: float, *, conventions: Conventions = STANDARD, **halo: Any
    ) -> BoostedDarkMatter:
        """See `Model.at`; `halo` are further keyword arguments of `BoostedDarkMatter`."""
        return BoostedDarkMatter(Rs, Rg, beta, self.amp2_xv, self.amp2_xe, mt=self.mt, conventions=conventions, **halo)
