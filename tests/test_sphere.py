import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nusky.sphere import displaced, offsets


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


@given(st.floats(0, 6), st.floats(-1.5, 1.5), st.floats(0, 3), st.floats(0, 6.2))
def test_offsets_point_back_to_where_a_direction_was_displaced(ra, dec, distance, angle):
    east, north = offsets(*displaced(ra, dec, np.array([distance]), np.array([angle])), ra, dec)
    np.testing.assert_allclose([east[0], north[0]], [distance * np.sin(angle), distance * np.cos(angle)], atol=1e-7)
