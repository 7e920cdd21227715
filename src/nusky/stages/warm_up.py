"""Compiles every kernel once, so that parallel jobs find them in the cache instead of racing to write it."""

import logging
import time
from pathlib import Path

import numpy as np

from nusky.conventions import PUBLISHED, STANDARD
from nusky.detector.effective_area import EffectiveArea
from nusky.files import write_text
from nusky.likelihood.mixture import MixtureLikelihood
from nusky.likelihood.separation import near_pairs
from nusky.search import inference
from nusky.search.analysis import Analysis
from nusky.search.sample import Sample
from nusky.search.single_sources import single_source_search
from nusky.search.skymap.model import SkyModel
from nusky.search.stacking import SeasonPairs, stack_moments
from nusky.search.trials import stream

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
    sample = Sample.of_data(("season", "response", 1.0), angle, angle, np.full(100, 0.01), None)
    analysis = Analysis((sample,), {"response": area}, None)
    inject = inference.Injector(analysis)
    where = (angle[50:51], angle[50:51], np.zeros(1))
    for hypothesis in (analysis.source(0.0, 0.0), analysis.stack(*where, np.ones(1))):
        near = hypothesis.scrambled(stream(0, "warm-up"))
        inference.fits(hypothesis, near, free=False)
        inference.asymptotic_limit(hypothesis, hypothesis.data(), 0, 0.9)
        signal = inject(stream(0, "warm-up"), where, np.full((1, 1), 5.0), 2.0)
        hypothesis.fit_near(near.joined(hypothesis.injected(signal)))
    model = SkyModel.of_analysis(analysis, gamma=2.0)
    model.fit(model.data(), angle[:2], angle[:2])
