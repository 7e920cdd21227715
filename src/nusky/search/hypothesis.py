"""A hypothesis: sources that share a flux of one spectrum. A single source is a stack of one.

    L_k(n_s, gamma) = prod_i [ x_k S_ik + (1 - x_k) B_ik ],   x_k = n_s f_k(gamma) / N_k

with f_k the share of season k in the expected signal (method: Braun et al., Astropart. Phys. 29 (2008) 299, and
spec of the standard analysis in docs/conventions.md). S_ik is the sum over the sources of their share omega_jk times
their own signal density. TS = 2 ln L(best)/L(0).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from nusky.detector.spectrum import PowerLaw, SourceSpectra, Spectrum, by_spectrum, of_each, parameters
from nusky.errors import PhysicsError
from nusky.likelihood import cells
from nusky.likelihood.cells import SourceCells
from nusky.likelihood.events import EVENT
from nusky.likelihood.permutation import Permutation, permute
from nusky.likelihood.ratios import Signal, near_ratios
from nusky.likelihood.terms import directions
from nusky.likelihood.time import NO_PROFILES, Profiles
from nusky.search.analysis import Analysis
from nusky.search.far_pairs import far_of_each, far_ratios
from nusky.search.flare import FlareLikelihood, largest_factor, wanted
from nusky.search.scrambling import RIGHT_ASCENSION, TIMES, TimedEvents, in_cones
from nusky.search.season import IndexedEvents, SeasonEvents
from nusky.search.sky import Fit, Sky
from nusky.search.sky_likelihood import BestCurveLikelihood, SkyLikelihood, zoom
from nusky.search.sources import Sources, expected_by_source, exposures
from nusky.search.time_profile import FittedCurve, Flare, LightCurve, TimeProfile, exposure_ratios, packed, scale_of

N_SPECTRA = 16
"""Values of the fitted parameter on which the likelihood is profiled; between them the profile is interpolated."""
_MOST_TABLES, _TABLE_STEP = 256, np.radians(0.5)
"""More sources than that share the signal densities of those within half a step of declination."""
_AT_ONCE = 64


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
        if self.scramble == RIGHT_ASCENSION and self.sources.profiles is not None and any(in_cones(self.analysis)):
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
    def _timed(self) -> TimedEvents:
        """Times of the events, and which of them lie in the window of any source."""
        return TimedEvents.of(self.analysis, self.sources.profiles)

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
        if self.sources.profiles is None:
            return Sky(*self._drawn(rng), self._NOTHING, self.analysis.n_events)
        timed = self._timed
        if self.scramble == RIGHT_ASCENSION:
            found = self._drawn(rng)
            mjd = timed.mjd[found[0]]
            shining = timed.windows.contain(mjd)
            return Sky(*(own[shining] for own in found), self._NOTHING, self.analysis.n_events, mjd[shining])
        known, state = self.near.cells, rng.integers(2**64, dtype=np.uint64)
        *found, mjd = permute(state, self._permutation, known.entries, known.source, self.profiles.support)
        return Sky(*found, self._NOTHING, self.analysis.n_events, mjd)

    def _drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return cells.draw(rng, self._groups, self.near.cells.row_start, self.near.cells.column)

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
        return self._timed.permutation(self.analysis, self.near.cells, self._groups, self.profiles.support)

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
        rows, seasons, _ = self.near_ratios(sky, np.zeros(len(sky.n_events)), signal)
        return rows, seasons

    def near_ratios(
        self, sky: Sky, limits: np.ndarray, signal: Signal | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`nusky.likelihood.ratios.near_ratios` of a sky, with ratios below `limits` (n_seasons,) in sums."""
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

    def likelihood(self, sky: Sky) -> SkyLikelihood | BestCurveLikelihood | FlareLikelihood:
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


def _largest_factor(analysis: Analysis, sources: Sources, spectra: Sequence[Spectrum]) -> float:
    """By how much what is tested makes the weight f_k S/B of pairs larger than a season of steady sources has it.

    For one source in a window inside a season |R_k| / E_k. A source of a stack that shines a short while in a season
    has a small share of its signal, so that its pairs weigh no more than those of others.
    """
    seen = exposures(analysis, sources)  # of which there must be some
    if flare := wanted(sources.profiles):
        return largest_factor(flare, analysis.runs)
    if (fitted := _fitted_curve(sources)) is not None:
        curves = fitted.seen(analysis.runs)
        return max(_largest_factor(analysis, replace(sources, profiles=(curve,)), spectra) for curve in curves)
    steady = analysis.expected(sources.dec, spectra) * sources.weights
    expected = (steady * seen[:, None]).sum(axis=(0, 2))
    tops = (steady * [_top(profile) for profile in sources.profiles]).sum(axis=2)[seen.any(axis=1)]
    return float((tops / np.where(expected > 0, expected, np.inf)).max())


def _fitted_curve(sources: Sources) -> FittedCurve | None:
    found = [profile for profile in sources.profiles or () if isinstance(profile, FittedCurve)]
    if found and len(sources) > 1:
        raise PhysicsError("threshold and lag of a light curve are fitted for one source at a time, not in a stack.")
    return found[0] if found else None


def _top(profile: TimeProfile) -> float:
    return max(profile.flux) if isinstance(profile, LightCurve) else 1.0
