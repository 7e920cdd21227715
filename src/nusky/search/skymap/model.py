"""The likelihood of a point source at any positions of one sky, the data's or a scrambled one."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numba
import numpy as np

from nusky.detector.spectrum import PowerLaw, Spectrum, parameters
from nusky.errors import PhysicsError
from nusky.likelihood import cells
from nusky.likelihood.positions import CellEvents, ResponseTables, fit_positions
from nusky.search.analysis import Analysis
from nusky.search.far_pairs import far_by_bin
from nusky.search.hypothesis import N_SPECTRA, zoom
from nusky.search.trials import stream

_NODES = 361
"""Declinations between which the response is interpolated where positions are only searched for."""
_TABLES_AT_ONCE = 256
"""Declinations whose interpolated tables are held at once, about 40 MB for the ten-year release."""
_AT_ONCE = 16
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
    """The response at ascending declinations `dec` (n,) rad."""

    dec: np.ndarray
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
        n_ra = known.records["n_ra"]
        column = np.minimum((own / (2 * np.pi) * n_ra).astype(np.int64), n_ra - 1)
        order, start = cells.sort_by_cell(known.records["row"] + column, cells.N_CELLS)
        records, own = known.records[order], own[order]
        x, y = records["cos_dec"] * np.cos(own), records["cos_dec"] * np.sin(own)
        return CellEvents(start, *self._largest, records, x, y, self.analysis.n_events)

    @cached_property
    def _largest(self) -> tuple[np.ndarray, np.ndarray]:
        records = self.analysis.indexed.records
        reach_class = np.searchsorted(cells.FIRST_CELL, records["row"], side="right") - 1
        reach, widest = np.zeros(len(cells.N_DEC)), np.zeros(len(cells.N_DEC))
        np.maximum.at(reach, reach_class, records["reach"])
        np.maximum.at(widest, reach_class, records["variance"] * np.maximum(records["tail_ratio"], 1.0))
        return reach, widest

    def data(self) -> CellEvents:
        """The sky as observed."""
        return self.sky([season.ra for season in self.analysis.seasons])

    def scrambled(self, seed: int, trial: int) -> CellEvents:
        """The scrambled sky number `trial`: all right ascensions redrawn; catalogues look at the same skies."""
        rng = stream(seed, "sky", trial)
        return self.sky([2 * np.pi * rng.random(len(season)) for season in self.analysis.seasons])

    def responses(self, dec: np.ndarray, gammas: np.ndarray | None = None) -> ResponseTables:
        """The detector's response at declinations [rad], exact.

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
            own = gammas
            different, column = np.unique(own, return_inverse=True)
            asked, column = tuple(self.spectra[0].at(value) for value in different), column.reshape(own.shape)
        row = np.arange(len(dec))[:, None]
        expected = analysis.expected(dec, asked).transpose(2, 1, 0)[row, column]
        total = expected.sum(axis=2)
        if not (total > 0).all():
            hidden = np.degrees(dec[np.argmin(total.min(axis=1))])
            raise PhysicsError(f"no season can see a source at declination {hidden:.3f} deg.")
        density = analysis.energy_densities(dec, asked).transpose(2, 3, 0, 1)[row, column]
        density = np.ascontiguousarray(density.transpose(0, 2, 3, 1))
        per_bin = far_by_bin(analysis.seasons, dec, density.shape[2])
        far = np.stack([np.einsum("tb,tbg->tg", own, density[:, r]) for own, r in zip(per_bin, numbers, strict=True)])
        return _tables(density, expected / total[:, :, None], far.transpose(1, 0, 2), own)

    def known(self, dec: np.ndarray) -> "Known":
        """The response at ascending, different declinations [rad] for the model's indices, exact."""
        return Known(dec, self.responses(dec))

    def fit(
        self,
        sky: CellEvents,
        ra: np.ndarray,
        dec: np.ndarray,
        known: "Known | None" = None,
        width: np.ndarray | float = 0.0,
    ) -> Fits:
        """Best fits at positions [rad], with the maximum in gamma interpolated between the spectra.

        `known` must hold every declination of `dec`; without it the exact response is computed. `width` is the Gaussian
        width [rad] of the source that is looked for.
        """
        ra, dec = np.ascontiguousarray(ra, dtype=float), np.ascontiguousarray(dec, dtype=float)
        if not len(ra):
            return Fits.of_rows(np.empty((0, 4)))
        known = self.known(np.unique(dec)) if known is None else known
        return Fits.of_rows(self._rows(sky, ra, dec, np.searchsorted(known.dec, dec), known.responses, width))

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

        def part(first: int) -> np.ndarray:
            own = slice(first, first + _PER_THREAD)
            return fit_positions(ra[own], dec[own], width[own], table[own], sky, responses, numbers)

        starts = range(0, len(ra), _PER_THREAD)
        if numba.get_num_threads() == 1 or len(starts) == 1:
            return np.concatenate([part(first) for first in starts])
        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            return np.concatenate(list(pool.map(part, starts)))

    def search(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray) -> Fits:
        """As `fit` at ra, dec [rad], with the response interpolated between `_NODES` declinations: fast where these are
        many."""
        if "nodes" not in self._cache:
            self._cache["nodes"] = self.known(np.arcsin(np.linspace(-1, 1, _NODES)[1:-1]))
        nodes = self._cache["nodes"].responses
        different, which = np.unique(dec, return_inverse=True)
        place = np.clip((np.sin(different) + 1) / 2 * (_NODES - 1) - 1, 0, _NODES - 3)
        lower = np.minimum(place.astype(np.int64), _NODES - 4)
        weight = (place - lower)[:, None, None]
        rows = np.empty((len(dec), 4))
        for first in range(0, len(different), _TABLES_AT_ONCE):
            part = slice(first, first + _TABLES_AT_ONCE)
            below, w = lower[part], weight[part]
            density, shares, far = (
                values[below] * (1 - v) + values[below + 1] * v
                for values, v in ((nodes.density[:, :, :, 0], w[..., None]), (nodes.shares, w), (nodes.far, w))
            )
            known = Known(different[part], _tables(density, shares, far, nodes.parameter[below]))
            own = np.flatnonzero((which >= first) & (which < first + _TABLES_AT_ONCE))
            rows[own] = self.fit(sky, ra[own], dec[own], known).rows
        return Fits.of_rows(rows)

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


def _tables(density: np.ndarray, shares: np.ndarray, far: np.ndarray, parameter: np.ndarray) -> ResponseTables:
    density = np.ascontiguousarray(density)[:, :, :, None]
    arrays = density, density.max(axis=(3, 4)), shares, far, parameter
    return ResponseTables(*map(np.ascontiguousarray, arrays))
