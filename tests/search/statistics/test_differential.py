import numpy as np

from nusky.search.statistics.differential import differential_e2_dnde


def test_flux_gives_the_events_back():
    """Events of (E/100 TeV)^-2 over decades: E^2 dN/dE is flat, phi0 (100 TeV)^2."""
    expected = np.array([[1e13, 3e13], [1e12, 3e12], [2e11, 5e11]])
    e2_dnde = differential_e2_dnde([2.3, 2.3, 4.6], expected, [3.0, 4.0, 5.0, 6.0])
    np.testing.assert_allclose(e2_dnde * expected.sum(axis=1) / 1e10, [2.3, 2.3, 4.6])
    steep = differential_e2_dnde([1.0], np.array([[1e18]]), [3.0, 4.0], 3.0)
    np.testing.assert_allclose(steep, 1e-18 * 1e7 * 10**4.5)  # E = 10^3.5: E^2 (E/1e5)^-3 = 1e7 x 10^4.5


def test_blind_decades_have_no_limit():
    found = differential_e2_dnde([2.3, 2.3], [[0.0], [1e12]], [0.0, 1.0, 3.0])
    assert np.isnan(found[0])
    assert found[1] > 0
