"""Injection of signal: events as the detector would reconstruct them, from sources with a power-law flux."""

from collections.abc import Mapping, Sequence

import numpy as np

from nusky.detector.effective_area import EffectiveArea, power_law_integrals
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.errors import PhysicsError
from nusky.sphere import displaced


def inject(
    rng: np.random.Generator,
    sources: tuple[np.ndarray, np.ndarray, np.ndarray],
    expected: np.ndarray,
    areas: Mapping[str, EffectiveArea],
    smearings: Mapping[str, Smearing],
    responses: Sequence[str],
    gamma: float,
    log10_enu_limits: tuple[float, float] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Draw the signal events of each season.

    The number from each source is Poisson. The true energy follows A_eff(E, dec) E^-gamma at the source's declination;
    reconstructed energy, PSF angle and AngErr come from the smearing. The true direction is the source's, displaced by
    its Gaussian width; the reconstructed one lies the PSF angle from it, at a uniform azimuth.

    Parameters
    ----------
    sources : ra, dec, Gaussian width, each (n_sources,) float64, rad
    expected : (n_seasons, n_sources) float64
        Expected number of events.
    areas, smearings : by response
    responses : name of the response of each season
    gamma : the flux falls as E^-gamma
    log10_enu_limits : (low, high), log10(E_nu/GeV)
        Range of the flux; all energies of the effective area if None.

    Returns
    -------
    For each season ra, dec, ang_err [rad], log10_energy [log10(E/GeV)] and source (number of the source), all
    (n_events,), ordered by source

    Raises
    ------
    PhysicsError
        An expected number is no number, or belongs to a source the season cannot see; a response has no smearing.
    """
    ra, dec, extension = (np.asarray(values, dtype=float) for values in sources)
    expected = np.asarray(expected, dtype=float)
    _check(ra, dec, extension, expected, responses, smearings)
    numbers = rng.poisson(expected)
    seasons: list[dict[str, np.ndarray]] = [{}] * len(responses)
    for response in dict.fromkeys(responses):  # seasons that share a response are drawn together, for speed
        members = [k for k, name in enumerate(responses) if name == response]
        area, smearing = areas[response], smearings[response]
        band = np.clip(np.searchsorted(area.dec, dec, side="right") - 1, 0, area.area.shape[1] - 1)
        cumulative, ln_edges = _energy_cumulative(area, gamma, log10_enu_limits)
        _refuse_blind(response, dec, expected[members].sum(axis=0), cumulative[band, -1])
        source = np.repeat(np.tile(np.arange(len(ra)), len(members)), numbers[members].ravel())
        n = len(source)
        log10_enu = _draw_energy(rng, cumulative, ln_edges, gamma, band[source])
        log10_energy, psi, ang_err = smearing.sample(
            rng, smearing.enu_cell(log10_enu), smearing.dec_cell(dec[source]), n, ANG_ERR_FLOOR
        )
        offset = np.minimum(rng.rayleigh(1.0, n) * extension[source], np.pi)
        true_ra, true_dec = displaced(ra[source], dec[source], offset, rng.uniform(0.0, 2 * np.pi, n))
        event_ra, event_dec = displaced(true_ra, true_dec, psi, rng.uniform(0.0, 2 * np.pi, n))
        columns = {
            "ra": event_ra,
            "dec": event_dec,
            "ang_err": ang_err,
            "log10_energy": log10_energy,
            "source": source,
        }
        ends = np.cumsum(numbers[members].sum(axis=1))
        for k, stop, number in zip(members, ends, numbers[members].sum(axis=1), strict=True):
            seasons[k] = {name: values[stop - number : stop] for name, values in columns.items()}
    return seasons


def _refuse_blind(response: str, dec: np.ndarray, expected: np.ndarray, acceptance: np.ndarray) -> None:
    blind = np.flatnonzero((expected > 0) & ~(acceptance > 0))
    if blind.size:
        raise PhysicsError(
            f"source number {blind[0] + 1} at declination {np.degrees(dec[blind[0]]):.3f} deg cannot be seen with the "
            f"response {response}, but {expected[blind[0]]:g} events are expected from it. Leave it out."
        )


def _check(
    ra: np.ndarray,
    dec: np.ndarray,
    extension: np.ndarray,
    expected: np.ndarray,
    responses: Sequence[str],
    smearings: Mapping[str, Smearing],
) -> None:
    if not len(ra) == len(dec) == len(extension) or expected.shape != (len(responses), len(ra)):
        raise PhysicsError(
            f"{len(ra)} right ascensions, {len(dec)} declinations, {len(extension)} widths and {len(responses)} "
            f"seasons do not fit expected numbers of shape {expected.shape}; give one per season and source."
        )
    if not (np.isfinite(expected).all() and (expected >= 0).all()):
        raise PhysicsError("expected numbers of events must be finite and not negative; check fluxes and weights.")
    if not (np.isfinite(ra).all() and (np.abs(dec) <= np.pi / 2).all() and (extension >= 0).all()):
        raise PhysicsError("a source has no direction on the sphere or a negative width; give radians.")
    missing = [response for response in responses if response not in smearings]
    if missing:
        raise PhysicsError(
            f"the release has no smearing table for {missing[0]}, so signal events cannot be drawn. Use a release with "
            "smearing tables."
        )


def _energy_cumulative(
    area: EffectiveArea, gamma: float, log10_enu_limits: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Integrals of A_eff E^-gamma up to each upper edge, (n_dec, n_energy), and ln(E/GeV) of all edges."""
    edges = area.log10_energy if log10_enu_limits is None else np.clip(area.log10_energy, *log10_enu_limits)
    return np.cumsum(area.area.T * power_law_integrals(edges, gamma), axis=1), np.log(10.0) * edges


def _draw_energy(
    rng: np.random.Generator, cumulative: np.ndarray, ln_edges: np.ndarray, gamma: float, band: np.ndarray
) -> np.ndarray:
    """log10(E_nu/GeV) of one neutrino from each declination `band`: exact inverse of the cumulative distribution."""
    totals = cumulative[:, -1:]
    share = np.divide(cumulative, totals, out=np.ones_like(cumulative), where=totals > 0)
    # One search for all: band j occupies the numbers from j to j + 1, and rounding must not reach j + 1.
    place = np.minimum(rng.random(len(band)), 1 - 1e-12)
    laid_out = (share + np.arange(len(share))[:, None]).ravel()
    energy = np.searchsorted(laid_out, band + place, side="right") - band * share.shape[1]
    before = np.where(energy > 0, share[band, energy - 1], 0.0)
    inside = np.clip((place - before) / (share[band, energy] - before), 0.0, 1.0)
    slope, low = 1.0 - gamma, ln_edges[energy]
    width = ln_edges[energy + 1] - low
    step = np.log1p(inside * np.expm1(slope * width)) / slope if slope else inside * width
    return (low + step) / np.log(10.0)
