"""The likelihood of one source."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from nusky.likelihood.near import draw_near, source_ratios, window_half_width
from nusky.search.hypothesis import Hypothesis, NearEvents, near_radius, smallest_ratio
from nusky.search.sample import Sample


@dataclass(frozen=True)
class Candidates:
    """Events that can come near a source for some right ascension, ordered by season and falling window.

    `event` and `half_width` are (n_candidates,), `start` (n_seasons + 1,), `columns` (n_candidates, 7) as
    `nusky.likelihood.near.source_ratios` takes them.
    """

    event: np.ndarray
    start: np.ndarray
    half_width: np.ndarray
    columns: np.ndarray

    @classmethod
    def of_source(cls, samples: Sequence[Sample], dec: float, extension: float) -> "Candidates":
        """For a source at declination `dec` with Gaussian width `extension`, rad."""
        parts, start = [], [0]
        for sample in samples:
            variance = sample.width**2 + extension**2
            tail = sample.tail_ratio * sample.width**2 + extension**2
            half_width = window_half_width(sample.dec, near_radius(np.maximum(variance, tail)), dec)
            order = np.flatnonzero(half_width > 0)
            order = order[np.argsort(-half_width[order], kind="stable")]
            columns = (
                np.sin((sample.dec - dec) / 2) ** 2,
                np.cos(sample.dec) * np.cos(dec),
                variance,
                tail,
                sample.tail_share,
                sample.inverse_background,
                sample.energy_bin,
            )
            parts.append((order, half_width[order], np.column_stack([column[order] for column in columns])))
            start.append(start[-1] + len(order))
        event, half_widths, columns = map(np.concatenate, zip(*parts, strict=True))
        return cls(event, np.array(start), half_widths, columns)


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
        ratios, kept, low = source_ratios(
            chosen,
            offset,
            begin,
            self.candidates.columns,
            self.densities,
            self._largest,
            smallest_ratio(self.analysis.n_events),
        )
        return NearEvents(ratios, kept, low, self.analysis.n_events)

    @cached_property
    def _largest(self) -> np.ndarray:
        return self.densities.max(axis=2)
