import numpy as np
import pytest

from nusky.errors import PhysicsError
from nusky.search.skymap.calibration import Calibration, declination_trials
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.statistics.tail import fit_tail


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(7)
    ts = np.maximum(rng.normal(size=(2000, 3)), 0) ** 2 * [1.0, 1.0, 2.0]
    return ts, Calibration.of_trials(np.radians([-82.0, 0.0, 82.0]), ts)


def test_at_a_declination_of_the_trials_the_p_value_is_theirs(known):
    ts, calibration = known
    values = np.array([0.0, 0.5, 4.0, 60.0])
    for node, dec in enumerate(calibration.dec):
        p = BackgroundTrials(ts[:, node]).p_value(values)
        np.testing.assert_allclose(calibration.p_value(values, np.full(4, dec)), p, rtol=1e-12)
    assert calibration.p_value(np.array([60.0]), np.array([0.3]))[0] == pytest.approx(1 / 2001)
    assert calibration.p_value(np.array([0.0]), np.array([0.3]))[0] == pytest.approx(1)


def test_between_declinations_the_logarithm_is_interpolated(known):
    _, calibration = known
    value, ends = np.array([3.0]), calibration.dec[1:]
    left, right = (calibration.p_value(value, np.array([dec]))[0] for dec in ends)
    found = calibration.p_value(value, np.array([0.75 * ends[0] + 0.25 * ends[1]]))[0]
    assert np.log(found) == pytest.approx(0.75 * np.log(left) + 0.25 * np.log(right))


def test_the_score_follows_the_trials_and_goes_on_rising(known):
    _, calibration = known
    assert calibration.tail_model == "chi2"
    # half of chi-square with one degree of freedom: p = erfc(sqrt(TS/2))/2
    assert calibration.tail_score(np.array([25.0]), np.array([-0.7]))[0] == pytest.approx(6.54, abs=0.6)
    values = np.linspace(0, 100, 300)
    rising = calibration.tail_score(values, np.full(300, 0.4))
    assert (np.diff(rising) >= -1e-12).all()
    assert np.isfinite(rising).all()
    assert rising[0] == 0
    assert np.isnan(calibration.tail_score(np.array([np.nan]), np.zeros(1))[0])


def test_a_stated_p_value_beyond_the_trials_has_an_error_that_holds_the_truth():
    rng, held = np.random.default_rng(3), 0
    dec, ts = np.radians([-82.0, 82.0]), np.array([20.0])
    for _ in range(40):
        trials = np.maximum(rng.normal(size=(1000, 2)), 0) ** 2
        p, low, high = Calibration.of_trials(dec, trials).tail_p_value(ts, np.zeros(1))
        assert low <= p <= high
        held += bool(low[0] <= 3.87e-6 <= high[0])
    assert held >= 27  # 68 % or more: the other family of tails widens it


def test_all_declinations_have_tails_of_one_family():
    rng = np.random.default_rng(4)
    ts = np.maximum(rng.normal(size=(2000, 3)), 0) ** 2
    ts[:, 1] *= 0.1  # falls faster than any chi-square
    with pytest.raises(PhysicsError, match="does not look like a chi-square"):
        fit_tail(ts[:, 1], "chi2")
    calibration = Calibration.of_trials(np.radians([-82.0, 0.0, 82.0]), ts)
    assert {tail.model for tail in calibration.tails} == {"exponential"}


def test_trials_that_do_not_belong_are_refused():
    with pytest.raises(PhysicsError, match=r"trials of shape \(600, 2\) do not belong to 3 declinations"):
        Calibration.of_trials(np.zeros(3), np.ones((600, 2)))


def test_trials_do_not_depend_on_the_batch(null_model):
    dec = np.radians([-82.0, 0.0, 82.0])
    once = declination_trials(null_model, dec, 5, range(8))
    parts = [declination_trials(null_model, dec, 5, batch) for batch in (range(3), range(3, 8))]
    np.testing.assert_array_equal(once, np.concatenate(parts))
    assert not np.array_equal(once[:, 0], once[:, 1])
