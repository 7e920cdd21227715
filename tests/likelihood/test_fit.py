import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from nusky.likelihood.fit import at_spectrum, best_signal, log_likelihood, peak, profile, slopes
from nusky.likelihood.ratios import POWERS, SUMS


def world(seed, sizes=(3000, 5000), near=(400, 700)):
    rng = np.random.default_rng(seed)
    ratios = [np.exp(rng.normal(-1, 2.5, n)) for n in near]
    ratios[0][:8] = rng.uniform(200, 3000, 8)
    share = rng.dirichlet([3, 3])
    return ratios, share, np.array(sizes, dtype=float)


def packed(ratios, share, sizes, low=None):
    """Arguments of `log_likelihood` with every ratio by itself."""
    c = share / sizes
    u = np.concatenate([part * (own - 1) for part, own in zip(c, ratios, strict=True)])
    closed = sizes - [len(own) for own in ratios]
    return u, closed, np.zeros((len(sizes), SUMS)) if low is None else low, c


def oracle(n, ratios, share, sizes):
    total = 0.0
    for ratio, f, size in zip(ratios, share, sizes, strict=True):
        x = n * f / size
        total += np.log1p(x * (ratio - 1)).sum() + (size - len(ratio)) * np.log1p(-x)
    return total


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.01, 2000))
def test_value_and_derivatives(seed, n):
    made = world(seed)
    slope, curvature = slopes(n, *packed(*made))
    assert log_likelihood(n, *packed(*made)) == pytest.approx(oracle(n, *made), rel=1e-9, abs=1e-9)
    h = 1e-4 * n
    up, here, down = (oracle(m, *made) for m in (n + h, n, n - h))
    assert slope == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-6)
    assert curvature == pytest.approx((up - 2 * here + down) / h**2, rel=1e-2, abs=1e-12 / h**2 * (1 + abs(here)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_newton_finds_the_maximum_from_anywhere(seed, guess):
    made = world(seed)
    assume(slopes(0.0, *packed(*made))[0] > 0)  # as `profile` asks for before it looks for a maximum
    n, converged = best_signal(*packed(*made), guess)
    assert converged
    best = minimize_scalar(lambda m: -oracle(m, *made), bounds=(0, 4000), method="bounded", options={"xatol": 1e-9})
    assert oracle(n, *made) == pytest.approx(-best.fun, rel=1e-9, abs=1e-9)
    assert n == pytest.approx(best.x, rel=1e-4, abs=1e-4)


def test_power_sums_stand_for_small_ratios():
    ratios, share, sizes = world(3)
    small, large = [r[r < 0.05] for r in ratios], [r[r >= 0.05] for r in ratios]
    low = np.array([[*((r**p).sum() for p in range(1, POWERS + 1)), 0.0] for r in small])
    both = packed(large, share, sizes, low)
    for n in (1.0, 30.0, 500.0):
        assert log_likelihood(n, *both) == pytest.approx(oracle(n, ratios, share, sizes), rel=1e-9)
        np.testing.assert_allclose(slopes(n, *both), slopes(n, *packed(ratios, share, sizes)), rtol=1e-6)


@pytest.mark.parametrize("far", [3.0, 400.0, 4000.0])
def test_the_sum_of_far_pairs_is_shared_by_the_events(far):
    ratios, share, sizes = world(3)
    low = np.zeros((len(sizes), SUMS))
    low[:, POWERS] = far
    made = packed(ratios, share, sizes, low)
    rest = [int(size) - len(r) for r, size in zip(ratios, sizes, strict=True)]
    shared = [np.append(r, np.full(m, far / m)) for r, m in zip(ratios, rest, strict=True)]
    every = packed(shared, share, sizes)
    for n in (1.0, 30.0, 500.0):
        assert log_likelihood(n, *made) == pytest.approx(log_likelihood(n, *every), rel=1e-9)
        np.testing.assert_allclose(slopes(n, *made), slopes(n, *every), rtol=1e-9)
    n, converged = best_signal(*made, 1.0)
    assert converged
    assert log_likelihood(n, *made) < (np.log(np.concatenate(shared).clip(1))).sum()  # also where far > sizes


def test_a_season_that_is_all_signal_is_the_limit():
    n, _ = best_signal(*packed([np.full(10, 1e6)], np.ones(1), np.array([10.0])), 1.0)
    assert 9.9 < n < 10


def test_profile_visits_every_spectrum_and_a_deficit_gives_zero():
    ratios, share, sizes = world(4)
    flat = np.concatenate(ratios)
    seasons = np.repeat(np.arange(2), [len(r) for r in ratios])
    rows = np.ascontiguousarray(np.stack([flat, 0.1 * flat, 2 * flat, 1e-4 * flat], axis=1))
    shares = np.stack([share, share[::-1], share, share])
    n, value, converged = profile(rows, seasons, np.zeros((2, SUMS, 4)), shares, sizes)
    assert converged
    for g, scale in enumerate((1.0, 0.1, 2.0, 1e-4)):
        own = [scale * r for r in ratios], shares[g], sizes
        best = minimize_scalar(lambda m, own=own: -oracle(m, *own), bounds=(0, 4000), method="bounded")
        assert value[g] == pytest.approx(max(-best.fun, 0.0), rel=1e-7, abs=1e-6)
        u, closed, _, c = at_spectrum(g, rows, seasons, np.zeros((2, SUMS, 4)), shares, sizes)
        for found, expected in zip((u, closed, c), np.array(packed(*own), dtype=object)[[0, 1, 3]], strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert (n[3], value[3]) == (0.0, 0.0)


def test_peak_of_a_parabola_is_exact():
    gammas = np.linspace(1, 4, 13)
    ts, n, gamma = peak(gammas, 10 + 2 * gammas, 9 - 3 * (gammas - 2.37) ** 2)
    assert (ts, n, gamma) == pytest.approx((18, 10 + 2 * 2.37, 2.37), abs=1e-9)


def test_peak_at_the_edge_or_on_a_grid_of_one_stays_there():
    assert peak(np.linspace(1, 4, 4), np.full(4, 5.0), np.array([1.0, 2.0, 3.0, 4.0])) == (8.0, 5.0, 4.0)
    assert peak(np.array([2.5]), np.array([3.0]), np.array([2.0])) == (4.0, 3.0, 2.5)


def test_peak_without_signal_has_no_index():
    ts, n, gamma = peak(np.array([1.0, 2.0, 3.0]), np.zeros(3), np.zeros(3))
    assert (n, ts) == (0.0, 0.0)
    assert np.isnan(gamma)
