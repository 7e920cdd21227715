"""A small generated release for the tests of the map."""

from dataclasses import replace

import numpy as np

from nusky.detector import effective_area, smearing
from nusky.likelihood.energy import LOG10_ENERGY_EDGES
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release
from nusky.search.analysis import Analysis
from nusky.search.sample import Sample
from nusky.sphere import displaced


def generated(folder, event_fraction, seasons=("IC79", "IC86_I"), with_energy=True) -> Analysis:
    release = registry.find("icecube-10yr")
    chosen = release.select(list(seasons))
    generate_release(folder, release, chosen, 3, event_fraction)
    canonical = icecube_10yr.read(folder, release, chosen, check_counts=False)
    samples = []
    for season in chosen:
        columns = canonical.events[season.name]
        ra, dec, err = (np.radians(columns[name].to_numpy()) for name in ("ra_deg", "dec_deg", "ang_err_deg"))
        energy = columns["log10_energy_gev"].to_numpy() if with_energy else None
        samples.append(Sample.of_data((season.name, season.response, season.livetime_s), ra, dec, err, energy))
    smear = smearing.from_table(canonical.smearing) if with_energy else None
    return Analysis(tuple(samples), effective_area.from_table(canonical.effective_area), smear)


def with_sources(analysis, sources, seed) -> tuple[Analysis, list[int]]:
    """The analysis with events of point sources (ra, dec [deg], expected events, gamma), and how many each brought.

    The signal is the one the likelihood describes: energies of the detector's response, angular errors of the
    background nearby, directions Gaussian with that error.
    """
    rng = np.random.default_rng(seed)
    columns = [
        {name: [getattr(sample, name)] for name in ("ra", "dec", "ang_err", "energy_bin")}
        for sample in analysis.samples
    ]
    counts = []
    for ra_deg, dec_deg, n_signal, gamma in sources:
        ra, dec = np.radians([ra_deg, dec_deg])
        share = analysis.expected(np.array([dec]), np.array([gamma]))[:, 0]
        drawn = analysis.inject(
            rng, (np.array([ra]), np.array([dec]), np.zeros(1)), n_signal * share / share.sum(), gamma
        )
        counts.append(sum(map(len, drawn)))
        for own, sample, signal in zip(columns, analysis.samples, drawn, strict=True):
            nearby = sample.ang_err[np.abs(np.sin(sample.dec) - np.sin(dec)) < 0.05]
            ang_err = rng.choice(nearby, len(signal))
            where = displaced(ra, dec, ang_err * rng.rayleigh(size=len(signal)), rng.uniform(0, 2 * np.pi, len(signal)))
            for name, values in zip(own, (*where, ang_err, signal.energy_bin), strict=True):
                own[name].append(values)
    middle = (LOG10_ENERGY_EDGES[1:] + LOG10_ENERGY_EDGES[:-1]) / 2
    samples = []
    for own, sample in zip(columns, analysis.samples, strict=True):
        ra, dec, ang_err, energy_bin = (np.concatenate(values) for values in own.values())
        samples.append(sample.with_events(ra, dec, ang_err, middle[energy_bin]))
    return replace(analysis, samples=tuple(samples)), counts
