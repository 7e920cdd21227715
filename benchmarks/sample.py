"""What the benchmarks run on: generated events of the ten-year release's size, and the catalogues."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.config import PRESETS, Catalogue
from nusky.conventions import PUBLISHED, Conventions
from nusky.detector.acceptance import Exposure
from nusky.detector.effective_area import EffectiveArea
from nusky.releases import generator_model
from nusky.releases.generator import generate_events, season_stream
from nusky.releases.registry import ICECUBE_10YR

SEED = 20220516


@dataclass(frozen=True)
class Events:
    """Events of one season: directions and angular errors, each (n_events,) float64, rad."""

    ra: np.ndarray
    dec: np.ndarray
    ang_err: np.ndarray

    def thinned(self, step: int) -> "Events":
        """Every `step`-th event."""
        return Events(*(np.ascontiguousarray(v[::step]) for v in (self.ra, self.dec, self.ang_err)))


@dataclass(frozen=True)
class Sample:
    """Seasons of events with the detector that recorded them."""

    seasons: list[Events]
    areas: dict[str, EffectiveArea]
    exposure: Exposure

    @property
    def n_events(self) -> int:
        return sum(len(events.ra) for events in self.seasons)

    def together(self) -> Events:
        """The events of all seasons."""
        return Events(*(np.concatenate([getattr(s, name) for s in self.seasons]) for name in ("ra", "dec", "ang_err")))

    def thinned(self, step: int) -> "Sample":
        """Every `step`-th event of every season."""
        return Sample([events.thinned(step) for events in self.seasons], self.areas, self.exposure)


@dataclass(frozen=True)
class Stack:
    """Sources and the hypotheses of their stack."""

    ra: np.ndarray
    dec: np.ndarray
    model_weights: list[np.ndarray]
    """One (n_sources,) array for every weighting."""
    gammas: tuple[float, ...]

    def thinned(self, step: int) -> "Stack":
        """Every `step`-th source."""
        weights = [weight[::step] for weight in self.model_weights]
        return Stack(self.ra[::step], self.dec[::step], weights, self.gammas)


def ten_years(event_fraction: float = 1.0) -> Sample:
    """Generated events of the ten seasons, 1 134 450 for `event_fraction` 1, with generated effective areas."""
    release = ICECUBE_10YR.seasons
    areas = {season.response: generator_model.effective_area(season.response) for season in release}
    return Sample(
        [_events(season, event_fraction) for season in release],
        {name: EffectiveArea(a.log10_enu_edges, a.dec_edges, a.aeff) for name, a in areas.items()},
        Exposure(
            tuple(season.response for season in release),
            np.array([season.livetime_s for season in release]),
            np.array([season.span_s for season in release]),
        ),
    )


def ready_made(catalogue: str) -> Stack:
    """A ready-made catalogue, weighted by the published conventions."""
    block = Catalogue(**PRESETS[catalogue])
    return stack_of(build_catalogue(block, catalogue)[0], block, PUBLISHED)


def stack_of(table: pa.Table, block: Catalogue, rules: Conventions) -> Stack:
    """The stack of a table "sources" with all weightings and indices of its catalogue block."""
    ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra_deg", "dec_deg"))
    weights = [model_weights(table, weighting, rules.name)[0] for weighting in block.weightings.values()]
    return Stack(ra, dec, weights, tuple(block.gammas))


def _events(season, event_fraction: float) -> Events:
    columns = generate_events(season, season_stream(SEED, season), round(season.n_events * event_fraction))
    return Events(*(np.radians(columns[name]) for name in ("ra_deg", "dec_deg", "ang_err_deg")))
