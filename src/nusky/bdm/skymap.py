"""Maps of boosted dark matter on the sky, in Galactic coordinates: l-b grids and HEALPix, at one energy or integrated.

In the standard conventions directions are those of the true sphere; in the published ones the flat-sky recipe of
`sky_angles`. Only directions in which something can arrive are computed.

An energy-integrated map is, direction by direction, an adaptive integral over T_x. At time t the dark matter seen in
a direction comes from a distance l that grows with T_x; the integral is split where that point passes the supernova
and the Galactic centre, and ends where the deflection becomes impossible, all known beforehand.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, common_shape, positive, real, tolerance
from nusky.bdm.coordinates import galactic_to_beta, sky_angles
from nusky.bdm.differential import neutrino_energy_at
from nusky.bdm.events import checked_energies
from nusky.bdm.flux import warn_of_error
from nusky.bdm.geometry import isochrone
from nusky.bdm.models import Boosted
from nusky.bdm.quadrature import Integrals, in_blocks, integrate
from nusky.bdm.times import KPC_PER_LIGHT_SECOND, get_thetaMax
from nusky.errors import PhysicsError
from nusky.files import atomic_path
from nusky.likelihood.compile import kernel
from nusky.units import direction

_N_EDGES = 4
_BLOCK = 20_000  # directions computed together
_MAX_DEGREE = 29  # of HEALPix resolution, 64-bit pixel numbers


@dataclass(frozen=True)
class GridMap:
    """A map on an l-b grid.

    Attributes
    ----------
    l, b : (n_l,) and (n_b,) float64, rad
        From -pi to pi and from -pi/2 to pi/2, both ends included.
    value : (n_l, n_b) float64
        MeV^-1 cm^-2 s^-1 sr^-1, or cm^-2 s^-1 sr^-1 of an energy-integrated map.
    """

    l: Array
    b: Array
    value: Array

    def integral(self) -> float:
        """Integral over the sphere by the trapezoidal rule, as good as the grid resolves the map."""
        return float(np.trapezoid(np.trapezoid(self.value, self.l, axis=0) * np.cos(self.b), self.b))


@dataclass(frozen=True)
class HealpixMap:
    """A HEALPix map of pixel centres.

    Attributes
    ----------
    value : (12 nside^2,) float64
        As `GridMap.value`, in the given pixel order.
    unit : FITS name of the unit
    parameters : what the map shows, for the FITS header
    """

    nside: int
    order: Literal["nested", "ring"]
    value: Array
    unit: str
    parameters: dict[str, float]

    def integral(self) -> float:
        """Integral over the sphere: the sum times the pixel area."""
        return float(self.value.sum() * 4 * math.pi / self.value.size)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a FITS file with the keywords HEALPix software looks for; atomic."""
        from astropy.io import fits

        column = fits.Column(name="FLUX", format="D", array=self.value, unit=self.unit)
        table = fits.BinTableHDU.from_columns([column], name="BDM_SKY")
        table.header.update(
            {
                "PIXTYPE": ("HEALPIX", "pixelisation"),
                "ORDERING": (self.order.upper(), "pixel order: RING or NESTED"),
                "COORDSYS": ("G", "Galactic coordinates"),
                "NSIDE": (self.nside, "resolution parameter"),
                "FIRSTPIX": 0,
                "LASTPIX": self.value.size - 1,
                "INDXSCHM": ("IMPLICIT", "one row per pixel"),
                "OBJECT": ("FULLSKY", "sky coverage"),
            }
        )
        table.header.update(self.parameters)
        with atomic_path(path) as temporary:
            fits.HDUList([fits.PrimaryHDU(), table]).writeto(temporary)


def grid_map(
    boosted: Boosted,
    supernova: Sequence[float],
    t: float,
    Tx: float | tuple[float, float],
    mx: float,
    n_l: int = 800,
    n_b: int = 400,
    **options: Any,
) -> GridMap:
    """Map on an l-b grid; arguments (s, MeV, rad) and options as `flux_towards`."""
    for name, size in (("n_l", n_l), ("n_b", n_b)):
        if not (isinstance(size, int | np.integer) and size >= 2):
            raise PhysicsError(f"{name} = {size!r} must be a whole number of at least 2 grid points.")
    l, b = np.linspace(-math.pi, math.pi, n_l), np.linspace(-math.pi / 2, math.pi / 2, n_b)
    return GridMap(l, b, flux_towards(boosted, supernova, l[:, None], b[None, :], t, Tx, mx, **options))


def healpix_map(
    boosted: Boosted,
    supernova: Sequence[float],
    t: float,
    Tx: float | tuple[float, float],
    mx: float,
    nside: int = 128,
    order: Literal["nested", "ring"] = "nested",
    **options: Any,
) -> HealpixMap:
    """HEALPix map of the flux at the pixel centres; arguments (s, MeV, rad) and options as `flux_towards`."""
    from astropy_healpix import HEALPix

    if order not in ("nested", "ring"):
        raise PhysicsError(f"order = {order!r} must be 'nested' or 'ring'.")
    if nside not in [2**degree for degree in range(_MAX_DEGREE + 1)]:
        raise PhysicsError(f"nside = {nside!r} must be a power of two from 1 to 2^{_MAX_DEGREE}.")
    grid = HEALPix(nside, order)
    l, b = grid.healpix_to_lonlat(np.arange(grid.npix))
    value = flux_towards(boosted, supernova, l.rad, b.rad, t, Tx, mx, **options)
    energies = {"TX": Tx} if np.ndim(Tx) == 0 else {"TX_MIN": Tx[0], "TX_MAX": Tx[1]}
    shown = {
        "TIME": t,
        **energies,
        "MX": mx,
        "SN_GLON": math.degrees(supernova[0]),
        "SN_GLAT": math.degrees(supernova[1]),
    }
    unit = "MeV-1 cm-2 s-1 sr-1" if np.ndim(Tx) == 0 else "cm-2 s-1 sr-1"
    return HealpixMap(nside, order, value, unit, shown)


def flux_towards(
    boosted: Boosted,
    supernova: Sequence[float],
    l: ArrayLike,
    b: ArrayLike,
    t: float,
    Tx: float | tuple[float, float],
    mx: float,
    *,
    GC_coord: Sequence[float] = (0, 0),
    rtol: float = 1e-6,
) -> Any:
    """Flux per solid angle from Galactic directions.

    Parameters
    ----------
    boosted : what arrives, see `nusky.bdm.models`; its `beta` must be the angle between `supernova` and `GC_coord`
    supernova, GC_coord : (l, b) of supernova and halo centre, rad
    l, b : directions, rad; they broadcast
    t : s after the arrival of the neutrinos
    Tx : kinetic energy, MeV, or a pair (low, high) over which to integrate
    mx : MeV
    rtol : relative accuracy of the integral over Tx

    Returns
    -------
    array in the broadcast shape, or a number: MeV^-1 cm^-2 s^-1 sr^-1, or cm^-2 s^-1 sr^-1 if Tx is a pair
    """
    l, b = map(np.asarray, direction(l, b, ("l", "b"), "galactic"))
    l_sn, b_sn = real("supernova", supernova, "rad")
    t, mx = real("t", t, "s").item(), positive("mx", mx, "MeV").item()
    beta = galactic_to_beta(l_sn, b_sn, GC_coord)
    if abs(beta - boosted.beta) > 1e-6:
        raise PhysicsError(
            f"the model has beta = {boosted.beta:g} rad, but the angle between the supernova at {tuple(supernova)} and "
            f"the centre at {tuple(GC_coord)} is {beta:g} rad; give both the same positions."
        )
    lowest = Tx if np.ndim(Tx) == 0 else checked_energies(Tx, "Tx")[0]
    shape = common_shape(l, b)
    seen = np.zeros(shape, dtype=bool)
    # The slowest dark matter arrives from the widest angle, and from somewhere as long as any does.
    reach = get_thetaMax(t, positive("Tx", lowest, "MeV"), mx, boosted.Rs) if t > 0 else math.nan
    if boosted.conventions.flat_sky:
        theta, phi = sky_angles(l, b, supernova, GC_coord, conventions=boosted.conventions)
        seen = np.atleast_1d(theta).reshape(shape) <= reach
    elif reach >= 0:
        # cos(theta) from factors in l and b alone: on a grid these are few.
        cosine = np.cos(b) * math.cos(b_sn) * np.cos(l - l_sn) + np.sin(b) * math.sin(b_sn)
        seen = cosine >= math.cos(reach) - 1e-9
    value = np.zeros(shape)
    if seen.any():
        angles = sky_angles(
            np.broadcast_to(l, shape)[seen],
            np.broadcast_to(b, shape)[seen],
            supernova,
            GC_coord,
            conventions=boosted.conventions,
        )
        theta, phi = map(np.atleast_1d, angles)
        if np.ndim(Tx) == 0:
            value[seen] = boosted.differential_flux(t, Tx, mx, theta, phi)
        else:
            value[seen] = _over_energies(boosted, t, checked_energies(Tx, "Tx"), mx, theta, phi, tolerance(rtol))
    return value if shape else value.item()


def _over_energies(
    boosted: Boosted, t: float, Tx: tuple[float, float], mx: float, theta: Array, phi: Array, rtol: float
) -> Array:
    narrow = boosted.narrow_energies(Tx[0], mx) if hasattr(boosted, "narrow_energies") else np.empty(0)

    def some(block: slice) -> Integrals:
        return _of_directions(boosted, t, Tx, mx, theta[block], phi[block], rtol, narrow)

    result = in_blocks(some, theta.size, _BLOCK)
    warn_of_error(result, rtol, "map integrated over energies")
    return result.value


def _of_directions(
    boosted: Boosted, t: float, Tx: tuple[float, float], mx: float, theta: Array, phi: Array, rtol: float, narrow: Array
) -> Integrals:
    edges = np.empty((theta.size, _N_EDGES + narrow.size))
    _energy_edges(theta, phi, KPC_PER_LIGHT_SECOND * t, *Tx, mx, boosted.Rs, boosted.Rg, boosted.beta, narrow, edges)
    low, high = edges[:, :-1].reshape(-1), edges[:, 1:].reshape(-1)
    direction = np.repeat(np.arange(theta.size), edges.shape[1] - 1)
    used = high > low
    low, high, direction = low[used], high[used], direction[used]
    if low.size == 0:
        return Integrals(np.zeros(theta.size), np.zeros(theta.size))

    def integrand(segment: np.ndarray, x: Array) -> Array:
        # The cubic gathers nodes at the ends, where the flux peaks.
        span = (high - low)[segment][:, None]
        energy = low[segment][:, None] + span * x * x * (3 - 2 * x)
        whose = direction[segment][:, None]
        flux = boosted.differential_flux(t, energy, mx, theta[whose], phi[whose])
        return np.reshape(flux, x.shape) * span * 6 * x * (1 - x)

    return integrate(integrand, direction, theta.size, rtol)


@kernel(inner=True)
def _arriving_energy(l, theta, ct, mx, Rs):
    """Kinetic energy with which dark matter boosted at distance l in direction theta arrives now; inf for none."""
    s2 = math.sin(theta / 2) ** 2
    d = math.sqrt((Rs - l) * (Rs - l) + 4 * Rs * l * s2)
    nearer = -4 * Rs * l * s2 / (Rs - l + d) if l < Rs else Rs - l - d
    excess = (ct + nearer) / l
    if not excess > 0:
        return math.inf
    return mx / (math.sqrt(excess * (2 + excess)) * (1 + excess + math.sqrt(excess * (2 + excess))))


@kernel(inner=True)
def _neutrino_energy(T, theta, ct, mx, Rs):
    """Energy of the neutrinos that boosted what arrives now with T from direction theta; inf if impossible."""
    p = math.sqrt(T * (T + 2 * mx))
    _, _, psi = isochrone(theta, ct / Rs, mx * mx / (p * (T + mx + p)))
    return neutrino_energy_at(T, mx, psi)


@kernel(inner=True)
def _bracket(low, high, energy, theta, ct, mx, Rs):
    """Logarithms of the kinetic energies between which that of the neutrinos, which grows with them, reaches `energy`.

    Larger energies come from farther off, at larger deflection: what is possible ends once, where it becomes infinite.
    """
    a, b = math.log(low), math.log(high)
    for _ in range(60):
        middle = 0.5 * (a + b)
        if _neutrino_energy(math.exp(middle), theta, ct, mx, Rs) < energy:
            a = middle
        else:
            b = middle
    return a, b


@kernel()
def _energy_edges(theta, phi, ct, low, high, mx, Rs, Re, beta, narrow, edges):
    """Ends of the parts of the energy range for every direction, ascending; all equal where nothing arrives."""
    for i in range(theta.size):
        edges[i] = low
        if theta[i] >= math.pi / 2 or _neutrino_energy(low, theta[i], ct, mx, Rs) == math.inf:
            continue
        last = high
        if _neutrino_energy(high, theta[i], ct, mx, Rs) == math.inf:
            last = math.exp(_bracket(low, high, math.inf, theta[i], ct, mx, Rs)[0])
        towards_centre = math.cos(theta[i]) * math.cos(beta) + math.sin(theta[i]) * math.sin(beta) * math.sin(phi[i])
        near_supernova = _arriving_energy(Rs * math.cos(theta[i]), theta[i], ct, mx, Rs)
        near_centre = math.inf
        if towards_centre > 0:
            near_centre = _arriving_energy(Re * towards_centre, theta[i], ct, mx, Rs)
        edges[i, 1] = min(max(min(near_supernova, near_centre), low), last)
        edges[i, 2] = min(max(max(near_supernova, near_centre), low), last)
        edges[i, 3] = last
        for k in range(narrow.size):
            a, b = _bracket(low, last, narrow[k], theta[i], ct, mx, Rs)
            edges[i, 4 + k] = min(max(math.exp(0.5 * (a + b)), low), last)
        edges[i] = np.sort(edges[i])
