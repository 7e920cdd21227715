"""Acceptance of sources: how much of a flux from each of them the detector would see, season by season."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nusky.conventions import STANDARD, Conventions
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.units import takes_directions


@dataclass(frozen=True)
class Exposure:
    """Times of the seasons of an analysis.

    Attributes
    ----------
    responses : names of the detector response of each season
    livetime_s, span_s : (n_seasons,) float64, s
        Sum of the good runs; first start to last stop.
    """

    responses: tuple[str, ...]
    livetime_s: np.ndarray
    span_s: np.ndarray

    def signal_time(self, conventions: Conventions) -> np.ndarray:
        """The time that multiplies the flux in the expected number of events, (n_seasons,), s."""
        return self.span_s if conventions.signal_time == "span" else self.livetime_s


@takes_directions(dec="dec")
def acceptance_integrals(
    areas: Mapping[str, EffectiveArea],
    responses: Sequence[str],
    dec: np.ndarray,
    spectra: Sequence[Spectrum],
    conventions: Conventions = STANDARD,
) -> np.ndarray:
    """Integrals of A_eff f(E) dE: (n_seasons, n_spectra, n_sources) float64, cm^2 GeV.

    arXiv:2205.15963 eq 3 without the time, which `Exposure` holds. `dec` in rad. The conventions decide whether the
    area is a step in declination.
    """
    steps = conventions.area_steps
    by_response = {name: areas[name].integrals(dec, spectra, steps=steps) for name in dict.fromkeys(responses)}
    return np.stack([by_response[name] for name in responses])


@dataclass(frozen=True)
class ExpectedSignal:
    """What a stack of sources with one spectrum would give.

    Attributes
    ----------
    per_phi0_gev : float, GeV cm^2 s
        Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 at 100 TeV.
    season_share : (n_seasons,) float64
        Share of each season in the expected events; sums to 1.
    source_weights : (n_seasons, n_sources) float64
        omega_jk, the weights of the sources in the stacked signal density; each season sums to 1.
    """

    per_phi0_gev: float
    season_share: np.ndarray
    source_weights: np.ndarray

    @property
    def per_phi0_ev(self) -> float:
        """Expected events for phi0 = 1 eV^-1 cm^-2 s^-1 at 100 TeV."""
        return self.per_phi0_gev * 1e9  # dE in eV is 1e9 times dE in GeV


def expected_signal(
    integrals: np.ndarray, exposure: Exposure, model_weights: np.ndarray, conventions: Conventions
) -> ExpectedSignal:
    """Weights of the sources and expected events of a stack.

    Parameters
    ----------
    integrals : (n_seasons, n_sources) float64, cm^2 GeV
        From `acceptance_integrals`, for one spectrum.
    model_weights : (n_sources,) float64
        w_model of arXiv:2205.15963 eq 2; any normalisation.

    Notes
    -----
    Published (eqs 3, 7): n_s = phi0 sum_jk omega_jk T'_k I_jk, so a source's acceptance enters twice. Standard:
    n_s = phi0 sum_jk w_j T_k I_jk with sum_j w_j = 1, where phi0 is the flux of the whole stack.
    """
    model_weights = np.asarray(model_weights, dtype=float)
    product = integrals * model_weights
    totals = product.sum(axis=1)
    dead = np.flatnonzero(totals <= 0)
    if dead.size:
        raise PhysicsError(
            f"no weighted source is visible in season number {dead[0] + 1}: all acceptances times weights are zero. "
            "Check the declinations and the weights."
        )
    omega = product / totals[:, None]
    per_source = omega if conventions.acceptance_weights_twice else model_weights / model_weights.sum()
    per_season = exposure.signal_time(conventions) * (per_source * integrals).sum(axis=1)
    return ExpectedSignal(float(per_season.sum()), per_season / per_season.sum(), omega)
