"""Cross-matching, against all pairs computed from unit vectors."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.catalogues.crossmatch import duplicates


def separations_deg(ra, dec):
    ra, dec = np.radians(ra), np.radians(dec)
    vectors = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(vectors[:, None] - vectors[None], axis=-1) / 2, 0, 1)))


@given(seed=st.integers(0, 2**32 - 1), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_every_later_source_meets_the_nearest_earlier_original(seed, sizes):
    random = np.random.default_rng(seed)
    list_index = np.repeat(np.arange(len(sizes)), sizes)
    ra, dec = random.uniform(0, 3, len(list_index)), random.uniform(86, 90, len(list_index))
    duplicate_of, separation = duplicates(ra, dec, list_index, 0.5)
    all_pairs = separations_deg(ra, dec)
    for row, partner in enumerate(duplicate_of):
        earlier = (list_index < list_index[row]) & (duplicate_of < 0)
        nearest = np.where(earlier, all_pairs[row], np.inf).min()
        if partner < 0:
            assert nearest > 0.5 - 1e-9
            assert np.isnan(separation[row])
        else:
            assert duplicate_of[partner] == -1
            assert list_index[partner] < list_index[row]
            assert abs(all_pairs[row, partner] - nearest) < 1e-9
            assert abs(separation[row] - nearest) < 1e-9


def test_the_seam_in_right_ascension_is_no_border():
    duplicate_of, separation = duplicates(np.array([359.95, 0.05]), np.zeros(2), np.array([0, 1]), 0.2)
    assert duplicate_of.tolist() == [-1, 0]
    np.testing.assert_allclose(separation[1], 0.1, rtol=1e-10)


def test_a_list_is_not_matched_with_itself():
    duplicate_of, _ = duplicates(np.zeros(3), np.zeros(3), np.zeros(3, dtype=int), 1.0)
    assert duplicate_of.tolist() == [-1, -1, -1]
