"""Narrow resonances converge or say that they do not; errors of cross sections reach the events."""

import math
import warnings

import numpy as np
import pytest
from scipy.optimize import brentq

from nusky import bdm
from nusky.bdm.cross_sections import neutrino_energy
from nusky.bdm.quadrature import Interpolant
from nusky.bdm.skymap import flux_towards

YEAR = 31556926
PLACE = {"Rs": 3.5, "Rg": 8.5, "beta": 1.9498740968451136}


def flat(s, t, u, mx):
    return 1e-10


def resonance(s0, width, floor=0.0):
    return lambda s, t, u, mx: 1e-10 * (floor + width**2 / ((s - s0) ** 2 + width**2))


def model(amp2_xv, amp2_xe=flat):
    return bdm.BoostedDarkMatter(**PLACE, amp2_xv=amp2_xv, amp2_xe=amp2_xe)


def limit(s0, t, Tx, mx):
    """Flux per width of a resonance with neutrinos, width -> 0: pi times the sum over its rings on the sky."""

    def s_of(theta):
        cos_psi = bdm.Propagation(t, bdm.get_vx(Tx, mx), theta, 0.0, 3.5, 8.5, PLACE["beta"]).cos_psi
        return mx**2 + 2 * mx * float(neutrino_energy(Tx, mx, math.acos(cos_psi)))

    angles = np.linspace(1e-6, bdm.get_thetaMax(t, Tx, mx, 3.5) * (1 - 1e-9), 4000)
    inside = np.array([s_of(theta) for theta in angles]) - s0
    phi = 2 * np.pi * np.arange(600) / 600
    total = 0.0
    for k in np.flatnonzero(np.isfinite(inside[1:] * inside[:-1]) & (inside[1:] * inside[:-1] < 0)):
        theta = brentq(lambda x: s_of(x) - s0, angles[k], angles[k + 1], xtol=1e-15)
        step = 1e-5 * theta
        slope = abs(s_of(theta + step) - s_of(theta - step)) / (2 * step)
        ring = model(flat).differential_flux(t, Tx, mx, theta, phi).mean() * 2 * np.pi
        total += math.pi * ring * math.sin(theta) / slope
    return total


@pytest.mark.parametrize("width", [pytest.param(1e-4, marks=pytest.mark.slow), 1e-6])
def test_flux_of_a_narrow_resonance(width):
    for s0, t, Tx, mx in ((30.0, 350 * YEAR, 5, 1), (40.0, 100 * YEAR, 8, 1), (30.0, 100 * YEAR, 5, 0.7)):
        found, error = model(resonance(s0, width)).flux(t, Tx, mx, full_output=True)
        # Wings of the resonance carry a share of about the width over the range of s.
        assert found / width == pytest.approx(limit(s0, t, Tx, mx), rel=max(1e-6, 30 * width))
        assert error < 1e-8 * found


class Stable:
    """A narrow resonance of an amplitude that also comes without cancellation."""

    def __call__(self, s, t, u, mx):
        return resonance(30.0, 1e-5)(s, t, u, mx)

    def without_cancellation(self, gap, transfer, remaining, mx):
        return self(gap + mx**2, -transfer, mx**2 - gap + transfer, mx)


def test_a_resonance_of_an_amplitude_without_cancellation_is_found():
    plain = model(resonance(30.0, 1e-5)).flux(350 * YEAR, 5, 1)
    assert model(Stable()).flux(350 * YEAR, 5, 1) == pytest.approx(plain, rel=1e-7)


def test_flux_of_a_narrow_resonance_on_a_floor():
    t, width = 350 * YEAR, 1e-5
    floor = 1e-4
    found = model(resonance(30.0, width, floor)).flux(t, 5, 1)
    parts = model(resonance(30.0, width)).flux(t, 5, 1) + floor * model(flat).flux(t, 5, 1)
    assert found == pytest.approx(parts, rel=2e-8)


def test_a_resonance_too_narrow_for_double_precision_warns():
    with pytest.warns(RuntimeWarning, match="rtol = 1e-10 is not reached; the largest relative error is about"):
        value, error = model(resonance(30.0, 1e-9)).flux(350 * YEAR, 5, 1, rtol=1e-10, full_output=True)
    assert error > 1e-10 * value


def test_events_of_narrow_resonances():
    window = {"t_range": (350 * YEAR, 385 * YEAR), "full_output": True, "rtol": 1e-4}
    for make in (lambda width: model(resonance(30.0, width)), lambda width: model(flat, resonance(30.0, width))):
        wide, _ = make(1e-3).event(1.0, Tx_range=(5, 40), **window)
        narrow, error = make(1e-6).event(1.0, Tx_range=(5, 40), **window)
        assert narrow / 1e-6 == pytest.approx(wide / 1e-3, rel=2e-3)
        assert error < 1e-4 * narrow


def test_events_of_a_resonance_in_the_detector_against_its_limit():
    """Width -> 0: the events per energy at the resonance times pi w/(2 mt), for sigma of a flat |M|^2."""
    width, mt, mx = 1e-6, 0.511, 1.0
    place = (30.0 - (mt + mx) ** 2) / (2 * mt)
    found = model(flat, resonance(30.0, width)).event(mx, (5, 40), (350 * YEAR, 385 * YEAR))
    step = 1e-3
    density = model(flat).event(mx, (place - step, place + step), (350 * YEAR, 385 * YEAR), rtol=1e-7) / (2 * step)
    assert found == pytest.approx(density * math.pi * width / (2 * mt), rel=1e-5)


def test_the_error_of_a_cross_section_is_that_of_events():
    """A cross section with noise of 1e-3 cannot give events to 1e-5."""
    noisy = model(flat)
    noisy.sigma_xe = lambda Tx, mx: 1e-35 * (1 + 1e-3 * math.sin(1e9 * Tx))
    with pytest.warns(RuntimeWarning, match="event: the relative accuracy rtol = 1e-05 is not reached"):
        value, error = noisy.event(1.0, full_output=True)
    exact = model(flat)
    exact.sigma_xe = lambda Tx, mx: 1e-35
    assert abs(value - exact.event(1.0)) < error
    assert 1e-5 * value < error < 0.1 * value


def test_missed_tolerances_warn_and_met_ones_do_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bdm.flux(350 * YEAR, [5, 10], [[1], [2]], 3.5, 1.95)
        bdm.event([1, 2], 3.5, 1.95)
    rough = model(lambda s, t, u, mx: 1e-10 * (2 + np.sin(1e7 * s)))
    with pytest.warns(RuntimeWarning, match="for 2 of 2 values"):
        value, error = rough.flux(350 * YEAR, [5, 6], 1, full_output=True)
    assert np.all(error > 1e-8 * value)


def test_tables_know_narrow_places_and_their_errors():
    places = np.array([7.0, 20.0])
    table = Interpolant(lambda x: 1 + sum(1e-8 / ((x - p) ** 2 + 1e-10) for p in places), 5.0, 30.0, 1e-9)
    assert table.narrow_places(4) == pytest.approx(places, abs=1e-5)
    assert table.relative_error(np.array([10.0]))[0] == 0.0
    step = Interpolant(lambda x: np.where(x > 12.3, 1.0, 2.0), 5.0, 30.0, 1e-9)
    assert step.narrow_places(4) == pytest.approx([12.3], rel=1e-11)
    assert len(step.smooth_ranges()) == 2
    assert step.lost() < 1e-11


@pytest.mark.slow
def test_maps_integrated_over_a_narrow_resonance():
    """Int Phi dT in one direction, width -> 0: pi w Phi_flat/|ds/dT| at the resonance."""
    theta, t, mx, width = 0.25, 100 * YEAR, 1.0, 1e-6
    sky = (1.95, 0.0)
    boosted = bdm.BoostedDarkMatter(3.5, 8.5, 1.95, resonance(60.0, width), flat)
    found = flux_towards(boosted, sky, 1.95 + theta, 0.0, t, (2, 30), mx)

    def s_of(Tx):
        cos_psi = bdm.Propagation(t, bdm.get_vx(Tx, mx), theta, 0.0, 3.5, 8.5, 1.95).cos_psi
        return mx**2 + 2 * mx * float(neutrino_energy(Tx, mx, math.acos(cos_psi)))

    Tx = brentq(lambda T: s_of(T) - 60.0, 2, 30, xtol=1e-14)
    slope = (s_of(Tx + 1e-5) - s_of(Tx - 1e-5)) / 2e-5
    even = bdm.BoostedDarkMatter(3.5, 8.5, 1.95, flat, flat)
    expected = flux_towards(even, sky, 1.95 + theta, 0.0, t, Tx, mx) * math.pi * width / slope
    assert found == pytest.approx(expected, rel=1e-5)
