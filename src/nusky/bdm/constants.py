"""Physical constants of the supernova-boosted dark matter calculation.

The literals are those the published numbers rest on (three to four digits); both sets of conventions use them, so
that every result can be compared. A caller who wants CODATA or IAU values passes masses and distances made with them.
"""

from types import MappingProxyType
from typing import Any


class _Literal:
    """A read-only attribute; mutable values are handed out as copies."""

    def __init__(self, value: Any, meaning: str) -> None:
        self._value = value
        self.__doc__ = meaning

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if isinstance(self._value, list):
            return list(self._value)
        if isinstance(self._value, MappingProxyType):
            return dict(self._value)
        return self._value

    def __set__(self, instance: object, value: Any) -> None:
        raise AttributeError("constants are read-only")


class Constants:
    """Read-only constants in the units of `nusky.bdm`: MeV, kpc, cm, s, solar masses."""

    perMeV2cm = _Literal(1.973e-11, "hbar c: centimetres per MeV^-1")
    md2MeVperCubicCM = _Literal(3.796e-5, "Msun/kpc^3 in MeV/cm^3")
    year2Seconds = _Literal(31556926, "s per year")
    erg2MeV = _Literal(6.241e5, "MeV per erg")
    kpc2cm = _Literal(3.085e21, "cm per kpc")
    c = _Literal(29979245800, "speed of light, cm/s")
    me = _Literal(0.511, "electron mass, MeV")
    mn = _Literal(939.5, "neutron mass, MeV")
    mp = _Literal(938.2, "proton mass, MeV")
    Msun = _Literal(1.115e60, "solar mass, MeV")
    Msun_kg = _Literal(1.981e30, "solar mass, kg")
    Mmw = _Literal(5.29e10, "stellar mass of the Milky Way, Msun")
    M_SgrA = _Literal(4.29e6, "mass of Sgr A*, Msun")
    Mhalo = _Literal(1.29e12, "mass of the Milky Way halo, Msun")
    Rhalo = _Literal(230.0, "radius of the Milky Way halo, kpc")
    sigma0 = _Literal(1e-35, "reference cross section, cm^2")
    H0 = _Literal(73.0, "Hubble constant, km/s/Mpc")
    rho_c = _Literal(1.5e-7, "critical density, Msun/pc^3")
    Lv = _Literal(3e52 / 6, "neutrino luminosity per species, erg/s")
    Omega_0m = _Literal(0.315, "matter density parameter")
    Omega_0L = _Literal(0.685, "dark energy density parameter")
    Omega_0r = _Literal(2.3e-3, "radiation density parameter")
    Omega_0 = _Literal(1.0, "total density parameter")
    D_H0 = _Literal(4280.0, "Hubble distance, Mpc")
    G = _Literal(4.301e-3, "gravitational constant, pc (km/s)^2/Msun")
    MagicalNumber = _Literal(2.572e-64, "kept for compatibility; used nowhere")
    SgrA_coord = _Literal(["17h45m40.0383s", "-29d00m28.069s", 8.13], "RA, Dec, distance in kpc")
    LMC_coord = _Literal(["05h23m34.5264s", "-69d45m22.053s", 49.97], "RA, Dec, distance in kpc")
    SN1987a_coord = _Literal(["05h35m27.8733s", "-69d16m10.478s", 51.4], "RA, Dec, distance in kpc")
    MW_profile = _Literal(
        MappingProxyType({"rhos": 184, "rs": 24.42, "n": 2, "mBH": 4.29e6, "rh": 2e-3}), "halo and spike, Milky Way"
    )
    LMC_profile = _Literal(
        MappingProxyType({"rhos": 68, "rs": 31.9, "n": 3, "mBH": 1e6, "rh": 8.4e-4}),
        "halo and spike, Large Magellanic Cloud",
    )


constant = Constants()

SCHWARZSCHILD_CM_PER_KG = 1.48e-25  # 2 G / c^2
BURST_SECONDS = 10.0  # length of the neutrino burst; with six species of `Lv` it releases 3e53 erg
