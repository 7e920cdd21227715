import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from nusky import bdm


def test_neutrino_conserves_energy_and_momentum():
    for Tx, mx, psi in ((5, 1, 0.2), (15, 1e-6, 1e-4), (0.1, 50, 1.2)):
        event = bdm.Neutrino(Tx, mx, psi)
        with mpmath.workdps(50):
            T, m, Ev = mpmath.mpf(Tx), mpmath.mpf(mx), mpmath.mpf(event.Ev)
            p = mpmath.sqrt(T * (T + 2 * m))
            after = Ev - T  # the neutrino's energy, and by momentum conservation:
            transverse, along = p * mpmath.sin(psi), Ev - p * mpmath.cos(psi)
            assert float(after**2 / (transverse**2 + along**2) - 1) == pytest.approx(0, abs=1e-11)
        assert event.sanity
        assert event.s + event.t + event.u == pytest.approx(2 * mx**2, rel=1e-6, abs=1e-9 * event.s)


@pytest.mark.parametrize(("m1", "m2", "psi"), [(0.0, 1.0, 0.3), (0.3, 1.0, 0.3), (0.5, 0.511, 0.1)])
def test_derivative_at_fixed_angle(m1, m2, psi):
    with mpmath.workdps(40):

        def energy(T):
            p, x = mpmath.sqrt(T * (T + 2 * m2)), mpmath.cos(psi)
            root = mpmath.sqrt(m1**2 * p**2 * x**2 + T**2 * (m2**2 - m1**2))
            return (T**2 * m2 + p * x * root) / (p**2 * x**2 - T**2)

        expected = float(mpmath.diff(energy, 2.0))
        value = float(energy(mpmath.mpf(2)))
    found = bdm.Kinematics(2.0, m1, m2, psi)
    assert pytest.approx(value - m1, rel=1e-13) == found.T1
    assert found.dT1 == pytest.approx(expected, rel=1e-11)


def test_phase_space_factor():
    """dLips = |du/dcos(psi)| / (128 pi^2 s p*^2) at fixed recoil energy."""
    step, psi = 1e-5, 0.3
    cosine = np.cos(psi)
    u = [bdm.Neutrino(2.0, 1.0, np.arccos(cosine + side * step)).u for side in (1, -1)]
    event = bdm.Neutrino(2.0, 1.0, psi)
    p_star2 = (event.s - 1) ** 2 / (4 * event.s)
    expected = abs(u[0] - u[1]) / (2 * step) / (128 * np.pi**2 * event.s * p_star2)
    assert event.dLips == pytest.approx(expected, rel=1e-7)


def test_outside_the_allowed_region():
    event = bdm.Neutrino(5.0, 1.0, bdm.get_psiMax(5, 1) * 1.01)
    assert not event.sanity
    assert event.Ev < 0


def test_recoil_distribution_is_normalised():
    for Ev, mx in ((0.1, 1.0), (20, 1e-3), (30, 100)):
        total = quad(
            lambda p, Ev=Ev, mx=mx: 2 * np.pi * np.sin(p) * bdm.get_gx(Ev, mx, p),
            0,
            np.pi / 2,
            epsrel=1e-10,
            points=[0.01],
        )[0]
        assert total == pytest.approx(1, rel=1e-8)
    assert bdm.get_gx(10, 1, [-0.1, np.pi / 2, 2.0]).tolist() == [0, 0, 0]
    assert bdm.get_gx(-1, 1, 0.1) == 0


def test_bounds_and_kaellen_function():
    low, high = bdm.get_tBound(15.0, 1e-3, 0.511)
    s = (1e-3 + 0.511) ** 2 + 2 * 0.511 * 15
    assert (low, high) == (pytest.approx(-bdm.KallenLambda(s, 1e-6, 0.511**2) / s, rel=1e-12), 0.0)
    assert bdm.KallenLambda(1.0, 2.0, 3.0) == 1 + 4 + 9 - 2 * (2 + 6 + 3)


def test_times(reference):
    for row in reference["times"]:
        Tx, mx, Rs = row["Tx"], row["mx"], row["Rs"]
        t_peak, t_van = bdm._get_tof(Tx, mx, Rs)
        assert t_peak == pytest.approx(row["t_peak_exact"], rel=1e-14)
        assert t_van == pytest.approx(row["t_van_closed_form"], rel=1e-14)
        assert bdm.get_psiMax(Tx, mx) == pytest.approx(row["psiMax"], rel=1e-14)
        assert bdm.get_vx(Tx, mx) == pytest.approx(row["vx"], rel=1e-14)


def test_limits_of_the_vanishing_time():
    assert bdm.get_tvan(5, 0, 3.5) == 0
    assert bdm.get_tvan(0, 1, 3.5) == np.inf
    assert bdm.get_tvan(100, 1e-6, 1) == pytest.approx(257.26, abs=5e-3)
    assert bdm.get_tvan(np.ones((3, 1)), np.ones(4), 1).shape == (3, 4)


@pytest.mark.parametrize(("Tx", "mx"), [(5, 1), (15, 1e-6), (0.01, 30)])
def test_range_of_angles_against_40_digits(Tx, mx):
    from nusky.bdm.times import theta_range

    with mpmath.workdps(40):
        T, m = mpmath.mpf(Tx), mpmath.mpf(mx)
        v = mpmath.sqrt(T * (T + 2 * m)) / (T + m)
        vanish = mpmath.sqrt(1 + m / (2 * T)) - 1
        peak = 1 / v - 1
        centre = mpmath.atan2(m / (T + 2 * m), mpmath.sqrt(2 * m / (T + 2 * m)) / v)
        for share in (0.1, 0.9, 0.999):
            tau = float(vanish) * share
            half = mpmath.acos((1 + mpmath.mpf(tau)) / (1 + vanish))
            low, high = theta_range(np.array(tau), np.array(float(T)), np.array(float(m)))
            assert high == pytest.approx(float(centre + half), rel=1e-14)
            expected = 0.0 if tau <= peak else float(centre - half)
            assert low == pytest.approx(expected, rel=1e-13)


def test_no_angle_after_the_end():
    assert np.isnan(bdm.get_thetaMax(1e11, 5, 1, 3.5))
