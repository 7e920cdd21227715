"""A grid of cells on the sky: which sources an event may be near, wherever its right ascension falls.

"Near" reaches less far than for a single source: `nusky.search.far_pairs` stands for the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nusky.likelihood.near import window_half_width
from nusky.likelihood.near_stack import EVENT
from nusky.search.far_pairs import TAIL
from nusky.search.hypothesis import near_radius
from nusky.search.sample import Sample

_REACH_CLASSES = np.radians([*np.geomspace(0.2, 5.0, 19), 10.0, np.inf])
"""Largest angular error of each class, rad."""
_N_DEC = np.repeat([360, 180, 90, 1], [9, 10, 1, 1])
_N_RA = np.where(_N_DEC > 1, 2 * _N_DEC, 1)
"""Rows in sin(dec) and columns in right ascension of the grid of each class."""
_N_BANDS = 30
"""Bands in sin(dec), each of whole rows: events of a band need the densities of the same few sources."""
_FIRST_KEY = np.cumsum(_N_DEC) - _N_DEC
"""Rows of all classes are numbered together: the first of each class."""
_FIRST_CELL = np.cumsum(_N_RA * _N_DEC + 1) - (_N_RA * _N_DEC + 1)
"""Where the cells of a class begin in `Cells.start`."""


@dataclass(frozen=True)
class Cells:
    """Which sources an event may be near, by the cell of the sky it falls into and by the size of its angular error.

    Those of cell i are `source[start[i]:start[i + 1]]`; the columns of row k with any are
    `key_column[key_start[k]:key_start[k + 1]]`, of `key_n_ra[k]`.
    """

    start: np.ndarray
    source: np.ndarray
    key_start: np.ndarray
    key_column: np.ndarray
    key_n_ra: np.ndarray

    @classmethod
    def of_sources(cls, ra: np.ndarray, dec: np.ndarray, extension: np.ndarray) -> "Cells":
        """For sources at ra, dec with Gaussian width `extension`, each (n_sources,) rad."""
        starts, entries, key_counts, key_columns, offset = [], [], [], [], 0
        for ang_err, n_ra, n_dec in zip(np.minimum(_REACH_CLASSES, np.pi), _N_RA, _N_DEC, strict=True):
            dec_edges = np.arcsin(np.linspace(-1, 1, n_dec + 1))
            radius = near_radius(ang_err**2 + extension**2, TAIL)
            cells, sources = [], []
            for j in range(len(ra)):
                rows, half_width = _rows_in_reach(dec_edges, radius[j], dec[j])
                first = np.floor((ra[j] - half_width) / (2 * np.pi) * n_ra - 1e-6).astype(int)
                last = np.floor((ra[j] + half_width) / (2 * np.pi) * n_ra + 1e-6).astype(int)
                count = np.minimum(last - first + 1, n_ra)
                column = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
                cells.append(np.repeat(rows, count) * n_ra + column % n_ra)
                sources.append(np.full(len(column), j, dtype=np.int32))
            cell, source = np.concatenate(cells), np.concatenate(sources)
            n_sources = np.bincount(cell, minlength=n_ra * n_dec)
            occupied = n_sources.reshape(n_dec, n_ra) > 0
            key_counts.append(occupied.sum(axis=1))
            key_columns.append(np.nonzero(occupied)[1])
            starts.append(offset + np.concatenate(([0], np.cumsum(n_sources))))
            entries.append(source[np.argsort(cell, kind="stable")])
            offset += len(cell)
        return cls(
            start=np.concatenate(starts).astype(np.int32),
            source=np.concatenate(entries),
            key_start=np.concatenate(([0], np.cumsum(np.concatenate(key_counts)))),
            key_column=np.concatenate(key_columns).astype(np.int32),
            key_n_ra=np.repeat(_N_RA, _N_DEC),
        )


def _rows_in_reach(dec_edges: np.ndarray, radius: float, source_dec: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of cells within `radius` [rad] of a declination, each with its widest window of right ascension [rad]."""
    if radius >= np.pi / 2:
        rows = np.arange(len(dec_edges) - 1)
        return rows, np.full(len(rows), np.pi)
    low, high = dec_edges[:-1] - 1e-9, dec_edges[1:] + 1e-9
    # The circle's widest point in RA lies where its meridian is tangent.
    widest = np.arcsin(np.clip(np.sin(source_dec) / np.cos(radius), -1, 1))
    samples = np.stack([low, high, np.clip(np.full_like(low, widest), low, high)])
    samples = np.clip(samples, -np.pi / 2, np.pi / 2)
    half_width = window_half_width(samples, np.full_like(samples, radius), source_dec).max(axis=0)
    rows = np.flatnonzero((high >= source_dec - radius) & (low <= source_dec + radius))
    return rows, half_width[rows]


@dataclass(frozen=True)
class FlatEvents:
    """The events of all seasons as `stack_ratios` takes them.

    They are ordered by class and row, so that neighbours look up neighbouring cells; `order` (n_events,) tells where
    each of them stands in the samples, `records` (n_events,) are of type `nusky.likelihood.near_stack.EVENT`; groups of
    one class and row begin at `group_start` (n_groups + 1,) and have the key `group_key` (n_groups,).
    """

    order: np.ndarray
    records: np.ndarray
    group_start: np.ndarray
    group_key: np.ndarray

    @classmethod
    def of_samples(cls, samples: Sequence[Sample]) -> "FlatEvents":
        """The events of one sample per season, whose responses are numbered as they appear."""
        names = ("dec", "width", "tail_ratio", "tail_share", "inverse_background", "energy_bin")
        dec, width, tail_ratio, tail_share, background, energy_bin = (
            np.concatenate([getattr(sample, name) for sample in samples]) for name in names
        )
        widest = width * np.sqrt(np.maximum(tail_ratio, 1.0))
        reach_class = np.searchsorted(_REACH_CLASSES, widest, side="left").astype(np.int64)
        n_ra, n_dec = _N_RA[reach_class], _N_DEC[reach_class]
        row = np.clip((np.sin(dec) + 1) / 2 * n_dec, 0, n_dec - 1).astype(np.int64)
        season = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
        responses = list(dict.fromkeys(sample.response for sample in samples))
        key = _FIRST_KEY[reach_class] + row
        order = np.lexsort((key, row * _N_BANDS // n_dec))
        first = np.flatnonzero(np.diff(key[order], prepend=-1))
        values = {
            "sin_dec": np.sin(dec),
            "cos_dec": np.cos(dec),
            "variance": width**2,
            "tail_ratio": tail_ratio,
            "tail_share": tail_share,
            "inverse_background": background,
            "reach": (near_radius(widest**2, TAIL) / widest) ** 2,
            "row": _FIRST_CELL[reach_class] + row * n_ra,
            "n_ra": n_ra,
            "energy_bin": energy_bin,
            "response": np.array([responses.index(sample.response) for sample in samples])[season],
            "season": season,
        }
        records = _aligned(len(dec))
        for name, value in values.items():
            records[name] = value[order]
        return cls(order, records, np.append(first, len(key)), key[order][first])


def _aligned(n: int) -> np.ndarray:
    """Zeroed records (n,) that begin where a cache line does."""
    room = np.zeros((n + 1) * EVENT.itemsize, np.uint8)
    begin = -room.ctypes.data % EVENT.itemsize
    return room[begin : begin + n * EVENT.itemsize].view(EVENT)
