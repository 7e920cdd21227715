"""Stacking analysis: the test statistic of a catalogue as a function of its flux, and the limit read from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nusky.conventions import LIMIT_DROP, Conventions
from nusky.detector.acceptance import ExpectedSignal
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.likelihood.mixture import MixtureLikelihood, RatioMoments, pooled, ratio_moments_of_each
from nusky.likelihood.separation import stack_signal


@dataclass(frozen=True)
class SeasonPairs:
    """What the stacking of one season needs.

    Attributes
    ----------
    event, source : (n_pairs,) int32
        Near pairs, sorted by event (see `nusky.likelihood.separation.NearPairs`).
    density : (n_pairs,) float64, sr^-1
        S_ij.
    background : (n_events,) float64, sr^-1
        B_i of every event of the season.
    """

    event: np.ndarray
    source: np.ndarray
    density: np.ndarray
    background: np.ndarray


@dataclass(frozen=True)
class StackingResult:
    """Test statistic of one stack and one spectrum against the flux normalisation.

    Attributes
    ----------
    conventions : name of the conventions that made it
    spectrum : what the flux of the sources is
    expected : expected events and weights
    phi0_per_ev : (n_steps,) float64, eV^-1 cm^-2 s^-1
        Grid of flux normalisations at 100 TeV.
    n_signal, test_statistic : (n_steps,) float64
        n_s and TS = 2 ln L(n_s)/L(0); NaN where n_s exceeds a sample.
    ts_max, phi0_at_max_per_ev, n_signal_at_max : float
        Published: the highest grid point. Standard: the maximum over n_s >= 0.
    phi0_ul95_per_ev : float
        Upper limit; NaN if TS does not fall that far. Published: TS falls through -3.84. Standard: TS falls 3.84 below
        its maximum, the upper end of the two-sided 95 % likelihood interval (97.5 % as a one-sided limit).
    """

    conventions: str
    spectrum: Spectrum
    expected: ExpectedSignal
    phi0_per_ev: np.ndarray
    n_signal: np.ndarray
    test_statistic: np.ndarray
    ts_max: float
    phi0_at_max_per_ev: float
    n_signal_at_max: float
    phi0_ul95_per_ev: float

    def ul95_e2dnde(self, energy_gev: float) -> float:
        """Upper limit of E^2 dN/dE [GeV cm^-2 s^-1], one flavour nu + anti-nu, at an energy in GeV."""
        return float(self.phi0_ul95_per_ev * 1e9 * energy_gev**2 * self.spectrum.shape(energy_gev))


def stack_moments(seasons: Sequence[SeasonPairs], source_weights: np.ndarray) -> list[list[RatioMoments]]:
    """Moments of S_i/B_i of every season for many sets of weights in one pass over the pairs.

    Parameters
    ----------
    source_weights : (n_hypotheses, n_seasons, n_sources) float64

    Returns
    -------
    One list of moments per season, one entry per hypothesis.
    """
    return [season_moments(season, source_weights[:, k]) for k, season in enumerate(seasons)]


def season_moments(season: SeasonPairs, source_weights: np.ndarray) -> list[RatioMoments]:
    """Moments of S_i/B_i of one season for many sets of weights, (n_hypotheses, n_sources) float64."""
    first = np.diff(season.event, prepend=-1) != 0  # pairs are sorted by event
    near = season.event[first]
    row = np.cumsum(first) - 1
    stacked = stack_signal(row, season.source, season.density, source_weights, len(near))
    stacked /= season.background[near]
    return ratio_moments_of_each(stacked, len(season.background))


def scan(
    moments: Sequence[RatioMoments],
    expected: ExpectedSignal,
    spectrum: Spectrum,
    phi0_per_ev: np.ndarray,
    conventions: Conventions,
) -> StackingResult:
    """Scan of TS over the flux normalisation for one hypothesis, from the moments of its seasons.

    arXiv:2205.15963 eqs 8, 9; spec of both conventions in docs/conventions.md.
    """
    if conventions.pooled_seasons:
        likelihood = MixtureLikelihood((pooled(moments),), (1.0,))
    else:
        likelihood = MixtureLikelihood(tuple(moments), tuple(map(float, expected.season_share)))
    n_signal = phi0_per_ev * expected.per_phi0_ev
    ts = 2 * likelihood(n_signal)
    if np.isnan(ts).all():
        raise PhysicsError(
            f"even the lowest phi0 of the scan, {phi0_per_ev.min():g} eV^-1 cm^-2 s^-1, predicts {n_signal.min():.3g} "
            "events, more than there are. Lower scan.phi0_min_per_ev."
        )
    if conventions.limit_from == "zero":
        best = int(np.nanargmax(ts))
        ts_max, n_best = float(ts[best]), float(n_signal[best])
        limit = _crossing_on_grid(phi0_per_ev, ts, best, -LIMIT_DROP)
    else:
        n_best, peak = likelihood.maximum()
        ts_max = 2 * peak
        limit = likelihood.falls_through(peak - LIMIT_DROP / 2) / expected.per_phi0_ev
    return StackingResult(
        conventions=conventions.name,
        spectrum=spectrum,
        expected=expected,
        phi0_per_ev=phi0_per_ev,
        n_signal=n_signal,
        test_statistic=ts,
        ts_max=ts_max,
        phi0_at_max_per_ev=n_best / expected.per_phi0_ev,
        n_signal_at_max=n_best,
        phi0_ul95_per_ev=limit,
    )


def _crossing_on_grid(phi0: np.ndarray, ts: np.ndarray, best: int, level: float) -> float:
    """phi0 where TS first falls through `level` beyond the maximum, linear in TS between grid points."""
    below = np.flatnonzero(ts[best:] <= level)
    if not below.size or ts[best] <= level:
        return float("nan")
    after = best + below[0]
    before = after - 1
    fraction = (ts[before] - level) / (ts[before] - ts[after])
    return float(phi0[before] + fraction * (phi0[after] - phi0[before]))
