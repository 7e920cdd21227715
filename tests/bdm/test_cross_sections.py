import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm.cross_sections import smallest_energy


def closed_form(Tx, mx, mt=0.511, mV=None):
    """sigma of 2 N Q^2/(t - mV^2)^2, N = s^2 + u^2 + 4 t M - 2 M^2, in 40 digits."""
    with mpmath.workdps(40):
        Tx, mx, mt = mpmath.mpf(float(Tx)), mpmath.mpf(float(mx)), mpmath.mpf(float(mt))
        a = (mx / 3) ** 2
        s, M = (mt + mx) ** 2 + 2 * mt * Tx, mt**2 + mx**2
        lam = 4 * mt**2 * Tx * (Tx + 2 * mx)
        X, K = lam / s, 2 * (s - M) ** 2 + 2 * s * a + a**2
        bracket = K * X / (a * (X + a)) - 2 * (s + a) * mpmath.log(1 + X / a) + X
        return float(2 * mpmath.mpf("1e-16") / (16 * mpmath.pi * lam) * mpmath.mpf("1.973e-11") ** 2 * bracket)


def test_target_cross_section_against_the_closed_form(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    for mx in (1e-4, 1e-3, 0.1, 1.0, 30.0):
        Tx = np.geomspace(1e-3, 100, 12)
        value, error = model.sigma_xe(Tx, mx, full_output=True)
        expected = np.array([closed_form(T, mx) for T in Tx])
        assert value == pytest.approx(expected, rel=1e-12, abs=0), mx
        assert np.all(np.abs(value - expected) <= error + 1e-13 * expected)


def test_example_of_the_documentation(cas_a):
    """The original gives 2e-5 of this at its own example."""
    assert bdm.BoostedDarkMatter(**cas_a).sigma_xe(15, 1e-3) == pytest.approx(2.78796e-32, rel=2e-6)


def test_limits(cas_a):
    model = bdm.BoostedDarkMatter(**cas_a)
    assert model.sigma_xe(0, 1) == 0
    assert model.sigma_xe(np.ones((2, 1)), np.ones(3)).shape == (2, 3)
    top = bdm.get_psiMax(5, 1)
    assert model.dsigma_xv(5, 1, [top * 1.01, 1.5, 3.0]).tolist() == [0, 0, 0]
    assert bdm.dsigma_xv(-1, 1, 0.1) == 0


def test_differential_cross_section_integrates_to_the_total(cas_a):
    """Int dsigma/dOmega dOmega at fixed neutrino energy = Int |M|^2 dt / (64 pi s p*^2), for the page's amplitude."""
    model, Ev, mx = bdm.BoostedDarkMatter(**cas_a), 12.0, 1.0

    def recoil_energy(psi):
        return 2 * mx * Ev**2 * np.cos(psi) ** 2 / ((Ev + mx) ** 2 - Ev**2 * np.cos(psi) ** 2)

    total = quad(
        lambda psi: 2 * np.pi * np.sin(psi) * model.dsigma_xv(recoil_energy(psi), mx, psi), 0, np.pi / 2, epsrel=1e-10
    )[0]
    s = mx**2 + 2 * mx * Ev
    p2 = (s - mx**2) ** 2 / (4 * s)
    amplitude = quad(lambda t: cas_a["amp2_xv"](s, t, 2 * mx**2 - s - t, mx), -4 * p2, 0, epsabs=0, epsrel=1e-11)[0]
    assert total == pytest.approx(amplitude * 1.973e-11**2 / (64 * np.pi * s * p2), rel=1e-8)


def test_helm_form_factor():
    helm = bdm.Helm(131)
    assert helm(0.0) == 1
    # Independent of the closed form: a uniform sphere folded with a Gaussian skin.
    c, a, s = 1.23 * 131 ** (1 / 3) - 0.6, 0.52, 0.9
    radius = np.sqrt(c**2 + 7 / 3 * np.pi**2 * a**2 - 5 * s**2)
    q = 60.0 / 197.3
    sphere = quad(lambda r: r * np.sin(q * r) / q, 0, radius)[0] * 3 / radius**3
    assert helm(60.0) == pytest.approx(sphere * np.exp(-((q * s) ** 2) / 2), rel=1e-10)
    assert helm([1e-3, 1e-2]) == pytest.approx([1, 1], abs=1e-5)


def test_largest_recoil_and_its_inverse():
    for Tx, mx, mt in ((15, 1e-3, 0.511), (5, 1, 1.3e5), (0.01, 30, 938.2)):
        assert smallest_energy(bdm.largest_recoil(Tx, mx, mt), mx, mt) == pytest.approx(Tx, rel=1e-10)
