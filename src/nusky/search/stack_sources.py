"""What each source of a stack adds to its fit, and what is left without it.

The signal density of an event is the sum over the sources, S_i = sum_j S_ij. An event near a source adds
2 ln(1 + y r_i) to TS, y = x/(1 - x) and r_i = S_i/B_i, and is signal with the probability x r_i/(x r_i + 1 - x); both
are shared by the sources as S_ij/S_i. What all other events stand for, 2 ln(1 - x) each for TS, is shared as the signal
that the sources are expected to give. So both columns add up to the numbers of the stack.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nusky.errors import PhysicsError
from nusky.search.experiment import Experiment
from nusky.search.hypothesis import N_SPECTRA, Hypothesis


@dataclass(frozen=True)
class SourceShares:
    """What each source adds, (n_sources,) float64 each, in the order of the hypothesis.

    Attributes
    ----------
    expected : share of the expected signal; adds up to 1
    n_signal : fitted signal events; adds up to that of the stack
    ts : adds up to TS of the stack; below 0 where events are missing
    """

    expected: np.ndarray
    n_signal: np.ndarray
    ts: np.ndarray


def source_shares(hypothesis: Hypothesis, n_signal: float, gamma: float) -> SourceShares:
    """The shares of the sources at `n_signal` >= 0 and the index `gamma` of the data."""
    if not np.array_equal(hypothesis.gammas, [gamma]):
        hypothesis = hypothesis.with_gammas([gamma])
    sky, n = hypothesis.data(), len(hypothesis.sources)
    expected = hypothesis.per_source[:, 0].sum(axis=0)
    expected = expected / expected.sum()
    if n_signal == 0:
        return SourceShares(expected, np.zeros(n), np.zeros(n))
    signal, numbers = hypothesis.signal, hypothesis.analysis.response_numbers
    # The columns of spectra serve for the sources: each has the share of its own ones alone.
    copies = np.repeat(signal.density, N_SPECTRA, axis=4)

    def ratios(share: np.ndarray, density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        own = signal._replace(share=share, density=density, far=np.zeros((len(numbers), share.shape[2])))
        return hypothesis.density_ratios(sky, own)

    total, season = ratios(signal.share, signal.density)
    x = (n_signal * hypothesis.shares[0] / sky.n_events)[season]
    odds = x * total[:, 0] / (1 - x)
    added, probability = 2 * np.log1p(odds), odds / (1 + odds)
    per_ratio = np.stack([added, probability]) / np.where(total[:, 0] > 0, total[:, 0], 1.0)
    found = np.empty((2, n))
    for first in range(0, n, N_SPECTRA):
        own = np.arange(first, min(first + N_SPECTRA, n))
        share = np.zeros((*signal.share.shape[:2], N_SPECTRA), np.float32)
        share[:, own, own - first] = signal.share[:, own, 0]
        found[:, own] = (per_ratio @ ratios(share, copies)[0])[:, : len(own)]
    ts = hypothesis.likelihood(sky).test_statistic(n_signal, 0)
    return SourceShares(
        expected,
        found[1] + expected * (n_signal - probability.sum()),
        found[0] + expected * (ts - added.sum()),
    )


def without_each(experiment: Experiment, sources: Sequence[int] | None = None) -> np.ndarray:
    """Fits of the data without one source after the other, (n_sources, n_fits, 3): n_signal, gamma, TS.

    NaN where no season can see what is left, and for sources that are not among `sources`, if some are given.
    """
    n, sky = len(experiment.hypothesis.sources), experiment.hypothesis.data()
    found = np.full((n, len(experiment.fits(sky)), 3), np.nan)
    for j in range(n) if sources is None else sources:
        try:
            found[j] = _without(experiment, j).fits(sky)
        except PhysicsError:
            continue
    return found


def trials_without(experiment: Experiment, sources: Sequence[int], trials: range) -> np.ndarray:
    """TS of the experiment's own scrambled skies without each of some sources, (n_trials, n_sources, n_fits)."""
    left = [_without(experiment, j) for j in sources]
    return np.stack([[own.fits(sky)[:, 2] for own in left] for sky in map(experiment.scrambled, trials)])


def _without(experiment: Experiment, number: int) -> Experiment:
    return replace(experiment, hypothesis=experiment.hypothesis.without(number))
