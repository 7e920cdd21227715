"""Heavy targets, light dark matter, small energies, against 60-digit arithmetic; and amplitudes whose terms cancel."""

import math
import warnings

import mpmath
import numpy as np
import pytest

from nusky import bdm
from nusky.bdm.extended import Extended
from nusky.bdm.models import ELEMENTARY_CHARGE, LMuTau
from nusky.errors import PhysicsError
from tests.bdm.conftest import exchange

PLACE = (3.5, 8.5, 1.9498740968451136)
HBAR_C = mpmath.mpf("1.973e-11")


def sigma(Tx, mx, mt, ratio, coupling2):
    """The cross section of the seed page's amplitude in closed form, 60 digits."""
    with mpmath.workdps(60):
        T, m, M, r = map(mpmath.mpf, (Tx, mx, mt, ratio))
        gap, s = 2 * M * (T + m), (M + m) ** 2 + 2 * M * T
        flow, a = 4 * M**2 * T * (T + 2 * m), (r * m) ** 2
        X, K = flow / s, 2 * gap**2 + 2 * s * a + a * a
        inside = K * X / (a * (X + a)) - 2 * (s + a) * mpmath.log1p(X / a) + X
        return float(2 * coupling2 / (16 * mpmath.pi * flow) * HBAR_C**2 * inside)


def random_points(n, seed):
    rng = np.random.default_rng(seed)
    mt = 10 ** rng.uniform(-1, 6, n)
    mt[::3] = 1.3e5
    return zip(10 ** rng.uniform(-7, 2, n), 10 ** rng.uniform(-7, 3, n), mt, 10 ** rng.uniform(-1.5, 1, n), strict=True)


@pytest.mark.parametrize("n", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_l_mu_tau_on_any_target(n):
    for Tx, mx, mt, ratio in random_points(n, n):
        model = LMuTau(target_coupling=1e-8, mediator_ratio=ratio, mt=mt)
        value, error = model.at(*PLACE).sigma_xe(Tx, mx, full_output=True)
        expected = sigma(Tx, mx, mt, ratio, (1e-8 * ELEMENTARY_CHARGE) ** 2)
        assert value == pytest.approx(expected, rel=1e-12, abs=0), (Tx, mx, mt, ratio)
        assert abs(value - expected) <= error + 1e-14 * expected


@pytest.mark.parametrize("n", [6, pytest.param(18, marks=pytest.mark.slow)])
def test_the_seed_page_s_formula_on_xenon(n):
    """324 points of T and m from 1e-6 to 100 MeV: what double precision loses is computed with more digits."""
    model = bdm.BoostedDarkMatter(*PLACE, exchange(1.3e5, 2), exchange(1.3e5, 2), mt=1.3e5)
    masses = np.geomspace(1e-6, 100, n)
    for Tx in np.geomspace(1e-6, 100, n):
        value, error = model.sigma_xe(Tx, masses, full_output=True)
        expected = np.array([sigma(Tx, mx, 1.3e5, 1 / mpmath.mpf(3), mpmath.mpf(1e-8) ** 2) for mx in masses])
        assert value == pytest.approx(expected, rel=1e-12, abs=0)
        assert np.all(error < 1e-12 * value)


def test_a_factor_that_vanishes_at_the_threshold():
    """(s - (m + M)^2)(s - (m - M)^2) = 4 M^2 T (T + 2 m): dark matter much slower than light, 60 digits."""
    rng = np.random.default_rng(3)
    for Tx, mx, mt in zip(10 ** rng.uniform(-8, 0, 40), 10 ** rng.uniform(-2, 3, 40), [0.5, 1.3e5] * 20, strict=True):

        def amplitude(s, t, u, m, mt=mt):
            return 1e-16 * (s - (m + mt) ** 2) * (s - (m - mt) ** 2) / (mt * m) ** 2

        value, error = bdm.BoostedDarkMatter(*PLACE, amplitude, amplitude, mt=mt).sigma_xe(Tx, mx, full_output=True)
        with mpmath.workdps(60):
            T, m, M = map(mpmath.mpf, (Tx, mx, mt))
            flow, s = 4 * M**2 * T * (T + 2 * m), (M + m) ** 2 + 2 * M * T
            expected = float(1e-16 * flow / (M * m) ** 2 / (16 * mpmath.pi * s) * HBAR_C**2)
        assert abs(value - expected) <= error + 1e-12 * expected, (Tx, mx, mt)
        assert error < 1e-11 * value


def test_a_mass_whose_square_is_rounded_is_told():
    """mt = 122298.7 MeV: an amplitude may square it before or after rounding, which nobody can know."""
    model = bdm.BoostedDarkMatter(*PLACE, exchange(122298.7, 2), exchange(122298.7, 2), mt=122298.7)
    with pytest.warns(RuntimeWarning, match="sigma_xe: the relative accuracy rtol = 1e-08 is not reached"):
        value, error = model.sigma_xe(1e-3, 1e-3, full_output=True)
    assert value == pytest.approx(sigma(1e-3, 1e-3, 122298.7, 1 / mpmath.mpf(3), mpmath.mpf(1e-8) ** 2), rel=1e-12)
    assert error > 1e-3 * value


def test_what_only_double_precision_can_do_is_told():
    def amplitude(s, t, u, mx):  # math.pow rounds
        masses = 1.3e5**2 + mx**2
        numerator = math.pow(s, 2) + math.pow(u, 2) + 4 * t * masses - 2 * masses**2
        return 2 * numerator * (1e-8 / (t - (mx / 3) ** 2)) ** 2

    model = bdm.BoostedDarkMatter(*PLACE, amplitude, amplitude, mt=1.3e5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value, error = model.sigma_xe(1.0, 1.0, full_output=True)
    expected = sigma(1.0, 1.0, 1.3e5, 1 / mpmath.mpf(3), mpmath.mpf(1e-8) ** 2)
    assert abs(value - expected) < error
    assert [warning.category for warning in caught] == [RuntimeWarning]
    with pytest.raises(PhysicsError, match=r"cancel .* double precision leaves nothing"):
        model.sigma_xe(1e-6, 1e-6)


def test_neutrinos_on_heavy_dark_matter():
    """|M|^2 = N Q^2/(t - m_V^2)^2, N = 4 m^2 [E^2 + (E - T)^2 - m T] with E of the kinematics, in 60 digits."""
    rng = np.random.default_rng(7)
    for Tx, mx in zip(10 ** rng.uniform(-7, 2, 60), 10 ** rng.uniform(-3, 6, 60), strict=True):
        psi = 0.9 * bdm.get_psiMax(Tx, mx) * rng.uniform()
        with mpmath.workdps(60):
            T, m, x = mpmath.mpf(Tx), mpmath.mpf(mx), mpmath.cos(mpmath.mpf(psi))
            p = mpmath.sqrt(T * (T + 2 * m))
            E = T * m / (p * x - T)
            N = 4 * m**2 * (E**2 + (E - T) ** 2 - m * T)
            emission = N * mpmath.mpf(1e-8) ** 2 / (2 * m * T + (m / 3) ** 2) ** 2 * p / (64 * mpmath.pi**2 * m**2 * T)
            expected = float(emission * HBAR_C**2 / ((m / (p * x - T)) ** 2 * T * x / p))
        ours = LMuTau().at(*PLACE).dsigma_xv(Tx, mx, psi)
        theirs = bdm.BoostedDarkMatter(*PLACE, amplitude_with_neutrinos, amplitude_with_neutrinos).dsigma_xv(
            Tx, mx, psi
        )
        # The energy itself is rounded near the largest angle.
        assert ours == pytest.approx(expected, rel=1e-10, abs=0), (Tx, mx, psi)
        assert theirs == pytest.approx(expected, rel=1e-10, abs=0), (Tx, mx, psi)


def amplitude_with_neutrinos(s, t, u, mx):
    return (s**2 + u**2 + 4 * t * mx**2 - 2 * mx**4) * (1e-8 / (t - (mx / 3) ** 2)) ** 2


@pytest.mark.parametrize("n", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_kinematics_of_any_masses(n):
    """T1, dT1/dT2, s, u against the textbook formula in 80 digits; dLips against its definition."""
    rng = np.random.default_rng(n)
    for _ in range(n):
        m2, T2 = 10 ** rng.uniform(-6, 6), 10 ** rng.uniform(-8, 3)
        m1 = 0.0 if rng.uniform() < 0.2 else m2 * 10 ** rng.uniform(-9, 0)
        psi = bdm.get_psiMax(T2, m2) * rng.uniform(0, 0.95)
        found = bdm.Mandelstam(T2, m1, m2, psi)
        with mpmath.workdps(80):
            M1, M2, x = mpmath.mpf(m1), mpmath.mpf(m2), mpmath.cos(mpmath.mpf(psi))

            def energy(T, x, M1=M1, M2=M2):
                p = mpmath.sqrt(T * (T + 2 * M2))
                root = mpmath.sqrt(M1**2 * p**2 * x**2 + T**2 * (M2**2 - M1**2))
                return (T**2 * M2 + p * x * root) / (p**2 * x**2 - T**2)

            T = mpmath.mpf(T2)
            E1 = energy(T, x)
            s = M1**2 + M2**2 + 2 * M2 * E1
            slope = mpmath.diff(lambda y, x=x: energy(y, x), T, h=T * mpmath.mpf(10) ** -20)
            du = 2 * M2 * abs(mpmath.diff(lambda y, T=T: energy(T, y), x, h=mpmath.mpf(10) ** -20))
            lips = du / (128 * mpmath.pi**2 * M2**2 * (E1**2 - M1**2))
            expected = [float(v) for v in (E1 - M1, slope, s, 2 * (M1**2 + M2**2) - s + 2 * M2 * T, lips)]
        case = (T2, m1, m2, psi)
        assert pytest.approx(expected[0], rel=1e-12, abs=0) == found.T1, case
        assert found.dT1 == pytest.approx(expected[1], rel=1e-11, abs=0), case
        assert found.s == pytest.approx(expected[2], rel=1e-13), case
        assert found.u == pytest.approx(expected[3], rel=1e-12, abs=1e-13 * expected[2]), case
        assert found.dLips == pytest.approx(expected[4], rel=1e-11, abs=0), case


def test_arithmetic_of_many_digits():
    rng = np.random.default_rng(3)
    with mpmath.workdps(60):
        for a, b in rng.normal(size=(40, 2)) * 10 ** rng.uniform(-5, 5, (40, 2)):
            x, y = Extended(a) * a + b, Extended(b) / 3
            p, q = mpmath.mpf(a) ** 2 + mpmath.mpf(b), mpmath.mpf(b) / 3
            for ours, theirs in (
                (x + y, p + q),
                (x - y, p - q),
                (x * y, p * q),
                (x / y, p / q),
                (1 - x, 1 - p),
                (2 / x, 2 / p),
                (x**3, p**3),
                (y**-2, q**-2),
                (abs(x) ** 0.5, mpmath.sqrt(abs(p))),
                (np.sqrt(abs(x)), mpmath.sqrt(abs(p))),
                (np.float64(2.0) * x, 2 * p),
            ):
                # The difference of the two leading doubles and the exact value, in units of the value.
                rest = (ours - float(theirs)).to_double()
                assert abs(float(rest) - float(theirs - mpmath.mpf(float(theirs)))) < 1e-31 * abs(float(theirs))
            assert (x > y) == (p > q)
            assert (x <= 0.0) == (p <= 0)
    for function in (math.sqrt, np.exp, float):
        with pytest.raises(TypeError):
            function(Extended(2.0))
