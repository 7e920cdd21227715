"""Skies of background: what is permuted or drawn anew, and the times of events that change places."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nusky.likelihood import cells
from nusky.likelihood.cells import SourceCells
from nusky.likelihood.time import Permutation
from nusky.search.analysis import Analysis
from nusky.search.time_profile import EARTH_TURN, GoodRuns, TimeProfile, joined, turned

TIMES, RIGHT_ASCENSION = "times", "right-ascension"
"""What is scrambled in skies of sources that change with time."""
_PARTS_OF_A_TURN = 4096
"""Times that are permuted are found by the part of a turn that their phase lies in."""


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
        turn = np.where(in_cones(analysis), 0.0, EARTH_TURN)
        times = np.split(self.times, self.first[1:-1])
        phase = [own * rate % (2 * np.pi) for own, rate in zip(times, turn, strict=True)]
        order = [np.argsort(own, kind="stable") for own in phase]
        times, phase = ([own[by] for own, by in zip(each, order, strict=True)] for each in (times, phase))
        widths = np.unique(cells.ROW_N_RA)
        most = np.array([[_most_within(own, 2 * np.pi / n_ra) for n_ra in widths] for own in phase])
        edges = np.linspace(0, 2 * np.pi, _PARTS_OF_A_TURN + 1)
        buckets = np.array([np.searchsorted(own, edges) for own in phase])
        shining = _shining(known, support)
        return Permutation(
            _groups_of_seasons(groups, analysis.indexed.records["season"], times, shining),
            self.ra,
            self.mjd,
            np.concatenate(times),
            np.concatenate(phase),
            self.first,
            buckets,
            most,
            widths,
            analysis.n_events.astype(np.int64),
            turn,
            shining,
            cells.ROW_N_RA,
        )


def _shining(known: SourceCells, support: np.ndarray) -> np.ndarray:
    """First and last time [MJD] at which a source of each row of the sky's index shines, (N_ROWS, 2) float64."""
    found = np.zeros((cells.N_ROWS, 2))
    rows = np.flatnonzero(np.diff(known.row_start))
    begin, own = np.unique(known.entries[:, 0], return_inverse=True)
    for edge, extreme in enumerate((np.minimum, np.maximum)):
        of_list = extreme.reduceat(support[known.source, edge], begin)
        found[rows, edge] = extreme.reduceat(of_list[own], known.row_start[rows])
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


def _most_within(phase: np.ndarray, width: float) -> int:
    """Largest number of sorted phases [rad] within a width [rad], a little more for rounding."""
    around = np.concatenate((phase, phase + 2 * np.pi))
    count = np.searchsorted(around, phase + min(width, 2 * np.pi) + 1e-8) - np.arange(len(phase))
    return int(min(count.max(initial=0), len(phase)))


def in_cones(analysis: Analysis) -> tuple[bool, ...]:
    """For each season whether directions stay when times change, as in a cone."""
    if analysis.cones is None:
        return (False,) * len(analysis.seasons)
    return tuple(bool(known) for known in ~np.isnan(analysis.cones[:, 0]))


def _permuted(rng: np.random.Generator, ra: np.ndarray, mjd: np.ndarray, fixed: bool) -> tuple[np.ndarray, np.ndarray]:
    new = rng.permutation(mjd)
    return (ra if fixed else turned(ra, mjd, new)), new
