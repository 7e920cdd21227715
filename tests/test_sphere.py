import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given
from hypothesis import strategies as st

from nusky.sphere import displaced, equatorial, galactic


@given(st.floats(0, 2 * np.pi), st.floats(-np.pi / 2, np.pi / 2), st.floats(0, np.pi), st.floats(0, 2 * np.pi))
def test_displaced_keeps_the_distance(ra, dec, distance, angle):
    new_ra, new_dec = displaced(ra, dec, np.array([distance]), np.array([angle]))

    def unit(ra, dec):
        return np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])

    one, other = unit(ra, dec), unit(new_ra[0], new_dec[0])
    separation = np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)
    assert separation == pytest.approx(distance, abs=1e-12)
    assert 0 <= new_ra[0] <= 2 * np.pi


def test_displaced_angle_is_from_north_through_east():
    ra, dec = displaced(1.0, 0.0, np.full(2, 0.1), np.array([0.0, np.pi / 2]))
    np.testing.assert_allclose([ra, dec], [[1.0, 1.1], [0.1, 0.0]], atol=1e-14)


def test_galactic_directions_are_those_of_astropy():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 2 * np.pi, 500), np.arcsin(rng.uniform(-1, 1, 500))
    ra, dec = np.append(ra, [0.0, 0.0, 4.6496443]), np.append(dec, [np.pi / 2, -np.pi / 2, -0.5050315])
    known = SkyCoord(ra, dec, unit="rad").galactic
    longitude, latitude = galactic(ra, dec)
    np.testing.assert_allclose(latitude, known.b.rad, atol=1e-14)
    np.testing.assert_allclose(np.cos(latitude) * np.angle(np.exp(1j * (longitude - known.l.rad))), 0, atol=1e-14)
    assert ((longitude >= 0) & (longitude < 2 * np.pi)).all()
    back = equatorial(longitude, latitude)
    np.testing.assert_allclose(back[1], dec, atol=2e-8)  # as far as the arctangent tells beside a pole
    np.testing.assert_allclose(np.cos(dec) * np.angle(np.exp(1j * (back[0] - ra))), 0, atol=1e-14)


def test_a_single_direction_has_numbers():
    longitude, latitude = galactic(np.radians(350.85), np.radians(58.816667))  # Cas A
    assert np.degrees(longitude) == pytest.approx(111.735, abs=0.001)
    assert np.degrees(latitude) == pytest.approx(-2.128, abs=0.001)
