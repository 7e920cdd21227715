"""Injection of signal: events as the detector would reconstruct them, from sources with a flux."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nusky.conventions import BAND_HALF_WIDTH_DEG
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.detector.spectrum import SourceSpectra, Spectrum, integrals_of, quantiles
from nusky.errors import PhysicsError
from nusky.search.analysis import Analysis
from nusky.search.disturbance import UNDISTURBED, Disturbance
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources, expected_by_source
from nusky.search.time_profile import Box, GoodRuns, joined
from nusky.sphere import displaced

GAUSSIAN, RESOLUTION = "gaussian (uncalibrated)", "angular resolution"
MIN_EVENTS = 20
"""Events that angular errors are drawn from at least: near the poles the band is widened to that many."""
_COLUMNS = ("ra", "dec", "ang_err", "log10_energy")


@dataclass(frozen=True)
class Signal:
    """Signal of the sources of a hypothesis.

    Attributes
    ----------
    sources : Sources
    share : (n_seasons, n_sources) float64
        Of one signal event; adds up to 1.
    spectra : one for each source
    """

    sources: Sources
    share: np.ndarray
    spectra: tuple[Spectrum, ...]

    @classmethod
    def of(cls, analysis: Analysis, sources: Sources, spectra: Spectrum | Sequence[Spectrum]) -> "Signal":
        """Sources that share a flux by their weights, all with one spectrum or each with its own."""
        spectrum = spectra if isinstance(spectra, Spectrum) else SourceSpectra.of(spectra, sources.weights)
        expected = expected_events(analysis, sources, spectrum)
        total = expected.sum()
        own = spectrum.own if isinstance(spectrum, SourceSpectra) else (spectrum,) * len(sources)
        return cls(sources, expected / total if total > 0 else expected, own)

    def in_a_sky(self, rng: np.random.Generator) -> "Signal":
        """The signal of one sky, which `FlareSignal` draws."""
        return self


@dataclass(frozen=True)
class FlareSignal(Signal):
    """A box of `duration` [d of good runs] that begins in every sky at another time, all of them equally likely.

    One event is expected in the mean over the times: the flux is the same whenever the flare comes, so there are more
    events when the detector sees the source better. `share` is the mean, too, as are `seen` (n_seasons,), the exposures
    over the livetimes of the seasons.
    """

    runs: tuple[GoodRuns, ...]
    duration: float
    seen: np.ndarray

    @classmethod
    def of_flare(cls, analysis: Analysis, sources: Sources, spectrum: Spectrum, duration: float) -> "FlareSignal":
        """From the one source of an unknown flare."""
        seen = mean_exposures(analysis.runs, duration)
        expected = expected_events(analysis, sources, spectrum) * seen[:, None]
        total = expected.sum()
        share = expected / total if total > 0 else expected
        return cls(sources, share, (spectrum,), analysis.runs, duration, seen)

    @cached_property
    def _every(self) -> GoodRuns:
        return joined(self.runs)

    def in_a_sky(self, rng: np.random.Generator) -> Signal:
        """The signal of a flare at one time."""
        begin = rng.uniform(0.0, self._every.livetime - self.duration)
        box = Box(*self._every.when(np.array([begin, begin + self.duration])).tolist())
        now = np.array([box.exposure(own) / own.livetime for own in self.runs])
        share = self.share * np.divide(now, self.seen, out=np.zeros_like(now), where=self.seen > 0)[:, None]
        return Signal(replace(self.sources, profiles=(box,)), share, self.spectra)


def mean_exposures(runs: Sequence[GoodRuns], duration: float) -> np.ndarray:
    """Exposure of each season over its livetime, (n_seasons,), to a box of `duration` [d of good runs] that begins at
    any time; the mean."""
    every = joined(runs)
    room, found = every.livetime - duration, []
    for own in runs:
        edges = np.column_stack((own.start, own.stop)).ravel()
        # The season's good runs until all good runs add up to x, linear between these x, and their integral.
        x = np.unique(np.concatenate((every.until(edges), [0.0, duration, room, every.livetime])))
        until = np.interp(x, every.until(edges), own.until(edges))
        whole = dict(zip(x, np.append(0.0, np.cumsum(np.diff(x) * (until[1:] + until[:-1]) / 2)), strict=True))
        inside = whole[every.livetime] - whole[duration] - whole[room]
        found.append(inside / room / own.livetime if room > 0 else 1.0)
    return np.array(found)


def expected_events(analysis: Analysis, sources: Sources, spectrum: Spectrum) -> np.ndarray:
    """Events expected of every source for phi0 = 1 GeV^-1 cm^-2 s^-1 of all together: (n_seasons, n_sources) float64,
    GeV cm^2 s."""
    return expected_by_source(analysis, sources, [spectrum])[:, 0]


class Injector:
    """Draws signal events as the release allows: `label` is 'smearing', `RESOLUTION` or `GAUSSIAN`.

    Without smearing tables events have no reconstructed energies, and each is as far from its source as its AngErr
    says. Where the release gives medians of its resolution by true energy, neutrinos have one, which decides their
    AngErr (`nusky.detector.angular_resolution`). Where it gives nothing, AngErr is that of the season's events near the
    source's declination, so of background. Limits that rest on the last are called uncalibrated: that they cover is not
    shown, as it is for the others (docs/validation/coverage.md, docs/validation/three_year.md).
    """

    def __init__(self, analysis: Analysis, disturbance: Disturbance = UNDISTURBED) -> None:
        self._analysis, self._disturbance = analysis, disturbance
        self.label = "smearing"
        if analysis.smearings is None:
            self.label = GAUSSIAN if analysis.median_spreads is None else RESOLUTION
        self._by_dec: list[tuple[np.ndarray, np.ndarray]] = []
        if self.label == GAUSSIAN:
            for season in analysis.seasons:
                order = np.argsort(season.dec, kind="stable")
                self._by_dec.append((season.dec[order], season.ang_err[order]))

    def __call__(self, rng: np.random.Generator, signal: Signal, n_injected: float) -> list[SeasonEvents]:
        """Poisson(`n_injected`) signal events of one sky, one `SeasonEvents` per season."""
        signal = signal.in_a_sky(rng)
        analysis, expected, sources = self._analysis, n_injected * signal.share, signal.sources
        if analysis.smearings is None:
            return [self._spatial(rng, k, signal, expected[k]) for k in range(len(expected))]
        response = analysis.areas, analysis.smearings, analysis.responses
        drawn = inject(rng, signal.sources, expected, *response, signal.spectra, self._disturbance)
        joined = [
            season.with_events(*(events[name] for name in _COLUMNS), joined=True)
            for season, events in zip(analysis.seasons, drawn, strict=True)
        ]
        return [
            self._at_times(rng, k, events, sources, of["source"])
            for k, (events, of) in enumerate(zip(joined, drawn, strict=True))
        ]

    def _at_times(
        self, rng: np.random.Generator, k: int, events: SeasonEvents, sources: Sources, source: np.ndarray
    ) -> SeasonEvents:
        """Events of a season with the times of signal from their `source` (n_events,), where sources have profiles."""
        if sources.profiles is None:
            return events
        mjd = np.empty(len(source))
        for j in np.unique(source):
            own = source == j
            mjd[own] = sources.profiles[j].draw(rng, self._analysis.runs[k], int(own.sum()))
        return replace(events, mjd=mjd)

    def _spatial(self, rng: np.random.Generator, k: int, signal: Signal, expected: np.ndarray) -> SeasonEvents:
        sources, season, spreads = signal.sources, self._analysis.seasons[k], self._analysis.median_spreads
        source = np.repeat(np.arange(len(sources)), rng.poisson(expected))
        dec = sources.dec[source]
        if spreads is None:
            ang_err = self._ang_err_of_band(rng, k, dec)
        else:
            area = self._analysis.areas[season.response]
            log10_enu = _true_energies(rng, season.response, area, sources, source, signal.spectra, expected)
            ang_err = spreads[k].draw_ang_err(rng, dec, log10_enu)
        # Both displacements are Gaussian: they add in quadrature.
        width = np.hypot(self._disturbance.angular_error * ang_err, sources.extension[source])
        distance = np.minimum(rng.rayleigh(1.0, len(dec)) * width, np.pi)
        event = displaced(sources.ra[source], dec, distance, rng.uniform(0.0, 2 * np.pi, len(dec)))
        return self._at_times(rng, k, season.with_events(*event, ang_err, None), sources, source)

    def _ang_err_of_band(self, rng: np.random.Generator, k: int, dec: np.ndarray) -> np.ndarray:
        n, decs, ang_errs = len(dec), *self._by_dec[k]
        half_width = np.radians(BAND_HALF_WIDTH_DEG)
        first, stop = np.searchsorted(decs, dec - half_width), np.searchsorted(decs, dec + half_width, side="right")
        least = min(MIN_EVENTS, len(decs))
        missing = np.maximum(least - (stop - first), 0)
        first = np.clip(first - (missing + 1) // 2, 0, len(decs) - least)
        stop = np.maximum(stop, first + least)
        return ang_errs[first + (rng.random(n) * (stop - first)).astype(np.int64)]


def inject(
    rng: np.random.Generator,
    sources: Sources,
    expected: np.ndarray,
    areas: Mapping[str, EffectiveArea],
    smearings: Mapping[str, Smearing],
    responses: Sequence[str],
    spectra: Sequence[Spectrum],
    disturbance: Disturbance = UNDISTURBED,
) -> list[dict[str, np.ndarray]]:
    """Draw the signal events of each season.

    The number from each source is Poisson. The true energy follows A_eff(E, dec) f(E) at the source's declination;
    reconstructed energy, PSF angle and AngErr come from the smearing. The true direction is the source's, displaced by
    its Gaussian width; the reconstructed one lies the PSF angle from it, at a uniform azimuth.

    Parameters
    ----------
    expected : (n_seasons, n_sources) float64
        Expected number of events.
    areas, smearings : by response
    responses : name of the response of each season
    spectra : one for each source
    disturbance : factors on the distance from the true direction and on the reconstructed energy

    Returns
    -------
    For each season ra, dec, ang_err [rad], log10_energy [log10(E/GeV)] and source (number of the source), all
    (n_events,), ordered by source

    Raises
    ------
    PhysicsError
        An expected number is no number, or belongs to a source the season cannot see; a response has no smearing.
    """
    expected = np.asarray(expected, dtype=float)
    _check(sources, expected, responses, smearings, spectra)
    numbers = rng.poisson(expected)
    nothing = dict.fromkeys(_COLUMNS, np.empty(0)) | {"source": np.empty(0, np.int64)}
    seasons: list[dict[str, np.ndarray]] = [nothing] * len(responses)
    for response in dict.fromkeys(responses):  # seasons that share a response are drawn together, for speed
        members = [k for k, name in enumerate(responses) if name == response]
        area, smearing = areas[response], smearings[response]
        source = np.repeat(np.tile(np.arange(len(sources)), len(members)), numbers[members].ravel())
        n = len(source)
        log10_enu = _true_energies(rng, response, area, sources, source, spectra, expected[members].sum(axis=0))
        if not n:
            continue
        dec = sources.dec[source]
        log10_energy, psi, ang_err = smearing.sample(
            rng, smearing.enu_cell(log10_enu), smearing.dec_cell(dec), n, ANG_ERR_FLOOR
        )
        psi = np.minimum(psi * disturbance.angular_error, np.pi)
        log10_energy = log10_energy + np.log10(disturbance.energy_scale)
        offset = np.minimum(rng.rayleigh(1.0, n) * sources.extension[source], np.pi)
        true_ra, true_dec = displaced(sources.ra[source], dec, offset, rng.uniform(0.0, 2 * np.pi, n))
        ra, dec = displaced(true_ra, true_dec, psi, rng.uniform(0.0, 2 * np.pi, n))
        columns = {"ra": ra, "dec": dec, "ang_err": ang_err, "log10_energy": log10_energy, "source": source}
        counts = numbers[members].sum(axis=1)
        for k, stop, number in zip(members, np.cumsum(counts), counts, strict=True):
            seasons[k] = {name: values[stop - number : stop] for name, values in columns.items()}
    return seasons


def _true_energies(
    rng: np.random.Generator,
    response: str,
    area: EffectiveArea,
    sources: Sources,
    source: np.ndarray,
    spectra: Sequence[Spectrum],
    expected: np.ndarray,
) -> np.ndarray:
    """log10(E_nu/GeV) of one neutrino from each `source` (numbers), `expected` (n_sources,) of them."""
    of_each = area.at(sources.dec).T
    _refuse_blind(response, sources, expected, np.flatnonzero(~(of_each > 0).any(axis=1)))
    if not len(source):
        return np.empty(0)
    present, row = np.unique(source, return_inverse=True)
    own = tuple(spectra[j] for j in present)
    cumulative = np.cumsum(of_each[present] * integrals_of(own, area.log10_energy), axis=1)
    _refuse_blind(response, sources, expected, present[cumulative[:, -1] <= 0])
    return _draw_energy(rng, cumulative, area.log10_energy, own, row)


def _refuse_blind(response: str, sources: Sources, expected: np.ndarray, unseen: np.ndarray) -> None:
    blind = unseen[expected[unseen] > 0]
    if blind.size:
        raise PhysicsError(
            f"source number {blind[0] + 1} at declination {np.degrees(sources.dec[blind[0]]):.3f} deg cannot be seen "
            f"with the response {response}, but {expected[blind[0]]:g} events are expected from it. Leave it out."
        )


def _check(
    sources: Sources,
    expected: np.ndarray,
    responses: Sequence[str],
    smearings: Mapping[str, Smearing],
    spectra: Sequence[Spectrum],
) -> None:
    if expected.shape != (len(responses), len(sources)) or len(spectra) != len(sources):
        raise PhysicsError(
            f"{len(sources)} sources, {len(spectra)} spectra and {len(responses)} seasons do not fit expected numbers "
            f"of shape {expected.shape}; give one per season and source."
        )
    if not (np.isfinite(expected).all() and (expected >= 0).all()):
        raise PhysicsError("expected numbers of events must be finite and not negative; check fluxes and weights.")
    missing = [response for response in responses if response not in smearings]
    if missing:
        raise PhysicsError(
            f"the release has no smearing table for {missing[0]}, so signal events cannot be drawn. Use a release with "
            "smearing tables."
        )


def _draw_energy(
    rng: np.random.Generator, cumulative: np.ndarray, edges: np.ndarray, spectra: Sequence[Spectrum], row: np.ndarray
) -> np.ndarray:
    """log10(E_nu/GeV) of one neutrino from the source of each `row`: exact inverse of `cumulative` (n, n_energy)."""
    totals = cumulative[:, -1:]
    share = np.divide(cumulative, totals, out=np.ones_like(cumulative), where=totals > 0)
    # One search for all: row j occupies the numbers from j to j + 1, and rounding must not reach j + 1.
    place = np.minimum(rng.random(len(row)), 1 - 1e-12)
    laid_out = (share + np.arange(len(share))[:, None]).ravel()
    energy = np.searchsorted(laid_out, row + place, side="right") - row * share.shape[1]
    before = np.where(energy > 0, share[row, energy - 1], 0.0)
    inside = np.clip((place - before) / (share[row, energy] - before), 0.0, 1.0)
    return quantiles(spectra, row, inside, edges[energy], edges[energy + 1])
