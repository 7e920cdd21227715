"""A small analysis of two seasons whose events have times, and profiles of sources in it."""

from dataclasses import replace

import numpy as np

from nusky.detector.effective_area import EffectiveArea
from nusky.search.analysis import Analysis
from nusky.search.season import SeasonEvents
from nusky.search.time_profile import Box, Decay, Gaussian, GoodRuns, LightCurve, Steady

RUNS = (GoodRuns.of([55000, 55200], [55150, 55300]), GoodRuns.of([55300], [55700]))
CURVE = LightCurve.of(np.arange(55050, 55650, 50), np.arange(55100, 55700, 50), np.arange(12) % 5 / 2)
PROFILES = {
    "box": Box(55100, 55330),
    "gaussian": Gaussian(55290, 20),
    "decay": Decay(55120, 40, 1.2),
    "light curve": CURVE,
    "steady": Steady(),
}
AT = np.array([[1.0, 4.0, 2.5], [0.4, -0.2, 0.1]])
WEIGHTS = np.array([0.5, 0.3, 0.2])


def times(rng, runs, n):
    return Steady().draw(rng, runs, n)


def analysis(n=(3000, 4000), seed=1):
    rng, seasons = np.random.default_rng(seed), []
    for k, runs in enumerate(RUNS):
        ra, dec = rng.uniform(0, 2 * np.pi, n[k]), np.arcsin(rng.uniform(-1, 1, n[k]))
        ra[:60], dec[:60] = np.repeat(AT, 20, axis=1) + rng.normal(0, 0.01, (2, 60))
        known = (f"season {k}", "response", 86400 * runs.livetime)
        made = SeasonEvents.of_data(known, ra, dec, rng.uniform(0.005, 0.02, n[k]), None)
        seasons.append(replace(made, mjd=times(rng, runs, n[k])))
    edges = np.array([-np.pi / 2, 0.0, np.pi / 2])
    area = EffectiveArea(np.array([2.0, 4.0, 9.0]), edges, np.array([[1.0, 3.0], [8.0, 4.0]]))
    return Analysis(tuple(seasons), {"response": area}, None, runs=RUNS)
