"""The seasons of a release with the detector's response to them: what every hypothesis is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from nusky.conventions import SMALLEST_ANG_ERR_DEG
from nusky.detector import angular_resolution, effective_area, smearing
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.angular_resolution import MedianSpread
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.detector.spectrum import PowerLaw, SourceSpectra, Spectrum, by_spectrum, of_each
from nusky.errors import PhysicsError
from nusky.likelihood import energy, point_spread
from nusky.likelihood.spatial import UniformDensity
from nusky.search import reach
from nusky.search.season import IndexedEvents, SeasonEvents
from nusky.search.time_profile import GoodRuns

EVENT_COLUMNS = ("ra_deg", "dec_deg", "ang_err_deg", "log10_energy_gev")
TIMED_COLUMNS = (*EVENT_COLUMNS, "mjd")
SEASON_COLUMNS = ("season", "response", "livetime_s")
CONE_COLUMNS = ("cone_ra_deg", "cone_dec_deg", "cone_radius_deg", "cone_density_per_sr")
OWN_LISTS = "configuration"
"""Origin of the livetimes of event lists of the user's own."""
NO_AREA = ", sources share the signal by weight and seasons by livetime, as no effective area is known"
_ANY_AREA = EffectiveArea(np.array([2.0, 9.0]), np.array([-np.pi / 2, np.pi / 2]), np.ones((1, 1)))
SPATIAL, FULL = "spatial only", "spatial and energy, point spread from the smearing tables"
_FACTOR_STEP = 4.0
"""Reaches are those of a few factors in time, this far apart: analyses with them are kept."""


@dataclass(frozen=True)
class Analysis:
    """The events of every season with the detector's response to them.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only, and signal is drawn
    with the `median_spreads` of the seasons, if the release gives medians of its resolution. `has_area` is false where
    the effective area is not known: `areas` then are the same everywhere, and no flux is to be stated. `cones`
    (n_seasons, 3) are ra, dec and radius [rad] of the cones that the events cover, NaN for the whole sky. `runs` are
    the good runs of every season, None where no source changes with time.
    """

    seasons: tuple[SeasonEvents, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None
    median_spreads: tuple[MedianSpread, ...] | None = None
    has_area: bool = True
    cones: np.ndarray | None = None
    runs: tuple[GoodRuns, ...] | None = None
    _windowed: dict[float, "Analysis"] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of_tables(
        cls,
        seasons: pa.Table,
        events: Sequence[pa.Table],
        effective_areas: pa.Table,
        smearings: pa.Table,
        angular_resolutions: pa.Table | None = None,
        uptimes: pa.Table | None = None,
    ) -> "Analysis":
        """From canonical tables of a release (docs/architecture.md), `events` in the order of `seasons`.

        With energies and the point spread of the smearing tables where the release has them, else spatial only; then
        `angular_resolutions` decides how signal is drawn. For sources that change with time, `events` have times and
        `uptimes` are the good runs; a season without any lasts from its first event to its last.
        """
        responses, areas = smearing.from_table(smearings), effective_area.from_table(effective_areas)
        resolutions = {}
        if angular_resolutions is not None and not responses:
            resolutions = angular_resolution.from_table(angular_resolutions)
        cones = np.column_stack([seasons[name].to_numpy() for name in CONE_COLUMNS])
        has_area = all(response in areas for response in seasons["response"].to_pylist())
        if not has_area:
            areas = dict.fromkeys(seasons["response"].to_pylist(), _ANY_AREA)
        # The floor belongs to the angular errors of IceCube's releases; those of other lists are taken as stated.
        own, floors = np.radians(SMALLEST_ANG_ERR_DEG), seasons["livetime_origin"].to_pylist()
        floors = [own if origin == OWN_LISTS else ANG_ERR_FLOOR for origin in floors]
        made, median_spreads = [], []
        listed = seasons.select(SEASON_COLUMNS).to_pylist()
        for season, table, cone, floor in zip(listed, events, cones, floors, strict=True):
            ra, dec, ang_err, log10_energy = (table[name].to_numpy() for name in EVENT_COLUMNS)
            directions = map(np.radians, (ra, dec, ang_err))
            if season["response"] in resolutions:
                known = resolutions[season["response"]]
                median_spreads.append(MedianSpread.of_events(known, np.radians(dec), np.radians(ang_err)))
            density = None if np.isnan(cone).any() else UniformDensity(cone[3] / len(ra))
            energies = log10_energy if responses else None
            made.append(SeasonEvents.of_data(tuple(season.values()), *directions, energies, density, floor))
        spreads = tuple(median_spreads) if len(median_spreads) == len(made) else None
        made, runs = (made, None) if uptimes is None else _with_times(made, events, uptimes)
        known = cls.of_seasons(made, areas, responses or None, spreads)
        cones = None if np.isnan(cones).all() else np.radians(cones[:, :3])
        return replace(known, has_area=has_area, cones=cones, runs=runs)

    @classmethod
    def of_seasons(
        cls,
        seasons: Sequence[SeasonEvents],
        areas: Mapping[str, EffectiveArea],
        smearings: Mapping[str, Smearing] | None,
        median_spreads: tuple[MedianSpread, ...] | None = None,
    ) -> "Analysis":
        """From seasons with their own background; how far their events matter follows from the response."""
        return cls(tuple(seasons), areas, smearings, median_spreads)._reaching(1.0)

    def _reaching(self, factor: float) -> "Analysis":
        """The same with events as far as they matter where density ratios are larger by `factor` of time."""
        if self.smearings is None:
            made = [replace(season, reach=season.reach + 2 * np.log(factor)) for season in self.seasons]
            return replace(self, seasons=tuple(made))
        names, signal = self.response_names, self.signal_densities(reach.band_declinations(), reach.spectra())
        by_response = [signal[names.index(response)][:, :, :-1] for response in self.responses]
        made = [
            replace(season, reach=reach.by_bin(season, self.widths, own, factor))
            for season, own in zip(self.seasons, by_response, strict=True)
        ]
        return replace(self, seasons=tuple(made))

    @property
    def kind(self) -> str:
        """What the likelihood uses, in words."""
        return FULL if self.smearings is not None else SPATIAL + ("" if self.has_area else NO_AREA)

    @property
    def widths(self) -> tuple[float, ...]:
        """Widths of the point spread in units of AngErr."""
        return point_spread.GAUSSIAN if self.smearings is None else point_spread.WIDTHS

    def about(self, spectrum: Spectrum) -> str:
        """What the likelihood uses and what spectrum it has, in words; a power law goes without saying."""
        return self.kind + ("" if spectrum.words == PowerLaw.NAME else f", {spectrum.words}")

    @cached_property
    def n_events(self) -> np.ndarray:
        """Events of every season, (n_seasons,) float64."""
        return np.array([len(season) for season in self.seasons], dtype=float)

    @property
    def livetimes_s(self) -> np.ndarray:
        """Livetime of every season, (n_seasons,) float64, s."""
        return np.array([season.livetime_s for season in self.seasons])

    @property
    def responses(self) -> list[str]:
        """Name of the detector response of every season."""
        return [season.response for season in self.seasons]

    @property
    def response_names(self) -> list[str]:
        """The different responses, in the order of the seasons."""
        return list(dict.fromkeys(self.responses))

    @property
    def response_numbers(self) -> np.ndarray:
        """Number in `response_names` of every season's, (n_seasons,) int64."""
        names = self.response_names
        return np.array([names.index(name) for name in self.responses])

    @cached_property
    def indexed(self) -> IndexedEvents:
        """The events of all seasons in the order of the sky's index."""
        return IndexedEvents.of_seasons(self.seasons, self.response_numbers)

    def windowed(self, factor: float) -> "Analysis":
        """The same for sources that change with time, whose pairs weigh more by up to `factor`.

        With a response for every season, as seasons of one differ then, and events that are near farther away.
        """
        step = _FACTOR_STEP ** np.ceil(np.log(max(factor, 1.0)) / np.log(_FACTOR_STEP) - 1e-9)
        if step not in self._windowed:
            self._windowed[step] = self._by_season._reaching(step) if step > 1 else self._by_season
        return self._windowed[step]

    @cached_property
    def _by_season(self) -> "Analysis":
        named = tuple(replace(season, response=season.name) for season in self.seasons)
        areas, smearings = (
            known and {season.name: known[season.response] for season in self.seasons}
            for known in (self.areas, self.smearings)
        )
        return replace(self, seasons=named, areas=areas, smearings=smearings)

    def expected(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of each source, (n_seasons, n_spectra, n_sources)."""
        expected = acceptance_integrals(self.areas, self.responses, np.atleast_1d(dec), spectra)
        expected *= self.livetimes_s[:, None, None]
        return expected

    def check_covered(self, ra: np.ndarray, dec: np.ndarray) -> None:
        """Refuse positions [rad] outside the cone that the events of a season cover, with a PhysicsError."""
        for season, (ra0, dec0, radius) in zip(self.seasons, () if self.cones is None else self.cones, strict=False):
            half = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
            outside = np.flatnonzero(half > np.sin(radius / 2) ** 2)
            if outside.size:
                at = np.degrees([ra[outside[0]], dec[outside[0]], ra0, dec0, radius])
                raise PhysicsError(
                    f"the source at RA {at[0]:.3f}, Dec {at[1]:.3f} deg lies outside the cone that the events of "
                    f"{season.name} cover: {at[4]:g} deg around RA {at[2]:.3f}, Dec {at[3]:.3f}. Leave it out."
                )

    @cached_property
    def signal_nodes(self) -> np.ndarray:
        """sin(dec) between which signal densities are linear and sums over far pairs nearly so, (n_nodes,)."""
        if self.smearings is None:
            return energy.SIN_DEC_MIDDLES
        own = [energy.signal_nodes(self.areas[name], self.smearings[name]) for name in self.response_names]
        return np.unique(np.round(np.concatenate((energy.SIN_DEC_MIDDLES, *own)), 6))

    def signal_densities(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Signal densities, (n_responses, n_dec, n_bins, n_widths + 1, n_spectra) float32, per dex and bin of AngErr.

        By response as `response_names` has them. The bins are those that `bin` of the seasons counts. The last of the
        widths is signal beyond `nusky.likelihood.point_spread.FARTHEST`. Without energies all is of the one width.
        `SourceSpectra` give each of `dec` its own.
        """
        dec, names = np.atleast_1d(dec), self.response_names
        if self.smearings is None:
            first = np.eye(1, len(self.widths) + 1, dtype=np.float32).T
            return np.broadcast_to(first, (len(names), len(dec), 1, len(first), len(spectra)))
        width = np.repeat(np.diff(energy.LOG10_ENERGY_EDGES), len(energy.ANG_ERR_EDGES) - 1)
        found = np.empty((len(names), len(dec), len(width), len(self.widths) + 1, len(spectra)), np.float32)
        if any(isinstance(spectrum, SourceSpectra) for spectrum in spectra):
            for own, at in by_spectrum(of_each(spectra, len(dec))):
                found[:, at] = self.signal_densities(dec[at], own)
            return found
        same_as: dict[int, int] = {}
        for r, name in enumerate(names):
            same = same_as.setdefault(id(self.smearings[name]), r)
            if same < r:
                found[r] = found[same]
                continue
            matrix = point_spread.reconstructed(self.smearings[name])
            flat = matrix.reshape(*matrix.shape[:2], -1)
            shares = energy.signal_share(self.areas[name], self.smearings[name], flat, dec, spectra)
            np.divide(
                shares.reshape(len(dec), len(spectra), len(width), -1).transpose(0, 2, 3, 1),
                width[:, None, None].astype(np.float32),
                out=found[r],
            )
        return found


def _with_times(
    seasons: Sequence[SeasonEvents], events: Sequence[pa.Table], uptimes: pa.Table
) -> tuple[list[SeasonEvents], tuple[GoodRuns, ...]]:
    """The seasons with the times of their events, and their good runs."""
    times = [table["mjd"].to_numpy() for table in events]
    made = [replace(season, mjd=mjd) for season, mjd in zip(seasons, times, strict=True)]
    return made, good_runs([season.name for season in seasons], times, uptimes)


def good_runs(seasons: Sequence[str], times: Sequence[np.ndarray], uptimes: pa.Table) -> tuple[GoodRuns, ...]:
    """The good runs of every season of a table "uptimes"; one without any lasts from its first event to its last.

    `times` (n_events,) are those of the events of each season, MJD in days.

    Raises
    ------
    PhysicsError : an event has no time.
    """
    of_season = uptimes["season"].to_numpy(zero_copy_only=False).astype(str)
    start, stop, runs = uptimes["start_mjd"].to_numpy(), uptimes["stop_mjd"].to_numpy(), []
    for season, mjd in zip(seasons, times, strict=True):
        own = of_season == season
        if np.isnan(mjd).any():
            raise PhysicsError(f"the events of {season} have no times, so no window can be tested on them.")
        if not own.any() and not mjd.min() < mjd.max():
            raise PhysicsError(
                f"the good runs of {season} are not known, and its events, all at MJD {mjd.min():.10g}, do not tell "
                "them. Give `uptimes`."
            )
        runs.append(GoodRuns.of(start[own], stop[own]) if own.any() else GoodRuns.of(mjd.min(), mjd.max()))
    return tuple(runs)
