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
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from nusky.detector.point_spread import GAMMA
from nusky.likelihood.energy import energy_bin
from nusky.search.analysis import Analysis
from nusky.search.injection import inject
from nusky.search.sample import Sample
from nusky.search.source import Source
from nusky.search.stack import Stack
from nusky.search.trials import background_trials, injected_trials, stream
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
class Recovery:
    """Means over trials, with the standard errors of the first two."""

    n_ratio: float
    n_ratio_error: float
    gamma: float
    gamma_error: float
    gamma_median: float


def signal(rng: np.random.Generator, source: Source, expected: np.ndarray, gamma: float, model: str) -> list[Sample]:
    """Signal events; `expected` (n_seasons,)."""
    sample = source.analysis
    where = tuple(np.array([value]) for value in (source.ra, source.dec, source.extension))
    seasons = inject(rng, where, expected[:, None], sample.areas, sample.smearings, sample.responses, gamma)
    for background, events in zip(sample.samples, seasons, strict=True):
        n = len(events["ra"])
        if model == "consistent":
            events["ang_err"] = background_ang_err(rng, background, source.dec, events["log10_energy"])
            psi = np.minimum(rng.rayleigh(1.0, n) * events["ang_err"], np.pi)
            azimuth = rng.uniform(0.0, 2 * np.pi, n)
            events["ra"], events["dec"] = displaced(np.full(n, source.ra), np.full(n, source.dec), psi, azimuth)
    return [
        background.with_events(events["ra"], events["dec"], events["ang_err"], events["log10_energy"])
        for background, events in zip(sample.samples, seasons, strict=True)
    ]


def background_ang_err(rng: np.random.Generator, sample: Sample, dec: float, log10_energy: np.ndarray) -> np.ndarray:
    """AngErr [rad] of random background events near `dec` in the energy bins of `log10_energy`, or the next filled."""
    near = np.flatnonzero(np.abs(np.sin(sample.dec) - np.sin(dec)) < _BAND)
    near = near[np.argsort(sample.energy_bin[near], kind="stable")]
    bins = sample.energy_bin[near]
    filled = np.unique(bins)
    nearest = filled[np.argmin(np.abs(filled - energy_bin(log10_energy)[:, None]), axis=1)]
    first, stop = np.searchsorted(bins, nearest, side="left"), np.searchsorted(bins, nearest, side="right")
    return sample.ang_err[near[rng.integers(first, stop)]]


def recovery(source: Source, gamma: float, number: float, model: str, n_trials: int, name: str) -> Recovery:
    """Fits to scrambled skies with Poisson(`number`) events of index `gamma`."""
    expected = source.analysis.expected(np.array([source.dec]), np.array([gamma]))[:, 0, 0]
    expected = number * expected / expected.sum()
    trials = injected_trials(source, lambda rng: signal(rng, source, expected, gamma, model), SEED, name, 0, n_trials)
    found = trials.gamma[np.isfinite(trials.gamma)]
    injected = trials.n_injected.mean()
    return Recovery(
        trials.n_signal.mean() / injected,
        float(np.std(trials.n_signal - trials.n_injected) / np.sqrt(n_trials) / injected),
        found.mean(),
        float(found.std() / np.sqrt(len(found))),
        float(np.median(found)),
    )


def shares(stack: Stack, gamma: float, n_expected: float) -> tuple[float, float, int]:
    """Chi-square, its p-value and the degrees of freedom of the numbers of events injected from each source."""
    sample = stack.analysis
    expected = sample.expected(stack.dec, np.array([gamma]))[:, 0] * stack.weights
    expected *= n_expected / expected.sum()
    rng = stream(SEED, "shares")
    where = (stack.ra, stack.dec, stack.extension)
    seasons = inject(rng, where, expected, sample.areas, sample.smearings, sample.responses, gamma)
    counts = np.bincount(np.concatenate([events["source"] for events in seasons]), minlength=len(stack.ra))
    mean = expected.sum(axis=0)
    statistic = float(np.sum((counts - mean) ** 2 / mean))
    return statistic, float(chi2.sf(statistic, len(mean))), len(mean)


def table(about: str, by_index: dict[float | None, Analysis], name: str) -> page.Table:
    """`by_index`: analyses by the index of their point spread, None for a Gaussian."""
    sources = {index: sample.source(2.0, np.radians(DEC_DEG)) for index, sample in by_index.items()}
    rows: list[Sequence[object]] = []
    for model, spread in MODELS:
        for gamma in GAMMAS:
            source = sources[{"gaussian": None, "smearing": GAMMA, "same index": gamma}[spread]]
            for number in NUMBERS:
                key = f"{name} {model} {gamma} {number}"
                found = recovery(source, gamma, number, model, N_TRIALS, key)
                inside = abs(found.n_ratio - 1) <= 0.05, abs(found.gamma - gamma) <= 0.1
                rows.append(
                    (
                        f"{model}, {spread}",
                        gamma,
                        number,
                        f"{found.n_ratio:.3f} ± {found.n_ratio_error:.3f}",
                        f"{found.gamma - gamma:+.3f} ± {found.gamma_error:.3f}",
                        f"{found.gamma_median - gamma:+.3f}",
                        *("met" if ok else "MISSED" for ok in inside),
                    )
                )
                print(name, *rows[-1], flush=True)
    alone = {
        spread: background_trials(sources[index], SEED, f"{name} alone", 0, N_TRIALS).n_signal.mean()
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


def make() -> str:
    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder))
        generated = {index: samples.read_written(Path(folder), point_spread=index) for index in (None, *GAMMAS)}
    found = [table("Generated ten-year release, 1 134 450 events.", generated, "generated")]
    flux_stack = samples.stack(generated[None], np.array([2.5]), "flux")
    statistic, p_value, freedom = shares(flux_stack, 2.5, 200_000)
    folder = samples.data_folder()
    real = {index: samples.real(folder, point_spread=index) for index in generated}
    about = "Real events of IC40, IC79 and IC86_I, fourteen-year response (version 1.0) as a stand-in."
    found.append(table(about, real, "real"))
    share = page.Table(
        "Every source of wcda-hess (flux weights) receives its share of 200 000 injected events at gamma 2.5.",
        ("chi-square", "degrees of freedom", "p-value"),
        [(f"{statistic:.1f}", freedom, f"{p_value:.3f}")],
    )
    text = (
        f"One source at declination {DEC_DEG} deg, gamma free in [1, 4], Poisson numbers of events; seed {SEED}, "
        f"{N_TRIALS} trials per row. `smearing, smearing`: injected from the smearing rows, fitted with "
        "`point_spread: smearing`, which describes an index of 2.5. `smearing, same index`: fitted with "
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
