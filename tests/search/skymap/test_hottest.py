import numba
import numpy as np
import pytest
from scipy.stats import kstest, kstwo

from nusky.search.skymap import hottest
from nusky.search.skymap.calibration import Calibration, declination_trials
from nusky.search.skymap.grid import Grid, Scanner

SEED = 11
GRID = Grid(8, 8, 0.2)


@pytest.fixture(scope="module")
def calibration(null_model):
    dec = np.radians([-82, -41, 0, 41, 82])
    return Calibration.of_trials(dec, declination_trials(null_model, dec, SEED, range(800)))


@pytest.fixture(scope="module")
def scanner(null_model):
    return Scanner(null_model, GRID)


@pytest.mark.slow
def test_post_trial_p_values_of_null_skies_are_uniform(scanner, calibration):
    n_skies, n_trials = 300, 500
    skies = np.stack([hottest.scrambled_maxima(scanner, SEED, trial) for trial in range(n_skies + n_trials)])
    found = [hottest.hottest_spots(sky, skies[n_skies:], calibration) for sky in skies[:n_skies]]
    for number, name in enumerate(hottest.HEMISPHERES):
        assert all(pair[number].hemisphere == name for pair in found)
        p = np.array([pair[number].post_trial.p_value for pair in found])
        # (k + 1)/(n + 1) has steps of 1/(n + 1): spread evenly over them for a test of continuous uniformity.
        spread = p - np.random.default_rng(number).random(len(p)) / (n_trials + 1)
        # All are ranked in the same skies, which are a sample too: the size is that of a two-sample test.
        distance = kstest(spread, "uniform").statistic
        assert kstwo.sf(distance, round(n_skies * n_trials / (n_skies + n_trials))) > 0.01


def test_a_signal_is_the_hottest_spot_of_its_hemisphere(calibration):
    skies = np.full((99, len(hottest.BAND_EDGES) - 1, 5), np.nan)
    skies[:, 20] = 6.0, 3.0, 2.5, 10.0, 18.0
    observed = skies[0].copy()
    observed[30] = 30.0, 20.0, 2.5, 120.0, 65.0
    south, north = hottest.hottest_spots(observed, skies, calibration)
    assert north.spot.tolist() == [30.0, 20.0, 2.5, 120.0, 65.0]
    assert north.post_trial.p_value == pytest.approx(0.01)
    assert north.score > 4
    assert south.score == 0
    assert south.post_trial.p_value == 1
    assert np.isnan(south.spot).all()


def test_a_sky_depends_on_its_number_and_not_on_threads(scanner):
    once = hottest.scrambled_maxima(scanner, SEED, 3)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        alone = hottest.scrambled_maxima(Scanner(scanner.model, GRID), SEED, 3)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(once, alone)
    assert not np.array_equal(once, hottest.scrambled_maxima(scanner, SEED, 4), equal_nan=True)


def test_bands_have_their_own_maxima(scanner):
    found = hottest.scrambled_maxima(scanner, SEED, 0)
    seen = np.flatnonzero(np.isfinite(found[:, 0]))
    assert len(seen) > 10
    pixel = 58.6 / scanner.grid.nside  # deg; a spot may begin two of them away
    reach = np.degrees(np.diff(hottest.BAND_EDGES)).max() + 4 * pixel
    middle = np.degrees(hottest.BAND_EDGES[:-1] + hottest.BAND_EDGES[1:]) / 2
    assert (np.abs(found[seen, 4] - middle[seen]) < reach).all()
    np.testing.assert_array_equal(hottest.band_of(np.radians([-81.9, -5.01, -4.99, 81.9])), [0, 15, 16, 33])
