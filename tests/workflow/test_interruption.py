"""Runs killed at random moments end with the results of an undisturbed run, and never show a damaged file."""

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import matplotlib.image
import pyarrow.parquet as pq
import pytest
import yaml

from tests.workflow import plan

SMALL = yaml.safe_load((Path(__file__).parent / "small.yaml").read_text())
N_KILLS = 20
SEED = 20261122


def configuration() -> dict:
    """Every stage of the search and of the inference once, with two batches of trials."""
    block = copy.deepcopy({key: SMALL[key] for key in SMALL if key != "bdm"})
    block["release"]["seasons"] = ["IC79-2010"]
    block["catalogues"] = {"lhaaso": block["catalogues"]["lhaaso"]}
    block["inference"] |= {"trials": 100, "trials_per_batch": 50}
    block["methods"] = ["standard"]
    return block


class Run:
    """One call of the command users type, in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "snakemake.log"
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(plan.SNAKEFILE), "--directory", str(folder)]
        command += ["--configfile", str(folder / "config.yaml"), "--cores", "2"]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, env=plan.environment()
            )

    def finished(self) -> bool:
        return self.process.poll() is not None

    def wait_for(self, text: str, seconds: float) -> None:
        """Return when `text` is in the output, when the run has ended, or after `seconds`."""
        end = time.monotonic() + seconds
        while text not in self.log.read_text() and not self.finished() and time.monotonic() < end:
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL to Snakemake and all its jobs; returns when none of them is left."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        raise AssertionError("jobs outlived SIGKILL")


def results(folder: Path) -> dict[str, bytes]:
    """Tables and documents by name; what may vary between runs stands in logs and benchmarks."""
    found = [path for suffix in ("parquet", "json") for path in (folder / "results").rglob(f"*.{suffix}")]
    kept = [path for path in found if not {"logs", "benchmarks"} & set(path.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def read_everything(folder: Path) -> int:
    """Read every file that stands under a final name; returns their number."""
    readers = {
        ".parquet": lambda path: pq.read_table(path).validate(full=True),
        ".json": lambda path: json.loads(path.read_text()),
        ".png": matplotlib.image.imread,
        ".html": lambda path: path.read_text().rstrip().endswith("</html>") or pytest.fail(f"{path} is cut"),
    }
    files = [p for p in (folder / "results").rglob("*") if p.suffix in readers and not p.name.startswith(".")]
    for path in files:
        readers[path.suffix](path)
    return len(files)


@pytest.mark.slow
def test_twenty_kills_change_no_result(tmp_path):
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    done = plan.run(configuration(), calm)
    assert done.returncode == 0, done.stderr
    disturbed.mkdir()
    shutil.copy(calm / "config.yaml", disturbed)
    moments = random.Random(SEED)
    kills, locks, most = 0, 0, 0
    while kills < N_KILLS:
        run = Run(disturbed)
        # In half of the rounds some job ends before the kill, so that later stages are hit as well.
        run.wait_for(moments.choice(["Execute ", "Finished jobid"]), 60)
        time.sleep(moments.uniform(0, 1.5))
        if run.finished():
            assert run.process.returncode == 0, run.log.read_text()
            shutil.rmtree(disturbed / "results")
            continue
        run.kill()
        kills += 1
        most = max(most, read_everything(disturbed))
        locks += plan.unlock(configuration(), disturbed)
    done = plan.run(configuration(), disturbed)
    assert done.returncode == 0, done.stderr
    assert len(results(calm)) > 15
    assert results(disturbed) == results(calm)
    assert read_everything(disturbed) == read_everything(calm)
    # The kills hit runs at work: most left a lock, and files of several stages stood there.
    assert locks > N_KILLS / 2
    assert most > 5
    leftovers = {path.suffix for path in (disturbed / "results").rglob(".*") if path.is_file()}
    assert leftovers <= {".part"}


@pytest.mark.slow
def test_a_killed_run_leaves_a_lock_and_says_how_to_remove_it(tmp_path):
    tmp_path.joinpath("config.yaml").write_text(yaml.safe_dump(configuration()))
    run = Run(tmp_path)
    run.wait_for("Execute ", 60)
    run.kill()
    refused = plan.run(configuration(), tmp_path)
    assert refused.returncode != 0
    assert "cannot be locked" in refused.stdout + refused.stderr
    assert "--unlock" in refused.stdout + refused.stderr
    released = plan.run(configuration(), tmp_path, "--unlock")
    assert released.returncode == 0, released.stderr
    assert plan.unlock(configuration(), tmp_path) == 0


@pytest.mark.slow
def test_a_hang_up_leaves_no_lock_and_no_job(tmp_path):
    """The signal reaches Snakemake alone: a terminal would tell its jobs as well."""
    tmp_path.joinpath("config.yaml").write_text(yaml.safe_dump(configuration()))
    run = Run(tmp_path)
    run.wait_for("Execute ", 60)
    os.kill(run.process.pid, signal.SIGHUP)
    assert run.process.wait(60) != 0
    with pytest.raises(ProcessLookupError):
        os.killpg(run.process.pid, 0)
    assert plan.unlock(configuration(), tmp_path) == 0


@pytest.mark.slow
def test_jobs_import_nothing_from_the_folder_they_work_in(tmp_path):
    names = ("snakemake", "nusky", "numpy", "numba", "yaml", "json", "pip", "sitecustomize", "pulp")
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'a').write('{name} ')\n")
    tmp_path.joinpath("config.yaml").write_text(yaml.safe_dump(configuration()))
    command = [Path(sys.executable).parent / "snakemake", "--snakefile", plan.SNAKEFILE, "--configfile", "config.yaml"]
    command += ["--cores", "1", "--until", "build_catalogue", "fetch_release"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / SMALL["run"] / "release.json").exists()
    assert not (tmp_path / "sprung").exists()
