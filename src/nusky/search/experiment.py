"""Pseudo-experiments of one hypothesis, and what is stated from them.

Background trials are scrambled skies, trials with signal are scrambled skies with injected events. Every trial has a
random stream of its own, named by the seed, the experiment's keys and what the trial is for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nusky.detector.spectrum import PowerLaw, Spectrum, by_spectrum
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.disturbance import UNDISTURBED, Disturbance
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Injector, Signal
from nusky.search.scrambling import TIMES, common_sky
from nusky.search.sky import Sky
from nusky.search.skymap.model import SkyModel
from nusky.search.sources import Sources
from nusky.search.statistics.efficiency import InjectedTrials, TrialFunction
from nusky.search.statistics.limits import (
    InjectionGrid,
    asymptotic_upper_limit,
    feldman_cousins_limit,
    neyman_upper_limit,
)
from nusky.search.statistics.sensitivity import discovery_potential, sensitivity
from nusky.search.statistics.statements import SignalStrength
from nusky.search.trials import SOURCES_AT_ONCE, stream

_POWER_LAW = PowerLaw(2.0)
FIT_COLUMNS = ("n_signal", "gamma", "test_statistic")
_GRID_STEPS = 12
_GRID_REACH = 2.5  # largest strength of the Feldman-Cousins grid, in asymptotic limits


@dataclass(frozen=True)
class Indices:
    """Which spectra are searched and quoted: one, with values of its parameter, usually the spectral index.

    Attributes
    ----------
    gammas : (n,) float64
        Values of the parameter for which fluxes are quoted.
    free : bool
        It is fitted together with n_s; otherwise n_s is fitted at each of `gammas`.
    spectrum : Spectrum
        A power law by default; `at` gives it another value of the parameter.
    """

    gammas: np.ndarray
    free: bool
    spectrum: Spectrum = _POWER_LAW

    @classmethod
    def choose(
        cls, fixed: float | None, listed: Sequence[float], with_energy: bool, spectrum: Spectrum | None = None
    ) -> "Indices":
        """The `fixed` index if there is one; else gamma is free where events have energies, at `listed` where not.

        Of a spectrum that fits something else than an index, the value that it has is the one quoted.

        Raises
        ------
        PhysicsError : something else than an index is to be fitted, and events have no energies.
        """
        spectrum = spectrum or _POWER_LAW
        if spectrum.fit not in ("", "gamma") and not with_energy:
            raise PhysicsError(
                f"{spectrum.fit} cannot be fitted: the release has no smearing tables, so that the likelihood knows no "
                "energies. Leave `fit` out."
            )
        gammas = np.array(spectrum.quoted(listed if fixed is None else [fixed]), dtype=float)
        is_fixed = not spectrum.fit or (fixed is not None and spectrum.fit == "gamma")
        return cls(gammas, with_energy and not is_fixed, spectrum)

    @property
    def fitted(self) -> np.ndarray:
        """The fixed index of every fit, NaN where it is free, (n_fits,) float64."""
        return np.array([np.nan]) if self.free else self.gammas

    @property
    def spectra(self) -> Spectrum | tuple[Spectrum, ...]:
        """What the likelihood is profiled on: the spectrum where its parameter is free."""
        return self.spectrum if self.free else tuple(self.spectrum.at(gamma) for gamma in self.gammas.tolist())

    def fit_of(self, gamma: float) -> int:
        """Number of the fit that serves signal of an index: the only one, or that of the nearest fixed index."""
        return 0 if self.free else int(np.argmin(np.abs(self.gammas - gamma)))


@dataclass(frozen=True)
class Request:
    """What is to be stated.

    Attributes
    ----------
    confidence_level : of the upper limit
    limit_method : 'neyman', 'feldman-cousins', 'asymptotic', or None for no limit
    discovery_sigmas : significances of the discovery potentials
    n_trials : injected trials at each of about five strengths
    """

    confidence_level: float
    limit_method: str | None
    discovery_sigmas: tuple[float, ...]
    n_trials: int


@dataclass(frozen=True)
class Statement:
    """A strength of the signal, or why there is none."""

    name: str
    strength: SignalStrength | None
    problem: str = ""


@dataclass(frozen=True)
class Experiment:
    """Fits of the data and of pseudo-experiments of one hypothesis.

    Attributes
    ----------
    hypothesis : Hypothesis
    free : whether gamma is fitted; otherwise n_s is fitted at each spectrum of the hypothesis
    seed : root of the random streams
    keys : name the hypothesis in them
    disturbance : how the pseudo-experiments differ from what the fits believe
    """

    hypothesis: Hypothesis
    free: bool
    seed: int
    keys: tuple[str | int, ...]
    disturbance: Disturbance = UNDISTURBED

    @classmethod
    def of(
        cls,
        analysis: Analysis,
        sources: Sources,
        indices: Indices,
        seed: int,
        keys: Sequence[str | int],
        scramble: str = TIMES,
    ) -> "Experiment":
        """The hypothesis of `sources` with the index free or fixed as `indices` say; `scramble` as it has it."""
        hypothesis = replace(Hypothesis.of(analysis, sources, indices.spectra), scramble=scramble)
        return cls(hypothesis, indices.free, seed, tuple(keys))

    @cached_property
    def inject(self) -> Injector:
        """Draws the signal events of a sky."""
        return Injector(self.hypothesis.analysis, self.disturbance)

    def named(self, *keys: str | int) -> "Experiment":
        """The same hypothesis with other random streams, named by more keys."""
        return replace(self, keys=(*self.keys, *keys))

    def fixed(self, gamma: float) -> "Experiment":
        """The same with n_s fitted at one index only."""
        return replace(self, hypothesis=self.hypothesis.with_gammas([gamma]), free=False)

    def at(self, gamma: float) -> "Experiment":
        """The experiment that serves statements about an index: itself with gamma free, else fixed at it."""
        return self if self.free else self.fixed(gamma)

    def fits(self, sky: Sky) -> np.ndarray:
        """Best fits of one sky, (n_fits, 3): n_signal, gamma, TS; one row if gamma is free, else one per spectrum."""
        if self.free:
            best = self.hypothesis.fit(sky)
            return np.array([[best.n_signal, best.gamma, best.ts]])
        n_signal, value, _ = self.hypothesis.likelihood(sky).profile()
        return np.column_stack([n_signal, self.hypothesis.gammas, 2 * value])

    @cached_property
    def observed(self) -> np.ndarray:
        """`fits` of the data."""
        return self.fits(self.hypothesis.data())

    def scrambled(self, trial: int) -> Sky:
        """The scrambled sky number `trial`."""
        return self._sky(stream(self.seed, *self.keys, trial))

    def _sky(self, rng: np.random.Generator) -> Sky:
        """A scrambled sky, with more or less background near the sources where it is disturbed."""
        sky, more = self.hypothesis.scrambled(rng), self.disturbance.background - 1
        if more < 0:
            return sky.part(rng.random(len(sky.chosen)) < 1 + more)
        if more > 0:
            second = self.hypothesis.scrambled(rng)
            return sky.joined(second.part(rng.random(len(second.chosen)) < more))
        return sky

    def background(self, trials: range) -> np.ndarray:
        """`fits` of the scrambled skies number `trials`, (n_trials, n_fits, 3)."""
        return np.stack([self.fits(self.scrambled(t)) for t in trials])

    def with_signal(self, signal: Signal, n_injected: float, rng: np.random.Generator) -> Sky:
        """A scrambled sky with Poisson(`n_injected`) signal events."""
        events = self.inject(rng, signal, n_injected)
        return self.hypothesis.injected(self._sky(rng), events)

    def injected(self, signal: Signal, n_injected: float, n_trials: int, *keys: str | int) -> np.ndarray:
        """`fits` of scrambled skies with signal, (n_trials, n_fits, 3); `keys` name their streams."""
        drawn = (stream(self.seed, *self.keys, *keys, t) for t in range(n_trials))
        return np.stack([self.fits(self.with_signal(signal, n_injected, rng)) for rng in drawn])

    def trial_ts(self, signal: Signal) -> TrialFunction:
        """Simulates the TS of scrambled skies with signal, of the first fit."""

        def simulate(n_injected: float, n_trials: int, number: int) -> np.ndarray:
            return self.injected(signal, n_injected, n_trials, "injected", number)[:, 0, 2]

        return simulate

    def asymptotic_limit(self, sky: Sky, gamma: float, confidence_level: float) -> SignalStrength:
        """Quick upper limit from the likelihood of one sky at an index.

        Never below the limit of a counting experiment that sees nothing, -ln(1 - CL) or 2.30 events at 90 %: with few
        events near the source the asymptotic formula alone falls to 0.82.
        """
        hypothesis = self.hypothesis
        if not np.array_equal(hypothesis.gammas, [gamma]):
            hypothesis = hypothesis.with_gammas([gamma])
        likelihood = hypothesis.likelihood(sky)
        best = float(likelihood.profile()[0][0])
        limit = asymptotic_upper_limit(lambda n: likelihood.test_statistic(n, 0), best, confidence_level)
        return replace(limit, n_signal=max(limit.n_signal, -np.log1p(-confidence_level)))

    def statements(
        self, signal: Signal, background_ts: np.ndarray, observed_ts: float | None, request: Request
    ) -> list[Statement]:
        """Sensitivity, discovery potentials and upper limit for a signal.

        Parameters
        ----------
        background_ts : (n_trials,) float64
            TS of scrambled skies from the experiment's first fit.
        observed_ts : TS of the data from the same fit; without it no limit is stated

        Notes
        -----
        A threshold the background trials do not reach is read from a chi-square fitted to their tail and labelled so. A
        statement that cannot be made, most often because the trials are too few, says why.
        """
        trial_ts = self.trial_ts(signal)
        trials = InjectedTrials(trial_ts, background_ts)
        found = [stated("sensitivity", lambda: sensitivity(trials, request.n_trials))]
        for sigma in request.discovery_sigmas:
            found.append(
                stated(
                    f"{sigma:g} sigma discovery potential",
                    lambda sigma=sigma: discovery_potential(trials, sigma, request.n_trials, tail_model="chi2"),
                )
            )
        if observed_ts is not None and request.limit_method is not None:
            found.append(stated("upper limit", lambda: self._limit(signal, trials, trial_ts, observed_ts, request)))
        return found

    def _limit(
        self, signal: Signal, trials: InjectedTrials, trial_ts: TrialFunction, observed_ts: float, request: Request
    ) -> SignalStrength:
        if request.limit_method == "neyman":
            return neyman_upper_limit(trials, observed_ts, request.confidence_level, request.n_trials)
        gamma = signal.spectra[0].parameter
        quick = self.asymptotic_limit(self.hypothesis.data(), gamma, request.confidence_level)
        if request.limit_method == "asymptotic":
            return quick
        strengths = np.linspace(0.0, _GRID_REACH * quick.n_signal, _GRID_STEPS + 1)
        values = [trial_ts(n, request.n_trials, 1_000_000 + i) for i, n in enumerate(strengths[1:])]
        grid = InjectionGrid(strengths, (trials.background, *values))
        return feldman_cousins_limit(grid, observed_ts, request.confidence_level)


def stated(name: str, state: Callable[[], SignalStrength]) -> Statement:
    """What `state` returns, or the reason why it cannot."""
    try:
        return Statement(name, state())
    except PhysicsError as error:
        return Statement(name, None, str(error))


def common_fits(experiments: Sequence[Experiment], seed: int, trials: range) -> np.ndarray:
    """TS of experiments on the same events in common skies, those of the map: (n_trials, n_experiments, n_fits).

    The experiments scramble the same, and only with permuted times their skies are those of the map.
    """
    found, first = [], experiments[0].hypothesis
    for trial in trials:
        whole = common_sky(first.analysis, stream(seed, "sky", trial), first.scramble)
        found.append([own.fits(own.hypothesis.common(*whole))[:, 2] for own in experiments])
    return np.array(found)


def sky_fits(
    analysis: Analysis,
    positions: tuple[np.ndarray, np.ndarray, np.ndarray],
    indices: Sequence[Indices],
    seed: int,
    trials: range,
) -> np.ndarray:
    """`common_fits` of many steady sources, each by itself: (n_trials, n_sources, n_fits).

    `positions` are ra, dec and Gaussian width, each (n_sources,) rad; `indices` are of each source, differing at most
    in the spectrum.
    """
    if len(positions[0]) > SOURCES_AT_ONCE:
        starts = range(0, len(positions[0]), SOURCES_AT_ONCE)
        parts = [slice(first, first + SOURCES_AT_ONCE) for first in starts]
        of_parts = ((tuple(values[own] for values in positions), indices[own]) for own in parts)
        return np.concatenate([sky_fits(analysis, *own, seed, trials) for own in of_parts], axis=1)
    ra, dec, width = positions
    every = indices[0].fitted.tolist()
    models = [
        (f, own, SkyModel.of_analysis(analysis, None if np.isnan(gamma) else gamma, spectrum))
        for spectrum, own in by_spectrum([each.spectrum for each in indices])
        for f, gamma in enumerate(every)
    ]
    known = [model.known(dec[own], width[own]) for _, own, model in models]
    found = np.empty((len(trials), len(ra), len(every)))
    for t, trial in enumerate(trials):
        sky = models[0][2].scrambled(seed, trial)
        for (f, own, model), response in zip(models, known, strict=True):
            found[t, own, f] = model.fit(sky, ra[own], dec[own], response, width[own]).ts
    return found
