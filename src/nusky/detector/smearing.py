"""Smearing: what is reconstructed for a neutrino detected in a cell of true energy and declination.

The releases give, for every cell, rows of bins in reconstructed energy, PSF angle and AngErr with the fraction of the
cell's simulated events in each. The inner edges differ from cell to cell, so the rows are kept as they are, ordered by
cell. A cell without simulated events is served by the nearest one that has some: at the same true energy the nearest in
declination or, if there is none at all, what serves the same declination at the nearest energy.
"""

import itertools
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from nusky.detector.effective_area import EffectiveArea
from nusky.errors import ReleaseError

ANG_ERR_FLOOR = np.radians(0.2)
"""Smallest angular error of the releases (arXiv:2101.09836), rad."""
_EDGE_DECIMALS = 6
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Smearing:
    """The smearing of one detector response.

    Attributes
    ----------
    response : str
    log10_enu : (n_enu + 1,) float64
        Edges of the cells in log10(E_nu/GeV).
    dec : (n_dec + 1,) float64, rad
        Edges of the cells in declination.
    start : (n_dec * n_enu + 1,) int64
        First row of every cell; cell number = declination number * n_enu + energy number.
    fraction : (n_rows,) float64
        Share of every row in its cell; each cell sums to 1.
    cumulative : (n_rows,) float64
        Number of the cell plus the cumulative share of its rows: one sorted array for all cells.
    log10_energy, psf, ang_err : (n_rows, 2) float64; log10(E/GeV), rad, rad
        Lower and upper edge of every row.
    served_by : (n_dec, n_enu) int64
        Number of the cell whose rows are used: its own, or the nearest one with rows.
    """

    response: str
    log10_enu: np.ndarray
    dec: np.ndarray
    start: np.ndarray
    fraction: np.ndarray
    cumulative: np.ndarray
    log10_energy: np.ndarray
    psf: np.ndarray
    ang_err: np.ndarray
    served_by: np.ndarray

    @property
    def filled(self) -> np.ndarray:
        """Whether a cell has simulated events of its own, (n_dec, n_enu) bool."""
        return (np.diff(self.start) > 0).reshape(self.served_by.shape)

    def enu_cell(self, log10_enu: np.ndarray) -> np.ndarray:
        """Number of the cells that hold log10(E_nu/GeV); the outermost also serve what lies beyond them."""
        return bin_number(self.log10_enu, log10_enu)

    def dec_cell(self, dec: np.ndarray) -> np.ndarray:
        """Number of the cells that hold the declination `dec`, rad."""
        return bin_number(self.dec, dec)

    def energy_matrix(
        self, log10_energy_edges: np.ndarray, ang_err_edges: np.ndarray | None = None, ang_err_floor: float = 0.0
    ) -> np.ndarray:
        """Probability of the bins of reconstructed energy for each cell: (n_dec, n_enu, n_bins), sums to 1 over them.

        A row's fraction is spread uniformly in log10 E over its own bin, and in log AngErr; a bin of no width is a
        point. What lies outside the edges counts in the outermost bins. Cells without rows have those of the cell that
        serves them.

        Parameters
        ----------
        log10_energy_edges : (n_energy + 1,), log10(E/GeV)
        ang_err_edges : (n_ang_err + 1,), rad
            If given, n_bins = n_energy n_ang_err with the bins of AngErr running fastest; else n_bins = n_energy.
        ang_err_floor : float, rad
            Smaller angular errors are raised to it.
        """
        inner = np.asarray(log10_energy_edges, dtype=float)[1:-1]
        inner_ang_err = np.log(np.asarray([] if ang_err_edges is None else ang_err_edges[1:-1], dtype=float))
        key = inner.tobytes(), inner_ang_err.tobytes(), ang_err_floor
        return self.derived(("energy matrix", *key), lambda: self._energy_matrix(inner, inner_ang_err, ang_err_floor))

    def derived(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """What `make` returned when `key` was first asked for: all sources of an analysis ask for the same."""
        if key not in self._derived:
            self._derived[key] = make()
        return self._derived[key]

    @cached_property
    def _derived(self) -> dict[Hashable, np.ndarray]:
        return {}

    def _energy_matrix(self, inner: np.ndarray, inner_ang_err: np.ndarray, ang_err_floor: float) -> np.ndarray:
        matrix = np.zeros((len(self.start) - 1, (len(inner) + 1) * (len(inner_ang_err) + 1)))
        tiny = np.finfo(float).tiny
        for cell in np.flatnonzero(np.diff(self.start)):
            rows = slice(self.start[cell], self.start[cell + 1])
            in_energy = _spread(inner, *self.log10_energy[rows].T)
            in_ang_err = _spread(inner_ang_err, *np.log(np.maximum(self.ang_err[rows], max(ang_err_floor, tiny))).T)
            matrix[cell] = ((in_energy * self.fraction[rows]) @ in_ang_err.T).ravel()
        served = matrix[self.served_by]
        served.flags.writeable = False
        return served

    def sample(
        self,
        rng: np.random.Generator,
        enu_cell: np.ndarray,
        dec_cell: np.ndarray,
        n: int,
        ang_err_floor: float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw what is reconstructed for `n` detected neutrinos.

        A row by its fraction, then inside its bin log10 E uniformly and PSF angle and AngErr uniformly in their
        logarithm, as the releases' own bins are spaced; uniformly in the angle in a bin that begins at 0.

        Parameters
        ----------
        enu_cell, dec_cell : (n,) int, or one for all
            From the methods of those names.
        ang_err_floor : float, rad
            Smaller angular errors are raised to it.

        Returns
        -------
        log10(E/GeV), angle to the true direction [rad], AngErr [rad]: (n,) float64 each
        """
        cell = np.empty(n, np.int64)
        cell[...] = self.served_by[dec_cell, enu_cell]
        row = np.searchsorted(self.cumulative, cell + rng.random(n), side="right")
        row = np.minimum(np.maximum(row, self.start[cell]), self.start[cell + 1] - 1)
        low, high = self.log10_energy[row].T
        log10_energy = low + rng.random(n) * (high - low)
        psi = _inside(rng, self._steps[0], row)
        return log10_energy, psi, np.maximum(_inside(rng, self._steps[1], row), ang_err_floor)

    @cached_property
    def _steps(self) -> list[np.ndarray]:
        """Of every row's PSF angle and AngErr the lower edge, the ratio of the upper to it, and the upper edge where
        the lower is 0: (3, n_rows) each."""
        made = []
        for low, high in (self.psf.T, self.ang_err.T):
            ratio = np.divide(high, low, out=np.ones(len(low)), where=low > 0)
            made.append(np.stack((low, ratio, np.where(low > 0, 0.0, high))))
        return made

    def borrowed(self, area: EffectiveArea) -> np.ndarray:
        """Cells without simulated events in which `area` sees neutrinos, (n_dec, n_enu) bool."""
        in_energy = _overlap(self.log10_enu, area.log10_energy, open_ended=True)
        in_dec = _overlap(self.dec, area.dec, open_ended=False)
        return ~self.filled & (in_dec @ area.area.T @ in_energy.T > 0)

    def note(self, area: EffectiveArea) -> str:
        """One sentence on the cells that others serve, for the output; empty if there are none."""
        borrowed = self.borrowed(area)
        if not borrowed.any():
            return ""
        return (
            f"{self.response}: {np.count_nonzero(borrowed)} of {borrowed.size} cells of the smearing table have "
            "effective area but no simulated event; the nearest cell with events stands in."
        )


def from_table(table: pa.Table) -> dict[str, Smearing]:
    """The smearing of a `smearing` table by response name; none where the release has none.

    Raises
    ------
    ReleaseError
        The cells overlap, or the fractions of a cell do not sum to 1.
    """
    responses = table["response"].to_numpy(zero_copy_only=False).astype(str)
    columns = {name: table[name].to_numpy() for name in table.column_names if name != "response"}
    return {
        str(name): _cells(str(name), {key: values[responses == name] for key, values in columns.items()})
        for name in dict.fromkeys(responses)
    }


def _cells(response: str, columns: dict[str, np.ndarray]) -> Smearing:
    columns = {name: values[columns["fraction"] > 0] for name, values in columns.items()}
    log10_enu, enu = _grid(response, columns, "log10_enu_min_gev", "log10_enu_max_gev")
    dec_deg, dec = _grid(response, columns, "dec_nu_min_deg", "dec_nu_max_deg")
    shape = (len(dec_deg) - 1, len(log10_enu) - 1)
    cell = dec * shape[1] + enu
    order = np.argsort(cell, kind="stable")
    cell, fraction = cell[order], columns["fraction"][order]
    start = np.searchsorted(cell, np.arange(shape[0] * shape[1] + 1))
    sums = np.bincount(cell, fraction, minlength=len(start) - 1)
    wrong = np.flatnonzero((np.diff(start) > 0) & (np.abs(sums - 1) > _SUM_TOLERANCE))
    if wrong.size:
        band, energy = divmod(int(wrong[0]), shape[1])
        raise ReleaseError(
            f"smearing of {response}: the fractions of the cell log10 E_nu {log10_enu[energy]:g} to "
            f"{log10_enu[energy + 1]:g}, declination {dec_deg[band]:g} to {dec_deg[band + 1]:g} deg sum to "
            f"{sums[wrong[0]]:.6g}, not to 1. The file is incomplete; fetch it again."
        )

    fraction = fraction / sums[cell]

    def pairs(name: str, unit: str) -> np.ndarray:
        return np.column_stack([columns[f"{name}_{side}_{unit}"][order] for side in ("min", "max")])

    return Smearing(
        response=response,
        log10_enu=log10_enu,
        dec=np.radians(dec_deg),
        start=start,
        fraction=fraction,
        cumulative=_cumulative(fraction, start),
        log10_energy=pairs("log10_energy", "gev"),
        psf=np.radians(pairs("psf", "deg")),
        ang_err=np.radians(pairs("ang_err", "deg")),
        served_by=_served_by(np.diff(start).reshape(shape) > 0, dec_deg),
    )


def _grid(response: str, columns: dict[str, np.ndarray], low: str, high: str) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the cells along one axis, and the number of the cell of every row."""
    lower, upper = np.round(columns[low], _EDGE_DECIMALS), np.round(columns[high], _EDGE_DECIMALS)
    edges = np.union1d(lower, upper)
    cell = np.searchsorted(edges, lower)
    if not np.array_equal(np.searchsorted(edges, upper), cell + 1):
        raise ReleaseError(
            f"smearing of {response}: the cells in {low} and {high} overlap. Check that this is the release's file."
        )
    return edges, cell


def _cumulative(fraction: np.ndarray, start: np.ndarray) -> np.ndarray:
    cumulative = np.empty_like(fraction)
    for cell, (first, stop) in enumerate(itertools.pairwise(start)):
        cumulative[first:stop] = cell + np.cumsum(fraction[first:stop])
    return cumulative


def _served_by(filled: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    n_dec, n_enu = filled.shape
    centre = (dec_deg[1:] + dec_deg[:-1]) / 2
    own = np.arange(n_dec * n_enu).reshape(n_dec, n_enu)
    served = own.copy()
    energies = np.flatnonzero(filled.any(axis=0))
    for energy in energies:
        bands = np.flatnonzero(filled[:, energy])
        nearest = bands[np.argmin(np.abs(centre[:, None] - centre[bands]), axis=1)]
        served[:, energy] = own[nearest, energy]
    for energy in np.setdiff1d(np.arange(n_enu), energies):
        served[:, energy] = served[:, energies[np.argmin(np.abs(energies - energy))]]
    return served


def bin_number(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Number of the bin (n_edges - 1 of them) of each value, (n_values,); those beyond belong to the outermost."""
    # np.clip takes ten times as long for few numbers.
    return np.minimum(np.maximum(np.searchsorted(edges, values, side="right") - 1, 0), len(edges) - 2)


def _overlap(cells: np.ndarray, bins: np.ndarray, *, open_ended: bool) -> np.ndarray:
    """Whether cells and bins overlap by more than rounding, (n_cells, n_bins) float; the last cell may have no end."""
    upper = np.append(cells[1:-1], np.inf) if open_ended else cells[1:]
    lower = np.append(-np.inf, cells[1:-1]) if open_ended else cells[:-1]
    tolerance = 1e-3
    return ((bins[:-1] < upper[:, None] - tolerance) & (bins[1:] > lower[:, None] + tolerance)).astype(float)


def _spread(inner: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Share of the intervals `low` to `high` in the bins with the `inner` edges: (n_bins, n_intervals)."""
    below = inner[:, None] - low
    width = high - low
    share = np.divide(below, width, out=np.where(below > 0, 1.0, 0.0), where=width > 0)
    return np.diff(np.clip(share, 0.0, 1.0), axis=0, prepend=0.0, append=1.0)


def _inside(rng: np.random.Generator, steps: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Values inside the bins of rows, (n,): uniform in the logarithm, or in the value where a bin begins at 0."""
    low, ratio, from_zero = steps[:, row]
    place = rng.random(len(row))
    return low * ratio**place + from_zero * place
