import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix

from nusky.errors import PhysicsError
from tests import skymap_run

HOTTEST = skymap_run.HOTTEST


def test_values_at_positions_are_those_of_their_pixels(run):
    ra, dec = np.array([10.0, 200.0]), np.array([30.0, 88.0])
    found = run.sky_map.at(ra, dec)
    pixel = HEALPix(skymap_run.NSIDE, "nested").lonlat_to_healpix(ra * u.deg, dec * u.deg)
    ts, minus_log10_p = skymap_run.values()
    np.testing.assert_array_equal(found["pixel"], pixel)
    np.testing.assert_array_equal(found["test_statistic"], ts[pixel])
    np.testing.assert_array_equal(found["minus_log10_p"], minus_log10_p[pixel])
    assert np.isnan(found["test_statistic"][1])


def test_positions_may_be_quantities(run):
    ra, dec = HOTTEST["ra_deg"] * u.deg, HOTTEST["dec_deg"] * u.deg
    row = run.sky_map.at(ra.to(u.hourangle), dec.to(u.rad))[0]
    assert row["test_statistic"] == HOTTEST["test_statistic"]
    assert row["ra_deg"] == pytest.approx(HOTTEST["ra_deg"])
    with pytest.raises(PhysicsError, match=r"ra = 1\.0 m cannot be converted; give a quantity in deg\."):
        run.sky_map.at(1 * u.m, dec)


def test_the_map_is_drawn_in_both_systems(run):
    assert "Equatorial" in run.sky_map.plot().figure.texts[0].get_text()
    assert "Galactic" in run.sky_map.plot(coordinates="galactic").figure.texts[0].get_text()
    assert run.sky_map.to_table()["ra_deg"].quantity[0] == HOTTEST["ra_deg"] * u.deg
