"""How fast are trials, and does their number cost memory?

One process, one thread. Rates are trials per second of processor time, so that other work on the machine counts less.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.measure import peak_memory_mib
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.sources import Sources
from nusky.search.time_profile import Box, reach_of
from nusky.search.trials import stream
from nusky.stages.warm_up import warm_up
from validation import page, samples

SEED = 4005
REPEATS = 10
SOURCES = {"northern": 41.3, "equatorial": 5.693, "southern": -32.0}
"""Name -> declination, deg."""
STACKS = {"wcda-hess": (50, 100.0), "pulsars": (10, 15.0)}
"""Catalogue -> trials of a run, and how many a second are wanted."""
SOURCE_TRIALS, SOURCE_RATE = 300, 2000.0
FIXED = 2.5
CENTRE_MJD, DAYS = 55880.0, (30.0, 100.0, 300.0, 1000.0)
"""Middle and lengths of the windows, in days; up to 300 inside IC86_I."""
N_TRANSIENTS, TRANSIENT_DAYS, STACK_TRIALS = 50, 100.0, 60
"""Sources of a stack all over the sky, and the window of each, somewhere in the ten years; trials of a run."""


def rate(experiment: Experiment, n_trials: int, repeats: int) -> tuple[float, float]:
    """Background trials per second of processor time: the median of `repeats` runs, and the best."""
    experiment.named("warm up").background(range(3))
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        experiment.named("speed").background(range(n_trials))
        seconds.append(time.process_time() - start)
    return n_trials / statistics.median(seconds), n_trials / min(seconds)


def growth_mib(experiment: Experiment, n_trials: int) -> float:
    """Growth of the largest resident memory over `n_trials` after as many before them."""
    experiment.named("memory").background(range(n_trials))
    before = peak_memory_mib()
    experiment.named("memory").background(range(n_trials, 2 * n_trials))
    return peak_memory_mib() - before


def timed(analysis: Analysis) -> Iterator[tuple[str, Sources, int]]:
    """What is tested in windows: name, sources, and how many trials are timed."""
    for name, dec in SOURCES.items():
        for days in DAYS:
            box = Box(CENTRE_MJD - days / 2, CENTRE_MJD + days / 2)
            yield f"{name} source, {dec} deg, box of {days:g} days", replace(samples.point(dec), profiles=(box,)), 300
    rng, (begin, end) = stream(SEED, "transients"), reach_of(analysis.runs)
    at = rng.uniform(0, 2 * np.pi, N_TRANSIENTS), np.arcsin(rng.uniform(-1, 1, N_TRANSIENTS))
    boxes = [Box(start, start + TRANSIENT_DAYS) for start in rng.uniform(begin, end - TRANSIENT_DAYS, N_TRANSIENTS)]
    name = f"stack of {N_TRANSIENTS} transients, boxes of {TRANSIENT_DAYS:g} days"
    yield name, Sources.of(*at, profiles=boxes), STACK_TRIALS


def window_rows(analysis: Analysis, repeats: int) -> Iterator[tuple[str, ...]]:
    """Rates of windows and of the same sources if they were steady, in turn."""
    for name, sources, n_trials in timed(analysis):
        pair = (samples.experiment(analysis, own, SEED, name) for own in (sources, replace(sources, profiles=None)))
        window, steady = (rate(own, n_trials, repeats)[0] for own in pair)
        row = name, f"{window:.3g}", f"{steady:.3g}", f"{window / steady:.2f}", "met" if window >= steady else "MISSED"
        print(*row, flush=True)
        yield row


def make(event_fraction: float = 1.0, repeats: int = REPEATS, memory_trials: int = 1000) -> str:
    rows = []

    def add(what: str, value: float, unit: str, target: str, met: bool) -> None:
        rows.append((what, f"{value:.3g} {unit}", target, ("met" if met else "MISSED") if target else ""))
        print(*rows[-1], flush=True)

    def add_rates(what: str, experiment: Experiment, n_trials: int, wanted: float) -> None:
        found, best = rate(experiment, n_trials, repeats)
        add(what, found, "trials/s", f"at least {wanted:g}", found >= wanted)
        add("of it the best run", best, "trials/s", "", True)

    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        warm_up(Path(folder) / "kernels.ready")
        busy, start = time.process_time(), time.perf_counter()
        analysis = samples.read_written(Path(folder), times=True)
        experiments = {
            name: samples.experiment(analysis, samples.point(dec), SEED, name) for name, dec in SOURCES.items()
        }
        experiments["equatorial"].background(range(1))
        seconds = time.perf_counter() - start
        add("set-up from Parquet, one source, with its first trial", seconds, "s", "at most 15 s", seconds <= 15)
        add("of it processor time", time.process_time() - busy, "s", "", True)
    for name, dec in SOURCES.items():
        add_rates(f"{name} source, {dec} deg, free gamma", experiments[name], SOURCE_TRIALS, SOURCE_RATE)
    for catalogue, (n_trials, wanted) in STACKS.items():
        for what, gamma in (("free", None), ("fixed", FIXED)):
            start = time.perf_counter()
            sources = samples.stack(catalogue=catalogue)
            experiment = samples.experiment(analysis, sources, SEED, catalogue, gamma=gamma)
            experiment.background(range(1))
            seconds = time.perf_counter() - start
            name = f"{len(sources)}-source stack, {what} gamma"
            add(f"set-up of the {name}, with its first trial", seconds, "s", "at most 15 s", seconds <= 15)
            add_rates(name, experiment, n_trials, wanted)
    grown = growth_mib(experiments["equatorial"], memory_trials)
    what = f"growth of memory over the second {memory_trials} trials"
    add(what, grown, "MiB", "flat: at most 5 MiB", grown <= 5)
    add("largest resident memory", peak_memory_mib(), "MiB", "", True)
    table = page.Table(
        f"Space and energy; uniform weights of {' and '.join(STACKS)}.",
        ("what", "measured", "target", "verdict"),
        rows,
    )
    windows = page.Table(
        f"Windows, times permuted, free gamma: trials per second, centred on MJD {CENTRE_MJD:g} or, in the stack, "
        "anywhere. Beside them the same sources without windows.",
        ("what", "window", "steady", "ratio", "at least 1"),
        list(window_rows(analysis, repeats)),
    )
    about = (
        f"Generated ten-year release, {int(analysis.n_events.sum())} events; one process, one thread, seed {SEED}. "
        f"Rates are per second of processor time, the median of {repeats} runs of the same trials."
    )
    return page.page("speed", "Speed of the trials", about, [table, windows])


if __name__ == "__main__":
    page.main("speed", make)
