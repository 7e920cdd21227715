"""How fast are trials, and does their number cost memory?

One process, one thread. Rates are trials per second of processor time, so that other work on the machine counts less.
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measure import peak_memory_mib
from nusky.search.experiment import Experiment
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
        analysis = samples.read_written(Path(folder))
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
    about = (
        f"Generated ten-year release, {int(analysis.n_events.sum())} events; one process, one thread, seed {SEED}. "
        f"Rates are per second of processor time, the median of {repeats} runs of the same trials."
    )
    return page.page("speed", "Speed of the trials", about, [table])


if __name__ == "__main__":
    page.main("speed", make)
