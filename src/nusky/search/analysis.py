"""The seasons of a release with the detector's response to them: what every hypothesis is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from nusky.detector import effective_area, smearing
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.point_spread import GAMMA, PointSpread
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.detector.spectrum import Spectrum
from nusky.errors import PhysicsError
from nusky.likelihood import energy
from nusky.likelihood.cells import SMALLEST
from nusky.likelihood.spatial import UniformDensity
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
SPATIAL, FULL = "spatial only", "spatial and energy"
FULL_WITH_SPREAD = "spatial and energy, point spread from the smearing tables at gamma {:g}"


@dataclass(frozen=True)
class Analysis:
    """The events of every season with the detector's response to them.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only. `has_area` is false
    where the effective area is not known: `areas` then are the same everywhere, and no flux is to be stated. `cones`
    (n_seasons, 3) are ra, dec and radius [rad] of the cones that the events cover, NaN for the whole sky. `runs` are
    the good runs of every season, None where no source changes with time.
    """

    seasons: tuple[SeasonEvents, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None
    has_area: bool = True
    cones: np.ndarray | None = None
    runs: tuple[GoodRuns, ...] | None = None

    @classmethod
    def of_tables(
        cls,
        seasons: pa.Table,
        events: Sequence[pa.Table],
        effective_areas: pa.Table,
        smearings: pa.Table,
        point_spread: str = "gaussian",
        point_spread_gamma: float | None = None,
        uptimes: pa.Table | None = None,
    ) -> "Analysis":
        """From canonical tables of a release (docs/architecture.md), `events` in the order of `seasons`.

        With energies where the release has smearing tables, else spatial only. `point_spread` is "gaussian", or
        "smearing" for core and tail from the smearing tables, at the dimensionless index `point_spread_gamma`; None is
        the usual one. For sources that change with time, `events` have times and `uptimes` are the good runs; a season
        without any lasts from its first event to its last.
        """
        responses = smearing.from_table(smearings)
        areas = effective_area.from_table(effective_areas)
        spreads = {}
        if point_spread == "smearing":
            gamma = point_spread_gamma or GAMMA
            spreads = {name: PointSpread.of_response(areas[name], known, gamma) for name, known in responses.items()}
        made = []
        cones = np.column_stack([seasons[name].to_numpy() for name in CONE_COLUMNS])
        has_area = all(response in areas for response in seasons["response"].to_pylist())
        if not has_area:
            areas = dict.fromkeys(seasons["response"].to_pylist(), _ANY_AREA)
        # The floor belongs to the angular errors of IceCube's releases; those of other lists are taken as stated.
        floors = [
            SMALLEST if origin == OWN_LISTS else ANG_ERR_FLOOR for origin in seasons["livetime_origin"].to_pylist()
        ]
        listed = seasons.select(SEASON_COLUMNS).to_pylist()
        for season, table, cone, floor in zip(listed, events, cones, floors, strict=True):
            ra, dec, ang_err, log10_energy = (table[name].to_numpy() for name in EVENT_COLUMNS)
            directions = map(np.radians, (ra, dec, ang_err))
            energies, spread = log10_energy if responses else None, spreads.get(season["response"])
            density = None if np.isnan(cone).any() else UniformDensity(cone[3] / len(ra))
            made.append(SeasonEvents.of_data(tuple(season.values()), *directions, energies, spread, density, floor))
        known = None if np.isnan(cones).all() else np.radians(cones[:, :3])
        made, runs = (made, None) if uptimes is None else _with_times(made, events, uptimes)
        return cls(tuple(made), areas, responses or None, has_area, known, runs)

    @property
    def kind(self) -> str:
        """What the likelihood uses, in words."""
        if self.smearings is None:
            return SPATIAL + ("" if self.has_area else NO_AREA)
        spread = self.seasons[0].point_spread
        return FULL if spread is None else FULL_WITH_SPREAD.format(spread.gamma)

    @property
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

    @cached_property
    def by_season(self) -> "Analysis":
        """The same with a response for every season: where sources change with time, seasons of one differ."""
        named = tuple(replace(season, response=season.name) for season in self.seasons)
        areas, smearings = (
            known and {season.name: known[season.response] for season in self.seasons}
            for known in (self.areas, self.smearings)
        )
        return replace(self, seasons=named, areas=areas, smearings=smearings)

    def expected(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of each source, (n_seasons, n_spectra, n_sources)."""
        integrals = acceptance_integrals(self.areas, self.responses, np.atleast_1d(dec), spectra)
        return integrals * self.livetimes_s[:, None, None]

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

    def energy_densities(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Signal energy densities, (n_responses, n_bins, n_sources, n_spectra) float64, per dex; ones without energy.

        By response as `response_names` has them. The bins are those that `energy_bin` of the seasons counts: of
        energy, or of energy and AngErr.
        """
        dec = np.atleast_1d(dec)
        names = self.response_names
        if self.smearings is None:
            return np.ones((len(names), 1, len(dec), len(spectra)))
        with_ang_err = any(season.point_spread is not None for season in self.seasons)
        edges = energy.ANG_ERR_EDGES if with_ang_err else None
        made = [
            energy.signal_energy_density(self.areas[name], self.smearings[name], dec, spectra, ang_err_edges=edges)
            for name in names
        ]
        return np.stack([density.transpose(2, 0, 1) for density in made])


def _with_times(
    seasons: Sequence[SeasonEvents], events: Sequence[pa.Table], uptimes: pa.Table
) -> tuple[list[SeasonEvents], tuple[GoodRuns, ...]]:
    """The seasons with the times of their events, and their good runs."""
    of_season = uptimes["season"].to_numpy(zero_copy_only=False).astype(str)
    start, stop = uptimes["start_mjd"].to_numpy(), uptimes["stop_mjd"].to_numpy()
    made, runs = [], []
    for season, table in zip(seasons, events, strict=True):
        mjd, own = table["mjd"].to_numpy(), of_season == season.name
        if np.isnan(mjd).any():
            raise PhysicsError(f"the events of {season.name} have no times, so no window can be tested on them.")
        made.append(replace(season, mjd=mjd))
        runs.append(GoodRuns.of(start[own], stop[own]) if own.any() else GoodRuns.of(mjd.min(), mjd.max()))
    return made, tuple(runs)
