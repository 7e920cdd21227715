"""Dark matter halos: four profiles, the spike about a central black hole, annihilation.

Radii in kpc, densities in MeV/cm^3, number densities in cm^-3, black hole masses in Msun, ages in yr, `sigv` in units
of 1e-26 cm^3/s. Spike: Gondolo and Silk, PRL 83 (1999) 1719; matching to the halo as in Cline and Puel, JCAP 06 (2023)
004. With x = r/rs the profiles are

- 'nfw': rhos / [x (1 + x)^n]
- 'gnfw': rhos / [x^n (1 + x)^(3 - n)], n < 2.5
- 'burkert': rhos / [(1 + x) (1 + x^2)]
- 'einasto': rhos exp[-(2/n) (x^n - 1)]
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, FlagError, broadcast, common_shape, flag, handed_back, not_negative, positive, real
from nusky.bdm.constants import SCHWARZSCHILD_CM_PER_KG, constant
from nusky.bdm.params import params
from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel

PROFILES = {"nfw": 0, "gnfw": 1, "burkert": 2, "einasto": 3}
SLOPES = {"3/2": 1.5, "7/3": 7 / 3}

_KEYWORDS = ("r_cut", "rhos", "rs", "n", "mBH", "tBH", "rh", "alpha", "sigv")

# Layout of the vector that describes a halo to the kernels.
_PROFILE, _RHOS, _RS, _N, _SLOPE, _INNER, _RH, _OUTER, _NORM, _SATURATION = range(10)
R_CUT = 10
BREAKS = 11  # four radii, ascending, at which the density is not smooth; 0 where there is none
N_BREAKS = 4


def M_sigma(mBH: ArrayLike) -> Any:
    """Velocity dispersion, km/s, of the bulge about a black hole: 200 (mBH/1.9e8)^(1/5.1)."""
    return handed_back(200 * (positive("mBH", mBH, "Msun") / 1.9e8) ** (1 / 5.1))


def radiusInfluence(mBH: ArrayLike) -> Any:
    """Radius of influence G mBH / sigma^2 of a black hole, kpc, with sigma from `M_sigma`."""
    mBH = positive("mBH", mBH, "Msun")
    return handed_back(constant.G * mBH / np.square(M_sigma(mBH)) * 1e-3)


def radiusSchwarzschild(mBH: ArrayLike) -> Any:
    """Schwarzschild radius of a black hole, kpc."""
    return handed_back(positive("mBH", mBH, "Msun") * constant.Msun_kg * SCHWARZSCHILD_CM_PER_KG / constant.kpc2cm)


class HaloSpike:
    """The spike about a black hole of mass mBH and age tBH, with slope alpha ('3/2' or '7/3').

    Attributes: mBH (Msun), tBH (yr), alpha; rh, the radius of influence in kpc, which can be set (None: back to the
    M-sigma relation); Rs, the Schwarzschild radius in kpc; norm, rho r^alpha beyond the horizon in MeV kpc^(alpha - 3).
    Calling it with (r, mx, sigv, rhos, rs, n) gives the number density in cm^-3, of spike and NFW halo.
    """

    def __init__(self, mBH: float, tBH: float, alpha: str) -> None:
        if alpha not in SLOPES:
            raise FlagError(f"alpha = {alpha!r} must be '3/2' or '7/3' (a string).")
        self.mBH = float(positive("mBH", mBH, "Msun"))
        self.tBH = float(not_negative("tBH", tBH, "yr"))
        self.alpha = alpha
        self.rh = None

    @property
    def rh(self) -> float:
        """Radius of influence of the black hole, kpc."""
        return self._rh

    @rh.setter
    def rh(self, value: float | None) -> None:
        self._rh = radiusInfluence(self.mBH) if value is None else float(positive("rh", value, "kpc"))

    @property
    def Rs(self) -> float:
        """Schwarzschild radius of the black hole, kpc."""
        return radiusSchwarzschild(self.mBH)

    @property
    def norm(self) -> float:
        """Factor N of N r^-a (1 - 4 Rs/r)^3, MeV kpc^(a - 3): between 4 Rs and `rh` lies the mass of the black hole."""
        horizon, a = self.Rs, SLOPES[self.alpha]

        def mass(r: float) -> float:
            """Integral of r^(2 - a) (1 - 4 Rs/r)^3."""
            cubic = r**3 / (3 - a) + 12 * horizon * r**2 / (a - 2) - 48 * horizon**2 * r / (a - 1) + 64 * horizon**3 / a
            return r**-a * cubic

        if self.rh <= 4 * horizon:
            raise PhysicsError(f"rh = {self.rh:g} kpc must exceed four Schwarzschild radii, {4 * horizon:g} kpc.")
        return self.mBH * constant.Msun / (4 * math.pi * (mass(self.rh) - mass(4 * horizon)))

    def radius(self, rhos: float, rs: float) -> float:
        """Radius of the spike in kpc, where it meets rhos rs/r."""
        matched = (self.norm / (rhos * constant.kpc2cm**3 * rs)) ** 0.75
        return matched * self.rh**0.625 if self.alpha == "3/2" else matched

    def __call__(
        self, r: ArrayLike, mx: ArrayLike, sigv: float | None, rhos: float, rs: float, n: float, profile: str = "nfw"
    ) -> Any:
        return _density(r, mx, halo_vector(profile, rhos, rs, n, self, sigv))


def halo_vector(
    profile: str, rhos: float, rs: float, n: float, spike: HaloSpike | None, sigv: float | None, r_cut: float = 0.0
) -> Array:
    """The halo as the kernels take it; rhos in MeV/cm^3, rs and r_cut in kpc, sigv in 1e-26 cm^3/s, n an index."""
    if profile not in PROFILES:
        raise PhysicsError(f"profile = {profile!r} must be one of {', '.join(PROFILES)}.")
    if spike is not None and profile != "nfw":
        raise PhysicsError(f"profile = {profile!r} has no spike; the matching is that of 'nfw'.")
    rhos, rs = float(not_negative("rhos", rhos, "MeV/cm^3")), float(positive("rs", rs, "kpc"))
    n, r_cut = float(real("n", n, "")), float(not_negative("r_cut", r_cut, "kpc"))
    if (profile == "gnfw" and not 0 <= n < 2.5) or (profile == "einasto" and not n > 0):
        raise PhysicsError(f"n = {n:g} is outside the range of profile '{profile}'.")
    halo = np.zeros(BREAKS + N_BREAKS)
    halo[: _N + 1] = PROFILES[profile], rhos, rs, n
    halo[_SATURATION], halo[R_CUT] = np.inf, r_cut
    radii = [r_cut]
    if spike is not None and rhos > 0:
        inner, outer = 4 * spike.Rs, spike.radius(rhos, rs)
        halo[_SLOPE : _NORM + 1] = SLOPES[spike.alpha], inner, spike.rh, outer, spike.norm / constant.kpc2cm**3
        radii += [inner, outer] + ([spike.rh] if spike.alpha == "3/2" else [])
        if sigv is not None and not_negative("sigv", sigv, "1e-26 cm^3/s") > 0 and spike.tBH > 0:
            halo[_SATURATION] = 1 / (sigv * 1e-26 * spike.tBH * constant.year2Seconds)
    # Nothing happens inside r_cut, so breaks below it do not matter.
    radii = sorted(radius for radius in radii if radius >= r_cut)
    halo[BREAKS + N_BREAKS - len(radii) :] = radii
    return halo


def halo_from_keywords(is_spike: bool, profile: str, keywords: dict[str, Any], model_ignores_rh: bool = False) -> Array:
    """The halo of a merged dictionary of the groups min_distance (r_cut), halo and spike. Not to be written to."""
    values = tuple(keywords[key] for key in _KEYWORDS)
    try:
        return _known_halo(flag("is_spike", is_spike), profile, model_ignores_rh, *values)
    except TypeError as error:
        raise PhysicsError(f"halo parameters must be plain numbers, alpha a string ({error}).") from error


@functools.lru_cache(maxsize=64)
def _known_halo(
    is_spike: bool,
    profile: str,
    model_ignores_rh: bool,
    r_cut: float,
    rhos: float,
    rs: float,
    n: float,
    mBH: float,
    tBH: float,
    rh: float | None,
    alpha: str,
    sigv: float | None,
) -> Array:
    # A wrong black hole is an error even where there is no spike to use it.
    spike = HaloSpike(mBH, tBH, alpha)
    if not model_ignores_rh:
        spike.rh = rh
    return halo_vector(profile, rhos, rs, n, spike if is_spike else None, sigv, r_cut)


@kernel()
def number_density(r, mx, halo):
    """n(r) in cm^-3 of dark matter of mass mx; spike and annihilation as the halo vector says."""
    x = r / halo[_RS]
    if halo[_SLOPE] > 0 and r < halo[_OUTER]:
        if r < halo[_INNER]:
            return 0.0
        if halo[_SLOPE] < 2 and r >= halo[_RH]:
            rho = halo[_NORM] * halo[_RH] ** (7 / 3 - 1.5) * r ** (-7 / 3)
        else:
            hole = 1 - halo[_INNER] / r
            decline = 1 / (r * math.sqrt(r)) if halo[_SLOPE] < 2 else r ** (-7 / 3)
            rho = halo[_NORM] * hole * hole * hole * decline
    elif halo[_PROFILE] == 0:
        power = (1 + x) * (1 + x) if halo[_N] == 2 else (1 + x) ** halo[_N]
        rho = halo[_RHOS] / (x * power)
    elif halo[_PROFILE] == 1:
        rho = halo[_RHOS] / (x ** halo[_N] * (1 + x) ** (3 - halo[_N]))
    elif halo[_PROFILE] == 2:
        rho = halo[_RHOS] / ((1 + x) * (1 + x * x))
    else:
        rho = halo[_RHOS] * math.exp(-2 / halo[_N] * (x ** halo[_N] - 1))
    n = rho / mx
    if halo[_SATURATION] == math.inf:
        return n
    return halo[_SATURATION] if n == math.inf else n * halo[_SATURATION] / (n + halo[_SATURATION])


@kernel()
def _densities(r, mx, halo, out):
    for i in range(r.size):
        out[i] = number_density(r[i], mx[i], halo)


def _density(r: ArrayLike, mx: ArrayLike, halo: Array) -> Any:
    r, mx = broadcast(not_negative("r", r, "kpc"), positive("mx", mx, "MeV"))
    out = np.empty(r.size)
    _densities(np.array(r).reshape(-1), np.array(mx).reshape(-1), halo, out)
    return handed_back(out, r.shape)


def rhox(r: ArrayLike, rhos: ArrayLike, rs: ArrayLike, n: ArrayLike) -> Any:
    """Density rhos / [(r/rs) (1 + r/rs)^n] in the unit of rhos, inf at r = 0; r and rs in kpc."""
    r, rs = not_negative("r", r, "kpc"), positive("rs", rs, "kpc")
    rhos, n = not_negative("rhos", rhos, "MeV/cm^3"), real("n", n, "")
    common_shape(r, rhos, rs, n)
    x = r / rs
    with np.errstate(divide="ignore"):
        return handed_back(rhos / (x * (1 + x) ** n))


def nx(r: ArrayLike, mx: ArrayLike, is_spike: bool = False, *, profile: str = "nfw", **kwargs: Any) -> Any:
    """Number density, cm^-3, of dark matter of mass mx (MeV) at radius r (kpc); inf at the centre of a cusp.

    Keyword arguments: the groups `halo` (rhos, rs, n) and `spike` (mBH, tBH, rh, alpha, sigv) of `params`.
    """
    keywords = params.merge("halo", "spike", **kwargs)
    return _density(r, mx, halo_from_keywords(is_spike, profile, {**keywords, "r_cut": 0.0}))
