"""Pseudo-experiments: scrambled skies and injected signal, each trial with a random stream of its own.

The stream of a trial depends on the run's seed, what the trial is for and its number, and on nothing else: trials are
the same whatever the batch size, the order, the number of threads or the machine, and more can be added later.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nusky.search.hypothesis import Fit, Hypothesis
from nusky.search.sample import Sample


@dataclass(frozen=True)
class Trials:
    """Best fits of pseudo-experiments, each (n_trials,) float64; `n_injected` is the number of injected events."""

    n_injected: np.ndarray
    n_signal: np.ndarray
    gamma: np.ndarray
    ts: np.ndarray


def stream(seed: int, *keys: str | int) -> np.random.Generator:
    """The random stream of what `keys` name, from the run's `seed`."""
    numbers = [zlib.crc32(key.encode()) if isinstance(key, str) else int(key) for key in keys]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(numbers)))


def background_trials(hypothesis: Hypothesis, seed: int, name: str, first: int, n_trials: int) -> Trials:
    """Fits to scrambled skies number `first` ... `first + n_trials - 1` of the hypothesis called `name`."""
    return _collect(lambda rng: (hypothesis.fit_near(hypothesis.scrambled(rng)), 0), seed, name, first, n_trials)


def injected_trials(
    hypothesis: Hypothesis,
    inject: Callable[[np.random.Generator], Sequence[Sample]],
    seed: int,
    name: str,
    first: int,
    n_trials: int,
) -> Trials:
    """Fits to scrambled skies with signal; `inject` draws the signal events of one sky, one `Sample` per season."""

    def trial(rng: np.random.Generator) -> tuple[Fit, int]:
        signal = inject(rng)
        near = hypothesis.scrambled(rng).joined(hypothesis.injected(signal))
        return hypothesis.fit_near(near), sum(map(len, signal))

    return _collect(trial, seed, name, first, n_trials)


def _collect(
    trial: Callable[[np.random.Generator], tuple[Fit, int]], seed: int, name: str, first: int, n_trials: int
) -> Trials:
    rows = np.empty((n_trials, 4))
    for i in range(n_trials):
        fit, n_injected = trial(stream(seed, name, first + i))
        rows[i] = n_injected, fit.n_signal, fit.gamma, fit.ts
    return Trials(*rows.T)
