"""The index of the sky: cells in declination and right ascension for every class of events with a similar reach.

Cells either hold sources, those that an event of the class inside the cell may be near (`SourceCells`), or the events
of one sky (`nusky.likelihood.positions`). A scrambled sky draws random numbers only for the events that fall into a
cell with sources (`draw`): the same distribution as drawing all of them, at the cost of the near ones.

Where sources are very many, neighbouring cells share one list of them. It names more than each cell needs, and which
pairs are near is decided pair by pair, so that no result depends on it.
"""

from typing import NamedTuple

import numpy as np

from nusky.likelihood.compile import kernel
from nusky.likelihood.terms import EXTENSION_REACH

CLASS_EDGES = 2 * np.sin(np.radians([*np.geomspace(0.6, 15.0, 19), 45.0, 180.0]) / 2)
"""Longest chord of each class up to which its events are near a point source."""
N_DEC = np.repeat([360, 180, 90, 1], [9, 10, 1, 1])
N_RA = np.where(N_DEC > 1, 2 * N_DEC, 1)
"""Rows in sin(dec) and columns in right ascension of the grid of each class."""
FIRST_ROW = np.cumsum(N_DEC) - N_DEC
"""Rows of all classes are numbered together: the first of each class."""
FIRST_CELL = np.cumsum(N_RA * N_DEC) - N_RA * N_DEC
"""Cells too."""
N_CELLS = int((N_RA * N_DEC).sum())
N_ROWS = int(N_DEC.sum())
ROW_N_RA = np.repeat(N_RA, N_DEC)
_NUMBER = np.arange(N_ROWS) - np.repeat(FIRST_ROW, N_DEC)
ROW_LOW = np.arcsin(2 * _NUMBER / np.repeat(N_DEC, N_DEC) - 1)
ROW_HIGH = np.arcsin(np.minimum(2 * (_NUMBER + 1) / np.repeat(N_DEC, N_DEC) - 1, 1.0))
"""Edges of the rows in declination, rad."""
ROW_CELL = np.repeat(FIRST_CELL, N_DEC) + _NUMBER * ROW_N_RA
"""First cell of every row."""
FEW_SOURCES = 2500
"""So many sources have a list for each cell, which takes 26 kB for each of them."""
_SHARED = np.array([1, 1, 1, 1, 1, 2, 2, 2, 3, 2, 2, 2, 3, 3, 4, 5, 6, 6, 9, 10, 1])
"""Rows and columns of cells that have a list in common where sources are more, by class: about as wide as its reach."""
_N_BANDS = 30
"""Bands in sin(dec), each of whole rows: events of a band need the densities of the same few sources."""
_MARGIN = 1e-9
_TURN = 2 * np.pi


def place(sin_dec: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class and row inside it of events, each (n_events,) int64; `reach` is the squared chord of `EVENT`."""
    reach_class = np.searchsorted(CLASS_EDGES[:-1], np.sqrt(reach), side="left")
    n_dec = N_DEC[reach_class]
    return reach_class, np.clip((sin_dec + 1) / 2 * n_dec, 0, n_dec - 1).astype(np.int64)


def in_order(reach_class: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Order of events by band, class and row: neighbours look up neighbouring cells and sources; (n_events,) int64."""
    return np.lexsort((FIRST_ROW[reach_class] + row, row * _N_BANDS // N_DEC[reach_class]))


def class_reach(extension: np.ndarray) -> np.ndarray:
    """Largest separation [rad] at which an event of each class is near a source of Gaussian width `extension` [rad];
    (n_classes, n_sources)."""
    chord = np.sqrt(np.minimum(CLASS_EDGES[:, None] ** 2 + EXTENSION_REACH * extension**2, 4.0))
    return np.minimum(2 * np.arcsin(chord / 2) * (1 + 1e-6), np.pi)  # above rounding of reaches


@kernel()
def widest_window(low, high, radius, dec):
    """Largest RA difference [rad] at which a declination in [low, high] is within `radius` of declination `dec`;
    negative if none is."""
    if dec < low - radius or dec > high + radius:
        return -1.0
    if dec + radius >= np.pi / 2 - _MARGIN or dec - radius <= -np.pi / 2 + _MARGIN:
        return np.pi
    # The circle's widest point lies where its meridian is tangent.
    widest = np.arcsin(min(1.0, max(-1.0, np.sin(dec) / np.cos(radius))))
    at = min(max(widest, low), high)
    square = np.sin(radius / 2) ** 2 - np.sin((at - dec) / 2) ** 2
    if square <= 0.0:
        return _MARGIN
    return 2 * np.arcsin(min(1.0, np.sqrt(square / (np.cos(at) * np.cos(dec))))) + _MARGIN


@kernel()
def column_range(ra, half_width, n_ra):
    """First and last column within `half_width` of a right ascension; they may lie a turn below 0 or above n_ra."""
    first = int(np.floor((ra - half_width) / _TURN * n_ra))
    last = int(np.floor((ra + half_width) / _TURN * n_ra))
    if last - first + 1 >= n_ra:
        return 0, n_ra - 1
    return first, last


class SourceCells(NamedTuple):
    """Which sources an event may be near, by the cell that it falls into; only cells with sources are kept.

    Attributes
    ----------
    number : (n_cells,) int64
        Numbers of the cells, ascending.
    entries : (n_cells, 2) int32; source : (n_entries,) int32
        The sources of cell i are among `source[entries[i, 0] : entries[i, 1]]`, ascending.
    row_start : (N_ROWS + 1,) int64; column : (n_cells,) int32
        Where the cells of each row begin, and the column of each cell.
    """

    number: np.ndarray
    entries: np.ndarray
    source: np.ndarray
    row_start: np.ndarray
    column: np.ndarray

    @classmethod
    def of_sources(cls, ra: np.ndarray, dec: np.ndarray, extension: np.ndarray) -> "SourceCells":
        """For sources at ra, dec with Gaussian width `extension` [rad], (n_sources,) each."""
        sources = ra, dec, class_reach(extension)
        nothing, alone = np.empty(0, np.int32), np.ones_like(_SHARED)
        count = np.zeros(N_CELLS, np.int32)
        _visit_cells(*sources, alone, FIRST_CELL, count, nothing)
        own = number = np.flatnonzero(count)
        row_start = np.searchsorted(number, np.append(ROW_CELL, N_CELLS))
        row = np.repeat(np.arange(N_ROWS), np.diff(row_start))
        column = number - ROW_CELL[row]
        shared, first = alone, FIRST_CELL
        if len(ra) > FEW_SOURCES:
            shared, lists = _SHARED, N_RA * N_DEC // _SHARED**2
            first = np.cumsum(lists) - lists
            count = np.zeros(lists.sum(), np.int32)
            _visit_cells(*sources, shared, first, count, nothing)
            of_row = np.repeat(shared, N_DEC)[row]
            own = np.repeat(first, N_DEC)[row] + _NUMBER[row] // of_row * (ROW_N_RA[row] // of_row) + column // of_row
        end = np.cumsum(count, dtype=np.int32)
        entries = np.column_stack((end[own] - count[own], end[own]))
        source = np.empty(end[-1], np.int32)
        _visit_cells(*sources, shared, first, end - count, source)
        return cls(number, entries, source, row_start, column.astype(np.int32))

    def look_up(self, row_cell: np.ndarray, n_ra: np.ndarray, ra: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Events in cells with sources, and the places of their cells: (n_near,) int64 each.

        `row_cell` is the first cell of the row of an event, `n_ra` its number of columns, `ra` [rad] in [0, 2 pi);
        (n_events,) each.
        """
        cell = row_cell + np.minimum((ra * n_ra / _TURN).astype(np.int64), n_ra - 1)
        at = np.minimum(np.searchsorted(self.number, cell), max(len(self.number) - 1, 0))
        near = np.flatnonzero(self.number[at] == cell) if len(self.number) else np.empty(0, np.int64)
        return near, at[near]

    def by_column(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the columns of each row with cells begin, (N_ROWS,) int64, in the places of the cells of all these
        columns, int32, -1 where a column has none."""
        columns = np.where(np.diff(self.row_start) > 0, ROW_N_RA, 0)
        first = np.cumsum(columns) - columns
        place = np.full(columns.sum(), -1, np.int32)
        place[np.repeat(first, np.diff(self.row_start)) + self.column] = np.arange(len(self.number))
        return first, place


@kernel()
def _visit_cells(ra, dec, radius, shared, first, count, source):
    """Add 1 to the `count` of each list in reach of each source and, where `source` has room, note the source there.

    `shared` rows and columns of cells of each class have a list in common, and `first` (n_classes,) is its first one.
    """
    for c in range(len(FIRST_ROW)):
        m = shared[c]
        n_lists = N_RA[c] // m
        for row in range(0, N_DEC[c], m):
            low, high = ROW_LOW[FIRST_ROW[c] + row], ROW_HIGH[FIRST_ROW[c] + row + m - 1]
            of_row = first[c] + row // m * n_lists
            for j in range(len(ra)):
                half_width = widest_window(low, high, radius[c, j], dec[j])
                if half_width < 0.0:
                    continue
                begin, end = column_range(ra[j], half_width, N_RA[c])
                begin, end = begin // m, end // m
                if end - begin + 1 >= n_lists:
                    begin, end = 0, n_lists - 1
                for column in range(begin, end + 1):
                    own = of_row + column % n_lists
                    if len(source):
                        source[count[own]] = j
                    count[own] += 1


@kernel()
def draw(rng, groups, row_start, column):
    """Events that fall into a cell with sources when right ascensions are uniform, and where.

    Parameters
    ----------
    rng : numpy Generator
    groups : (n_groups, 3) int64
        Events of one class and row stand together: first, end, and number of the row over all classes, of those groups
        whose row has cells with sources.
    row_start, column
        As in `SourceCells`.

    Returns
    -------
    chosen : (n_near,) int64; cell : (n_near,) int64, place of the cell in `SourceCells`; ra : (n_near,) float64, rad
    """
    expected, n_events = 0.0, 0
    for group in range(len(groups)):
        row = groups[group, 2]
        n_events += groups[group, 1] - groups[group, 0]
        expected += (groups[group, 1] - groups[group, 0]) * (row_start[row + 1] - row_start[row]) / ROW_N_RA[row]
    # Ten standard deviations more than expected: far less memory than room for all.
    room = min(n_events, int(expected + 10 * np.sqrt(expected) + 100))
    chosen, cell, ra = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    found = 0
    for group in range(len(groups)):
        i, stop, row = groups[group, 0], groups[group, 1], groups[group, 2]
        first, n_ra = row_start[row], ROW_N_RA[row]
        n_columns, width = row_start[row + 1] - first, _TURN / n_ra
        few = n_columns < 0.4 * n_ra  # few are chosen: jump from one to the next
        steps = -1.0 / np.log1p(-n_columns / n_ra) if few else 0.0
        while True:
            if few:
                i += int(rng.standard_exponential() * steps)
            if i >= stop:
                break
            drawn = rng.random() * (n_columns if few else n_ra)
            own = int(drawn)
            if own < n_columns and found < room:
                chosen[found], cell[found] = i, first + own
                ra[found] = (column[first + own] + drawn - own) * width
                found += 1
            i += 1
    return chosen[:found], cell[:found], ra[:found]


@kernel()
def sort_by_cell(cell, n_cells):
    """Order of events by cell, and where each cell begins: (n_events,) and (n_cells + 1,) int64."""
    start = np.zeros(n_cells + 1, np.int64)
    for c in cell:
        start[c + 1] += 1
    for c in range(n_cells):
        start[c + 1] += start[c]
    place = start[:-1].copy()
    order = np.empty(len(cell), np.int64)
    for i in range(len(cell)):
        order[place[cell[i]]] = i
        place[cell[i]] += 1
    return order, start
