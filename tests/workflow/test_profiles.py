"""What jobs ask a cluster for, and the profiles that hand them to one."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from tests.workflow import plan

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "workflow" / "profiles"
SMALL = yaml.safe_load((Path(__file__).parent / "small.yaml").read_text())
DARK = {key: SMALL[key] for key in ("run", "bdm", "figures")}
TEN_YEARS = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
SHARED_DISK = ("slurm", "pbs", "htcondor")

# Schedulers reduced to what the profiles call: a job is a process, its state a file named like the job's number.
SUBMIT = """#!/bin/sh
# The last argument or, for HTCondor, the executable of the description is the job.
printf '%s\\n' "$*" >> "$JOBS/calls"
for job; do :; done
if [ "$job" = - ]; then
    description=$(cat)
    printf '%s\\n' "$description" >> "$JOBS/calls"
    job=$(printf '%s\\n' "$description" | sed -n 's/^executable = //p')
fi
id=$(ls "$JOBS" | wc -l)
: > "$JOBS/$id"
(sh "$job" > "$JOBS/$id.log" 2>&1; echo $? > "$JOBS/$id") > /dev/null 2>&1 < /dev/null &
"""
PBS = {
    "qsub": SUBMIT + 'echo "$id"\n',
    "qstat": """#!/bin/sh
code=$(cat "$JOBS/$3") || { echo "qstat: Unknown Job Id $3"; exit 153; }
if [ -n "$code" ]; then echo "    job_state = F"; echo "    Exit_status = $code"; else echo "    job_state = R"; fi
""",
}
HTCONDOR = {
    "condor_submit": SUBMIT + 'echo "$id.0 - $id.0"\n',
    "condor_q": '#!/bin/sh\n[ -s "$JOBS/${1%.0}" ] || echo "2 "\n',
    "condor_history": '#!/bin/sh\necho "4 $(cat "$JOBS/${1%.0}")"\n',
}


def scheduler(folder: Path, commands: dict[str, str]) -> dict[str, str]:
    """Environment in which `commands` are found first; their jobs live in `folder`/jobs."""
    (folder / "jobs").mkdir(parents=True)
    (folder / "bin").mkdir()
    for name, text in commands.items():
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "JOBS": str(folder / "jobs")}


def snakemake(configuration: dict, folder: Path, *options: str, env=None) -> subprocess.CompletedProcess:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(plan.SNAKEFILE), "--directory", str(folder)]
    command += ["--configfile", str(folder / "config.yaml"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=env)


def status(profile: str, env: dict[str, str], job: str) -> str:
    command = [str(PROFILES / profile / "status.sh"), job]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=True).stdout.strip()


def profile(name: str) -> dict:
    return yaml.safe_load((PROFILES / name / "config.yaml").read_text())


def test_every_rule_asks_for_cores_memory_and_time(tmp_path):
    requests = plan.requests(TEN_YEARS, tmp_path)
    assert {"separations", "inference_trials", "inference_sensitivity", "bdm_events", "report"} <= set(requests)
    for rule, request in requests.items():
        assert 1 <= request["_cores"] <= 4, rule
        assert 500 <= request["mem_mb"] <= 8000, rule
        assert 10 <= request["runtime"] <= 48 * 60, rule


def test_more_events_ask_for_more(tmp_path):
    release = {"name": "icecube-10yr", "synthetic": "always", "generator": {"event_fraction": 10}}
    once, ten = (plan.requests({**TEN_YEARS, "release": r}, tmp_path) for r in ({"name": "icecube-10yr"}, release))
    for rule in ("ingest_release", "inference_trials"):
        assert ten[rule]["mem_mb"] > 3 * once[rule]["mem_mb"], rule
    for rule in ("separations", "stacking_scan"):  # near pairs are held in blocks
        assert 1.5 * once[rule]["mem_mb"] < ten[rule]["mem_mb"] < 5000, rule
    assert ten["inference_trials"]["runtime"] > 3 * once["inference_trials"]["runtime"]
    assert ten["bdm_events"]["mem_mb"] == once["bdm_events"]["mem_mb"]


def test_32_cores_plan_the_same_jobs(tmp_path):
    done = snakemake(SMALL, tmp_path, "--dry-run", "--cores", "32")
    assert done.returncode == 0, done.stderr
    assert "Using workflow specific profile" in done.stderr
    assert (
        int(re.search(r"^total +(\d+)", done.stdout, re.MULTILINE)[1])
        == sum(plan.jobs(SMALL, tmp_path / "again").values()) + 1
    )


@pytest.mark.parametrize("name", SHARED_DISK)
def test_a_profile_groups_what_is_short_and_nothing_else(tmp_path, name):
    rules = set(plan.requests(TEN_YEARS, tmp_path)) | {"windows"}  # of catalogues that change with time only
    grouped = set(profile(name)["groups"])
    long = {rule for rule in rules if rule.startswith("inference_")}
    # The download needs a network, and the kernels must be compiled before anything uses them.
    assert grouped == rules - long - {"fetch_release", "warm_up"}
    assert profile(name)["groups"] == profile("slurm")["groups"]


@pytest.mark.parametrize("name", SHARED_DISK)
def test_a_profile_plans_the_groups(tmp_path, name):
    done = snakemake(SMALL, tmp_path, "--dry-run", "--profile", str(PROFILES / name))
    assert done.returncode == 0, done.stderr
    groups = Counter(re.findall(r"Group job (\w+) \(", done.stdout))
    assert groups == {"release": 1, "catalogue": 2, "bdm": 1, "pages": 1}


@pytest.mark.parametrize(
    ("name", "commands", "job"), [("pbs", PBS, "1"), ("htcondor", HTCONDOR, "1.0")], ids=["pbs", "htcondor"]
)
def test_the_status_is_put_in_snakemakes_words(tmp_path, name, commands, job):
    env = scheduler(tmp_path, commands)
    for content, word in (("", "running"), ("0\n", "success"), ("1\n", "failed"), ("137\n", "failed")):
        (tmp_path / "jobs" / "1").write_text(content)
        assert status(name, env, job) == word


def test_a_job_pbs_does_not_know_has_failed(tmp_path):
    assert status("pbs", scheduler(tmp_path, PBS), "99") == "failed"


@pytest.mark.parametrize(("answer", "word"), [("3 ", "failed"), ("5 ", "failed"), ("1 ", "running")])
def test_a_removed_or_held_htcondor_job_has_failed(tmp_path, answer, word):
    env = scheduler(tmp_path, {**HTCONDOR, "condor_q": f"#!/bin/sh\necho '{answer}'\n"})
    assert status("htcondor", env, "1.0") == word


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("pbs", {"qstat": "#!/bin/sh\necho 'qstat: cannot connect to server' >&2; exit 1\n"}),
        ("htcondor", {c: "#!/bin/sh\nexit 1\n" for c in ("condor_q", "condor_history")}),
    ],
)
def test_a_scheduler_that_does_not_answer_ends_no_job(tmp_path, name, commands):
    assert status(name, scheduler(tmp_path, commands), "1") == "running"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "commands", "asked"),
    [
        ("pbs", PBS, r"-l select=1:ncpus=1:mem=900mb -l walltime=30:00"),
        ("htcondor", HTCONDOR, r"request_cpus = 1\nrequest_memory = 900"),
    ],
    ids=["pbs", "htcondor"],
)
def test_a_run_goes_through_the_submit_command(tmp_path, name, commands, asked):
    env = scheduler(tmp_path / "cluster", commands)
    options = ("--profile", str(PROFILES / name), "--cores", "2", "--latency-wait", "10")
    done = snakemake(DARK, tmp_path / "run", *options, env=env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/results/small/report.html").exists()
    calls = (tmp_path / "cluster/jobs/calls").read_text()
    # Two groups: boosted dark matter in one, summary and page in the other.
    assert len([p for p in (tmp_path / "cluster/jobs").glob("*.log")]) == 2
    assert re.search(asked, calls), calls


def test_the_pod_unlocks_then_runs_within_what_it_asked_for():
    job = yaml.safe_load((PROFILES / "kubernetes.yaml").read_text())
    (container,) = job["spec"]["template"]["spec"]["containers"]
    unlock, run = container["args"][0].split(" && ")
    assert unlock.endswith(" --unlock")
    assert run == unlock.replace("--unlock", f"--cores {container['resources']['requests']['cpu']}")
    assert container["volumeMounts"][0]["mountPath"] == re.search(r"--directory (\S+)", run)[1]
