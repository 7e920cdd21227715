"""The seasons of a release with the detector's response to them: what every hypothesis is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from nusky.detector import angular_resolution, effective_area, smearing
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.angular_resolution import MedianSpread
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import Smearing
from nusky.detector.spectrum import PowerLaw, SourceSpectra, Spectrum, by_spectrum, of_each
from nusky.likelihood import energy, point_spread
from nusky.search import reach
from nusky.search.season import IndexedEvents, SeasonEvents

EVENT_COLUMNS = ("ra_deg", "dec_deg", "ang_err_deg", "log10_energy_gev")
SEASON_COLUMNS = ("season", "response", "livetime_s")
SPATIAL, FULL = "spatial only", "spatial and energy, point spread from the smearing tables"


@dataclass(frozen=True)
class Analysis:
    """The events of every season with the detector's response to them.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only, and signal is drawn
    with the `median_spreads` of the seasons, if the release gives medians of its resolution.
    """

    seasons: tuple[SeasonEvents, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None
    median_spreads: tuple[MedianSpread, ...] | None = None

    @classmethod
    def of_tables(
        cls,
        seasons: pa.Table,
        events: Sequence[pa.Table],
        effective_areas: pa.Table,
        smearings: pa.Table,
        angular_resolutions: pa.Table | None = None,
    ) -> "Analysis":
        """From canonical tables of a release (docs/architecture.md), `events` in the order of `seasons`.

        With energies and the point spread of the smearing tables where the release has them, else spatial only; then
        `angular_resolutions` decides how signal is drawn.
        """
        responses = smearing.from_table(smearings)
        resolutions = {}
        if angular_resolutions is not None and not responses:
            resolutions = angular_resolution.from_table(angular_resolutions)
        made, median_spreads = [], []
        for season, table in zip(seasons.select(SEASON_COLUMNS).to_pylist(), events, strict=True):
            ra, dec, ang_err, log10_energy = (table[name].to_numpy() for name in EVENT_COLUMNS)
            directions = map(np.radians, (ra, dec, ang_err))
            if season["response"] in resolutions:
                known = resolutions[season["response"]]
                median_spreads.append(MedianSpread.of_events(known, np.radians(dec), np.radians(ang_err)))
            made.append(SeasonEvents.of_data(tuple(season.values()), *directions, log10_energy if responses else None))
        spreads = tuple(median_spreads) if len(median_spreads) == len(made) else None
        return cls.of_seasons(made, effective_area.from_table(effective_areas), responses or None, spreads)

    @classmethod
    def of_seasons(
        cls,
        seasons: Sequence[SeasonEvents],
        areas: Mapping[str, EffectiveArea],
        smearings: Mapping[str, Smearing] | None,
        median_spreads: tuple[MedianSpread, ...] | None = None,
    ) -> "Analysis":
        """From seasons with their own background; how far their events matter follows from the response."""
        known = cls(tuple(seasons), areas, smearings, median_spreads)
        if smearings is None:
            return known
        names, signal = known.response_names, known.signal_densities(reach.band_declinations(), reach.spectra())
        made = [
            replace(season, reach=reach.by_bin(season, known.widths, signal[names.index(season.response)][:, :, :-1]))
            for season in seasons
        ]
        return replace(known, seasons=tuple(made))

    @property
    def kind(self) -> str:
        """What the likelihood uses, in words."""
        return SPATIAL if self.smearings is None else FULL

    @property
    def widths(self) -> tuple[float, ...]:
        """Widths of the point spread in units of AngErr."""
        return point_spread.GAUSSIAN if self.smearings is None else point_spread.WIDTHS

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

    @cached_property
    def signal_nodes(self) -> np.ndarray:
        """sin(dec) between which signal densities are linear and sums over far pairs nearly so, (n_nodes,)."""
        middle = (energy.SIN_DEC_EDGES[1:] + energy.SIN_DEC_EDGES[:-1]) / 2
        if self.smearings is None:
            return middle
        own = [energy.signal_nodes(self.areas[name], self.smearings[name]) for name in self.response_names]
        return np.unique(np.round(np.concatenate((middle, *own)), 6))

    @cached_property
    def _reconstructed(self) -> dict[str, np.ndarray]:
        return {name: point_spread.reconstructed(self.smearings[name]) for name in self.response_names}

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
        for r, name in enumerate(names):
            matrix = self._reconstructed[name]
            flat = matrix.reshape(*matrix.shape[:2], -1)
            shares = energy.signal_share(self.areas[name], self.smearings[name], flat, dec, spectra)
            shares = shares.reshape(len(dec), len(spectra), len(width), -1) / width[:, None]
            found[r] = shares.transpose(0, 2, 3, 1)
        return found
