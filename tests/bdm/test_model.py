import itertools
import pickle

import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm import published
from nusky.errors import PhysicsError

YEAR = 31556926


def branching_amplitude(s, t, u, mx):
    """Not for arrays, but for numba: an s-dependent amplitude behind an if."""
    if s > 0:
        return 16 * 3.141592653589793 * s * 1e-45 / 1.973e-11**2
    return 0.0


class PythonOnly:
    """Neither for arrays nor for numba."""

    def __call__(self, s, t, u, mx):
        return branching_amplitude(float(s), t, u, mx) if isinstance(s, float) else int("not a number")


def test_constant_cross_section_equals_its_amplitude(cas_a, constant_sigma):
    for amplitude in (constant_sigma, branching_amplitude, PythonOnly()):
        model = bdm.BoostedDarkMatter(**{**cas_a, "amp2_xv": amplitude})
        for t, Tx, mx in ((350 * YEAR, 5, 1), (1e3, 15, 1e-3)):
            expected = bdm.flux(t, Tx, mx, 3.5, cas_a["beta"])
            assert model.flux(t, Tx, mx) == pytest.approx(expected, rel=1e-8)
            look = (t, Tx, mx, 0.9 * bdm.get_thetaMax(t, Tx, mx, 3.5), 1.0)
            expected = bdm.differential_flux(*look, 3.5, cas_a["beta"])
            assert model.differential_flux(*look) == pytest.approx(expected, rel=1e-12)


def test_overriding_equals_the_amplitude(cas_a, constant_sigma):
    """Events by amplitude, by overriding both cross sections, and by the function for constant ones."""
    by_amplitude = bdm.BoostedDarkMatter(
        **{**cas_a, "amp2_xv": constant_sigma, "amp2_xe": lambda s, t, u, mx: 16 * np.pi * s / 1.973e-11**2}
    )
    overridden = bdm.BoostedDarkMatter(**cas_a)

    def differential(Tx, mx, psi):
        return bdm.dsigma_xv(bdm.Neutrino(Tx, mx, psi).Ev, mx, psi, 1e-45)

    overridden.dsigma_xv, overridden.sigma_xe = differential, lambda Tx, mx: 1.0
    expected = bdm.event(0.1, 3.5, cas_a["beta"])
    assert by_amplitude.event(0.1) == pytest.approx(expected, rel=1e-8)
    assert overridden.event(0.1) == pytest.approx(expected, rel=1e-7)


def test_published_double_jacobian(cas_a, constant_sigma):
    """The seed's flux of the equivalent amplitude is 10.58 times that of the constant cross section."""
    model = published.BoostedDarkMatter(**{**cas_a, "amp2_xv": constant_sigma})
    ratio = model.flux(350 * YEAR, 5, 1) / published.flux(350 * YEAR, 5, 1, 3.5, cas_a["beta"])
    assert ratio == pytest.approx(10.58, abs=0.005)


def test_published_spike_ignores_rh(cas_a):
    radii = {}
    for module in (bdm, published):
        near = module.BoostedDarkMatter(**cas_a, is_spike=True, rh=0.001).nx(1e-4, 1)
        far = module.BoostedDarkMatter(**cas_a, is_spike=True, rh=0.003).nx(1e-4, 1)
        radii[module] = far / near
    assert radii[published] == 1.0
    assert radii[bdm] < 0.3
    assert bdm.BoostedDarkMatter(**cas_a, is_spike=True).nx(1e-4, 1) == bdm.nx(1e-4, 1, is_spike=True)


def test_a_step_in_the_target_cross_section(cas_a):
    """sigma_xe that opens at 12 MeV counts what the energy range above 12 MeV counts."""
    model = bdm.BoostedDarkMatter(**cas_a)
    model.sigma_xe = lambda Tx, mx: 1e-35 if Tx > 12 else 0.0
    stepped = model.event(1.0)
    model.sigma_xe = lambda Tx, mx: 1e-35
    assert stepped == pytest.approx(model.event(1.0, Tx_range=(12, 30)), rel=1e-4)


def of_module(s, t, u, mx):
    """An amplitude other processes find by its name."""
    return (1e-8 / (t - mx * mx / 9)) ** 2 * (s * s + u * u + 4 * t * mx * mx - 2 * mx**4)


def test_pickle(cas_a):
    model = bdm.BoostedDarkMatter(**{**cas_a, "amp2_xv": of_module, "amp2_xe": of_module})
    before = model.event(1.0)
    assert pickle.loads(pickle.dumps(model)).event(1.0) == before


def test_attributes_can_be_changed(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    before = model.flux(1e9, 5, 1)
    model.rhos = 2 * model.rhos
    assert model.flux(1e9, 5, 1) == pytest.approx(2 * before, rel=1e-12)
    model.amp2_xv = lambda s, t, u, mx: 3 * cas_a["amp2_xv"](s, t, u, mx)
    assert model.flux(1e9, 5, 1) == pytest.approx(6 * before, rel=1e-8)


def test_constants_are_attributes_and_read_only(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    assert (model.me, model.mt) == (0.511, 0.511)
    with pytest.raises(AttributeError, match="read-only"):
        model.me = 1.0


def test_recoil_spectrum_adds_up_to_the_events(cas_a):
    """Int dR/dT over recoils above a threshold = event rate above the threshold, for the model's own angular law."""
    model = bdm.BoostedDarkMatter(**cas_a)
    window = {"Tx_range": (10, 12), "t_range": (100 * YEAR, 200 * YEAR)}
    top = bdm.largest_recoil(12, 1.0, 0.511)
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = [0.5, bdm.largest_recoil(10, 1.0, 0.511), top]
    total = 0.0
    for low, high in itertools.pairwise(edges):
        recoil = (low + high) / 2 + (high - low) / 2 * nodes
        total += (high - low) / 2 * weights @ model.recoil_spectrum(recoil, 1.0, **window)
    assert total == pytest.approx(model.event(1.0, recoil_above=0.5, **window), rel=1e-5)
    assert model.recoil_spectrum(1.01 * top, 1.0, **window) == 0


def test_form_factor_suppresses_heavy_targets(cas_a):
    """For a contact interaction sigma is reduced by the mean of F^2 over the momentum transfer squared."""
    contact = {**cas_a, "mt": 1.3e5, "amp2_xe": lambda s, t, u, mx: 1e-20}
    point = bdm.BoostedDarkMatter(**contact)
    helm = bdm.BoostedDarkMatter(**contact, form_factor=bdm.Helm(131))
    for Tx in (1.0, 50.0):
        largest = -bdm.get_tBound(Tx, 1.0, 1.3e5)[0]
        mean = quad(lambda t: bdm.Helm(131)(np.sqrt(t)) ** 2, 0, largest)[0] / largest
        assert helm.sigma_xe(Tx, 1) / point.sigma_xe(Tx, 1) == pytest.approx(mean, rel=1e-9)
    assert mean < 0.5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"is_spike": 1}, bdm.FlagError, "is_spike = 1 must be True or False"),
        ({"alpha": 1.5}, bdm.FlagError, "alpha = 1.5 must be '3/2' or '7/3'"),
        ({"Rs": -1}, PhysicsError, "Rs = -1 kpc is outside its range"),
        ({"beta": 4}, PhysicsError, "beta = 4 rad is outside"),
        ({"halo": 2}, PhysicsError, "unknown keyword argument 'halo'"),
        ({"amp2_xv": 3}, PhysicsError, "amp2_xv = 3 must be a function"),
        ({"mt": 0}, PhysicsError, "mt = 0 MeV is outside its range"),
        ({"profile": "king"}, PhysicsError, "profile = 'king' must be one of nfw"),
    ],
)
def test_bad_models(cas_a, change, error, message):
    with pytest.raises(error, match=message):
        bdm.BoostedDarkMatter(**{**cas_a, **change})


def test_amplitudes_that_fail(cas_a):
    def not_a_number(s, t, u, mx):
        return float("nan")

    def raises(s, t, u, mx):
        raise RuntimeError("no such process")

    for amplitude, message in ((not_a_number, "gave nan at"), (raises, "raised RuntimeError: no such process at")):
        model = bdm.BoostedDarkMatter(**{**cas_a, "amp2_xv": amplitude, "amp2_xe": amplitude})
        for call in (
            lambda model=model: model.flux(1e9, 5, 1),
            lambda model=model: model.event(1.0),
            lambda model=model: model.sigma_xe(5, 1),
            lambda model=model: model.dsigma_xv(5, 1, 0.1),
        ):
            with pytest.raises(PhysicsError, match=message):
                call()


def test_halo_keywords_belong_to_the_model(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    with pytest.raises(PhysicsError, match="unknown keyword argument 'rhos'; allowed here: d_cut, r_cut"):
        model.flux(1e30, 5, 1, rhos=3)
