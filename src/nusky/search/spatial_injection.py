"""Injection of signal for releases without smearing tables: each event is as far from its source as its AngErr says.

The angular errors come from the season's own events near the source's declination, so they are those of the
background: a stand-in, which every result that rests on it names (`injection: gaussian`).
"""

from collections.abc import Sequence

import numpy as np

from nusky.conventions import BAND_HALF_WIDTH_DEG
from nusky.search.sample import Sample
from nusky.sphere import displaced

MIN_EVENTS = 20
"""Events the angular errors are drawn from at least: near the poles the band is widened to that many."""


class GaussianInjection:
    """Draws signal events around sources from the angular errors of the seasons' own events."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = tuple(samples)
        self._orders = [np.argsort(sample.dec, kind="stable") for sample in samples]
        self._decs = [sample.dec[order] for sample, order in zip(samples, self._orders, strict=True)]
        self._errors = [sample.ang_err[order] for sample, order in zip(samples, self._orders, strict=True)]

    def __call__(
        self,
        rng: np.random.Generator,
        sources: tuple[np.ndarray, np.ndarray, np.ndarray],
        expected: np.ndarray,
        gamma: float,
    ) -> list[Sample]:
        """Signal events of one sky, one `Sample` per season.

        Parameters
        ----------
        sources : ra, dec, Gaussian width, each (n_sources,) rad
        expected : (n_seasons, n_sources) float64
            Mean number of events; the number drawn is Poisson.
        gamma : without effect, as no energy is drawn
        """
        ra, dec, extension = sources
        events = []
        for k, sample in enumerate(self._samples):
            source = np.repeat(np.arange(len(ra)), rng.poisson(expected[k]))
            first, stop = self._band(k, dec[source])
            ang_err = self._errors[k][first + (rng.random(len(source)) * (stop - first)).astype(np.int64)]
            width = np.hypot(ang_err, extension[source])  # both displacements are Gaussian, so they add in quadrature
            distance = np.minimum(rng.rayleigh(1.0, len(source)) * width, np.pi)
            event = displaced(ra[source], dec[source], distance, rng.uniform(0.0, 2 * np.pi, len(source)))
            events.append(sample.with_events(*event, ang_err, None))
        return events

    def _band(self, season: int, dec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First and one past the last event, in order of declination, within the band around `dec`."""
        half_width, decs = np.radians(BAND_HALF_WIDTH_DEG), self._decs[season]
        first = np.searchsorted(decs, dec - half_width)
        stop = np.searchsorted(decs, dec + half_width, side="right")
        least = min(MIN_EVENTS, len(decs))
        missing = np.maximum(least - (stop - first), 0)
        first = np.clip(first - (missing + 1) // 2, 0, len(decs) - least)
        return first, np.maximum(stop, first + least)
