import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm import azimuth, halo


def test_check_values(reference):
    table = reference["density"]
    r = np.array(table["r"])
    for key, keywords in (
        ("NFW_mx1", {}),
        ("spike_3/2", {"is_spike": True}),
        ("spike_3/2_sigv3", {"is_spike": True, "sigv": 3}),
    ):
        assert bdm.nx(r, 1, **keywords) == pytest.approx(table[key], rel=1e-13, abs=0), key


@pytest.mark.parametrize("alpha", ["3/2", "7/3"])
def test_the_spike_holds_the_mass_of_the_black_hole(alpha):
    spike = bdm.HaloSpike(4.29e6, 1e9, alpha)
    spike.rh = 0.002
    kpc3 = 3.085e21**3

    def shell(x):
        r = np.exp(x)
        return 4 * np.pi * r**3 * spike(r, 1.0, None, 184, 24.42, 2) * kpc3

    # Up to just below rh the profile is that of the normalisation.
    mass = quad(shell, np.log(4 * spike.Rs * 1.0000001), np.log(0.002 * 0.9999999), limit=500, epsrel=1e-9)[0]
    assert mass == pytest.approx(4.29e6 * 1.115e60, rel=1e-6)


def test_influence_radius_can_be_set_and_restored():
    spike = bdm.HaloSpike(4.29e6, 1e9, "3/2")
    assert spike.rh == pytest.approx(0.0020397, rel=3e-5)
    assert bdm.radiusInfluence(4.29e6) == spike.rh
    spike.rh = 0.001
    assert spike.rh == 0.001
    spike.rh = None
    assert spike.rh == bdm.radiusInfluence(4.29e6)
    assert bdm.radiusSchwarzschild(4.29e6) == pytest.approx(4.29e6 * 1.981e30 * 1.48e-25 / 3.085e21, rel=1e-15)


@pytest.mark.parametrize(("alpha", "radius"), [("3/2", 0.3773), ("7/3", 0.2055)])
def test_radius_of_the_spike(alpha, radius):
    spike = bdm.HaloSpike(4.29e6, 1e9, alpha)
    spike.rh = 0.002
    assert spike.radius(184, 24.42) == pytest.approx(radius, abs=5e-5)


def test_integers_are_numbers_and_the_centre_is_infinite():
    assert bdm.nx(1, 1e3, is_spike=True) == pytest.approx(4.1467, abs=5e-5)
    assert bdm.nx(0, 1) == np.inf
    assert bdm.nx(0, 1, is_spike=True) == 0
    assert bdm.rhox(24.42, 184, 24.42, 2) == pytest.approx(46, rel=1e-15)


def test_other_profiles():
    x = 2.0
    for profile, n, expected in (
        ("gnfw", 1.2, 1 / (x**1.2 * 3**1.8)),
        ("burkert", 2, 1 / (3 * 5)),
        ("einasto", 0.17, np.exp(-2 / 0.17 * (x**0.17 - 1))),
        ("nfw", 3, 1 / (x * 27)),
    ):
        value = bdm.nx(20.0, 2.0, profile=profile, rhos=100, rs=10, n=n)
        assert value == pytest.approx(50 * expected, rel=1e-13), profile


@pytest.mark.parametrize("keywords", [{}, {"alpha": "3/2"}, {"alpha": "7/3"}, {"alpha": "3/2", "sigv": 3}])
@pytest.mark.parametrize(
    ("r_min", "r_max"), [(8.0, 9.0), (3.0, 8.0), (0.3, 5.0), (0.02, 9.0), (1e-3, 8.0), (1e-6, 1.0), (1e-9, 1e-6)]
)
def test_ring_integral(keywords, r_min, r_max):
    spike = None
    if keywords:
        spike = bdm.HaloSpike(4.29e6, 1e9, keywords["alpha"])
        spike.rh = 0.002
    vector = halo.halo_vector("nfw", 184, 24.42, 2, spike, keywords.get("sigv"), 1e-8)

    def density(y):
        # y = log tan z: covers all scales evenly.
        tangent = np.exp(y)
        cosine2 = 1 / (1 + tangent**2)
        r = np.sqrt(cosine2 * (r_min**2 + r_max**2 * tangent**2))
        return halo.number_density(r, 1.0, vector) * tangent * cosine2 if r > 1e-8 else 0.0

    breaks = [k for k in vector[halo.BREAKS :] if r_min < k < r_max]
    edges = sorted(
        [-45.0, 45.0, np.log(r_min / r_max), *(0.5 * np.log((k * k - r_min**2) / (r_max**2 - k * k)) for k in breaks)]
    )
    total = sum(quad(density, a, b, limit=800, epsabs=0, epsrel=1e-11)[0] for a, b in itertools.pairwise(edges))
    assert azimuth.ring_density(r_min, r_max, 1.0, vector) == pytest.approx(4 * total, rel=2e-9)


def test_profiles_reach_the_flux():
    place = (1e9, 5, 1, 3.5, 1.9)
    burkert = bdm.flux(*place, profile="burkert", rhos=60, rs=12)
    assert 0 < burkert != bdm.flux(*place)
    same = bdm.flux(*place, profile="gnfw", n=1)
    assert same == pytest.approx(bdm.flux(*place), rel=1e-9)
