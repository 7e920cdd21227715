"""The unknown flare of a source: when it shone, how long, with how many events (`nusky.likelihood.flare`).

Windows begin and end at the events near the source with the largest density ratios. Durations are counted in good runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.fit import peak
from nusky.likelihood.flare import GROUP, NearEvents, Windows, bounds, candidates, fit_window, near_source, strongest
from nusky.likelihood.ratios import near_ratios
from nusky.likelihood.time import NO_PROFILES
from nusky.search.sky import Fit, Sky
from nusky.search.sky_likelihood import Tested
from nusky.search.time_profile import Box, Flare, GoodRuns, TimeProfile, joined

LARGEST_FACTOR = 16.0
"""Density ratios are followed down as far as windows of this part of the livetime need, however short a flare may be:
beyond lies 1e-4 of the integral of S^2/B of such a window."""
_RUNNERS_UP = 5


@dataclass(frozen=True)
class FlareFit:
    """A flare.

    Attributes
    ----------
    start, stop : float, MJD
        Both belong to the window.
    duration : float, d
        Good runs inside.
    n_signal, gamma : float
        Best number of signal events and spectral index.
    ts : float
        With the factor for the number of short windows.
    converged : bool
    """

    start: float
    stop: float
    duration: float
    n_signal: float
    gamma: float
    ts: float
    converged: bool

    @property
    def box(self) -> Box:
        """The window as a profile of its own."""
        return Box(self.start, self.stop)


def wanted(profiles: tuple[TimeProfile, ...] | None) -> Flare | None:
    """The unknown flare among the profiles of a hypothesis.

    Raises
    ------
    PhysicsError : there are other sources beside it.
    """
    found = [profile for profile in profiles or () if isinstance(profile, Flare)]
    if found and len(profiles) > 1:
        raise PhysicsError("an unknown flare is looked for in one source at a time, not in a stack.")
    return found[0] if found else None


def largest_factor(flare: Flare, runs: tuple[GoodRuns, ...]) -> float:
    """By how much the shortest window makes density ratios larger, up to `LARGEST_FACTOR`."""
    livetime = sum(own.livetime for own in runs)
    if flare.longest > livetime * (1 + 1e-9):
        raise PhysicsError(
            f"the longest duration of a flare, {flare.longest:g} d, is more than the livetime of the seasons, "
            f"{livetime:.1f} d. Give at most that."
        )
    return float(np.clip(max(own.livetime for own in runs) / flare.shortest, 1.0, LARGEST_FACTOR))


class FlareLikelihood:
    """The likelihood of one sky for an unknown flare, with what `nusky.search.sky_likelihood.SkyLikelihood` offers."""

    def __init__(self, hypothesis: Tested, sky: Sky, flare: Flare) -> None:
        self._hypothesis, self._sky, self._flare = hypothesis, sky, flare

    @cached_property
    def _near(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, seasons and density ratios (n_events, n_spectra) of the events near the source, in order of time."""
        hypothesis, sky = self._hypothesis, self._sky
        records = hypothesis.analysis.indexed.records
        parts, times, found = [], [], []
        for chosen, cell, ra, own, mjd in ((sky.chosen, sky.cell, sky.ra, records, sky.mjd), sky.extra):
            near = np.empty(len(chosen), bool)
            near_source(ra, own[chosen], hypothesis.near.sources[0], near)
            parts.append((chosen[near], cell[near], ra[near], own, mjd[near]))
            times.append(mjd[near])
            found.append(own["season"][chosen[near]])
        (chosen, cell, ra, _, mjd), extra = parts
        # No ratio counts as small: every event has a row, in this order.
        rows, season, _ = near_ratios(
            chosen,
            cell,
            ra,
            records,
            mjd,
            extra,
            hypothesis.near.cells,
            hypothesis.near.sources,
            NO_PROFILES,
            hypothesis.signal,
            np.zeros(len(sky.n_events)),
        )
        if not np.array_equal(season, np.concatenate(found)):
            raise AssertionError("rows of near events do not belong to them")
        mjd = np.concatenate(times)
        order = np.argsort(mjd, kind="stable")
        return mjd[order], season[order], rows[order]

    @cached_property
    def events(self) -> tuple[np.ndarray, NearEvents]:
        """Times of the events near the source, (n_events,) [MJD] in order, and what kernels need of them."""
        hypothesis = self._hypothesis
        mjd, season, ratio = self._near
        livetime = np.array([own.livetime for own in hypothesis.analysis.runs])
        rate = np.ascontiguousarray((hypothesis.per_source[:, :, 0] / livetime[:, None]).T)
        strength = ratio * (rate * livetime / self._sky.n_events).T[season]
        return mjd, NearEvents(season, strength, rate, hypothesis.signal.far, self._sky.n_events)

    @cached_property
    def weights(self) -> np.ndarray:
        """What each near event adds for a signal of one event over the whole livetime, (n_events, n_spectra)."""
        near = self.events[1]
        livetime = np.array([own.livetime for own in self._hypothesis.analysis.runs])
        return near.strength / (near.rate @ livetime)

    @cached_property
    def windows(self) -> Windows:
        """The candidate windows."""
        mjd, flare = self.events[0], self._flare
        seasons = self._hypothesis.analysis.runs
        runs = joined(seasons)
        weight = self.weights.max(axis=1)
        # Sorted by weight and then by time, as equal weights must not depend on the order of the events.
        edge = np.sort(np.lexsort((mjd, -weight))[: flare.edges])
        live = runs.until(mjd)
        end = np.minimum(live[edge] + flare.shortest, runs.livetime)
        shortest = np.maximum(runs.when(end), mjd[edge])
        exposure, until = (
            np.column_stack([own.until(times) for own in seasons]) if len(times) else np.empty((0, len(seasons)))
            for times in (mjd, shortest)
        )
        return candidates(mjd, live, exposure, edge, shortest, runs.until(shortest), until, flare.longest)

    def _penalty(self) -> np.ndarray:
        """ln(T / T_max) of every window."""
        return np.log(self.windows.duration / self._flare.longest)

    def flares(self, spectra: slice = slice(None), most: int = _RUNNERS_UP) -> Iterator[FlareFit]:
        """The strongest flare, then the strongest of those that lie apart from all before, up to `most`."""
        near, windows, gammas = self.events[1], self.windows, self._hypothesis.gammas[spectra]
        near = near._replace(
            strength=np.ascontiguousarray(near.strength[:, spectra]),
            rate=np.ascontiguousarray(near.rate[spectra]),
            far=np.ascontiguousarray(near.far[:, spectra]),
        )
        first, penalty = range(0, len(gammas), GROUP), self._penalty()
        bound = np.empty((len(first), len(penalty)))
        for group, low in enumerate(first):
            bounds(near, windows, low, min(low + GROUP, len(gammas)), bound[group])
        order = np.argsort(-(bound.max(axis=0) + penalty), kind="stable")
        free = np.ones(len(order), bool)
        for _ in range(most):
            w, n_signal, value, converged = strongest(near, windows, bound, penalty, order, free)
            if w < 0:
                return
            ts, best, gamma = peak(gammas, n_signal, value)
            begin, end = float(windows.begin[w]), float(windows.end[w])
            yield FlareFit(
                begin,
                end,
                float(windows.duration[w]),
                float(best),
                float(gammas[0] if len(gammas) == 1 else gamma),
                float(ts + 2 * penalty[w]),
                bool(converged),
            )
            free &= (windows.end < begin) | (windows.begin > end)

    def _counted(self, spectra: slice = slice(None)) -> list[FlareFit]:
        """The flares that the test statistic is made of, the strongest first."""
        if self._flare.add_above is None:
            return list(self.flares(spectra, most=1))
        found = []
        for own in self.flares(spectra, most=len(self.windows.first)):
            if found and own.ts < self._flare.add_above:
                break
            found.append(own)
        return found

    def profile(self) -> tuple[np.ndarray, np.ndarray, bool]:
        """Best n_s and half of TS at every spectrum, the windows chosen for each, and whether all converged."""
        n_spectra, converged = len(self._hypothesis.gammas), True
        n_signal, value = np.zeros(n_spectra), np.zeros(n_spectra)
        for g in range(n_spectra):
            counted = self._counted(slice(g, g + 1))
            n_signal[g] = sum(own.n_signal for own in counted)
            value[g] = 0.5 * sum(own.ts for own in counted)
            converged = converged and all(own.converged for own in counted)
        return n_signal, value, converged

    def fit(self) -> Fit:
        """n_s and TS of the flares that count, gamma of the strongest."""
        counted = self._counted()
        if not counted:
            gammas = self._hypothesis.gammas
            return Fit(0.0, float(gammas[0]) if len(gammas) == 1 else np.nan, 0.0, True)
        n_signal, ts = (float(sum(getattr(own, name) for own in counted)) for name in ("n_signal", "ts"))
        return Fit(n_signal, counted[0].gamma, ts, all(own.converged for own in counted))

    def every_window(self) -> tuple[np.ndarray, np.ndarray]:
        """TS and n_s of every candidate window at the best of the spectra, (n_windows,) each; 0 without signal."""
        near, windows, penalty = self.events[1], self.windows, self._penalty()
        ts, n_signal = np.zeros(len(penalty)), np.zeros(len(penalty))
        for w in range(len(penalty)):
            fits = [fit_window(near, windows, w, g, 1.0)[:2] for g in range(len(self._hypothesis.gammas))]
            n_signal[w], value = max(fits, key=lambda fit: fit[1])
            ts[w] = max(2 * (value + penalty[w]), 0.0)
        return ts, n_signal
