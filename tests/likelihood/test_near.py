import numpy as np
import pytest
from scipy.stats import kstest

from nusky.likelihood.near import draw_near, gaussian_of_chord, gaussians_of_chords, window_half_width
from nusky.likelihood.spatial import spherical_gaussian
from tests import oracles


@pytest.mark.parametrize("source_dec", [-1.5, -0.4, 0.0, 0.9, 1.57])
def test_the_window_is_where_the_separation_reaches_the_radius(source_dec):
    rng = np.random.default_rng(1)
    dec = rng.uniform(-np.pi / 2, np.pi / 2, 500)
    radius = rng.uniform(0.001, 0.5, 500)
    width = window_half_width(dec, radius, source_dec)
    edge = (width > 0) & (width < np.pi)
    np.testing.assert_allclose(oracles.separation(width[edge], dec[edge], 0.0, source_dec), radius[edge], rtol=1e-6)
    never = width == 0
    assert (np.abs(dec[never] - source_dec) >= radius[never]).all()
    always = width == np.pi
    assert (oracles.separation(np.pi, dec[always], 0.0, source_dec) <= radius[always] * (1 + 1e-9)).all()


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(2)
    seasons = [np.sort(rng.beta(1, 15, n) * np.pi)[::-1] for n in (700, 1500)]
    seasons[0][:20] = np.pi  # always near
    return np.concatenate(seasons), np.array([0, 700, 2200])


def test_scrambling_picks_every_event_with_its_own_probability(windows):
    half_width, start = windows
    rng = np.random.default_rng(3)
    picked = np.zeros(len(half_width))
    n_skies = 4000
    for _ in range(n_skies):
        chosen, _, _ = draw_near(rng, half_width, start)
        assert len(np.unique(chosen)) == len(chosen)
        picked[chosen] += 1
    probability = half_width / np.pi
    assert (picked[:20] == n_skies).all()
    spread = np.sqrt(n_skies * probability * (1 - probability) + 1e-12)
    pull = (picked - n_skies * probability)[20:] / np.maximum(spread[20:], 1)
    assert abs(pull.mean()) < 0.1
    assert pull.std() == pytest.approx(1, abs=0.1)


def test_inside_its_window_an_event_is_uniform(windows):
    half_width, start = windows
    rng = np.random.default_rng(4)
    places = []
    for _ in range(50):
        chosen, offset, begin = draw_near(rng, half_width, start)
        assert (np.abs(offset) <= half_width[chosen]).all()
        assert (np.diff(chosen) > 0).all()
        assert begin[0] == 0
        assert begin[-1] == len(chosen)
        assert (chosen[: begin[1]] < 700).all()
        assert (chosen[begin[1] :] >= 700).all()
        places.append(offset / half_width[chosen])
    assert kstest(np.concatenate(places), "uniform", args=(-1, 2)).pvalue > 1e-3


def test_the_same_stream_gives_the_same_sky(windows):
    first, second = (draw_near(np.random.default_rng(5), *windows) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("psi", [0.0, 1e-6, 0.01, 0.3, 0.54, 0.6, 2.0])
def test_the_density_from_the_chord_is_that_of_the_angle(psi):
    chord = 4 * np.sin(psi / 2) ** 2
    assert gaussian_of_chord(chord, 0.2) == pytest.approx(spherical_gaussian(psi, 0.2), rel=1e-7)


def test_many_densities_from_chords_are_those_of_one():
    rng = np.random.default_rng(6)
    variance = np.radians(rng.uniform(0.2, 10, 5000)) ** 2
    chord = np.minimum(rng.exponential(3, 5000) * variance, 0.3)
    chord[:10] = 0.0
    value = np.full(5001, -1.0)
    gaussians_of_chords(5000, chord, variance, value)
    expected = [gaussian_of_chord(c, v) for c, v in zip(chord, variance, strict=True)]
    np.testing.assert_allclose(value[:5000], expected, rtol=2e-15)
    assert value[5000] == -1.0


def test_a_density_beyond_every_reach_stays_finite_and_tiny():
    value = np.empty(1)
    gaussians_of_chords(1, np.array([0.3]), np.array([1e-9]), value)
    assert 0 <= value[0] < 1e-8
