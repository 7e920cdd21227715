"""What fraction of the gamma rays of LHAASO's sources can be hadronic, by the real events at hand?

Every source of 1LHAASO by itself, with its own measured spectrum, and all together with one fraction.
"""

import numpy as np

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.hadronic import Detector, HadronicSpectra, hadronic_spectra, select
from nusky.search.hypothesis import Hypothesis
from nusky.stages.source_limits import hadronic_signal
from validation import page, samples

SEED = 4021
LEVEL = 0.9
CATALOGUE = "1lhaaso"


def real_events() -> Analysis:
    """The real events at hand with the effective areas of their own release, spatial only: it has no smearing there."""
    chosen = ICECUBE_10YR.select(list(samples.REAL_SEASONS))
    release = icecube_10yr.read(samples.data_folder() / "icecube_10year_ps", ICECUBE_10YR, chosen, check_counts=True)
    return Analysis.of_tables(release.seasons, list(release.events.values()), release.effective_area, release.smearing)


def row(analysis: Analysis, table: object, spectra: HadronicSpectra, name: str) -> tuple[object, ...]:
    """A line of the page: of one source, or of all `spectra` with one fraction."""
    detector = Detector(analysis.areas, analysis.responses, analysis.livetimes_s)
    events = spectra.expected_events(detector).sum()
    error = np.sqrt((spectra.events_error(detector) ** 2).sum())
    sources, own = hadronic_signal(table, spectra)
    experiment = Experiment(Hypothesis.of(analysis, sources, [own]), False, SEED, ("lhaaso", name))
    ((n_signal, _, ts),) = experiment.observed
    limit = experiment.asymptotic_limit(experiment.hypothesis.data(), own.parameter, LEVEL).n_signal
    low, high = spectra.energy_min_gev.min() / 1e3, spectra.energy_max_gev.max() / 1e3
    within = f"{events:.2g} ± {error:.1g}"
    return name, f"{low:g} to {high:g}", within, f"{n_signal:.1f}", f"{ts:.1f}", f"{limit:.1f}", f"{limit / events:.2g}"


def make(n_sources: int | None = None) -> str:
    """The page; with `n_sources` of those alone that have the most events."""
    analysis = real_events()
    table, _ = build_catalogue(config.Catalogue(lists=[{"builtin": CATALOGUE}]), CATALOGUE)
    spectra = hadronic_spectra(table)
    expected = spectra.expected_events(Detector(analysis.areas, analysis.responses, analysis.livetimes_s))
    order = np.argsort(-expected)[:n_sources]
    order = order[expected[order] > 0]
    rows = [row(analysis, table, select(spectra, [j]), spectra.names[j].strip()) for j in order]
    rows.insert(0, row(analysis, table, select(spectra, order), f"all {len(order)} together"))
    about = (
        f"Real events of {', '.join(samples.REAL_SEASONS)}, {int(analysis.n_events.sum())} of the ten-year release's "
        "1134450, with its effective areas; spatial likelihood, as no smearing tables are at hand. Every source emits "
        "the fraction f of the neutrinos that its measured gamma rays allow by the kinematic relation, at the energies "
        "at which they were measured; 1LHAASO states none, so 1 to 25 TeV of WCDA and 25 to 100 or 200 TeV of KM2A are "
        f"assumed. Limits at {LEVEL:.0%} are asymptotic: their coverage is not calibrated, so one below 1 "
        "excludes nothing yet; one above 1 never does."
    )
    header = ("source", "neutrino energies [TeV]", "events if hadronic", "n_s", "TS", "limit on n_s", "limit on f")
    return page.page(
        "lhaaso",
        "Hadronic fractions of LHAASO's sources",
        about,
        [page.Table("Most events first; the error of these is that of the gamma rays.", header, rows)],
    )


if __name__ == "__main__":
    page.main("lhaaso", make)
