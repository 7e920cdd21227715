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
        self._energies: tuple[Signal, dict[str, TrueEnergies]] | None = None
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
        response = self._energies_of(signal), analysis.smearings, analysis.responses
        drawn = inject(rng, sources, expected, *response, self._disturbance)
        joined = [
            season.with_events(*(events[name] for name in _COLUMNS), joined=True)
            for season, events in zip(analysis.seasons, drawn, strict=True)
        ]
        return [
            self._at_times(rng, k, events, sources, of["source"])
            for k, (events, of) in enumerate(zip(joined, drawn, strict=True))
        ]

    def _energies_of(self, signal: Signal) -> Mapping[str, "TrueEnergies"]:
        """By response, kept for the next sky: positions and spectra of a signal are the same in all of them."""
        known = self._energies
        if known is None or known[0].sources.dec is not signal.sources.dec or known[0].spectra is not signal.spectra:
            known = self._energies = signal, true_energies(self._analysis.areas, signal.sources, signal.spectra)
        return known[1]

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
            energies = self._energies_of(signal)[season.response]
            energies.check(expected)
            ang_err = spreads[k].draw_ang_err(rng, dec, energies.draw(rng, source))
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
    energies: Mapping[str, "TrueEnergies"],
    smearings: Mapping[str, Smearing],
    responses: Sequence[str],
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
    energies, smearings : by response; `true_energies` of the same sources
    responses : name of the response of each season
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
    _check(sources, expected, responses, smearings)
    numbers = rng.poisson(expected)
    nothing = dict.fromkeys(_COLUMNS, np.empty(0)) | {"source": np.empty(0, np.int64)}
    seasons: list[dict[str, np.ndarray]] = [nothing] * len(responses)
    for response in dict.fromkeys(responses):  # seasons that share a response are drawn together, for speed
        members = [k for k, name in enumerate(responses) if name == response]
        energies[response].check(expected[members].sum(axis=0))
        counts = numbers[members].sum(axis=1)
        if not (n := counts.sum()):
            continue
        source = np.repeat(np.arange(counts.size * len(sources)) % len(sources), numbers[members].ravel())
        dec, smearing = sources.dec[source], smearings[response]
        cells = smearing.enu_cell(energies[response].draw(rng, source)), smearing.dec_cell(dec)
        log10_energy, psi, ang_err = smearing.sample(rng, *cells, n, ANG_ERR_FLOOR)
        psi = np.minimum(psi * disturbance.angular_error, np.pi)
        log10_energy = log10_energy + np.log10(disturbance.energy_scale)
        offset = np.minimum(rng.rayleigh(1.0, n) * sources.extension[source], np.pi)
        true_ra, true_dec = displaced(sources.ra[source], dec, offset, rng.uniform(0.0, 2 * np.pi, n))
        ra, dec = displaced(true_ra, true_dec, psi, rng.uniform(0.0, 2 * np.pi, n))
        columns = {"ra": ra, "dec": dec, "ang_err": ang_err, "log10_energy": log10_energy, "source": source}
        for k, stop, number in zip(members, np.cumsum(counts), counts, strict=True):
            seasons[k] = {name: values[stop - number : stop] for name, values in columns.items()}
    return seasons


@dataclass(frozen=True)
class TrueEnergies:
    """Distribution of the true energy of the neutrinos that one response detects from each of some sources.

    Attributes
    ----------
    response : str
    dec : (n_sources,) float64, rad
    spectra : one for each source
    log10_energy : (n_energy + 1,) float64
        Edges in log10(E/GeV).
    cumulative : (n_sources, n_energy) float64
        Share of the neutrinos up to the end of each bin, A_eff(E, dec) f(E) integrated; 0 where none is detected.
    """

    response: str
    dec: np.ndarray
    spectra: tuple[Spectrum, ...]
    log10_energy: np.ndarray
    cumulative: np.ndarray

    @classmethod
    def of(cls, response: str, area: EffectiveArea, sources: Sources, spectra: Sequence[Spectrum]) -> "TrueEnergies":
        """For `spectra`, one for each source."""
        detected = np.cumsum(area.at(sources.dec).T * integrals_of(spectra, area.log10_energy), axis=1)
        share = np.divide(detected, detected[:, -1:], out=np.zeros_like(detected), where=detected[:, -1:] > 0)
        return cls(response, sources.dec, tuple(spectra), area.log10_energy, share)

    @cached_property
    def _blind(self) -> np.ndarray:
        return np.flatnonzero(self.cumulative[:, -1] == 0)

    @cached_property
    def _laid_out(self) -> np.ndarray:
        """The shares of all sources, one search for all: those of source j lie between the numbers j and j + 1."""
        return (self.cumulative + np.arange(len(self.cumulative))[:, None]).ravel()

    @cached_property
    def _is_one(self) -> bool:
        return all(spectrum is self.spectra[0] for spectrum in self.spectra)

    def check(self, expected: np.ndarray) -> None:
        """PhysicsError where neutrinos are `expected` (n_sources,) from a source none of whose can be detected."""
        if len(self._blind) and (blind := self._blind[expected[self._blind] > 0]).size:
            raise PhysicsError(
                f"source number {blind[0] + 1} at declination {np.degrees(self.dec[blind[0]]):.3f} deg cannot be seen "
                f"with the response {self.response}, but {expected[blind[0]]:g} events are expected from it. Leave it "
                "out."
            )

    def draw(self, rng: np.random.Generator, source: np.ndarray) -> np.ndarray:
        """log10(E_nu/GeV) of one neutrino from each `source` (numbers) with some that can be detected."""
        if not len(source):
            return np.empty(0)
        n_sources, n = self.cumulative.shape
        # Rounding must not reach the next source.
        place = np.minimum(rng.random(len(source)), 1 - max(1e-12, 2 * np.spacing(float(n_sources))))
        energy = np.searchsorted(self._laid_out, source + place, side="right") - source * n
        before = np.where(energy > 0, self.cumulative[source, energy - 1], 0.0)
        inside = (place - before) / (self.cumulative[source, energy] - before)
        inside = np.minimum(np.maximum(inside, 0.0), 1.0)
        ends = self.log10_energy[energy], self.log10_energy[energy + 1]
        if self._is_one:
            return self.spectra[0].quantile(inside, *ends)
        present, which = np.unique(source, return_inverse=True)
        return quantiles([self.spectra[j] for j in present], which, inside, *ends)


def true_energies(
    areas: Mapping[str, EffectiveArea], sources: Sources, spectra: Sequence[Spectrum]
) -> dict[str, TrueEnergies]:
    """`TrueEnergies` of sources by response, of `spectra`, one for each source.

    Raises
    ------
    PhysicsError : there are fewer or more spectra than sources.
    """
    if len(spectra) != len(sources):
        raise PhysicsError(f"{len(spectra)} spectra for {len(sources)} sources; give every source one.")
    return {name: TrueEnergies.of(name, area, sources, spectra) for name, area in areas.items()}


def _check(sources: Sources, expected: np.ndarray, responses: Sequence[str], smearings: Mapping[str, Smearing]) -> None:
    if expected.shape != (len(responses), len(sources)):
        raise PhysicsError(
            f"{len(sources)} sources and {len(responses)} seasons do not fit expected numbers of shape "
            f"{expected.shape}; give one per season and source."
        )
    if not (np.isfinite(expected).all() and (expected >= 0).all()):
        raise PhysicsError("expected numbers of events must be finite and not negative; check fluxes and weights.")
    missing = [response for response in responses if response not in smearings]
    if missing:
        raise PhysicsError(
            f"the release has no smearing table for {missing[0]}, so signal events cannot be drawn. Use a release with "
            "smearing tables."
        )
