"""Neutrinos from the supernova: spectra by energy in MeV, fluence per MeV over the whole burst.

A spectrum is any object or function that turns an array of neutrino energies in MeV into the number of neutrinos
emitted per MeV, all species together, over the burst. It must vanish fast enough at high energies.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

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
_LUMINOSITY = constant.Lv * constant.erg2MeV  # MeV/s of a species
_F2_OF_3 = 18.9686  # Fermi-Dirac integral of order 2 at 3


@kernel(inner=True)
def _species_sum(energy, weights):
    """Sum over the species of weight f(E)/<E>, MeV^-2; a species ends at E/T - 3 = 300."""
    total = 0.0
    for k in range(3):
        temperature, mean, number = _SPECIES[k]
        x = energy / temperature - 3
        if x < 300:
            density = energy**2 / (_F2_OF_3 * temperature**3 * (math.exp(x) + 1))
            total += weights[k] * number * density / mean
    return total


@kernel(inner=True)
def fermi_dirac_density(energy, weights):
    """Neutrinos per MeV of `FermiDirac` with these weights of its species, at one energy in MeV."""
    return BURST_SECONDS * (_LUMINOSITY * _species_sum(energy, weights))


@kernel()
def _fermi_dirac(energy, weights, out):
    for i in range(energy.size):
        out[i] = _species_sum(energy[i], weights)


def _rate(Ev: Array, weights: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Array:
    """Neutrinos emitted per MeV and second."""
    out = np.empty(Ev.size)
    _fermi_dirac(np.array(Ev, dtype=np.float64).reshape(-1), weights, out)
    return _LUMINOSITY * out.reshape(Ev.shape)


@dataclass(frozen=True)
class FermiDirac:
    """Neutrinos per MeV of 3e53 erg in six species of equal luminosity, pinched Fermi-Dirac spectra.

    nu_e, anti_nu_e, nu_x : factors on the species; nu_x stands for the four others
    """

    nu_e: float = 1.0
    anti_nu_e: float = 1.0
    nu_x: float = 1.0
    smooth: ClassVar[bool] = True

    def __call__(self, Ev: Array) -> Array:
        return BURST_SECONDS * _rate(np.asarray(Ev), (float(self.nu_e), float(self.anti_nu_e), float(self.nu_x)))

    def coupled(self, weights: "Weights") -> "FermiDirac":
        """The spectrum with every species multiplied by its weight."""
        return FermiDirac(*(w * own for w, own in zip(weights, (self.nu_e, self.anti_nu_e, self.nu_x), strict=True)))


fermi_dirac_fluence = FermiDirac()


class Weights(NamedTuple):
    """How strongly each species couples, relative to coupling 1; nu_x stands for the four others."""

    nu_e: float
    anti_nu_e: float
    nu_x: float


OSCILLATIONS = ("none", "normal", "inverted")
# sin^2 of theta_12, theta_23, theta_13 and delta_CP in degrees: NuFIT 5.2 (2022), with Super-Kamiokande,
# Esteban et al., JHEP 09 (2020) 178
_MIXING = {"normal": (0.303, 0.451, 0.02225, 232.0), "inverted": (0.303, 0.569, 0.02223, 276.0)}
# Mass states (from 0) in which nu_e and anti-nu_e leave the star after adiabatic conversion: Dighe and Smirnov,
# Phys. Rev. D 62 (2000) 033007
_LEAVES_AS = {"normal": (2, 0), "inverted": (1, 2)}


def mixing_probabilities(ordering: str) -> Array:
    """|U_ai|^2 of flavours a = e, mu, tau (rows) and mass states i = 1, 2, 3 for a mass ordering."""
    s12, s23, s13 = (math.sqrt(square) for square in _MIXING[ordering][:3])
    c12, c23, c13 = (math.sqrt(1 - square) for square in _MIXING[ordering][:3])
    phase = np.exp(1j * math.radians(_MIXING[ordering][3]))
    matrix = np.array(
        [
            [c12 * c13, s12 * c13, s13 / phase],
            [-s12 * c23 - c12 * s23 * s13 * phase, c12 * c23 - s12 * s23 * s13 * phase, s23 * c13],
            [s12 * s23 - c12 * c23 * s13 * phase, -c12 * s23 - s12 * c23 * s13 * phase, c23 * c13],
        ]
    )
    return np.abs(matrix) ** 2


def flavour_weights(charges: Sequence[float], oscillation: str = "none") -> Weights:
    """Weights (no unit) of the emitted species for couplings proportional to `charges` (3,) of nu_e, nu_mu, nu_tau.

    `oscillation` "none" leaves flavours as they are emitted. "normal" and "inverted" take the adiabatic conversion in
    the star for that mass ordering: neutrinos reach the halo as mass states i, which scatter as
    <i|Q^2|i> = Sum_a |U_ai|^2 Q_a^2, summed over what they turn into. nu_mu and nu_tau are emitted alike.
    """
    squares = np.square(real("charges", charges, ""))
    if squares.shape != (3,):
        raise PhysicsError(f"charges = {charges!r} must be three numbers, of nu_e, nu_mu and nu_tau.")
    if oscillation not in OSCILLATIONS:
        raise PhysicsError(f"oscillation = {oscillation!r} must be one of {', '.join(OSCILLATIONS)}.")
    if oscillation == "none":
        return Weights(*squares[[0, 0]].tolist(), float((squares[1] + squares[2]) / 2))
    state = squares @ mixing_probabilities(oscillation)
    neutrino, anti = _LEAVES_AS[oscillation]
    others = (2 * state.sum() - state[neutrino] - state[anti]) / 4
    return Weights(float(state[neutrino]), float(state[anti]), float(others))


def coupled_spectrum(spectrum: Spectrum, weights: Weights) -> Spectrum:
    """`spectrum` with its species weighted; refused where it does not tell them apart."""
    if not hasattr(spectrum, "coupled"):
        raise PhysicsError(
            "the neutrino spectrum holds all species together, but they couple differently; give FermiDirac, an "
            "AlphaFit whose flavours name their species, or an object with a method coupled(weights)."
        )
    return spectrum.coupled(weights)


class Flavour(NamedTuple):
    """A species: emitted energy in erg, mean neutrino energy in MeV, pinching alpha, number of such species.

    `species` is one of nu_e, anti_nu_e and nu_x; it is needed where these couple differently.
    """

    energy_erg: float
    mean_mev: float
    alpha: float
    number: int = 1
    species: str = ""


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

    def coupled(self, weights: Weights) -> "AlphaFit":
        """The spectrum with every species multiplied by its weight; refused where a flavour does not name its own."""
        for flavour in self.flavours:
            if flavour.species not in Weights._fields:
                raise PhysicsError(
                    f"species = {flavour.species!r} of a Flavour must be one of {', '.join(Weights._fields)} where "
                    "species couple differently."
                )
        return AlphaFit([f._replace(energy_erg=f.energy_erg * getattr(weights, f.species)) for f in self.flavours])

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
