"""A small generated release for the tests of the map."""

from dataclasses import replace

import numpy as np

from nusky.detector.spectrum import PowerLaw
from nusky.likelihood.energy import ANG_ERR_EDGES, LOG10_ENERGY_EDGES
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release
from nusky.search.analysis import Analysis
from nusky.search.injection import Injector, Signal
from nusky.search.sources import Sources


def generated(folder, event_fraction, seasons=("IC79", "IC86_I"), with_energy=True) -> Analysis:
    release = registry.find("icecube-10yr")
    chosen = release.select(list(seasons))
    generate_release(folder, release, chosen, 3, event_fraction)
    canonical = icecube_10yr.read(folder, release, chosen, check_counts=False)
    smearings = canonical.smearing if with_energy else canonical.smearing.slice(0, 0)
    events = [canonical.events[season.name] for season in chosen]
    return Analysis.of_tables(canonical.seasons, events, canonical.effective_area, smearings)


def with_sources(analysis, sources, seed) -> tuple[Analysis, list[int]]:
    """The analysis with events of point sources (ra, dec [deg], expected events, gamma), and how many each brought.

    The signal is the one the likelihood describes: what the detector makes of it.
    """
    rng = np.random.default_rng(seed)
    middle = (LOG10_ENERGY_EDGES[1:] + LOG10_ENERGY_EDGES[:-1]) / 2
    names = ("ra", "dec", "ang_err", "bin")
    columns = [{name: [getattr(season, name)] for name in names} for season in analysis.seasons]
    counts = []
    for ra_deg, dec_deg, n_signal, gamma in sources:
        ra, dec = np.radians([ra_deg, dec_deg])
        drawn = Injector(analysis)(rng, Signal.of(analysis, Sources.of(ra, dec), PowerLaw(gamma)), n_signal)
        counts.append(sum(map(len, drawn)))
        for own, signal in zip(columns, drawn, strict=True):
            for name in names:
                own[name].append(getattr(signal, name))
    seasons = []
    for own, season in zip(columns, analysis.seasons, strict=True):
        ra, dec, ang_err, bins = (np.concatenate(values) for values in own.values())
        seasons.append(season.with_events(ra, dec, ang_err, middle[bins // (len(ANG_ERR_EDGES) - 1)]))
    return replace(analysis, seasons=tuple(seasons)), counts
