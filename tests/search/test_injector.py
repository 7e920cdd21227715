"""The injector without smearing tables, and expected events of sources with spectra of their own."""

import numpy as np
import pytest
from scipy.stats import kstest, poisson

from nusky.detector.effective_area import EffectiveArea
from nusky.detector.spectrum import PowerLaw, SourceSpectra
from nusky.search.analysis import Analysis
from nusky.search.injection import MIN_EVENTS, Injector, Signal, expected_events
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources
from nusky.search.trials import stream
from tests import oracles

AREA = EffectiveArea(np.array([2.0, 5.0, 9.0]), np.array([-np.pi / 2, 0.0, np.pi / 2]), np.full((2, 2), 1e4))
SOURCES = Sources.of([0.01, 3.0], np.radians([60.0, -30.0]), np.radians([0.0, 2.0]))
SPECTRA = (PowerLaw(2.0), PowerLaw(2.0))


@pytest.fixture(scope="module")
def season():
    rng = np.random.default_rng(1)
    dec = np.arcsin(rng.uniform(-1, 1, 20_000))
    ang_err = np.radians(np.where(dec > 0, 0.5, 1.5))
    return SeasonEvents.of_data(("A", "response", 1.0), rng.uniform(0, 2 * np.pi, len(dec)), dec, ang_err, None)


def injector(*seasons):
    return Injector(Analysis(seasons, {"response": AREA}, None))


def test_distances_follow_the_angular_error_and_the_extension(season):
    draw = injector(season)
    assert draw.label == "gaussian (uncalibrated)"
    for j in range(2):
        share = np.zeros((1, 2))
        share[0, j] = 1.0
        [events] = draw(np.random.default_rng(2), Signal(SOURCES, share, SPECTRA), 4000.0)
        psi = oracles.separation(events.ra, events.dec, SOURCES.ra[j], SOURCES.dec[j])
        assert set(np.round(np.degrees(events.ang_err), 6)) == {0.5 if j == 0 else 1.5}
        variance = events.ang_err**2 + SOURCES.extension[j] ** 2
        assert kstest(psi**2 / (2 * variance), "expon").pvalue > 1e-3


def test_every_source_and_season_receives_its_number(season):
    draw = injector(season, season)
    share = np.array([[30.0, 0.0], [5.0, 60.0]]) / 95
    signal = Signal(SOURCES, share, SPECTRA)
    skies = [draw(np.random.default_rng(s), signal, 95.0) for s in range(200)]
    numbers = np.array([[len(events) for events in sky] for sky in skies]).sum(axis=0)
    low, high = poisson.interval(0.999, 200 * 95 * share.sum(axis=1))
    assert (numbers >= low).all()
    assert (numbers <= high).all()
    [only_first, _] = draw(np.random.default_rng(3), signal, 95.0)
    assert oracles.separation(only_first.ra, only_first.dec, SOURCES.ra[0], SOURCES.dec[0]).max() < 0.1


def test_near_a_pole_the_band_is_widened(season):
    few = season.with_events(season.ra[:30], np.linspace(-1, 0, 30), np.linspace(0.01, 0.04, 30), None)
    signal = Signal(Sources.of(0.0, np.pi / 2), np.ones((1, 1)), SPECTRA[:1])
    [events] = injector(few)(np.random.default_rng(4), signal, 2000.0)
    assert len(set(events.ang_err)) == MIN_EVENTS
    assert events.ang_err.min() == few.ang_err[-MIN_EVENTS]


def test_without_smearing_tables_the_spread_is_the_same_in_every_range(season):
    ranges = [tuple(PowerLaw(2.0, log10_limits=limits) for _ in range(2)) for limits in ((2.0, 3.0), (6.0, 7.0))]
    share = np.full((1, 2), 0.5)
    one, other = (injector(season)(stream(1, "x"), Signal(SOURCES, share, own), 8.0)[0] for own in ranges)
    assert len(one) > 0
    np.testing.assert_array_equal(one.ra, other.ra)


@pytest.fixture(scope="module")
def analysis():
    """Two seasons of one response, 1 m^2 at all energies from 100 GeV to 1 EeV."""
    rng = np.random.default_rng(3)
    seasons = tuple(
        SeasonEvents.of_data((name, "response", livetime), *rng.uniform(-1, 1, (2, 500)), np.full(500, 0.01), None)
        for name, livetime in (("short", 1.0), ("long", 3.0))
    )
    return Analysis(seasons, {"response": AREA}, None)


THREE = Sources.of(0.0, np.radians([5.0, 5.0, -30.0]))


def test_expected_events_of_each_source_in_its_own_range(analysis):
    ranges = ((3.0, 4.0), (4.0, 5.5), (0.0, 1.5))
    own = SourceSpectra.of([PowerLaw(2.0, log10_limits=limits) for limits in ranges], THREE.weights)
    found = expected_events(analysis, THREE, own)
    # 1e4 cm^2 times the integral of (E / 1e5 GeV)^-2, the third source below the table; each has a third of the flux
    once = [1e4 * 1e10 * (1e-3 - 1e-4), 1e4 * 1e10 * (1e-4 - 10**-5.5), 0.0]
    np.testing.assert_allclose(found, np.outer([1.0, 3.0], once) / 3, rtol=1e-12)


def test_parts_add_up_to_the_whole(analysis):
    whole = expected_events(analysis, THREE, PowerLaw(2.5))
    ranges = ((2.0, 3.3), (3.3, 6.0), (6.0, 9.0))
    parts = [expected_events(analysis, THREE, PowerLaw(2.5, log10_limits=limits)) for limits in ranges]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-12)
    signal = Signal.of(analysis, THREE, PowerLaw(2.5))
    np.testing.assert_allclose(signal.share, whole / whole.sum(), rtol=1e-12)
