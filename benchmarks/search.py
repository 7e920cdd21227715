"""The search as nusky does it, without files, its parts timed."""

import numpy as np

from benchmarks.measure import Clock
from benchmarks.sample import Sample, Stack
from nusky.conventions import PUBLISHED, Conventions
from nusky.detector.acceptance import acceptance_integrals, expected_signal
from nusky.detector.spectrum import power_laws
from nusky.likelihood.background import band_density
from nusky.likelihood.separation import near_pairs
from nusky.search.single_sources import SingleSourceResult, single_source_search
from nusky.search.stacking import SeasonPairs, StackingResult, scan, season_moments

PHI0_PER_EV = np.geomspace(1e-38, 1e-20, 1000)

ACCEPTANCE = "acceptance integrals and weights"
BACKGROUND = "background counts"
SIGNAL = "separations and stacked signal"
SCAN = "scan of the test statistic"
SINGLE = "signal and best n of every source"


def stack(
    sample: Sample, sources: Stack, phi0_per_ev: np.ndarray, clock: Clock, rules: Conventions = PUBLISHED
) -> list[StackingResult]:
    """Scans of all hypotheses of a stack, weightings outermost. One season's pairs are held at a time."""
    with clock.part(ACCEPTANCE):
        spectra = power_laws(sources.gammas, rules.log10_energy_limits_gev)
        integrals = acceptance_integrals(sample.areas, sample.exposure.responses, sources.dec, spectra, rules)
        hypotheses = [(weights, g) for weights in sources.model_weights for g in range(len(sources.gammas))]
        expected = [expected_signal(integrals[:, g], sample.exposure, weights, rules) for weights, g in hypotheses]
        source_weights = np.stack([e.source_weights for e in expected])
    with clock.part(BACKGROUND):
        everything = np.concatenate([events.dec for events in sample.seasons])
        background = [
            band_density(e.dec, everything if rules.pooled_seasons else e.dec, clipped=rules.clipped_poles)
            for e in sample.seasons
        ]
    moments = []
    with clock.part(SIGNAL):
        for k, events in enumerate(sample.seasons):
            pairs = near_pairs(events.ra, events.dec, events.ang_err, sources.ra, sources.dec)
            season = SeasonPairs(pairs.event, pairs.source, pairs.density, background[k])
            moments.append(season_moments(season, source_weights[:, k]))
    with clock.part(SCAN):
        return [
            scan([season[h] for season in moments], expected[h], spectra[g], phi0_per_ev, rules)
            for h, (_, g) in enumerate(hypotheses)
        ]


def single_sources(
    sample: Sample, ra: np.ndarray, dec: np.ndarray, clock: Clock, rules: Conventions = PUBLISHED
) -> SingleSourceResult:
    """Best fit of every source by itself."""
    events = sample.together()
    with clock.part(SINGLE):
        return single_source_search(events.ra, events.dec, events.ang_err, ra, dec, rules)
