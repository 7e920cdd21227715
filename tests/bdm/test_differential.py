import mpmath
import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import published
from nusky.errors import PhysicsError


def test_check_values_of_60_digits(reference):
    for row in reference["differential_flux"]:
        place = [row[k] for k in ("t", "Tx", "mx", "theta", "phi", "Rs", "beta")]
        if row["mp50"] is not None:
            expected = pytest.approx(row["mp50"], rel=1e-12, abs=0)
            assert published.differential_flux(*place, **row["kwargs"]) == expected


def literal(t, T, m, theta, phi, Rs, beta, Re=8.5):
    """The standard formula in 60 digits, by the line of sight of the original (which cancels in double precision)."""
    with mpmath.workdps(60):
        t, T, m, theta, phi, Rs, beta, Re = (mpmath.mpf(float(x)) for x in (t, T, m, theta, phi, Rs, beta, Re))
        kpc, c = mpmath.mpf("3.085e21"), mpmath.mpf(29979245800)
        p = mpmath.sqrt(T * (T + 2 * m))
        v, zeta = p / (T + m), Rs + c * t / kpc
        gamma = Rs * v * mpmath.cos(theta)
        alpha = mpmath.sqrt((Rs**2 - zeta**2) * (1 - v**2) + (gamma - zeta) ** 2)
        l = -v * (alpha + gamma - zeta) / (1 - v**2)
        d = mpmath.sqrt(l**2 + Rs**2 - 2 * l * Rs * mpmath.cos(theta))
        cosine = (Rs * mpmath.cos(theta) - l) / d
        away = p * cosine - T
        if away <= 0:
            return 0.0
        Ev = T * m / away
        towards = mpmath.cos(theta) * mpmath.cos(beta) + mpmath.sin(theta) * mpmath.sin(beta) * mpmath.sin(phi)
        x = mpmath.sqrt(l**2 + Re**2 - 2 * l * Re * towards) / mpmath.mpf("24.42")
        density = 184 / (x * (1 + x) ** 2) / m
        spectrum = 0
        for temperature, mean, number in (("2.76", 11, 1), ("4.01", 16, 1), ("6.26", 25, 4)):
            temperature = mpmath.mpf(temperature)
            f = Ev**2 / (mpmath.mpf("18.9686") * temperature**3 * (mpmath.exp(Ev / temperature - 3) + 1))
            spectrum += number * f / mean
        fluence = 10 * mpmath.mpf("5e51") * mpmath.mpf("6.241e5") * spectrum / (4 * mpmath.pi * (d * kpc) ** 2)
        g2 = (Ev + m) ** 2 / (m * (2 * Ev + m))
        psi = mpmath.acos(cosine)
        g = g2 / mpmath.cos(psi) ** 3 / (mpmath.pi * (1 + g2 * mpmath.tan(psi) ** 2) ** 2)
        jacobian = (m / away) ** 2 * T * cosine / p
        return float(density * fluence * mpmath.mpf("1e-45") * g * jacobian * c * v / (1 - v * cosine))


def test_standard_formula_at_random_points():
    random = np.random.default_rng(3)
    seen = 0
    for _ in range(150):
        mx, Tx, Rs = 10 ** random.uniform(-7, 3), 10 ** random.uniform(-2, 2), random.uniform(1, 20)
        beta, phi = random.uniform(0, np.pi), random.uniform(0, 2 * np.pi)
        t = bdm.get_tvan(Tx, mx, Rs) * random.uniform(0.01, 1)
        theta = bdm.get_thetaMax(t, Tx, mx, Rs) * random.uniform(0, 0.95)
        # Edges in Ev beyond which the spectrum ends are no matter of the geometry.
        value = bdm.differential_flux(t, Tx, mx, theta, phi, Rs, beta)
        expected = literal(t, Tx, mx, theta, phi, Rs, beta)
        if value > 1e-200:
            seen += 1
            # The exponential of the spectrum magnifies the rounding of Ev near the edge of the emission.
            assert value == pytest.approx(expected, rel=1e-11)
    assert seen > 50


def test_arrays_broadcast_and_agree_with_scalars():
    theta, phi = np.linspace(0, np.pi, 12)[:, None], np.linspace(0, 6, 5)
    grid = bdm.differential_flux(1e9, 5, 1, theta, phi, 3.5, 1.9)
    assert grid.shape == (12, 5)
    for i in range(12):
        for j in range(5):
            assert grid[i, j] == bdm.differential_flux(1e9, 5, 1, theta[i, 0], phi[j], 3.5, 1.9)


def test_published_flux_carries_the_speed_once_more():
    place = (1e9, 5, 10, 0.1, 1.0, 3.5, 1.9)
    ratio = published.differential_flux(*place) / bdm.differential_flux(*place)
    assert ratio == pytest.approx(bdm.get_vx(5, 10), rel=1e-14)


def test_nothing_before_the_neutrinos_or_beyond_right_angles():
    assert bdm.differential_flux([-5.0, 0.0], 5, 1, 0.1, 0, 3.5, 1.9).tolist() == [0, 0]
    assert bdm.differential_flux(1e9, 5, 1, 2.0, 0, 3.5, 1.9) == 0


def test_emissivity_is_the_product_of_its_factors():
    Ev, dEv, mx, d, r, psi = 15.0, 1.3, 1.0, 2.0, 7.0, 0.2
    expected = (
        bdm.nx(r, mx) * 10 * bdm.sn_nu_spectrum(Ev, d) * bdm.dsigma_xv(Ev, mx, psi, 2e-45) * dEv
    )  # the burst lasts 10 s
    assert bdm.emissivity_jx(Ev, dEv, mx, d, r, psi, 2e-45) == pytest.approx(expected, rel=1e-15)


def test_flat_sky_angles_beyond_pi_are_dark_in_published_and_wrong_in_standard():
    assert published.differential_flux(1e9, 5, 1, 3.3, 0, 3.5, 1.9) == 0
    with pytest.raises(PhysicsError, match=r"theta = 3\.3 rad is outside \[0, 3\.1416\]"):
        bdm.differential_flux(1e9, 5, 1, 3.3, 0, 3.5, 1.9)
