"""The likelihood of a point source at any positions of one sky, the data's or a scrambled one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nusky.detector.spectrum import PowerLaw, Spectrum, parameters
from nusky.errors import PhysicsError
from nusky.likelihood import cells
from nusky.likelihood.positions import CellEvents, ResponseTables, fit_positions
from nusky.likelihood.terms import directions
from nusky.likelihood.threads import in_parts
from nusky.search.analysis import Analysis
from nusky.search.far_pairs import far_of_each, nearest_extension
from nusky.search.hypothesis import N_SPECTRA
from nusky.search.scrambling import common_sky
from nusky.search.sky_likelihood import zoom
from nusky.search.trials import stream
from nusky.units import takes_directions

_TABLES_AT_ONCE = 48
"""Declinations whose interpolated tables are held at once, about 80 MB for the ten-year release."""
_AT_ONCE = 4
"""Positions of one call of the detector's response, whose tables grow with the square of this number."""
_PER_THREAD = 64
"""Positions that a thread takes at a time."""


@dataclass(frozen=True)
class Fits:
    """Best fits at positions, each (n_positions,) float64; `gamma` is NaN where n_s = 0."""

    ts: np.ndarray
    n_signal: np.ndarray
    gamma: np.ndarray
    converged: np.ndarray

    @classmethod
    def of_rows(cls, rows: np.ndarray) -> "Fits":
        """From the rows of `nusky.likelihood.positions.fit_positions`."""
        return cls(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] > 0)

    @property
    def rows(self) -> np.ndarray:
        """The rows they are from."""
        return np.column_stack([self.ts, self.n_signal, self.gamma, self.converged])


@dataclass(frozen=True)
class Known:
    """The response at places (n,), ascending: declinations [rad], with the numbers of widths as imaginary parts."""

    places: np.ndarray
    responses: ResponseTables


@dataclass(frozen=True)
class SkyModel:
    """An analysis prepared for many positions.

    Attributes
    ----------
    analysis : Analysis
    spectra : n_spectra
        Spectra on which the likelihood is profiled; a single one is fixed.
    """

    analysis: Analysis
    spectra: tuple[Spectrum, ...]
    _cache: dict[str, "Known"] = field(default_factory=dict, repr=False)

    @classmethod
    def of_analysis(
        cls, analysis: Analysis, gamma: float | None = None, spectrum: Spectrum | None = None
    ) -> "SkyModel":
        """With the parameter of a spectrum free, the index of a power law by default, or fixed at `gamma`.

        Raises
        ------
        PhysicsError : the index is to be free, but the analysis knows no energies.
        """
        spectrum = spectrum or PowerLaw(2.0)
        if gamma is None and spectrum.fit and analysis.smearings is None:
            raise PhysicsError(
                "the release has no smearing tables, so a map cannot fit gamma. Fix it: set `skymap.gamma`."
            )
        return cls(analysis, spectrum.grid(N_SPECTRA) if gamma is None else (spectrum.at(gamma),))

    @property
    def free(self) -> bool:
        """Whether gamma is fitted."""
        return len(self.spectra) > 1

    def sky(self, ra: Sequence[np.ndarray]) -> CellEvents:
        """The events with right ascensions [rad] `ra`, one array for each season."""
        known = self.analysis.indexed
        own = np.concatenate(ra)[known.order] % (2 * np.pi)
        column = np.minimum((own / (2 * np.pi) * known.n_ra).astype(np.int64), known.n_ra - 1)
        order, start = cells.sort_by_cell(known.row_cell + column, cells.N_CELLS)
        records, own = known.records[order], own[order]
        return CellEvents(start, self._reach, records, *directions(records["cos_dec"], own), self.analysis.n_events)

    @cached_property
    def _reach(self) -> np.ndarray:
        known = self.analysis.indexed
        reach_class = np.searchsorted(cells.FIRST_CELL, known.row_cell, side="right") - 1
        reach = np.full(len(cells.N_DEC), -1.0)
        np.maximum.at(reach, reach_class, known.records["reach"])
        return reach

    def data(self) -> CellEvents:
        """The sky as observed."""
        return self.sky([season.ra for season in self.analysis.seasons])

    def scrambled(self, seed: int, trial: int) -> CellEvents:
        """The scrambled sky number `trial`, see `common_sky`; catalogues look at the same skies."""
        return self.sky([common_sky(self.analysis, stream(seed, "sky", trial))[0]])

    def responses(
        self, dec: np.ndarray, gammas: np.ndarray | None = None, width: np.ndarray | float = 0.0
    ) -> ResponseTables:
        """The detector's response at declinations [rad], exact, for sources of a Gaussian width [rad].

        On the model's spectra, or on those with the parameters `gammas` (n_dec, n_gammas), each declination's own.

        Raises
        ------
        PhysicsError : no season can see one of the declinations.
        """
        analysis, numbers = self.analysis, self.analysis.response_numbers
        if gammas is None:
            own = np.broadcast_to(parameters(self.spectra), (len(dec), len(self.spectra)))
            asked, column = self.spectra, np.broadcast_to(np.arange(len(self.spectra)), own.shape)
        else:
            own = np.broadcast_to(gammas, (len(dec), np.shape(gammas)[-1]))
            different, column = np.unique(own, return_inverse=True)
            asked, column = tuple(self.spectra[0].at(value) for value in different), column.reshape(own.shape)
        # One by one, as the last digit of products of matrices depends on their size: a source's likelihood must not
        # depend on which others are looked at with it.
        expected = [self._expected_shares(dec[[j]], asked) for j in range(len(dec))]
        shares = np.concatenate(expected)[np.arange(len(dec))[:, None], column]
        densities = analysis.signal_densities(dec, asked)
        if gammas is not None:
            densities = np.take_along_axis(densities, column[None, :, None, None, :], axis=4)
        far = far_of_each(analysis.seasons, numbers, (dec, width), analysis.widths, densities)
        return self._tables(densities[:, :, :, :-1], shares, far.transpose(1, 0, 2), own)

    def _expected_shares(self, dec: np.ndarray, spectra: Sequence[Spectrum]) -> np.ndarray:
        """f_k of sources at declinations [rad], (n_dec, n_spectra, n_seasons)."""
        expected = self.analysis.expected(dec, spectra).transpose(2, 1, 0)
        total = expected.sum(axis=2, keepdims=True)
        if not (total > 0).all():
            hidden = np.degrees(dec[np.argmin(total.min(axis=(1, 2)))])
            raise PhysicsError(f"no season can see a source at declination {hidden:.3f} deg.")
        return expected / total

    def _tables(self, *arrays: np.ndarray) -> ResponseTables:
        return ResponseTables(self.analysis.widths, *map(np.ascontiguousarray, arrays))

    def known(self, dec: np.ndarray, width: np.ndarray | float = 0.0) -> "Known":
        """The exact response at declinations [rad], for the model's spectra and sources of Gaussian width [rad]."""
        places, first = np.unique(_places(dec, width), return_index=True)
        return Known(places, self.responses(places.real, width=np.broadcast_to(width, np.shape(dec))[first]))

    @takes_directions(("ra", "dec"), width="rad")
    def fit(
        self,
        sky: CellEvents,
        ra: np.ndarray,
        dec: np.ndarray,
        known: "Known | None" = None,
        width: np.ndarray | float = 0.0,
    ) -> Fits:
        """Best fits at positions [rad], with the maximum in gamma interpolated between the spectra.

        `known` must hold every declination of `dec` with its width; without it the exact response is computed. `width`
        is the Gaussian width [rad] of the source that is looked for.
        """
        ra, dec = np.ascontiguousarray(ra, dtype=float), np.ascontiguousarray(dec, dtype=float)
        if not len(ra):
            return Fits.of_rows(np.empty((0, 4)))
        known = self.known(dec, width) if known is None else known
        places = _places(dec, width)
        table = np.minimum(np.searchsorted(known.places, places), len(known.places) - 1)
        if not np.array_equal(known.places[table], places):
            raise PhysicsError("`known` is of other declinations or widths than those to be fitted.")
        return Fits.of_rows(self._rows(sky, ra, dec, table, known.responses, width))

    def _rows(
        self,
        sky: CellEvents,
        ra: np.ndarray,
        dec: np.ndarray,
        table: np.ndarray,
        responses: ResponseTables,
        width: np.ndarray | float = 0.0,
    ) -> np.ndarray:
        """Rows of `fit_positions`, shared between the threads that numba may use."""
        numbers, ra = self.analysis.response_numbers, ra % (2 * np.pi)
        width = np.ascontiguousarray(np.broadcast_to(width, ra.shape), dtype=float)

        def part(first: int, stop: int) -> np.ndarray:
            own = slice(first, stop)
            return fit_positions(ra[own], dec[own], width[own], table[own], sky, responses, numbers)

        return np.concatenate(in_parts(len(ra), _PER_THREAD, part))

    @takes_directions(("ra", "dec"))
    def search(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray) -> Fits:
        """As `fit` at ra, dec [rad], with the sum over far pairs interpolated in declination: fast where these are
        many."""
        if "nodes" not in self._cache:
            self._cache["nodes"] = self.known(np.arcsin(self.analysis.signal_nodes))
        nodes = self._cache["nodes"].responses
        different, which = np.unique(dec, return_inverse=True)
        place = np.interp(np.sin(different), self.analysis.signal_nodes, np.arange(nodes.density.shape[1]))
        lower = np.minimum(place.astype(np.int64), nodes.density.shape[1] - 2)
        weight = (place - lower)[:, None, None]
        exact = self._expected_shares(different, self.spectra)
        rows = np.empty((len(dec), 4))
        for first in range(0, len(different), _TABLES_AT_ONCE):
            part = slice(first, first + _TABLES_AT_ONCE)
            below, w = lower[part], weight[part]
            far = nodes.far[below] * (1 - w) + nodes.far[below + 1] * w
            v = w[..., None].astype(np.float32)
            density = nodes.density[:, below] * (1 - v) + nodes.density[:, below + 1] * v
            known = Known(
                _places(different[part], 0.0), self._tables(density, exact[part], far, nodes.parameter[below])
            )
            own = np.flatnonzero((which >= first) & (which < first + _TABLES_AT_ONCE))
            rows[own] = self.fit(sky, ra[own], dec[own], known).rows
        return Fits.of_rows(rows)

    @takes_directions(("ra", "dec"))
    def best(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray) -> Fits:
        """Best fits at positions [rad] with gamma refined to the true optimum, as `Hypothesis.fit` does."""
        ra, dec = np.ascontiguousarray(ra, dtype=float), np.ascontiguousarray(dec, dtype=float)
        rows = self.fit(sky, ra, dec).rows
        if not self.free:
            return Fits.of_rows(rows)
        for first in range(0, len(ra), _AT_ONCE):
            own = np.arange(first, min(first + _AT_ONCE, len(ra)))
            own = own[rows[own, 1] > 0]

            def refit(grids: np.ndarray, own: np.ndarray = own) -> np.ndarray:
                return self._rows(sky, ra[own], dec[own], np.arange(len(own)), self.responses(dec[own], grids))

            rows[own] = zoom(rows[own], parameters(self.spectra), refit)
        return Fits.of_rows(rows)


def _places(dec: np.ndarray, width: np.ndarray | float) -> np.ndarray:
    return dec + 1j * nearest_extension(np.broadcast_to(width, np.shape(dec)))
