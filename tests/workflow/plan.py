"""What Snakemake would do, asked through its API."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings import types

from nusky.resources import workflow_file
from nusky.revision import VARIABLE, revision

SNAKEFILE = workflow_file("Snakefile")


def jobs(configuration: dict | Path, folder: Path) -> Counter:
    """Number of jobs by rule that a run of `configuration` in `folder` would execute now."""
    return Counter(name for name, _ in job_wildcards(configuration, folder))


def job_wildcards(configuration: dict | Path, folder: Path) -> list[tuple[str, dict[str, str]]]:
    """Rule and wildcards of every job to execute."""
    return [(rule, wildcards) for rule, wildcards, *_ in _needed(configuration, folder)]


def outputs(configuration: dict | Path, folder: Path, **keys: str) -> list[str]:
    """The files that a run of `configuration` in `folder` would write now, logs aside; `keys` as with `--config`."""
    return [output for *_, outputs in _needed(configuration, folder, **keys) for output in outputs]


def requests(configuration: dict, folder: Path) -> dict[str, dict[str, int]]:
    """The most that a job of every rule to execute asks a cluster for: `_cores`, `mem_mb`, `runtime` in minutes."""
    most: dict[str, dict[str, int]] = {}
    for rule, _, resources, *_ in _needed(configuration, folder):
        known = most.setdefault(rule, {})
        known |= {k: max(v, known.get(k, v)) for k, v in resources.items() if isinstance(v, int)}
    return most


def parameters(configuration: dict, folder: Path) -> dict[str, dict]:
    """`params` of the last job of every rule to execute."""
    return {rule: params for rule, *_, params, _ in _needed(configuration, folder)}


def _needed(
    configuration: dict | Path, folder: Path, **keys: str
) -> list[tuple[str, dict[str, str], dict[str, int], dict, list]]:
    with _api() as api:
        workflow = _workflow(api, configuration, folder, **keys)
        workflow.dag(dag_settings=types.DAGSettings()).execute_workflow(executor="dryrun")
        needed = workflow._workflow.dag.needrun_jobs(exclude_finished=False)
        asked = [job for job in needed if job.rule.name != "all"]
        return [
            (j.rule.name, dict(j.wildcards_dict), dict(j.resources), dict(j.params.items()), list(map(str, j.output)))
            for j in asked
        ]


def run(configuration: dict, folder: Path, *options: str) -> subprocess.CompletedProcess:
    """Execute a run of `configuration` in `folder` with the command users type, and further `options` of it."""
    path = _write(configuration, folder)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--configfile", str(path)]
    command += ["--cores", "2", "--directory", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment())


def environment() -> dict[str, str]:
    """What every run of the tests is started with: one revision for all, even if somebody edits the sources."""
    return {**os.environ, VARIABLE: revision()}


def unlock(configuration: dict, folder: Path) -> bool:
    """Remove the lock a killed run left in `folder`, as `--unlock` does; whether there was one."""
    locked = any((folder / ".snakemake" / "locks").glob("*"))
    with _api() as api:
        _workflow(api, configuration, folder).dag(dag_settings=types.DAGSettings()).unlock()
    return locked


def _api() -> SnakemakeApi:
    return SnakemakeApi(types.OutputSettings(dryrun=True, quiet={types.Quietness.ALL}))


def _workflow(api: SnakemakeApi, configuration: dict | Path, folder: Path, **keys: str):
    file = configuration if isinstance(configuration, Path) else _write(configuration, folder)
    return api.workflow(
        resource_settings=types.ResourceSettings(cores=1),
        config_settings=types.ConfigSettings(configfiles=[file], config=keys),
        storage_settings=types.StorageSettings(),
        workflow_settings=types.WorkflowSettings(),
        snakefile=SNAKEFILE,
        workdir=folder,
    )


def _write(configuration: dict, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path
