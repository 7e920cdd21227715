"""The flux of boosted dark matter from one direction at one time.

dPhi/(dT dOmega) = n(r) F(E_nu, d) S(T, psi) c v/(1 - v cos(psi)) at the point of the line of sight whose signal arrives
at time t, F the fluence per area; published: times v once more (`Conventions.per_momentum`).
"""

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
from nusky.bdm.problem import Emission, Surroundings, surroundings
from nusky.bdm.spectrum import Spectrum, sn_nu_spectrum
from nusky.bdm.times import KPC_PER_LIGHT_SECOND
from nusky.likelihood.compile import kernel


@kernel()
def arrival_weight(psi, excess):
    """v/(1 - v cos(psi)) with 1/v - 1 = excess."""
    sine = math.sin(psi / 2)
    return 1 / (excess + 2 * sine * sine)


@kernel()
def neutrino_energy_at(Tx, mx, psi):
    """Neutrino energy in MeV, or inf where the recoil angle is impossible."""
    p = math.sqrt(Tx * (Tx + 2 * mx))
    sine = math.sin(psi / 2)
    excess = 2 * Tx * mx / (p + Tx) - 2 * p * sine * sine
    return Tx * mx / excess if excess > 0 else math.inf


@kernel()
def _look(t, Tx, mx, theta, phi, Rs, beta, Re, halo, d_cut, psi_out, energy, geometry):
    """Deflection, neutrino energy (inf if dark) and n v/(1 - v cos(psi))/d^2 in cm^-3 kpc^-2 of every direction."""
    for i in range(t.size):
        energy[i], geometry[i], psi_out[i] = math.inf, 0.0, 0.0
        if t[i] <= 0 or Tx[i] <= 0 or theta[i] >= math.pi / 2:
            continue
        p = math.sqrt(Tx[i] * (Tx[i] + 2 * mx[i]))
        excess = mx[i] * mx[i] / (p * (Tx[i] + mx[i] + p))
        l, d, psi = isochrone(theta[i], KPC_PER_LIGHT_SECOND * t[i] / Rs[i], excess)
        Ev = neutrino_energy_at(Tx[i], mx[i], psi)
        l, d = l * Rs[i], d * Rs[i]
        if Ev == math.inf or d <= d_cut:
            continue
        if d < l:
            r_min, r_max = ring_distances(d, psi - theta[i], *centre_from_supernova(Rs[i], Re[i], beta[i]))
        else:
            r_min, r_max = ring_distances(l, theta[i], Re[i], beta[i])
        sine = math.sin((phi[i] - math.pi / 2) / 2)
        r = math.sqrt(r_min * r_min + (r_max * r_max - r_min * r_min) * sine * sine)
        if r <= halo[R_CUT] or r == 0:
            continue
        psi_out[i], energy[i] = psi, Ev
        geometry[i] = number_density(r, mx[i], halo) * arrival_weight(psi, excess) / (d * d)


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
    around = surroundings(is_spike, profile, spectrum, kwargs)
    emission = Emission(ConstantCrossSection(sigxv0), around.spectrum, conventions)
    return sky_flux(t, Tx, mx, theta, phi, Rs, beta, Re, around, emission)


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
