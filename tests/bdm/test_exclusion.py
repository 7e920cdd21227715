"""Exclusion limits against a sum over energies, angles and counts that is written here."""

import functools
import itertools
import math

import numpy as np
import pytest
from scipy.stats import poisson

from nusky import bdm
from nusky.bdm.detectors import Detector, load_detector
from nusky.bdm.exclusion import (
    Uncertainties,
    coupling_limit,
    drawn_events,
    event_limit,
    exclude,
    observed_span,
)
from nusky.bdm.models import ConstantCrossSection, LMuTau
from nusky.bdm.supernovae import Supernova, find, place
from nusky.errors import PhysicsError
from tests.bdm.test_counting import accepted

YEAR = bdm.constant.year2Seconds
KPC = 3.085e21
ME = 0.511
HALO = {"profile": "burkert", "rhos": 600.0, "rs": 9.0}


def detector(window=(5.0, 20.0), efficiency=0.8, per_year=None, number=7.5e33, live=0.9):
    return Detector(
        title="direct",
        targets={"electron": {"number": number}},
        start_year=2000,
        stop_year=2010,
        live_fraction=live,
        window_mev=window,
        efficiency=efficiency,
        background=None if per_year is None else {"per_year": per_year},
    )


legendre = functools.cache(np.polynomial.legendre.leggauss)


def gauss(n, a, b):
    """Nodes and weights between a (...,) and b (...,), in a new last axis."""
    x, w = legendre(n)
    a, b = np.asarray(a)[..., None], np.asarray(b)[..., None]
    return 0.5 * (a + b) + 0.5 * (b - a) * x, 0.5 * (b - a) * w


def directly(mx, place, window, kept):
    """Events per electron over all times, sigma_xv = 1e-45 cm^2 and sigma_xe = 1 cm^2, as a plain sum.

    Over the angle psi at which dark matter leaves, the neutrino energy, and the place on the circle of equal psi; the
    window splits the energies where the largest recoil passes its ends.
    """
    Rs, Re, beta = place

    def slowest(recoil):  # kinetic energy with this largest recoil, 2 me T (T + 2 m) = recoil ((m + me)^2 + 2 me T)
        b, c = 4 * ME * mx - 2 * ME * recoil, -recoil * (mx + ME) ** 2
        return (-b + math.sqrt(b * b - 8 * ME * c)) / (4 * ME)

    low, high = (slowest(edge) for edge in window)
    top = 300.0  # neutrino energy, MeV

    def last_angle(T):
        return math.acos(min((T + T * mx / top) / math.sqrt(T * (T + 2 * mx)), 1.0))

    def needed(T, psi):  # neutrino energy
        denominator = math.sqrt(T * (T + 2 * mx)) * np.cos(psi) - T
        return np.where(denominator > T * mx / top, T * mx / np.where(denominator > 0, denominator, 1), top)

    psi, w_psi = (a.reshape(-1) for a in gauss(70, [0.0, last_angle(high)], [last_angle(high), last_angle(low)]))
    total = np.zeros(psi.size)
    ends = [needed(low, psi), needed(high, psi), np.maximum(needed(high, psi), 60.0), np.full(psi.size, top)]
    for a, b in itertools.pairwise(ends):
        for part in range(3):
            E, w = gauss(24, a + (b - a) * part / 3, a + (b - a) * (part + 1) / 3)
            c = np.cos(psi)[:, None]
            T = 2 * mx * (E * c) ** 2 / ((E + mx) ** 2 - (E * c) ** 2)
            gamma2 = (E + mx) ** 2 / (mx * (2 * E + mx))
            scattered = 1e-45 * gamma2 * c / (np.pi * (c**2 + gamma2 * (1 - c**2)) ** 2)
            largest = 2 * ME * T * (T + 2 * mx) / ((mx + ME) ** 2 + 2 * ME * T)
            seen = kept * np.clip(np.minimum(largest, window[1]) - window[0], 0, None) / largest
            neutrinos = 0.0
            for temperature, mean, number in ((2.76, 11, 1), (4.01, 16, 1), (6.26, 25, 4)):
                density = E**2 / (18.9686 * temperature**3 * (np.exp(E / temperature - 3) + 1))
                neutrinos = neutrinos + number * 5e51 * 6.241e5 * 10 / mean * density
            total += (w * scattered * neutrinos / (4 * np.pi) * seen).sum(axis=1)
    theta, w_theta = gauss(40, np.zeros(psi.size), psi)
    phi = 2 * np.pi * np.arange(40) / 40
    l = Rs * np.sin(psi[:, None] - theta) / np.sin(psi)[:, None]
    towards = np.cos(theta)[..., None] * np.cos(beta) + np.sin(theta)[..., None] * np.sin(beta) * np.sin(phi)
    x = np.sqrt(l[..., None] ** 2 + Re**2 - 2 * l[..., None] * Re * towards) / HALO["rs"]
    ring = (HALO["rhos"] / ((1 + x) * (1 + x * x)) / mx).mean(axis=2) * 2 * np.pi
    return float((w_psi * total * (w_theta * ring).sum(axis=1)).sum() / (Rs * KPC))


def compare(masses, seed):
    """Limits for random detectors, counts and places against the direct sum; returns how many were compared."""
    draw = np.random.default_rng(seed)
    place = (draw.uniform(1, 15), 8.5, draw.uniform(0.1, 3.0))
    window = (float(draw.uniform(1, 8)), float(draw.uniform(12, 40)))
    per_year, kept, live = float(draw.uniform(0.2, 3)), float(draw.uniform(0.3, 1)), float(draw.uniform(0.5, 1))
    seen, level = int(draw.integers(0, 12)), float(draw.choice([0.68, 0.9, 0.95]))
    method = draw.choice(["poisson", "feldman-cousins"])
    tested = detector(window, kept, per_year, live=live)
    mx = np.exp(draw.uniform(np.log(1e-3), np.log(1.0), masses))
    # All of the signal is over by then.
    end = float(np.max(place[0] * KPC / 29979245800 * (np.sqrt(1 + mx / 2 / 0.3) - 1)))
    limits = exclude(
        ConstantCrossSection(1e-45).at(*place, **HALO), tested, mx, (0.0, end), observed=seen, method=str(method),
        confidence_level=level, rtol=1e-7,
    )  # fmt: skip
    background = per_year * live * end / YEAR
    largest = limits.limit_events[0]
    if method == "poisson":
        assert sum(poisson.pmf(k, largest) for k in range(seen + 1)) == pytest.approx(1 - level, rel=1e-9)
    elif background < 1e4:
        assert accepted(seen, largest * (1 - 1e-8), background, level)
        assert not accepted(seen, largest * (1 + 1e-8), background, level)
    expected = [largest / (7.5e33 * live * directly(m, place, window, kept)) * 1e-45 for m in mx.tolist()]
    np.testing.assert_allclose(limits.strength * 1e-45, expected, rtol=1e-6)
    np.testing.assert_allclose(limits.sqrt_sigma_cm2, np.sqrt(expected), rtol=1e-6)
    assert limits.confidence_level == level
    return mx.size


def test_limits_are_those_of_a_direct_sum():
    assert sum(compare(4, seed) for seed in range(3)) == 12


@pytest.mark.slow
def test_a_thousand_limits_are_those_of_a_direct_sum():
    assert sum(compare(20, seed) for seed in range(100, 150)) == 1000


def test_light_dark_matter_is_counted_only_while_it_comes():
    boosted, tested = ConstantCrossSection().at(8.5, 8.5, 0.5), detector(per_year=100)
    mx = np.array([1e-5, 1e-3, 5.0])
    limits = exclude(boosted, tested, mx, (10.0, 10 * YEAR))
    # 2 me T (T + 2 m) = 5 MeV ((m + me)^2 + 2 me T) for m << me
    slowest = bdm.get_tvan((5 + np.sqrt(25 + 10 * ME)) / 2, mx[:2], 8.5)
    np.testing.assert_allclose(limits.t_stop[:2], slowest, rtol=1e-3)
    assert limits.t_stop[2] == 10 * YEAR
    years = (limits.t_stop - 10) / YEAR * 0.9
    np.testing.assert_allclose([limit.background for limit in limits.limits], 100 * years)
    whole = exclude(boosted, tested, mx, (10.0, 10 * YEAR), whole_time=True)
    assert (whole.told[:2] > limits.told[:2]).all()
    assert whole.told[2] == limits.told[2]
    times = [11.0, float(limits.t_stop[1]), 5 * YEAR]
    seen = exclude(boosted, tested, mx, (10.0, 10 * YEAR), event_times=times)
    assert [limit.observed for limit in seen.limits] == [1, 2, 3]


def test_the_expected_band_is_that_of_many_experiments():
    tested = detector(per_year=3.0)
    limit = event_limit(tested, 2.0, confidence_level=0.9)
    assert limit.background == 6.0
    counts = np.random.default_rng(1).poisson(6.0, 4000)
    of_count = {n: event_limit(tested, 2.0, observed=int(n)).limit for n in np.unique(counts)}
    found = np.sort([of_count[n] for n in counts])
    assert (found <= limit.expected[2]).mean() >= 0.5 >= (found < limit.expected[2]).mean()
    assert (found <= limit.expected[4]).mean() >= 0.97
    assert (found < limit.expected[0]).mean() <= 0.03
    table = exclude(ConstantCrossSection().at(8.5, 8.5, 0.5), tested, [0.1, 1.0], (10, YEAR)).table()
    assert set(table["confidence_level"].to_pylist()) == {0.9}


def test_a_coupling_is_a_root_of_the_strength():
    boosted, tested = LMuTau(1e-8, 1e-8).at(3.4, 8.5, 1.95), detector(per_year=10)
    limits = exclude(boosted, tested, [1.0, 5.0], (320 * YEAR, 330 * YEAR))
    product = limits.coupling(1e-16, 2)
    again = LMuTau(float(product[0]) / 1e-8, 1e-8).at(3.4, 8.5, 1.95)
    events = bdm.expected_events(again, tested, 1.0, (320 * YEAR, 330 * YEAR))
    assert events == pytest.approx(limits.limit_events[0], rel=1e-4)
    solved = coupling_limit(
        lambda g: LMuTau(g, g).at(3.4, 8.5, 1.95), tested, 1.0, (320 * YEAR, 330 * YEAR), (1e-12, 1.0)
    )
    assert solved == pytest.approx(math.sqrt(product[0]), rel=1e-4)
    span, build = (320 * YEAR, 330 * YEAR), lambda g: LMuTau(g, g).at(3.4, 8.5, 1.95)
    assert coupling_limit(build, tested, 1.0, span, (1e-12, 1e-11)) == math.inf
    with pytest.raises(PhysicsError, match="excluded already"):
        coupling_limit(build, tested, 1.0, span, (0.1, 1.0))


def test_a_limit_with_the_mixing_of_loops_is_that_of_its_number():
    tested, span = detector(per_year=10), (320 * YEAR, 330 * YEAR)

    def limits_of(model, mx=1.0):
        return exclude(model.at(3.4, 8.5, 1.95), tested, [mx], span)

    loop = LMuTau(1e-8, "loop")
    found, number = limits_of(loop), limits_of(LMuTau(1e-8, loop.mixing))
    np.testing.assert_allclose(found.told, number.told, rtol=1e-12)
    # With the mixing in proportion to the coupling, events go with its fourth power.
    (coupling,) = found.coupling(1e-8, 4)
    again = LMuTau(float(coupling), "loop").at(3.4, 8.5, 1.95)
    assert bdm.expected_events(again, tested, 1.0, span) == pytest.approx(found.limit_events[0], rel=1e-4)


def test_the_run_of_a_detector_in_calendar_years():
    crab, tested = find("SN 1054"), detector()
    assert observed_span(crab, tested) == pytest.approx((946 * YEAR, 956 * YEAR))
    during = Supernova("new", 10, 10, 5.0, year=2005.0)
    assert observed_span(during, tested) == pytest.approx((10.0, 5 * YEAR))
    with pytest.raises(PhysicsError, match="ended in 2010, before later"):
        observed_span(Supernova("later", 10, 10, 5.0, year=2020.0), tested)
    with pytest.raises(PhysicsError, match="its year is not known"):
        observed_span(Supernova("when", 10, 10, 5.0), tested)


def test_the_host_of_a_supernova_decides_its_halo():
    supernova = find("SN 1987A")
    ours, theirs = place(supernova).under(ConstantCrossSection()), bdm.constant.LMC_profile
    assert ours.Rg == 49.97
    assert {key: ours.halo[key] for key in ("rhos", "rs", "n")} == {key: theirs[key] for key in ("rhos", "rs", "n")}


def test_spread_follows_distance_and_density():
    model, supernova, tested = ConstantCrossSection(), find("Cas A"), detector(per_year=10)
    span = observed_span(supernova, tested)
    limits = exclude(place(supernova).under(model), tested, [5.0], span)
    none = Uncertainties(distance_kpc=(0, 0), density=0, scale_radius=0)
    same = drawn_events(model, place(supernova), tested, [5.0], span, draws=2, uncertainties=none, rtol=1e-4)
    np.testing.assert_allclose(same, limits.events[0], rtol=2e-4)
    only_density = Uncertainties(distance_kpc=(0, 0), density=0.3, scale_radius=0)
    drawn = drawn_events(model, place(supernova), tested, [5.0], span, draws=16, seed=3, uncertainties=only_density)
    # Events are proportional to the density.
    assert np.log(drawn).std() == pytest.approx(0.3, rel=0.3)
    spread = limits.with_spread(drawn).spread
    assert (np.diff(spread[:, 0]) > 0).all()
    assert spread[2, 0] == pytest.approx(limits.told[0], rel=0.2)
    first, second = (
        drawn_events(model, place(supernova), tested, [5.0], span, draws=2, seed=3, uncertainties=only_density)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    with pytest.raises(PhysicsError, match=r"G1.9\+0.3: the error of its distance is not known"):
        drawn_events(model, place(find("G1.9+0.3")), tested, [5.0], span)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence_level": 90}, "confidence_level = 90 must be a number between 0 and 1"),
        ({"observed": 2, "event_times": [1.0]}, "not both"),
        ({"observed": 2, "whole_time": False}, "holds for the whole time"),
        ({"event_times": [1.0]}, "event_times: 1 s lies outside the time counted, 10 to"),
        ({"method": "feldman-cousins", "observed": 1}, "needs a known background"),
        ({"method": "bayes", "observed": 1}, "must be 'poisson' or 'feldman-cousins'"),
        ({}, "neither its background nor the events it saw are known"),
        ({"target": "proton", "observed": 1}, "has no targets 'proton'"),
    ],
)
def test_what_cannot_be_limited_is_refused(options, message):
    from nusky.errors import NuskyError

    boosted = ConstantCrossSection().at(8.5, 8.5, 0.5)
    with pytest.raises(NuskyError, match=message):
        exclude(boosted, detector(), [1.0], (10, YEAR), **options)


def test_times_that_do_not_end_are_refused():
    with pytest.raises(PhysicsError, match="must be finite"):
        exclude(ConstantCrossSection().at(8.5, 8.5, 0.5), detector(), [1.0], (10, math.inf), observed=1)


def test_the_published_curve_is_met_within_a_factor(validation_data):
    """Not tuned: window, efficiency and background behind the published curve are not documented."""
    file = validation_data / "reference/bdm_exclusion_mw_sk.csv"
    mass, published = np.loadtxt(file, delimiter=",", skiprows=1)[:14].T
    at_centre = ConstantCrossSection().at(8.5, 8.5, 0.0, r_cut=1e-5)
    ours = exclude(at_centre, load_detector("super-k"), mass, (10, 35 * YEAR)).sqrt_sigma_cm2
    assert ((ours / published > 1.3) & (ours / published < 2.2)).all()
