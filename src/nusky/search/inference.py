"""Fits, trials and statements of one hypothesis, a source or a stack, with gamma free or at fixed values.

With gamma fixed, one scrambled sky serves all its values: the density ratios are what costs time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.fit import best_signal, log_likelihood, profile
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis, NearEvents
from nusky.search.sample import Sample
from nusky.search.source import Source
from nusky.search.spatial_injection import GaussianInjection
from nusky.search.statistics.efficiency import InjectedTrials, TrialFunction
from nusky.search.statistics.limits import (
    InjectionGrid,
    asymptotic_upper_limit,
    feldman_cousins_limit,
    neyman_upper_limit,
)
from nusky.search.statistics.sensitivity import discovery_potential, sensitivity
from nusky.search.statistics.statements import SignalStrength
from nusky.search.trials import stream

FIT_COLUMNS = ("n_signal", "gamma", "test_statistic")
_GRID_STEPS = 12
_GRID_REACH = 2.5  # largest strength of the Feldman-Cousins grid, in asymptotic limits
_SKY_MEMORY_BYTES = 6e8  # a source is set up once for all skies held at a time


@dataclass(frozen=True)
class Indices:
    """Which spectral indices are searched and quoted.

    Attributes
    ----------
    gammas : (n,) float64
        Indices for which fluxes are quoted.
    free : bool
        gamma is fitted together with n_s; otherwise n_s is fitted at each of `gammas`.
    """

    gammas: np.ndarray
    free: bool

    @classmethod
    def choose(cls, fixed: float | None, listed: Sequence[float], with_energy: bool) -> "Indices":
        """The `fixed` index if there is one; else gamma is free where events have energies, at `listed` where not."""
        gammas = np.array(listed if fixed is None else [fixed], dtype=float)
        return cls(gammas, free=fixed is None and with_energy)

    @property
    def fitted(self) -> np.ndarray:
        """The fixed index of every fit, NaN where it is free, (n_fits,) float64."""
        return np.array([np.nan]) if self.free else self.gammas

    @property
    def grid(self) -> dict[str, np.ndarray]:
        """The argument of `Analysis.source` and `Analysis.stack`: none for their own grid."""
        return {} if self.free else {"gammas": self.gammas}


def fits(hypothesis: Hypothesis, near: NearEvents, free: bool) -> np.ndarray:
    """Best fits of one sky, (n_fits, 3): n_signal, gamma and TS, one row if gamma is free, else one for each gamma."""
    if free:
        best = hypothesis.fit_near(near)
        return np.array([[best.n_signal, best.gamma, best.ts]])
    n_signal, value, _ = profile(near.ratios, near.begin, near.low, hypothesis.shares, near.n_events)
    return np.column_stack([n_signal, hypothesis.gammas, 2 * value])


def scrambled_fits(
    hypothesis: Hypothesis, free: bool, seed: int, keys: Sequence[str | int], trials: range
) -> np.ndarray:
    """`fits` of the scrambled skies number `trials`, (n_trials, n_fits, 3); `keys` name the hypothesis' streams."""
    return np.stack([fits(hypothesis, hypothesis.scrambled(stream(seed, *keys, t)), free) for t in trials])


def sky_fits(
    analysis: Analysis, sources: Callable[[int], Source], n_sources: int, free: bool, seed: int, trials: range
) -> np.ndarray:
    """TS of every source in common scrambled skies, (n_trials, n_sources, n_fits); `sources` builds source number j."""
    at_once = max(1, int(_SKY_MEMORY_BYTES / (8 * analysis.n_events.sum())))
    blocks = []
    for first in range(trials.start, trials.stop, at_once):
        skies = [_right_ascensions(analysis, seed, t) for t in range(first, min(first + at_once, trials.stop))]
        columns = []
        for j in range(n_sources):
            source = sources(j)
            columns.append([fits(source, source.sky(ra), free)[:, 2] for ra in skies])
        blocks.append(np.array(columns).swapaxes(0, 1))
    return np.concatenate(blocks)


def _right_ascensions(analysis: Analysis, seed: int, trial: int) -> list[np.ndarray]:
    rng = stream(seed, "sky", trial)
    return [2 * np.pi * rng.random(len(sample)) for sample in analysis.samples]


def asymptotic_limit(hypothesis: Hypothesis, near: NearEvents, row: int, confidence_level: float) -> SignalStrength:
    """Quick upper limit from the likelihood of one sky at the index number `row` of the hypothesis.

    Never below the limit of a counting experiment that sees nothing, -ln(1 - CL) or 2.30 events at 90 %: with few
    events near the source the asymptotic formula alone falls to 0.82.
    """
    arguments = near.ratios[row], near.begin, near.low[row], hypothesis.shares[row], near.n_events
    best = best_signal(*arguments, 1.0)[0]
    limit = asymptotic_upper_limit(lambda n: 2 * log_likelihood(n, *arguments)[0], best, confidence_level)
    return replace(limit, n_signal=max(limit.n_signal, -np.log1p(-confidence_level)))


class Inject(Protocol):
    """Draws the signal events of one sky, one `Sample` per season; arguments as in `Analysis.inject`."""

    label: str

    def __call__(
        self, rng: np.random.Generator, sources: tuple[np.ndarray, ...], expected: np.ndarray, gamma: float
    ) -> list[Sample]: ...


class Injector:
    """Draws signal events as the release allows: `label` is 'smearing', or 'gaussian' without smearing tables."""

    def __init__(self, analysis: Analysis) -> None:
        spatial = analysis.smearings is None
        self.label = "gaussian" if spatial else "smearing"
        self._draw = GaussianInjection(analysis.samples) if spatial else analysis.inject

    def __call__(
        self, rng: np.random.Generator, sources: tuple[np.ndarray, ...], expected: np.ndarray, gamma: float
    ) -> list[Sample]:
        """Signal events of one sky; arguments as in `Analysis.inject`."""
        return self._draw(rng, sources, expected, gamma)


@dataclass(frozen=True)
class Signal:
    """Signal of a source or a stack with one spectral index.

    Attributes
    ----------
    sources : ra, dec, Gaussian width, each (n_sources,) rad
    share : (n_seasons, n_sources) float64
        Of one signal event; adds up to 1.
    gamma : float
    """

    sources: tuple[np.ndarray, np.ndarray, np.ndarray]
    share: np.ndarray
    gamma: float

    @classmethod
    def of(
        cls, analysis: Analysis, sources: tuple[np.ndarray, np.ndarray, np.ndarray], weights: np.ndarray, gamma: float
    ) -> "Signal":
        """Signal of sources that share a flux by `weights`."""
        expected = analysis.expected(sources[1], np.array([gamma]))[:, 0] * weights
        return cls(sources, expected / expected.sum(), gamma)


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


def injected_ts(
    hypothesis: Hypothesis, free: bool, signal: Signal, inject: Inject, seed: int, keys: Sequence[str | int]
) -> TrialFunction:
    """Simulates the TS of scrambled skies with signal; `keys` name the random streams."""

    def trial_ts(n_injected: float, n_trials: int, number: int) -> np.ndarray:
        drawn = (stream(seed, *keys, "injected", number, t) for t in range(n_trials))
        return np.array([injected_fits(hypothesis, free, signal, inject, n_injected, rng)[0, 2] for rng in drawn])

    return trial_ts


def injected_fits(
    hypothesis: Hypothesis, free: bool, signal: Signal, inject: Inject, n_injected: float, rng: np.random.Generator
) -> np.ndarray:
    """`fits` of a scrambled sky with Poisson(`n_injected`) signal events."""
    return fits(hypothesis, injected_sky(hypothesis, signal, inject, n_injected, rng), free)


def injected_sky(
    hypothesis: Hypothesis, signal: Signal, inject: Inject, n_injected: float, rng: np.random.Generator
) -> NearEvents:
    """The near events of a scrambled sky with Poisson(`n_injected`) signal events."""
    events = inject(rng, signal.sources, n_injected * signal.share, signal.gamma)
    return hypothesis.scrambled(rng).joined(hypothesis.injected(events))


def statements(
    hypothesis: Hypothesis,
    free: bool,
    signal: Signal,
    inject: Inject,
    background_ts: np.ndarray,
    observed_ts: float | None,
    request: Request,
    seed: int,
    keys: Sequence[str | int],
) -> list[Statement]:
    """Sensitivity, discovery potentials and upper limit of a hypothesis for one spectral index.

    Parameters
    ----------
    hypothesis : with gamma free, or fixed at the signal's
    background_ts : (n_trials,) float64
        TS of scrambled skies from the same fit.
    observed_ts : TS of the data from the same fit; without it no limit is stated
    keys : name the random streams

    Notes
    -----
    A threshold the background trials do not reach is read from a chi-square fitted to their tail and labelled so. A
    statement that cannot be made, most often because the trials are too few, says why.
    """

    trial_ts = injected_ts(hypothesis, free, signal, inject, seed, keys)
    trials = InjectedTrials(trial_ts, background_ts)
    found = [_stated("sensitivity", lambda: sensitivity(trials, request.n_trials))]
    for sigma in request.discovery_sigmas:
        found.append(
            _stated(
                f"{sigma:g} sigma discovery potential",
                lambda sigma=sigma: discovery_potential(trials, sigma, request.n_trials, tail_model="chi2"),
            )
        )
    if observed_ts is not None and request.limit_method is not None:
        found.append(
            _stated("upper limit", lambda: _limit(hypothesis, signal.gamma, trials, trial_ts, observed_ts, request))
        )
    return found


def _stated(name: str, state: Callable[[], SignalStrength]) -> Statement:
    try:
        return Statement(name, state())
    except PhysicsError as error:
        return Statement(name, None, str(error))


def _limit(
    hypothesis: Hypothesis,
    gamma: float,
    trials: InjectedTrials,
    trial_ts: TrialFunction,
    observed_ts: float,
    request: Request,
) -> SignalStrength:
    if request.limit_method == "neyman":
        return neyman_upper_limit(trials, observed_ts, request.confidence_level, request.n_trials)
    fixed = hypothesis.with_gammas(np.array([gamma]))
    quick = asymptotic_limit(fixed, fixed.data(), 0, request.confidence_level)
    if request.limit_method == "asymptotic":
        return quick
    reach = _GRID_REACH * quick.n_signal
    strengths = np.linspace(0.0, reach, _GRID_STEPS + 1)
    values = [trial_ts(n, request.n_trials, 1_000_000 + i) for i, n in enumerate(strengths[1:])]
    grid = InjectionGrid(strengths, (trials.background, *values))
    return feldman_cousins_limit(grid, observed_ts, request.confidence_level)
