"""Best fits at many positions of one sky: a hypothesis of one point source for each of them.

The events of the sky are sorted into cells once; a position then looks only at the cells in its reach. Positions do not
depend on each other, so neither order nor threads change a result.
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.cells import (
    FIRST_ROW,
    N_DEC,
    N_ROWS,
    ROW_CELL,
    ROW_HIGH,
    ROW_LOW,
    ROW_N_RA,
    column_range,
    widest_window,
)
from nusky.likelihood.compile import kernel
from nusky.likelihood.fit import peak, profile
from nusky.likelihood.ratios import FIRST_BOUND, POWERS, SUMS, Signal, add_events, grown, series_limits
from nusky.likelihood.terms import EXTENSION_REACH, direction, pair_weights

_BLOCK = 256


class CellEvents(NamedTuple):
    """The events of a sky, ordered by cell.

    Attributes
    ----------
    start : (N_CELLS + 1,) int64
        Where each cell begins among the events.
    reach : (n_classes,) float64
        Largest `reach` of the events of the class; negative without events.
    records : (n_events,) EVENT
    x, y : (n_events,) float64
        Unit vectors; z is the records' `sin_dec`.
    n_events : (n_seasons,) float64
        N_k.
    """

    start: np.ndarray
    reach: np.ndarray
    records: np.ndarray
    x: np.ndarray
    y: np.ndarray
    n_events: np.ndarray


class ResponseTables(NamedTuple):
    """The detector's response at several declinations.

    Attributes
    ----------
    widths : n_widths numbers
    density : (n_responses, n_tables, n_bins, n_widths, n_spectra) float32
        As in `nusky.likelihood.ratios.Signal`.
    shares : (n_tables, n_spectra, n_seasons) float64
        f_k.
    far : (n_tables, n_seasons, n_spectra) float64
        Sum of the ratios of far pairs.
    parameter : (n_tables, n_spectra) float64
        The spectra's.
    """

    widths: tuple[float, ...]
    density: np.ndarray
    shares: np.ndarray
    far: np.ndarray
    parameter: np.ndarray


@kernel(inner=True)
def _runs(ra, dec, extension, sky, runs):
    """Runs of neighbouring cells in reach of a position, as first and last event, into `runs`; returns their number."""
    found = 0
    for c in range(len(N_DEC)):
        if sky.reach[c] < 0.0:
            continue
        chord = np.sqrt(min(sky.reach[c] + EXTENSION_REACH * extension, 4.0))
        radius = min(2 * np.arcsin(chord / 2) * (1 + 1e-9) + 1e-9, np.pi)
        bottom = int((np.sin(max(dec - radius, -np.pi / 2)) + 1) / 2 * N_DEC[c] - 1e-9)
        top = min(int((np.sin(min(dec + radius, np.pi / 2)) + 1) / 2 * N_DEC[c] + 1e-9), N_DEC[c] - 1)
        for row in range(FIRST_ROW[c] + bottom, FIRST_ROW[c] + top + 1):
            half_width = widest_window(ROW_LOW[row], ROW_HIGH[row], radius, dec)
            if half_width < 0.0:
                continue
            n_ra = ROW_N_RA[row]
            first, last = column_range(ra, half_width, n_ra)
            for turn in range(-1 if first < 0 else 0, 2 if last >= n_ra else 1):  # it may reach across RA = 0
                a, b = max(first, turn * n_ra), min(last, (turn + 1) * n_ra - 1)
                runs[found, 0] = sky.start[ROW_CELL[row] + a - turn * n_ra]
                runs[found, 1] = sky.start[ROW_CELL[row] + b - turn * n_ra + 1]
                found += 1 if runs[found, 0] < runs[found, 1] else 0
    return found


@kernel()
def fit_positions(ra, dec, width, table, sky, tables, response):
    """Best fit of n_s and the spectrum's parameter at every position.

    Parameters
    ----------
    ra, dec, width : (n_positions,) float64, rad
        The Gaussian width is that of the source.
    table : (n_positions,) int64
        The declination's row in `tables`.
    sky : CellEvents
    tables : ResponseTables
    response : (n_seasons,) int64
        Number of the response of each season.

    Returns
    -------
    (n_positions, 4) float64
        TS = 2 ln L(best)/L(0), n_s, the parameter (NaN where n_s = 0) and 1.0 if every fit converged. With several
        spectra the maximum of the profile is interpolated between them (`nusky.likelihood.fit.peak`).
    """
    n_seasons, n_spectra = tables.far.shape[1:]
    runs = np.empty((2 * N_ROWS, 2), np.int64)
    local, event, stop = np.empty(_BLOCK, sky.records.dtype), np.arange(_BLOCK), np.arange(1, _BLOCK + 1)
    chord, extension, room = np.empty(_BLOCK), np.empty(_BLOCK), np.empty((5, _BLOCK), np.float32)
    exponent, weight = np.empty(_BLOCK, np.int32), np.empty((len(tables.widths), _BLOCK), np.float32)
    source, own = np.zeros(_BLOCK, np.int64), np.zeros(1, np.int64)
    whole = np.ones((tables.density.shape[0], 1, n_spectra), np.float32)
    low = np.empty((n_seasons, SUMS, n_spectra))
    limits, rows, seasons = np.empty(n_seasons), np.empty((512, n_spectra)), np.empty(512, np.int64)
    result = np.empty((len(ra), 4))
    for m in range(len(ra)):
        t = table[m]
        own[0], shares = t, tables.shares[t]
        signal = Signal(tables.widths, tables.density, own, whole, tables.far[t])
        x, y = direction(np.cos(dec[m]), ra[m])
        z, square = np.sin(dec[m]), width[m] ** 2
        n_runs = _runs(ra[m], dec[m], square, sky, runs)
        bound = FIRST_BOUND
        while True:
            series_limits(bound, shares, sky.n_events, limits)
            low.fill(0.0)
            for k in range(n_seasons):
                for g in range(n_spectra):
                    low[k, POWERS, g] = tables.far[t, k, g]
            n, found, run = np.int64(0), np.int64(0), 0  # literals would be compiled by themselves
            i = runs[0, 0] if n_runs > 0 else 0
            while run < n_runs or n > 0:
                while run < n_runs and n < _BLOCK:
                    c = 2.0 * (1.0 - (x * sky.x[i] + y * sky.y[i] + z * sky.records[i].sin_dec))
                    known = sky.records[i]
                    if c <= known.reach + EXTENSION_REACH * square:
                        local[n] = known
                        chord[n], extension[n] = max(c, 0.0), square
                        n += 1
                    i += 1
                    if i == runs[run, 1]:
                        run += 1
                        i = runs[run, 0]
                pair_weights(n, chord, extension, event, local, tables.widths, room, exponent, weight)
                rows, seasons = grown(found + n, rows, seasons)
                found = add_events(n, local, stop, weight, source, signal, limits, low, rows, seasons, found)
                n = np.int64(0)
            n_signal, value, converged = profile(rows[:found], seasons[:found], low, shares, sky.n_events)
            most = 0.0
            for g in range(n_spectra):
                most = max(most, n_signal[g])
            if most <= bound:
                break
            bound = max(4 * bound, 2 * most)
        best = peak(tables.parameter[t], n_signal, value)
        result[m, 0], result[m, 1], result[m, 2] = max(best[0], 0.0), best[1], best[2]
        result[m, 3] = 1.0 if converged else 0.0
    return result
