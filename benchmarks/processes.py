"""Benchmarks that need a fresh process: compile time, conversion of text to tables, peak memory."""

import statistics
import tempfile
from pathlib import Path

from benchmarks import child
from benchmarks.measure import Report, Value
from benchmarks.sample import SEED
from nusky import config
from nusky.releases.registry import ICECUBE_10YR
from nusky.stages import releases

MEMORY_LIMIT_MIB = 2048.0


def compilation(threads: int) -> Report:
    """All kernels of the search with an empty cache and again with the filled one."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, "cache")
        cold, warm = (child.measure("warm-up", folder, threads=threads, cache=cache) for _ in range(2))
    return Report(
        "Compilation",
        "The workflow's warm-up step in a new process; imports are not counted. Other timings exclude it.",
        [Value("empty cache", cold.seconds, "s"), Value("filled cache", warm.seconds, "s")],
    )


def conversion(threads: int, repeats: int) -> Report:
    """Text files of a generated release of ten-year size to Parquet, digests and checks included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = folder / "release.json"
        settings = config.Release(name=ICECUBE_10YR.name, synthetic="always")
        releases.fetch(settings, SEED, folder / "downloads", manifest, progress=False)
        size = sum(path.stat().st_size for path in (folder / "downloads").rglob("*.csv"))
        runs = [
            child.measure("conversion", str(manifest), str(folder / "tables"), threads=threads) for _ in range(repeats)
        ]
    n_events = sum(season.n_events for season in ICECUBE_10YR.seasons)
    return Report(
        "Conversion of text to Parquet",
        f"{n_events} generated events in ten files, with uptimes, effective areas and smearing tables, "
        f"{size / 1e6:.0f} MB in all: digests, reading, checks and writing.",
        [
            Value("time", statistics.median(run.seconds for run in runs), "s", at_most=10.0),
            Value("peak memory", max(run.peak_mib for run in runs), "MiB", at_most=MEMORY_LIMIT_MIB),
        ],
    )


def memory(threads: int) -> Report:
    """Peak memory of the stacks, each in a process of its own."""
    peaks = {name: child.measure("stack", name, threads=threads).peak_mib for name in ("wcda-hess", "pulsars")}
    return Report(
        "Peak memory of the stacks",
        "Largest resident memory of a process that generates the events and computes all hypotheses of one catalogue.",
        [Value(name, peak, "MiB", at_most=MEMORY_LIMIT_MIB) for name, peak in peaks.items()],
    )
