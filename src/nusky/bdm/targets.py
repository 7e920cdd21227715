"""The detector's targets: what flux and cross section need to know of them, for total rates and recoil spectra.

A target has a mass `mt` in MeV, `total(Tx, mx, recoil_above)` with the cross section in cm^2 for recoils above a
kinetic energy in MeV, and `recoil(Tx, mx, T)` with d(sigma)/dT_recoil in cm^2/MeV. `TargetAmplitude` is one,
`IsotropicTarget` the one for cross sections without an amplitude.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from nusky.bdm.checks import Array
from nusky.bdm.cross_sections import largest_recoil, smallest_energy
from nusky.bdm.dependencies import fresh
from nusky.bdm.geometry import Source
from nusky.bdm.problem import Emission, Surroundings
from nusky.bdm.quadrature import Integrals, Interpolant, integrate


class Target(Protocol):
    """See the module's text."""

    mt: float

    def total(self, Tx: Array, mx: Array, recoil_above: float = 0.0) -> Integrals:
        """Cross section, cm^2, of recoils above a threshold; energies and mass in MeV."""
        ...

    def recoil(self, Tx: Array, mx: Array, recoil: Array | float) -> Integrals:
        """d(sigma)/dT_recoil, cm^2 MeV^-1, at recoil energies; energies and masses in MeV, all broadcast."""
        ...


class Problem(NamedTuple):
    """Everything that decides how many recoils there are, per target."""

    place: Source
    around: Surroundings
    emission: Emission
    target: Target


class IsotropicTarget:
    """sigma(Tx, mx) in cm^2 with isotropic scattering in the centre of mass: recoils are uniform up to the largest.

    An optional form factor F(q), q in MeV, multiplies the recoil spectrum with F^2; `sigma` is then that of a point.
    """

    def __init__(
        self, sigma: Callable[[Array, Array], Array], mt: float, form_factor: Callable[[Array], Array] | None
    ) -> None:
        self._sigma, self.mt, self._form_factor = sigma, mt, form_factor

    def point(self, Tx: Array, mx: Array) -> Array:
        """sigma(Tx, mx) of a point-like target, cm^2; energies and masses in MeV, of one shape."""
        return self._sigma(Tx, mx)

    def suppression(self, recoil: Array) -> Array | float:
        """F^2 at recoil energies in MeV."""
        return 1.0 if self._form_factor is None else np.square(fresh(self._form_factor)(np.sqrt(2 * self.mt * recoil)))

    def total(self, Tx: Array, mx: Array, recoil_above: float = 0.0) -> Integrals:
        """See `Target.total`."""
        Tx, mx = np.broadcast_arrays(np.asarray(Tx, dtype=np.float64), mx)
        limit = np.asarray(largest_recoil(Tx, mx, self.mt)).reshape(Tx.shape)
        sigma = self._sigma(Tx, mx)
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = np.where(limit > recoil_above, recoil_above / limit, 1.0)
        share = 1 - lost
        if self._form_factor is not None:
            share = share * self._mean_square(limit, recoil_above)
        return Integrals(sigma * share, np.zeros(Tx.shape))

    def recoil(self, Tx: Array, mx: Array, recoil: Array | float) -> Integrals:
        """See `Target.recoil`."""
        Tx, mx, recoil = np.broadcast_arrays(np.asarray(Tx, dtype=np.float64), mx, recoil)
        limit = np.asarray(largest_recoil(Tx, mx, self.mt)).reshape(Tx.shape)
        with np.errstate(divide="ignore"):
            out = np.where(recoil <= limit, self._sigma(Tx, mx) / limit, 0.0)
        return Integrals(out * self.suppression(recoil), np.zeros(Tx.shape))

    def _mean_square(self, limit: Array, above: float) -> Array:
        """Mean of F^2 over the recoils from `above` to `limit`."""
        flat = np.maximum(limit.reshape(-1), above)

        def integrand(segment: np.ndarray, x: Array) -> Array:
            recoil = above + (flat[segment] - above)[:, None] * x
            return self.suppression(recoil)

        return integrate(integrand, np.arange(flat.size), flat.size, 1e-10).value.reshape(limit.shape)


def rate_cross_section(
    target: Target, mx: float, low: float, high: float, above: float, rtol: float
) -> Interpolant | None:
    """Cross section, cm^2, against T for recoils above a threshold, from the lowest energy that counts; None if none
    does. Energies and mass in MeV."""
    if above > 0:
        low = max(low, smallest_energy(above, mx, target.mt) * (1 + 1e-14))
    if not low < high:
        return None
    return Interpolant(lambda Tx: target.total(Tx, np.full(Tx.shape, mx), above), low, high, rtol)


def recoil_cross_section(
    target: Target, mx: float, low: float, high: float, recoil: float, rtol: float
) -> Interpolant | None:
    """d(sigma)/dT_recoil, cm^2 MeV^-1, against T, from the lowest energy that counts; None if none does. Energies and
    mass in MeV."""
    low = max(low, smallest_energy(recoil, mx, target.mt) * (1 + 1e-14))
    if not low < high:
        return None
    return Interpolant(lambda Tx: target.recoil(Tx, np.full(Tx.shape, mx), recoil), low, high, rtol)
