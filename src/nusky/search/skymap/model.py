"""The likelihood of a point source at any positions of one sky, the data's or a scrambled one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.skymap import CellEvents, ResponseTables, fit_positions, sort_into_cells
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import GAMMAS, near_radius
from nusky.search.trials import stream

N_ROWS, N_COLUMNS = 180, 360
"""Cells of the sky: rows in declination, columns in right ascension."""
_CLASS_EDGES = np.radians([0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0])
_SORTED = ("z", "cut", "variance", "tail", "tail_share", "inverse_background", "slot")
_NODES = 361
"""Declinations between which the response is interpolated where positions are only searched for."""
_TABLES_AT_ONCE = 256
"""Declinations whose interpolated tables are held at once, about 40 MB for the ten-year release."""
_ZOOMS, _ZOOM_POINTS = 3, 9
_AT_ONCE = 16
"""Positions of one call of the detector's response, whose tables grow with the square of this number."""


@dataclass(frozen=True)
class Fits:
    """Best fits at positions, each (n_positions,) float64; `gamma` is NaN where n_s = 0."""

    ts: np.ndarray
    n_signal: np.ndarray
    gamma: np.ndarray
    converged: np.ndarray

    @classmethod
    def of_rows(cls, rows: np.ndarray) -> "Fits":
        """From the rows of `nusky.likelihood.skymap.fit_positions`."""
        return cls(rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3] > 0)


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
    gammas : (n_gammas,) float64
        Indices on which the likelihood is profiled; a single one is fixed.
    """

    analysis: Analysis
    gammas: np.ndarray
    _ordered: dict[str, np.ndarray] = field(repr=False)
    _cache: dict[str, "Known"] = field(default_factory=dict, repr=False)

    @classmethod
    def of_analysis(cls, analysis: Analysis, gamma: float | None = None) -> "SkyModel":
        """The index free, or fixed at `gamma`.

        Raises
        ------
        PhysicsError : gamma is to be free, but the analysis knows no energies.
        """
        if gamma is None and analysis.smearings is None:
            raise PhysicsError(
                "the release has no smearing tables, so a map cannot fit gamma. Fix it: set `skymap.gamma`."
            )
        gammas = GAMMAS if gamma is None else np.array([float(gamma)])
        joined = {
            name: np.concatenate([getattr(sample, name) for sample in analysis.samples])
            for name in ("dec", "width", "tail_ratio", "tail_share", "inverse_background", "energy_bin")
        }
        dec, variance = joined["dec"], joined["width"] ** 2
        tail = joined["tail_ratio"] * variance
        widest = np.maximum(variance, tail)
        season = np.repeat(np.arange(len(analysis.samples)), [len(sample) for sample in analysis.samples])
        n_bins = next(iter(analysis.energy_densities(np.zeros(1), gammas[:1]).values())).shape[1]
        reach_class = np.searchsorted(_CLASS_EDGES, np.sqrt(widest))
        radius = near_radius(widest)
        reach = np.zeros(len(_CLASS_EDGES) + 1)
        np.maximum.at(reach, reach_class, radius)
        used = np.unique(reach_class)
        row = np.clip(((dec + np.pi / 2) / np.pi * N_ROWS).astype(np.int64), 0, N_ROWS - 1)
        ordered = {
            "key": np.searchsorted(used, reach_class) * N_ROWS + row,
            "reach": reach[used],
            "row_edges": np.linspace(-np.pi / 2, np.pi / 2, N_ROWS + 1),
            "cos_dec": np.cos(dec),
            "z": np.sin(dec),
            "cut": (2 * np.sin(radius / 2)) ** 2,
            "variance": variance,
            "tail": tail,
            "tail_share": joined["tail_share"],
            "inverse_background": joined["inverse_background"],
            "slot": season * n_bins + joined["energy_bin"],
        }
        return cls(analysis, gammas, ordered)

    @property
    def free(self) -> bool:
        """Whether gamma is fitted."""
        return len(self.gammas) > 1

    def sky(self, ra: Sequence[np.ndarray]) -> CellEvents:
        """The events with right ascensions [rad] `ra`, one array for each season."""
        o = self._ordered
        joined = np.concatenate(ra) % (2 * np.pi)
        column = np.minimum((joined / (2 * np.pi) * N_COLUMNS).astype(np.int64), N_COLUMNS - 1)
        n_cells = len(o["reach"]) * N_ROWS * N_COLUMNS
        order, start = sort_into_cells(o["key"] * N_COLUMNS + column, n_cells)
        cos_dec, own = o["cos_dec"][order], joined[order]
        return CellEvents(
            cell_start=start,
            reach=o["reach"],
            row_edges=o["row_edges"],
            x=cos_dec * np.cos(own),
            y=cos_dec * np.sin(own),
            n_events=self.analysis.n_events,
            **{
                name: o[name][order]
                for name in ("z", "cut", "variance", "tail", "tail_share", "inverse_background", "slot")
            },
        )

    def data(self) -> CellEvents:
        """The sky as observed."""
        return self.sky([sample.ra for sample in self.analysis.samples])

    def scrambled(self, seed: int, trial: int) -> CellEvents:
        """The scrambled sky number `trial`: all right ascensions redrawn; catalogues look at the same skies."""
        rng = stream(seed, "sky", trial)
        return self.sky([2 * np.pi * rng.random(len(sample)) for sample in self.analysis.samples])

    def responses(self, dec: np.ndarray, gammas: np.ndarray) -> ResponseTables:
        """The detector's response at declinations [rad], exact.

        `gammas` (n_gammas,), or (n_dec, n_gammas) where every declination has its own.

        Raises
        ------
        PhysicsError : no season can see one of the declinations.
        """
        own = np.broadcast_to(gammas, (len(dec), np.shape(gammas)[-1]))
        asked = np.asarray(gammas, dtype=float) if np.ndim(gammas) == 1 else np.unique(own)
        column = np.searchsorted(asked, own)
        row = np.arange(len(dec))[:, None]
        expected = self.analysis.expected(dec, asked).transpose(2, 1, 0)[row, column]
        total = expected.sum(axis=2)
        if not (total > 0).all():
            hidden = np.degrees(dec[np.argmin(total.min(axis=1))])
            raise PhysicsError(f"no season can see a source at declination {hidden:.3f} deg.")
        by_name = self.analysis.energy_densities(dec, asked)
        by_season = [by_name[name].transpose(0, 2, 1)[row, column] for name in self.analysis.responses]
        density = np.ascontiguousarray(np.concatenate(by_season, axis=2).transpose(0, 2, 1))
        shares = expected / total[:, :, None]
        return ResponseTables(density, density.max(axis=2), np.ascontiguousarray(shares), np.ascontiguousarray(own))

    def known(self, dec: np.ndarray) -> "Known":
        """The response at ascending, different declinations [rad] for the model's indices, exact."""
        return Known(dec, self.responses(dec, self.gammas))

    def fit(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray, known: "Known | None" = None) -> Fits:
        """Best fits at positions [rad], with the maximum in gamma interpolated on `gammas`.

        `known` must hold every declination of `dec`; without it the exact response is computed.
        """
        ra, dec = np.ascontiguousarray(ra, dtype=float), np.ascontiguousarray(dec, dtype=float)
        if not len(ra):
            return Fits.of_rows(np.empty((0, 4)))
        known = self.known(np.unique(dec)) if known is None else known
        table = np.searchsorted(known.dec, dec)
        return Fits.of_rows(fit_positions(ra, dec, table, sky, known.responses, N_COLUMNS))

    def search(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray) -> Fits:
        """As `fit`, with the response interpolated between `_NODES` declinations: fast where declinations are many."""
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
            density, shares = (
                values[below] * (1 - w) + values[below + 1] * w for values in (nodes.density, nodes.shares)
            )
            known = Known(different[part], ResponseTables(density, density.max(axis=2), shares, nodes.gammas[below]))
            own = np.flatnonzero((which >= first) & (which < first + _TABLES_AT_ONCE))
            found = self.fit(sky, ra[own], dec[own], known)
            rows[own] = np.column_stack([found.ts, found.n_signal, found.gamma, found.converged])
        return Fits.of_rows(rows)

    def best(self, sky: CellEvents, ra: np.ndarray, dec: np.ndarray) -> Fits:
        """Best fits at positions [rad] with gamma refined to the true optimum, as `Source.fit` does."""
        ra, dec = np.ascontiguousarray(ra, dtype=float), np.ascontiguousarray(dec, dtype=float)
        found = self.fit(sky, ra, dec)
        if not self.free:
            return found
        rows = np.column_stack([found.ts, found.n_signal, found.gamma, found.converged])
        active = np.flatnonzero(found.n_signal > 0)
        for block in range(0, len(active), _AT_ONCE):
            chosen = active[block : block + _AT_ONCE]
            low, high = np.full(len(chosen), self.gammas[0]), np.full(len(chosen), self.gammas[-1])
            step = np.full(len(chosen), self.gammas[1] - self.gammas[0])
            for _ in range(_ZOOMS):
                best = rows[chosen, 2]
                low, high = np.maximum(best - step, low), np.minimum(best + step, high)
                own = np.linspace(low, high, _ZOOM_POINTS, axis=1)
                step = own[:, 1] - own[:, 0]
                responses = self.responses(dec[chosen], own)
                table = np.arange(len(chosen))
                rows[chosen] = fit_positions(ra[chosen], dec[chosen], table, sky, responses, N_COLUMNS)
        return Fits.of_rows(rows)
