import itertools
import math

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import rates
from nusky.bdm.detectors import Detector
from nusky.bdm.exclusion import exclude
from nusky.bdm.models import ConstantCrossSection, LMuTau
from nusky.bdm.quadrature import Integrals
from nusky.bdm.rates import binned_events, event_rate, expected_events
from nusky.errors import PhysicsError

YEAR = bdm.constant.year2Seconds
BETA = 1.2
SHARP = Detector(
    title="sharp",
    targets={"electron": {"number": 1e33}},
    start_year=2000,
    stop_year=2010,
    live_fraction=0.5,
    window_mev=(3.0, 15.0),
    efficiency=1.0,
)
REAL = SHARP.model_copy(
    update=Detector(
        **SHARP.model_dump(exclude={"title", "efficiency", "resolution"}),
        title="real",
        efficiency=[(2, 0.3), (6, 0.9), (20, 0.8)],
        resolution={"constant_mev": 0.2, "sqrt_mev": 0.2, "linear": 0.03},
    ).__dict__
)


@pytest.mark.parametrize("model", [ConstantCrossSection(1e-38), LMuTau()])
def test_a_sharp_window_is_a_difference_of_thresholds(model):
    boosted = model.at(5.0, 8.5, BETA)
    span, mx = (10 * YEAR, 60 * YEAR), np.array([0.1, 1.0, 8.0])
    found = expected_events(boosted, SHARP, mx, span, max_tx=100.0, rtol=1e-6)
    above, below = (boosted.event(mx, (1e-2, 100), span, recoil_above=edge, rtol=1e-7) for edge in (3.0, 15.0))
    np.testing.assert_allclose(found, 0.5e33 * (above - below), rtol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("model", [ConstantCrossSection(1e-38), LMuTau()])
def test_efficiency_and_resolution_weigh_the_recoil_spectrum(model):
    """Against the sum over recoil energies of the spectrum per target times the acceptance."""
    if isinstance(model, LMuTau):
        boosted = model.at(5.0, 8.5, BETA)
    else:  # the same cross sections, with a recoil spectrum
        boosted = LMuTau().at(5.0, 8.5, BETA)
        boosted.dsigma_xv = lambda Tx, mx, psi: 1e-38 / (4 * np.pi)
        boosted.sigma_xe = lambda Tx, mx: 1.0
    span = (10 * YEAR, 60 * YEAR)
    found = expected_events(boosted, REAL, 1.0, span, max_tx=100.0, rtol=1e-6)
    edges = [*REAL.pieces(REAL.window_mev)[:-1], 22.0, 30.0]
    total = 0.0
    for a, b in itertools.pairwise(edges):
        x, w = np.polynomial.legendre.leggauss(10)
        recoil = 0.5 * (a + b) + 0.5 * (b - a) * x
        spectrum = boosted.recoil_spectrum(recoil, 1.0, (1e-2, 100), span, rtol=1e-6)
        total += 0.5 * (b - a) * np.sum(w * spectrum * REAL.acceptance(recoil, REAL.window_mev))
    assert found == pytest.approx(0.5e33 * total, rel=2e-4)


def test_bins_add_up_and_times_may_differ_by_mass():
    boosted = ConstantCrossSection(1e-38).at(5.0, 8.5, BETA)
    t, recoil = np.array([1.0, 5.0, 20.0]) * YEAR, [3.0, 5.0, 9.0, 15.0]
    mx = np.array([0.05, 0.5])
    parts = binned_events(boosted, REAL, mx, t, recoil, rtol=1e-6)
    assert parts.shape == (2, 2, 3)
    whole = expected_events(boosted, REAL, mx, (t[0], t[-1]), rtol=1e-6)
    np.testing.assert_allclose(parts.sum(axis=(1, 2)), whole, rtol=1e-5)
    own = expected_events(boosted, REAL, mx, (t[0], t[1:]), rtol=1e-6)
    np.testing.assert_allclose(own[0], parts[0, 0].sum(), rtol=1e-5)
    assert own[1] == pytest.approx(whole[1])


@pytest.mark.parametrize("detector", [SHARP, pytest.param(REAL, marks=pytest.mark.slow)])
def test_the_rate_is_the_integral_of_flux_and_cross_section(detector):
    boosted, mx, when, energy = ConstantCrossSection(1e-38).at(5.0, 8.5, BETA), 0.4, 3 * YEAR, 7.0
    found = event_rate(boosted, detector, when, energy, mx, rtol=1e-6)[0, 0]

    def largest(T):
        return 2 * 0.511 * T * (T + 2 * mx) / ((0.511 + mx) ** 2 + 2 * 0.511 * T)

    def seen(T):
        top = largest(T)
        if detector is SHARP:
            return np.where(top > energy, 1 / top, 0.0)
        x, w = np.polynomial.legendre.leggauss(40)
        total = np.zeros_like(top)
        for a, b in itertools.pairwise([3.0, 6.0, 7.0, 12.0]):
            half = (np.clip(top, a, b) - a) / 2
            total += half * (detector.density(a + half[:, None] * (1 + x), energy) @ w)
        return total / top

    end = 0.5 * mx / ((1 + when * bdm.constant.c / (5 * bdm.constant.kpc2cm)) ** 2 - 1)
    start = {SHARP.title: 7.0, REAL.title: 3.2}[detector.title]
    T = np.geomspace(start, min(2 * end, 120.0), 3001)
    flux = boosted.flux(when, T, mx, rtol=1e-6)
    total = np.trapezoid(flux * seen(T) * T, np.log(T)) * 0.5e33
    assert found == pytest.approx(total, rel=2e-3)


def test_a_missed_tolerance_is_told_through_a_detector(monkeypatch):
    boosted, span = ConstantCrossSection(1e-38).at(5.0, 8.5, BETA), (10 * YEAR, 60 * YEAR)
    value = expected_events(boosted, SHARP, 1.0, span)
    exact = rates._over_masses

    def rough(*arguments):
        found = exact(*arguments)
        return Integrals(found.value, 0.02 * found.value)

    monkeypatch.setattr(rates, "_over_masses", rough)
    told = (
        "expected_events: the relative accuracy rtol = 1e-05 is not reached; the largest relative error is about 0.02"
    )
    with pytest.warns(RuntimeWarning, match=told):
        found = expected_events(boosted, SHARP, 1.0, span, full_output=True)
    assert found == pytest.approx((value, 0.02 * value))
    with pytest.warns(RuntimeWarning, match="relative error is about 0.02"):
        limits = exclude(boosted, SHARP, [1.0], span, observed=0)
    assert limits.events[0] == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    "t_range", [(5.0, 5.0), (6.0, 5.0), (-1.0, 5.0), (math.nan, 5.0), (1.0, math.nan), ([1.0, 6.0], 5.0)]
)
def test_a_time_range_that_is_none_is_refused(t_range):
    boosted = ConstantCrossSection().at(5.0, 8.5, BETA)
    with pytest.raises(PhysicsError, match=r"t_range (= .* s|is NaN)"):
        expected_events(boosted, SHARP, [1.0, 2.0], t_range)


def test_what_does_not_fit_is_refused():
    boosted = LMuTau(mt=938.2).at(5.0, 8.5, BETA)
    with pytest.raises(PhysicsError, match=r"scatters on targets of 938.2 MeV, not of 0.511 MeV"):
        expected_events(boosted, SHARP, 1.0, (10, YEAR))
    good = ConstantCrossSection().at(5.0, 8.5, BETA)
    with pytest.raises(PhysicsError, match="recoil_edges must lie in the window of sharp, 3 to 15 MeV"):
        binned_events(good, SHARP, 1.0, [1, 2], [1.0, 5.0])
    with pytest.raises(PhysicsError, match="t_edges must be at least two edges"):
        binned_events(good, SHARP, 1.0, [2, 1])
    with pytest.raises(PhysicsError, match="has no method `problem`"):
        expected_events(object(), SHARP, 1.0, (10, YEAR))


def test_quantities_are_accepted():
    from astropy import units as u

    boosted = ConstantCrossSection().at(5.0, 8.5, BETA)
    plain = expected_events(boosted, SHARP, 1.0, (10 * YEAR, 60 * YEAR))
    year = bdm.constant.year2Seconds * u.s
    assert expected_events(boosted, SHARP, 1e3 * u.keV, (10 * year, 60 * year)) == pytest.approx(plain, rel=1e-12)
