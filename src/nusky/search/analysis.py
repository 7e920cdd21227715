"""The seasons of a release with the detector's response to them: what every hypothesis is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from nusky.detector import effective_area, smearing
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.point_spread import GAMMA, PointSpread
from nusky.detector.smearing import Smearing
from nusky.detector.spectrum import PowerLaw, SourceSpectra, Spectrum
from nusky.likelihood import energy
from nusky.search.season import IndexedEvents, SeasonEvents

EVENT_COLUMNS = ("ra_deg", "dec_deg", "ang_err_deg", "log10_energy_gev")
SEASON_COLUMNS = ("season", "response", "livetime_s")
_AT_ONCE = 16
"""Sources with spectra of their own in one call of the detector's response, whose tables grow with its square."""
SPATIAL, FULL = "spatial only", "spatial and energy"
FULL_WITH_SPREAD = "spatial and energy, point spread from the smearing tables at gamma {:g}"


@dataclass(frozen=True)
class Analysis:
    """The events of every season with the detector's response to them.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only.
    """

    seasons: tuple[SeasonEvents, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None

    @classmethod
    def of_tables(
        cls,
        seasons: pa.Table,
        events: Sequence[pa.Table],
        effective_areas: pa.Table,
        smearings: pa.Table,
        point_spread: str = "gaussian",
        point_spread_gamma: float | None = None,
    ) -> "Analysis":
        """From canonical tables of a release (docs/architecture.md), `events` in the order of `seasons`.

        With energies where the release has smearing tables, else spatial only. `point_spread` is "gaussian", or
        "smearing" for core and tail from the smearing tables, at the dimensionless index `point_spread_gamma`; None is
        the usual one.
        """
        responses = smearing.from_table(smearings)
        areas = effective_area.from_table(effective_areas)
        spreads = {}
        if point_spread == "smearing":
            gamma = point_spread_gamma or GAMMA
            spreads = {name: PointSpread.of_response(areas[name], known, gamma) for name, known in responses.items()}
        made = []
        for season, table in zip(seasons.select(SEASON_COLUMNS).to_pylist(), events, strict=True):
            ra, dec, ang_err, log10_energy = (table[name].to_numpy() for name in EVENT_COLUMNS)
            directions = map(np.radians, (ra, dec, ang_err))
            energies, spread = log10_energy if responses else None, spreads.get(season["response"])
            made.append(SeasonEvents.of_data(tuple(season.values()), *directions, energies, spread))
        return cls(tuple(made), areas, responses or None)

    @property
    def kind(self) -> str:
        """What the likelihood uses, in words."""
        if self.smearings is None:
            return SPATIAL
        spread = self.seasons[0].point_spread
        return FULL if spread is None else FULL_WITH_SPREAD.format(spread.gamma)

    def about(self, spectrum: Spectrum) -> str:
        """What the likelihood uses and what spectrum it has, in words; a power law goes without saying."""
        return self.kind + ("" if spectrum.words == PowerLaw.NAME else f", {spectrum.words}")

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

    def expected(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of each source, (n_seasons, n_spectra, n_sources)."""
        integrals = acceptance_integrals(self.areas, self.responses, np.atleast_1d(dec), spectra)
        return integrals * self.livetimes_s[:, None, None]

    def energy_densities(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """Signal energy densities, (n_responses, n_bins, n_sources, n_spectra) float64, per dex; ones without energy.

        By response as `response_names` has them. The bins are those that `energy_bin` of the seasons counts: of
        energy, or of energy and AngErr. `SourceSpectra` give every source its own.
        """
        dec = np.atleast_1d(dec)
        if self.smearings is not None and any(isinstance(spectrum, SourceSpectra) for spectrum in spectra):
            starts = range(0, len(dec), _AT_ONCE)
            parts = [self._of_each(dec, spectra, np.arange(a, min(a + _AT_ONCE, len(dec)))) for a in starts]
            return np.concatenate(parts, axis=2)
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

    def _of_each(self, dec: np.ndarray, spectra: Sequence[Spectrum], chosen: np.ndarray) -> np.ndarray:
        """`energy_densities` of the `chosen` sources only, some of whose spectra are their own."""
        asked = [[s.own[j] if isinstance(s, SourceSpectra) else s for s in spectra] for j in chosen]
        number = {spectrum: n for n, spectrum in enumerate(dict.fromkeys(s for own in asked for s in own))}
        found = self.energy_densities(dec[chosen], list(number))
        column = np.array([[number[spectrum] for spectrum in own] for own in asked])
        return found[:, :, np.arange(len(chosen))[:, None], column]
