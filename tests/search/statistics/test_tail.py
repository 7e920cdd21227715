import numpy as np
import pytest
from scipy.stats import chi2

from nusky.errors import PhysicsError
from nusky.search.statistics.tail import fit_tail


def spiked_chi2(ndf, n=20000, seed=1):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(n) < 0.5, 0.0, rng.chisquare(ndf, n))


@pytest.mark.parametrize("ndf", [1.0, 1.7, 2.5])
def test_chi2_tail_finds_the_degrees_of_freedom_behind_the_spike(ndf):
    fit = fit_tail(spiked_chi2(ndf), "chi2", fraction=0.3)
    assert abs(fit.parameter - ndf) < 4 * fit.parameter_error
    assert fit.parameter_error < 0.25
    assert fit.distance < 1.63  # 1 % point of the Kolmogorov distribution
    for ts in (16.0, 25.0):
        assert fit.p_value(ts) == pytest.approx(0.5 * chi2.sf(ts, ndf), rel=0.4)


def test_exponential_tail():
    rng = np.random.default_rng(2)
    fit = fit_tail(rng.exponential(2.0, 5000), "exponential")
    assert fit.parameter == pytest.approx(2.0, rel=0.15)
    assert fit.p_value(30.0) == pytest.approx(np.exp(-15), rel=1.5)


def test_only_values_beyond_the_start_are_called_extrapolated():
    background = spiked_chi2(1.0)
    fit = fit_tail(background)
    below, above = fit.local_p_value(0.9 * fit.start), fit.local_p_value(30.0)
    assert not below.extrapolated
    assert below.p_value == (np.count_nonzero(background >= 0.9 * fit.start) + 1) / 20001
    assert above.extrapolated
    assert above.p_low < above.p_value < above.p_high
    assert above.p_low < 0.5 * chi2.sf(30.0, 1) < above.p_high * 1.5


@pytest.mark.parametrize("model", ["chi2", "exponential"])
def test_threshold_is_the_inverse(model):
    fit = fit_tail(spiked_chi2(1.0), model)
    for p in (1e-3, 2.87e-7):
        assert fit.p_value(fit.threshold(p)) == pytest.approx(p, rel=1e-6)
    with pytest.raises(PhysicsError, match=r"p = 0\.2 lies outside the tail, which begins at 0\.1"):
        fit.threshold(0.2)


def test_a_tail_of_nothing_is_refused():
    with pytest.raises(PhysicsError, match="only 20 of 1000 trials lie in the tail above TS = 0"):
        fit_tail([0.0] * 980 + list(range(1, 21)))
    with pytest.raises(PhysicsError, match="no tail model 'gauss'"):
        fit_tail(spiked_chi2(1.0), "gauss")
