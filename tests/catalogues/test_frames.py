"""Frames that names, UCDs, descriptions and headers state, against astropy."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import FK4, FK5, SkyCoord

from nusky.catalogues import frames
from nusky.catalogues.frames import Frames
from nusky.errors import CatalogueError


@pytest.mark.parametrize(
    ("name", "family", "role", "equinox"),
    [
        *(
            (name, "equatorial", "longitude", None)
            for name in ("RA", "ra_deg", "RAdeg", "RAJD", "Right Ascension", "alpha")
        ),
        *((name, "equatorial", "latitude", None) for name in ("DEC", "Decl", "DEdeg", "DECJD", "Declination (deg)")),
        *((name, "equatorial", "longitude", "J2000") for name in ("RAJ2000", "_RAJ2000", "RA2000", "RA_ICRS")),
        *((name, "equatorial", "latitude", "B1950") for name in ("DEB1950", "DE1950", "Dec (B1950)", "dec_fk4")),
        ("RA1875", "equatorial", "longitude", "B1875"),
        *(
            (name, "galactic", "longitude", None)
            for name in ("GLON", "l", "l_deg", "lII", "Gal.  long. [deg]", "pos_glon")
        ),
        *((name, "galactic", "latitude", None) for name in ("GLAT", "b", "b [deg]", "bII", "Galactic Latitude")),
        ("SGL", "supergalactic", "longitude", None),
        ("ELAT", "ecliptic", "latitude", None),
        ("zenith_deg", "horizontal", "latitude", None),
        *((name, None, None, None) for name in ("name", "radius", "flux", "r39", "Gamma", "label")),
    ],
)
def test_names(name, family, role, equinox):
    said = frames.by_name(name)
    assert (said.family, said.role, said.equinox) == (family, role, equinox)


@pytest.mark.parametrize(
    ("ucd", "family", "role"),
    [
        ("pos.eq.ra;meta.main", "equatorial", "longitude"),
        ("POS_EQ_DEC_MAIN", "equatorial", "latitude"),
        ("pos.galactic.lon", "galactic", "longitude"),
        ("POS_GAL_LAT", "galactic", "latitude"),
        ("pos.ecliptic.lat", "ecliptic", "latitude"),
        ("pos.supergalactic.lon", "supergalactic", "longitude"),
        ("phot.flux", None, None),
    ],
)
def test_ucds(ucd, family, role):
    said = frames.by_ucd("x", ucd)
    assert (said.family, said.role) == (family, role)


@pytest.mark.parametrize(
    ("text", "family", "equinox"),
    [
        ("Right Ascension (J2000)", "equatorial", "J2000"),
        ("Galactic longitude", "galactic", None),
        ("Declination, equinox 1950", "equatorial", "B1950"),
        ("Right ascension (ICRS) at Ep=J2015.5", "equatorial", None),
        ("TeV flux of a galactic source", None, None),
    ],
)
def test_descriptions(text, family, equinox):
    said = frames.by_description("x", text)
    assert (said.family, said.equinox) == (family, equinox)


@pytest.mark.parametrize(
    ("system", "equinox", "family", "expected"),
    [
        ("eq_FK4", "B1950", "equatorial", "B1950"),
        ("FK4", None, "equatorial", "B1950"),
        ("FK4", "1900.0", "equatorial", "B1900"),
        ("", "1950.0", "equatorial", "B1950"),
        ("", "2000.0", "equatorial", "J2000"),
        ("FK5", "1975.0", "equatorial", "J1975"),
        ("ICRS", None, "equatorial", "J2000"),
        ("GALACTIC", None, "galactic", None),
        ("ecl_FK5", "J2000", "ecliptic", None),
    ],
)
def test_systems(system, equinox, family, expected):
    said = frames.by_system(system, equinox, "the header")
    assert (said.family, said.equinox) == (family, expected)


@pytest.mark.parametrize(
    ("ra", "dec", "given", "message"),
    [
        ("RA", "GLAT", None, "says frame equatorial, but .* says galactic"),
        ("DEC", "RA", None, "column 'DEC' is to be the right ascension, but .* makes it a latitude"),
        ("RA", "lon", None, "column 'lon' is to be the declination, but .* makes it a longitude"),
        ("RAJ2000", "DEB1950", None, "says equinox J2000, but .* says B1950"),
        ("lon", "lat", None, "of no stated frame. State it with `frame`"),
        ("ELON", "ELAT", None, "hold ecliptic coordinates"),
        ("azimuth", "zenith", None, "hold horizontal coordinates"),
        ("RAJ2000", "DEJ2000", "galactic", "`frame: galactic` is given, but .* says equatorial"),
        ("RAJ2000", "DEJ2000", "fk4", "`frame: fk4` is given, but .* says J2000"),
        ("RA_J2016", "DE_J2016", None, "gives the year 2016: if it is the equinox"),
    ],
)
def test_contradictions_are_refused_with_the_file(ra, dec, given, message):
    with pytest.raises(CatalogueError, match=f"list.csv: .*{message}"):
        frames.of_columns("list.csv", Frames(), ra, dec, given)


@pytest.mark.parametrize(
    ("ra", "dec", "given", "system"),
    [
        ("RAB1950", "DEB1950", None, FK4(equinox="B1950")),
        ("RA1900", "DE1900", None, FK4(equinox="B1900")),
        ("RA (J1975)", "Dec (J1975)", None, FK5(equinox="J1975")),
        ("x", "y", "fk4", FK4(equinox="B1950")),
        ("GLON", "GLAT", None, "galactic"),
        ("lon", "lat", "galactic", "galactic"),
        ("SGL", "SGB", None, "supergalactic"),
        ("RA", "Dec", None, "icrs"),
        ("lon", "lat", "icrs", "icrs"),
    ],
)
def test_positions_are_those_of_astropy(ra, dec, given, system):
    longitude, latitude = np.array([0.0, 82.88, 359.9, np.nan]), np.array([-89.0, 21.98, 5.0, 1.0])
    found = frames.to_icrs("f", frames.of_columns("f", Frames(), ra, dec, given), longitude, latitude)
    expected = SkyCoord(longitude[:3] * u.deg, latitude[:3] * u.deg, frame=system).icrs
    np.testing.assert_allclose(found[0][:3], expected.ra.deg, rtol=1e-12)
    np.testing.assert_allclose(found[1][:3], expected.dec.deg, rtol=1e-12)
    assert np.isnan(found[0][3]) or system == "icrs"
