"""The stand-in release as text files: real events and good runs, fourteen-year response, ten-year layout.

Programs that read the ten-year release's own files read these too. The smearing tables at hand lack the rows without
events; here every cell gets its full grid back: the bins of a cell are equally spaced in log10 E, ln PSF and ln AngErr.
A cell without simulated events becomes a copy of the one nusky uses for it, so that all programs do the same there.
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from nusky.detector import smearing
from validation.samples import REAL_SEASONS, STAND_IN, stand_in_smearing

_BINS = 20
_DECIMALS = 6
_NARROWEST = 1e-3
"""Cells with a single event have bins of no width, a density no program can use: they become this wide."""
_AREA_HEADER = "# log10(E_nu/GeV)_min log10(E_nu/GeV)_max Dec_nu_min[deg] Dec_nu_max[deg] A_Eff[cm^2]"
_HEADER = (
    "# log10(E_nu/GeV)_min log10(E_nu/GeV)_max Dec_nu_min[deg] Dec_nu_max[deg] log10(E/GeV)_min log10(E/GeV)_max "
    "PSF_min[deg] PSF_max[deg] AngErr_min[deg] AngErr_max[deg] Fractional_Counts"
)


def write(data: Path, root: Path) -> None:
    """Write the release of the seasons with real events from the validation data into the new folder `root`."""
    for part in ("events", "uptime", "irfs"):
        (root / part).mkdir(parents=True)
    for season in REAL_SEASONS:
        for part in ("events", "uptime"):
            shutil.copy(data / "icecube_10year_ps" / part / f"{season}_exp.csv", root / part)
        source = data / "icetracks_dr2_irfs" / STAND_IN[season]
        area = np.loadtxt(f"{source}_effectiveArea.csv")
        np.savetxt(root / "irfs" / f"{season}_effectiveArea.csv", area, fmt="%.8g", header=_AREA_HEADER[2:])
        rows = pq.read_table(f"{source}_smearing.parquet").to_pandas().to_numpy(dtype=float)
        served_by = smearing.from_table(stand_in_smearing(data, season))[season].served_by
        rows = full_grid(rows, served_by)
        table = pa.table({str(k): column for k, column in enumerate(rows.T)})
        with open(root / "irfs" / f"{season}_smearing.csv", "wb") as file:
            file.write(_HEADER.encode() + b"\n")
            csv.write_csv(table, file, csv.WriteOptions(include_header=False, delimiter=" "))


def full_grid(rows: np.ndarray, served_by: np.ndarray) -> np.ndarray:
    """All bins of all cells, those without events with a fraction of 0, (n_enu * n_dec * 8000, 11).

    `served_by` (n_dec, n_enu): number of the cell that serves each cell, itself where it has events, as in
    `nusky.detector.smearing.Smearing`.
    `rows`: the filled rows as in the release, (n, 11): E_nu, Dec_nu, E, PSF, AngErr (min and max each), fraction.
    """
    enu, dec = (np.unique(rows[:, [k, k + 1]], axis=0) for k in (0, 2))
    filled = np.zeros((len(enu), len(dec), _BINS, _BINS, _BINS, 11))
    filled[..., 0:2] = enu[:, None, None, None, None, :]
    filled[..., 2:4] = dec[:, None, None, None, :]
    cell = np.searchsorted(enu[:, 0], rows[:, 0]) * len(dec) + np.searchsorted(dec[:, 0], rows[:, 2])
    for number in np.unique(cell):
        inside = rows[cell == number]
        grid = filled[divmod(number, len(dec))]
        places = []
        for axis, scale in enumerate((lambda x: x, np.log, np.log)):
            low, high = scale(inside[:, 4 + 2 * axis]), scale(inside[:, 5 + 2 * axis])
            step = max(np.median(high - low), _NARROWEST)
            first = low.min()
            places.append(np.rint((low - first) / step).astype(int))
            edges = first + step * np.arange(_BINS + 1)
            edges = np.round(edges if axis == 0 else np.exp(edges), _DECIMALS)  # neighbouring bins share their edge
            edges[np.isclose(edges, 180.0, atol=1e-3, rtol=0)] = 180.0
            shape = [1, 1, 1]
            shape[axis] = _BINS
            grid[..., 4 + 2 * axis], grid[..., 5 + 2 * axis] = edges[:-1].reshape(shape), edges[1:].reshape(shape)
        grid[(*places, 10)] = inside[:, 10]
    dec_by, enu_by = np.divmod(served_by.T, len(enu))
    filled[..., 4:] = filled[enu_by, dec_by][..., 4:]
    return filled.reshape(-1, 11)
