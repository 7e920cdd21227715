import time

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import published

YEAR = 31556926


def test_check_values(reference):
    for row in reference["event"]:
        keywords = {key: value for key, value in row["kwargs"].items() if key != "neval"}
        hard = row["beta"] == 0 or keywords.get("is_spike", False)
        expected = pytest.approx(row["truth"], rel=1e-3 if hard else 1e-4)
        assert published.event(row["mx"], row["Rs"], row["beta"], **keywords) == expected, row["name"]


@pytest.mark.parametrize(
    ("keywords", "expected"),
    [({"is_spike": True}, 0.7855), ({"is_spike": True, "sigv": 3}, 6.547e-5), ({"r_cut": 1e-5}, 1.249e-5)],
)
def test_supernova_at_the_galactic_centre(keywords, expected):
    assert published.event(1e-2, 8.5, 0.0, **keywords) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.9])
def test_equals_the_flux_integrated_over_time_and_energy(beta):
    """The swapped order of integration against the direct one, on a window where the flux is smooth."""
    mx, Rs, t_range = 1.0, 3.5, np.array([200.0, 240.0]) * YEAR
    nodes, weights = np.polynomial.legendre.leggauss(24)
    t = t_range.mean() + np.diff(t_range) / 2 * nodes
    T = 7 + 1.0 * nodes
    flux = bdm.flux(t[:, None], T, mx, Rs, beta, rtol=1e-9)
    direct = np.diff(t_range)[0] / 2 * weights @ flux @ weights
    value, error = bdm.event(mx, Rs, beta, Tx_range=(6, 8), t_range=t_range, rtol=1e-7, full_output=True)
    assert value == pytest.approx(direct, rel=1e-6)
    assert error < 1e-6 * value


@pytest.mark.parametrize("mx", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("beta", [0.4, 2.0])
def test_all_of_time_gives_the_emission_of_all_of_space(mx, beta):
    """Int dt dOmega Phi = Int dV/l^2 n F S, the right-hand side from the public scalar functions."""
    T, Rs, Re = 6.0, 4.0, 8.5
    width = 1e-3
    everything = bdm.event(mx, Rs, beta, Tx_range=(T - width, T + width), t_range=(0, np.inf), rtol=1e-7) / (2 * width)
    top = bdm.get_psiMax(T, mx)

    def emission(phi, share, psi):
        # The volume element dV/(l^2 d^2) = dpsi dtheta dphi/R_s, theta = share psi; d and l by the law of sines.
        theta = share * psi
        l, d = Rs * np.sin(psi - theta) / np.sin(psi), Rs * np.sin(theta) / np.sin(psi)
        direction = np.cos(theta) * np.cos(beta) + np.sin(theta) * np.sin(beta) * np.sin(phi)
        r = np.sqrt(l * l + Re * Re - 2 * l * Re * direction)
        neutrino = bdm.Neutrino(T, mx, psi)
        x = r / 24.42
        n = 184 / (x * (1 + x) ** 2) / mx
        fluence = 10 * bdm.sn_nu_spectrum(neutrino.Ev, d) * d * d * 3.085e21  # one power of kpc is left over
        return n * fluence * bdm.dsigma_xv(neutrino.Ev, mx, psi) * neutrino.dEv * psi / Rs

    gauss, weights = np.polynomial.legendre.leggauss(24)
    total = 0.0
    for lower, upper in zip(np.linspace(0, top, 9)[:-1], np.linspace(0, top, 9)[1:], strict=True):
        psi = (lower + upper) / 2 + (upper - lower) / 2 * gauss
        share, angle = (1 + gauss) / 2, np.pi / 2 * gauss
        grid = emission(angle, share[:, None], psi[:, None, None])
        grid *= weights * weights[:, None] * weights[:, None, None]
        total += grid.sum() * (upper - lower) / 2 / 2 * np.pi
    assert everything == pytest.approx(total, rel=1e-5)


def test_windows_in_time_and_energy_add_up():
    place = (0.1, 8.5, 0.3)
    times, energies = (10, 3e6, 4e7, 1e9), (5, 11, 30)
    whole = bdm.event(*place, Tx_range=(5, 30), t_range=(10, 1e9), rtol=1e-7)
    parts = sum(
        bdm.event(*place, Tx_range=energies[i : i + 2], t_range=times[j : j + 2], rtol=1e-7)
        for i in range(2)
        for j in range(3)
    )
    assert parts == pytest.approx(whole, rel=3e-7)


def test_a_narrow_window_is_the_flux_times_its_width():
    start = 100 * YEAR
    value = bdm.event(1.0, 3.5, 1.9, Tx_range=(5, 5 * (1 + 1e-6)), t_range=(start, start + 1))
    assert value == pytest.approx(bdm.flux(start, 5, 1.0, 3.5, 1.9) * 5e-6, rel=1e-4)


def test_zero_where_nothing_arrives_in_time():
    assert bdm.event(1e-3, 3.5, 1.9, t_range=(350 * YEAR, 385 * YEAR)) == 0.0


def test_error_covers_the_distance_to_a_tighter_integration():
    random = np.random.default_rng(21)
    covered = []
    for _ in range(40):
        mx, low, Rs = 10 ** random.uniform(-6, 3), 10 ** random.uniform(-1, 1.5), 10 ** random.uniform(-0.5, 1.7)
        beta, spike = random.choice([0.0, random.uniform(0, np.pi)]), bool(random.random() < 0.3)
        times = np.sort(bdm.get_tvan(low, mx, Rs) * 10 ** random.uniform(-3, 0, 2))
        keywords = {"Tx_range": (low, 3 * low), "t_range": times, "is_spike": spike}
        value, error = bdm.event(mx, Rs, beta, **keywords, rtol=1e-3, full_output=True)
        covered.append(abs(value - bdm.event(mx, Rs, beta, **keywords, rtol=1e-6)) <= error)
    assert np.mean(covered) >= 0.95


def test_masses_broadcast():
    masses = np.array([[1e-3, 1.0]])
    assert bdm.event(masses, 3.5, 1.9).tolist() == [[bdm.event(1e-3, 3.5, 1.9), bdm.event(1.0, 3.5, 1.9)]]


def test_the_hardest_case_takes_less_than_a_second():
    bdm.event(1.0, 8.5, 0.0, is_spike=True)
    start = time.perf_counter()
    bdm.event(1e-2, 8.5, 0.0, is_spike=True)
    assert time.perf_counter() - start < 1


def test_threshold_reduces_events_by_the_share_of_recoils_above_it():
    """Isotropic scattering: recoils are uniform up to T_max, so a narrow energy window loses T_th/T_max."""
    keywords = {"Tx_range": (10, 10.001), "t_range": (10, 1e9)}
    every = bdm.event(1.0, 3.5, 1.9, **keywords)
    above = bdm.event(1.0, 3.5, 1.9, **keywords, recoil_above=2.0)
    assert above / every == pytest.approx(1 - 2.0 / bdm.largest_recoil(10.0005, 1.0, 0.511), rel=1e-4)
    assert bdm.event(1.0, 3.5, 1.9, **keywords, recoil_above=50.0) == 0
