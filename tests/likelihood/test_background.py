import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.likelihood.background import band_counts, band_density, band_solid_angle
from tests import oracles


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-90_000, 90_000), min_size=1, max_size=80),
    st.lists(st.integers(-90_000, 90_000), min_size=1, max_size=20),
)
def test_counts_equal_all_comparisons_ties_included(events, centres):
    """Declinations with three decimals of a degree, as released, so that ties at the edge do occur."""
    event_dec, dec = np.radians(np.array(events) / 1000), np.radians(np.array(centres) / 1000)
    expected = [sum(abs(e - c) <= 5000 for e in events) for c in centres]  # exact, in integers
    np.testing.assert_array_equal(band_counts(dec, event_dec), expected)
    np.testing.assert_array_equal(oracles.band_count(dec, event_dec), expected)


def test_solid_angle_of_a_clipped_band_at_the_pole_is_a_cap():
    cap = 2 * np.pi * (1 - np.sin(np.radians(85)))
    assert band_solid_angle(np.pi / 2, clipped=True) == pytest.approx(cap, rel=1e-12)


def test_published_bands_are_not_clipped():
    dec = np.radians(88.0)
    expected = 2 * np.pi * (np.sin(np.radians(93)) - np.sin(np.radians(83)))
    assert band_solid_angle(dec, clipped=False) == pytest.approx(expected, rel=1e-12)
    assert band_solid_angle(dec, clipped=True) > band_solid_angle(dec, clipped=False)


def test_density_of_an_isotropic_sky_is_one_over_four_pi():
    event_dec = np.arcsin(np.linspace(-1, 1, 2_000_001))
    dec = np.radians([-80.0, -30.0, 0.0, 45.0, 89.0])
    np.testing.assert_allclose(band_density(dec, event_dec, clipped=True), 1 / (4 * np.pi), rtol=1e-3)
