"""Unknown flares on real events: the public release around TXS 0506+056 (doi:10.21234/B4QG92).

The flare of 2014-15 is looked for among all windows of 1 to 300 days; skies without a source, whose events are drawn
anew in the cone, must have uniform p-values; injected flares must be found again.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest

from nusky.detector.spectrum import power_laws
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.flare import FlareFit
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.sources import Sources
from nusky.search.statistics.coverage import Coverage
from nusky.search.target import Target
from nusky.search.time_profile import Box, Flare
from nusky.search.trials import stream
from validation import coverage, page, windows
from validation.samples import data_folder

FLARE = Flare(1.0, 300.0)
GAMMA = 2.2
TRIALS, SKIES, SKY_TRIALS, INJECTED = 10_000, 2000, 99, 100
INJECTIONS = ((10.0, 6.0), (10.0, 12.0), (100.0, 12.0), (100.0, 24.0))
"""Duration in days and mean number of events of injected flares, which begin where the published window does."""
COVERED, N_COVERED = ((20.0, (8.0, 12.0)), (100.0, (12.0, 18.0))), 500
"""Durations in days of flares that limits are about, with true mean numbers of events; trials of each kind."""


def hypothesis(events: Analysis) -> Hypothesis:
    """The unknown flare of TXS 0506+056."""
    return Hypothesis.of(events, Sources.of(*np.radians(windows.SOURCE_DEG), profiles=FLARE), power_laws(GAMMA))


def found(events: Analysis) -> list[FlareFit]:
    """The strongest flare of the data and those that lie apart from it."""
    own = hypothesis(events)
    return list(own.likelihood(own.data()).flares())


def p_value(own: Hypothesis, n_trials: int, *keys: str | int) -> float:
    """Share of skies with permuted times whose TS is at least that of the data, the data among them."""
    ts = own.fit(own.data()).ts
    skies = [own.fit(own.scrambled(stream(1, *keys, trial))).ts for trial in range(n_trials)]
    return (1 + sum(value >= ts for value in skies)) / (1 + n_trials)


def drawn(events: Analysis, sky: int) -> Analysis:
    """The same lists with events at places drawn in the cone and times drawn in the good runs."""
    rng, seasons = stream(1, "drawn", sky), []
    for season, runs, (ra0, dec0, radius) in zip(events.seasons, events.runs, events.cones, strict=True):
        n = len(season)
        # Flat around the centre: over 3 deg the solid angle differs by 5e-4.
        distance, angle = radius * (1 - 1e-9) * np.sqrt(rng.random(n)), rng.uniform(0, 2 * np.pi, n)
        dec = dec0 + distance * np.sin(angle)
        ra = ra0 + distance * np.cos(angle) / np.cos(dec)
        mjd = runs.when(rng.uniform(0, runs.livetime, n))
        seasons.append(replace(season, ra=ra % (2 * np.pi), dec=dec, mjd=mjd))
    return replace(events, seasons=tuple(seasons))


def null(events: Analysis, n_skies: int, n_trials: int) -> NDArray:
    """p-values of skies without a source, each from permutations of its own times; (n_skies,), spread over their steps
    of 1 / (n_trials + 1)."""
    p = [p_value(hypothesis(drawn(events, sky)), n_trials, "null", sky) for sky in range(n_skies)]
    return np.array(p) - stream(1, "steps").random(n_skies) / (n_trials + 1)


def recovery(events: Analysis, n_skies: int) -> Iterator[tuple[float, float, NDArray]]:
    """Duration, mean number of events, and start, stop and n_s of the strongest flare of every sky, (n_skies, 3)."""
    experiment = Experiment(hypothesis(events), False, 1, ("flares",))
    for duration, n_signal in INJECTIONS:
        box = Box(windows.WINDOW[0], windows.WINDOW[0] + duration)
        sources = Sources.of(*np.radians(windows.SOURCE_DEG), profiles=box)
        signal = Signal.of(experiment.hypothesis.analysis, sources, power_laws(GAMMA)[0])
        fits = []
        for sky in range(n_skies):
            made = experiment.with_signal(
                signal, n_signal, stream(1, "injected", f"{duration:g}", f"{n_signal:g}", sky)
            )
            best = next(experiment.hypothesis.likelihood(made).flares(), None)
            fits.append((best.start, best.stop, best.n_signal) if best else (np.nan, np.nan, 0.0))
        yield duration, n_signal, np.array(fits)


def covered(
    events: Analysis, n_trials: int, durations: Sequence[tuple[float, Sequence[float]]] = COVERED
) -> Iterator[tuple[float, Coverage]]:
    """Coverage of the limits on flares of stated durations that come at any time, as `limit_days` of a run has them."""
    for days, strengths in durations:
        experiment = Experiment(hypothesis(events), False, 1, ("flare limits", f"{days:g}"))
        target = Target(experiment, experiment.hypothesis.sources, {}, power_laws(GAMMA)[0], days)
        signal = target.signal(GAMMA)
        for _, found in coverage.coverages(experiment, signal, strengths, n_trials, ("neyman",), guess=5.0):
            yield days, found


def overlaps(fits: NDArray, duration: float) -> NDArray:
    """Whether the found windows hold some of the injected one, (n_skies,)."""
    begin = windows.WINDOW[0]
    return (fits[:, 0] <= begin + duration) & (fits[:, 1] >= begin)


def make() -> str:
    """The page."""
    events = windows.analysis(data_folder())
    own = hypothesis(events)
    flares = [
        (i, f"{f.start:.2f}", f"{f.stop:.2f}", f"{f.n_signal:.2f}", f"{f.ts:.2f}")
        for i, f in enumerate(found(events), 1)
    ]
    own.fit(own.scrambled(stream(1, "first")))
    begin = time.process_time()
    p = p_value(own, TRIALS, "flares")
    rate = TRIALS / (time.process_time() - begin)
    values = null(events, SKIES, SKY_TRIALS)
    shares = [(f"{limit:g}", f"{np.mean(values <= limit):.3f}") for limit in (0.05, 0.1, 0.3, 0.5, 0.8)]
    rows = []
    for duration, n_signal, fits in recovery(events, INJECTED):
        hit = overlaps(fits, duration)
        start, stop, n = np.nanmedian(fits[hit], axis=0)
        rows.append((
            f"{duration:g}", f"{n_signal:g}", f"{hit.mean():.2f}", f"{start - windows.WINDOW[0]:+.2f}",
            f"{stop - windows.WINDOW[0] - duration:+.2f}", f"{n:.1f}",
        ))  # fmt: skip
    return page.page(
        "flares",
        "Unknown flares on real events",
        "The public events around TXS 0506+056 (doi:10.21234/B4QG92), directions and times only, as on the page of "
        "[known windows](windows.md). All [windows](../windows.md#unknown-flares) of 1 to 300 days are looked at.",
        [
            page.Table(
                f"The strongest flare, and the next ones that lie apart from it. The published window is MJD "
                f"{windows.WINDOW[0]} to {windows.WINDOW[1]}. From {TRIALS} skies with permuted times that are "
                f"searched in the same way p = {p:.3f}; {rate:.0f} trials per second of one core.",
                ("rank", "from MJD", "to MJD", "n_s", "TS"),
                flares,
            ),
            page.Table(
                f"{SKIES} skies whose events are drawn anew in the cone, each with {SKY_TRIALS} permutations of its "
                f"own times: share of p-values up to a limit. KS test against a uniform distribution: p = "
                f"{kstest(values, 'uniform').pvalue:.2f}.",
                ("limit", "share"),
                shares,
            ),
            page.Table(
                "Coverage of 90 % Neyman limits on flares that last a stated time and come at any: share of "
                f"{N_COVERED} skies with signal whose limit is above the truth, as many trials at each strength of the "
                "limits, other random streams; interval: Clopper-Pearson, 68 %.",
                ("duration [d]", "mean events", "coverage", "interval", "0.88 to 0.92"),
                [
                    (
                        f"{days:g}",
                        f"{own.n_injected:g}",
                        f"{own.coverage:.3f}",
                        f"{own.coverage_low:.3f} to {own.coverage_high:.3f}",
                        coverage.verdict(own),
                    )
                    for days, own in covered(events, N_COVERED)
                ],
            ),
            page.Table(
                f"{INJECTED} skies with permuted times for each flare that is injected: how often the strongest window "
                "overlaps it, and the medians of those.",
                ("duration [d]", "mean events", "found", "start [d]", "stop [d]", "n_s"),
                rows,
            ),
        ],
    )


if __name__ == "__main__":
    page.main("flares", make)
