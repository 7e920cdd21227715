"""One workload in a process of its own, for its peak memory or its compile time: prints seconds and MiB as JSON.

`python -m benchmarks.child stack CATALOGUE`, `... conversion MANIFEST FOLDER`, `... warm-up FOLDER` or
`... scaling WORKLOAD EVENTS SOURCES TRIALS`.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """Wall time of a workload, without imports and preparation, and the peak memory of its whole process."""

    seconds: float
    peak_mib: float


def measure(*arguments: str, threads: int, cache: Path | None = None) -> Outcome:
    """Run a workload in a new process; `cache` is the folder for compiled kernels if not the usual one."""
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(threads)}
    if cache is not None:
        environment.pop("NUMBA_CACHE_DIR", None)
        environment["NUSKY_CACHE"] = str(cache)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", *arguments],
        env=environment,
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Outcome(**json.loads(done.stdout))


def stack(catalogue: str) -> float:
    """The stack of a ready-made catalogue on events of ten-year size."""
    from benchmarks import search
    from benchmarks.measure import Clock
    from benchmarks.sample import ready_made, ten_years

    sample, sources, clock = ten_years(), ready_made(catalogue), Clock()
    search.stack(sample, sources, search.PHI0_PER_EV, clock)
    return sum(clock.seconds.values())


def conversion(manifest: str, folder: str) -> float:
    """A release's text files to canonical tables in `folder`."""
    from nusky.files import read_json
    from nusky.releases import registry
    from nusky.stages import releases

    seasons = registry.find(read_json(manifest)["release"]).seasons
    tables = {
        name: Path(folder, f"{name}.parquet")
        for name in ("seasons", "uptimes", "effective_area", "smearing", "angular_resolution")
    }
    start = time.perf_counter()
    releases.ingest(
        Path(manifest), None, {s.name: Path(folder, "events", f"{s.name}.parquet") for s in seasons}, **tables
    )
    return time.perf_counter() - start


def warm_up(folder: str) -> float:
    """All kernels of the search, compiled or loaded from the cache."""
    from nusky.stages.warm_up import warm_up

    start = time.perf_counter()
    warm_up(Path(folder, "kernels.ready"))
    return time.perf_counter() - start


def scaling(workload: str, *size: str) -> float:
    """One point of `benchmarks.scaling`: `size` is numbers of events, sources and trials."""
    from benchmarks.scaling import WORKLOADS

    return WORKLOADS[workload](*map(int, size))


WORKLOADS = {"stack": stack, "conversion": conversion, "warm-up": warm_up, "scaling": scaling}

if __name__ == "__main__":
    from benchmarks.measure import peak_memory_mib

    elapsed = WORKLOADS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"seconds": elapsed, "peak_mib": peak_memory_mib()}))
