"""Profiles in time against quadrature and plain numpy."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from nusky.errors import PhysicsError
from nusky.search.time_profile import (
    Box,
    Decay,
    FittedCurve,
    Gaussian,
    GoodRuns,
    LightCurve,
    Steady,
    exposure_ratios,
    scale_of,
)

RUNS = GoodRuns.of([55000, 55040, 55100.5], [55020, 55100, 55180])
EDGES, FLUX = np.array([55010.0, 55050, 55060, 55130, 55170]), np.array([2.0, 0.0, 5.0, 1.0])
PROFILES = {
    "box": (Box(55010, 55111), lambda t: ((t >= 55010) & (t <= 55111)).astype(float)),
    "gaussian": (Gaussian(55095, 12), lambda t: np.exp(-((t - 55095) ** 2) / (2 * 12**2))),
    "decay": (Decay(55015, 30, 1.4), lambda t: np.where(t > 55015, (1 + np.abs(t - 55015) / 30) ** -1.4, 0)),
    "slow decay": (Decay(55015, 30, 1), lambda t: np.where(t > 55015, 1 / (1 + np.abs(t - 55015) / 30), 0)),
    "light curve": (
        LightCurve.of(EDGES[:-1], EDGES[1:], FLUX, threshold=0.5),
        lambda t: np.select([(t >= a) & (t < b) for a, b in pairwise(EDGES)], [1.5, 0, 4.5, 0.5]),
    ),
    "steady": (Steady(), np.ones_like),
}


def brute_integral(shape, low, high):
    """Midpoints, finely enough for the edges of bins."""
    t = low + (np.arange(400_000) + 0.5) * (high - low) / 400_000
    return shape(t).mean() * (high - low)


@pytest.mark.parametrize("name", PROFILES)
def test_shape_and_exposure(name):
    profile, shape = PROFILES[name]
    t = np.random.default_rng(1).uniform(54990, 55200, 1000)
    np.testing.assert_allclose(profile(t), shape(t), rtol=1e-12, atol=1e-15)
    each = [brute_integral(shape, low, high) for low, high in zip(RUNS.start, RUNS.stop, strict=True)]
    np.testing.assert_allclose(profile.exposures(RUNS), each, rtol=1e-5, atol=1e-9)
    if name in ("gaussian", "decay", "slow decay"):
        exact = quad(shape, 55101, 55180, epsabs=0, epsrel=1e-12)[0]
        assert profile.exposure(GoodRuns.of(55101, 55180)) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("name", PROFILES)
def test_times_of_signal_follow_the_profile_in_good_runs(name):
    profile, shape = PROFILES[name]
    t = profile.draw(np.random.default_rng(2), RUNS, 4000)
    assert RUNS.contain(t).all()
    assert (shape(t) > 0).all()
    grid = np.linspace(55000, 55180, 200_001)
    density = shape(grid) * RUNS.contain(grid)
    cumulative = np.cumsum(density) / density.sum()
    assert kstest(t, lambda x: np.interp(x, grid, cumulative)).pvalue > 0.01
    scale = scale_of(exposure_ratios([profile], [RUNS]))
    np.testing.assert_allclose(scale, RUNS.livetime / profile.exposure(RUNS))


def test_edges_of_a_box_belong_to_it():
    box = Box(55010.25, 55011.75)
    assert box([55010.25, 55011.75]).tolist() == [1.0, 1.0]
    assert box([np.nextafter(55010.25, 0), np.nextafter(55011.75, 1e6)]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", [*PROFILES, "fitted"])
def test_windows_hold_all_times_at_which_a_source_shines(name):
    """They leave out what bins without flux leave out."""
    curves = FittedCurve.of(EDGES[:-1], EDGES[1:], FLUX, thresholds=(0.5, 4.0), lags=(0.0, 5.0))
    profile, shape = (curves, None) if name == "fitted" else PROFILES[name]
    t = np.random.default_rng(1).uniform(54990, 55200, 2000)
    every = curves.curves if name == "fitted" else [profile]
    shines = np.any([own(t) > 1e-14 for own in every], axis=0)
    inside = profile.windows.contain(t)
    assert inside[shines].all()
    if shape is None or name in ("box", "light curve"):
        np.testing.assert_array_equal(inside, shines)
        assert 0 < inside.sum() < len(t)


def test_a_lag_moves_a_light_curve():
    curve = LightCurve.of(EDGES[:-1], EDGES[1:], FLUX, threshold=1.5, lag=3)
    assert curve([55012.9, 55013.0, 55064.0]).tolist() == [0.0, 0.5, 3.5]
    assert curve.support == (55013.0, 55133.0)


def test_runs_are_joined_where_they_overlap():
    runs = GoodRuns.of([55010, 55000, 55019.5], [55020, 55010, 55030])
    assert (runs.start.tolist(), runs.stop.tolist(), runs.livetime) == ([55000], [55030], 30)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Box(55010, 55000), "stops at MJD 55000, not after its start at 55010"),
        (lambda: Box(2455010, 2455020), "start of the window = 2455010 .*Julian date: subtract 2400000.5"),
        (lambda: Gaussian(2014.9, 10), "centre of the flare = 2014.9 .*looks like a year"),
        (lambda: Gaussian(55000, 0), "width of the flare = 0"),
        (lambda: Decay(55000, -1, 1), "timescale of the decay = -1"),
        (lambda: GoodRuns.of([55000, 55010], [55005, 55009]), "run number 2 stops at 55009"),
        (lambda: LightCurve.of([55000, 55012], [55010, 55020], [1, 1]), "bin 2 .* leaves a gap to bin 1"),
        (lambda: LightCurve.of([55000, 55008], [55010, 55020], [1, 1]), "bin 2 .* overlaps bin 1"),
        (lambda: LightCurve.of([55000, 55010], [55010, 55005], [1, 1]), "bin 2 of the light curve has no exposure"),
        (lambda: LightCurve.of([55000], [55010], [np.nan]), "flux in bin 1 .* no number"),
        (lambda: LightCurve.of([55000], [55010], [1], threshold=2), "no bin .* above the threshold 2"),
        (lambda: LightCurve.of([55000], [55010], [1], threshold=-2), "threshold .* -2, is below 0"),
        (lambda: Box(20100501, 20100601), "looks like a date, year, month and day"),
        (lambda: Box(1.27e9, 1.28e9), "looks like seconds of a clock"),
        (lambda: exposure_ratios([Steady(), Box(55021, 55039)], [RUNS]), "source number 2, .* outside the good runs"),
        (lambda: Box(55021, 55039).draw(np.random.default_rng(1), RUNS, 1), "no time of signal"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(PhysicsError, match=message):
        make()
