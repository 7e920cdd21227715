"""A hypothesis: sources that share a flux of one spectrum. A single source is a stack of one.

    L_k(n_s, gamma) = prod_i [ x_k S_ik + (1 - x_k) B_ik ],   x_k = n_s f_k(gamma) / N_k

with f_k the share of season k in the expected signal (method: Braun et al., Astropart. Phys. 29 (2008) 299, and
spec of the standard analysis in docs/conventions.md). S_ik is the sum over the sources of their share omega_jk times
their own signal density. TS = 2 ln L(best)/L(0).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.detector.spectrum import PowerLaw, SourceSpectra, Spectrum, by_spectrum, of_each, parameters
from nusky.errors import PhysicsError
from nusky.likelihood import cells, fit
from nusky.likelihood.cells import SourceCells
from nusky.likelihood.events import EVENT
from nusky.likelihood.ratios import FIRST_BOUND, Signal, near_ratios, series_limits
from nusky.likelihood.terms import directions
from nusky.likelihood.time import NO_PROFILES, Permutation, Profiles, permute
from nusky.search.analysis import Analysis
from nusky.search.far_pairs import far_of_each, far_ratios
from nusky.search.flare import FlareLikelihood, largest_factor, wanted
from nusky.search.season import IndexedEvents, SeasonEvents
from nusky.search.sky import Fit, Sky
from nusky.search.time_profile import (
    EARTH_TURN,
    FittedCurve,
    Flare,
    GoodRuns,
    LightCurve,
    Steady,
    TimeProfile,
    exposure_ratios,
    joined,
    packed,
    scale_of,
    turned,
)
from nusky.units import takes_directions

N_SPECTRA = 16
"""Values of the fitted parameter on which the likelihood is profiled; between them the profile is interpolated."""
TIMES, RIGHT_ASCENSION = "times", "right-ascension"
"""What is scrambled in skies of sources that change with time."""
_FIRST_BOUND_OF_STACK = 4 * FIRST_BOUND
_MOST_TABLES, _TABLE_STEP = 256, np.radians(0.5)
"""More sources than that share the signal densities of those within half a step of declination."""
_ZOOMS, _ZOOM_POINTS = 3, 8
_AT_ONCE = 64
_PARTS_OF_A_TURN = 4096
"""Times that are permuted are found by the part of a turn that their phase lies in."""


@dataclass(frozen=True)
class Sources:
    """Sources of a hypothesis, each (n_sources,) float64: `ra`, `dec`, Gaussian width `extension` [rad], `weights`.

    The weights are the sources' shares of the flux. `profiles` say how it changes with time, one for each source; None
    if all are steady.

    Raises
    ------
    PhysicsError : a source is no direction and width, or no weight is above 0.
    """

    ra: np.ndarray
    dec: np.ndarray
    extension: np.ndarray
    weights: np.ndarray
    profiles: tuple[TimeProfile, ...] | None = None

    @classmethod
    @takes_directions(("ra", "dec"), extension="rad")
    def of(
        cls,
        ra: Any,
        dec: Any = None,
        extension: Any = 0.0,
        weights: ArrayLike = 1.0,
        profiles: TimeProfile | Sequence[TimeProfile] | None = None,
    ) -> "Sources":
        """Those with a weight; a missing width counts as 0, and the weights add up to 1. A profile serves all.

        Directions and widths are numbers in rad or quantities, or `ra` is a SkyCoord and `dec` left out.
        """
        ra, dec, extension, weights = (
            np.atleast_1d(values).astype(float) for values in np.broadcast_arrays(ra, dec, extension, weights)
        )
        used = weights > 0
        if not used.any():
            raise PhysicsError("no source of the stack has a weight above zero.")
        ra, dec, extension, weights = ra[used], dec[used], np.nan_to_num(extension[used]), weights[used]
        wrong = np.flatnonzero(~((extension >= 0) & (extension <= np.pi)))
        if wrong.size:
            j = wrong[0]
            raise PhysicsError(
                f"source at ra {ra[j]}, dec {dec[j]}, extension {extension[j]} rad: no width from 0 to pi. For degrees "
                "give a quantity."
            )
        if isinstance(profiles, TimeProfile):
            profiles = [profiles] * len(used)
        if profiles is None or all(isinstance(own, Steady) for own in profiles):
            return cls(ra, dec, extension, weights / weights.sum())
        chosen = tuple(own for own, use in zip(profiles, used, strict=True) if use)
        return cls(ra, dec, extension, weights / weights.sum(), chosen)

    def __len__(self) -> int:
        return len(self.ra)

    def by_declination(self) -> "Sources":
        """The same in order of declination: neighbours in memory are then neighbours on the sky."""
        order = np.argsort(self.dec, kind="stable")
        profiles = self.profiles and tuple(self.profiles[j] for j in order)
        return Sources(self.ra[order], self.dec[order], self.extension[order], self.weights[order], profiles)


@dataclass(frozen=True)
class NearIndex:
    """Which events may be near which sources.

    Attributes
    ----------
    cells : SourceCells
    sources : (n_sources, 4) float64
        As `nusky.likelihood.ratios.near_ratios` takes them.
    """

    cells: SourceCells
    sources: np.ndarray

    @classmethod
    def of_sources(cls, sources: Sources) -> "NearIndex":
        """The index of all `sources`."""
        x_y = directions(np.cos(sources.dec), sources.ra % (2 * np.pi))
        columns = *x_y, np.sin(sources.dec), sources.extension**2
        index = SourceCells.of_sources(sources.ra, sources.dec, sources.extension)
        return cls(index, np.column_stack(columns))


@dataclass(frozen=True)
class Hypothesis:
    """Sources that share a flux, on a grid of spectra that differ in one parameter, usually the index.

    Attributes
    ----------
    analysis : Analysis
    sources : Sources
        In order of declination.
    spectra : n_spectra
    near : NearIndex
        The same for all spectra.
    scramble : TIMES or RIGHT_ASCENSION
        Of sources that change with time; steady ones have right ascensions scrambled.
    """

    analysis: Analysis
    sources: Sources
    spectra: tuple[Spectrum, ...]
    near: NearIndex
    scramble: str = TIMES
    _NOTHING = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0, EVENT), np.empty(0))

    def __post_init__(self) -> None:
        if self.scramble == RIGHT_ASCENSION and self.sources.profiles is not None and any(_fixed(self.analysis)):
            raise PhysicsError("in a list of a cone right ascensions cannot be drawn anew: permute the times.")

    @classmethod
    def of(
        cls, analysis: Analysis, sources: Sources, spectra: Spectrum | Sequence[Spectrum] | None = None
    ) -> "Hypothesis":
        """With the parameter of a spectrum free, the index of a power law by default, or on given `spectra`.

        `SourceSpectra` are of the sources in the order of `sources`. A free parameter is profiled on `N_SPECTRA`
        values.

        Raises
        ------
        PhysicsError : no season can see any source, or `SourceSpectra` are of another number of sources.
        """
        if spectra is None or isinstance(spectra, Spectrum):
            spectra = (spectra or PowerLaw(2.0)).grid(N_SPECTRA)
        of_each(spectra, len(sources))
        order = np.argsort(sources.dec, kind="stable")
        spectra = [spectrum.take(order) if isinstance(spectrum, SourceSpectra) else spectrum for spectrum in spectra]
        sources = sources.by_declination()
        analysis.check_covered(sources.ra, sources.dec)
        if sources.profiles is not None:
            analysis = analysis.windowed(_largest_factor(analysis, sources, spectra))
        expected = expected_by_source(analysis, sources, spectra).sum(axis=2)
        if not (expected.sum(axis=0) > 0).all():
            where = ", ".join(f"{value:.3f}" for value in np.degrees(sources.dec[:3]))
            more = "" if len(sources) <= 3 else f" and {len(sources) - 3} more"
            low, high = spectra[0].log10_limits
            limited = f" at log10(E/GeV) {low:g} to {high:g}, the energies of its spectrum. Widen the range"
            at = limited if np.isfinite([low, high]).any() else ""
            raise PhysicsError(f"no season can see a source at declination {where} deg{more}{at}.")
        return cls(analysis, sources, tuple(spectra), NearIndex.of_sources(sources))

    def with_spectra(self, spectra: Sequence[Spectrum]) -> "Hypothesis":
        """The same sources on another grid of spectra."""
        return replace(self, spectra=tuple(spectra))

    def at_window(self, window: TimeProfile) -> "Hypothesis":
        """The same at the same events with a known window, or light curve, in place of what the sources have."""
        return replace(self, sources=replace(self.sources, profiles=(window,) * len(self.sources)))

    def with_gammas(self, gammas: ArrayLike) -> "Hypothesis":
        """The same sources and spectra at other values (n,) of their parameter."""
        return self.with_spectra([self.spectra[0].at(gamma) for gamma in np.atleast_1d(gammas)])

    @cached_property
    def gammas(self) -> np.ndarray:
        """The parameter on its grid, (n_spectra,) float64."""
        return parameters(self.spectra)

    @cached_property
    def per_source(self) -> np.ndarray:
        """Expected events of each source for phi0 = 1 GeV^-1 cm^-2 s^-1 of all, (n_seasons, n_spectra, n_sources)."""
        return expected_by_source(self.analysis, self.sources, self.spectra)

    @cached_property
    def expected(self) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of all sources together, (n_seasons, n_spectra)."""
        return self.per_source.sum(axis=2)

    @cached_property
    def shares(self) -> np.ndarray:
        """f_k(gamma), (n_spectra, n_seasons)."""
        return np.ascontiguousarray((self.expected / self.expected.sum(axis=0)).T)

    @cached_property
    def response_shares(self) -> np.ndarray:
        """Share of each source in the signal of a response, (n_responses, n_sources, n_spectra) float64."""
        # Seasons of one response share it: the livetime cancels.
        season = np.unique(self.analysis.response_numbers, return_index=True)[1]
        shares = self.per_source[season] / np.maximum(self.expected[season], 1e-300)[:, :, None]
        return np.ascontiguousarray(shares.transpose(0, 2, 1))

    @cached_property
    def _tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sources that share tables of densities: their declinations [rad], the first of each table, those of all."""
        dec = self.sources.dec
        if len(dec) > _MOST_TABLES:
            dec = np.clip(np.round(dec / _TABLE_STEP) * _TABLE_STEP, -np.pi / 2, np.pi / 2)
        kind = np.empty(len(dec), np.int64)
        for number, (_, at) in enumerate(by_spectrum(of_each(self.spectra, len(dec)))):
            kind[at] = number
        _, first, table = np.unique(dec + 1j * kind, return_index=True, return_inverse=True)
        return dec, first, table

    def _densities(self, sources: np.ndarray) -> np.ndarray:
        """Signal densities that belong to the numbers of some sources."""
        own = [s.take(sources) if isinstance(s, SourceSpectra) else s for s in self.spectra]
        return self.analysis.signal_densities(self._tables[0][sources], own)

    @cached_property
    def signal(self) -> Signal:
        """What the detector makes of the sources."""
        analysis, shares = self.analysis, self.response_shares
        _, first, table = self._tables
        densities = self._densities(first)
        sources = self.sources.dec, self.sources.extension, table
        far = far_ratios(analysis.seasons, analysis.response_numbers, sources, analysis.widths, densities, shares)
        # Written to by nobody, but arrays that cannot be written are a type of their own for kernels.
        densities = np.require(densities, requirements=["C", "W"])
        return Signal(analysis.widths, densities, table, shares.astype(np.float32), far)

    @cached_property
    def _far_of_each(self) -> np.ndarray:
        """Mean sum of the far ratios of each source by itself, (n_seasons, n_sources, n_spectra)."""
        analysis, sources, (_, first, table) = self.analysis, self.sources, self._tables
        found = np.empty((len(analysis.seasons), len(sources), len(self.spectra)))
        order = np.argsort(table, kind="stable")
        for begin in range(0, len(order), _AT_ONCE):
            own = order[begin : begin + _AT_ONCE]
            tables, place = np.unique(table[own], return_inverse=True)
            densities = self._densities(first[tables])[:, place]
            where = sources.dec[own], sources.extension[own]
            found[:, own] = far_of_each(analysis.seasons, analysis.response_numbers, where, analysis.widths, densities)
        return found

    def without(self, number: int) -> "Hypothesis":
        """The same without one source, which keeps its place with a weight of 0: skies look the same.

        Raises
        ------
        PhysicsError : no season can see what is left.
        """
        weights = self.sources.weights.copy()
        weights[number] = 0.0
        left = replace(self, sources=replace(self.sources, weights=weights / max(weights.sum(), 1e-300)))
        if not (left.expected.sum(axis=0) > 0).all():
            raise PhysicsError(f"no season can see the stack without its source number {number}.")
        return self._passed_on(left)

    def _passed_on(self, other: "Hypothesis") -> "Hypothesis":
        """`other`, which differs in how the sources share the signal only, with what the detector makes of each."""
        numbers, shares = self.analysis.response_numbers, other.response_shares
        far = (self._far_of_each * shares[numbers]).sum(axis=1)
        other.__dict__["signal"] = self.signal._replace(share=shares.astype(np.float32), far=far)
        return other

    @cached_property
    def fitted_curve(self) -> FittedCurve | None:
        """The light curve whose threshold and lag are fitted; None where there is none.

        PhysicsError : there are other sources beside it.
        """
        return _fitted_curve(self.sources)

    @cached_property
    def candidates(self) -> tuple["Hypothesis", ...]:
        """The same at each threshold and lag of a light curve that is fitted, as far as any season sees it."""
        curves = self.fitted_curve.seen(self.analysis.runs)
        return tuple(self._passed_on(self.at_window(curve)) for curve in curves)

    @cached_property
    def profiles(self) -> Profiles:
        """How the flux changes with time, as `nusky.likelihood.ratios.near_ratios` takes them."""
        profiles = self.sources.profiles
        if profiles is None:
            return NO_PROFILES
        return packed(profiles, scale_of(exposure_ratios(profiles, self.analysis.runs)))

    @cached_property
    def _timed(self) -> "TimedEvents":
        """Times of the events, and which of them lie in the window of any source."""
        return TimedEvents.of(self.analysis, self.sources.profiles)

    @cached_property
    def _shining(self) -> np.ndarray:
        """First and last time [MJD] at which a source of each row of the sky's index shines, (N_ROWS, 2) float64."""
        known, support, found = self.near.cells, self.profiles.support, np.zeros((cells.N_ROWS, 2))
        rows = np.flatnonzero(np.diff(known.row_start))
        begin, own = np.unique(known.entries[:, 0], return_inverse=True)
        for edge, extreme in enumerate((np.minimum, np.maximum)):
            of_list = extreme.reduceat(support[known.source, edge], begin)
            found[rows, edge] = extreme.reduceat(of_list[own], known.row_start[rows])
        return found

    def data(self) -> Sky:
        """The sky as observed."""
        return self.sky([season.ra for season in self.analysis.seasons])

    def sky(self, ra: Sequence[np.ndarray]) -> Sky:
        """A sky with other right ascensions [rad] at the same times, one array per season."""
        if self.sources.profiles is None:
            found = self._look_up(self.analysis.indexed, ra)
            return Sky(*found, self._NOTHING, self.analysis.n_events)
        chosen = self._timed.inside
        return self._timed_sky(chosen, np.concatenate(ra)[self.analysis.indexed.order[chosen]], self._timed.times)

    def _timed_sky(self, event: np.ndarray, ra: np.ndarray, mjd: np.ndarray) -> Sky:
        """Of the numbers of events in the sky's order, with right ascensions [rad] and times, (n,) each."""
        indexed, own = self.analysis.indexed, ra % (2 * np.pi)
        at, cell = self.near.cells.look_up(indexed.row_cell[event], indexed.n_ra[event], own)
        return Sky(event[at], cell, own[at], self._NOTHING, self.analysis.n_events, mjd[at])

    def scrambled(self, rng: np.random.Generator) -> Sky:
        """A sky of background.

        With steady sources right ascensions are redrawn uniformly; only events near a source cost random numbers. Else
        the times of a season's events are permuted and right ascensions follow the Earth, so that directions in the
        detector stay; in a cone they stay at their right ascensions. Only events whose new time lies in a window cost.
        With `scramble` set to right ascensions these are redrawn at the events' own times.
        """
        near = self.near.cells.row_start, self.near.cells.column
        if self.sources.profiles is None:
            found = cells.draw(rng, self._groups, *near)
            return Sky(*found, self._NOTHING, self.analysis.n_events)
        timed = self._timed
        if self.scramble == RIGHT_ASCENSION:
            found = cells.draw(rng, self._groups, *near)
            mjd = timed.mjd[found[0]]
            shining = timed.windows.contain(mjd)
            return Sky(*(own[shining] for own in found), self._NOTHING, self.analysis.n_events, mjd[shining])
        *found, mjd = permute(rng, self._permutation, self.near.cells, self.profiles.support)
        return Sky(*found, self._NOTHING, self.analysis.n_events, mjd)

    def common(self, ra: np.ndarray, mjd: np.ndarray | None) -> Sky:
        """A sky of `common_sky`, right ascensions in rad, as this hypothesis sees it."""
        if self.sources.profiles is None:
            return self.sky(np.split(ra, np.cumsum([len(season) for season in self.analysis.seasons])[:-1]))
        order = self.analysis.indexed.order
        ra, mjd = ra[order], mjd[order]
        chosen = np.flatnonzero(self._timed.windows.contain(mjd))
        return self._timed_sky(chosen, ra[chosen], mjd[chosen])

    @cached_property
    def _groups(self) -> np.ndarray:
        """Groups of events that may fall into a cell with sources."""
        groups, occupied = self.analysis.indexed.groups, np.diff(self.near.cells.row_start) > 0
        return np.ascontiguousarray(groups[occupied[groups[:, 2]]])

    @cached_property
    def _permutation(self) -> Permutation:
        """What permuting times needs to know."""
        timed, n_events = self._timed, self.analysis.n_events.astype(np.int64)
        turn = np.where(_fixed(self.analysis), 0.0, EARTH_TURN)
        times = np.split(timed.times, timed.first[1:-1])
        phase = [own * rate % (2 * np.pi) for own, rate in zip(times, turn, strict=True)]
        order = [np.argsort(own, kind="stable") for own in phase]
        times, phase = ([own[by] for own, by in zip(each, order, strict=True)] for each in (times, phase))
        widths = np.unique(cells.ROW_N_RA)
        most = np.array([[_most_within(own, 2 * np.pi / n_ra) for n_ra in widths] for own in phase])
        edges = np.linspace(0, 2 * np.pi, _PARTS_OF_A_TURN + 1)
        buckets = np.array([np.searchsorted(own, edges) for own in phase])
        known = np.concatenate(times), np.concatenate(phase), timed.first, buckets, most, widths, n_events, turn
        return Permutation(self._groups_with(times), timed.ra, timed.mjd, *known, self._shining, cells.ROW_N_RA)

    def _groups_with(self, times: Sequence[np.ndarray]) -> np.ndarray:
        """Groups of events of one season that may fall into a cell with sources while one shines at any of its `times`
        [MJD], (n_groups, 4)."""
        season, groups = self.analysis.indexed.records["season"], self._groups
        first = np.union1d(groups[:, 0], np.flatnonzero(np.diff(season)) + 1)
        of = np.searchsorted(groups[:, 0], first, side="right") - 1
        belongs = (of >= 0) & (first < groups[of, 1])
        first, of = first[belongs], of[belongs]
        stop = np.minimum(np.append(first[1:], len(season)), groups[of, 1])
        found = np.column_stack((first, stop, groups[of, 2], season[first]))
        reach = np.array([(own.min(), own.max()) if len(own) else (np.inf, -np.inf) for own in times])[found[:, 3]]
        shining = self._shining[found[:, 2]]
        found = found[(shining[:, 0] <= reach[:, 1]) & (shining[:, 1] >= reach[:, 0])]
        return np.ascontiguousarray(found[np.argsort(found[:, 3], kind="stable")])

    def injected(self, sky: Sky, events: Sequence[SeasonEvents]) -> Sky:
        """The same sky with extra events, one `SeasonEvents` per season."""
        extra = IndexedEvents.of_seasons(events, self.analysis.response_numbers)
        found = self._look_up(extra, [season.ra for season in events])
        n_events = sky.n_events + [float(len(season)) for season in events]
        mjd = np.empty(0)
        if self.sources.profiles is not None:
            mjd = np.concatenate([season.mjd for season in events])[extra.order][found[0]]
        return replace(sky, extra=(*found, extra.records, mjd), n_events=n_events)

    def _look_up(self, events: IndexedEvents, ra: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        own = np.concatenate(ra)[events.order] % (2 * np.pi)
        chosen, cell = self.near.cells.look_up(events.row_cell, events.n_ra, own)
        return chosen, cell, own[chosen]

    @cached_property
    def flare(self) -> Flare | None:
        """What is known of an unknown flare; None where windows are known."""
        return wanted(self.sources.profiles)

    def density_ratios(self, sky: Sky, signal: Signal | None = None) -> tuple[np.ndarray, np.ndarray]:
        """S/B of every event near a source on every spectrum, (n_near, n_spectra) float64, and its season, (n_near,).

        Which events are near does not depend on the spectra. `signal` stands in for the hypothesis' own. PhysicsError
        for an unknown flare: at each of its windows they are others; and for a light curve that is fitted.
        """
        if self.flare is not None or self.fitted_curve is not None:
            what = "an unknown flare" if self.flare else "a light curve that is fitted"
            raise PhysicsError(f"{what} has density ratios in each window only: take one with `at_window`.")
        rows, seasons, _ = self._near_ratios(sky, np.zeros(len(sky.n_events)), signal)
        return rows, seasons

    def _near_ratios(
        self, sky: Sky, limits: np.ndarray, signal: Signal | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return near_ratios(
            sky.chosen,
            sky.cell,
            sky.ra,
            self.analysis.indexed.records,
            sky.mjd,
            sky.extra,
            self.near.cells,
            self.near.sources,
            self.profiles,
            self.signal if signal is None else signal,
            limits,
        )

    def likelihood(self, sky: Sky) -> "SkyLikelihood | BestCurveLikelihood | FlareLikelihood":
        """The likelihood of one sky."""
        if self.flare is not None:
            return FlareLikelihood(self, sky, self.flare)
        return SkyLikelihood(self, sky) if self.fitted_curve is None else BestCurveLikelihood(self.candidates, sky)

    def fit(self, sky: Sky | None = None) -> Fit:
        """Best n_s and gamma of a sky, between the points of the grid.

        Without a sky that of the data, refined to the true optimum in gamma.
        """
        if sky is not None:
            return self.likelihood(sky).fit()
        data = self.data()
        first = self.likelihood(data).fit()
        if len(self.spectra) == 1:
            return first

        def refit(grids: np.ndarray) -> np.ndarray:
            closer = self.with_gammas(grids[0]).likelihood(data).fit()
            return np.array([[closer.ts, closer.n_signal, closer.gamma, closer.converged]])

        rows = zoom(np.array([[first.ts, first.n_signal, first.gamma, first.converged]]), self.gammas, refit)
        ts, n_signal, gamma, converged = rows[0]
        return Fit(float(n_signal), float(gamma), float(ts), bool(converged))

    def profile_likelihood(self, gammas: np.ndarray, n_signal: np.ndarray) -> np.ndarray:
        """TS(n_s, gamma) = 2 ln L(n_s, gamma)/L(0) of the data, (n_gammas, n_signal)."""
        likelihood = self.with_gammas(gammas).likelihood(self.data())
        return np.array([[likelihood.test_statistic(float(n), g) for n in n_signal] for g in range(len(gammas))])


def common_sky(
    analysis: Analysis, rng: np.random.Generator, scramble: str = TIMES
) -> tuple[np.ndarray, np.ndarray | None]:
    """Right ascensions [rad] and times of all events of a scrambled sky, (n_events,) each, for hypotheses in common.

    Where the times of the events are known those of every season are permuted, and right ascensions follow the Earth,
    or stay in a cone. Else right ascensions are redrawn uniformly, and there are no times. With `scramble` set to right
    ascensions these are redrawn where times are known, too, and the times stay.
    """
    if analysis.runs is None or scramble == RIGHT_ASCENSION:
        ra = np.concatenate([2 * np.pi * rng.random(len(season)) for season in analysis.seasons])
        return ra, None if analysis.runs is None else np.concatenate([season.mjd for season in analysis.seasons])
    skies = [
        _permuted(rng, season.ra, season.mjd, fixed)
        for season, fixed in zip(analysis.seasons, _fixed(analysis), strict=True)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*skies, strict=True))


def expected_by_source(analysis: Analysis, sources: Sources, spectra: Sequence[Spectrum]) -> np.ndarray:
    """Expected events of each source for phi0 = 1 GeV^-1 cm^-2 s^-1 of all, (n_seasons, n_spectra, n_sources).

    Of a source that changes with time phi0 is the flux at T = 1: acceptance times the exposure of its profile.
    """
    expected = analysis.expected(sources.dec, spectra)
    expected *= sources.weights
    if sources.profiles is not None:
        expected *= _exposure_ratios(analysis, sources)[:, None, :]
    return expected


def _largest_factor(analysis: Analysis, sources: Sources, spectra: Sequence[Spectrum]) -> float:
    """By how much what is tested makes the weight f_k S/B of pairs larger than a season of steady sources has it.

    For one source in a window inside a season |R_k| / E_k. A source of a stack that shines a short while in a season
    has a small share of its signal, so that its pairs weigh no more than those of others.
    """
    exposures = _exposure_ratios(analysis, sources)  # of which there must be some
    if flare := wanted(sources.profiles):
        return largest_factor(flare, analysis.runs)
    if (fitted := _fitted_curve(sources)) is not None:
        curves = fitted.seen(analysis.runs)
        return max(_largest_factor(analysis, replace(sources, profiles=(curve,)), spectra) for curve in curves)
    steady = analysis.expected(sources.dec, spectra) * sources.weights
    expected = (steady * exposures[:, None]).sum(axis=(0, 2))
    tops = (steady * [_top(profile) for profile in sources.profiles]).sum(axis=2)[exposures.any(axis=1)]
    return float((tops / np.where(expected > 0, expected, np.inf)).max())


def _exposure_ratios(analysis: Analysis, sources: Sources) -> np.ndarray:
    if analysis.runs is None:
        raise PhysicsError("sources that change with time need the times of the events and the good runs.")
    return exposure_ratios(sources.profiles, analysis.runs)


def _fitted_curve(sources: Sources) -> FittedCurve | None:
    found = [profile for profile in sources.profiles or () if isinstance(profile, FittedCurve)]
    if found and len(sources) > 1:
        raise PhysicsError("threshold and lag of a light curve are fitted for one source at a time, not in a stack.")
    return found[0] if found else None


def _top(profile: TimeProfile) -> float:
    return max(profile.flux) if isinstance(profile, LightCurve) else 1.0


@dataclass(frozen=True)
class TimedEvents:
    """The times of the events, for sources that change with time.

    Attributes
    ----------
    ra, mjd : (n_events,) float64, rad and d
        In the order of the sky's index.
    windows : GoodRuns
        When any source may shine.
    inside : (n_inside,) int64
        Numbers, in that order, of the events at such times, season after season.
    first : (n_seasons + 1,) int64
        Where each season begins in them.
    """

    ra: np.ndarray
    mjd: np.ndarray
    windows: GoodRuns
    inside: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, analysis: Analysis, profiles: Sequence[TimeProfile]) -> "TimedEvents":
        """Of the events of an analysis and the `profiles` of the sources."""
        order, season = analysis.indexed.order, analysis.indexed.records["season"]
        ra, mjd = (np.concatenate([getattr(s, name) for s in analysis.seasons])[order] for name in ("ra", "mjd"))
        windows = joined([profile.windows for profile in profiles])
        inside = np.flatnonzero(windows.contain(mjd))
        inside = inside[np.argsort(season[inside], kind="stable")]
        return cls(ra, mjd, windows, inside, np.searchsorted(season[inside], np.arange(len(analysis.seasons) + 1)))

    @cached_property
    def times(self) -> np.ndarray:
        """The times of the events that are inside, (n_inside,) float64, MJD."""
        return self.mjd[self.inside]


def _most_within(phase: np.ndarray, width: float) -> int:
    """Largest number of sorted phases [rad] within a width [rad], a little more for rounding."""
    around = np.concatenate((phase, phase + 2 * np.pi))
    count = np.searchsorted(around, phase + min(width, 2 * np.pi) + 1e-8) - np.arange(len(phase))
    return int(min(count.max(initial=0), len(phase)))


def _fixed(analysis: Analysis) -> tuple[bool, ...]:
    """For each season whether directions stay when times change, as in a cone."""
    if analysis.cones is None:
        return (False,) * len(analysis.seasons)
    return tuple(bool(known) for known in ~np.isnan(analysis.cones[:, 0]))


def _permuted(rng: np.random.Generator, ra: np.ndarray, mjd: np.ndarray, fixed: bool) -> tuple[np.ndarray, np.ndarray]:
    new = rng.permutation(mjd)
    return (ra if fixed else turned(ra, mjd, new)), new


class SkyLikelihood:
    """ln L of one sky on the spectra of a hypothesis; exact whatever n_s, as the ratios are taken again if need be."""

    def __init__(self, hypothesis: Hypothesis, sky: Sky) -> None:
        self._hypothesis, self._sky, self._bound = hypothesis, sky, 0.0
        self._ratios: tuple[np.ndarray, ...] = ()

    def _up_to(self, n_signal: float) -> tuple[np.ndarray, ...]:
        """Arguments of `nusky.likelihood.fit.profile` that hold up to `n_signal`."""
        if n_signal > self._bound or not self._ratios:
            known, sky, hypothesis = self._bound, self._sky, self._hypothesis
            first = FIRST_BOUND if len(hypothesis.sources) == 1 else _FIRST_BOUND_OF_STACK
            self._bound = max(first, n_signal, 2 * n_signal if known else 0.0, 4 * known)
            limits = np.empty(len(sky.n_events))
            series_limits(self._bound, hypothesis.shares, sky.n_events, limits)
            self._ratios = (*hypothesis._near_ratios(sky, limits), hypothesis.shares, sky.n_events)
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

    def __init__(self, candidates: Sequence[Hypothesis], sky: Sky) -> None:
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
