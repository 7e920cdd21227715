"""A hang-up ends a run and its jobs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = """
import signal, subprocess, sys
{before}
from nusky.stages.hangup import end_on_hangup
end_on_hangup()
job = subprocess.Popen([sys.executable, "-c", {job!r}], stdout=subprocess.PIPE, text=True)
try:
    print(job.stdout.readline().strip(), flush=True)
    job.wait()
    print("the job ended", flush=True)
except KeyboardInterrupt:
    print("interrupted", job.wait(10), flush=True)
"""
SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep({seconds})"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"


def gone(pid):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("number", "depth"), [(signal.SIGHUP, 0), (signal.SIGHUP, 1), (signal.SIGTERM, 2)])
def test_the_run_and_its_jobs_end(number, depth):
    job = SLEEP.format(seconds=60)
    for _ in range(depth):
        job = PARENT.format(inner=job)
    code = RUN.format(before=f"signal.signal({number:d}, signal.SIG_DFL)", job=job)  # the tests may be under nohup
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        pid = int(process.stdout.readline())
        os.kill(process.pid, number)
        assert process.stdout.read().startswith("interrupted -15")
    assert process.returncode == 0
    assert gone(pid)


def test_under_nohup_it_goes_on():
    code = RUN.format(before="signal.signal(signal.SIGHUP, signal.SIG_IGN)", job=SLEEP.format(seconds=0.5))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        os.kill(process.pid, signal.SIGHUP)
        assert process.stdout.read() == "the job ended\n"
