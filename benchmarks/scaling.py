"""How time and memory grow with events, sources and trials: `python -m benchmarks.scaling`.

Every point runs in a process of its own on one core. Prints the page; `--write` also writes it to docs/scaling.md.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from nusky import config
from nusky.files import write_text
from nusky.releases import registry

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "scaling.md"
JOBS = "\n## Jobs of a run\n"
"""Heading of the part of the page that is kept: jobs of runs, from their own logs."""
SEASON = "IC86_II"
SEED = 20220516
TEN_YEARS = sum(season.n_events for season in registry.find("icecube-10yr").seasons)
ROOM_MIB = 4096.0

N_EVENTS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
N_SOURCES = (1, 10, 100, 1_000, 10_000, 100_000)
N_TRIALS = (1, 3, 10, 30, 100)
_PAIRS = "Near pairs of one season are held together, 24 bytes each: about 3 % of its events times the sources."


@dataclass(frozen=True)
class Point:
    """One measured workload: processor seconds without preparation, peak memory of the process."""

    n_events: int
    n_sources: int
    n_trials: int
    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Series:
    """A workload along one axis, `axis` the name of the field of `Point` that grows."""

    title: str
    about: str
    axis: str
    points: tuple[Point, ...]

    def exponents(self) -> tuple[float, float]:
        """Exponent of the time over the whole series, by least squares in logarithms, and between its last points."""
        x = np.log([getattr(point, self.axis) for point in self.points])
        y = np.log([point.seconds for point in self.points])
        return float(np.polyfit(x, y, 1)[0]), float((y[-1] - y[-2]) / (x[-1] - x[-2]))


def scan(n_events: int, n_sources: int, _: int) -> float:
    """Scan of one stack of sources all over the sky, standard conventions, from events to test statistics [s]."""
    from benchmarks import sample, search
    from benchmarks.measure import Clock
    from nusky.conventions import STANDARD

    events, sources = (
        sample.ten_years(n_events / TEN_YEARS),
        sample.Stack(*_sky(n_sources), [np.ones(n_sources)], (2.5,)),
    )
    search.stack(events, sources, search.PHI0_PER_EV[:2], Clock(), STANDARD)  # kernels are loaded
    start = time.process_time()
    search.stack(events, sources, search.PHI0_PER_EV, Clock(), STANDARD)
    return time.process_time() - start


def stack_trials(n_events: int, n_sources: int, n_trials: int) -> float:
    """Scrambled skies fitted with one stack in space and energy, gamma = 2.5 [s]."""
    return _trials(n_events, *_sky(n_sources), n_trials)


def source_trials(n_events: int, _: int, n_trials: int) -> float:
    """Scrambled skies fitted with one source in space and energy, gamma = 2.5 [s]."""
    return _trials(n_events, np.array([1.0]), np.array([0.1]), n_trials)


WORKLOADS: dict[str, Callable[[int, int, int], float]] = {
    "scan": scan,
    "stack-trials": stack_trials,
    "source-trials": source_trials,
}


def series(max_events: int, max_sources: int, max_trials: int) -> list[Series]:
    """All series, each within the largest numbers given."""
    events = [n for n in N_EVENTS if n <= max_events]
    sources = [n for n in N_SOURCES if n <= max_sources]
    trials = [n for n in N_TRIALS if n <= max_trials]
    few, fixed = (min(n, events[-1]) for n in (100_000, 1_000_000))
    return [
        _series("Scan of a stack, events", "100 sources.", "scan", "n_events", [(n, 100, 1) for n in events]),
        _series("Scan of a stack, sources", f"{few} events. {_PAIRS}", "scan", "n_sources",
                [(few, n, 1) for n in sources]),
        _series("Trials of a stack, events", "100 sources, 10 trials.", "stack-trials", "n_events",
                [(n, 100, 10) for n in events]),
        _series("Trials of a stack, sources", f"{fixed} events, 10 trials.", "stack-trials", "n_sources",
                [(fixed, n, 10) for n in sources if n <= 10_000]),
        _series("Trials of a stack, trials", f"100 sources, {fixed} events.", "stack-trials", "n_trials",
                [(fixed, 100, n) for n in trials]),
        _series("Trials of one source, events", "1000 trials.", "source-trials", "n_events",
                [(n, 1, 1000) for n in events]),
    ]  # fmt: skip


def page(found: Sequence[Series], machine: dict[str, str]) -> str:
    """The page docs/scaling.md."""
    lines = [
        "# Scaling",
        "",
        "Written by `python -m benchmarks.scaling --write`. Generated events; one core; each point in a process of its",
        "own, whose preparation is not timed. Times are of the processor.",
        "The exponent p of time ~ N^p is that of a straight line through all",
        "points in logarithms, and in brackets that between the last two points, where fixed costs matter least.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
    ]
    for one in found:
        overall, last = one.exponents()
        lines += ["", f"## {one.title}", "", f"{one.about} Exponent {overall:.2f} ({last:.2f}).", ""]
        lines += _table(
            ("events", "sources", "trials", "time, s", "peak memory, MiB"),
            [(p.n_events, p.n_sources, p.n_trials, f"{p.seconds:.3g}", f"{p.peak_mib:.0f}") for p in one.points],
        )
    largest = max(p.n_events for one in found for p in one.points)
    peak = max(p.peak_mib for one in found for p in one.points)
    lines += [
        "",
        f"Largest release measured: {largest} events. Largest memory of any point: {peak:.0f} MiB,",
        f"{'within' if peak <= ROOM_MIB else 'more than'} the {ROOM_MIB:.0f} MiB a job should do with.",
        "",
        "## What an analysis needs",
        "",
        "Background trials of `config/config.yaml` at 164 sources for each catalogue, from the series above: time per",
        "trial, as a power of the events through the last two points. A batch of trials is one job on one core, so no",
        "number of cores makes the run shorter than its longest batch; smaller batches do. The index is fixed here;",
        "fitting it takes about 1.2 times as long for a stack and twice as long for one source.",
        "",
    ]
    return "\n".join([*lines, *_table(_NEEDS, _needs(found))]) + "\n"


_NEEDS = ("analysis", "events", "processor hours", "32 cores, hours", "100 nodes with 32 cores, hours")


def _needs(found: Sequence[Series]) -> list[tuple[str, ...]]:
    cfg = config.parse(yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text()))
    request, by_title = cfg.inference, {one.title: one for one in found}
    names = request.catalogues or list(cfg.catalogues)
    rows = []
    for release, words in (("icecube-10yr", "ten years"), ("icecube-14yr", "fourteen years")):
        n_events = sum(season.n_events or 130_000 for season in registry.find(release).seasons)
        stack_s = _per_trial(by_title["Trials of a stack, events"], n_events) * 164 / 100
        source_s = _per_trial(by_title["Trials of one source, events"], n_events)
        # (seconds of a trial, trials) of every kind of batch, for all catalogues and weightings
        kinds = []
        for name in names:
            kinds += [(stack_s, request.trials)] * len(cfg.inferred_weightings(name))
            kinds += [(164 * source_s, request.source_trials), (164 * source_s, request.sky_trials)]
        total = sum(seconds * n for seconds, n in kinds) / 3600
        longest = max(seconds * min(request.trials_per_batch, n) for seconds, n in kinds) / 3600
        wall = [max(total / cores, longest) for cores in (32, 3200)]
        rows.append((words, str(n_events), f"{total:.3g}", *(f"{hours:.3g}" for hours in wall)))
    return rows


def _per_trial(one: Series, n_events: int) -> float:
    """Seconds of one trial on `n_events`."""
    last = one.points[-1]
    return last.seconds / last.n_trials * (n_events / last.n_events) ** one.exponents()[1]


def _series(title: str, about: str, workload: str, axis: str, sizes: Sequence[tuple[int, int, int]]) -> Series:
    from benchmarks import child

    points = []
    for size in sizes:
        outcome = child.measure("scaling", workload, *map(str, size), threads=1)
        points.append(Point(*size, outcome.seconds, outcome.peak_mib))
        print(f"{title}: {points[-1]}", flush=True)
    return Series(title, about, axis, tuple(points))


def _trials(n_events: int, ra: np.ndarray, dec: np.ndarray, n_trials: int) -> float:
    from nusky.search.experiment import Experiment, Indices
    from nusky.search.sources import Sources

    indices = Indices.choose(2.5, [], with_energy=True)
    experiment = Experiment.of(_analysis(n_events), Sources.of(ra, dec), indices, SEED, ("scaling",))
    experiment.background(range(1))  # kernels are loaded
    start = time.process_time()
    experiment.background(range(1, 1 + n_trials))
    return time.process_time() - start


def _sky(n_sources: int) -> tuple[np.ndarray, np.ndarray]:
    """Right ascensions and declinations of sources all over the sky, rad."""
    rng = np.random.default_rng(SEED)
    return rng.uniform(0, 2 * np.pi, n_sources), np.arcsin(rng.uniform(-1, 1, n_sources))


def _analysis(n_events: int):
    """One season of `n_events` generated events with its effective area and smearing."""
    import pyarrow as pa

    from nusky.releases import icecube_10yr
    from nusky.releases.generator import generate_events, generate_release, season_stream
    from nusky.search.analysis import EVENT_COLUMNS, Analysis

    release = registry.find("icecube-10yr")
    (season,) = seasons = release.select([SEASON])
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "release")
        generate_release(root, release, seasons, seed=SEED, event_fraction=0.001)
        tables = icecube_10yr.read(root, release, seasons, check_counts=False)
    columns = generate_events(season, season_stream(SEED, season), n_events)
    events = pa.table({name: columns[name] for name in EVENT_COLUMNS})
    return Analysis.of_tables(tables.seasons, [events], tables.effective_area, tables.smearing)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    return ["| " + " | ".join(map(str, row)) + " |" for row in (header, ["---"] * len(header), *rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-events", type=float, default=N_EVENTS[-1])
    parser.add_argument("--max-sources", type=float, default=N_SOURCES[-1])
    parser.add_argument("--max-trials", type=float, default=N_TRIALS[-1])
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md")
    arguments = parser.parse_args()
    from benchmarks.run import _machine

    found = series(int(arguments.max_events), int(arguments.max_sources), int(arguments.max_trials))
    text = page(found, _machine(threads=1, repeats=1))
    if arguments.write:
        _, heading, jobs = PAGE.read_text(encoding="utf-8").partition(JOBS)
        write_text(PAGE, text + heading + jobs)
    print(text)


if __name__ == "__main__":
    main()
