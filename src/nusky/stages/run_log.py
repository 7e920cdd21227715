"""The run log of a job: what may differ between two runs without changing a result, in JSON beside the job's log.

Tables state what decides their content (`nusky.tables`). When, where, how long and by what a job ran stands here.
"""

import os
import platform
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nusky import __version__
from nusky.errors import NuskyError
from nusky.files import read_json, sha256, write_json
from nusky.revision import revision

FOLDER = "logs"
_BATCH_SYSTEMS = {"SLURM_JOB_ID": "slurm", "PBS_JOBID": "pbs", "_CONDOR_JOB_ID": "htcondor", "LSB_JOBID": "lsf"}


class RunLog:
    """Written when the job starts, with `status` "running", and again when it ends.

    A log that still says "running" without a job behind it belongs to a job that was killed.
    """

    def __init__(self, path: Path, snakemake: Any) -> None:
        self._path, self._start = path, time.monotonic()
        self._content = {
            "rule": snakemake.rule,
            "wildcards": dict(snakemake.wildcards.items()),
            "outputs": [str(output) for output in snakemake.output],
            "status": "running",
            "started": _now(),
            "threads": int(snakemake.threads),
            "host": platform.node(),
            "system": platform.platform(),
            "load_average": list(os.getloadavg()),
            "python": platform.python_version(),
            "engine": _engine(),
            "nusky_version": __version__,
            "git_revision": revision(),
        }
        write_json(self._path, self._content)

    def end(self, status: str, error: str | None = None) -> None:
        """Add how the job ended, the time it took, the memory it had and the digests of what it wrote."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        # Linux counts kibibytes, macOS bytes.
        unit = 2**20 if sys.platform == "darwin" else 2**10
        ending = {
            "status": status,
            "error": error,
            "ended": _now(),
            "wall_s": round(time.monotonic() - self._start, 3),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_memory_mib": round(usage.ru_maxrss / unit, 1),
            "outputs_sha256": {path: sha256(path) for path in self._content["outputs"] if Path(path).is_file()},
        }
        write_json(self._path, self._content | ending)


def find(file: Path) -> dict[str, Any] | None:
    """The run log of the job that made `file`, which lies somewhere below ``results/<run>/``; None if there is none."""
    file = file.resolve()
    for run in file.parents:
        if (run / FOLDER).is_dir():
            inside = file.relative_to(run).parts
            for log in all_of(run):
                if any(Path(output).parts[-len(inside) :] == inside for output in log["outputs"]):
                    return log
    return None


def all_of(run: Path) -> Iterator[dict[str, Any]]:
    """The run logs of the folder of a run; JSON files of other kinds are passed over."""
    for path in sorted((run / FOLDER).rglob("*.json")):
        try:
            content = read_json(path)
        except NuskyError:
            continue
        if "outputs" in content:
            yield content


def _engine() -> dict[str, str]:
    """What runs the job: Snakemake and, where one is behind it, the batch system with its job number."""
    batch = {system: os.environ[key] for key, system in _BATCH_SYSTEMS.items() if key in os.environ}
    return {"snakemake": version("snakemake"), **batch}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
