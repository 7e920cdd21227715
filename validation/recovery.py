"""Does the fit find what was injected?

Four cases, with the same true energies:

- `smearing, smearing`: injected as the search injects, from the smearing rows; fitted with the point spread of the
  smearing tables (`inference.point_spread: smearing`), which describes an index of 2.5 unless told otherwise;
- `smearing, same index`: the same, with `inference.point_spread_gamma` the injected index;
- `smearing, gaussian`: the same events, fitted with a Gaussian of width AngErr, the default;
- `consistent, gaussian`: AngErr redrawn from background events of the same declination and energy, and the PSF angle
  from a Gaussian of that width: exactly what the default likelihood describes, so this tests the fit alone. The
  default takes the distribution of AngErr at a given energy to be that of the background (G. Punzi, PHYSTAT 2003,
  physics/0401045).
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from nusky.detector.point_spread import GAMMA
from nusky.detector.spectrum import PowerLaw
from nusky.likelihood.energy import energy_bin
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.hypothesis import Sources
from nusky.search.injection import Signal
from nusky.search.recovery import Recovery, pseudo_experiments, recover
from nusky.search.season import SeasonEvents
from nusky.search.trials import stream
from nusky.sphere import displaced
from validation import page, samples

SEED = 4002
N_TRIALS = 300
DEC_DEG = 5.693
GAMMAS = (2.0, 2.5, 3.0)
NUMBERS = (10, 30, 100)
MODELS = (
    ("smearing", "smearing"),
    ("smearing", "same index"),
    ("smearing", "gaussian"),
    ("consistent", "gaussian"),
)
"""Injection and the likelihood's point spread."""
_BAND = 0.05
"""Half-width in sin(dec) of the band whose background events lend their AngErr."""


@dataclass(frozen=True)
class ConsistentInjector:
    """Draws what the default likelihood describes, of one point source."""

    analysis: Analysis

    def __call__(self, rng: np.random.Generator, signal: Signal, n_injected: float) -> list[SeasonEvents]:
        """Poisson(`n_injected`) signal events of one sky, one `SeasonEvents` per season."""
        made = []
        drawn = samples.drawn(rng, self.analysis, signal, n_injected)
        ra, dec = signal.sources.ra[0], signal.sources.dec[0]
        for season, events in zip(self.analysis.seasons, drawn, strict=True):
            energies, n = events["log10_energy"], len(events["ra"])
            ang_err = background_ang_err(rng, season, dec, energies)
            psi = np.minimum(rng.rayleigh(1.0, n) * ang_err, np.pi)
            at = displaced(np.full(n, ra), np.full(n, dec), psi, rng.uniform(0.0, 2 * np.pi, n))
            made.append(season.with_events(*at, ang_err, energies))
        return made


class ConsistentExperiment(Experiment):
    """The experiments of production, with signal as the default likelihood describes it."""

    @cached_property
    def inject(self) -> ConsistentInjector:
        """Draws the signal events of a sky."""
        return ConsistentInjector(self.hypothesis.analysis)


KINDS = {"smearing": Experiment, "consistent": ConsistentExperiment}


def background_ang_err(
    rng: np.random.Generator, season: SeasonEvents, dec: float, log10_energy: np.ndarray
) -> np.ndarray:
    """AngErr [rad] of random background events near `dec` in the energy bins of `log10_energy`, or the next filled."""
    near = np.flatnonzero(np.abs(np.sin(season.dec) - np.sin(dec)) < _BAND)
    near = near[np.argsort(season.energy_bin[near], kind="stable")]
    bins = season.energy_bin[near]
    filled = np.unique(bins)
    nearest = filled[np.argmin(np.abs(filled - energy_bin(log10_energy)[:, None]), axis=1)]
    first, stop = np.searchsorted(bins, nearest, side="left"), np.searchsorted(bins, nearest, side="right")
    return season.ang_err[near[rng.integers(first, stop)]]


def recovery(experiment: Experiment, gamma: float, n_injected: float, n_trials: int) -> tuple[Recovery, float]:
    """Fits to scrambled skies with Poisson(`n_injected`) events of index `gamma`, and the median of their indices."""
    hypothesis = experiment.hypothesis
    signal = Signal.of(hypothesis.analysis, hypothesis.sources, PowerLaw(gamma))
    skies = pseudo_experiments(experiment, signal, n_injected, n_trials)
    fits = np.array([experiment.fits(sky)[0] for sky in skies])
    return recover(experiment, gamma, n_injected, fits), float(np.nanmedian(fits[:, 1]))


def shares(analysis: Analysis, sources: Sources, gamma: float, n_expected: float) -> tuple[float, float, int]:
    """Chi-square, its p-value and the degrees of freedom of the numbers of events injected from each source."""
    signal = Signal.of(analysis, sources, PowerLaw(gamma))
    seasons = samples.drawn(stream(SEED, "shares"), analysis, signal, n_expected)
    counts = np.bincount(np.concatenate([events["source"] for events in seasons]), minlength=len(sources))
    mean = n_expected * signal.share.sum(axis=0)
    statistic = float(np.sum((counts - mean) ** 2 / mean))
    return statistic, float(chi2.sf(statistic, len(mean))), len(mean)


def table(about: str, by_index: dict[float | None, Analysis], name: str, n_trials: int) -> page.Table:
    """`by_index`: analyses by the index of their point spread, None for a Gaussian."""
    source = samples.point(DEC_DEG)
    of = {
        kind: {index: samples.experiment(one, source, SEED, name, kind=made) for index, one in by_index.items()}
        for kind, made in KINDS.items()
    }
    rows: list[Sequence[object]] = []
    for model, spread in MODELS:
        for gamma in GAMMAS:
            index = {"gaussian": None, "smearing": GAMMA, "same index": gamma}[spread]
            experiment = of[model][index].named(model, f"{gamma:g}")
            for number in NUMBERS:
                found, median = recovery(experiment, gamma, number, n_trials)
                ratio, off = found.n_fitted_mean / number, found.gamma_fitted_mean - gamma
                inside = abs(ratio - 1) <= 0.05, abs(off) <= 0.1
                rows.append(
                    (
                        f"{model}, {spread}",
                        gamma,
                        number,
                        f"{ratio:.3f} ± {found.n_fitted_error / number:.3f}",
                        f"{off:+.3f} ± {found.gamma_fitted_error:.3f}",
                        f"{median - gamma:+.3f}",
                        *("met" if ok else "MISSED" for ok in inside),
                    )
                )
                print(name, *rows[-1], flush=True)
    alone = {
        spread: of["smearing"][index].background(range(n_trials))[:, 0, 0].mean()
        for spread, index in (("smearing", GAMMA), ("gaussian", None))
    }
    header = (
        "injection, point spread",
        "gamma",
        "events",
        "mean n_s / injected",
        "mean gamma − injected",
        "median gamma − injected",
        "n_s within 5 %",
        "gamma within 0.1",
    )
    without = ", ".join(f"{number:.2f} ({spread})" for spread, number in alone.items())
    return page.Table(f"{about} Mean n_s without signal: {without}.", header, rows)


def make(event_fraction: float = 1.0, n_trials: int = N_TRIALS) -> str:
    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        generated = {index: samples.read_written(Path(folder), point_spread=index) for index in (None, *GAMMAS)}
    about = f"Generated ten-year release, {int(generated[None].n_events.sum())} events."
    found = [table(about, generated, "generated", n_trials)]
    statistic, p_value, freedom = shares(generated[None], samples.stack("flux"), 2.5, 200_000)
    folder = samples.data_folder()
    real = {index: samples.real(folder, point_spread=index) for index in generated}
    about = "Real events of IC40, IC79 and IC86_I, fourteen-year response (version 1.0) as a stand-in."
    found.append(table(about, real, "real", n_trials))
    share = page.Table(
        "Every source of wcda-hess (flux weights) receives its share of 200 000 injected events at gamma 2.5.",
        ("chi-square", "degrees of freedom", "p-value"),
        [(f"{statistic:.1f}", freedom, f"{p_value:.3f}")],
    )
    text = (
        f"One source at declination {DEC_DEG} deg, gamma free in [1, 4], Poisson numbers of events, whose spread is in "
        f"the errors; seed {SEED}, {n_trials} trials per row. `smearing, smearing`: injected from the smearing rows, "
        "fitted with `point_spread: smearing`, which describes an index of 2.5. `smearing, same index`: fitted with "
        "`point_spread_gamma` set to the injected index. `smearing, gaussian`: fitted with the default, a Gaussian as "
        "wide as AngErr. "
        "`consistent, gaussian`: AngErr and PSF angle redrawn from what the default describes, which tests the fit "
        "alone. With few events n_s >= 0 and the free gamma pick up fluctuations of the background: compare n_s "
        "without signal. Sensitivities and limits are built from trials with injected events, so all of this is in "
        "them. Gamma is averaged over trials with n_s > 0."
    )
    return page.page("recovery", "Injection and recovery", text, [*found, share])


if __name__ == "__main__":
    page.main("recovery", make)
