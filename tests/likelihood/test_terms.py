import numpy as np
import pytest

from nusky.likelihood.events import EVENT
from nusky.likelihood.terms import TAIL, pair_weights, reach


@pytest.mark.parametrize(("ratio", "share"), [(1.0, 0.0), (4.0, 0.25), (0.5, 0.125)])
def test_weights_of_pairs_at_any_distance(ratio, share):
    rng = np.random.default_rng(1)
    n = 4000
    psi = np.concatenate([[0.0, 1e-12, 3.0], np.exp(rng.uniform(np.log(1e-6), np.log(3.0), n - 3))])
    core = np.exp(rng.uniform(np.log(0.0035), np.log(0.8), n)) ** 2
    core = np.maximum(core, psi**2 / 32)  # exp(-16) and above: the reach of the smallest angular error
    extension = np.where(rng.random(n) < 0.5, 0.0, rng.uniform(0, 0.1, n) ** 2)
    events = np.zeros(n, EVENT)
    events["tail_ratio"], events["tail_share"] = ratio, share
    events["inverse_background"] = rng.uniform(1, 100, n)
    number = rng.permutation(n)
    chord, weight = 4 * np.sin(psi / 2) ** 2, np.empty(n)
    source = rng.permutation(n)
    sources = np.zeros((n, 5))
    sources[source, 3] = extension
    pair_weights(n, chord, core + extension, number, events, source, sources, np.empty(n), weight)
    expected = np.zeros(n)
    for part, variance in ((1 - share, core + extension), (share, ratio * core + extension)):
        stretch = np.where(psi > 1e-6, psi / np.sin(np.maximum(psi, 1e-6)), 1.0)
        expected += part * stretch * np.exp(-(psi**2) / (2 * variance)) / (2 * np.pi * variance)
    np.testing.assert_allclose(weight, expected * events["inverse_background"][number], rtol=1e-8)


def test_only_the_first_pairs_are_written():
    weight = np.full(3, -1.0)
    events = np.zeros(1, EVENT)
    events["inverse_background"] = 2.0
    first = np.zeros(3, np.int64)
    pair_weights(1, np.zeros(3), np.ones(3), first, events, first, np.zeros((1, 5)), np.empty(3), weight)
    assert weight.tolist() == [pytest.approx(1 / np.pi), -1.0, -1.0]


@pytest.mark.parametrize("tail", [TAIL, 1e-6])
def test_at_its_reach_a_gaussian_has_fallen_to_the_tail_of_an_isotropic_sky(tail):
    variance = np.radians([0.2, 1.0, 20.0]) ** 2
    density = np.exp(-reach(variance, tail) / 2) / (2 * np.pi * variance)
    np.testing.assert_allclose(density, tail / (4 * np.pi), rtol=1e-12)
    assert reach(100.0) == 0.0
