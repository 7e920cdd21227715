import pytest

from nusky.search.skymap.model import SkyModel
from tests.search.skymap import skies

SOURCES = ((77.4, 5.7, 60.0, 2.2), (201.0, 41.0, 60.0, 2.4), (310.0, 22.0, 60.0, 2.6))
"""RA and Dec [deg], expected events, gamma."""


@pytest.fixture(scope="session")
def with_counts(tmp_path_factory):
    return skies.with_sources(skies.generated(tmp_path_factory.mktemp("injected") / "release", 0.3), SOURCES, 5)


@pytest.fixture(scope="session")
def injected(with_counts):
    return with_counts[0]


@pytest.fixture(scope="session")
def injected_model(injected):
    return SkyModel.of_analysis(injected)


@pytest.fixture(scope="session")
def null_model(tmp_path_factory):
    analysis = skies.generated(tmp_path_factory.mktemp("null") / "release", 0.02)
    return SkyModel.of_analysis(analysis, gamma=2.5)
