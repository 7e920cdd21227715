"""The flux of boosted dark matter from one direction at one time.

dPhi/(dT dOmega) = n(r) F(E_nu, d) S(T, psi) c v/(1 - v cos(psi)) at the point of the line of sight whose signal arrives
at time t, F the fluence per area; published: times v once more (`Conventions.per_momentum`).
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.azimuth import ring_distances
from nusky.bdm.checks import Array, angle, columns, handed_back, not_negative, positive, real
from nusky.bdm.constants import BURST_SECONDS, constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.cross_sections import ConstantCrossSection
from nusky.bdm.geometry import centre_from_supernova, isochrone
from nusky.bdm.halo import R_CUT, number_density, nx
from nusky.bdm.kinematics import get_gx
from nusky.bdm.params import params
from nusky.bdm.problem import Emission, Surroundings, surroundings
from nusky.bdm.spectrum import Spectrum, fermi_dirac_density, sn_nu_spectrum
from nusky.bdm.times import KPC_PER_LIGHT_SECOND
from nusky.likelihood.compile import kernel


@kernel(inner=True)
def arrival_weight(psi, excess):
    """v/(1 - v cos(psi)) with 1/v - 1 = excess."""
    sine = math.sin(psi / 2)
    return 1 / (excess + 2 * sine * sine)


@kernel(inner=True)
def neutrino_energy_at(Tx, mx, psi):
    """Neutrino energy in MeV, or inf where the recoil angle is impossible."""
    p = math.sqrt(Tx * (Tx + 2 * mx))
    sine = math.sin(psi / 2)
    excess = 2 * Tx * mx / (p + Tx) - 2 * p * sine * sine
    return Tx * mx / excess if excess > 0 else math.inf


@kernel(inner=True)
def _point(t, Tx, mx, theta, phi, Rs, beta, Re, halo, d_cut):
    """Deflection, neutrino energy (inf if dark) and n v/(1 - v cos(psi))/d^2 in cm^-3 kpc^-2 of a direction."""
    dark = 0.0, math.inf, 0.0
    if t <= 0 or Tx <= 0 or theta >= math.pi / 2:
        return dark
    p = math.sqrt(Tx * (Tx + 2 * mx))
    excess = mx * mx / (p * (Tx + mx + p))
    l, d, psi = isochrone(theta, KPC_PER_LIGHT_SECOND * t / Rs, excess)
    Ev = neutrino_energy_at(Tx, mx, psi)
    l, d = l * Rs, d * Rs
    if Ev == math.inf or d <= d_cut:
        return dark
    if d < l:
        r_min, r_max = ring_distances(d, psi - theta, *centre_from_supernova(Rs, Re, beta))
    else:
        r_min, r_max = ring_distances(l, theta, Re, beta)
    sine = math.sin((phi - math.pi / 2) / 2)
    r = math.sqrt(r_min * r_min + (r_max * r_max - r_min * r_min) * sine * sine)
    if r <= halo[R_CUT] or r == 0:
        return dark
    return psi, Ev, number_density(r, mx, halo) * arrival_weight(psi, excess) / (d * d)


@kernel()
def _one(t, Tx, mx, theta, phi, Rs, beta, Re, halo, d_cut, sigxv0, per_momentum):
    """`differential_flux` of one direction for a constant cross section and the Fermi-Dirac spectrum."""
    _, energy, geometry = _point(t, Tx, mx, theta, phi, Rs, beta, Re, halo, d_cut)
    if energy == math.inf:
        return 0.0
    p = math.sqrt(Tx * (Tx + 2 * mx))
    scattering = sigxv0 * p * (mx + 2 * energy) / (4 * math.pi * Tx * mx)
    emitted = scattering * fermi_dirac_density(energy, _ALL_SPECIES) / (4 * math.pi)
    if per_momentum:
        emitted *= p / (Tx + mx)
    return emitted * geometry


@kernel()
def _look(t, Tx, mx, theta, phi, Rs, beta, Re, halo, d_cut, psi_out, energy, geometry):
    """`_point` of every direction."""
    for i in range(t.size):
        psi_out[i], energy[i], geometry[i] = _point(
            t[i], Tx[i], mx[i], theta[i], phi[i], Rs[i], beta[i], Re[i], halo, d_cut
        )


def sky_flux(
    t: ArrayLike,
    Tx: ArrayLike,
    mx: ArrayLike,
    theta: ArrayLike,
    phi: ArrayLike,
    Rs: ArrayLike,
    beta: ArrayLike,
    Re: ArrayLike,
    around: Surroundings,
    emission: Emission,
) -> Any:
    """`differential_flux` for any emission; arguments broadcast."""
    t, Tx, mx = real("t", t, "s"), not_negative("Tx", Tx, "MeV"), positive("mx", mx, "MeV")
    # The flat-sky recipe of the published set leads to distances beyond pi, where nothing shines.
    theta = angle("theta", theta, math.inf if emission.conventions.flat_sky else math.pi)
    phi, beta = real("phi", phi, "rad"), angle("beta", beta)
    Rs, Re = positive("Rs", Rs, "kpc"), positive("Re", Re, "kpc")
    shape, vectors = columns(t, Tx, mx, theta, phi, Rs, beta, Re)
    psi, energy, geometry = (np.empty(vectors[0].size) for _ in range(3))
    _look(*vectors, around.halo, around.d_cut, psi, energy, geometry)
    out = np.zeros(energy.size)
    seen = np.flatnonzero(np.isfinite(energy))
    emitted = emission(vectors[1][seen], vectors[2][seen], psi[seen], energy[seen])
    out[seen] = emitted * geometry[seen] * (constant.c / constant.kpc2cm**2)
    return handed_back(out, shape)


def differential_flux(
    t: ArrayLike,
    Tx: ArrayLike,
    mx: ArrayLike,
    theta: ArrayLike,
    phi: ArrayLike,
    Rs: ArrayLike,
    beta: ArrayLike,
    Re: ArrayLike = 8.5,
    sigxv0: float = 1e-45,
    is_spike: bool = False,
    *,
    profile: str = "nfw",
    spectrum: Spectrum | None = None,
    conventions: Conventions = STANDARD,
    **kwargs: Any,
) -> Any:
    """Flux per kinetic energy and solid angle, MeV^-1 cm^-2 s^-1 sr^-1; all positional arguments broadcast.

    0 where the recoil angle is impossible, for r <= r_cut and for d <= d_cut. Raises `PhysicsError` on bad arguments.

    Parameters
    ----------
    t : s after the arrival of the neutrinos; the flux is 0 for t <= 0
    Tx, mx : kinetic energy and mass of the dark matter, MeV
    theta, phi : angle from the supernova and azimuth about it (pi/2: towards the Galactic centre), rad
    Rs, Re : distances of supernova and Galactic centre, kpc
    beta : angle between the two, rad
    sigxv0 : cross section with neutrinos, cm^2
    profile, spectrum : see `nusky.bdm.halo` and `nusky.bdm.spectrum`
    **kwargs : d_cut, r_cut and the groups `halo` and `spike` of `params`
    """
    if not kwargs and spectrum is None and is_spike is False and profile == "nfw":
        numbers = _plain(t, Tx, mx, theta, phi, Rs, beta, Re, sigxv0, conventions.flat_sky)
        if numbers is not None:
            halo, d_cut = _default_halo(params.min_distance, params.halo, params.spike)
            scale = constant.c / constant.kpc2cm**2
            return _one(*numbers[:8], halo, d_cut, numbers[8], conventions.per_momentum) * scale
    around = surroundings(is_spike, profile, spectrum, kwargs)
    emission = Emission(ConstantCrossSection(sigxv0), around.spectrum, conventions)
    return sky_flux(t, Tx, mx, theta, phi, Rs, beta, Re, around, emission)


_NUMBERS = (int, float, np.float64)
_ALL_SPECIES = (1.0, 1.0, 1.0)


def _plain(*given: Any) -> list[float] | None:
    """The arguments of one direction as floats where all are single numbers within their ranges; None otherwise.

    A loop over the pixels of a map calls for one direction at a time, and the checks of arrays would take most of the
    time; whatever is not beyond doubt goes through them.
    """
    numbers = []
    for value in given[:-1]:
        if type(value) in _NUMBERS or (type(value) is np.ndarray and value.ndim == 0 and value.dtype.kind in "fi"):
            numbers.append(float(value))
        else:
            return None
    t, Tx, mx, theta, phi, Rs, beta, Re, sigxv0 = numbers
    good = (
        0 < Tx < math.inf
        and 0 < mx < math.inf
        and 0 < Rs < math.inf
        and 0 < Re < math.inf
        and 0 <= sigxv0 < math.inf
        and 0 <= theta <= (math.inf if given[-1] else math.pi)
        and 0 <= beta <= math.pi
        and -math.inf < phi < math.inf
        and -math.inf < t < math.inf
    )
    return numbers if good else None


@functools.lru_cache(maxsize=4)
def _default_halo(*groups: Any) -> tuple[Array, float]:
    """Halo vector and d_cut of the default parameters, as `surroundings` takes them; the groups are the key."""
    around = surroundings(False, "nfw", None, {})
    return around.halo, around.d_cut


def emissivity_jx(
    Ev: ArrayLike,
    dEv: ArrayLike,
    mx: ArrayLike,
    d: ArrayLike,
    r: ArrayLike,
    psi: ArrayLike,
    sigxv0: ArrayLike = 1e-45,
    d_cut: float = 3.24e-15,
    is_spike: bool = False,
    *,
    profile: str = "nfw",
    conventions: Conventions = STANDARD,
    **kwargs: Any,
) -> Any:
    """Emissivity integrated over the burst: n(r) 10 s F(Ev, d) sigxv0 g(psi) dEv, MeV^-1 cm^-3 sr^-1.

    dEv is dE_nu/dT_x (published: times v). Other arguments as `differential_flux`; r in kpc, keyword arguments of the
    groups `halo` and `spike`.
    """
    neutrinos = BURST_SECONDS * sn_nu_spectrum(Ev, d, d_cut, conventions=conventions)
    density: Array = nx(r, mx, is_spike, profile=profile, **kwargs)
    scattering = not_negative("sigxv0", sigxv0, "cm^2") * get_gx(Ev, mx, psi)
    return handed_back(density * neutrinos * scattering * real("dEv", dEv, ""))
