import numpy as np
import pytest

from nusky.likelihood import skymap
from nusky.likelihood.spatial import spherical_gaussian
from tests import oracles


def test_events_are_sorted_by_cell_and_stay_in_order():
    rng = np.random.default_rng(1)
    cell = rng.integers(0, 50, 1000)
    order, start = skymap.sort_into_cells(cell, 50)
    np.testing.assert_array_equal(order, np.argsort(cell, kind="stable"))
    np.testing.assert_array_equal(np.diff(start), np.bincount(cell, minlength=50))


@pytest.mark.parametrize("dec_deg", [-88.0, -30.0, 0.0, 45.0, 81.0])
@pytest.mark.parametrize("radius_deg", [0.5, 7.0, 60.0])
def test_windows_hold_everything_within_the_radius(dec_deg, radius_deg):
    dec, radius = np.radians([dec_deg, radius_deg])
    rng = np.random.default_rng(2)
    other = np.arcsin(rng.uniform(-1, 1, 20000))
    offset = rng.uniform(0, np.pi, 20000)
    near = oracles.separation(np.zeros(20000), np.full(20000, dec), offset, other) <= radius
    low = np.floor(np.degrees(other))
    for row in np.unique(low[near]):
        window = skymap._widest_window(*np.radians([row, row + 1]), radius, dec)
        assert offset[near & (low == row)].max() <= window + 1e-9
    assert skymap._widest_window(*np.radians([dec_deg - 1, dec_deg]), 1e-9, dec) < 0.01


def test_the_weight_of_an_event_is_its_signal_over_background():
    psi, core, tail = 0.02, 0.01**2, 0.03**2
    chord = (2 * np.sin(psi / 2)) ** 2
    signal = 0.8 * spherical_gaussian(psi, core) + 0.2 * spherical_gaussian(psi, tail)
    assert skymap.event_weight(chord, core, tail, 0.2, 7.0) == pytest.approx(7.0 * signal, rel=1e-12)
