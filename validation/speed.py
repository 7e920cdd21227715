"""How fast are trials, and does their number cost memory?

One process, one thread. Rates are trials per second of processor time, so that other work on the machine counts less.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import peak_memory_mib
from nusky.search.hypothesis import GAMMAS, Hypothesis
from nusky.search.trials import background_trials
from validation import page, samples

SEED = 4005
REPEATS = 10
SOURCES = {"northern": 41.3, "equatorial": 5.693, "southern": -32.0}
"""Name -> declination, deg."""
FIXED = np.array([2.5])


def rate(hypothesis: Hypothesis, n_trials: int) -> tuple[float, float]:
    """Background trials per second of processor time: the median of `REPEATS` runs, and the best."""
    background_trials(hypothesis, SEED, "warm up", 0, 3)
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        background_trials(hypothesis, SEED, "speed", 0, n_trials)
        seconds.append(time.process_time() - start)
    return n_trials / float(np.median(seconds)), n_trials / min(seconds)


def growth_mib(hypothesis: Hypothesis, n_trials: int) -> float:
    """Growth of the largest resident memory over `n_trials` after as many before them."""
    background_trials(hypothesis, SEED, "memory", 0, n_trials)
    before = peak_memory_mib()
    background_trials(hypothesis, SEED, "memory", n_trials, n_trials)
    return peak_memory_mib() - before


def make() -> str:
    rows = []

    def add(what: str, value: float, unit: str, target: str, met: bool) -> None:
        rows.append((what, f"{value:.3g} {unit}", target, "met" if met else "MISSED"))
        print(*rows[-1], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        before, start = usage.ru_utime + usage.ru_stime, time.perf_counter()
        sample = samples.read_written(Path(folder))
        source = sample.source(2.0, np.radians(SOURCES["equatorial"]))
        seconds = time.perf_counter() - start
        usage = resource.getrusage(resource.RUSAGE_SELF)
        add("set-up from Parquet, one source", seconds, "s", "at most 15 s", seconds <= 15)
        add("of it processor time", usage.ru_utime + usage.ru_stime - before, "s", "", seconds <= 15)
    for name, dec in SOURCES.items():
        found, best = rate(sample.source(2.0, np.radians(dec)), 300)
        add(f"{name} source, {dec} deg, free gamma", found, "trials/s", "at least 500", found >= 500)
        add("of it the best run", best, "trials/s", "", True)
    for what, gammas in (("free", GAMMAS[::2]), ("fixed", FIXED)):
        start = time.perf_counter()
        stack = samples.stack(sample, gammas)
        seconds = time.perf_counter() - start
        add(f"set-up of the stack, {what} gamma", seconds, "s", "at most 15 s", seconds <= 15)
        found, best = rate(stack, 50)
        add(f"164-source stack, {what} gamma", found, "trials/s", "at least 25", found >= 25)
        add("of it the best run", best, "trials/s", "", True)
    grown = growth_mib(source, 1000)
    add("growth of memory over the second 1000 trials", grown, "MiB", "flat: at most 5 MiB", grown <= 5)
    add("largest resident memory", peak_memory_mib(), "MiB", "", True)
    rows[:] = [row if row[2] else (*row[:3], "") for row in rows]
    table = page.Table(
        "Space and energy; uniform weights of wcda-hess.", ("what", "measured", "target", "verdict"), rows
    )
    about = (
        f"Generated ten-year release, {int(sample.n_events.sum())} events; one process, one thread, seed {SEED}. Rates "
        f"are per second of processor time, the median of {REPEATS} runs of the same trials."
    )
    return page.page("speed", "Speed of the trials", about, [table])


if __name__ == "__main__":
    page.main("speed", make)
