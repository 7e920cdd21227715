"""When boosted dark matter arrives, and from where; times in s after the neutrinos, distances in kpc, angles in rad.

Everything follows from i = 1/v - 1 = m^2/(p (E + p)) and tau = c t / R_s, the time in units of the light travel time.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, common_shape, handed_back, not_negative
from nusky.bdm.constants import constant
from nusky.bdm.kinematics import momentum

KPC_PER_LIGHT_SECOND = constant.c / constant.kpc2cm


def slowness_excess(Tx: ArrayLike, mx: ArrayLike) -> Any:
    """1/v - 1 = m^2 / (p (E + p)) for MeV; 0 for massless particles, inf at rest."""
    p, energy = momentum(Tx, mx), np.add(Tx, mx)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(mx) > 0, np.square(mx) / (p * (energy + p)), 0.0)


def travel_time(Rs: ArrayLike) -> Any:
    """Light travel time over Rs, s."""
    return np.asarray(Rs, dtype=np.float64) / KPC_PER_LIGHT_SECOND


def vanishing_ratio(Tx: ArrayLike, mx: ArrayLike) -> Any:
    """t_van in units of the light travel time: sqrt(1 + m/(2 T)) - 1 without cancellation; T and m in MeV."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(np.asarray(mx) > 0, np.divide(mx, np.multiply(2.0, Tx)), 0.0)
        return np.where(np.isinf(x), np.inf, x / (np.sqrt(1 + x) + 1))


def get_tvan(Tx: ArrayLike, mx: ArrayLike, Rs: ArrayLike) -> Any:
    """Time after which no dark matter of kinetic energy Tx arrives, s: t_v (sqrt(1 + m/(2T)) - 1), t_v = Rs/c.

    0 for mx = 0 and inf for Tx = 0.
    """
    Tx, mx, Rs = not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV"), not_negative("Rs", Rs, "kpc")
    common_shape(Tx, mx, Rs)
    return handed_back(travel_time(Rs) * vanishing_ratio(Tx, mx))


def _get_tof(Tx: ArrayLike, mx: ArrayLike, Rs: ArrayLike) -> tuple[Any, Any]:
    """(t_peak, t_van) in s: arrival of dark matter boosted at the supernova itself, and end of the signal."""
    Tx, mx, Rs = not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV"), not_negative("Rs", Rs, "kpc")
    common_shape(Tx, mx, Rs)
    return handed_back(travel_time(Rs) * slowness_excess(Tx, mx)), get_tvan(Tx, mx, Rs)


def theta_range(tau: Array, Tx: Array, mx: Array) -> tuple[Array, Array]:
    """Lowest and highest angle from the supernova with emission at tau = c t/R_s; equal and NaN after t_van.

    theta_0 -+ arccos[(1 + tau)/(1 + tau_van)], theta_0 = atan2(m/(T + 2 m), sin(psi_max)/v); the lower edge is 0
    until the arrival of what was boosted at the supernova.
    """
    tau_van, excess = vanishing_ratio(Tx, mx), slowness_excess(Tx, mx)
    with np.errstate(invalid="ignore", divide="ignore"):
        # sin(psi_max)/v = sqrt(2 m/(T + 2 m)) (T + m)/p
        centre = np.arctan2(mx / (Tx + 2 * mx), np.sqrt(2 * mx / (Tx + 2 * mx)) * (1 + excess))
        half = 2 * np.arcsin(np.sqrt((tau_van - tau) / (2 * (1 + tau_van))))
        low = np.where(tau <= excess, 0.0, np.maximum(centre - half, 0.0))
        return np.where(tau <= tau_van, low, np.nan), np.where(tau <= tau_van, centre + half, np.nan)


def get_thetaMax(t: ArrayLike, Tx: ArrayLike, mx: ArrayLike, Rs: ArrayLike) -> Any:
    """Largest angle from the supernova, rad, at which dark matter of energy Tx arrives at time t; NaN after t_van."""
    t, Tx, mx = not_negative("t", t, "s"), not_negative("Tx", Tx, "MeV"), not_negative("mx", mx, "MeV")
    Rs = not_negative("Rs", Rs, "kpc")
    common_shape(t, Tx, mx, Rs)
    with np.errstate(invalid="ignore", divide="ignore"):
        return handed_back(theta_range(t / travel_time(Rs), Tx, mx)[1])
