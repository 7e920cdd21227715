import numpy as np
import pytest

from nusky import bdm

CAS_A = ("23h23m24s", "58d49m00s")


def test_check_values(reference):
    coords = reference["coords"]
    constant = bdm.constant
    sn1987a = constant.SN1987a_coord[:2]
    for key, found in (
        ("casA(23h23m24s,58d49m00s)", bdm.equatorial_to_beta(*CAS_A)),
        ("crab(05h34m31s,22d01m00s)", bdm.equatorial_to_beta("05h34m31s", "22d01m00s")),
        ("SN1987a_vs_LMC", bdm.equatorial_to_beta(*sn1987a, GC_coord=constant.LMC_coord)),
        ("SN1987a_vs_MWGC", bdm.equatorial_to_beta(*sn1987a)),
        ("SgrA*", bdm.equatorial_to_beta(*constant.SgrA_coord[:2])),
    ):
        # The reference takes an arccos, which loses digits at small angles.
        assert found == pytest.approx(coords[key], rel=1e-11), key


def test_small_angles_keep_their_digits():
    assert bdm.galactic_to_beta(1e-10, 0.0) == pytest.approx(1e-10, rel=1e-14)
    assert bdm.galactic_to_beta([0.0, np.pi], [0.0, 0.0]).tolist() == [0, np.pi]


def test_angles_about_the_supernova_reproduce_the_distance_to_the_centre():
    """Both (theta, phi, beta) and (l, b) give the same distance of a point from the Galactic centre."""
    random = np.random.default_rng(5)
    for _ in range(50):
        l_sn, b_sn, l_n, b_n = random.uniform(-3, 3), random.uniform(-1.5, 1.5), *random.uniform(-1.5, 1.5, 2)
        theta, phi = bdm.sky_angles(l_n, b_n, (l_sn, b_sn))
        beta = bdm.galactic_to_beta(l_sn, b_sn)
        point = bdm.Geometry(5.0, theta, phi, 3.5, 8.5, beta)
        off = bdm.galactic_to_beta(l_n, b_n)
        assert point.rprime == pytest.approx(np.sqrt(25 + 8.5**2 - 85 * np.cos(off)), rel=1e-12)


@pytest.mark.parametrize("latitude", [0.0, 0.6, 1.2])
def test_sky_integral_of_the_map_is_the_flux(latitude):
    """Every latitude of the supernova: Gauss rules over l and b, true sphere."""
    l_sn = 0.7
    beta = bdm.galactic_to_beta(l_sn, latitude)
    t, Tx, mx, Rs = 100 * 31556926, 5, 1, 3.5
    nodes, weights = np.polynomial.legendre.leggauss(900)
    reach = bdm.get_thetaMax(t, Tx, mx, Rs)
    # A window of the sky that holds all of the emission.
    half_l = np.pi if latitude + reach > 1.5 else np.arcsin(min(np.sin(reach) / np.cos(latitude), 1)) * 1.001
    low, high = max(latitude - reach, -np.pi / 2), min(latitude + reach, np.pi / 2)
    l = l_sn + half_l * nodes
    b = (low + high) / 2 + (high - low) / 2 * nodes
    theta, phi = bdm.sky_angles(l[:, None], b, (l_sn, latitude))
    sky = bdm.differential_flux(t, Tx, mx, theta, phi, Rs, beta)
    total = half_l * (high - low) / 2 * weights @ (sky * np.cos(b)) @ weights
    assert total == pytest.approx(bdm.flux(t, Tx, mx, Rs, beta), rel=1e-4)
