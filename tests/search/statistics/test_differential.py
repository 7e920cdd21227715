import numpy as np
import pytest

from nusky.detector.effective_area import EffectiveArea
from nusky.errors import PhysicsError
from nusky.search.statistics.differential import differential_e2_dnde, expected_by_energy

AREA = EffectiveArea(np.array([2.0, 4.5, 7.0]), np.radians([-90.0, 0.0, 90.0]), np.array([[1.0, 2.0], [10.0, 40.0]]))
EDGES = np.array([3.0, 4.0, 5.0, 6.0])


def test_decades_of_e_minus_two_by_hand():
    found = expected_by_energy({"X": AREA}, ["X", "X"], [1.0, 3.0], [-0.5, 0.5], [1.0, 1.0], EDGES)
    per_decade = np.array([1e10 * (1 / 10**low - 1 / 10 ** (low + 1)) for low in EDGES[:-1]])  # of (E/100 TeV)^-2
    below = 1e10 * (1e-4 - 10**-4.5) / per_decade[1]
    area = np.array([1.5, 1.5 * below + 25 * (1 - below), 25.0])  # mean of the two sources
    np.testing.assert_allclose(found[:, 0], area * per_decade, rtol=1e-10)
    np.testing.assert_allclose(found[:, 1], 3 * found[:, 0])


def test_decades_add_up_to_the_whole():
    parts = expected_by_energy({"X": AREA}, ["X"], 1.0, 0.5, 1.0, np.linspace(2, 7, 11), 2.7)
    assert parts.sum() == pytest.approx(AREA.power_law_integral(np.array([0.5]), 2.7)[0])


def test_flux_gives_the_events_back():
    expected = expected_by_energy({"X": AREA}, ["X"], 1e8, 0.5, 1.0, EDGES)
    e2_dnde = differential_e2_dnde([2.3, 2.3, 4.6], expected, EDGES)
    np.testing.assert_allclose(e2_dnde * expected.sum(axis=1) / 1e10, [2.3, 2.3, 4.6])  # E^2 phi is flat: phi0 E0^2
    steep = differential_e2_dnde([1.0], np.array([[1e18]]), [3.0, 4.0], 3.0)
    assert steep[0] == pytest.approx(1e-18 * 1e7 * 10**4.5)  # E = 10^3.5: E^2 (E/1e5)^-3 = 1e7 x 10^4.5


def test_blind_decades_have_no_limit():
    expected = expected_by_energy({"X": AREA}, ["X"], 1.0, 0.5, 1.0, [0.0, 1.0, 3.0])
    assert expected[0, 0] == 0
    assert np.isnan(differential_e2_dnde([2.3, 2.3], expected, [0.0, 1.0, 3.0])[0])
    with pytest.raises(PhysicsError, match="must ascend"):
        expected_by_energy({"X": AREA}, ["X"], 1.0, 0.5, 1.0, [4.0, 3.0])
