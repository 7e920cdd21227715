"""Counting experiments whose sensitivities and limits are known in closed form."""

import numpy as np

from nusky.search.statistics.efficiency import InjectedTrials


def gaussian(width):
    """Trials of TS = (max(x, 0)/width)^2 with x Gaussian around the number of injected events."""

    def trial_ts(n_injected, n_trials, stream):
        x = np.random.default_rng([1, stream]).normal(n_injected, width, n_trials)
        return np.maximum(x, 0) ** 2 / width**2

    return trial_ts


def poisson(background):
    """Trials that count events."""

    def trial_ts(n_injected, n_trials, stream):
        return np.random.default_rng([2, stream]).poisson(n_injected + background, n_trials).astype(float)

    return trial_ts


def trials(trial_ts, n_background=100_000):
    return InjectedTrials(trial_ts, trial_ts(0.0, n_background, 10**6))
