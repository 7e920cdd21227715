import numpy as np
import pytest
from numba.core.errors import TypingError

from nusky.likelihood.compile import kernel
from nusky.likelihood.lanes import add_pair, add_powers, any_from

RNG = np.random.default_rng(11)


@kernel()
def pair(held, first, density, row, share, own, n, weights):
    add_pair(held, first, density, row, share, own, n, weights)


@kernel()
def powers(held, n_events, low, begin, n):
    add_powers(held, n_events, low, begin, n)


@kernel()
def large(held, first, n, limit):
    return any_from(held, first, n, limit)


def numbers(*shape):
    return RNG.uniform(0.5, 1.5, shape).astype(np.float32)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 21])
@pytest.mark.parametrize("n_widths", [1, 5])
def test_pairs_are_added_where_they_belong(n, n_widths):
    held, density, share = numbers(3, n), numbers(4, n_widths, n), numbers(2, n)
    weights = tuple(numbers(n_widths))
    expected = held.copy()
    terms = [weight * own for weight, own in zip(weights, density[2], strict=True)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    expected[1] += share[1] * total
    pair(held, n, density, 2 * n_widths * n, share, n, n, weights)
    np.testing.assert_array_equal(held, expected)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 21])
@pytest.mark.parametrize("n_events", [0, 1, 130])
def test_powers_are_added_where_they_belong(n, n_events):
    held, low = numbers(n_events + 1, n), RNG.uniform(0, 1, (2, 4, n))
    expected = low.copy()
    for power in range(4):
        expected[1, power] += (held[:n_events].astype(float) ** (power + 1)).sum(axis=0)
    powers(held, n_events, low, 4 * n, n)
    np.testing.assert_array_equal(low[0], expected[0])
    np.testing.assert_allclose(low[1], expected[1], rtol=1e-13)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 21])
def test_one_large_number_is_seen_and_the_neighbours_are_not(n):
    limit = np.float32(2.0)
    for at in range(3 * n):
        for value in (limit, np.float32(np.nan)):
            held = numbers(3, n)
            held.ravel()[at] = value
            assert large(held, n, n, limit) == (n <= at < 2 * n)
    assert not large(numbers(3, n), n, n, limit)


def test_other_arrays_are_refused():
    held = numbers(4, 16)
    for wrong in (held[:, ::2], held.astype(float), np.asfortranarray(held)):
        with pytest.raises(TypingError, match="C-ordered array of float32"):
            large(wrong, 0, 8, np.float32(1.0))
