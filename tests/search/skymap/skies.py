"""A small generated release for the tests of the map."""

from dataclasses import replace

import numpy as np

from nusky.detector.spectrum import PowerLaw
from nusky.likelihood.energy import LOG10_ENERGY_EDGES
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Sources
from nusky.search.injection import Injector, Signal
from nusky.sphere import displaced


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

    The signal is the one the likelihood describes: energies of the detector's response, angular errors of the
    background nearby, directions Gaussian with that error.
    """
    rng = np.random.default_rng(seed)
    columns = [
        {name: [getattr(season, name)] for name in ("ra", "dec", "ang_err", "energy_bin")}
        for season in analysis.seasons
    ]
    counts = []
    for ra_deg, dec_deg, n_signal, gamma in sources:
        ra, dec = np.radians([ra_deg, dec_deg])
        drawn = Injector(analysis)(rng, Signal.of(analysis, Sources.of(ra, dec), PowerLaw(gamma)), n_signal)
        counts.append(sum(map(len, drawn)))
        for own, season, signal in zip(columns, analysis.seasons, drawn, strict=True):
            nearby = season.ang_err[np.abs(np.sin(season.dec) - np.sin(dec)) < 0.05]
            ang_err = rng.choice(nearby, len(signal))
            where = displaced(ra, dec, ang_err * rng.rayleigh(size=len(signal)), rng.uniform(0, 2 * np.pi, len(signal)))
            for name, values in zip(own, (*where, ang_err, signal.energy_bin), strict=True):
                own[name].append(values)
    middle = (LOG10_ENERGY_EDGES[1:] + LOG10_ENERGY_EDGES[:-1]) / 2
    seasons = []
    for own, season in zip(columns, analysis.seasons, strict=True):
        ra, dec, ang_err, energy_bin = (np.concatenate(values) for values in own.values())
        seasons.append(season.with_events(ra, dec, ang_err, middle[energy_bin]))
    return replace(analysis, seasons=tuple(seasons)), counts
