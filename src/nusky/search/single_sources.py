"""Single-source searches: every source by itself against the events of its declination band."""

from dataclasses import dataclass

import numpy as np

from nusky.conventions import Conventions
from nusky.errors import PhysicsError
from nusky.likelihood.background import band_edges, band_solid_angle
from nusky.likelihood.compile import kernel
from nusky.likelihood.mixture import add_ratio, compress, empty_moments, evaluate
from nusky.likelihood.separation import (
    TAIL,
    checked_events,
    cut_radius,
    haversine,
    planar_gaussian,
    reach,
    squared_chord,
    unit_vectors,
)
from nusky.likelihood.threads import in_parts
from nusky.units import takes_directions


@dataclass(frozen=True)
class SingleSourceResult:
    """Best fit of every source by itself.

    Attributes
    ----------
    conventions : name of the conventions that made it
    n_band : (n_sources,) int64
        Events with |dec - dec_source| <= 5 deg.
    ns_best : (n_sources,) float64
        Number of signal events at the maximum.
    ts_max : (n_sources,) float64
        Published: 2 sum log10[...] (decimal logarithm), never below its value at n = 1. Standard: 2 ln L ratio, >= 0.
    """

    conventions: str
    n_band: np.ndarray
    ns_best: np.ndarray
    ts_max: np.ndarray


@takes_directions(("ra", "dec"), ("source_ra", "source_dec"), ang_err="rad")
def single_source_search(
    ra: np.ndarray,
    dec: np.ndarray,
    ang_err: np.ndarray,
    source_ra: np.ndarray,
    source_dec: np.ndarray,
    conventions: Conventions,
    *,
    n_total: int | None = None,
    n_band: np.ndarray | float | None = None,
    tail: float = TAIL,
) -> SingleSourceResult:
    """Test statistic and best number of signal events of every source by itself.

    Parameters
    ----------
    ra, dec, ang_err : (n_events,) float64, rad
        Events of all seasons together; like the sources quantities, too, or a SkyCoord as `ra` with None as `dec`.
    source_ra, source_dec : (n_sources,) float64, rad
    n_total : int
        N, the number of events of the whole sample, if more than are given here.
    n_band : (n_sources,) float or float
        Number of events in each source's declination band, if more than are given here (events of the band that are
        not given count as far from the source). Fractional numbers are accepted.

    Notes
    -----
    With x = n/N and B_j = 1/(2 pi [sin(dec_j + 5 deg) - sin(dec_j - 5 deg)]) the search maximises
    sum over the band of log[x S_ij/B_j + 1 - x], concave in n, so bisection finds the best n exactly. Published:
    N = all events, decimal logarithm, n = 1, 2, ... n_band. Standard: N = events of the band, natural logarithm,
    n >= 0. Method: arXiv:2205.15963 section 3, as applied to the LHAASO and H.E.S.S. sources.
    """
    ra, dec, ang_err = checked_events(ra, dec, ang_err)
    source_ra, source_dec = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (source_ra, source_dec))
    order = np.argsort(dec, kind="stable")
    ra, dec, ang_err = ra[order], dec[order], ang_err[order]
    low, high = (np.searchsorted(dec, edge) for edge in band_edges(source_dec))
    given = (high - low).astype(float)
    in_band = given if n_band is None else np.broadcast_to(np.asarray(n_band, dtype=float), given.shape)
    if (in_band < given).any():
        j = int(np.argmax(in_band < given))
        raise PhysicsError(
            f"n_band of source {j} is {in_band[j]}, but {given[j]:.0f} of the events given lie in its band."
        )
    total = len(ra) if n_total is None else n_total
    if total < in_band.max(initial=0):
        raise PhysicsError(f"n_total = {total} is below the {in_band.max():.0f} events of a declination band.")
    sample = np.full(given.shape, float(total)) if conventions.single_source_sample == "sky" else in_band
    background = 1 / band_solid_angle(source_dec, clipped=conventions.clipped_poles)
    of_events = unit_vectors(ra, dec), ra, dec, ang_err, reach(cut_radius(ang_err, tail))
    of_sources = unit_vectors(source_ra, source_dec), source_ra, source_dec, low, high, background, in_band, sample
    ns_best, log_ratio = np.zeros((2, len(source_ra)))
    integer = conventions.integer_signal
    in_parts(len(source_ra), 1, lambda *part: _search(*part, ns_best, log_ratio, of_events, of_sources, integer))
    scale = 2 / np.log(10) if conventions.single_source_log == "decimal" else 2.0
    counts = in_band if n_band is not None else given.astype(np.int64)
    return SingleSourceResult(conventions.name, counts, ns_best, scale * log_ratio)


@kernel()
def _search(first, stop, best, value, of_events, of_sources, integer):
    positions, ra, dec, ang_err, limit = of_events
    sources, source_ra, source_dec, low, high, background, in_band, sample = of_sources
    for j in range(first, stop):
        moments = empty_moments()
        for i in range(low[j], high[j]):
            if squared_chord(positions[i], sources[j]) <= limit[i]:
                psi = haversine(ra[i], dec[i], source_ra[j], source_dec[j])
                add_ratio(moments, planar_gaussian(psi, ang_err[i]) / background[j])
        centres, kept = compress(moments)
        n_zero = in_band[j] - kept[:, 0].sum()
        if integer:
            best[j], value[j] = _best_integer(n_zero, centres, kept, in_band[j], sample[j])
        else:
            best[j], value[j] = _best_real(n_zero, centres, kept, sample[j])


@kernel(inner=True)
def _best_integer(n_zero, centres, moments, n_max, sample):
    """Best n of 1 ... n_max by bisection on the sign of Lambda(n + 1) - Lambda(n)."""
    low, high = 1, max(1, int(np.floor(n_max)))
    while low < high:
        middle = (low + high) // 2
        here = evaluate(middle / sample, n_zero, centres, moments)[0]
        beyond = evaluate((middle + 1) / sample, n_zero, centres, moments)[0]
        if beyond > here:
            low = middle + 1
        else:
            high = middle
    return float(low), evaluate(low / sample, n_zero, centres, moments)[0]


@kernel(inner=True)
def _best_real(n_zero, centres, moments, sample):
    """Best x in [0, 1) by bisection on the falling derivative; n = x sample."""
    if sample <= 0 or not evaluate(0.0, n_zero, centres, moments)[1] > 0.0:
        return 0.0, 0.0
    low, high = 0.0, 1.0
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:  # no double lies between
            return low * sample, evaluate(low, n_zero, centres, moments)[0]
        if evaluate(middle, n_zero, centres, moments)[1] > 0.0:
            low = middle
        else:
            high = middle
