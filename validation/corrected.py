"""Are the p-value of a run and that of a population uniform under the null, and what does sharing skies gain?

A run of 2 catalogues x 2 weightings x 3 indices looks at scrambled skies in place of data. All 12 searches look at the
same skies; each is ranked in trials of its own, as in production. The runs share their reference skies, so the
Kolmogorov-Smirnov test has the size n m/(n + m) of a two-sample test. A sky in which all searches have TS = 0 has
p = 1; ties are broken at random.

The binomial test looks at the northern sources of both catalogues, of which many lie within a degree of each other and
share events. Its local p-values come from other skies, its p-value from reference skies.
"""

import csv
from pathlib import Path

import numpy as np
from scipy.stats import kstest, kstwo

from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment, Indices, common_fits, sky_fits
from nusky.search.skymap.hottest import HORIZON
from nusky.search.sources import Sources
from nusky.search.statistics.population import binomial_statistic
from nusky.search.statistics.posttrial import ranking
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.trials import stream
from validation import page, samples

SEED = 5001
EVENT_FRACTION, SEASONS = 0.1, ("IC79", "IC86_I")
N_RUNS, N_SKIES, N_TRIALS = 500, 1000, 1000
N_LISTS = 1000
CATALOGUES, WEIGHTINGS, GAMMAS = ("wcda-hess", "km2a-hess"), ("uniform", "flux"), (2.0, 2.5, 3.0)
LEAST = 0.01
"""KS p-value that is to be exceeded."""
P_MAX = 0.1
SMALL = 0.1
"""Bonferroni's bound is compared for runs with a p-value of at most this one, where it is below 1."""
PUBLISHED = (4, 3.3e-5)
"""k and P of the 97 northern sources, IceCube, PRL 124, 051103."""


def uniformity(observed: np.ndarray, reference: np.ndarray) -> float:
    """KS p-value of ranks of `observed` among `reference` (both small is significant), ties broken at random."""
    n, m, reference = len(observed), len(reference), np.sort(reference)
    below = np.searchsorted(reference, observed, side="left")
    ties = np.searchsorted(reference, observed, side="right") - below
    ranked = (below + stream(SEED, "ties").random(n) * (ties + 1)) / (m + 1)
    return float(kstwo.sf(kstest(ranked, "uniform").statistic, round(n * m / (n + m))))


def stacks(analysis: Analysis) -> list[Experiment]:
    """The four stacks, each fitted at three indices."""
    indices = Indices(np.array(GAMMAS), free=False)
    return [
        Experiment.of(analysis, samples.stack(weighting, catalogue), indices, SEED, (catalogue, weighting))
        for catalogue in CATALOGUES
        for weighting in WEIGHTINGS
    ]


def smallest_local(analysis: Analysis, n: int, n_trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Of `n` common skies the smallest local p-value of all searches, and that without fitted tails, (n,) each."""
    tested = stacks(analysis)
    ts = common_fits(tested, SEED, range(n)).reshape(n, -1)
    own = np.concatenate([each.background(range(n_trials))[:, :, 2] for each in tested], axis=1)
    ranked, counted = (
        np.min([kind(trials).p_value(sky) for trials, sky in zip(own.T, ts.T, strict=True)], axis=0)
        for kind in (ranking, BackgroundTrials)
    )
    return ranked, counted


def of_runs(analysis: Analysis, n_runs: int, n_skies: int, n_trials: int) -> tuple[float, float, float, float, float]:
    """Of the p-values of runs: KS p-value, shares at most 0.05 and 0.01; median of the bound over them; share of 1."""
    ranked, counted = smallest_local(analysis, n_runs + n_skies, n_trials)
    data, skies = ranked[:n_runs], np.sort(ranked[n_runs:])
    p = (np.searchsorted(skies, data, side="right") + 1) / (n_skies + 1)
    bound = np.minimum(1.0, len(CATALOGUES) * len(WEIGHTINGS) * len(GAMMAS) * counted[:n_runs])
    small = p <= SMALL
    ratio = float(np.median(bound[small] / p[small])) if small.any() else 1.0
    return uniformity(data, skies), np.mean(p <= 0.05), np.mean(p <= 0.01), ratio, np.mean(p == 1)


def listed() -> Sources:
    """The northern sources of all catalogues."""
    found = [samples.stack("uniform", catalogue) for catalogue in CATALOGUES]
    ra, dec, extension = (np.concatenate([getattr(s, key) for s in found]) for key in ("ra", "dec", "extension"))
    north = dec > HORIZON
    return Sources.of(ra[north], dec[north], extension[north])


def of_lists(analysis: Analysis, n_lists: int, n_skies: int, n_trials: int) -> tuple[int, float, float]:
    """Number of sources, and KS p-values of the binomial test: from skies, and of P for independent sources."""
    sources, indices = listed(), Indices(np.array([2.5]), free=False)
    where = sources.ra, sources.dec, sources.extension
    n = n_lists + n_skies + n_trials
    ts = sky_fits(analysis, where, [indices] * len(sources), SEED, range(n))[:, :, 0]
    trials, skies = ts[:n_trials], ts[n_trials:]
    local = np.column_stack([BackgroundTrials(own).p_value(sky) for own, sky in zip(trials.T, skies.T, strict=True)])
    p = binomial_statistic(local, P_MAX)[1]
    return len(sources), uniformity(p[:n_lists], p[n_lists:]), float(kstest(p[:n_lists], "uniform").pvalue)


def published(folder: Path) -> tuple[int, float]:
    """The binomial test of the 97 northern sources of PRL 124, 051103."""
    with (folder / "reference" / "prl_124_051103.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if float(row["dec_deg"]) > -5]
    k, p = binomial_statistic([10 ** -float(row["neg_log10_p_local"]) for row in rows], P_MAX)
    return int(k), float(p)


def make(
    n_runs: int = N_RUNS,
    n_skies: int = N_SKIES,
    n_trials: int = N_TRIALS,
    n_lists: int = N_LISTS,
    event_fraction: float = EVENT_FRACTION,
) -> str:
    """The page; smaller numbers for a test."""
    analysis = samples.generated(event_fraction, SEASONS)
    ks, at_5, at_1, ratio, none = of_runs(analysis, n_runs, n_skies, n_trials)
    n_sources, of_skies, independent = of_lists(analysis, n_lists, n_skies, n_trials)
    k, p = published(samples.data_folder())
    met = {True: "met", False: "MISSED"}
    rows = [
        (f"KS p-value of {n_runs} runs", f"{ks:.3f}", f"> {LEAST}", met[ks > LEAST]),
        ("share of runs with p <= 0.05", f"{at_5:.3f}", "0.05", ""),
        ("share of runs with p <= 0.01", f"{at_1:.3f}", "0.01", ""),
        ("share of runs with p = 1: nothing in any search", f"{none:.3f}", "", ""),
        (f"Bonferroni's bound over p, median of runs with p <= {SMALL}", f"{ratio:.2f}", "> 1", met[ratio > 1]),
    ]
    header = ("what", "measured", "target", "verdict")
    run = page.Table(f"Runs of 12 searches, {n_skies} common skies, {n_trials} trials of each stack.", header, rows)
    rows = [
        ("97 northern sources of PRL 124, 051103: k", k, PUBLISHED[0], met[k == PUBLISHED[0]]),
        ("their P", f"{p:.2e}", f"{PUBLISHED[1]:.1e}", met[abs(p / PUBLISHED[1] - 1) < 0.05]),
        (f"KS p-value of {n_lists} lists, p from skies", f"{of_skies:.3f}", f"> {LEAST}", met[of_skies > LEAST]),
        ("KS p-value of the same lists, P of independent sources", f"{independent:.1e}", "", ""),
    ]
    where = f"{n_sources} northern sources of both catalogues in scrambled skies, each with {n_trials} trials"
    test = page.Table(f"Binomial test, p <= {P_MAX:g}; {where}.", header, rows)
    about = (
        f"Generated events, a fraction of {event_fraction:g} of {' and '.join(SEASONS)}, scrambled; stacks of "
        f"{' and '.join(CATALOGUES)} with {' and '.join(WEIGHTINGS)} weights at gamma = "
        f"{', '.join(f'{gamma:g}' for gamma in GAMMAS)}. Runs share their reference skies, so the Kolmogorov-Smirnov "
        f"test has the size n m/(n + m); ties are broken at random. Seed {SEED}."
    )
    return page.page("corrected", "One p-value for a run, and for a population", about, [run, test])


if __name__ == "__main__":
    page.main("corrected", make)
