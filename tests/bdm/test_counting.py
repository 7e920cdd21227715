import numpy as np
import pytest
from scipy.stats import poisson

from nusky.bdm.counting import expected_counts, feldman_cousins_upper_limit, poisson_upper_limit
from nusky.errors import PhysicsError


def accepted(n, mu, b, level):
    """Whether n is in the acceptance region of mu: counts ranked by the likelihood ratio, summed up one by one."""
    k = np.arange(int(mu + b + 60 + 12 * np.sqrt(mu + b + n)) + n)
    probability = poisson.pmf(k, mu + b)
    log_ratio = poisson.logpmf(k, mu + b) - poisson.logpmf(k, np.maximum(k, b))
    return probability[log_ratio > log_ratio[n] + 1e-12].sum() < level


@pytest.mark.parametrize(
    ("n", "b", "upper"),
    # Feldman and Cousins, PRD 57 (1998) 3873, table IV, 90 %; the entries that their smoothing left alone
    [(0, 0, 2.44), (1, 0, 4.36), (2, 0, 5.91), (3, 0, 7.42), (5, 0, 9.99), (3, 3, 4.42), (10, 3, 13.50)],
)
def test_upper_ends_of_the_paper(n, b, upper):
    assert feldman_cousins_upper_limit(n, b) == pytest.approx(upper, abs=0.006)


@pytest.mark.parametrize("level", [0.68, 0.9, 0.99])
@pytest.mark.parametrize(
    ("n", "b"),
    [(0, 0.0), (0, 0.3), (0, 7.7), (1, 0.5), (4, 12.3), (9, 3.1), (60, 41.5), (300, 333.3), (3, 4634.8), (400, 333.3)],
)
def test_the_limit_is_the_last_mean_that_accepts_the_count(n, b, level):
    limit = feldman_cousins_upper_limit(n, b, level)
    assert accepted(n, limit * (1 - 1e-9), b, level)
    for further in (1e-9, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        assert not accepted(n, limit + further * max(limit, 1.0), b, level)


def test_many_events_approach_a_gaussian():
    b = 1e8
    # For n = b the ordering is symmetric, so that the interval ends at 1.645 sigma.
    assert feldman_cousins_upper_limit(10**8, b) == pytest.approx(1.644854 * 1e4, rel=2e-3)


def test_coverage_of_a_limit_is_at_least_its_level():
    b, level = 2.3, 0.9
    limits = feldman_cousins_upper_limit(np.arange(60), b, level)
    for mu in np.linspace(0.01, 15, 40):
        covered = poisson.pmf(np.arange(60), mu + b)[limits >= mu].sum()
        assert covered >= level - 1e-9


@pytest.mark.parametrize(("n", "upper"), [(0, 2.302585), (1, 3.889720), (3, 6.680783)])
def test_poisson_limits(n, upper):
    assert poisson_upper_limit(n) == pytest.approx(upper, rel=1e-6)
    assert poisson.cdf(n, poisson_upper_limit(n, 0.95)) == pytest.approx(0.05, rel=1e-9)


def test_expected_counts_are_quantiles():
    counts = expected_counts(3.0)
    for count, q in zip(counts, (0.025, 0.16, 0.5, 0.84, 0.975), strict=True):
        assert poisson.cdf(count, 3.0) >= q > poisson.cdf(count - 1, 3.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: poisson_upper_limit(1.5), "observed = 1.5 must be whole numbers"),
        (lambda: poisson_upper_limit(-1), "observed .* is negative"),
        (lambda: poisson_upper_limit(1, 90), "confidence_level = 90 must be"),
        (lambda: feldman_cousins_upper_limit(1, -2.0), "background .* is negative"),
        (lambda: feldman_cousins_upper_limit(1, [1.0, 2.0]), "background .* must be one finite number"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(PhysicsError, match=message):
        call()
