import pytest

from tests import browser


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A page of a headless Chromium; it must not complain about what a test opened in it."""
    if browser.PROGRAM is None:
        pytest.skip("no Chromium is installed (Debian package `chromium`)")
    with browser.chromium(tmp_path_factory.mktemp("browser")) as page:
        yield page
