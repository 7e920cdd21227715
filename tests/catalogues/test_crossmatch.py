"""Cross-matching, against all pairs computed by astropy."""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.catalogues.crossmatch import duplicates


@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_every_later_source_meets_the_nearest_earlier_original(seed, sizes):
    random = np.random.default_rng(seed)
    list_index = np.repeat(np.arange(len(sizes)), sizes)
    ra, dec = random.uniform(0, 3, len(list_index)), random.uniform(86, 90, len(list_index))
    extension = random.choice([0.0, 0.0, 0.8], len(list_index))
    duplicate_of, separation = duplicates(ra, dec, extension, list_index, 0.5)
    positions = SkyCoord(ra * u.deg, dec * u.deg)
    all_pairs = positions[:, None].separation(positions[None]).deg
    reach = np.maximum(0.5, np.maximum(extension[:, None], extension))
    for row, partner in enumerate(duplicate_of):
        earlier = (list_index < list_index[row]) & (duplicate_of < 0)
        within = earlier & (all_pairs[row] <= reach[row])
        if partner < 0:
            assert not within.any()
            assert np.isnan(separation[row])
        else:
            assert within[partner]
            nearest = all_pairs[row][within].min()
            assert abs(all_pairs[row, partner] - nearest) < 1e-9
            assert abs(separation[row] - nearest) < 1e-9


def test_the_seam_in_right_ascension_is_no_border():
    duplicate_of, separation = duplicates(np.array([359.95, 0.05]), np.zeros(2), np.zeros(2), np.array([0, 1]), 0.2)
    assert duplicate_of.tolist() == [-1, 0]
    np.testing.assert_allclose(separation[1], 0.1, rtol=1e-10)


def test_an_extended_source_reaches_as_far_as_it_extends():
    ra, list_index = np.array([0.0, 0.9, 2.0]), np.array([0, 1, 1])
    for extension, expected in (([1.0, 0, 0], [-1, 0, -1]), ([0, 1.0, 0], [-1, 0, -1]), ([0.0, 0, 0], [-1, -1, -1])):
        assert duplicates(ra, np.zeros(3), np.array(extension), list_index, 0.3)[0].tolist() == expected


def test_a_list_is_not_matched_with_itself():
    duplicate_of, _ = duplicates(np.zeros(3), np.zeros(3), np.ones(3), np.zeros(3, dtype=int), 1.0)
    assert duplicate_of.tolist() == [-1, -1, -1]
