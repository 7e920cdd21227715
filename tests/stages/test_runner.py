"""What a job imports: each begins a process of its own, so what it does not need must not be imported."""

import subprocess
import sys

import pytest

_SCIPY = ("scipy.special", "scipy.optimize", "scipy.interpolate", "scipy.fft")
_NEVER = ("pandas", "pandera", "matplotlib", "astropy", "jinja2", *_SCIPY)


@pytest.mark.parametrize(
    ("stages", "unneeded"),
    [
        ("inference stack_sources skymap", _NEVER),
        ("search releases corrected summary figures estimate report", ("numba", "pyarrow.compute", *_NEVER)),
        ("bdm", _NEVER),
        ("catalogues", ("numba", "scipy", "matplotlib")),
    ],
)
def test_jobs_import_only_what_they_need(stages, unneeded):
    modules = ", ".join(f"nusky.stages.{name}" for name in stages.split())
    code = f"import sys, nusky.stages.runner, {modules}; print([m for m in {unneeded!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_script_of_the_workflow_ends_with_its_log_written_and_its_status(tmp_path):
    code = """
import atexit, sys
from types import SimpleNamespace
from nusky.stages.runner import logged

class Files(list):
    def items(self):
        return []

snakemake = SimpleNamespace(
    rule="x", wildcards=Files(), output=Files(), threads=1, log=[sys.argv[1] + "/a.log", sys.argv[1] + "/a.json"]
)
atexit.register(print, "taken apart")
with logged(snakemake):
    import logging
    logging.warning("said")
    print("printed", end="")
    if sys.argv[2] == "fail":
        raise RuntimeError("odd")
"""
    for how, status in (("end", 0), ("fail", 1)):
        command = [sys.executable, "-c", code, str(tmp_path), how]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == status, done.stderr
        assert done.stdout.startswith("printed")
        assert done.stdout.endswith("taken apart\n")  # what others clean up at the end is cleaned up
        assert "said" in (tmp_path / "a.log").read_text()
        assert ("finished" if how == "end" else "failed") in (tmp_path / "a.json").read_text()
