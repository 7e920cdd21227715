import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from nusky.likelihood.fit import N_LOW, best_signal, log_likelihood, peak, profile


def world(seed, sizes=(3000, 5000), near=(400, 700)):
    rng = np.random.default_rng(seed)
    ratios = [np.exp(rng.normal(-1, 2.5, n)) for n in near]
    ratios[0][:8] = rng.uniform(200, 3000, 8)
    share = rng.dirichlet([3, 3])
    return ratios, share, np.array(sizes, dtype=float)


def packed(ratios):
    start = np.concatenate(([0], np.cumsum([len(r) for r in ratios])))
    return np.concatenate(ratios), start, np.zeros((len(ratios), N_LOW))


def oracle(n, ratios, share, sizes):
    total = 0.0
    for ratio, f, size in zip(ratios, share, sizes, strict=True):
        x = n * f / size
        total += np.log1p(x * (ratio - 1)).sum() + (size - len(ratio)) * np.log1p(-x)
    return total


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 2000))
def test_value_and_derivatives(seed, n):
    ratios, share, sizes = world(seed)
    value, slope, curvature = log_likelihood(n, *packed(ratios), share, sizes)
    assert value == pytest.approx(oracle(n, ratios, share, sizes), rel=1e-9, abs=1e-9)
    h = 1e-4 * n
    up, down = (oracle(m, ratios, share, sizes) for m in (n + h, n - h))
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-6)
    assert curvature < 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_newton_finds_the_maximum_from_anywhere(seed, guess):
    ratios, share, sizes = world(seed)
    n, value, converged = best_signal(*packed(ratios), share, sizes, guess)
    assert converged
    best = minimize_scalar(
        lambda m: -oracle(m, ratios, share, sizes), bounds=(0, 4000), method="bounded", options={"xatol": 1e-9}
    )
    assert value == pytest.approx(-best.fun, rel=1e-9, abs=1e-9)
    assert n == pytest.approx(best.x, rel=1e-4, abs=1e-4)


def test_a_deficit_gives_zero():
    ratios = [np.full(100, 0.1), np.full(50, 0.2)]
    assert best_signal(*packed(ratios), np.array([0.5, 0.5]), np.array([1000.0, 1000.0]), 1.0) == (0.0, 0.0, True)


def test_power_sums_stand_for_small_ratios():
    ratios, share, sizes = world(3)
    small = [r[r < 0.05] for r in ratios]
    large = [r[r >= 0.05] for r in ratios]
    low = np.array([[(r**p).sum() for p in range(1, N_LOW + 1)] for r in small])
    flat, start, _ = packed(large)
    for n in (1.0, 30.0, 500.0):
        expected = log_likelihood(n, *packed(ratios), share, sizes)
        np.testing.assert_allclose(log_likelihood(n, flat, start, low, share, sizes), expected, rtol=1e-9)


def test_a_season_that_is_all_signal_is_the_limit():
    ratios = [np.full(10, 1e6)]
    n, _, _ = best_signal(*packed(ratios), np.array([1.0]), np.array([10.0]), 1.0)
    assert 9.9 < n < 10


def test_profile_visits_every_index():
    ratios, share, sizes = world(4)
    flat, start, low = packed(ratios)
    grid = np.stack([flat, 0.1 * flat, 2 * flat])
    n, value, converged = profile(grid, start, np.stack([low] * 3), np.stack([share] * 3), sizes)
    assert converged
    for g in range(3):
        expected = best_signal(grid[g], start, low, share, sizes, 1.0)
        assert (n[g], value[g]) == pytest.approx(expected[:2], rel=1e-7, abs=1e-9)


def test_peak_of_a_parabola_is_exact():
    gammas = np.linspace(1, 4, 13)
    value = 9 - 3 * (gammas - 2.37) ** 2
    n, gamma, ts = peak(gammas, 10 + 2 * gammas, value)
    assert gamma == pytest.approx(2.37, abs=1e-9)
    assert ts == pytest.approx(18, abs=1e-9)
    assert n == pytest.approx(10 + 2 * 2.37, abs=1e-9)


def test_peak_at_the_edge_stays_there():
    gammas = np.linspace(1, 4, 4)
    n, gamma, ts = peak(gammas, np.full(4, 5.0), np.array([1.0, 2.0, 3.0, 4.0]))
    assert (n, gamma, ts) == (5.0, 4.0, 8.0)


def test_peak_without_signal_has_no_index():
    n, gamma, ts = peak(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3))
    assert (n, ts) == (0.0, 0.0)
    assert np.isnan(gamma)
