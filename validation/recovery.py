"""Does the fit find what was injected?

Signal is injected as the search injects, from the smearing rows, at four declinations and three indices, and fitted
with the likelihood of production. Nothing is chosen: n_s and gamma are free in all fits.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from nusky.detector.spectrum import PowerLaw
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.injection import Signal
from nusky.search.recovery import Recovery, pseudo_experiments, recover
from nusky.search.sources import Sources
from nusky.search.trials import stream
from validation import page, samples

SEED = 4002
N_TRIALS = 300
DECS_DEG = (-32.0, -5.0, 5.693, 41.3)
GAMMAS = (2.0, 2.5, 3.0)
NUMBERS = (10, 30, 100)
_WITHIN = 0.06, 0.1
"""What is asked for: n_s over what was injected, and gamma."""
_INTERVAL = 0.64, 0.72
"""Coverage of the 68 % intervals of n_s that is asked for."""


def recovery(experiment: Experiment, gamma: float, n_injected: float, n_trials: int) -> tuple[Recovery, float, float]:
    """Fits to scrambled skies with Poisson(`n_injected`) events of index `gamma`, the median of their indices, and how
    often the 68 % interval of n_s, gamma profiled, holds `n_injected`."""
    hypothesis = experiment.hypothesis
    signal = Signal.of(hypothesis.analysis, hypothesis.sources, PowerLaw(gamma))
    fits, inside = [], 0
    for sky in pseudo_experiments(experiment, signal, n_injected, n_trials):
        likelihood = hypothesis.likelihood(sky)
        fit = likelihood.fit()
        fits.append((fit.n_signal, fit.gamma, fit.ts))
        inside += likelihood.profiled(n_injected) >= fit.ts - 1.0
    found = np.array(fits)
    return recover(experiment, gamma, n_injected, found), float(np.nanmedian(found[:, 1])), inside / n_trials


def shares(analysis: Analysis, sources: Sources, gamma: float, n_expected: float) -> tuple[float, float, int]:
    """Chi-square, its p-value and the degrees of freedom of the numbers of events injected from each source."""
    signal = Signal.of(analysis, sources, PowerLaw(gamma))
    seasons = samples.drawn(stream(SEED, "shares"), analysis, signal, n_expected)
    counts = np.bincount(np.concatenate([events["source"] for events in seasons]), minlength=len(sources))
    mean = n_expected * signal.share.sum(axis=0)
    statistic = float(np.sum((counts - mean) ** 2 / mean))
    return statistic, float(chi2.sf(statistic, len(mean))), len(mean)


def table(about: str, analysis: Analysis, name: str, n_trials: int) -> page.Table:
    """Recovery of point sources in one release."""
    rows: list[Sequence[object]] = []
    for dec_deg in DECS_DEG:
        experiment = samples.experiment(analysis, samples.point(dec_deg), SEED, name, f"{dec_deg:g}")
        for gamma in GAMMAS:
            for number in NUMBERS:
                found, median, covered = recovery(experiment.named(f"{gamma:g}"), gamma, number, n_trials)
                ratio, off = found.n_fitted_mean / number, found.gamma_fitted_mean - gamma
                inside = abs(ratio - 1) <= _WITHIN[0], abs(off) <= _WITHIN[1]
                rows.append(
                    (
                        f"{dec_deg:g}",
                        gamma,
                        number,
                        f"{ratio:.3f} ± {found.n_fitted_error / number:.3f}",
                        f"{off:+.3f} ± {found.gamma_fitted_error:.3f}",
                        f"{median - gamma:+.3f}",
                        f"{covered:.2f} ± {np.sqrt(covered * (1 - covered) / n_trials):.2f}",
                        *("met" if ok else "MISSED" for ok in (*inside, _INTERVAL[0] <= covered <= _INTERVAL[1])),
                    )
                )
                print(name, *rows[-1], flush=True)
    header = (
        "dec [deg]",
        "gamma",
        "events",
        "mean n_s / injected",
        "mean gamma − injected",
        "median gamma − injected",
        "68 % intervals cover",
        "n_s within 6 %",
        "gamma within 0.1",
        "intervals 0.64 to 0.72",
    )
    return page.Table(about, header, rows)


def make(event_fraction: float = 1.0, n_trials: int = N_TRIALS) -> str:
    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        generated = samples.read_written(Path(folder))
    about = f"Generated ten-year release, {int(generated.n_events.sum())} events."
    found = [table(about, generated, "generated", n_trials)]
    statistic, p_value, freedom = shares(generated, samples.stack("flux"), 2.5, 200_000)
    about = "Real events of IC40, IC79 and IC86_I, fourteen-year response (version 1.0) as a stand-in."
    found.append(table(about, samples.real(samples.data_folder()), "real", n_trials))
    share = page.Table(
        "Every source of wcda-hess (flux weights) receives its share of 200 000 injected events at gamma 2.5.",
        ("chi-square", "degrees of freedom", "p-value"),
        [(f"{statistic:.1f}", freedom, f"{p_value:.3f}")],
    )
    text = (
        "Point sources injected from the smearing rows and fitted as in production, gamma free in [1, 4]. Poisson "
        f"numbers of events, whose spread is in the errors; seed {SEED}, {n_trials} trials per row. With few events "
        "n_s >= 0 and the free gamma pick up fluctuations of the background. Gamma is averaged over trials with "
        "n_s > 0."
    )
    return page.page("recovery", "Injection and recovery", text, [*found, share])


if __name__ == "__main__":
    page.main("recovery", make)
