"""The likelihood of a stack of sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nusky.errors import PhysicsError
from nusky.likelihood.near_stack import draw_cells, stack_ratios
from nusky.likelihood.separation import unit_vectors
from nusky.search.cells import Cells, FlatEvents
from nusky.search.far_pairs import far_ratios
from nusky.search.hypothesis import Hypothesis, NearEvents, smallest_ratio
from nusky.search.sample import Sample

if TYPE_CHECKING:
    from nusky.search.analysis import Analysis


@dataclass(frozen=True)
class Stack(Hypothesis):
    """A stack of sources; `densities` (n_responses, n_bins, n_sources, n_gammas) holds weight times energy density."""

    ra: np.ndarray
    dec: np.ndarray
    extension: np.ndarray
    weights: np.ndarray
    per_source: np.ndarray
    densities: np.ndarray
    cells: Cells
    events: FlatEvents

    @classmethod
    def of_sources(
        cls,
        analysis: "Analysis",
        ra: np.ndarray,
        dec: np.ndarray,
        extension: np.ndarray,
        weights: np.ndarray,
        gammas: np.ndarray,
        events: FlatEvents | None = None,
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
            tables.append((density * omega.T[:, None, :]).transpose(1, 0, 2))
        return cls(
            analysis=analysis,
            gammas=gammas,
            expected=expected,
            ra=ra,
            dec=dec,
            extension=extension,
            weights=weights,
            per_source=per_source,
            densities=np.ascontiguousarray(np.stack(tables)),
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
        return self._with_far(self._all(self.events, ra, self.analysis.n_events))

    def scrambled(self, rng: np.random.Generator) -> NearEvents:
        """The near events of a sky with right ascensions redrawn uniformly; only events near a source are drawn."""
        events, cells = self.events, self.cells
        chosen = draw_cells(
            rng, events.group_start, events.group_key, cells.key_start, cells.key_column, cells.key_n_ra
        )
        return self._with_far(self._near(events, *chosen, self.analysis.n_events))

    def injected(self, events: Sequence[Sample]) -> NearEvents:
        """The near events among extra events, one `Sample` per season."""
        n_events = np.array([len(sample) for sample in events], dtype=float)
        return self._all(FlatEvents.of_samples(events), [sample.ra for sample in events], n_events)

    def _with_far(self, near: NearEvents) -> NearEvents:
        """The same events with the far pairs of a whole sky."""
        near.low[:, :, 0] += self._far
        return near

    @cached_property
    def _far(self) -> np.ndarray:
        return far_ratios(self.analysis.samples, self.dec, self.densities)

    def _all(self, events: FlatEvents, ra: Sequence[np.ndarray], n_events: np.ndarray) -> NearEvents:
        return self._near(events, np.arange(len(events.order)), np.concatenate(ra)[events.order], n_events)

    def _near(self, events: FlatEvents, chosen: np.ndarray, ra: np.ndarray, n_events: np.ndarray) -> NearEvents:
        parts = stack_ratios(
            chosen,
            ra,
            events.records,
            self.cells.start,
            self.cells.source,
            self._sources,
            self.densities,
            smallest_ratio(self.analysis.n_events),
        )
        return NearEvents(*parts, n_events)

    @cached_property
    def _sources(self) -> np.ndarray:
        return np.column_stack((unit_vectors(self.ra, self.dec), self.extension**2))
