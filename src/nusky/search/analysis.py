"""The standard likelihood of one source and of a stack: space and energy, seasons combined, n_s and gamma fitted.

    L_k(n_s, gamma) = prod_i [ x_k S_ik + (1 - x_k) B_ik ],   x_k = n_s f_k(gamma) / N_k

with f_k the share of season k in the expected signal (method: Braun et al., Astropart. Phys. 29 (2008) 299, and
spec of the standard analysis in docs/conventions.md). TS = 2 ln L(best)/L(0).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nusky.conventions import STANDARD
from nusky.detector.acceptance import acceptance_integrals
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.smearing import ANG_ERR_FLOOR, Smearing
from nusky.errors import PhysicsError
from nusky.likelihood import energy
from nusky.likelihood.fit import N_LOW, log_likelihood, peak, profile
from nusky.likelihood.near import draw_cells, draw_near, source_ratios, stack_ratios, window_half_width
from nusky.likelihood.separation import unit_vectors
from nusky.likelihood.spatial import DeclinationDensity
from nusky.search.injection import inject

GAMMAS = np.linspace(1.0, 4.0, 25)
"""Spectral indices on which the likelihood is profiled; between them the profile is interpolated."""
TAIL = 1e-8
"""Events whose spatial signal density stays below TAIL times an isotropic sky count as far: TS changes by less than
about 2 n_s TAIL times the energy ratio, below 1e-4."""
_ZOOMS = 3


@dataclass(frozen=True)
class Sample:
    """The events of one season, ready for the likelihood.

    Attributes
    ----------
    name, response : str
    livetime_s : float
    ra, dec, ang_err : (n_events,) float64, rad
    energy_bin : (n_events,) int64
    inverse_background : (n_events,) float64
        1/B_i: sr for a spatial analysis, sr dex with energy.
    density : DeclinationDensity
        Background density in declination.
    energy_density : (n_bands, n_bins) float64, per dex, or None
        Background density in energy (`nusky.likelihood.energy`); None for a spatial analysis.
    """

    name: str
    response: str
    livetime_s: float
    ra: np.ndarray
    dec: np.ndarray
    ang_err: np.ndarray
    energy_bin: np.ndarray
    inverse_background: np.ndarray
    density: DeclinationDensity
    energy_density: np.ndarray | None

    @classmethod
    def of_data(
        cls,
        season: tuple[str, str, float],
        ra: np.ndarray,
        dec: np.ndarray,
        ang_err: np.ndarray,
        log10_energy: np.ndarray | None,
    ) -> "Sample":
        """A season's own events: they also are the background's model.

        `season` is name, response and livetime [s]; directions in rad; no energies makes the analysis spatial.
        """
        density = DeclinationDensity.from_events(dec)
        energies = None if log10_energy is None else energy.background_energy_density(log10_energy, np.sin(dec))
        return cls(*season, *(np.empty(0),) * 3, np.empty(0, np.int64), np.empty(0), density, energies).with_events(
            ra, dec, ang_err, log10_energy
        )

    def with_events(
        self, ra: np.ndarray, dec: np.ndarray, ang_err: np.ndarray, log10_energy: np.ndarray | None
    ) -> "Sample":
        """Other events of the same season, against the same background."""
        inverse = 1 / self.density(dec)
        energy_bin = np.zeros(len(dec), dtype=np.int64)
        if self.energy_density is not None:
            inverse /= energy.background_energy_density_at(self.energy_density, log10_energy, np.sin(dec))
            energy_bin = energy.energy_bin(log10_energy)
        return replace(
            self,
            ra=ra,
            dec=dec,
            ang_err=np.maximum(ang_err, ANG_ERR_FLOOR),
            energy_bin=energy_bin,
            inverse_background=inverse,
        )

    def __len__(self) -> int:
        return len(self.ra)


@dataclass(frozen=True)
class Fit:
    """Best fit of n_s and gamma.

    Attributes
    ----------
    n_signal : float
        Best number of signal events, all seasons.
    gamma : float
        Best spectral index; NaN where n_s = 0, the fixed one if it was fixed.
    ts : float
        2 ln L(best)/L(0), at least 0.
    converged : bool
    """

    n_signal: float
    gamma: float
    ts: float
    converged: bool


@dataclass(frozen=True)
class Analysis:
    """A sample of seasons with the detector's response to it.

    `smearings` is None for a release without smearing tables: the likelihood is then spatial only.
    """

    samples: tuple[Sample, ...]
    areas: Mapping[str, EffectiveArea]
    smearings: Mapping[str, Smearing] | None

    @property
    def n_events(self) -> np.ndarray:
        """Events of every season, (n_seasons,) float64."""
        return np.array([len(sample) for sample in self.samples], dtype=float)

    @property
    def responses(self) -> list[str]:
        return [sample.response for sample in self.samples]

    def expected(self, dec: np.ndarray, gammas: np.ndarray) -> np.ndarray:
        """Expected events for phi0 = 1 GeV^-1 cm^-2 s^-1 of each source, (n_seasons, n_gammas, n_sources)."""
        integrals = acceptance_integrals(self.areas, self.responses, np.atleast_1d(dec), gammas, STANDARD)
        return integrals * np.array([sample.livetime_s for sample in self.samples])[:, None, None]

    def energy_densities(self, dec: np.ndarray, gammas: np.ndarray) -> dict[str, np.ndarray]:
        """Signal energy densities by response, (n_sources, n_bins, n_gammas) float64, per dex; ones without energy."""
        dec = np.atleast_1d(dec)
        if self.smearings is None:
            return {name: np.ones((len(dec), 1, len(gammas))) for name in dict.fromkeys(self.responses)}
        densities = {
            name: energy.signal_energy_density(self.areas[name], self.smearings[name], dec, gammas)
            for name in dict.fromkeys(self.responses)
        }
        return {name: np.ascontiguousarray(density.transpose(0, 2, 1)) for name, density in densities.items()}

    def inject(
        self,
        rng: np.random.Generator,
        sources: tuple[np.ndarray, np.ndarray, np.ndarray],
        expected: np.ndarray,
        gamma: float,
    ) -> list[Sample]:
        """Signal events of one sky, one `Sample` per season.

        `sources`: ra, dec, Gaussian width, each (n_sources,) rad; `expected`: (n_seasons, n_sources) events.
        """
        if self.smearings is None:
            raise PhysicsError("signal cannot be injected: the release has no smearing tables.")
        seasons = inject(rng, sources, expected, self.areas, self.smearings, self.responses, gamma)
        return [
            sample.with_events(*(events[name] for name in ("ra", "dec", "ang_err", "log10_energy")))
            for sample, events in zip(self.samples, seasons, strict=True)
        ]

    def source(self, ra: float, dec: float, extension: float = 0.0, gammas: np.ndarray = GAMMAS) -> "Source":
        """The likelihood of one source at `ra`, `dec` with Gaussian width `extension`, all rad."""
        if not (np.isfinite(ra) and abs(dec) <= np.pi / 2 and extension >= 0):
            raise PhysicsError(f"source at ra {ra}, dec {dec}, extension {extension} rad: not a direction and a width.")
        gammas = np.asarray(gammas, dtype=float)
        expected = self.expected(np.array([dec]), gammas)[:, :, 0]
        if not (expected.sum(axis=0) > 0).all():
            raise PhysicsError(f"no season can see a source at declination {np.degrees(dec):.3f} deg.")
        densities = self.energy_densities(np.array([dec]), gammas)
        return Source(
            analysis=self,
            ra=float(ra),
            dec=float(dec),
            extension=float(extension),
            gammas=gammas,
            expected=expected,
            densities=np.stack([densities[name][0] for name in self.responses]),
            candidates=Candidates.of_source(self.samples, dec, extension),
        )

    def stack(
        self,
        ra: np.ndarray,
        dec: np.ndarray,
        extension: np.ndarray,
        weights: np.ndarray,
        gammas: np.ndarray = GAMMAS[::2],
    ) -> "Stack":
        """The likelihood of a stack; positions and widths in rad, `weights` the sources' shares of the flux."""
        ra, dec, extension, weights = (np.asarray(v, dtype=float) for v in (ra, dec, extension, weights))
        used = weights > 0
        if not used.any():
            raise PhysicsError("no source of the stack has a weight above zero.")
        ra, dec, extension = ra[used], dec[used], np.nan_to_num(extension[used])
        weights = weights[used] / weights[used].sum()
        gammas = np.asarray(gammas, dtype=float)
        return Stack.of_sources(self, ra, dec, extension, weights, gammas)


@dataclass(frozen=True)
class Candidates:
    """Events that can come near a source for some right ascension, ordered by season and falling window."""

    event: np.ndarray
    start: np.ndarray
    half_width: np.ndarray
    dec: np.ndarray
    variance: np.ndarray
    inverse_background: np.ndarray
    energy_bin: np.ndarray

    @classmethod
    def of_source(cls, samples: Sequence[Sample], dec: float, extension: float) -> "Candidates":
        parts, start = [], [0]
        for sample in samples:
            variance = sample.ang_err**2 + extension**2
            width = window_half_width(sample.dec, near_radius(variance), dec)
            order = np.flatnonzero(width > 0)
            order = order[np.argsort(-width[order], kind="stable")]
            parts.append(
                (
                    order,
                    width[order],
                    sample.dec[order],
                    variance[order],
                    sample.inverse_background[order],
                    sample.energy_bin[order],
                )
            )
            start.append(start[-1] + len(order))
        event, width, event_dec, variance, background, energy_bin = map(np.concatenate, zip(*parts, strict=True))
        return cls(event, np.array(start), width, event_dec, variance, background, energy_bin)


def near_radius(variance: np.ndarray) -> np.ndarray:
    """Separation [rad] beyond which an event of spatial variance s^2 [rad^2] counts as far."""
    return np.minimum(np.pi, np.sqrt(2 * variance * np.log(np.maximum(1.0, 2 / (variance * TAIL)))))


@dataclass(frozen=True)
class NearEvents:
    """Density ratios of the events near a hypothesis in one sky.

    `ratios` (n_gammas, n_near), `begin` (n_seasons + 1,), `low` (n_gammas, n_seasons, N_LOW), `n_events` (n_seasons,).
    """

    ratios: np.ndarray
    begin: np.ndarray
    low: np.ndarray
    n_events: np.ndarray

    def joined(self, other: "NearEvents") -> "NearEvents":
        """Both sets of events in one sky."""
        seasons = range(len(self.begin) - 1)
        parts = [
            piece
            for k in seasons
            for piece in (
                self.ratios[:, self.begin[k] : self.begin[k + 1]],
                other.ratios[:, other.begin[k] : other.begin[k + 1]],
            )
        ]
        return NearEvents(
            np.ascontiguousarray(np.concatenate(parts, axis=1)),
            self.begin + other.begin,
            self.low + other.low,
            self.n_events + other.n_events,
        )


@dataclass(frozen=True)
class Hypothesis(ABC):
    """What a source and a stack have in common: an expected signal per season and index, and the fit.

    `expected` is (n_seasons, n_gammas): events for phi0 = 1 GeV^-1 cm^-2 s^-1 of the whole hypothesis.
    """

    analysis: Analysis
    gammas: np.ndarray
    expected: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """f_k(gamma), (n_gammas, n_seasons)."""
        return np.ascontiguousarray((self.expected / self.expected.sum(axis=0)).T)

    def fit_near(self, near: NearEvents) -> Fit:
        """Best n_s and gamma of one sky."""
        n_signal, value, converged = profile(near.ratios, near.begin, near.low, self.shares, near.n_events)
        if len(self.gammas) == 1:
            return Fit(float(n_signal[0]), float(self.gammas[0]), float(2 * value[0]), bool(converged))
        return Fit(*map(float, peak(self.gammas, n_signal, value)), bool(converged))

    def fit(self) -> Fit:
        """Best fit to the data, refined to the true optimum in gamma."""
        best = self.fit_near(self.data())
        gammas = self.gammas
        for _ in range(_ZOOMS if len(gammas) > 1 and best.n_signal > 0 else 0):
            step = gammas[1] - gammas[0]
            low, high = max(best.gamma - step, self.gammas[0]), min(best.gamma + step, self.gammas[-1])
            gammas = np.linspace(low, high, 9)
            closer = self.with_gammas(gammas)
            best = closer.fit_near(closer.data())
        return best

    def profile_likelihood(self, gammas: np.ndarray, n_signal: np.ndarray) -> np.ndarray:
        """TS(n_s, gamma) = 2 ln L(n_s, gamma)/L(0) of the data, (n_gammas, n_signal)."""
        hypothesis = self.with_gammas(np.asarray(gammas, dtype=float))
        near = hypothesis.data()
        return np.array(
            [
                [
                    2
                    * log_likelihood(n, near.ratios[g], near.begin, near.low[g], hypothesis.shares[g], near.n_events)[0]
                    for n in np.asarray(n_signal, dtype=float)
                ]
                for g in range(len(gammas))
            ]
        )

    def data(self) -> NearEvents:
        """The near events of the data."""
        return self.sky([sample.ra for sample in self.analysis.samples])

    @abstractmethod
    def sky(self, ra: Sequence[np.ndarray]) -> NearEvents:
        """The near events of a sky with other right ascensions [rad], one array per season."""

    @abstractmethod
    def scrambled(self, rng: np.random.Generator) -> NearEvents:
        """The near events of a sky with right ascensions redrawn uniformly."""

    @abstractmethod
    def injected(self, events: Sequence[Sample]) -> NearEvents:
        """The near events among extra events, one `Sample` per season."""

    @abstractmethod
    def with_gammas(self, gammas: np.ndarray) -> "Hypothesis":
        """The same hypothesis on another grid of spectral indices."""


@dataclass(frozen=True)
class Source(Hypothesis):
    """One source; `densities` (n_seasons, n_bins, n_gammas) is its energy density."""

    ra: float
    dec: float
    extension: float
    densities: np.ndarray
    candidates: Candidates

    def with_gammas(self, gammas: np.ndarray) -> "Source":
        """The same source on another grid of spectral indices."""
        densities = self.analysis.energy_densities(np.array([self.dec]), gammas)
        return replace(
            self,
            gammas=gammas,
            expected=self.analysis.expected(np.array([self.dec]), gammas)[:, :, 0],
            densities=np.stack([densities[name][0] for name in self.analysis.responses]),
        )

    def sky(self, ra: Sequence[np.ndarray]) -> NearEvents:
        """The near events of a sky with other right ascensions [rad], one array per season."""
        c = self.candidates
        own = np.concatenate([ra[k][c.event[c.start[k] : c.start[k + 1]]] for k in range(len(ra))])
        offset = (own - self.ra + np.pi) % (2 * np.pi) - np.pi
        chosen = np.flatnonzero(np.abs(offset) <= c.half_width)
        return self._near(chosen, offset[chosen], np.searchsorted(chosen, c.start))

    def scrambled(self, rng: np.random.Generator) -> NearEvents:
        """The near events of a sky with right ascensions redrawn uniformly; only near events cost random numbers."""
        return self._near(*draw_near(rng, self.candidates.half_width, self.candidates.start))

    def injected(self, events: Sequence[Sample]) -> NearEvents:
        """The near events among extra events, one `Sample` per season."""
        candidates = Candidates.of_source(events, self.dec, self.extension)
        extra = replace(self, candidates=candidates).sky([sample.ra for sample in events])
        return replace(extra, n_events=np.array([len(sample) for sample in events], dtype=float))

    def _near(self, chosen: np.ndarray, offset: np.ndarray, begin: np.ndarray) -> NearEvents:
        c = self.candidates
        ratios = source_ratios(
            chosen,
            offset,
            begin,
            c.dec,
            c.variance,
            c.inverse_background,
            c.energy_bin,
            self.dec,
            self.densities,
        )
        low = np.zeros((len(self.gammas), len(begin) - 1, N_LOW))
        return NearEvents(ratios, begin, low, self.analysis.n_events)


_REACH_CLASSES = np.radians([0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0, np.inf])
_CELLS = (360, 180)
_SMALLEST_RATIO = 0.05
"""In a stack, near events whose ratio stays below this enter through sums of powers."""


@dataclass(frozen=True)
class Cells:
    """Which sources an event may be near, by the cell of the sky it falls into and by the size of its angular error."""

    start: np.ndarray
    source: np.ndarray
    key_start: np.ndarray
    key_column: np.ndarray

    @classmethod
    def of_sources(cls, ra: np.ndarray, dec: np.ndarray, extension: np.ndarray) -> "Cells":
        n_ra, n_dec = _CELLS
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
        return cls(start, np.concatenate(entries), key_start, np.nonzero(occupied)[1].astype(np.int32))


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
class Stack(Hypothesis):
    """A stack of sources; `densities` (n_responses, n_sources, n_bins, n_gammas) holds weight times energy density."""

    ra: np.ndarray
    dec: np.ndarray
    extension: np.ndarray
    weights: np.ndarray
    per_source: np.ndarray
    densities: np.ndarray
    cells: Cells
    events: "FlatEvents"

    @classmethod
    def of_sources(
        cls,
        analysis: Analysis,
        ra: np.ndarray,
        dec: np.ndarray,
        extension: np.ndarray,
        weights: np.ndarray,
        gammas: np.ndarray,
        events: "FlatEvents | None" = None,
        cells: Cells | None = None,
    ) -> "Stack":
        """The stack of sources with positive weights that sum to 1."""
        per_source = analysis.expected(dec, gammas) * weights
        expected = per_source.sum(axis=2)
        if not (expected.sum(axis=0) > 0).all():
            raise PhysicsError("no season can see any source of the stack.")
        densities = analysis.energy_densities(dec, gammas)
        tables = []
        for name, density in densities.items():
            k = analysis.responses.index(name)  # seasons of one response share their omega: the livetime cancels
            omega = per_source[k] / np.maximum(expected[k], 1e-300)[:, None]
            tables.append(density * omega.T[:, None, :])
        return cls(
            analysis=analysis,
            gammas=gammas,
            expected=expected,
            ra=ra,
            dec=dec,
            extension=extension,
            weights=weights,
            per_source=per_source,
            densities=np.stack(tables),
            cells=cells or Cells.of_sources(ra, dec, extension),
            events=events or FlatEvents.of_samples(analysis.samples),
        )

    def with_gammas(self, gammas: np.ndarray) -> "Stack":
        """The same stack on another grid of spectral indices."""
        return Stack.of_sources(
            self.analysis, self.ra, self.dec, self.extension, self.weights, gammas, self.events, self.cells
        )

    def sky(self, ra: Sequence[np.ndarray]) -> NearEvents:
        """The near events of a sky with other right ascensions [rad], one array per season."""
        return self._all(self.events, np.concatenate(ra))

    def scrambled(self, rng: np.random.Generator) -> NearEvents:
        """The near events of a sky with right ascensions redrawn uniformly; only events near a source are drawn."""
        e = self.events
        chosen, ra, begin = draw_cells(
            rng, e.group_start, e.group_key, e.group_season, self.cells.key_start, self.cells.key_column, _CELLS[0]
        )
        return self._near(e, chosen, ra, begin)

    def injected(self, events: Sequence[Sample]) -> NearEvents:
        """The near events among extra events, one `Sample` per season."""
        flat = FlatEvents.of_samples(events)
        return self._all(flat, np.concatenate([sample.ra for sample in events]))

    def _all(self, events: "FlatEvents", ra: np.ndarray) -> NearEvents:
        return self._near(events, np.arange(len(ra)), ra[events.order], events.start)

    def _near(self, events: "FlatEvents", chosen: np.ndarray, ra: np.ndarray, begin: np.ndarray) -> NearEvents:
        names = list(dict.fromkeys(self.analysis.responses))
        unit = unit_vectors(self.ra, self.dec)
        ratios, kept, low = stack_ratios(
            chosen,
            ra,
            begin,
            events.row,
            events.sin_dec,
            events.cos_dec,
            events.variance,
            events.cut,
            events.reach_class,
            events.inverse_background,
            events.energy_bin,
            self.cells.start,
            self.cells.source,
            _CELLS[0],
            np.column_stack((unit, self.extension**2)),
            np.array([names.index(name) for name in self.analysis.responses]),
            self.densities,
            _SMALLEST_RATIO,
        )
        return NearEvents(ratios, kept, low, np.diff(events.start).astype(float))


@dataclass(frozen=True)
class FlatEvents:
    """The events of all seasons as `stack_ratios` takes them.

    Inside a season they are ordered by class and row, so that neighbours look up neighbouring cells; `order` tells
    where each of them stands in the samples.
    """

    start: np.ndarray
    order: np.ndarray
    row: np.ndarray
    sin_dec: np.ndarray
    cos_dec: np.ndarray
    variance: np.ndarray
    cut: np.ndarray
    reach_class: np.ndarray
    inverse_background: np.ndarray
    energy_bin: np.ndarray
    group_start: np.ndarray
    group_key: np.ndarray
    group_season: np.ndarray

    @classmethod
    def of_samples(cls, samples: Sequence[Sample]) -> "FlatEvents":
        names = ("dec", "ang_err", "inverse_background", "energy_bin")
        dec, ang_err, background, energy_bin = (
            np.concatenate([getattr(sample, name) for sample in samples]) for name in names
        )
        row = np.clip((np.sin(dec) + 1) / 2 * _CELLS[1], 0, _CELLS[1] - 1).astype(np.int64)
        reach_class = np.searchsorted(_REACH_CLASSES, ang_err, side="left").astype(np.int64)
        season = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
        order = np.lexsort((row, reach_class, season))
        start = np.concatenate(([0], np.cumsum([len(sample) for sample in samples]))).astype(np.int64)
        key = (reach_class * _CELLS[1] + row)[order]
        first = np.flatnonzero(np.diff(key, prepend=-1) | np.diff(season[order], prepend=-1))
        return cls(
            start=start,
            order=order,
            row=row[order],
            sin_dec=np.sin(dec[order]),
            cos_dec=np.cos(dec[order]),
            variance=ang_err[order] ** 2,
            cut=(near_radius(ang_err**2) / ang_err)[order] ** 2,
            reach_class=reach_class[order],
            inverse_background=background[order],
            energy_bin=energy_bin[order],
            group_start=np.append(first, len(key)),
            group_key=key[first],
            group_season=np.searchsorted(first, start),
        )
