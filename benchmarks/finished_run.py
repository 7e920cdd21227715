"""Where the time of a finished run went: the jobs of the workflow against the kernels they called."""

import csv
import re
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks import search
from benchmarks.measure import Clock, Report, Value
from benchmarks.sample import Events, Sample, stack_of
from nusky.config import PRESETS, Catalogue
from nusky.conventions import PUBLISHED, STANDARD
from nusky.detector import effective_area
from nusky.paths import Paths
from nusky.stages.search import read_exposure
from nusky.tables import read_columns, read_table

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")


def overhead(run: Path) -> Report:
    """Jobs, wall and CPU time of a run's folder, and the time its kernels take for the same work in this process.

    The folder is `results/<run>` of the workflow; of its catalogues the ready-made ones are counted.
    """
    jobs = [row for path in sorted((run / "benchmarks").rglob("*.tsv")) for row in _rows(path)]
    if not jobs:
        return Report("Overhead of a run", f"No finished run in {run}: `make demo` makes one.", [])
    in_jobs, cpu, wall = sum(_number(j["s"]) for j in jobs), sum(_number(j["cpu_time"]) for j in jobs), wall_time_s(run)
    kernels = kernel_time_s(run)
    return Report(
        "Overhead of a run",
        f"The run '{run.name}': what its jobs took (interpreter starts, imports, files, figures included), and what "
        "the kernels of the search take for the same stacks and single sources, both methods, in one process.",
        [
            Value("jobs", len(jobs), ""),
            Value("from the first to the last message in the jobs' logs", wall, "s"),
            Value("wall time of all jobs, summed", in_jobs, "s"),
            Value("CPU time of all jobs, summed", cpu, "s"),
            Value("kernels", kernels, "s"),
            Value("outside the kernels, mean per job", (in_jobs - kernels) / len(jobs), "s"),
        ],
    )


def wall_time_s(run: Path) -> float:
    """Time [s] between the first and the last message in the jobs' logs."""
    found = [_TIME.findall(path.read_text(errors="replace")) for path in (run / "logs").rglob("*.log")]
    times = [datetime.strptime(text, "%Y-%m-%d %H:%M:%S,%f") for texts in found for text in texts]
    return (max(times) - min(times)).total_seconds() if times else float("nan")


def kernel_time_s(run: Path) -> float:
    """Time [s] of stacks and single sources of the run's ready-made catalogues on its own events, all in memory."""
    paths = Paths(run.name, str(run.parent))
    (names,) = read_columns(paths.seasons, kind="seasons", columns=("season",))
    columns = ("ra_deg", "dec_deg", "ang_err_deg")
    seasons = [read_columns(paths.events.format(season=n), kind="events", columns=columns) for n in names]
    areas = effective_area.from_table(read_table(paths.effective_area, kind="effective_area"))
    sample = Sample([Events(*map(np.radians, s)) for s in seasons], areas, read_exposure(Path(paths.seasons)))
    clock = Clock()
    for catalogue in PRESETS:
        path = Path(paths.sources.format(catalogue=catalogue))
        if path.exists():
            for rules in (PUBLISHED, STANDARD):
                _search(sample, path, Catalogue(**PRESETS[catalogue]), rules, clock)
    return sum(clock.seconds.values())


def _search(sample, path, block, rules, clock):
    sources = stack_of(read_table(path, kind="sources"), block, rules)
    search.stack(sample.thinned(1000), sources, search.PHI0_PER_EV, Clock(), rules)  # compiles, or loads from the cache
    search.stack(sample, sources, search.PHI0_PER_EV, clock, rules)
    if block.single_sources:
        search.single_sources(sample.thinned(1000), sources.ra, sources.dec, Clock(), rules)
        search.single_sources(sample, sources.ra, sources.dec, clock, rules)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def _number(text: str) -> float:
    """A column of Snakemake's benchmark files, which give '-' or 'NA' for jobs too short to be sampled."""
    return 0.0 if text in ("-", "NA", "") else float(text)
