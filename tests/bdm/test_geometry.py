import mpmath
import numpy as np
import pytest

from nusky import bdm


def test_static_geometry_by_vectors():
    random = np.random.default_rng(2)
    for _ in range(30):
        l, theta, phi, Rs, Re, beta = random.uniform(0.1, 3, 6)
        point = bdm.Geometry(l, theta, phi, Rs, Re, beta)
        # z towards the supernova, y towards the side of the Galactic centre
        b = l * np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])
        supernova, centre = np.array([0, 0, Rs]), Re * np.array([0, np.sin(beta), np.cos(beta)])
        assert point.d == pytest.approx(np.linalg.norm(b - supernova), rel=1e-12)
        assert point.rprime == pytest.approx(np.linalg.norm(b - centre), rel=1e-12)
        away = (b - supernova) / np.linalg.norm(b - supernova)
        assert point.cos_psi == pytest.approx(-away @ b / l, abs=1e-12)


@pytest.mark.parametrize(
    ("v", "t", "theta"), [(0.9, 59, 1e-4), (0.999999, 1e3, 1e-3), (0.3, 1e11, 0.7), (0.5, 1e9, 2.5)]
)
def test_arrival_time(v, t, theta):
    """d + l/v = Rs + c t in 50 digits at the point found."""
    Rs = 8.5
    point = bdm.Propagation(t, v, theta, 1.0, Rs, 8.5, 0.3)
    with mpmath.workdps(50):
        l = mpmath.mpf(point.l)
        d = mpmath.sqrt(l**2 + Rs**2 - 2 * l * Rs * mpmath.cos(mpmath.mpf(theta)))
        late = (d + l / mpmath.mpf(v) - Rs) / (mpmath.mpf(29979245800) / mpmath.mpf("3.085e21"))
    assert float(late) == pytest.approx(t, rel=1e-9)
    assert point.d == pytest.approx(float(d), rel=1e-12)
    assert point.cos_psi == pytest.approx((Rs * np.cos(theta) - point.l) / point.d, abs=1e-12)


def test_small_deflection_keeps_its_digits():
    """The documentation's example prints cos(psi) = 1.0 for an angle of 1e-4."""
    assert np.arccos(bdm.Propagation(59, 0.9, 1e-4, 0, 8.5, 8.5, 0.3).cos_psi) == pytest.approx(1e-4, rel=1e-6)


def test_the_ends_of_the_axis():
    assert bdm.Geometry(0.0, 0.3, 0, 3.5, 8.5, 1.0).cos_psi == pytest.approx(np.cos(0.3), rel=1e-15)
    assert np.isnan(bdm.Geometry(3.5, 0.0, 0, 3.5, 8.5, 1.0).cos_psi)
    assert bdm.Geometry(np.ones(3), 0.1, 0, 3.5, 8.5, 1.0).d.shape == (3,)
