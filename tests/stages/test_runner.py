"""What a job imports: each begins a process of its own, so what it does not need must not be imported."""

import subprocess
import sys

import pytest

_NEVER = ("pandas", "pandera", "matplotlib", "astropy", "scipy.optimize", "scipy.interpolate", "scipy.fft", "jinja2")


@pytest.mark.parametrize(
    ("stages", "unneeded"),
    [
        ("search inference skymap releases", _NEVER),
        ("summary figures", ("numba", "scipy", *_NEVER)),
        ("catalogues", ("numba", "scipy", "matplotlib")),
    ],
)
def test_jobs_import_only_what_they_need(stages, unneeded):
    modules = ", ".join(f"nusky.stages.{name}" for name in stages.split())
    code = f"import sys, nusky.stages.runner, {modules}; print([m for m in {unneeded!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
