import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nusky.errors import PhysicsError
from nusky.likelihood.separation import TAIL, cut_radius, near_pair_blocks, near_pairs, stack_signal
from tests import oracles

RNG = np.random.default_rng(7)


def random_sky(n, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), np.radians(rng.lognormal(0, 1, n))


ADVERSARIAL = {
    "north pole": (
        [0.1, 3.0, 6.0],
        [np.pi / 2, np.pi / 2 - 1e-9, 1.56],
        [0.01, 1e-6, 0.1],
        [0.0, 3.1],
        [np.pi / 2, 1.55],
    ),
    "south pole": ([0.1, 3.0], [-np.pi / 2, -1.57], [0.01, 0.02], [5.0, 2.0], [-np.pi / 2, -1.569]),
    "right ascension wrap": (
        [0.001, 2 * np.pi - 0.001, 2 * np.pi],
        [0.3, 0.3, -0.2],
        [0.01] * 3,
        [0.0, 6.283],
        [0.3, -0.2],
    ),
    "coincident": ([1.0, 1.0], [0.5, 0.5], [0.01, 1e-8], [1.0, 1.0], [0.5, 0.5]),
    "huge angular error": ([1.0, 4.0], [0.5, -1.0], [3.1, 3.0], [1.0, 2.0], [0.4, 1.2]),
    "tiny angular error": ([1.0, 1.0 + 2e-7], [0.5, 0.5], [1e-7, 1e-7], [1.0], [0.5 + 1e-7]),
    "one event": ([2.0], [0.1], [0.02], [2.01], [0.11]),
    "nothing near": ([2.0, 2.5], [0.1, 0.2], [0.005, 0.005], [5.0], [-1.0]),
}


def dense(pairs, n_events, n_sources):
    matrix = np.zeros((n_events, n_sources))
    matrix[pairs.event, pairs.source] = pairs.density
    return matrix


@pytest.mark.parametrize("case", ADVERSARIAL)
def test_without_a_cut_every_pair_equals_the_formula(case):
    ra, dec, err, source_ra, source_dec = map(np.array, ADVERSARIAL[case])
    pairs = near_pairs(ra, dec, err, source_ra, source_dec, tail=0)
    assert len(pairs.psi) == len(ra) * len(source_ra)
    expected = oracles.signal_density(ra, dec, err, source_ra, source_dec)
    np.testing.assert_allclose(dense(pairs, *expected.shape), expected, rtol=1e-10, atol=0)


@pytest.mark.parametrize("case", ADVERSARIAL)
def test_the_cut_drops_only_densities_below_its_bound(case):
    ra, dec, err, source_ra, source_dec = map(np.array, ADVERSARIAL[case])
    expected = oracles.signal_density(ra, dec, err, source_ra, source_dec)
    kept = dense(near_pairs(ra, dec, err, source_ra, source_dec), *expected.shape)
    np.testing.assert_allclose(kept[kept > 0], expected[kept > 0], rtol=1e-10)
    assert expected[kept == 0].max(initial=0) <= TAIL / (4 * np.pi) * (1 + 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.integers(0, 2**32))
def test_random_skies_equal_the_formula(n_events, n_sources, seed):
    ra, dec, err = random_sky(n_events, seed)
    source_ra, source_dec, _ = random_sky(n_sources, seed + 1)
    expected = oracles.signal_density(ra, dec, err, source_ra, source_dec)
    kept = dense(near_pairs(ra, dec, err, source_ra, source_dec), *expected.shape)
    np.testing.assert_allclose(kept[kept > 0], expected[kept > 0], rtol=1e-10)
    assert expected[kept == 0].max(initial=0) <= TAIL / (4 * np.pi) * (1 + 1e-9)


def test_pairs_are_sorted_by_event_and_unique():
    ra, dec, err = random_sky(500, 1)
    pairs = near_pairs(ra, dec, err, *random_sky(50, 2)[:2])
    assert (np.diff(pairs.event) >= 0).all()
    assert len(set(zip(pairs.event, pairs.source, strict=True))) == len(pairs.event)


def test_cut_radius_is_where_the_density_meets_the_bound():
    sigma = np.radians([0.2, 1.0, 5.0])
    radius = cut_radius(sigma, TAIL)
    density = np.exp(-0.5 * (radius / sigma) ** 2) / (2 * np.pi * sigma**2)
    np.testing.assert_allclose(density, TAIL / (4 * np.pi), rtol=1e-9)
    assert cut_radius(np.array([1.0]), 0.0)[0] == np.pi


def test_stacking_sums_weights_times_densities():
    ra, dec, err = random_sky(300, 3)
    source_ra, source_dec, _ = random_sky(30, 4)
    weights = RNG.uniform(0, 1, (3, 30))
    pairs = near_pairs(ra, dec, err, source_ra, source_dec, tail=0)
    stacked = stack_signal(pairs.event, pairs.source, pairs.density, weights, 300)
    expected = weights @ oracles.signal_density(ra, dec, err, source_ra, source_dec).T
    np.testing.assert_allclose(stacked, expected, rtol=1e-10)


def test_threads_do_not_change_a_bit():
    import numba

    ra, dec, err = random_sky(2000, 5)
    source_ra, source_dec, _ = random_sky(100, 6)
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        pairs = near_pairs(ra, dec, err, source_ra, source_dec)
        results.append(stack_signal(pairs.event, pairs.source, pairs.density, np.ones((1, 100)), 2000))
    assert np.array_equal(*results)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, np.nan, "ra number 1 is nan rad"),
        (1, 2.0, "dec number 1 is 2 rad"),
        (2, 0.0, "ang_err of event 1 is 0.0"),
        (2, np.inf, "ang_err of event 1 is inf"),
    ],
)
def test_bad_events_are_named(column, value, message):
    events = [np.full(3, 0.1), np.full(3, 0.1), np.full(3, 0.1)]
    events[column][1] = value
    with pytest.raises(PhysicsError, match=message):
        near_pairs(*events, np.array([0.1]), np.array([0.1]))


def test_lengths_must_agree():
    with pytest.raises(PhysicsError, match="differ in length: 2, 3, 3"):
        near_pairs(np.zeros(2), np.zeros(3), np.ones(3), np.zeros(1), np.zeros(1))


@pytest.mark.parametrize("rows", [1, 40, 1000, 10**6, None])
def test_blocks_are_the_pairs_in_whole_events(rows):
    ra, dec, err = random_sky(300, 3)
    sources = random_sky(50, 4)[:2]
    expected = near_pairs(ra, dec, err, *sources)
    n_pairs, made = near_pair_blocks(ra, dec, err, *sources, rows=rows)
    blocks = list(made)
    assert n_pairs == len(expected.psi) == sum(len(block.psi) for block in blocks)
    for name in ("event", "source", "psi", "density"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(block, name) for block in blocks]), getattr(expected, name)
        )
    events = [set(block.event.tolist()) for block in blocks]
    assert sum(map(len, events)) == len(set().union(*events))
    if rows is not None:
        assert all(len(block.psi) <= rows or len(own) == 1 for block, own in zip(blocks, events, strict=True))


def test_no_event_is_one_empty_block():
    n_pairs, blocks = near_pair_blocks(*np.empty((3, 0)), *random_sky(5, 1)[:2], rows=10)
    assert (n_pairs, [len(block.event) for block in blocks]) == (0, [0])
