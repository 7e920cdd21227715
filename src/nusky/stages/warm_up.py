"""Compiles every kernel once, so that parallel jobs find them in the cache instead of racing to write it."""

import logging
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from nusky.conventions import PUBLISHED, STANDARD
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import PowerLaw
from nusky.files import write_text
from nusky.likelihood.mixture import MixtureLikelihood
from nusky.likelihood.separation import near_pairs
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices, sky_fits
from nusky.search.injection import Signal
from nusky.search.season import SeasonEvents
from nusky.search.single_sources import single_source_search
from nusky.search.sources import Sources
from nusky.search.stacking import SeasonPairs, stack_moments
from nusky.search.time_profile import Box, Flare, GoodRuns

log = logging.getLogger(__name__)


def warm_up(output: Path) -> None:
    """Call every kernel of the search on a handful of events."""
    start = time.perf_counter()
    angle = np.linspace(0.1, 0.5, 5)
    pairs = near_pairs(angle, angle, angle, angle, angle)
    season = SeasonPairs(pairs.event, pairs.source, pairs.density, np.ones(5))
    [[moments]] = stack_moments([season], np.ones((1, 1, 5)))
    MixtureLikelihood((moments,), (1.0,))(angle)
    for rules in (PUBLISHED, STANDARD):
        single_source_search(angle, angle, angle, angle, angle, rules)
    _warm_up_inference()
    log.info("kernels ready after %.1f s", time.perf_counter() - start)
    write_text(output, "kernels compiled\n")


def _warm_up_inference() -> None:
    area = EffectiveArea(np.array([2.0, 9.0]), np.array([-np.pi / 2, np.pi / 2]), np.ones((1, 1)))
    angle = np.linspace(-1.0, 1.0, 100)
    season = SeasonEvents.of_data(("season", "response", 1.0), angle, angle, np.full(100, 0.01), None)
    analysis = Analysis((season,), {"response": area}, None)
    sources, indices = Sources.of(angle[50:52], angle[50:52]), Indices(np.array([2.0]), free=False)
    experiment = Experiment.of(analysis, sources, indices, 0, ("warm-up",))
    experiment.injected(Signal.of(analysis, sources, PowerLaw(2.0)), 5.0, 1)
    experiment.asymptotic_limit(experiment.hypothesis.data(), 2.0, 0.9)
    runs = (GoodRuns.of([55000.0], [55100.0]),)
    timed = replace(analysis, seasons=(replace(season, mjd=55000 + 100 * (angle + 1) / 2),), runs=runs)
    for profile in (Flare(1.0, 50.0), Box(55010.0, 55050.0)):
        own = Sources.of(angle[50:51], angle[50:51], profiles=profile)
        Experiment.of(timed, own, indices, 0, ("warm-up",)).background(range(1))
    sky_fits(analysis, (angle[:2], angle[:2], angle[:2] * 0), [indices] * 2, 0, range(1))
