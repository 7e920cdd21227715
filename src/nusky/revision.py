"""Which state of the sources computes: the revision that tables, summaries and run logs state."""

import functools
import os
import subprocess
from pathlib import Path

UNKNOWN = "unknown"
VARIABLE = "NUSKY_REVISION"
"""Environment variable with the revision to state; the workflow sets it once, so that all its jobs say the same."""
_TREE = Path(__file__).resolve().parents[2]


@functools.cache
def revision() -> str:
    """Commit of the source tree nusky runs from, with ``-dirty`` if tracked files were changed.

    'unknown' for an installed package, before the first commit and without git; what `NUSKY_REVISION` says, if set.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given
    if not (_TREE / ".git").exists():  # a package installed below somebody else's repository is no part of it
        return UNKNOWN
    command = ["git", "-C", str(_TREE), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    # Jobs that start together must not fight for the lock of git's index.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, env=environment)
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return done.stdout.strip() or UNKNOWN
