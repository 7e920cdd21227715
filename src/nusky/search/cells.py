"""A grid of cells on the sky: which sources an event may be near, wherever its right ascension falls."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nusky.likelihood.near import window_half_width
from nusky.search.hypothesis import near_radius
from nusky.search.sample import Sample

CELLS = (360, 180)
"""Columns in right ascension and rows in sin(dec)."""
_REACH_CLASSES = np.radians([0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0, np.inf])


@dataclass(frozen=True)
class Cells:
    """Which sources an event may be near, by the cell of the sky it falls into and by the size of its angular error."""

    start: np.ndarray
    source: np.ndarray
    key_start: np.ndarray
    key_column: np.ndarray

    @classmethod
    def of_sources(cls, ra: np.ndarray, dec: np.ndarray, extension: np.ndarray) -> "Cells":
        """For sources at ra, dec with Gaussian width `extension`, each (n_sources,) rad."""
        n_ra, n_dec = CELLS
        dec_edges = np.arcsin(np.linspace(-1, 1, n_dec + 1))
        starts, entries, offset = [], [], 0
        for ang_err in np.minimum(_REACH_CLASSES, np.pi):
            radius = near_radius(ang_err**2 + extension**2)
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
            starts.append(offset + np.concatenate(([0], np.cumsum(np.bincount(cell, minlength=n_ra * n_dec)))))
            entries.append(source[np.argsort(cell, kind="stable")])
            offset += len(cell)
        start = np.stack(starts)
        occupied = np.diff(start, axis=1).reshape(-1, n_ra) > 0  # (class and row, column)
        key_start = np.concatenate(([0], np.cumsum(occupied.sum(axis=1))))
        return cls(start.ravel(), np.concatenate(entries), key_start, np.nonzero(occupied)[1].astype(np.int32))


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

    Inside a season they are ordered by class and row, so that neighbours look up neighbouring cells; `order` tells
    where each of them stands in the samples.
    """

    start: np.ndarray
    order: np.ndarray
    columns: np.ndarray
    group_start: np.ndarray
    group_key: np.ndarray
    group_season: np.ndarray

    @classmethod
    def of_samples(cls, samples: Sequence[Sample]) -> "FlatEvents":
        """The events of one sample per season, in the order of the class's text."""
        names = ("dec", "width", "tail_ratio", "tail_share", "inverse_background", "energy_bin")
        dec, width, tail_ratio, tail_share, background, energy_bin = (
            np.concatenate([getattr(sample, name) for sample in samples]) for name in names
        )
        widest = width * np.sqrt(np.maximum(tail_ratio, 1.0))
        row = np.clip((np.sin(dec) + 1) / 2 * CELLS[1], 0, CELLS[1] - 1).astype(np.int64)
        reach_class = np.searchsorted(_REACH_CLASSES, widest, side="left").astype(np.int64)
        season = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
        order = np.lexsort((row, reach_class, season))
        start = np.concatenate(([0], np.cumsum([len(sample) for sample in samples]))).astype(np.int64)
        key = (reach_class * CELLS[1] + row)[order]
        first = np.flatnonzero(np.diff(key, prepend=-1) | np.diff(season[order], prepend=-1))
        columns = (
            reach_class * (CELLS[0] * CELLS[1] + 1) + row * CELLS[0],
            np.sin(dec),
            np.cos(dec),
            width**2,
            tail_ratio,
            tail_share,
            (near_radius(widest**2) / width) ** 2,
            background,
            energy_bin,
        )
        return cls(
            start=start,
            order=order,
            columns=np.column_stack([column[order] for column in columns]),
            group_start=np.append(first, len(key)),
            group_key=key[first],
            group_season=np.searchsorted(first, start),
        )
