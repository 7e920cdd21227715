"""What a source and a stack have in common: the near events of a sky, and the fit of n_s and gamma to them.

    L_k(n_s, gamma) = prod_i [ x_k S_ik + (1 - x_k) B_ik ],   x_k = n_s f_k(gamma) / N_k

with f_k the share of season k in the expected signal (method: Braun et al., Astropart. Phys. 29 (2008) 299, and
spec of the standard analysis in docs/conventions.md). TS = 2 ln L(best)/L(0).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.likelihood.fit import log_likelihood, peak, profile
from nusky.search.sample import Sample

if TYPE_CHECKING:
    from nusky.search.analysis import Analysis

GAMMAS = np.linspace(1.0, 4.0, 25)
"""Spectral indices on which the likelihood is profiled; between them the profile is interpolated."""
TAIL = 1e-3
"""Events whose spatial signal density stays below TAIL times an isotropic sky count as far. The signal left out is a
share s^2 TAIL/2 of all, below 1e-6 for angular errors s up to 2.5 deg, and TS changes by less than 2 n_s times that."""
_SMALL = 1e-4
"""Events whose ratio stays below _SMALL times the number of events of their season enter through sums of powers, with
an error of ln L below (_SMALL n_s)^5/5 each."""
_ZOOMS = 3


def near_radius(variance: np.ndarray, tail: float = TAIL) -> np.ndarray:
    """Separation [rad] beyond which an event of spatial variance s^2 [rad^2] counts as far."""
    return np.minimum(np.pi, np.sqrt(2 * variance * np.log(np.maximum(1.0, 2 / (variance * tail)))))


def smallest_ratio(n_events: np.ndarray) -> np.ndarray:
    """Ratio below which an event enters through sums of powers, from the events of each season: (n_seasons,)."""
    return _SMALL * n_events


@dataclass(frozen=True)
class Fit:
    """Best fit of n_s and gamma.

    Attributes
    ----------
    n_signal : float
        Best number of signal events, all seasons.
    gamma : float
        Best spectral index; NaN where n_s = 0, the fixed one if it was fixed.
    ts : float
        2 ln L(best)/L(0), at least 0.
    converged : bool
    """

    n_signal: float
    gamma: float
    ts: float
    converged: bool


@dataclass(frozen=True)
class NearEvents:
    """Density ratios of the events near a hypothesis in one sky.

    `ratios` (n_gammas, n_near), `begin` (n_seasons + 1,), `low` (n_gammas, n_seasons, N_LOW), `n_events` (n_seasons,).
    """

    ratios: np.ndarray
    begin: np.ndarray
    low: np.ndarray
    n_events: np.ndarray

    def joined(self, other: "NearEvents") -> "NearEvents":
        """Both sets of events in one sky."""
        seasons = range(len(self.begin) - 1)
        parts = [
            piece
            for k in seasons
            for piece in (
                self.ratios[:, self.begin[k] : self.begin[k + 1]],
                other.ratios[:, other.begin[k] : other.begin[k + 1]],
            )
        ]
        return NearEvents(
            np.ascontiguousarray(np.concatenate(parts, axis=1)),
            self.begin + other.begin,
            self.low + other.low,
            self.n_events + other.n_events,
        )


@dataclass(frozen=True)
class Hypothesis(ABC):
    """What a source and a stack have in common: an expected signal per season and index, and the fit.

    `expected` is (n_seasons, n_gammas): events for phi0 = 1 GeV^-1 cm^-2 s^-1 of the whole hypothesis.
    """

    analysis: "Analysis"
    gammas: np.ndarray
    expected: np.ndarray

    @cached_property
    def shares(self) -> np.ndarray:
        """f_k(gamma), (n_gammas, n_seasons)."""
        return np.ascontiguousarray((self.expected / self.expected.sum(axis=0)).T)

    def fit_near(self, near: NearEvents) -> Fit:
        """Best n_s and gamma of one sky."""
        n_signal, value, converged = profile(near.ratios, near.begin, near.low, self.shares, near.n_events)
        if len(self.gammas) == 1:
            return Fit(float(n_signal[0]), float(self.gammas[0]), float(2 * value[0]), bool(converged))
        return Fit(*map(float, peak(self.gammas, n_signal, value)), bool(converged))

    def fit(self) -> Fit:
        """Best fit to the data, refined to the true optimum in gamma."""
        best = self.fit_near(self.data())
        gammas = self.gammas
        for _ in range(_ZOOMS if len(gammas) > 1 and best.n_signal > 0 else 0):
            step = gammas[1] - gammas[0]
            low, high = max(best.gamma - step, self.gammas[0]), min(best.gamma + step, self.gammas[-1])
            gammas = np.linspace(low, high, 9)
            closer = self.with_gammas(gammas)
            best = closer.fit_near(closer.data())
        return best

    def profile_likelihood(self, gammas: np.ndarray, n_signal: np.ndarray) -> np.ndarray:
        """TS(n_s, gamma) = 2 ln L(n_s, gamma)/L(0) of the data, (n_gammas, n_signal)."""
        hypothesis = self.with_gammas(np.asarray(gammas, dtype=float))
        near = hypothesis.data()
        return np.array(
            [
                [
                    2
                    * log_likelihood(n, near.ratios[g], near.begin, near.low[g], hypothesis.shares[g], near.n_events)[0]
                    for n in np.asarray(n_signal, dtype=float)
                ]
                for g in range(len(gammas))
            ]
        )

    def data(self) -> NearEvents:
        """The near events of the data."""
        return self.sky([sample.ra for sample in self.analysis.samples])

    @abstractmethod
    def sky(self, ra: Sequence[np.ndarray]) -> NearEvents:
        """The near events of a sky with other right ascensions [rad], one array per season."""

    @abstractmethod
    def scrambled(self, rng: np.random.Generator) -> NearEvents:
        """The near events of a sky with right ascensions redrawn uniformly."""

    @abstractmethod
    def injected(self, events: Sequence[Sample]) -> NearEvents:
        """The near events among extra events, one `Sample` per season."""

    @abstractmethod
    def with_gammas(self, gammas: np.ndarray) -> "Hypothesis":
        """The same hypothesis on another grid of spectral indices."""
