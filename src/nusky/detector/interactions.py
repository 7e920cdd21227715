"""Neutrinos that belong to gamma rays from proton-proton collisions, by the yields of aafragpy (QGSJET-II-04m).

A power law of protons with an exponential cut-off is fitted so that its gamma rays are those measured, and gives the
neutrinos; where that does not give them within 10 %, the power of the energy in the exponential is fitted, too.
aafragpy (MIT licence) is the extra `nusky[gamma-rays]`; cite Koldobskiy et al., Phys. Rev. D 104, 123027 (2021),
arXiv:2110.00496, and Kachelriess et al., Comput. Phys. Commun. 245, 106846 (2019), arXiv:1904.05129.
"""

import functools
import sys
import warnings
from types import ModuleType

import numpy as np

from nusky.detector.spectrum import Spectrum, TabulatedSpectrum
from nusky.errors import ConfigurationError, PhysicsError

PROTON_MAX_GEV = 1e11
"""Largest energy of protons, within aafragpy's tables."""
_PROTONS_PER_DEX, _POINTS_PER_DEX = 30, 12
_INDICES, _CUTOFFS, _POWERS = (1.2, 8.0), (1.0, 1e3), (0.5, 6.0)
_LEAST_CUTOFF = 0.05
"""Ranges of the fit: index of the protons, cut-off over the highest energy of the gamma rays, power of the cut-off.
Where the power is fitted, as the gamma rays themselves are cut off, the cut-off begins lower."""
_TOLERANCE, _NOTHING = 0.1, 1e-200
_INSIDE = 1e-9  # dex, so that rounding leaves no energy outside a table
_NEUTRINO_ENERGY = 0.5  # E_nu = E_gamma / 2, Ahlers and Murase, arXiv:1309.4077


def neutrinos_of(gamma_rays: Spectrum, label: str) -> TabulatedSpectrum:
    """Neutrinos of one flavour, nu + anti-nu after oscillation (a third of all), that belong to `gamma_rays`.

    At half the energies of the gamma rays, which are those of the spectrum's range.

    Parameters
    ----------
    gamma_rays : flux of gamma rays in units of its phi0, in a finite range of energies
    label : what the result is called

    Raises
    ------
    PhysicsError : the range is not finite, or no such protons give these gamma rays within 10 %.
    ConfigurationError : aafragpy is not installed.
    """

    from scipy.optimize import least_squares

    low, high = gamma_rays.log10_limits
    if not np.isfinite(high - low):
        raise PhysicsError(f"{label}: give the range of energies in which its gamma rays were measured.")
    proton, energy, of_gamma, of_neutrino = _yields(float(low), float(high))
    flux = gamma_rays.shape(energy)
    if not (flux > 0).all():
        raise PhysicsError(f"{label}: it has no gamma rays at {energy[np.argmin(flux)]:g} GeV. Give a narrower range.")
    wanted = np.log(flux)

    def protons(index: float, log_cutoff: float, power: float = 1.0) -> np.ndarray:
        return (proton / energy[0]) ** -index * np.exp(-((proton / np.exp(log_cutoff)) ** power))

    def off(parameters: np.ndarray) -> np.ndarray:
        difference = np.log(np.maximum(protons(*parameters) @ of_gamma, _NOTHING)) - wanted
        return difference - difference.mean()

    cutoffs = np.log(np.multiply(_CUTOFFS, energy[-1]))
    found = least_squares(off, (2.5, cutoffs.mean()), bounds=np.transpose([_INDICES, cutoffs]))
    if _worst(found.fun) > _TOLERANCE:
        bounds = np.transpose([_INDICES, np.log(np.multiply((_LEAST_CUTOFF, _CUTOFFS[1]), energy[-1])), _POWERS])
        found = least_squares(off, (2.0, cutoffs[0], 1.5), bounds=bounds)
    worst = _worst(found.fun)
    if worst > _TOLERANCE:
        raise PhysicsError(
            f"{label}: no power law of protons with a cut-off gives its gamma rays: the best is off by up to "
            f"{100 * worst:.0f} %. Give a narrower range of energies."
        )
    made = protons(*found.x)
    scale = np.exp(np.mean(wanted - np.log(made @ of_gamma)))
    return TabulatedSpectrum.of(energy * _NEUTRINO_ENERGY, scale * (made @ of_neutrino) / 3, label)


def _worst(off: np.ndarray) -> float:
    """Largest deviation of the gamma rays of fitted protons, from its logarithms."""
    return float(np.expm1(np.abs(off).max()))


@functools.lru_cache(maxsize=256)
def _yields(low: float, high: float) -> tuple[np.ndarray, ...]:
    """Energies of protons and gamma rays [GeV], and what turns fluxes of protons into those of gamma rays and of all
    neutrinos at half their energy: trapezoids in ln E times the cross sections."""
    module = _aafragpy()
    energy = np.logspace(low + _INSIDE, high - _INSIDE, max(8, int(_POINTS_PER_DEX * (high - low))))
    most = np.log10(PROTON_MAX_GEV)
    proton = np.logspace(low, most, int(_PROTONS_PER_DEX * (most - low)))
    step = np.gradient(np.log(proton))
    step[[0, -1]] /= 2
    made = []
    for secondary, at in (("gam", energy), ("nu_all", energy * _NEUTRINO_ENERGY)):
        cross_section, *_ = module.get_cross_section(secondary, "p-p", E_primaries=proton, E_secondaries=at)
        made.append((proton * step)[:, None] * np.nan_to_num(cross_section))
    return proton, energy, *made


def _aafragpy() -> ModuleType:
    path = list(sys.path)
    try:
        with warnings.catch_warnings():  # it would silence warnings and extend the path of everything else
            import aafragpy
    except ImportError:
        raise ConfigurationError(
            "neutrinos from proton-proton interactions need aafragpy: pip install 'nusky[gamma-rays]', or choose "
            "`hadronic_relation: kinematic`."
        ) from None
    finally:
        sys.path[:] = path
    return aafragpy
