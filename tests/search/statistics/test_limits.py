import numpy as np
import pytest
from scipy.special import xlogy
from scipy.stats import chi2, norm

from nusky.errors import PhysicsError
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Request
from nusky.search.statistics import limits
from nusky.search.statistics.coverage import coverage
from tests.search.statistics import toys


def gaussian_grid(end=8.0, step=0.2, n_trials=10_000, seed=1):
    rng = np.random.default_rng(seed)
    strengths = np.arange(0, end + step / 2, step)
    return limits.InjectionGrid(strengths, tuple(rng.normal(mu, 1, n_trials) for mu in strengths))


def gaussian_ratio(x, mu):
    """2 ln [L(best)/L(mu)] of a Gaussian measurement with best >= 0."""
    return (x - mu) ** 2 - (x - np.maximum(x, 0)) ** 2


def poisson_ratio(n, mu, background):
    best = np.maximum(n, background)
    return 2 * (xlogy(n, best) - best - xlogy(n, mu + background) + mu + background)


def test_neyman_limits_of_counts_are_the_classical_ones():
    # solutions of sum_{k <= n} Poisson(k | mu) = 0.1: half the 90 % quantile of chi-square with 2 (n + 1) d.o.f.
    trials = toys.trials(toys.poisson(0.0), 10_000)
    for n in (0, 1, 3, 5):
        expected = chi2.ppf(0.9, 2 * (n + 1)) / 2
        found = limits.neyman_upper_limit(trials, n, n_trials=4000)
        assert found.n_signal == pytest.approx(expected, abs=4 * found.n_signal_error)
        assert found.n_signal_error < 0.03 * expected


def test_a_deficit_gives_a_limit_below_the_sensitivity():
    trials = toys.trials(toys.poisson(10.0), 10_000)
    assert limits.neyman_upper_limit(trials, 7.0, n_trials=2000).n_signal == pytest.approx(
        chi2.ppf(0.9, 16) / 2 - 10, abs=0.4
    )
    assert limits.neyman_upper_limit(trials, 3.0).n_signal == 0  # P(n > 3 | 10) = 0.99: nothing is compatible


def test_an_interval_beyond_the_grid_is_refused():
    with pytest.raises(PhysicsError, match=r"reaches beyond the largest strength of the grid, 3 events"):
        limits.feldman_cousins_limit(gaussian_grid(end=3.0), 2.9)


# Feldman and Cousins, PRD 57, 3873, tables IV (90 %, Poisson) and X (90 %, Gaussian); two decimals are given there.
@pytest.mark.parametrize(
    ("background", "observed", "low", "high"),
    [(0, 0, 0.00, 2.44), (0, 1, 0.11, 4.36), (0, 3, 1.10, 7.42), (3, 3, 0.00, 4.42), (3, 6, 0.15, 8.47)],
)
def test_feldman_cousins_poisson_table(background, observed, low, high):
    rng = np.random.default_rng(3)
    strengths = np.arange(0, 10.01, 0.05)
    counts = [rng.poisson(mu + background, 20_000) for mu in strengths]
    ratios = [poisson_ratio(n, mu, background) for n, mu in zip(counts, strengths, strict=True)]
    found = limits.feldman_cousins(strengths, ratios, poisson_ratio(observed, strengths, background))
    assert (found[0][0], found[1][0]) == pytest.approx((low, high), abs=0.09)


@pytest.mark.parametrize(
    ("x", "low", "high"), [(-2, 0.0, 0.40), (-1, 0.0, 0.81), (0, 0.0, 1.64), (1, 0.0, 2.64), (2, 0.58, 3.64)]
)
def test_feldman_cousins_gaussian_table(x, low, high):
    rng = np.random.default_rng(4)
    strengths = np.arange(0, 6.01, 0.1)
    ratios = [gaussian_ratio(rng.normal(mu, 1, 20_000), mu) for mu in strengths]
    found = limits.feldman_cousins(strengths, ratios, gaussian_ratio(x, strengths))
    assert (found[0][0], found[1][0]) == pytest.approx((low, high), abs=0.06)


@pytest.mark.parametrize(("x", "low", "high"), [(0, 0.0, 1.64), (1, 0.0, 2.64), (2, 0.58, 3.64)])
def test_feldman_cousins_from_trials_alone(x, low, high):
    found = limits.feldman_cousins_limit(gaussian_grid(), x)
    assert (found.n_signal_low, found.n_signal) == pytest.approx((low, high), abs=0.12)
    assert (found.method, found.confidence_level, found.n_trials) == ("Feldman-Cousins", 0.9, 410_000)


def test_asymptotic_limits():
    for x in (1.0, 4.0):  # parabola: x + 1.28
        found = limits.asymptotic_upper_limit(lambda mu, x=x: x**2 - (mu - x) ** 2, x)
        assert found.n_signal == pytest.approx(x + norm.ppf(0.9), rel=1e-6)
    # deficit: the drop is counted from 0, never below the classical limit and never empty
    deficit = limits.asymptotic_upper_limit(lambda mu: 1 - (mu + 1) ** 2, 0.0, 0.95)
    assert deficit.n_signal == pytest.approx(-1 + np.sqrt(1 + norm.ppf(0.95) ** 2), rel=1e-6)
    # no event nearby, as documented
    assert limits.asymptotic_upper_limit(lambda mu: -2 * mu, 0.0).n_signal == pytest.approx(0.821, abs=1e-3)


def test_asymptotic_limit_inside_a_bounded_domain():
    def test_statistic(n):  # 100 events far from the source
        return 200 * np.log1p(-n / 100) if n < 100 else np.nan

    found = limits.asymptotic_upper_limit(test_statistic, 0.0, 1 - 1e-12)
    assert test_statistic(found.n_signal) == pytest.approx(-(norm.isf(1e-12) ** 2), rel=1e-4)
    with pytest.raises(PhysicsError, match="TS does not fall by"):
        limits.asymptotic_upper_limit(lambda n: 0.0, 0.0)


@pytest.mark.parametrize("truth", [2.1, 6.0, 12.0])
def test_calibrated_limits_cover_90_percent(truth):
    """2000 pseudo-experiments of a Gaussian measurement of width 3 with n_s >= 0, as a fit gives it."""
    trial_ts = toys.gaussian(3.0)
    calibration = LimitCalibration(trial_ts, trial_ts(0.0, 4000, 10**6), 5.0, Request(0.9, "neyman", (), 3000))
    observed = trial_ts(truth, 2000, 2 * 10**6)
    values = np.unique(np.quantile(observed, np.linspace(0, 1, 61)))
    upper = [calibration.limit(ts).n_signal for ts in values[::-1]][::-1]
    found = coverage(truth, np.interp(observed, values, upper), method="Neyman", confidence_level=0.9)
    # the smallest possible limit is 3 x 1.28: weaker signals cannot be excluded
    assert 0.88 <= found.coverage <= 0.92 if truth > 3 * norm.ppf(0.9) else found.coverage == 1


@pytest.mark.parametrize("truth", [0.7, 2.0, 4.0])
def test_feldman_cousins_intervals_cover_90_percent(truth):
    strengths = np.arange(0, 8.1, 0.2)
    x = np.random.default_rng(12).normal(truth, 1, 2000)
    rng = np.random.default_rng(13)
    ratios = [gaussian_ratio(rng.normal(mu, 1, 5000), mu) for mu in strengths]
    low, high = limits.feldman_cousins(strengths, ratios, gaussian_ratio(x[:, None], strengths))
    assert 0.88 <= coverage(truth, high, low, method="FC", confidence_level=0.9).coverage <= 0.92


@pytest.mark.parametrize("truth", [1.0, 3.0])
def test_coverage_of_feldman_cousins_from_trials_alone(truth):
    grid = gaussian_grid(n_trials=5000)
    x = np.random.default_rng(14).normal(truth, 1, 2000)
    low, high = limits.feldman_cousins_intervals(grid, x)
    assert 0.88 <= coverage(truth, high, low, method="FC", confidence_level=0.9).coverage <= 0.92


@pytest.mark.parametrize("n_trials", [40, 150])
def test_few_trials_make_no_intervals_too_short(n_trials):
    rng, covered = np.random.default_rng(6), []
    for seed in range(60):
        grid = gaussian_grid(end=6.0, step=0.4, n_trials=n_trials, seed=seed)
        low, high = limits.feldman_cousins_intervals(grid, rng.normal(2.0, 1, 50))
        covered.append(np.mean((low <= 2.0) & ~(high < 2.0)))
    assert np.mean(covered) == pytest.approx(0.9, abs=0.025)  # with 60 bins: 0.77 and 0.86


def test_coverage_counts_and_its_interval():
    found = coverage(2.0, [1.0, 2.0, np.nan, 5.0], [0.0, 0.0, 0.0, 3.0], method="x", confidence_level=0.9)
    assert (found.n_covered, found.n_trials, found.coverage) == (2, 4, 0.5)
    assert found.coverage_low < 0.5 < found.coverage_high
    with pytest.raises(PhysicsError, match="at least one pseudo-experiment"):
        coverage(1.0, [], method="x", confidence_level=0.9)


def test_grids_are_checked():
    with pytest.raises(PhysicsError, match="must ascend from 0"):
        limits.InjectionGrid(np.array([1.0, 2.0]), (np.zeros(2), np.zeros(2)))
    with pytest.raises(PhysicsError, match="2 strengths and 1 sets of trials"):
        limits.InjectionGrid(np.array([0.0, 2.0]), (np.zeros(2),))
    with pytest.raises(PhysicsError, match="the three must agree"):
        limits.feldman_cousins([0.0, 1.0], [[0.0], [0.0]], [[0.0]])
    with pytest.raises(PhysicsError, match=r"confidence level 90 lies outside"):
        limits.feldman_cousins_limit(gaussian_grid(n_trials=10), 1.0, 90)
