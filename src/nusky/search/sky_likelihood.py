"""The likelihood of one sky: its fit, its profile, and the test statistic at any n_s."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from nusky.likelihood import fit
from nusky.likelihood.ratios import FIRST_BOUND, Signal, series_limits
from nusky.search.analysis import Analysis
from nusky.search.sky import Fit, Sky
from nusky.search.sources import Sources

_FIRST_BOUND_OF_STACK = 4 * FIRST_BOUND
_ZOOMS, _ZOOM_POINTS = 3, 8


class Tested(Protocol):
    """What likelihoods need to know of a `nusky.search.hypothesis.Hypothesis`."""

    analysis: Analysis
    sources: Sources
    near: Any  # cells, and the sources as `nusky.likelihood.ratios.near_ratios` takes them
    signal: Signal
    per_source: np.ndarray
    shares: np.ndarray
    gammas: np.ndarray

    def near_ratios(self, sky: Sky, limits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ratios above `limits` (n_seasons,), their seasons, and sums of the others."""


class SkyLikelihood:
    """ln L of one sky on the spectra of a hypothesis; exact whatever n_s, as the ratios are taken again if need be."""

    def __init__(self, hypothesis: Tested, sky: Sky) -> None:
        self._hypothesis, self._sky, self._bound = hypothesis, sky, 0.0
        self._ratios: tuple[np.ndarray, ...] = ()

    def _up_to(self, n_signal: float) -> tuple[np.ndarray, ...]:
        """Arguments of `nusky.likelihood.fit.profile` that hold up to `n_signal`."""
        if n_signal > self._bound or not self._ratios:
            known, sky, hypothesis = self._bound, self._sky, self._hypothesis
            first = FIRST_BOUND if len(hypothesis.sources) == 1 else _FIRST_BOUND_OF_STACK
            injected = 2.0 * len(sky.extra[0])  # more than was injected: most skies are looked at once
            self._bound = max(first, injected, n_signal, 2 * n_signal if known else 0.0, 4 * known)
            limits = np.empty(len(sky.n_events))
            series_limits(self._bound, hypothesis.shares, sky.n_events, limits)
            self._ratios = (*hypothesis.near_ratios(sky, limits), hypothesis.shares, sky.n_events)
        return self._ratios

    def profile(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Best n_s and ln L ratio at every spectrum, (n_spectra,) each, and whether all converged."""
        needed = 1.0
        while True:
            n_signal, value, converged = fit.profile(*self._up_to(needed))
            needed = n_signal.max()
            if needed <= self._bound:
                return n_signal, value, converged

    def fit(self) -> Fit:
        """Best n_s and gamma, with the maximum in gamma interpolated between the spectra."""
        gammas = self._hypothesis.gammas
        n_signal, value, converged = self.profile()
        ts, best, gamma = fit.peak(gammas, n_signal, value)
        return Fit(float(best), float(gammas[0] if len(gammas) == 1 else gamma), max(float(ts), 0.0), bool(converged))

    def test_statistic(self, n_signal: float, g: int) -> float:
        """2 ln L(n_s)/L(0) at the spectrum number `g`."""
        return 2 * fit.log_likelihood(n_signal, *fit.at_spectrum(g, *self._up_to(n_signal)))

    @property
    def most(self) -> np.ndarray:
        """Numbers of signal events that ln L is defined below: every season holds its share, (n_spectra,)."""
        return (self._sky.n_events / np.maximum(self._hypothesis.shares, 1e-300)).min(axis=1) * (1 - 1e-9)

    def profiled(self, n_signal: float) -> float:
        """2 ln L(n_s)/L(0) at the best gamma for that n_s, interpolated between the spectra."""
        gammas = self._hypothesis.gammas
        if n_signal == 0.0:
            return 0.0
        value = np.array([self.test_statistic(n_signal, g) for g in range(len(gammas))])
        return float(fit.peak(gammas, np.full(len(gammas), n_signal), value / 2)[0])


class BestCurveLikelihood:
    """ln L of one sky for a light curve that is fitted: at each n_s and spectrum that of its best threshold and lag.

    `candidates` are the hypothesis at each of them. The methods are those of `SkyLikelihood`.
    """

    def __init__(self, candidates: Sequence[Tested], sky: Sky) -> None:
        self._each = [SkyLikelihood(own, sky) for own in candidates]

    def profile(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Best n_s and ln L ratio at every spectrum, (n_spectra,) each, and whether all converged."""
        n_signal, value, converged = zip(*(own.profile() for own in self._each), strict=True)
        best = np.argmax(value, axis=0)[None]
        n_signal, value = (np.take_along_axis(np.array(found), best, axis=0)[0] for found in (n_signal, value))
        return n_signal, value, all(converged)

    @cached_property
    def _fits(self) -> list[Fit]:
        return [own.fit() for own in self._each]

    @property
    def best(self) -> int:
        """Number of the candidate that fits best, the first without signal."""
        return int(np.argmax([own.ts for own in self._fits]))

    def fit(self) -> Fit:
        """Best n_s and gamma of the best candidate."""
        return replace(self._fits[self.best], converged=all(own.converged for own in self._fits))

    def test_statistic(self, n_signal: float, g: int) -> float:
        """2 ln L(n_s)/L(0) at the spectrum number `g`."""
        return max(own.test_statistic(n_signal, g) for own in self._each)

    @property
    def most(self) -> np.ndarray:
        """Numbers of signal events that ln L is defined below, (n_spectra,)."""
        return np.min([own.most for own in self._each], axis=0)

    def profiled(self, n_signal: float) -> float:
        """2 ln L(n_s)/L(0) at the best gamma for that n_s."""
        return max(own.profiled(n_signal) for own in self._each)


def zoom(rows: np.ndarray, grid: np.ndarray, refit: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Fits refined to the true optimum in their parameter.

    Parameters
    ----------
    rows : (n, 4) float64
        TS, n_s > 0, parameter and convergence of fits on `grid` (n_grid,), evenly spaced.
    refit : the rows of fits on grids (n, n_points) of their own

    Returns
    -------
    (n, 4) float64; fits without signal stay as they are
    """
    rows = rows.copy()
    active = np.flatnonzero(rows[:, 1] > 0)
    low, high = np.full(len(active), grid[0]), np.full(len(active), grid[-1])
    step = np.full(len(active), grid[1] - grid[0])
    for _ in range(_ZOOMS if active.size else 0):
        best = rows[active, 2]
        grids = np.linspace(np.maximum(best - step, low), np.minimum(best + step, high), _ZOOM_POINTS, axis=1)
        rows[active] = refit(grids)
        low, high, step = grids[:, 0], grids[:, -1], grids[:, 1] - grids[:, 0]
    return rows
