"""What jobs import: a run has dozens, and most of their time would go into modules that they do not need."""

import subprocess
import sys

CODE = """
import sys

def loaded(*names):
    return [name for name in names if name in sys.modules]

SLOW = ("scipy.special", "scipy.optimize", "scipy.interpolate", "astropy", "pandas", "matplotlib", "pandera")
import nusky.stages.corrected, nusky.stages.figures, nusky.stages.report, nusky.stages.search, nusky.stages.summary
import nusky.stages.estimate, nusky.stages.releases
assert not loaded("numba", "pyarrow.compute", *SLOW), loaded("numba", "pyarrow.compute", *SLOW)
import nusky.stages.inference, nusky.stages.stack_sources
assert loaded("numba") and not loaded(*SLOW), loaded(*SLOW)
import nusky.stages.bdm
from nusky.bdm.supernovae import find, place
assert place(find("Cas A")).beta > 1
assert not loaded(*SLOW), loaded(*SLOW)
"""


def test_jobs_import_what_they_need_and_no_more():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
