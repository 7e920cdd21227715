import pytest

from nusky.config import InjectedSource
from nusky.releases import icecube_10yr, registry
from nusky.releases.generator import generate_release

SEASON = "IC86_I"


@pytest.fixture(scope="session")
def one_season(tmp_path_factory):
    """Tables of a generated season with a source of 15 events, gamma 2.3, at RA 57.3, Dec 17.2 deg."""
    root = tmp_path_factory.mktemp("one-season") / "release"
    release = registry.find("icecube-10yr")
    seasons = release.select([SEASON])
    generate_release(
        root, release, seasons, 3, 0.05, [InjectedSource(ra_deg=57.3, dec_deg=17.2, n_signal=15, gamma=2.3)]
    )
    return icecube_10yr.read(root, release, seasons, check_counts=False)
