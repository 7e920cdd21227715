"""Are local p-values uniform under the null?

The skies that are tested redraw the right ascension of every event; the background trials they are ranked in take the
short cut that draws near events only, from other random streams. So the test is of both.

A fit with n_s >= 0 gives TS = 0 in a large share of skies, and all of them have p = 1: the p-values (k+1)/(n+1) are
uniform only below 1 minus that share. Two tests: the share of skies with p <= a for small a, on the p-values as
reported; and a Kolmogorov-Smirnov test of p-values in which ties are broken at random, uniform throughout under the
null. The background trials are a sample too, so that test has the size n m/(n + m) of a two-sample test.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, kstest, kstwo

from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.scrambling import common_sky
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.trials import stream
from validation import page, samples

SEED = 4001
N_SKIES = 2000
N_BACKGROUND = 3000
SOURCES = {"northern": 41.3, "equatorial": 5.693, "southern": -32.0}
"""Name -> declination, deg."""
LEVELS = (0.01, 0.05, 0.1, 0.2)
LOWEST = 0.01
"""KS p-value below which a hypothesis misses: one in a hundred does by chance, and is tested once more."""
AGAIN, MORE = ", other random streams", 4
"""The second test takes other skies and background trials, and MORE times as many of both."""


@dataclass(frozen=True)
class Uniformity:
    """Outcome for one hypothesis; `shares` (n_levels,) of skies with p <= each level, `two_sided` their p-values,
    NaN at levels that the spike at TS = 0 puts out of reach."""

    share_at_zero: float
    distance: float
    ks_p_value: float
    shares: np.ndarray
    two_sided: np.ndarray


def full_skies(experiment: Experiment, n_skies: int) -> np.ndarray:
    """TS of skies with all right ascensions redrawn, or of windows with all times permuted, (n_skies,)."""
    ts, hypothesis = np.empty(n_skies), experiment.hypothesis
    for i in range(n_skies):
        rng = stream(experiment.seed, *experiment.keys, "full", i)
        if hypothesis.sources.profiles is not None:
            ts[i] = experiment.fits(hypothesis.common(*common_sky(hypothesis.analysis, rng, hypothesis.scramble)))[0, 2]
            continue
        ra = [2 * np.pi * rng.random(len(season)) for season in hypothesis.analysis.seasons]
        ts[i] = experiment.fits(hypothesis.sky(ra))[0, 2]
    return ts


def uniformity(observed: np.ndarray, background: np.ndarray) -> Uniformity:
    """Compare the TS of skies with background trials."""
    trials = BackgroundTrials(background)
    above = trials.n_trials - np.searchsorted(trials.sorted, observed, side="right")
    ties = trials.n_exceeding(observed) - above
    split = stream(SEED, "ties").random(len(observed))
    randomised = (above + split * (ties + 1)) / (trials.n_trials + 1)
    distance = kstest(randomised, "uniform").statistic
    size = len(observed) * trials.n_trials / (len(observed) + trials.n_trials)
    counts = np.array([np.count_nonzero(trials.p_value(observed) <= a) for a in LEVELS])
    n = len(observed)
    two_sided = np.minimum(1, 2 * np.minimum(binom.cdf(counts, n, LEVELS), binom.sf(counts - 1, n, LEVELS)))
    two_sided[np.array(LEVELS) >= 1 - np.mean(trials.sorted == 0)] = np.nan  # the spike leaves no such p-value
    return Uniformity(
        float(np.mean(observed == 0)), float(distance), float(kstwo.sf(distance, round(size))), counts / n, two_sided
    )


def experiments(analysis: Analysis) -> dict[str, Experiment]:
    """Three sources and the stack."""
    sources = {f"{name} source, declination {dec} deg": samples.point(dec) for name, dec in SOURCES.items()}
    sources["wcda-hess stack, 164 sources"] = samples.stack()
    return {name: samples.experiment(analysis, own, SEED, name) for name, own in sources.items()}


def make(n_skies: int = N_SKIES, n_background: int = N_BACKGROUND) -> str:
    rows = []
    waiting = list(experiments(samples.real(samples.data_folder())).items())
    while waiting:
        name, experiment = waiting.pop(0)
        times = MORE if name.endswith(AGAIN) else 1
        background = experiment.background(range(times * n_background))[:, 0, 2]
        found = uniformity(full_skies(experiment, times * n_skies), background)
        if found.ks_p_value <= LOWEST and not name.endswith(AGAIN):
            waiting.insert(0, (name + AGAIN, experiment.named(AGAIN)))
        shares = [f"{share:.4f} ({_verdict(p)})" for share, p in zip(found.shares, found.two_sided, strict=True)]
        verdict = "met" if found.ks_p_value > LOWEST else "MISSED"
        rows.append((name, f"{found.share_at_zero:.3f}", f"{found.distance:.4f}", f"{found.ks_p_value:.3f}", verdict))
        rows[-1] += tuple(shares)
        print(*rows[-1], flush=True)
    header = ("hypothesis", "share at TS = 0", "KS distance", "KS p-value", "p > 0.01")
    table = page.Table(
        f"Free gamma, space and energy. In brackets the two-sided binomial p-value of each share. Seed {SEED}, "
        f"{n_skies} skies, {n_background} background trials each.",
        header + tuple(f"p <= {a}" for a in LEVELS),
        rows,
    )
    about = (
        "Real events of IC40, IC79 and IC86_I with scrambled right ascensions; detector response of the fourteen-year "
        "release, version 1.0, as a stand-in. Skies redraw every event, background trials take the short cut to near "
        "events. All skies with TS = 0 have p = 1, so the shares are those of the p-values as reported, while the "
        "Kolmogorov-Smirnov test breaks ties at random and has the size n m/(n + m) of n skies and m trials. One test "
        f"in a hundred has a KS p-value below {LOWEST} by chance: what misses is tested once more with other random "
        f"streams and {MORE} times as many skies and trials, and both are shown."
    )
    return page.page("null", "P-values under the null", about, [table])


def _verdict(p_value: float) -> str:
    return "out of reach: TS = 0" if np.isnan(p_value) else f"{p_value:.2f}"


if __name__ == "__main__":
    page.main("null", make)
