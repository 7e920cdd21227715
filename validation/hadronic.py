"""Is the hadronic fraction of all sources found again, and do its limits hold the truth?

Every source of a catalogue emits the fraction f of the neutrinos that its measured gamma rays allow, and one f is
fitted to all of them, as production does.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.far_pairs import far_of_each
from nusky.search.hadronic import Detector, hadronic_spectra, select
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.recovery import pseudo_experiments
from nusky.stages.source_limits import hadronic_signal
from validation import coverage, page, samples

SEED = 4009
CATALOGUES = ("km2a-hess", "wcda-hess")
N_SIGNAL = 50.0
N_TRIALS, N_COVERED = 200, 60
"""Pseudo-experiments of the fits, and of the limits; as many trials are at each strength of a limit."""
_WITHIN = 0.03


def experiment_of(analysis: Analysis, catalogue: str) -> tuple[Experiment, Signal, float]:
    """The fit of one fraction to a catalogue, its signal, and the events expected if all gamma rays are hadronic."""
    table, _ = build_catalogue(config.Catalogue(**config.PRESETS[catalogue]), catalogue)
    spectra = hadronic_spectra(table)
    spectra = select(spectra, ~spectra.repeated)
    detector = Detector(analysis.areas, analysis.responses, analysis.livetimes_s)
    spectra = select(spectra, spectra.expected_events(detector) > 0)
    sources, own = hadronic_signal(table, spectra)
    experiment = Experiment(Hypothesis.of(analysis, sources, [own]), False, SEED, ("hadronic", catalogue))
    return experiment, Signal.of(analysis, sources, own), float(spectra.expected_events(detector).sum())


def recovered(experiment: Experiment, signal: Signal, n_signal: float, n_trials: int) -> tuple[float, float]:
    """Mean of the fitted over the injected fraction, and its error."""
    skies = pseudo_experiments(experiment, signal, n_signal, n_trials)
    ratio = np.array([experiment.fits(sky)[0, 0] for sky in skies]) / n_signal
    return float(ratio.mean()), float(ratio.std(ddof=1) / np.sqrt(n_trials))


def mean_ratio(hypothesis: Hypothesis) -> float:
    """Mean of S/B over the events of scrambled skies, the seasons weighted with their share of the signal.

    It is 1 where the background's model describes the events; each 1 - mean takes as many variances of n_s from it.
    """
    analysis, dec = hypothesis.analysis, hypothesis.sources.dec
    whole = [replace(season, reach=np.zeros_like(season.reach)) for season in analysis.seasons]  # every pair is far
    densities = hypothesis._densities(np.arange(len(dec)))
    # The sum over a sky does not depend on the width of a source.
    sums = far_of_each(whole, analysis.response_numbers, (dec, 0.0), analysis.widths, densities)[:, :, 0]
    shares = hypothesis.response_shares[analysis.response_numbers][:, :, 0]
    return float(((sums * shares).sum(axis=1) / analysis.n_events) @ hypothesis.shares[0])


def make(
    event_fraction: float = 1.0,
    n_trials: int = N_TRIALS,
    n_covered: int = N_COVERED,
    n_signal: float = N_SIGNAL,
    catalogues: Sequence[str] = CATALOGUES,
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        analysis = samples.read_written(Path(folder))
    found, covered = [], []
    for catalogue in catalogues:
        experiment, signal, n_hadronic = experiment_of(analysis, catalogue)
        mean, error = recovered(experiment.named("recovery"), signal, n_signal, n_trials)
        verdict = "met" if abs(mean - 1) <= _WITHIN else "MISSED"
        fraction = f"{n_signal / n_hadronic:.2f}"
        n_sources = len(signal.spectra)
        ratio, events = f"{mean_ratio(experiment.hypothesis):.3f}", f"{n_hadronic:.1f}"
        found.append((catalogue, n_sources, events, fraction, ratio, f"{mean:.3f} ± {error:.3f}", verdict))
        print(*found[-1], flush=True)
        for at_zero, one in coverage.coverages(experiment.named("coverage"), signal, (n_signal,), n_covered):
            verdict = "met" if 0.88 <= one.coverage <= 0.92 else "MISSED"
            if at_zero > 1 - coverage.LEVEL and one.coverage > 0.92:
                verdict = "above, as TS = 0 demands"
            interval = f"{one.coverage_low:.3f} to {one.coverage_high:.3f}"
            fraction = f"{one.n_injected / n_hadronic:.2f}"
            covered.append(
                (catalogue, fraction, f"{at_zero:.3f}", one.method, f"{one.coverage:.3f}", interval, verdict)
            )
            print(*covered[-1], flush=True)
    about = (
        f"Generated ten-year release, {int(analysis.n_events.sum())} events with scrambled right ascensions, and the "
        "ten-year effective areas. Every source emits the fraction f of the neutrinos of its measured gamma rays "
        "(kinematic relation), with its own spectrum and range of energies; sources of an earlier list count once. f "
        f"is chosen so that {n_signal:g} events are expected of all sources. {n_trials} pseudo-experiments of fits, "
        f"{n_covered} of the limits, as many trials at each strength of these; seed {SEED}.\n\n"
        "Where the mean of S/B over the background is not 1, n_s is shifted by the difference times the variance of "
        "n_s, which is large for many extended sources with soft spectra. Trials have the same likelihood: p-values "
        "and limits allow for it."
    )
    tables = [
        page.Table(
            "The fitted fraction over the injected one.",
            (
                "catalogue",
                "sources",
                "events if hadronic",
                "injected f",
                "mean of S/B",
                "mean fitted f / injected",
                "within 3 %",
            ),
            found,
        ),
        page.Table(
            "Coverage of the 90 % upper limits on f; interval: Clopper-Pearson, 68 %.",
            ("catalogue", "f", "share at TS = 0", "method", "coverage", "interval", "0.88 to 0.92"),
            covered,
        ),
    ]
    return page.page("hadronic", "Hadronic fraction of all sources", about, tables)


if __name__ == "__main__":
    page.main("hadronic", make)
