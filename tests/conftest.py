"""Fixtures shared by all tests."""

import os
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]

# A font list of these tests' own: matplotlib trusts a saved one, even one from a moment when fonts were missing.
_matplotlib = tempfile.TemporaryDirectory(prefix="nusky-matplotlib-")
os.environ["MPLCONFIGDIR"] = _matplotlib.name


@pytest.fixture(autouse=True)
def _environment():
    """What the Snakefile sets for its jobs, it sets in this process where a test calls Snakemake's API."""
    names = ("PYTHONSAFEPATH", "PYDANTIC_DISABLE_PLUGINS")
    before = {name: os.environ[name] for name in names if name in os.environ}
    yield
    for name in set(names) - set(before):
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def validation_data() -> Path:
    """Real data for validation; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("NUSKY_VALIDATION_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no validation data at {folder}; set NUSKY_VALIDATION_DATA")
    return folder
