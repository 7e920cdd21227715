"""Strengths of a signal with everything that must be quoted beside them, in events and as fluxes."""

from dataclasses import asdict, dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.conventions import PIVOT_ENERGY_GEV
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError

ONE_FLAVOUR = "one flavour, nu + anti-nu"


@dataclass(frozen=True)
class SignalStrength:
    """A number of signal events and what it states.

    Attributes
    ----------
    statement : 'sensitivity', '3 sigma discovery potential', 'upper limit', ...
    method : 'Neyman', 'Feldman-Cousins' or 'asymptotic'
    confidence_level : of a limit; for sensitivities and discovery potentials the share of trials above the threshold
    n_signal, n_signal_error : mean number of signal events; error from the number of trials, NaN if unknown
    n_signal_low : lower end of a two-sided interval, 0 for one-sided statements
    threshold_ts : test statistic that is exceeded, or was observed
    extrapolated : whether the threshold comes from a fit to the tail of the background trials
    n_trials : trials behind it; 0 for asymptotic formulas
    """

    statement: str
    method: str
    confidence_level: float
    n_signal: float
    n_signal_error: float
    threshold_ts: float
    n_trials: int
    n_signal_low: float = 0.0
    extrapolated: bool = False


@dataclass(frozen=True)
class FluxScale:
    """What turns events into fluxes dN/dE = phi0 f(E).

    Attributes
    ----------
    spectrum : whose shape f is; for a stack of sources with spectra of their own, of all together
    events_per_phi0_gev : float, GeV cm^2 s
        Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 (`ExpectedSignal.per_phi0_gev`). NaN where no effective area is
        known: then the fluxes are NaN, too.
    energy_min_gev, energy_max_gev : central range of neutrino energies (`nusky.search.energy_range`)
    energy_content : share of the expected events inside that range
    duration_s : float, s
        Fluence over flux of sources that change with time: phi0 is the flux in a box, or at the peak. NaN for steady
        sources.
    """

    spectrum: Spectrum
    events_per_phi0_gev: float
    energy_min_gev: float
    energy_max_gev: float
    energy_content: float = 0.9
    duration_s: float = float("nan")

    @property
    def gamma(self) -> float:
        """The index that is quoted, 0 for the spectrum as it is."""
        return self.spectrum.quoted_index

    def __post_init__(self) -> None:
        if not (np.isnan(self.events_per_phi0_gev) or 0 < self.events_per_phi0_gev < np.inf):
            raise PhysicsError(
                f"{self.events_per_phi0_gev} events per unit flux: no flux belongs to any number of events."
            )


@dataclass(frozen=True)
class FluxStatement:
    """A `SignalStrength` as a flux: one flavour (nu + anti-nu), all sources of a stack together."""

    strength: SignalStrength
    scale: FluxScale
    flavours: str = ONE_FLAVOUR
    pivot_energy_gev: float = PIVOT_ENERGY_GEV

    @property
    def phi0_per_gev(self) -> float:
        """phi0, GeV^-1 cm^-2 s^-1: of a power law the flux at 100 TeV, else as the spectrum says."""
        return self.strength.n_signal / self.scale.events_per_phi0_gev

    @property
    def phi0_error_per_gev(self) -> float:
        """Statistical error of phi0 from the number of trials, GeV^-1 cm^-2 s^-1."""
        return self.strength.n_signal_error / self.scale.events_per_phi0_gev

    def e2_dnde(self, energy_gev: ArrayLike = PIVOT_ENERGY_GEV) -> NDArray:
        """E^2 dN/dE, GeV cm^-2 s^-1."""
        energy = np.asarray(energy_gev, dtype=float)
        return self.phi0_per_gev * energy**2 * self.scale.spectrum.shape(energy)

    def of_sources(self, model_weights: ArrayLike) -> NDArray:
        """phi0 of the sources of a stack, (n_sources,), GeV^-1 cm^-2 s^-1: the total shared by the model weights."""
        weights = np.asarray(model_weights, dtype=float)
        total = weights.sum()
        if not (total > 0 and (weights >= 0).all()):
            raise PhysicsError(f"model weights must not be negative and add up to more than 0; they add up to {total}.")
        return self.phi0_per_gev * weights / total

    def row(self) -> dict[str, str | float | int | bool]:
        """All of it as one row of a table."""
        scale = {f.name: getattr(self.scale, f.name) for f in fields(self.scale) if f.name != "spectrum"}
        return {
            **asdict(self.strength),
            "gamma": self.scale.gamma,
            "spectrum": self.scale.spectrum.quoted_words,
            **scale,
            "flavours": self.flavours,
            "pivot_energy_gev": self.pivot_energy_gev,
            "phi0_per_gev": self.phi0_per_gev,
            "phi0_error_per_gev": self.phi0_error_per_gev,
            "e2dnde_100tev_gev_cm2_s": float(self.e2_dnde(1e5)),
            "e2_fluence_100tev_gev_cm2": float(self.e2_dnde(1e5)) * self.scale.duration_s,
        }
