import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from nusky.detector import angular_resolution
from nusky.detector.angular_resolution import MIN_EVENTS, REACH, AngularResolution, MedianSpread
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import PowerLaw
from nusky.releases import schemas
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Sources
from nusky.search.injection import Injector, Signal
from nusky.search.season import SeasonEvents
from tests import oracles

RESOLUTION = AngularResolution(np.array([2.0, 3.0, 9.0]), np.radians([1.4, 0.5]))


def test_the_table_of_a_release():
    columns = {"log10_enu_min_gev": [3.0, 2.0], "log10_enu_max_gev": [9.0, 3.0], "median_deg": [0.5, 1.4]}
    found = angular_resolution.from_table(schemas.table("angular_resolution", {"response": "X", **columns}, "test"))
    assert list(found) == ["X"]
    np.testing.assert_array_equal(found["X"].log10_enu, RESOLUTION.log10_enu)
    np.testing.assert_array_equal(found["X"].median, RESOLUTION.median)


def test_half_of_the_distances_are_below_the_median():
    width = RESOLUTION.width(np.array([1.0, 2.5, 3.0, 12.0]))
    below = 1 - np.exp(-(np.radians([1.4, 1.4, 0.5, 0.5]) ** 2) / (2 * width**2))
    np.testing.assert_allclose(below, 0.5)


@pytest.fixture(scope="module")
def events():
    """AngErr tells energy and declination: hundredths of log10(E), and 100 in the north."""
    rng = np.random.default_rng(1)
    sin_dec, log10_energy = rng.uniform(-1, 1, 20_000), rng.uniform(2, 6, 20_000)
    return np.arcsin(sin_dec), log10_energy, log10_energy + 100 * (sin_dec > 0)


def test_ang_err_is_that_of_events_of_the_energy_and_declination(events):
    spread = MedianSpread.of_events(RESOLUTION, *events)
    rng = np.random.default_rng(2)
    dec = np.tile(np.radians([-40.0, 40.0]), 5000)
    drawn = spread.draw_ang_err(rng, dec, np.full(10_000, 3.7))
    np.testing.assert_array_equal(drawn > 50, dec > 0)
    assert np.abs(drawn % 100 - 3.7).max() <= REACH
    assert abs((drawn % 100).mean() - 3.7) < 0.03


def test_where_few_events_have_the_energy_the_nearest_stand_in(events):
    spread = MedianSpread.of_events(RESOLUTION, *events)
    dec = np.full(3000, np.radians(-40.0))
    for log10_enu, expected in ((8.0, 6.0), (0.0, 2.0)):
        drawn = spread.draw_ang_err(np.random.default_rng(3), dec, np.full(3000, log10_enu))
        assert len(set(drawn)) == MIN_EVENTS
        assert np.abs(drawn - expected).max() < 0.4
    few = MedianSpread.of_events(RESOLUTION, *(column[:5] for column in events))
    assert set(few.draw_ang_err(np.random.default_rng(3), np.zeros(500), np.full(500, 4.0))) <= set(events[2][:5])


def test_signal_follows_area_spectrum_and_resolution():
    """Shares and distances in both bins of energy, against the integrals of the spectrum."""
    rng = np.random.default_rng(5)
    n = 5000
    dec, log10_energy = np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(2, 8, n)
    ang_err = np.radians(np.where(log10_energy < 3, 2.0, 1.0))
    season = SeasonEvents.of_data(("A", "X", 1.0), rng.uniform(0, 6, n), dec, ang_err, None)
    area = EffectiveArea(np.array([2.0, 3.0, 4.0]), np.array([-np.pi / 2, np.pi / 2]), np.array([[1.0], [20.0]]))
    spread = MedianSpread.of_events(RESOLUTION, dec, log10_energy, ang_err)
    draw = Injector(Analysis((season,), {"X": area}, None, (spread,)))
    assert draw.label == "angular resolution"
    source = Sources.of(1.0, 0.5)
    [drawn] = draw(np.random.default_rng(6), Signal(source, np.ones((1, 1)), (PowerLaw(2.5),)), 20_000.0)
    low, high = (a * oracles.power_law(10**e, 10 ** (e + 1), 2.5) for e, a in ((2, 1.0), (3, 20.0)))
    psi = np.degrees(oracles.separation(drawn.ra, drawn.dec, 1.0, 0.5))
    within = [
        np.array([share * (1 - 2.0 ** -((r / m) ** 2)) for share, m in ((low, 1.4), (high, 0.5))]).sum()
        for r in (0.3, 0.6, 1.2, 2.4, 9.0)
    ]
    expected = np.diff([0.0, *within, low + high]) / (low + high) * len(psi)
    observed = np.histogram(psi, [0, 0.3, 0.6, 1.2, 2.4, 9.0, 180])[0]
    used = expected > 5
    assert chisquare(observed[used], expected[used] * observed[used].sum() / expected[used].sum()).pvalue > 1e-3
    assert observed[~used].sum() <= 10
    north = Sources.of(1.0, 0.5, np.radians(3.0))
    [wide] = draw(np.random.default_rng(6), Signal(north, np.ones((1, 1)), (PowerLaw(6.0),)), 4000.0)
    distance = oracles.separation(wide.ra, wide.dec, 1.0, 0.5)
    variance = np.radians(1.4) ** 2 / (2 * np.log(2)) + np.radians(3.0) ** 2
    assert kstest(distance**2 / (2 * variance), "expon").pvalue > 1e-3
