from pathlib import Path

import pytest

from tests.stages import inferred


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """The small release of `inferred`."""
    folder = tmp_path_factory.mktemp("inference")
    inferred.make(folder)
    return folder
