"""Profiles of a flux in time, and the good runs of a season in which they are seen. Times in MJD, durations in days.

A profile T is known by its integral from some moment to t and the inverse of it: exposure, normalisation and the times
of injected events follow from these.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.likelihood import time
from nusky.likelihood.time import Profiles, shape
from nusky.units import checked_mjd

EARTH_TURN = 2 * np.pi * 1.002737909
"""Rotation of the Earth towards the stars, rad per day (mean sidereal: IAU 1982, Aoki et al., A&A 105 (1982) 359)."""
_REACH = 8.3
"""Widths beyond which a Gaussian is below 1e-15 of its maximum."""
_FLUXES = 1e-100, 1e100
"""Of a light curve: sums and ratios of these stay numbers."""
_ROUNDING = 1e-6
"""Bins of a light curve that touch may differ by this, d."""


@dataclass(frozen=True)
class GoodRuns:
    """The times when a season took data: `start` and `stop` [MJD], (n_runs,) each, in order and apart."""

    start: NDArray
    stop: NDArray

    @classmethod
    def of(cls, start: ArrayLike, stop: ArrayLike) -> "GoodRuns":
        """From runs in any order; those that overlap or touch are one."""
        start, stop = np.atleast_1d(np.asarray(start, float)), np.atleast_1d(np.asarray(stop, float))
        wrong = np.flatnonzero(~(start < stop))
        if not len(start) or wrong.size:
            what = f"run number {wrong[0] + 1} stops at {stop[wrong[0]]} before it starts" if wrong.size else "no run"
            raise PhysicsError(f"good runs: {what}.")
        order = np.argsort(start, kind="stable")
        start, ended = start[order], np.maximum.accumulate(stop[order])
        first = np.concatenate(([True], start[1:] > ended[:-1]))
        return cls(start[first], ended[np.append(first[1:], True)])

    @property
    def livetime(self) -> float:
        """Sum of the runs, d."""
        return float((self.stop - self.start).sum())

    def until(self, mjd: ArrayLike) -> NDArray:
        """Good runs up to each of `mjd`, shape of `mjd`, d."""
        edges, total = self._running
        return np.interp(mjd, edges, total)

    def when(self, live: ArrayLike) -> NDArray:
        """The times [MJD] at which the good runs add up to `live` [d]; between two runs the end of the first."""
        edges, total = self._running
        # Of the two edges of a gap, which have one total, the first.
        at = np.clip(np.searchsorted(total, live, side="left"), 1, len(total) - 1)
        inside = np.clip(live, 0.0, total[-1]) - total[at - 1]
        return np.minimum(edges[at - 1] + inside, edges[at])

    @cached_property
    def _running(self) -> tuple[NDArray, NDArray]:
        edges = np.column_stack((self.start, self.stop)).ravel()
        run = np.cumsum(self.stop - self.start)
        return edges, np.column_stack((np.append(0.0, run[:-1]), run)).ravel()

    def contain(self, mjd: NDArray) -> NDArray:
        """Whether each of `mjd` (n,) lies in a run, edges included."""
        run = np.searchsorted(self.start, mjd, side="right") - 1
        return (run >= 0) & (mjd <= self.stop[np.maximum(run, 0)])


@dataclass(frozen=True)
class TimeProfile(ABC):
    """A flux over time in units of its value at T = 1."""

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """First and last time [MJD] at which T is not 0 or negligible."""

    @property
    def windows(self) -> GoodRuns:
        """The times at which T is not 0 or negligible."""
        return GoodRuns.of(*self.support)

    @abstractmethod
    def integral(self, mjd: NDArray) -> NDArray:
        """Integral of T up to `mjd` (n,), in days, from any fixed moment."""

    @abstractmethod
    def inverse(self, integral: NDArray) -> NDArray:
        """The times (n,) [MJD] at which `integral` has these values [days]."""

    @abstractmethod
    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        """Kind, parameters, edges and fluxes as `nusky.likelihood.time.Profiles` has them."""

    def __call__(self, mjd: ArrayLike) -> NDArray:
        """T at times [MJD], shape of `mjd`."""
        mjd, profiles = np.asarray(mjd, dtype=float), packed([self], np.zeros((0, 1)))
        return np.array([shape(t, 0, profiles) for t in mjd.ravel()]).reshape(mjd.shape)

    def exposures(self, runs: GoodRuns) -> NDArray:
        """Integral of T over each run, (n_runs,), d."""
        return np.maximum(self.integral(runs.stop) - self.integral(runs.start), 0.0)

    def exposure(self, runs: GoodRuns) -> float:
        """E = integral of T over the good runs, d."""
        return float(self.exposures(runs).sum())

    def total(self, begin: float, end: float) -> float:
        """Integral of T over all times, days; of a profile without an end only from `begin` to `end` [MJD]."""
        low, high = (edge if np.isfinite(edge) else to for edge, to in zip(self.support, (begin, end), strict=True))
        return float(self.integral(np.array(max(high, low))) - self.integral(np.array(low)))

    def draw(self, rng: np.random.Generator, runs: GoodRuns, n: int) -> NDArray:
        """`n` times [MJD] of signal inside the good runs."""
        each = self.exposures(runs)
        total = np.cumsum(each)
        if n and not total[-1] > 0:
            raise PhysicsError(f"no time of signal can be drawn: {self} lies outside the good runs.")
        at = rng.random(n) * total[-1]
        run = np.minimum(np.searchsorted(total, at, side="right"), len(each) - 1)
        rest = np.minimum(at - (total[run] - each[run]), each[run])
        found = self.inverse(self.integral(runs.start[run]) + rest)
        return np.clip(found, runs.start[run], runs.stop[run])


class _Always(TimeProfile):
    """T = 1."""

    @property
    def support(self) -> tuple[float, float]:
        """All times."""
        return -np.inf, np.inf

    def integral(self, mjd: NDArray) -> NDArray:
        """The time itself, days."""
        return np.asarray(mjd, dtype=float)

    def inverse(self, integral: NDArray) -> NDArray:
        """The time itself, MJD in days."""
        return integral

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return time.STEADY, (0.0, 0.0, 0.0), np.empty(0), np.empty(0)


@dataclass(frozen=True)
class Steady(_Always):
    """T = 1."""


@dataclass(frozen=True)
class Flare(_Always):
    """A window that is not known: start and duration are fitted (`nusky.search.flare`).

    Attributes
    ----------
    shortest, longest : float, d
        Bounds of the duration, counted in good runs.
    edges : int
        So many events of the largest density ratios, of those near the source, may begin or end a window.
    add_above : float or None
        TS of flares apart from each other is added up from this value on; None: only the strongest one counts.
    """

    shortest: float
    longest: float
    edges: int = 100
    add_above: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.shortest < np.inf:
            raise PhysicsError(f"the shortest duration of a flare, {self.shortest:g} d, must be above 0.")
        if not self.shortest <= self.longest < np.inf:
            raise PhysicsError(
                f"the longest duration of a flare, {self.longest:g} d, must not be below the shortest, "
                f"{self.shortest:g} d."
            )
        if self.edges < 2:
            raise PhysicsError(f"edges = {self.edges}: a window needs an event to begin and one to end, at least 2.")
        if self.add_above is not None and not 0 <= self.add_above < np.inf:
            raise PhysicsError(f"TS from which flares are added, {self.add_above:g}, must not be below 0.")

    def check_lasting(self, days: float) -> None:
        """PhysicsError unless flares that last `days` are looked for."""
        if not self.shortest <= days <= self.longest:
            raise PhysicsError(
                f"limits of flares of {days:g} d: flares of {self.shortest:g} to {self.longest:g} d are looked for. "
                "Give a duration among these."
            )


@dataclass(frozen=True)
class Box(TimeProfile):
    """T = 1 in the closed interval from `start` to `stop` [MJD]: published edges often are the times of events."""

    start: float
    stop: float

    def __post_init__(self) -> None:
        checked_mjd("start of the window", self.start)
        checked_mjd("stop of the window", self.stop)
        if not self.start < self.stop:
            raise PhysicsError(f"the window stops at MJD {self.stop:.10g}, not after its start at {self.start:.10g}.")

    @property
    def support(self) -> tuple[float, float]:
        """Start and stop, MJD."""
        return self.start, self.stop

    def integral(self, mjd: NDArray) -> NDArray:
        """Time since the start, days."""
        return np.clip(mjd, self.start, self.stop) - self.start

    def inverse(self, integral: NDArray) -> NDArray:
        """Start plus `integral` [days], MJD."""
        return self.start + integral

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return time.BOX, (self.start, self.stop, 0.0), np.empty(0), np.empty(0)


@dataclass(frozen=True)
class Gaussian(TimeProfile):
    """T = exp(-(t - centre)^2 / 2 width^2); `centre` in MJD, `width` in days."""

    centre: float
    width: float

    def __post_init__(self) -> None:
        checked_mjd("centre of the flare", self.centre)
        if not 0 < self.width < np.inf:
            raise PhysicsError(f"width of the flare = {self.width} d must be above 0.")

    @property
    def support(self) -> tuple[float, float]:
        """Where T is above 1e-15, MJD."""
        return self.centre - _REACH * self.width, self.centre + _REACH * self.width

    @property
    def _area(self) -> float:
        return np.sqrt(2 * np.pi) * self.width

    def integral(self, mjd: NDArray) -> NDArray:
        """From the beginning of time to `mjd`, d."""
        return self._area * scipy.special.ndtr((mjd - self.centre) / self.width)

    def inverse(self, integral: NDArray) -> NDArray:
        """Quantile, MJD."""
        return self.centre + self.width * np.clip(
            scipy.special.ndtri(np.clip(integral / self._area, 0, 1)), -_REACH, _REACH
        )

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return time.GAUSSIAN, (self.centre, self.width, 0.0), np.empty(0), np.empty(0)


@dataclass(frozen=True)
class Decay(TimeProfile):
    """T = (1 + (t - start) / timescale)^-power after `start` [MJD]; `timescale` in days."""

    start: float
    timescale: float
    power: float

    def __post_init__(self) -> None:
        checked_mjd("start of the decay", self.start)
        for name, value in (("timescale", self.timescale), ("power", self.power)):
            if not 0 < value < np.inf:
                raise PhysicsError(f"{name} of the decay = {value} must be above 0.")

    @property
    def support(self) -> tuple[float, float]:
        """From the start on, MJD."""
        return self.start, np.inf

    def integral(self, mjd: NDArray) -> NDArray:
        """From the start to `mjd`, d."""
        log = np.log1p(np.maximum(np.asarray(mjd) - self.start, 0.0) / self.timescale)
        steep = 1 - self.power
        return self.timescale * (log if steep == 0 else np.expm1(steep * log) / steep)

    def inverse(self, integral: NDArray) -> NDArray:
        """The time until which the integral [d] is reached, MJD."""
        u, steep = np.asarray(integral) / self.timescale, 1 - self.power
        return self.start + self.timescale * np.expm1(u if steep == 0 else np.log1p(steep * u) / steep)

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return time.DECAY, (self.start, self.timescale, self.power), np.empty(0), np.empty(0)


@dataclass(frozen=True)
class LightCurve(TimeProfile):
    """T = flux in the bin of t, 0 outside; bins from `edge[i]` to `edge[i + 1]` [MJD], the last edge included.

    `edge` has one number more than `flux`, whose unit is free; not negative. `threshold`, in that unit, and `lag` [d]
    are in them already.
    """

    edge: tuple[float, ...]
    flux: tuple[float, ...]
    threshold: float = 0.0
    lag: float = 0.0

    @classmethod
    def of(
        cls, start: ArrayLike, stop: ArrayLike, flux: ArrayLike, *, threshold: float = 0.0, lag: float = 0.0
    ) -> "LightCurve":
        """From a measured light curve: max(0, F - threshold) in each bin, `lag` days later.

        Parameters
        ----------
        start, stop : (n_bins,), MJD, in order and without gaps
        flux : (n_bins,), any unit; an upper limit is to be given as 0
        threshold : in the unit of `flux`

        Raises
        ------
        PhysicsError
            Bins that stop before they start, overlap or leave gaps; a flux that is no number; nothing above the
            threshold. The message names the bin.
        """
        start, stop, flux = (np.atleast_1d(np.asarray(values, float)) for values in (start, stop, flux))
        if not len(start) == len(stop) == len(flux) or not len(start):
            raise PhysicsError("a light curve needs start, stop and flux of at least one bin, as many of each.")
        for i, (low, high, value) in enumerate(zip(start, stop, flux, strict=True), start=1):
            checked_mjd(f"start of bin {i} of the light curve", low)
            checked_mjd(f"stop of bin {i} of the light curve", high)
            if not low < high:
                raise PhysicsError(f"bin {i} of the light curve has no exposure: it stops at {high}, starts at {low}.")
            if not np.isfinite(value):
                raise PhysicsError(f"the flux in bin {i} of the light curve is no number. Give 0 for an upper limit.")
            if value and not _FLUXES[0] <= abs(value) <= _FLUXES[1]:
                raise PhysicsError(
                    f"the flux in bin {i} of the light curve, {value:g}, is neither 0 nor between {_FLUXES[0]:g} and "
                    f"{_FLUXES[1]:g}. Give it in another unit."
                )
        apart = np.flatnonzero(np.abs(start[1:] - stop[:-1]) > _ROUNDING)
        if apart.size:
            i = apart[0]
            what = "overlaps" if start[i + 1] < stop[i] else "leaves a gap to"
            raise PhysicsError(
                f"bin {i + 2} of the light curve, from MJD {start[i + 1]:.8f}, {what} bin {i + 1}, which ends at "
                f"{stop[i]:.8f}. Give bins in order that touch, those without a measurement with a flux of 0."
            )
        if threshold < 0:
            raise PhysicsError(
                f"the threshold of the light curve, {threshold:g}, is below 0: there would be a flux where none was "
                "measured. Give 0 or more."
            )
        above = np.maximum(flux - threshold, 0.0)
        if not (above > 0).any():
            raise PhysicsError(f"no bin of the light curve is above the threshold {threshold:g}.")
        edges = np.append(start, stop[-1]) + lag
        return cls(tuple(edges.tolist()), tuple(above.tolist()), float(threshold), float(lag))

    def at_peak(self) -> "LightCurve":
        """The same in units of its largest flux: T = 1 at the peak, which fluxes of neutrinos then are about."""
        peak = max(self.flux)
        return replace(self, flux=tuple(value / peak for value in self.flux))

    @property
    def support(self) -> tuple[float, float]:
        """Of the bins with flux, MJD."""
        used = np.flatnonzero(np.array(self.flux) > 0)
        return self.edge[used[0]], self.edge[used[-1] + 1]

    @property
    def windows(self) -> GoodRuns:
        """The bins with flux, those that touch as one."""
        edge, used = np.array(self.edge), np.flatnonzero(np.array(self.flux) > 0)
        return GoodRuns.of(edge[used], edge[used + 1])

    @property
    def _totals(self) -> NDArray:
        return np.concatenate(([0.0], np.cumsum(np.diff(self.edge) * self.flux)))

    def integral(self, mjd: NDArray) -> NDArray:
        """From the first bin to `mjd`, flux times days."""
        return np.interp(mjd, self.edge, self._totals)

    def inverse(self, integral: NDArray) -> NDArray:
        """The time at which the integral is reached, MJD in days."""
        totals, edge = self._totals, np.asarray(self.edge)
        i = np.clip(np.searchsorted(totals, integral, side="right") - 1, 0, len(edge) - 2)
        flux = np.asarray(self.flux)[i]
        inside = np.divide(integral - totals[i], flux, out=np.zeros_like(integral), where=flux > 0)
        return np.minimum(edge[i] + inside, edge[i + 1])

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return time.CURVE, (0.0, 0.0, 0.0), np.array(self.edge), np.append(self.flux, 0.0)


@dataclass(frozen=True)
class FittedCurve(TimeProfile):
    """A light curve whose threshold and lag are fitted: in every sky the best of `curves`, which differ in them.

    Fluxes, exposures and injected signal are those of the first one.
    """

    curves: tuple[LightCurve, ...]

    @classmethod
    def of(
        cls,
        start: ArrayLike,
        stop: ArrayLike,
        flux: ArrayLike,
        *,
        thresholds: Sequence[float] = (0.0,),
        lags: Sequence[float] = (0.0,),
    ) -> "FittedCurve":
        """A light curve, (n_bins,) each as `LightCurve.of` takes it, at all pairs of `thresholds` and `lags` [d].

        Thresholds that no bin is above are left out.

        Raises
        ------
        PhysicsError : as `LightCurve.of`, also where no bin is above the first threshold.
        """
        first = LightCurve.of(start, stop, flux, threshold=thresholds[0], lag=lags[0])
        top = float(np.max(flux))
        pairs = [(threshold, lag) for threshold in thresholds if threshold < top for lag in lags][1:]
        return cls((first, *(LightCurve.of(start, stop, flux, threshold=t, lag=lag) for t, lag in pairs)))

    def at_peak(self) -> "FittedCurve":
        """The same with each of them in units of its largest flux."""
        return FittedCurve(tuple(curve.at_peak() for curve in self.curves))

    def seen(self, runs: Sequence[GoodRuns]) -> tuple[LightCurve, ...]:
        """Those with an exposure in any season."""
        return tuple(curve for curve in self.curves if not why_unseen(curve, runs))

    @property
    def support(self) -> tuple[float, float]:
        """From the first to the last bin with flux of any of them, MJD."""
        starts, stops = zip(*(curve.support for curve in self.curves), strict=True)
        return min(starts), max(stops)

    @property
    def windows(self) -> GoodRuns:
        """The bins with flux of any of them."""
        return joined([curve.windows for curve in self.curves])

    def integral(self, mjd: NDArray) -> NDArray:
        """Of the first one, flux times days."""
        return self.curves[0].integral(mjd)

    def inverse(self, integral: NDArray) -> NDArray:
        """Of the first one, MJD in days."""
        return self.curves[0].inverse(integral)

    def total(self, begin: float, end: float) -> float:
        """Of the first one, flux times days."""
        return self.curves[0].total(begin, end)

    def _columns(self) -> tuple[int, tuple[float, float, float], NDArray, NDArray]:
        return self.curves[0]._columns()


def packed(profiles: Sequence[TimeProfile], scale: NDArray) -> Profiles:
    """Profiles of the sources as kernels take them; `scale` (n_seasons, n_sources)."""
    kinds, parameters, edges, fluxes = zip(*(profile._columns() for profile in profiles), strict=True)
    first = np.concatenate(([0], np.cumsum([len(edge) for edge in edges])))
    return Profiles(
        np.array(kinds, dtype=np.int64),
        np.array(parameters, dtype=float),
        first.astype(np.int64),
        np.concatenate(edges),
        np.concatenate(fluxes),
        np.ascontiguousarray(scale, dtype=float),
        np.array([profile.support for profile in profiles], dtype=float),
    )


def exposure_ratios(profiles: Sequence[TimeProfile], runs: Sequence[GoodRuns]) -> NDArray:
    """E_jk / |R_k|, (n_seasons, n_sources): exposure of each profile in each season over the livetime.

    Raises
    ------
    PhysicsError
        A profile has no exposure in any season: its window lies outside the good runs.
    """
    found = np.array([[profile.exposure(own) / own.livetime for profile in profiles] for own in runs])
    blind = np.flatnonzero(~(found.sum(axis=0) > 0))
    if blind.size:
        begin, end = reach_of(runs)
        raise PhysicsError(
            f"the window of source number {blind[0] + 1}, {profiles[blind[0]]}, lies outside the good runs, which "
            f"reach from MJD {begin:.4f} to {end:.4f}. Correct the window or leave the source out."
        )
    return found


def joined(runs: Sequence[GoodRuns]) -> GoodRuns:
    """The good runs of all seasons together."""
    return GoodRuns.of(*(np.concatenate([getattr(own, edge) for own in runs]) for edge in ("start", "stop")))


def reach_of(runs: Sequence[GoodRuns]) -> tuple[float, float]:
    """First start and last stop of the good runs of all seasons, MJD in days."""
    return min(own.start[0] for own in runs), max(own.stop[-1] for own in runs)


def why_unseen(profile: TimeProfile, runs: Sequence[GoodRuns]) -> str:
    """Why a profile has no exposure in any season, in words; empty if it has."""
    if any(profile.exposure(own) > 0 for own in runs):
        return ""
    (begin, end), (first, last) = profile.support, reach_of(runs)
    if end < first:
        return f"it ends at MJD {end:.2f}, before the first good run at {first:.2f}"
    if begin > last:
        return f"it begins at MJD {begin:.2f}, after the last good run at {last:.2f}"
    return f"no good run is on from MJD {begin:.5f} to {end:.5f}"


def none_seen(why: Mapping[str, str]) -> str:
    """What to say when no source is seen, from the reasons by name."""
    first = next(f"{name}: {reason}" for name, reason in why.items())
    return (
        f"the windows of all sources lie outside the good runs of the seasons. The first is {first}. Correct the "
        "windows, or take other seasons."
    )


def scale_of(ratios: NDArray) -> NDArray:
    """|R_k| / E_jk from `exposure_ratios` (n_seasons, n_sources), 0 where there is no exposure."""
    return np.divide(1.0, ratios, out=np.zeros_like(ratios), where=ratios > 0)


def turned(ra: NDArray, mjd: NDArray, to_mjd: NDArray) -> NDArray:
    """Right ascension [rad] of events that keep their direction in the detector when they come at `to_mjd` [MJD]."""
    return (ra + EARTH_TURN * (to_mjd - mjd)) % (2 * np.pi)
