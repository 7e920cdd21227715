import numpy as np
import pytest
from numba.core.errors import TypingError

from nusky.likelihood.compile import kernel
from nusky.likelihood.lanes import N_WIDTHS, add_powers, fetch, sum_pairs

RNG = np.random.default_rng(11)


@kernel()
def pairs(held, first, density, rows, share, owns, weight, begin, end, n, limit):
    return sum_pairs(held, first, density, rows, share, owns, weight, begin, end, n, limit)


@kernel()
def powers(held, n_events, low, begin, n):
    add_powers(held, n_events, low, begin, n)


def numbers(*shape):
    return RNG.uniform(0.5, 1.5, shape).astype(np.float32)


N_SPECTRA = [1, 7, 8, 9, 16, 17, 25, 40]


@pytest.mark.parametrize("n", N_SPECTRA)
def test_pairs_are_summed_where_they_belong(n):
    density, share, weight = numbers(4, N_WIDTHS + 1, n), numbers(2, n), numbers(N_WIDTHS, 6)
    held = numbers(3, n)
    row, own, chosen = np.array([3, 0, 2, 2, 1]), np.array([0, 1, 1, 0, 0]), slice(1, 4)
    expected = held.copy()
    terms = np.einsum("mp,pmg->pg", weight[:, chosen].astype(float), density[row[chosen], :N_WIDTHS].astype(float))
    expected[1] = (share[own[chosen]] * terms).sum(axis=0)
    places = row * (N_WIDTHS + 1) * n, own * n
    assert not pairs(held, n, density, places[0], share, places[1], weight, 1, 4, n, np.float32(np.inf))
    np.testing.assert_allclose(held, expected, rtol=1e-6)
    np.testing.assert_array_equal(held[[0, 2]], expected[[0, 2]])
    assert not pairs(held, n, density, places[0], share, places[1], weight, 2, 2, n, np.float32(1e-30))
    assert (held[1] == 0).all()


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


@pytest.mark.parametrize("n", N_SPECTRA)
def test_one_large_number_is_seen_and_the_neighbours_are_not(n):
    limit, weight = np.float32(2.0), np.zeros((N_WIDTHS, 1), np.float32)
    weight[0] = 1.0
    places = np.array([n]), np.array([0])
    for at in range(3 * n):
        for value in (limit, np.float32(np.nan)):
            density, share = numbers(3, n), np.ones((1, n), np.float32)
            density.ravel()[at] = value
            # The widths after the first are read from the rows behind, with a weight of 0.
            density = np.concatenate((density, np.zeros((N_WIDTHS, n), np.float32)))
            seen = pairs(numbers(1, n), 0, density, places[0], share, places[1], weight, 0, 1, n, limit)
            assert seen == (n <= at < 2 * n or (np.isnan(value) and 2 * n <= at))
    assert not pairs(numbers(1, n), 0, numbers(9, n), places[0], share, places[1], weight, 0, 1, n, limit)


def test_other_arrays_are_refused():
    n, density, held, weight = 8, numbers(9, 8), numbers(4, 8), numbers(N_WIDTHS, 1)
    places = np.array([0])
    for wrong in (held[:, ::2], held.astype(float), np.asfortranarray(held)):
        with pytest.raises(TypingError, match="C-ordered array of float32"):
            pairs(wrong, 0, density, places, density, places, weight, 0, 1, n, np.float32(1.0))


def test_what_is_asked_for_stays_as_it_is():
    @kernel()
    def ask(values, first, n):
        fetch(values, first, n)

    values = numbers(40, 5)
    before = values.copy()
    ask(values, 3, 70)
    ask(values, 190, 1000)  # beyond the end nothing happens
    np.testing.assert_array_equal(values, before)
    with pytest.raises(TypingError, match="C-ordered array"):
        ask(values[:, ::2], 0, 1)
