"""Dark matter with a user's scattering amplitudes, boosted by one supernova."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.amplitudes import Elementwise
from nusky.bdm.checks import (
    Array,
    angle,
    columns,
    flag,
    handed_back,
    ignore_monte_carlo,
    not_negative,
    positive,
    tolerance,
)
from nusky.bdm.constants import Constants
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import Amplitude, AmplitudeCrossSection, GivenCrossSection, TargetAmplitude
from nusky.bdm.differential import sky_flux
from nusky.bdm.events import counted_masses
from nusky.bdm.flux import integrated_flux, reported, warn_of_error
from nusky.bdm.geometry import source
from nusky.bdm.halo import halo_from_keywords, nx
from nusky.bdm.params import HaloProfile, Spike, params
from nusky.bdm.problem import Emission, NeutrinoCrossSection, Surroundings, with_noise
from nusky.bdm.quadrature import Integrals, joined
from nusky.bdm.spectrum import Spectrum, fermi_dirac_fluence
from nusky.bdm.targets import IsotropicTarget, Problem, Target, rate_cross_section, recoil_cross_section
from nusky.errors import PhysicsError


class BoostedDarkMatter(Constants):
    """One supernova, one halo, one particle model.

    Parameters
    ----------
    Rs, Rg, beta : distances of supernova and halo centre in kpc, and the angle between them in rad
    amp2_xv, amp2_xe : squared amplitudes (s, t, u, mx) of dark matter with neutrinos and with the target, called
        positionally; s, t, u in MeV^2, mx in MeV. Any Python function of scalars will do; see `nusky.bdm.amplitudes`.
    mt : mass of the target, MeV; the electron's by default
    is_spike : whether the halo has a spike
    profile, spectrum : see `nusky.bdm.halo` and `nusky.bdm.spectrum`
    form_factor : F(q), q in MeV, of the target, such as `Helm`; its square multiplies amp2_xe
    kwargs : the groups `halo` and `spike` of `params`

    All of these are attributes. `dsigma_xv(Tx, mx, psi)` and `sigma_xe(Tx, mx)` may be replaced by assignment; fluxes
    and events then use the replacements (a replaced `sigma_xe` scatters isotropically in recoil spectra). Instances
    can be pickled if the functions can. The constants of `Constants` are attributes too.
    """

    def __init__(
        self,
        Rs: float,
        Rg: float,
        beta: float,
        amp2_xv: Amplitude,
        amp2_xe: Amplitude,
        mt: float | None = None,
        is_spike: bool = False,
        *,
        profile: str = "nfw",
        spectrum: Spectrum | None = None,
        form_factor: Callable[[Array], Array] | None = None,
        conventions: Conventions = STANDARD,
        **kwargs: Any,
    ) -> None:
        source(Rs, Rg, beta)
        for name, function in (("amp2_xv", amp2_xv), ("amp2_xe", amp2_xe)):
            if not callable(function):
                raise PhysicsError(f"{name} = {function!r} must be a function (s, t, u, mx).")
        self.Rs, self.Rg, self.beta = Rs, Rg, beta
        self.amp2_xv, self.amp2_xe = amp2_xv, amp2_xe
        self.mt = self.me if mt is None else float(positive("mt", mt, "MeV"))
        self.is_spike = flag("is_spike", is_spike)
        self.profile, self.form_factor, self.conventions = profile, form_factor, conventions
        self.spectrum = fermi_dirac_fluence if spectrum is None else spectrum
        vars(self).update(params.merge("halo", "spike", **kwargs))
        self._surroundings({})

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def nx(self, r: ArrayLike, mx: ArrayLike) -> Any:
        """Number density at radius r (kpc), cm^-3."""
        rh = None if self.conventions.model_ignores_rh else self.rh
        return nx(r, mx, self.is_spike, profile=self.profile, **{**self._halo(), "rh": rh})

    def dsigma_xv(self, Tx: ArrayLike, mx: ArrayLike, psi: ArrayLike) -> Any:
        """d(sigma)/dOmega of dark matter and neutrino in the laboratory, cm^2/sr; 0 beyond the largest recoil angle.

        Published: times dE_nu/dT_x.
        """
        Tx, mx = not_negative("Tx", Tx, "MeV"), positive("mx", mx, "MeV")
        shape, vectors = columns(Tx, mx, angle("psi", psi))
        return handed_back(self._from_amplitude().differential(*vectors), shape)

    def sigma_xe(self, Tx: ArrayLike, mx: ArrayLike, *, rtol: float = 1e-8, full_output: bool = False) -> Any:
        """Cross section of dark matter and target, cm^2, to a relative accuracy of 1e-13 where the amplitude allows.

        `full_output` returns (value, error estimate); an error above `rtol` warns. Published: times 2 pi.
        """
        shape, vectors = columns(not_negative("Tx", Tx, "MeV"), positive("mx", mx, "MeV"))
        result = self._target_from_amplitude().total(*vectors)
        return reported(shape, result, full_output, tolerance(rtol), "sigma_xe")

    def differential_flux(
        self, t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, theta: ArrayLike, phi: ArrayLike, **kwargs: Any
    ) -> Any:
        """Flux per energy and solid angle, MeV^-1 cm^-2 s^-1 sr^-1; arguments broadcast. Keywords: d_cut, r_cut."""
        around, emission = self._surroundings(kwargs), self._emission()
        value = sky_flux(t, Tx, mx, theta, phi, self.Rs, self.beta, self.Rg, around, emission)
        warn_of_error(with_noise(Integrals(np.ravel(value), 0.0), emission), 1e-8, "differential_flux")
        return value

    def narrow_energies(self, Tx: float, mx: float) -> Array:
        """Neutrino energies, MeV, at which the emission of dark matter has narrow structures; looked for at Tx."""
        return self._emission().knots(Tx, mx)

    def flux(
        self,
        t: ArrayLike,
        Tx: ArrayLike,
        mx: ArrayLike,
        *,
        rtol: float = 1e-8,
        burst: float = 0.0,
        full_output: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Flux from the whole sky, MeV^-1 cm^-2 s^-1, as `nusky.bdm.flux`; keywords: d_cut, r_cut."""
        around, place, emission = self._surroundings(kwargs), source(self.Rs, self.Rg, self.beta), self._emission()
        shape, result = integrated_flux(t, Tx, mx, place, around, emission, rtol, burst)
        return reported(shape, with_noise(result, emission), full_output, rtol, "flux")

    def event(
        self,
        mx: ArrayLike,
        Tx_range: tuple[float, float] = (5, 30),
        t_range: tuple[float, float] = (10, 1.1045e9),
        *,
        recoil_above: float = 0.0,
        rtol: float = 1e-5,
        full_output: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Events per target with recoil energies above `recoil_above` (MeV); mx broadcasts. Keywords: d_cut, r_cut.

        Tx_range is that of the dark matter, MeV; t_range counts from the arrival of the neutrinos, s.
        """
        above = not_negative("recoil_above", recoil_above, "MeV").item()
        result = counted_masses(mx, self._problem(kwargs), Tx_range, t_range, rate_cross_section, above, rtol)
        return reported(*result, full_output, rtol, "event")

    def recoil_spectrum(
        self,
        recoil: ArrayLike,
        mx: float,
        Tx_range: tuple[float, float] = (5, 30),
        t_range: tuple[float, float] = (10, 1.1045e9),
        *,
        rtol: float = 1e-5,
        **kwargs: Any,
    ) -> Any:
        """Events per target and recoil energy, MeV^-1, at kinetic energies `recoil` (MeV) of the target."""
        recoil, problem = positive("recoil", recoil, "MeV"), self._problem(kwargs)
        parts = [
            counted_masses(mx, problem, Tx_range, t_range, recoil_cross_section, value, rtol)[1]
            for value in recoil.reshape(-1).tolist()
        ]
        return reported(recoil.shape, joined(parts), False, rtol, "recoil_spectrum")

    def problem(self, mt: float, form_factor: Callable[[Array], Array] | None = None) -> Problem:
        """What counting recoils needs. The targets are the model's own: their mass must be mt (MeV), and where the
        detector's have a form factor F(q), q in MeV, the model must have one; `PhysicsError` otherwise."""
        if abs(mt / self.mt - 1) > 1e-3:
            raise PhysicsError(
                f"the model scatters on targets of {self.mt:g} MeV, not of {mt:g} MeV; give it mt={mt:g}."
            )
        if form_factor is not None and self.form_factor is None:
            raise PhysicsError("the target is a nucleus with a form factor; give the model the same form_factor.")
        return self._problem({})

    def _problem(self, kwargs: dict[str, Any]) -> Problem:
        around = self._surroundings(kwargs)
        return Problem(source(self.Rs, self.Rg, self.beta), around, self._emission(), self._target())

    def _halo(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in (*HaloProfile._fields, *Spike._fields)}

    def _surroundings(self, kwargs: dict[str, Any]) -> Surroundings:
        if self._replaced("nx"):
            raise PhysicsError(
                "nx was replaced, but fluxes and events take the halo from `profile` and its parameters; set these "
                "(rhos, rs, n, is_spike, ...), or remove the replacement."
            )
        cuts = params.merge("min_distance", **ignore_monte_carlo(kwargs))
        halo = halo_from_keywords(self.is_spike, self.profile, cuts | self._halo(), self.conventions.model_ignores_rh)
        return Surroundings(halo, not_negative("d_cut", cuts["d_cut"], "kpc").item(), self.spectrum)

    def _emission(self) -> Emission:
        cross_section: NeutrinoCrossSection = self._from_amplitude()
        if self._replaced("dsigma_xv"):
            cross_section = self._kept("_given", (self.dsigma_xv,), lambda: GivenCrossSection(self.dsigma_xv))
        elif isinstance(cross_section, AmplitudeCrossSection):
            cross_section.noise = 0.0
        return Emission(cross_section, self.spectrum, self.conventions)

    def _target(self) -> Target:
        if not self._replaced("sigma_xe"):
            return self._target_from_amplitude()
        sigma = self._kept("_given_target", (self.sigma_xe,), lambda: Elementwise(self.sigma_xe, "sigma_xe (Tx, mx)"))
        return IsotropicTarget(sigma, self.mt, self.form_factor)

    def _from_amplitude(self) -> AmplitudeCrossSection:
        made_from = self.amp2_xv, self.conventions
        return self._kept("_neutrino", made_from, lambda: AmplitudeCrossSection(*made_from))

    def _target_from_amplitude(self) -> TargetAmplitude:
        def build() -> TargetAmplitude:
            return TargetAmplitude(self.amp2_xe, self.mt, self.conventions.target_factor, self.form_factor)

        return self._kept("_on_target", (self.amp2_xe, self.mt, self.form_factor, self.conventions), build)

    def _replaced(self, method: str) -> bool:
        return method in vars(self) or getattr(type(self), method) is not _OWN[method]

    def _kept(self, name: str, made_from: tuple[Any, ...], build: Callable[[], Any]) -> Any:
        """What `build` makes, kept for as long as the very objects it is made from stay."""
        kept = vars(self).get(name)
        if kept is None or not all(_same(a, b) for a, b in zip(kept[0], made_from, strict=True)):
            vars(self)[name] = kept = (made_from, build())
        return kept[1]


_OWN = {name: vars(BoostedDarkMatter)[name] for name in ("dsigma_xv", "sigma_xe", "nx")}


def _same(a: Any, b: Any) -> bool:
    """Whether two are one object, or one method of one object, or equal numbers."""
    return a is b or (isinstance(a, types.MethodType | float | int) and type(a) is type(b) and a == b)
