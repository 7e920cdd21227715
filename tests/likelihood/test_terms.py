import numpy as np

from nusky.likelihood.events import EVENT
from nusky.likelihood.terms import direction, directions, pair_weights
from tests import oracles

WIDTHS = (0.4, 0.8, 1.5, 3.0, 7.0)


def weights(n, chord, extension, number, events):
    room, exponent, weight = np.empty((5, len(chord)), np.float32), np.empty(len(chord), np.int32), None
    weight = np.full((5, len(chord)), -1, np.float32)
    pair_weights(n, chord, extension, number, events, WIDTHS, room, exponent, weight)
    return weight


def test_weights_of_pairs_at_any_distance():
    rng = np.random.default_rng(1)
    n = 4000
    psi = np.concatenate([[0.0, 1e-12, 3.0], np.exp(rng.uniform(np.log(1e-6), np.log(3.0), n - 3))])
    events = np.zeros(n, EVENT)
    events["variance"] = np.exp(rng.uniform(np.log(0.0035), np.log(0.8), n)) ** 2
    events["inverse_background"] = rng.uniform(1, 100, n)
    extension = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 0.1, n) ** 2)
    number = rng.permutation(n)
    found = weights(n, 4 * np.sin(psi / 2) ** 2, extension, number, events)
    for m, width in enumerate(WIDTHS):
        variance = width**2 * events["variance"][number] + extension
        u = psi**2 / (2 * variance)
        expected = oracles.spherical_gaussian(psi, variance) * events["inverse_background"][number]
        near = u < 10
        np.testing.assert_allclose(found[m][near], expected[near], rtol=2e-6)
        np.testing.assert_allclose(found[m][u < 70], expected[u < 70], rtol=2e-5)
        assert (found[m][u > 90] < 1e-25).all()


def test_only_the_first_pairs_are_written():
    events = np.zeros(1, EVENT)
    events["inverse_background"], events["variance"] = 2.0, 1.0
    found = weights(1, np.zeros(3), np.zeros(3), np.zeros(3, np.int64), events)
    np.testing.assert_allclose(found[:, 0], 1 / (np.pi * np.square(WIDTHS)), rtol=1e-6)
    np.testing.assert_array_equal(found[:, 1:], -1)


def test_directions_are_unit_vectors():
    rng = np.random.default_rng(2)
    ra, dec = (
        np.append(rng.uniform(0, 2 * np.pi, 500), [0.0, 2 * np.pi]),
        np.append(rng.uniform(-1.6, 1.6, 500), [0, 1]),
    )
    x, y = directions(np.cos(dec), ra)
    np.testing.assert_allclose(x, np.cos(dec) * np.cos(ra), atol=3e-15)
    np.testing.assert_allclose(y, np.cos(dec) * np.sin(ra), atol=3e-15)
    assert direction(np.cos(dec[3]), ra[3]) == (x[3], y[3])
