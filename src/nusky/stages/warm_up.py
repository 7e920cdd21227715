"""Compiles every kernel once, so that parallel jobs find them in the cache instead of racing to write it."""

import logging
import time
from pathlib import Path

import numpy as np

from nusky.conventions import PUBLISHED, STANDARD
from nusky.files import write_text
from nusky.likelihood.mixture import MixtureLikelihood
from nusky.likelihood.separation import near_pairs
from nusky.search.single_sources import single_source_search
from nusky.search.stacking import SeasonPairs, stack_moments

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
    log.info("kernels ready after %.1f s", time.perf_counter() - start)
    write_text(output, "kernels compiled\n")
