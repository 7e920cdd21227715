import numpy as np
import pytest

from nusky.errors import PhysicsError
from nusky.search.skymap.calibration import Calibration, declination_trials, declinations
from nusky.search.statistics.pvalues import BackgroundTrials


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


def test_the_tail_follows_the_trials_and_goes_on_falling(known):
    _, calibration = known
    # half of chi-square with one degree of freedom: p = erfc(sqrt(TS/2))/2
    p = calibration.tail_p_value(np.array([25.0]), np.array([-0.7]))[0]
    assert np.log10(p) == pytest.approx(np.log10(2.87e-7), abs=0.6)
    values = np.linspace(0, 100, 300)
    falling = calibration.tail_p_value(values, np.full(300, 0.4))
    assert (np.diff(falling) <= 1e-12).all()
    assert (falling > 0).all()
    assert calibration.extrapolated(np.array([1.0, 90.0]), np.zeros(2)).tolist() == [False, True]
    assert np.isnan(calibration.tail_p_value(np.array([np.nan]), np.zeros(1))[0])


def test_trials_that_do_not_belong_are_refused():
    with pytest.raises(PhysicsError, match=r"trials of shape \(600, 2\) do not belong to 3 declinations"):
        Calibration.of_trials(np.zeros(3), np.ones((600, 2)))


def test_trials_do_not_depend_on_the_batch(null_model):
    dec = declinations(3)
    once = declination_trials(null_model, dec, 5, range(8))
    parts = [declination_trials(null_model, dec, 5, batch) for batch in (range(3), range(3, 8))]
    np.testing.assert_array_equal(once, np.concatenate(parts))
    assert not np.array_equal(once[:, 0], once[:, 1])
