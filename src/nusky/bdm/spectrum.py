"""Neutrinos from the supernova: spectra by energy in MeV, fluence per MeV over the whole burst.

A spectrum is any object or function that turns an array of neutrino energies in MeV into the number of neutrinos
emitted per MeV, all species together, over the burst. It must vanish fast enough at high energies.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, broadcast, handed_back, not_negative, positive, real
from nusky.bdm.constants import BURST_SECONDS, constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel

Spectrum = Callable[[Array], Array]

# Temperature and mean energy in MeV, number of species: nu_e, anti-nu_e, the four others; degeneracy 3.
_SPECIES = ((2.76, 11.0, 1.0), (4.01, 16.0, 1.0), (6.26, 25.0, 4.0))
_F2_OF_3 = 18.9686  # Fermi-Dirac integral of order 2 at 3


@kernel()
def _fermi_dirac(energy, out):
    """Sum over the species of f(E)/<E>, MeV^-2; a species ends at E/T - 3 = 300."""
    for i in range(energy.size):
        total = 0.0
        for temperature, mean, number in _SPECIES:
            x = energy[i] / temperature - 3
            if x < 300:
                density = energy[i] ** 2 / (_F2_OF_3 * temperature**3 * (math.exp(x) + 1))
                total += number * density / mean
        out[i] = total


def _rate(Ev: Array) -> Array:
    """Neutrinos emitted per MeV and second."""
    out = np.empty(Ev.size)
    _fermi_dirac(np.array(Ev, dtype=np.float64).reshape(-1), out)
    return constant.Lv * constant.erg2MeV * out.reshape(Ev.shape)


def fermi_dirac_fluence(Ev: Array) -> Array:
    """Neutrinos per MeV of 3e53 erg in six species of equal luminosity, pinched Fermi-Dirac spectra."""
    return BURST_SECONDS * _rate(Ev)


fermi_dirac_fluence.smooth = True  # no lines or edges; see `Emission.knots`


class Flavour(NamedTuple):
    """A species: emitted energy in erg, mean neutrino energy in MeV, pinching alpha, number of such species."""

    energy_erg: float
    mean_mev: float
    alpha: float
    number: int = 1


@dataclass(frozen=True)
class AlphaFit:
    """Spectra E^alpha exp[-(alpha + 1) E/<E>] per flavour (Keil, Raffelt and Janka, ApJ 590 (2003) 971)."""

    flavours: Sequence[Flavour]

    def __post_init__(self) -> None:
        if not self.flavours:
            raise PhysicsError("AlphaFit has no flavours; give at least one `Flavour`.")
        for flavour in self.flavours:
            not_negative("energy_erg", flavour.energy_erg, "erg")
            positive("mean_mev", flavour.mean_mev, "MeV")
            if not flavour.alpha > -1:
                raise PhysicsError(f"alpha = {flavour.alpha} must exceed -1 for the spectrum to be normalisable.")

    def __call__(self, Ev: ArrayLike) -> Array:
        Ev = np.asarray(Ev, dtype=np.float64)
        total = np.zeros(Ev.shape)
        with np.errstate(divide="ignore", under="ignore"):
            for flavour in self.flavours:
                shape = flavour.alpha + 1
                scaled = np.maximum(Ev, 0) * shape / flavour.mean_mev
                exponent = flavour.alpha * np.log(scaled) if flavour.alpha else 0.0
                density = np.exp(exponent - scaled - math.lgamma(shape)) * shape / flavour.mean_mev
                neutrinos = flavour.number * flavour.energy_erg * constant.erg2MeV / flavour.mean_mev
                total += neutrinos * np.where(Ev > 0, density, 0.0)
        return total


def sn_nu_spectrum(
    Ev: ArrayLike,
    d: ArrayLike,
    d_cut: float = 3.24e-15,
    is_density: bool = False,
    *,
    conventions: Conventions = STANDARD,
) -> Any:
    """Neutrino flux, MeV^-1 cm^-2 s^-1, of energy Ev (MeV) at distance d (kpc) from the supernova during the burst.

    `is_density` gives the number density, MeV^-1 cm^-3, instead. 0 for d <= d_cut and for Ev < 0 (published: the
    formula continued to negative energies).
    """
    Ev, d = broadcast(real("Ev", Ev, "MeV"), not_negative("d", d, "kpc"))
    d_cut = not_negative("d_cut", d_cut, "kpc")
    with np.errstate(divide="ignore", invalid="ignore"):
        flux = _rate(Ev) / (4 * math.pi * np.square(d * constant.kpc2cm))
    emitting = (d > d_cut) & (d > 0) & ((Ev >= 0) | conventions.negative_energy_emits)
    return handed_back(np.where(emitting, flux / constant.c if is_density else flux, 0.0))
