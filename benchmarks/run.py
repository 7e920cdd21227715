"""Run the benchmarks: `python -m benchmarks.run [NAME ...]`.

Results appear as tables and in benchmarks/results/latest.json; `--write` also rewrites docs/benchmarks.md.
"""

import argparse
import functools
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import numba
import numpy as np
from rich.console import Console

from benchmarks import boosted_dark_matter, finished_run, pairs, processes, render, sample
from nusky import __version__
from nusky.files import write_json, write_text

REPOSITORY = Path(__file__).parents[1]
NAMES = (
    "compilation",
    "stack",
    "pulsars",
    "single-sources",
    "conversion",
    "memory",
    "boosted-dark-matter",
    "overhead",
)


def main() -> None:
    arguments = _arguments()
    threads, repeats = arguments.threads, arguments.repeats
    numba.set_num_threads(threads)
    events = functools.cache(sample.ten_years)
    benchmarks = {
        "compilation": lambda: processes.compilation(threads),
        "stack": lambda: pairs.stack(events(), repeats),
        "pulsars": lambda: pairs.pulsars(events(), repeats),
        "single-sources": lambda: pairs.single_sources(events(), repeats),
        "conversion": lambda: processes.conversion(threads, repeats),
        "memory": lambda: processes.memory(threads),
        "boosted-dark-matter": lambda: boosted_dark_matter.boosted_dark_matter(repeats),
        "overhead": lambda: finished_run.overhead(arguments.run),
    }
    console = Console(width=None if sys.stdout.isatty() else 120)
    machine = _machine(threads, repeats)
    for name, value in machine.items():
        console.print(f"{name}: {value}", highlight=False)
    reports = []
    for name in arguments.names or NAMES:
        reports.append(benchmarks[name]())
        render.show(reports[-1], console)
    content = {"machine": machine, "reports": [render.plain(report) for report in reports]}
    write_json(REPOSITORY / "benchmarks" / "results" / "latest.json", content)
    if arguments.write:
        write_text(REPOSITORY / "docs" / "benchmarks.md", render.markdown(reports, machine))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Measure speed and memory.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to run, all by default: {', '.join(NAMES)}")
    parser.add_argument("--threads", type=int, default=numba.config.NUMBA_NUM_THREADS, help="threads of both sides")
    parser.add_argument("--repeats", type=int, default=3, help="repeats, of which the median counts")
    parser.add_argument(
        "--run", type=Path, default=Path("results/demo"), help="folder of a finished run, for `overhead`"
    )
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark '{unknown[0]}'; there are {', '.join(NAMES)}")
    if arguments.write and arguments.names:
        parser.error("--write needs all benchmarks: give no names")
    if not 1 <= arguments.threads <= numba.config.NUMBA_NUM_THREADS or arguments.repeats < 1:
        parser.error(f"give 1 to {numba.config.NUMBA_NUM_THREADS} threads and at least 1 repeat")
    return arguments


def _machine(threads: int, repeats: int) -> dict[str, str]:
    versions = {
        "nusky": __version__,
        "Python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Processor": f"{_processor()}, {os.cpu_count()} cores, {threads} threads used",
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Repeats": f"{repeats}, median",
    }


def _processor() -> str:
    """Name of the processor, as Linux gives it or else Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
