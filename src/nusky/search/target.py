"""A stack, a source or a point of the sky with what is quoted of it: fits, intervals, p-values and calibrated limits.

The workflow's stages and `nusky.results.search` quote the numbers of these functions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.energy_range import central_energy_range
from nusky.search.excess_energy import excess_energies
from nusky.search.experiment import FIT_COLUMNS, Experiment, Request
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import FlareSignal, Signal, expected_events, mean_exposures
from nusky.search.interval import LikelihoodInterval, likelihood_interval
from nusky.search.sky import Fit
from nusky.search.sources import Sources
from nusky.search.statistics.limits import BAND_QUANTILES
from nusky.search.statistics.pvalues import local_p_value
from nusky.search.statistics.statements import FluxScale, SignalStrength
from nusky.search.time_profile import Box, exposure_ratios, reach_of

BAND_TRIALS = 100
"""Scrambled skies behind the expected range of an asymptotic limit."""


@dataclass(frozen=True)
class Limit:
    """An upper limit with the range expected from background.

    Attributes
    ----------
    strength : the limit; its numbers are NaN where there is none
    expected : (5,) float64, events
        Limits of background at the quantiles `nusky.search.statistics.limits.BAND_QUANTILES`; the median is the
        sensitivity at the confidence level of the limit.
    problem : why there is no limit, or empty
    """

    strength: SignalStrength
    expected: np.ndarray
    problem: str = ""


@dataclass(frozen=True)
class Target:
    """A stack, a source or a point of the sky.

    Attributes
    ----------
    experiment : its fits and trials
    sources : its sources, and how they share the flux
    row : what its rows of a table begin with
    spectrum : of its sources, with another value of its parameter for every index
    limit_days : duration [d of good runs] of the unknown flares that fluxes and limits are about; None: there are none

    Raises
    ------
    PhysicsError : `limit_days` is no duration of the flares that are looked for.
    """

    experiment: Experiment
    sources: Sources
    row: dict[str, Any]
    spectrum: Spectrum
    limit_days: float | None = None

    def __post_init__(self) -> None:
        if self.limit_days is None:
            return
        if (flare := self.experiment.hypothesis.flare) is None:
            raise PhysicsError(f"limits of flares of {self.limit_days:g} d: no unknown flares are looked for.")
        flare.check_lasting(self.limit_days)

    @property
    def analysis(self) -> Analysis:
        """What it is tested on."""
        return self.experiment.hypothesis.analysis

    def signal(self, gamma: float) -> Signal:
        """Signal of its sources with the index `gamma`; PhysicsError for an unknown flare without `limit_days`."""
        days = self._flare_days()
        if days is not None:
            return FlareSignal.of_flare(self.analysis, self.sources, self.spectrum.at(gamma), days)
        return Signal.of(self.analysis, self.sources, self.spectrum.at(gamma))

    def asymptotic_limit(self, gamma: float, request: Request) -> SignalStrength:
        """Quick upper limit from the likelihood of the data at the index `gamma`; PhysicsError for an unknown flare."""
        self.refuse_unknown_flare()
        data = self.experiment.hypothesis.data()
        return self.experiment.asymptotic_limit(data, gamma, request.confidence_level)

    def flux_scale(self, gamma: float) -> FluxScale:
        """Events per flux, and the central 90 % of their energies; NaN where no effective area is known.

        Of an unknown flare those in the mean over the times when it may come; PhysicsError without its `limit_days`.
        """
        self._flare_days()
        analysis, spectrum = self.analysis, self.spectrum.at(gamma)
        if not analysis.has_area:
            return FluxScale(spectrum, *(float("nan"),) * 3, duration_s=self.duration_s)
        expected = expected_events(analysis, self.sources, spectrum)
        if (days := self._flare_days()) is not None:
            expected = expected * mean_exposures(analysis.runs, days)[:, None]
        per_phi0 = float(expected.sum())
        energies = central_energy_range(
            analysis.areas,
            analysis.responses,
            self._exposure_s(),
            self.sources.dec,
            spectrum,
            self.sources.weights,
        )
        return FluxScale(spectrum, per_phi0, *energies, duration_s=self.duration_s)

    def _exposure_s(self) -> np.ndarray:
        """Livetime of every season, weighted with the mean profile of the sources, (n_seasons,)."""
        profiles = self.sources.profiles
        if profiles is None:
            return self.analysis.livetimes_s
        if (days := self._flare_days()) is not None:
            return self.analysis.livetimes_s * mean_exposures(self.analysis.runs, days)
        return self.analysis.livetimes_s * (exposure_ratios(profiles, self.analysis.runs) @ self.sources.weights)

    @property
    def duration_s(self) -> float:
        """Fluence of all sources over phi0, s; NaN for steady sources."""
        if self.sources.profiles is None:
            return float("nan")
        if (days := self._flare_days()) is not None:
            return 86400.0 * days
        span = reach_of(self.analysis.runs)
        return 86400.0 * float(
            np.dot([profile.total(*span) for profile in self.sources.profiles], self.sources.weights)
        )

    def fit_rows(self, observed: np.ndarray, background: np.ndarray) -> Iterator[dict[str, Any]]:
        """Best fits with their likelihood intervals, energies and local p-values, a row for each fit.

        `observed` (n_fits,) are the TS of the data, `background` (n_trials, n_fits) those of scrambled skies; without
        trials there is no p-value. It ranks the TS of the trials' own fit; with gamma free, the fit that is quoted is
        refined beyond it. Another parameter than the index that is fitted stands under its own name
        (`Spectrum.under_own_name`).
        """
        experiment = self.experiment
        for i, fixed in enumerate([np.nan] if experiment.free else experiment.hypothesis.gammas):
            best, interval, window, energies = self._best(experiment.at(fixed).hypothesis)
            fit = dict(zip(FIT_COLUMNS, (best.n_signal, best.gamma, best.ts), strict=True)) | {
                "converged": best.converged,
                "n_signal_low68": interval.n_signal_low,
                "n_signal_high68": interval.n_signal_high,
                "gamma_low68": interval.gamma_low,
                "gamma_high68": interval.gamma_high,
            }
            row = {"gamma_fixed": float(fixed)} | window | self.spectrum.under_own_name(fit) | energies
            if len(background):
                local = local_p_value(observed[i], background[:, i])
                row |= {
                    "p_local": local.p_value,
                    "p_local_low": local.p_low,
                    "p_local_high": local.p_high,
                    "p_confidence_level": local.confidence_level,
                    "significance": local.significance,
                    "n_exceeding": local.n_exceeding,
                    "n_trials": local.n_trials,
                }
            yield row

    def _best(self, hypothesis: Hypothesis) -> tuple[Fit, LikelihoodInterval, dict[str, float], dict[str, float]]:
        """Best fit, its interval, what of the time is fitted, and the energies; of a flare all of its window."""
        if hypothesis.fitted_curve is not None:
            interval = likelihood_interval(hypothesis)
            known = hypothesis.candidates[hypothesis.likelihood(hypothesis.data()).best]
            (curve,) = known.sources.profiles
            about = {"threshold": curve.threshold, "lag_days": curve.lag}
            return interval.fit, interval, about, excess_energies(known, interval.fit.n_signal, interval.fit.gamma)
        if hypothesis.flare is None:
            interval = likelihood_interval(hypothesis)
            return interval.fit, interval, {}, excess_energies(hypothesis, interval.fit.n_signal, interval.fit.gamma)
        best, nothing = hypothesis.fit(), float("nan")
        found = next(hypothesis.likelihood(hypothesis.data()).flares(), None)
        if found is None:
            interval = LikelihoodInterval(best, *(nothing,) * 4, nothing)
            window = dict.fromkeys(("start_mjd", "stop_mjd", "duration_days"), nothing)
            return best, interval, window, excess_energies(hypothesis, 0.0, nothing)
        known = hypothesis.at_window(found.box)
        window = {"start_mjd": found.start, "stop_mjd": found.stop, "duration_days": found.duration}
        return best, likelihood_interval(known), window, excess_energies(known, found.n_signal, found.gamma)

    def refuse_unknown_flare(self) -> None:
        """PhysicsError where the window of the signal is not known."""
        if self.experiment.hypothesis.flare is not None:
            raise PhysicsError(
                "fluxes, limits, sensitivities and likelihood profiles of an unknown flare depend on the window that "
                "is assumed: give its start and stop as a box."
            )

    def _flare_days(self) -> float | None:
        """`limit_days`; None for windows that are known."""
        if self.limit_days is None:
            self.refuse_unknown_flare()
        return self.limit_days

    def at_window(self, window: Box) -> "Target":
        """The same sources with a known window: what is quoted of a flare that was found."""
        experiment = replace(self.experiment, hypothesis=self.experiment.hypothesis.at_window(window))
        return replace(self, experiment=experiment, sources=experiment.hypothesis.sources, limit_days=None)

    def limit(self, gamma: float, observed_ts: float, background_ts: np.ndarray, request: Request) -> Limit:
        """The upper limit at the index `gamma`.

        `observed_ts` is the TS of the data and `background_ts` (n_trials,) that of scrambled skies, both from the fit
        that serves `gamma`.
        """
        experiment, level = self.experiment, request.confidence_level
        keys: tuple[str, ...] = ("limit", f"{gamma:g}")
        if (days := self._flare_days()) is not None:
            if request.limit_method == "asymptotic":
                raise PhysicsError("limits of an unknown flare come from trials: there is no asymptotic one.")
            guess = -2 * np.log1p(-level)  # only sets the steps of the strengths
            keys += (f"{days:g} d",)
        else:
            quick = self.asymptotic_limit(gamma, request)
            guess = quick.n_signal
        if request.limit_method == "asymptotic":
            fixed = experiment.fixed(gamma)  # what belongs to the index is made once
            skies = map(fixed.scrambled, range(BAND_TRIALS))
            limits = [fixed.asymptotic_limit(sky, gamma, level).n_signal for sky in skies]
            return Limit(quick, np.quantile(limits, list(BAND_QUANTILES.values())))
        tested = experiment.at(gamma).named(*keys)
        calibration = LimitCalibration(tested.trial_ts(self.signal(gamma)), background_ts, guess, request)
        expected = calibration.expected()
        strength, problem = calibrated(calibration, observed_ts, request)
        return Limit(strength, expected, problem)


def calibrated(calibration: LimitCalibration, ts: float, request: Request) -> tuple[SignalStrength, str]:
    """The limit of an observed TS, or NaN and why there is none."""
    try:
        return calibration.limit(float(ts)), ""
    except PhysicsError as error:
        nothing = SignalStrength("upper limit", "", request.confidence_level, *(float("nan"),) * 3, n_trials=0)
        return nothing, str(error)
