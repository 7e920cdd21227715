"""Skies of background: what is permuted or drawn anew, and the times of events that change places."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.likelihood import cells
from nusky.likelihood.cells import SourceCells
from nusky.likelihood.permutation import Permutation, bits, coarsened, ticks
from nusky.search.analysis import Analysis
from nusky.search.time_profile import EARTH_TURN, GoodRuns, TimeProfile, joined, turned

TIMES, RIGHT_ASCENSION = "times", "right-ascension"
"""What is scrambled in skies of sources that change with time."""


def common_sky(
    analysis: Analysis, rng: np.random.Generator, scramble: str = TIMES
) -> tuple[np.ndarray, np.ndarray | None]:
    """Right ascensions [rad] and times of all events of a scrambled sky, (n_events,) each, for hypotheses in common.

    Where the times of the events are known those of every season are permuted, and right ascensions follow the Earth,
    or stay in a cone. Else right ascensions are redrawn uniformly, and there are no times. With `scramble` set to right
    ascensions these are redrawn where times are known, too, and the times stay.
    """
    if analysis.runs is None or scramble == RIGHT_ASCENSION:
        ra = np.concatenate([2 * np.pi * rng.random(len(season)) for season in analysis.seasons])
        return ra, None if analysis.runs is None else np.concatenate([season.mjd for season in analysis.seasons])
    skies = [
        _permuted(rng, season.ra, season.mjd, fixed)
        for season, fixed in zip(analysis.seasons, in_cones(analysis), strict=True)
    ]
    return tuple(np.concatenate(parts) for parts in zip(*skies, strict=True))


@dataclass(frozen=True)
class TimedEvents:
    """The times of the events, for sources that change with time.

    Attributes
    ----------
    ra, mjd : (n_events,) float64, rad and d
        In the order of the sky's index.
    windows : GoodRuns
        When any source may shine.
    inside : (n_inside,) int64
        Numbers, in that order, of the events at such times, season after season.
    first : (n_seasons + 1,) int64
        Where each season begins in them.
    """

    ra: np.ndarray
    mjd: np.ndarray
    windows: GoodRuns
    inside: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, analysis: Analysis, profiles: Sequence[TimeProfile]) -> "TimedEvents":
        """Of the events of an analysis and the `profiles` of the sources."""
        order, season = analysis.indexed.order, analysis.indexed.records["season"]
        ra, mjd = (np.concatenate([getattr(s, name) for s in analysis.seasons])[order] for name in ("ra", "mjd"))
        windows = joined([profile.windows for profile in profiles])
        inside = np.flatnonzero(windows.contain(mjd))
        inside = inside[np.argsort(season[inside], kind="stable")]
        return cls(ra, mjd, windows, inside, np.searchsorted(season[inside], np.arange(len(analysis.seasons) + 1)))

    @cached_property
    def times(self) -> np.ndarray:
        """The times of the events that are inside, (n_inside,) float64, MJD."""
        return self.mjd[self.inside]

    def permutation(
        self, analysis: Analysis, known: SourceCells, groups: np.ndarray, support: np.ndarray
    ) -> Permutation:
        """What permuting times needs to know.

        Parameters
        ----------
        known : SourceCells
        groups : (n_groups, 3) int64
            Of the events that may fall into one of them, as `nusky.likelihood.cells.draw` takes them.
        support : (n_sources, 2) float64
            First and last time [MJD] at which each source shines.
        """
        season = analysis.indexed.records["season"]
        turn = np.where(in_cones(analysis), 0.0, EARTH_TURN)
        times = np.split(self.times, self.first[1:-1])
        moved = [ticks(rate * own) for rate, own in zip(turn, times, strict=True)]
        order = [np.argsort(own, kind="stable") for own in moved]
        times, moved = ([own[by] for own, by in zip(each, order, strict=True)] for each in (times, moved))
        shift, coarse = zip(*map(coarsened, moved, analysis.n_events.astype(int)), strict=True)
        row_place, place = known.by_column()
        hull = _hull(known, support)
        return Permutation(
            _groups_of_seasons(groups, season, times, _of_rows(known, hull)),
            ticks(self.ra - turn[season] * self.mjd),
            np.concatenate(times),
            np.concatenate(moved),
            self.first,
            np.concatenate(coarse),
            np.concatenate(([0], np.cumsum([len(own) for own in coarse]))),
            np.array(shift),
            analysis.n_events.astype(np.int64),
            cells.ROW_N_RA,
            row_place,
            place,
            bits(place >= 0),
            hull,
        )


def _hull(known: SourceCells, support: np.ndarray) -> np.ndarray:
    """First and last time [MJD] at which a source in the list of each cell shines, (n_cells, 2) float64."""
    begin, own = np.unique(known.entries[:, 0], return_inverse=True)
    edges = zip((np.minimum, np.maximum), support.T, strict=True)
    return np.column_stack([extreme.reduceat(times[known.source], begin)[own] for extreme, times in edges])


def _of_rows(known: SourceCells, hull: np.ndarray) -> np.ndarray:
    """The same for all cells of each row of the sky's index, (N_ROWS, 2); 0 where it has none."""
    found, rows = np.zeros((cells.N_ROWS, 2)), np.flatnonzero(np.diff(known.row_start))
    for edge, extreme in enumerate((np.minimum, np.maximum)):
        found[rows, edge] = extreme.reduceat(hull[:, edge], known.row_start[rows])
    return found


def _groups_of_seasons(
    groups: np.ndarray, season: np.ndarray, times: Sequence[np.ndarray], shining: np.ndarray
) -> np.ndarray:
    """Groups of events of one season that may fall into a cell with sources while one shines at any of the `times`
    [MJD] of the season, (n_groups, 4); `season` (n_events,) is that of each event."""
    first = np.union1d(groups[:, 0], np.flatnonzero(np.diff(season)) + 1)
    of = np.searchsorted(groups[:, 0], first, side="right") - 1
    belongs = (of >= 0) & (first < groups[of, 1])
    first, of = first[belongs], of[belongs]
    stop = np.minimum(np.append(first[1:], len(season)), groups[of, 1])
    found = np.column_stack((first, stop, groups[of, 2], season[first]))
    reach = np.array([(own.min(), own.max()) if len(own) else (np.inf, -np.inf) for own in times])[found[:, 3]]
    of_row = shining[found[:, 2]]
    found = found[(of_row[:, 0] <= reach[:, 1]) & (of_row[:, 1] >= reach[:, 0])]
    return np.ascontiguousarray(found[np.argsort(found[:, 3], kind="stable")])


def in_cones(analysis: Analysis) -> tuple[bool, ...]:
    """For each season whether directions stay when times change, as in a cone."""
    if analysis.cones is None:
        return (False,) * len(analysis.seasons)
    return tuple(bool(known) for known in ~np.isnan(analysis.cones[:, 0]))


def _permuted(rng: np.random.Generator, ra: np.ndarray, mjd: np.ndarray, fixed: bool) -> tuple[np.ndarray, np.ndarray]:
    new = rng.permutation(mjd)
    return (ra if fixed else turned(ra, mjd, new)), new
