"""A small generated release for the tests of the map."""

import numpy as np

from nusky.config import InjectedSource
from nusky.detector import effective_area, smearing
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release
from nusky.search.analysis import Analysis
from nusky.search.sample import Sample


def generated(folder, event_fraction, sources=(), seasons=("IC79", "IC86_I"), with_energy=True) -> Analysis:
    release = registry.find("icecube-10yr")
    chosen = release.select(list(seasons))
    injected = [InjectedSource(ra_deg=r, dec_deg=d, n_signal=n, gamma=g) for r, d, n, g in sources]
    generate_release(folder, release, chosen, 3, event_fraction, injected)
    canonical = icecube_10yr.read(folder, release, chosen, check_counts=False)
    samples = []
    for season in chosen:
        columns = canonical.events[season.name]
        ra, dec, err = (np.radians(columns[name].to_numpy()) for name in ("ra_deg", "dec_deg", "ang_err_deg"))
        energy = columns["log10_energy_gev"].to_numpy() if with_energy else None
        samples.append(Sample.of_data((season.name, season.response, season.livetime_s), ra, dec, err, energy))
    smear = smearing.from_table(canonical.smearing) if with_energy else None
    return Analysis(tuple(samples), effective_area.from_table(canonical.effective_area), smear)
