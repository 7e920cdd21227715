"""Spectra of neutrinos: what a flux is, wherever one is folded with the detector, drawn from or stated.

Everything else asks a spectrum for three things: its integrals over bins of energy, where inside a bin a share of the
integral lies, and, if a parameter of it is fitted, the same spectrum with another value. Another spectrum is another
subclass of `Spectrum`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV


@dataclass(frozen=True, kw_only=True)
class Spectrum(ABC):
    """A flux dN/dE = phi0 f(E) with f(100 TeV) = 1, inside a range of energies and 0 outside.

    Attributes
    ----------
    log10_limits : (low, high), log10(E/GeV)
        The range; all energies by default.
    """

    log10_limits: tuple[float, float] = (-np.inf, np.inf)

    @property
    @abstractmethod
    def parameter(self) -> float:
        """Value of the parameter that a fit may leave free."""

    @abstractmethod
    def at(self, parameter: float) -> "Spectrum":
        """The same spectrum with another value of its parameter."""

    @abstractmethod
    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """f(E) at energies [GeV], dimensionless; the range is not looked at."""

    @abstractmethod
    def _integrals(self, log10_energy_edges: NDArray) -> NDArray:
        """Integrals of f dE [GeV] between neighbouring edges."""

    @abstractmethod
    def _step(self, share: NDArray, low: NDArray, high: NDArray) -> NDArray:
        """Distance [dex] above `low` at which the `share` of the integral from `low` to `high` is reached."""

    def within(self, log10_limits: tuple[float, float]) -> "Spectrum":
        """The same spectrum in a range of energies, log10(E/GeV)."""
        return replace(self, log10_limits=log10_limits)

    def edges(self, log10_energy_edges: ArrayLike) -> NDArray:
        """Edges of bins, log10(E/GeV), those outside the range moved to its ends."""
        return np.clip(np.asarray(log10_energy_edges, dtype=float), *self.log10_limits)

    def integrals(self, log10_energy_edges: ArrayLike) -> NDArray:
        """Integrals of f(E) dE [GeV] between neighbouring edges (n + 1,), log10(E/GeV), within the range: (n,)."""
        return self._integrals(self.edges(log10_energy_edges))

    def quantile(self, share: ArrayLike, low: ArrayLike, high: ArrayLike) -> NDArray:
        """log10(E/GeV) up to which the `share` of the integral over a bin from `low` to `high` lies; all (n,)."""
        low, high = self.edges(low), self.edges(high)
        return low + self._step(np.asarray(share, dtype=float), low, high)


@dataclass(frozen=True)
class PowerLaw(Spectrum):
    """f(E) = (E / 100 TeV)^-gamma; any real number gamma, 1 included."""

    gamma: float

    @property
    def parameter(self) -> float:
        """gamma."""
        return self.gamma

    def at(self, parameter: float) -> "PowerLaw":
        """The power law of another index."""
        return replace(self, gamma=float(parameter))

    def shape(self, energy_gev: ArrayLike) -> NDArray:
        """(E / 100 TeV)^-gamma."""
        return (np.asarray(energy_gev, dtype=float) / PIVOT_ENERGY_GEV) ** -self.gamma

    def _integrals(self, log10_energy_edges: NDArray) -> NDArray:
        x = np.log(10.0) * (log10_energy_edges - np.log10(PIVOT_ENERGY_GEV))
        slope, width = 1.0 - self.gamma, np.diff(x)
        stretch = np.expm1(slope * width) / slope if slope != 0.0 else width
        return PIVOT_ENERGY_GEV * np.exp(slope * x[:-1]) * stretch

    def _step(self, share: NDArray, low: NDArray, high: NDArray) -> NDArray:
        slope = np.log(10.0) * (1.0 - self.gamma)
        width = high - low
        return np.log1p(share * np.expm1(slope * width)) / slope if slope != 0.0 else share * width


def power_laws(gammas: ArrayLike, log10_limits: tuple[float, float] | None = None) -> tuple[PowerLaw, ...]:
    """Power laws with the indices `gammas` (n,), of all energies or in a range of log10(E/GeV)."""
    limits = {} if log10_limits is None else {"log10_limits": log10_limits}
    return tuple(PowerLaw(float(gamma), **limits) for gamma in np.atleast_1d(gammas))


def parameters(spectra: Sequence[Spectrum]) -> NDArray:
    """The fitted parameter of each of `spectra`, (n_spectra,) float64."""
    return np.array([spectrum.parameter for spectrum in spectra], dtype=float)
