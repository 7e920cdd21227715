import numpy as np
import pytest
from scipy.integrate import quad

from nusky.errors import PhysicsError
from nusky.likelihood.spatial import DeclinationDensity
from tests.oracles import spherical_gaussian


@pytest.mark.parametrize("width_deg", [0.1, 1.0, 5.0, 20.0])
def test_the_signal_density_integrates_to_one_on_the_sphere(width_deg):
    variance = np.radians(width_deg) ** 2
    edge = min(np.pi, 12 * np.sqrt(variance))
    value = quad(lambda p: 2 * np.pi * np.sin(p) * spherical_gaussian(p, variance), 0, edge, epsabs=1e-13, limit=200)[0]
    assert value == pytest.approx(1, rel=1e-8)


def test_near_the_source_it_is_the_planar_gaussian():
    variance = np.radians(0.5) ** 2
    planar = np.exp(-0.5 * 0.003**2 / variance) / (2 * np.pi * variance)
    assert spherical_gaussian(0.003, variance) == pytest.approx(planar, rel=2e-6)
    assert spherical_gaussian(0.0, variance) == pytest.approx(1 / (2 * np.pi * variance), rel=1e-15)


@pytest.fixture(scope="module")
def season():
    rng = np.random.default_rng(1)
    return np.arcsin(np.clip(rng.beta(2, 3, 50_000) * 2 - 1, -1, 1))


def test_the_background_is_normalised_and_positive(season):
    density = DeclinationDensity.from_events(season)
    total = quad(lambda s: 2 * np.pi * density(np.arcsin(s)), -1, 1, limit=500, epsabs=1e-10)[0]
    assert total == pytest.approx(1, abs=1e-7)
    assert (density(np.radians(np.linspace(-90, 90, 1001))) > 0).all()


def test_the_background_follows_the_events(season):
    from scipy.stats import beta

    density = DeclinationDensity.from_events(season)
    sin_dec = np.linspace(-0.8, 0.8, 9)
    expected = beta(2, 3).pdf((sin_dec + 1) / 2) / 2 / (2 * np.pi)
    np.testing.assert_allclose(density(np.arcsin(sin_dec)), expected, rtol=0.08)


def test_the_background_is_continuous(season):
    density = DeclinationDensity.from_events(season)
    for edge in np.linspace(-0.9, 0.9, 13):
        below, above = density(np.arcsin(edge - 1e-9)), density(np.arcsin(edge + 1e-9))
        assert below == pytest.approx(above, rel=1e-5)


def test_a_sky_with_a_hole_has_a_floor():
    density = DeclinationDensity.from_events(np.full(1000, 0.7))
    assert density(-1.0) > 0


def test_no_events_no_background():
    with pytest.raises(PhysicsError, match="this season has none"):
        DeclinationDensity.from_events(np.array([]))
