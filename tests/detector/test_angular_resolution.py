import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp, kstest

from nusky.detector import angular_resolution
from nusky.detector.angular_resolution import AngularResolution, MedianSpread, median_distance
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import PowerLaw
from nusky.releases import schemas
from nusky.search.analysis import Analysis
from nusky.search.injection import Injector, Signal
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources
from tests import oracles

RESOLUTION = AngularResolution(np.array([2.0, 3.0, 9.0]), np.radians([1.4, 0.5]))


def test_the_table_of_a_release():
    columns = {"log10_enu_min_gev": [3.0, 2.0], "log10_enu_max_gev": [9.0, 3.0], "median_deg": [0.5, 1.4]}
    found = angular_resolution.from_table(schemas.table("angular_resolution", {"response": "X", **columns}, "test"))
    assert list(found) == ["X"]
    np.testing.assert_array_equal(found["X"].log10_enu, RESOLUTION.log10_enu)
    np.testing.assert_array_equal(found["X"].median, RESOLUTION.median)


def test_the_median_of_mixed_distances():
    rng = np.random.default_rng(1)
    width = rng.gamma(2.0, 1.0, 2000)
    drawn = rng.rayleigh(1.0, (500, 2000)) * width
    assert median_distance(width) == pytest.approx(np.median(drawn), rel=0.005)
    assert median_distance(np.array([2.0])) == pytest.approx(2 * np.sqrt(2 * np.log(2)))


def test_half_of_the_distances_are_below_the_median_of_the_energy():
    rng = np.random.default_rng(2)
    dec = np.arcsin(rng.uniform(-1, 1, 20_000))
    ang_err = np.radians(0.3 + rng.gamma(2.0, 0.3, 20_000) * (1 + (dec > 0)))
    spread = MedianSpread.of_events(RESOLUTION, dec, ang_err)
    for dec_deg in (-89.0, -40.0, 0.5, 40.0):
        for log10_enu, median in ((1.0, 1.4), (2.5, 1.4), (3.0, 0.5), (12.0, 0.5)):
            at = np.full(20_000, np.radians(dec_deg)), np.full(20_000, log10_enu)
            drawn = spread.draw_ang_err(rng, *at)
            psi = np.degrees(drawn) * rng.rayleigh(1.0, len(drawn))
            assert np.mean(psi < median) == pytest.approx(0.5, abs=0.015)


def test_ang_err_has_the_shape_of_the_events_of_the_declination():
    rng = np.random.default_rng(3)
    dec = np.repeat(np.radians([-40.0, 40.0]), 3000)
    ang_err = np.concatenate([rng.uniform(0.01, 0.02, 3000), rng.gamma(2.0, 0.02, 3000) + 0.004])
    spread = MedianSpread.of_events(RESOLUTION, dec, ang_err)
    for own, events in ((-40.0, ang_err[:3000]), (40.0, ang_err[3000:])):
        drawn = spread.draw_ang_err(rng, np.full(3000, np.radians(own)), np.full(3000, 2.5))
        factor = np.median(drawn) / np.median(events)
        assert ks_2samp(drawn / factor, events).pvalue > 1e-3
    nowhere = spread.draw_ang_err(rng, np.full(500, np.radians(85.0)), np.full(500, 2.5))
    assert set(nowhere) <= set(spread.ang_err[3000:] * np.radians(1.4) / spread.usual[-1])


def test_signal_follows_area_spectrum_and_resolution():
    """Shares and distances in both bins of energy, against the integrals of the spectrum."""
    rng = np.random.default_rng(5)
    n = 5000
    dec, ang_err = np.arcsin(rng.uniform(-1, 1, n)), np.full(n, 0.02)
    season = SeasonEvents.of_data(("A", "X", 1.0), rng.uniform(0, 6, n), dec, ang_err, None)
    area = EffectiveArea(np.array([2.0, 3.0, 4.0]), np.array([-np.pi / 2, np.pi / 2]), np.array([[1.0], [20.0]]))
    spread = MedianSpread.of_events(RESOLUTION, dec, ang_err)
    draw = Injector(Analysis((season,), {"X": area}, None, (spread,)))
    assert draw.label == "angular resolution"
    source = Sources.of(1.0, 0.5)
    [drawn] = draw(np.random.default_rng(6), Signal(source, np.ones((1, 1)), (PowerLaw(2.5),)), 20_000.0)
    low, high = (a * oracles.power_law(10**e, 10 ** (e + 1), 2.5) for e, a in ((2, 1.0), (3, 20.0)))
    psi = np.degrees(oracles.separation(drawn.ra, drawn.dec, 1.0, 0.5))
    edges = np.array([0, 0.3, 0.6, 1.2, 2.4, 180])
    below = sum(share * (1 - 2.0 ** -((edges / median) ** 2)) for share, median in ((low, 1.4), (high, 0.5)))
    expected = np.diff(below) / (low + high) * len(psi)
    assert chisquare(np.histogram(psi, edges)[0], expected).pvalue > 1e-3
    north = Sources.of(1.0, 0.5, np.radians(3.0))
    [wide] = draw(np.random.default_rng(6), Signal(north, np.ones((1, 1)), (PowerLaw(6.0),)), 4000.0)
    distance = oracles.separation(wide.ra, wide.dec, 1.0, 0.5)
    variance = np.radians(1.4) ** 2 / (2 * np.log(2)) + np.radians(3.0) ** 2
    assert kstest(distance**2 / (2 * variance), "expon").pvalue > 1e-3
