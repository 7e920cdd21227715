import numpy as np
import pytest
from scipy.stats import binomtest, norm

from nusky.errors import PhysicsError
from nusky.search.statistics.pvalues import (
    BackgroundTrials,
    binomial_interval,
    local_p_value,
    p_from_sigma,
    sigma_from_p,
)


def test_ties_count_and_nothing_is_impossible():
    background = [0.0] * 6 + [1.0, 2.0, 2.0, 5.0]
    expected = {0.0: 11, 0.5: 5, 2.0: 4, 2.1: 2, 5.0: 2, 6.0: 1}  # (k + 1), counted by hand
    for ts, above in expected.items():
        assert local_p_value(ts, background).p_value == pytest.approx(above / 11)
    np.testing.assert_array_equal(
        BackgroundTrials(background).p_value(list(expected)), np.array(list(expected.values())) / 11
    )


@pytest.mark.parametrize(("k", "n"), [(0, 20), (1, 20), (7, 50), (50, 50)])
@pytest.mark.parametrize("level", [0.68, 0.95])
def test_interval_is_clopper_pearson(k, n, level):
    expected = binomtest(k, n).proportion_ci(level, method="exact")
    assert binomial_interval(k, n, level) == pytest.approx((expected.low, expected.high), rel=1e-10)


def test_interval_holds_the_estimate():
    for k in (0, 3, 100):
        found = local_p_value(1.0, [1.0] * k + [0.0] * (100 - k))
        assert found.n_exceeding == k
        assert not found.extrapolated
        assert found.p_low <= found.p_value <= found.p_high


def test_p_values_of_background_are_uniform_or_larger_at_the_spike():
    rng = np.random.default_rng(3)
    draw = lambda n: np.maximum(rng.normal(size=n), 0) ** 2  # noqa: E731
    p = BackgroundTrials(draw(20000)).p_value(draw(20000))
    for level in (0.01, 0.1, 0.4):
        assert np.mean(p <= level) == pytest.approx(level, rel=0.15)
    assert np.mean(p == 1) == pytest.approx(0.5, abs=0.02)


def test_sigma_is_one_sided():
    assert p_from_sigma(3) == pytest.approx(1.349898e-3, rel=1e-6)
    assert p_from_sigma(5) == pytest.approx(2.866516e-7, rel=1e-6)
    for p in (1e-12, 0.3, 0.9):
        assert sigma_from_p(p) == pytest.approx(norm.isf(p))
    assert local_p_value(10.0, np.zeros(999)).significance == pytest.approx(norm.isf(1e-3))


def test_what_cannot_be_ranked_is_refused():
    with pytest.raises(PhysicsError, match=r"background trials: number 1 is nan; fits that failed"):
        local_p_value(1.0, [0.0, np.nan])
    with pytest.raises(PhysicsError, match="non-empty array is needed, not shape"):
        local_p_value(1.0, [])
    with pytest.raises(PhysicsError, match=r"confidence level 90 lies outside \(0, 1\)"):
        binomial_interval(1, 2, 90)
