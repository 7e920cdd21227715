"""Angular separations of events and sources, and the pairs near enough to matter.

Of the n_events x n_sources pairs about 3 % carry signal. `near_pairs` finds them with the sources sorted by
declination and a chord test, and evaluates the haversine and the Gaussian only for those.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.compile import kernel
from nusky.likelihood.threads import in_parts
from nusky.units import takes_directions

_PER_THREAD = 8192
"""Events that a thread takes at a time."""
TAIL = 1e-16
"""Pairs whose signal density falls below TAIL times an isotropic sky (1/4 pi) are left out. As the weights of a
stack sum to 1, this changes the test statistic by at most about 2 n_s TAIL (1/4 pi)/min(B): below double precision."""


@dataclass(frozen=True)
class NearPairs:
    """Pairs of an event and a source, sorted by event.

    Attributes
    ----------
    event, source : (n_pairs,) int32
        Rows in the event and source lists.
    psi : (n_pairs,) float64, rad
        Angular separation.
    density : (n_pairs,) float64, sr^-1
        Spatial signal density S_ij.
    """

    event: np.ndarray
    source: np.ndarray
    psi: np.ndarray
    density: np.ndarray


@takes_directions(("ra", "dec"), ("source_ra", "source_dec"), ang_err="rad")
def near_pairs(
    ra: np.ndarray,
    dec: np.ndarray,
    ang_err: np.ndarray,
    source_ra: np.ndarray,
    source_dec: np.ndarray,
    *,
    tail: float = TAIL,
) -> NearPairs:
    """All pairs whose planar Gaussian density exceeds `tail` / 4 pi.

    Parameters
    ----------
    ra, dec, ang_err : (n_events,) float64, rad
        Directions and angular errors (Gaussian widths) of the events.
    source_ra, source_dec : (n_sources,) float64, rad
    tail : float
        0 keeps every pair.

    Notes
    -----
    S_ij = exp(-psi^2 / 2 sigma_i^2) / (2 pi sigma_i^2), arXiv:2205.15963 eq 1; psi by the haversine formula.
    """
    _, blocks = near_pair_blocks(ra, dec, ang_err, source_ra, source_dec, tail=tail, rows=None)
    return next(blocks)


def near_pair_blocks(
    ra: np.ndarray,
    dec: np.ndarray,
    ang_err: np.ndarray,
    source_ra: np.ndarray,
    source_dec: np.ndarray,
    *,
    tail: float = TAIL,
    rows: int | None,
) -> tuple[int, Iterator[NearPairs]]:
    """The number of `near_pairs`, and the pairs in blocks of whole events; arguments (n_events,), (n_sources,) in rad.

    A block has up to `rows` pairs, more only where a single event has; None gives all in one. There is at least one
    block.
    """
    ra, dec, ang_err = checked_events(ra, dec, ang_err)
    source_ra, source_dec = np.asarray(source_ra, dtype=float), np.asarray(source_dec, dtype=float)
    order = np.argsort(source_dec, kind="stable").astype(np.int32)
    radius = cut_radius(ang_err, tail)
    positions = unit_vectors(ra, dec)
    sources = unit_vectors(source_ra, source_dec)[order]
    sorted_ra, sorted_dec = source_ra[order], source_dec[order]
    counts, of_events = np.zeros(len(dec), np.int64), (positions, dec, radius)
    in_parts(len(dec), _PER_THREAD, lambda *part: _count_pairs(*part, counts, of_events, sources, sorted_dec))
    start = np.concatenate(([0], np.cumsum(counts)))

    def blocks() -> Iterator[NearPairs]:
        first = 0
        while True:
            reached = len(ra) if rows is None else int(np.searchsorted(start, start[first] + rows, side="right")) - 1
            stop = min(len(ra), max(first + 1, reached))
            own = slice(first, stop)
            of_events = positions[own], ra[own], dec[own], ang_err[own], radius[own]
            of_sources = sources, sorted_ra, sorted_dec, order
            place = start[first : stop + 1] - start[first]
            pairs = _filled_pairs(of_events, of_sources, place)
            np.add(pairs.event, np.int32(first), out=pairs.event)
            yield pairs
            first = stop
            if first >= len(ra):
                return

    return int(start[-1]), blocks()


def _filled_pairs(
    of_events: tuple[np.ndarray, ...], of_sources: tuple[np.ndarray, ...], place: np.ndarray
) -> NearPairs:
    n_pairs = int(place[-1])
    made = NearPairs(*(np.empty(n_pairs, kind) for kind in (np.int32, np.int32, float, float)))
    columns = made.event, made.source, made.psi, made.density
    in_parts(len(place) - 1, _PER_THREAD, lambda *part: _fill_pairs(*part, columns, of_events, of_sources, place))
    return made


def stack_signal(
    event: np.ndarray, source: np.ndarray, density: np.ndarray, weights: np.ndarray, n_events: int
) -> np.ndarray:
    """Stacked signal densities S_i = sum_j omega_j S_ij for many sets of weights in one pass.

    Parameters
    ----------
    event, source, density
        As in `NearPairs`, sorted by event.
    weights : (n_hypotheses, n_sources) float64

    Returns
    -------
    (n_hypotheses, n_events) float64, sr^-1
        arXiv:2205.15963 eq 2.
    """
    start = np.searchsorted(event, np.arange(n_events + 1))
    stacked = np.zeros((len(weights), n_events))
    by_source = np.ascontiguousarray(weights.T)
    in_parts(n_events, _PER_THREAD, lambda *part: _stack(*part, stacked, start, source, density, by_source))
    return stacked


def cut_radius(ang_err: np.ndarray, tail: float) -> np.ndarray:
    """Radius [rad] beyond which exp(-psi^2/2 sigma^2)/(2 pi sigma^2) < tail / 4 pi; pi at most."""
    if tail <= 0:
        return np.full_like(ang_err, np.pi)
    variance = ang_err**2
    return np.minimum(np.pi, np.sqrt(2 * variance * np.log(np.maximum(1.0, 2 / (variance * tail)))))


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Cartesian unit vectors, (n, 3), of directions in rad."""
    return np.column_stack((np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)))


@kernel()
def haversine(ra1, dec1, ra2, dec2):
    """Angular separation [rad] of two directions [rad]; accurate for small angles."""
    h = np.sin((dec1 - dec2) / 2) ** 2 + np.cos(dec1) * np.cos(dec2) * np.sin((ra1 - ra2) / 2) ** 2
    return 2 * np.arcsin(min(1.0, np.sqrt(h)))


@kernel(inner=True)
def planar_gaussian(psi, sigma):
    """exp(-psi^2 / 2 sigma^2) / (2 pi sigma^2), sr^-1."""
    return np.exp(-0.5 * (psi / sigma) ** 2) / (2 * np.pi * sigma**2)


@kernel(inner=True)
def _near_range(dec, radius, sorted_dec):
    """Range of sources in reach by declination, and the largest squared chord; the margin only adds pairs."""
    low, high = _first_from(sorted_dec, dec - radius - 1e-12), _first_from(sorted_dec, dec + radius + 1e-12)
    return low, high, reach(radius)


@kernel(inner=True)
def _first_from(ascending, value):
    """Number of the first of ascending numbers that is not below `value`."""
    low, high = 0, len(ascending)
    while low < high:
        middle = (low + high) // 2
        if ascending[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel()
def reach(radius):
    """Squared chord that belongs to an angular radius [rad], with a margin that only adds pairs."""
    return 4 * np.sin(radius / 2) ** 2 * (1 + 1e-12) + 1e-24


@kernel(inner=True)
def squared_chord(a, b):
    """Squared distance of two unit vectors."""
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


@kernel()
def _count_pairs(first, stop, counts, of_events, sources, sorted_dec):
    positions, dec, radius = of_events
    for i in range(first, stop):
        low, high, limit = _near_range(dec[i], radius[i], sorted_dec)
        for j in range(low, high):
            if squared_chord(positions[i], sources[j]) <= limit:
                counts[i] += 1


@kernel()
def _fill_pairs(first, stop, pairs, of_events, of_sources, start):
    event, source, psi, density = pairs
    positions, ra, dec, ang_err, radius = of_events
    sources, source_ra, sorted_dec, order = of_sources
    for i in range(first, stop):
        low, high, limit = _near_range(dec[i], radius[i], sorted_dec)
        pair = start[i]
        for j in range(low, high):
            if squared_chord(positions[i], sources[j]) <= limit:
                event[pair], source[pair] = i, order[j]
                psi[pair] = haversine(ra[i], dec[i], source_ra[j], sorted_dec[j])
                density[pair] = planar_gaussian(psi[pair], ang_err[i])
                pair += 1


@kernel()
def _stack(first, stop, stacked, start, source, density, weights):
    for i in range(first, stop):
        for pair in range(start[i], start[i + 1]):
            for h in range(len(stacked)):
                stacked[h, i] += density[pair] * weights[source[pair], h]


def checked_events(ra, dec, ang_err):
    """Events as contiguous float64 arrays [rad]; a value that is no direction or no angular error is refused."""
    ra, dec, ang_err = (np.ascontiguousarray(values, dtype=float) for values in (ra, dec, ang_err))
    if not len(ra) == len(dec) == len(ang_err):
        raise PhysicsError(f"ra, dec and ang_err differ in length: {len(ra)}, {len(dec)}, {len(ang_err)}.")
    for name, bad in (
        ("ra", ~np.isfinite(ra)),
        ("dec", ~(np.abs(dec) <= np.pi / 2 + 1e-12)),
        ("ang_err", ~((ang_err > 0) & (ang_err <= np.pi))),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            value = {"ra": ra, "dec": dec, "ang_err": ang_err}[name][row]
            raise PhysicsError(
                f"{name} of event {row} is {value}: give finite radians, dec within +-pi/2, ang_err above 0 "
                "and up to pi."
            )
    return ra, dec, ang_err
