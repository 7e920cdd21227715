"""Which state of the sources computes: the revision and the digest that tables, summaries and run logs state."""

import functools
import hashlib
import logging
import os
import subprocess
from pathlib import Path

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
VARIABLE = "NUSKY_REVISION"
"""Environment variable with the revision to state; the workflow sets it once, so that all its jobs say the same."""
_TREE = Path(__file__).resolve().parents[2]


@functools.cache
def sources_sha256() -> str:
    """SHA-256 over the package's Python files: it tells apart what one revision cannot, such as changed trees.

    The scripts of the workflow are left out, which lie in the package only where it was installed from a wheel: the
    same sources have the same digest, and the same compiled kernels, wherever they run from.
    """
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        if source.is_relative_to(package / "pipeline"):
            continue
        digest.update(f"{source.relative_to(package)} {hashlib.sha256(source.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


@functools.cache
def revision() -> str:
    """Commit of the source tree nusky runs from, with ``-dirty`` if tracked files were changed.

    It is the same for all users, whoever owns the tree. 'unknown' for an installed package and, with a warning that
    says why, where git does not tell; what `NUSKY_REVISION` says, if set.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return given
    if not (_TREE / ".git").exists():  # a package installed below somebody else's repository is no part of it
        return UNKNOWN
    # git refuses the trees of other users, whose settings name programs; the code of this one runs here anyway.
    command = ["git", "-C", str(_TREE), "-c", f"safe.directory={_TREE}", "-c", "core.fsmonitor=false"]
    command += ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    # Jobs that start together must not fight for the lock of git's index.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)
        found, reason = done.stdout.strip(), done.stderr.strip()
    except (OSError, subprocess.SubprocessError) as error:
        found, reason = "", str(error)
    if not found:
        log.warning(
            "%s: which state of the sources this is, is unknown, and tables will say so (%s). To have it stated, make "
            "git work there or set %s.",
            _TREE,
            " ".join(reason.split()) or "git says nothing",
            VARIABLE,
        )
    return found or UNKNOWN
