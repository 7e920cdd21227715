import pytest

from nusky.catalogues import names
from nusky.errors import CatalogueError


@pytest.mark.parametrize(
    ("name", "spelled", "ra_deg", "dec_deg"),
    [
        ("NGC 1068", "NGC 1068", 40.67, -0.01),
        ("ngc1068", "NGC 1068", 40.67, -0.01),
        ("TXS 0506\u2212056".replace("\u2212", "+"), "TXS 0506+056", 77.35, 5.7),
        ("hess j1745\u2212290", "HESS J1745-290", 266.415, -29.006),
        ("1LHAASO J0534+2200u", "1LHAASOJ0534+2200u", 83.62, 22.01),
    ],
)
def test_names_of_the_lists_are_found_however_they_are_written(name, spelled, ra_deg, dec_deg):
    found = names.find(name, online=False)
    assert found.name == spelled
    assert (found.ra_deg, found.dec_deg) == pytest.approx((ra_deg, dec_deg), abs=0.02)


def test_an_unknown_name_says_what_is_like_it_and_what_to_do():
    with pytest.raises(CatalogueError, match=r"'NGC 1069'.*Did you mean NGC 1068.*--ra DEG --dec DEG"):
        names.find("NGC 1069", online=False)
    with pytest.raises(CatalogueError, match="Did you mean Crab nebula or Crab pulsar"):
        names.find("Crab", online=False)
    with pytest.raises(CatalogueError, match="is no name of a source"):
        names.find(" . ")


@pytest.mark.parametrize(
    ("reason", "message"),
    [("Unable to find coordinates for name", "knows none"), ("All Sesame queries failed", "cannot be reached")],
)
def test_the_name_service_may_not_know_or_not_answer(monkeypatch, reason, message):
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError

    def from_name(name):
        raise NameResolveError(reason)

    monkeypatch.setattr(SkyCoord, "from_name", from_name)
    with pytest.raises(CatalogueError, match=message):
        names.find("Nobody's object")
