import time

import numpy as np
import pytest

from nusky import bdm
from nusky.bdm import published

YEAR = 31556926


def test_check_values(reference):
    for row in reference["flux"]:
        keywords = {key: value for key, value in row["kwargs"].items() if key != "neval"}
        place = [row[k] for k in ("t", "Tx", "mx", "Rs", "beta")]
        assert published.flux(*place, **keywords) == pytest.approx(row["truth"], rel=1e-7, abs=1e-60), row["name"]


def test_error_covers_the_distance_to_a_tighter_integration():
    random = np.random.default_rng(11)
    covered = []
    while len(covered) < 200:
        mx, Tx, Rs = 10 ** random.uniform(-7, 4), 10 ** random.uniform(-3, 3), 10 ** random.uniform(-0.5, 1.7)
        beta = random.choice([0.0, np.pi, random.uniform(0, np.pi)])
        spike = bool(random.random() < 0.3)
        t = bdm.get_tvan(Tx, mx, Rs) * 10 ** random.uniform(-4, 0)
        value, error = bdm.flux(t, Tx, mx, Rs, beta, is_spike=spike, rtol=1e-4, full_output=True)
        if value > 0:
            tight = bdm.flux(t, Tx, mx, Rs, beta, is_spike=spike, rtol=1e-10)
            covered.append(abs(value - tight) <= error)
    assert np.mean(covered) >= 0.95


@pytest.mark.filterwarnings("error")
def test_no_nan_and_no_warning_anywhere():
    random = np.random.default_rng(12)
    n = 3000
    mx, Tx = 10 ** random.uniform(-7, 4, n), 10 ** random.uniform(-3, 3, n)
    for Rs, beta, spike in ((8.5, 0.0, True), (8.5, 0.3, False), (3.5, np.pi, False), (51.4, 1.4, True)):
        t = 10 ** random.uniform(0, np.log10(np.maximum(2 * bdm.get_tvan(Tx, mx, Rs), 2)))
        value, error = bdm.flux(t, Tx, mx, Rs, beta, is_spike=spike, rtol=1e-3, full_output=True)
        assert np.isfinite(value).all()
        assert (value >= 0).all()
        assert np.isfinite(error).all()
        theta, phi = random.uniform(0, np.pi, n), random.uniform(0, 2 * np.pi, n)
        assert np.isfinite(bdm.differential_flux(t, Tx, mx, theta, phi, Rs, beta, is_spike=spike)).all()


def test_a_point_does_not_depend_on_its_batch():
    t = np.geomspace(1e2, 1.7e10, 40)
    batch = bdm.flux(t, 5, 1, 3.5, 1.9)
    assert batch.tolist() == [bdm.flux(when, 5, 1, 3.5, 1.9) for when in t]


def test_zero_outside_the_signal():
    assert bdm.flux([-1.0, 0.0, 2e10, np.inf], 5, 1, 3.5, 1.9).tolist() == [0, 0, 0, 0]
    assert bdm.flux(1e9, 0, 1, 3.5, 1.9) == 0.0
    assert isinstance(bdm.flux(1e9, 5, 1, 3.5, 1.9), float)


def test_burst_is_the_mean_over_emission_times():
    # Around the peak of light dark matter the flux changes within seconds.
    place = (15, 1e-5, 3.5, 1.9)
    peak, _ = bdm._get_tof(*place[:3])
    nodes, weights = np.polynomial.legendre.leggauss(200)
    for t in (peak + 30, 0.4):
        first = max(t - 10, 0)
        when = first + (t - first) * (1 + nodes) / 2
        mean = np.sum(weights * bdm.flux(when, *place)) * (t - first) / 2 / 10
        assert bdm.flux(t, *place, burst=10, rtol=1e-6) == pytest.approx(mean, rel=1e-5)
    smeared = bdm.flux(peak + 4, *place, burst=10, rtol=1e-6)
    assert bdm.flux(peak - 4, *place) < smeared < bdm.flux(peak + 0.01, *place)


def test_long_after_the_burst_its_length_does_not_matter():
    place = (5, 1, 3.5, 1.9)
    assert bdm.flux(1e10, *place, burst=10) == pytest.approx(bdm.flux(1e10 - 5, *place), rel=1e-9)


def test_one_flux_takes_milliseconds():
    place = (350 * YEAR, 5, 1, 3.5, 1.9)
    bdm.flux(*place)
    spent = []
    for _ in range(20):
        start = time.perf_counter()
        bdm.flux(*place, rtol=1e-7)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 4e-3
