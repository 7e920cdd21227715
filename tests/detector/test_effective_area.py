import itertools

import numpy as np
import pyarrow as pa
import pytest
from scipy.integrate import quad

from nusky.detector.effective_area import EffectiveArea, from_table
from nusky.detector.spectrum import PowerLaw, power_laws
from nusky.errors import PhysicsError, ReleaseError
from nusky.releases import icecube_10yr
from tests import oracles


def rows(n_energy=3, n_dec=2):
    log10_energy = np.linspace(2, 5, n_energy + 1)
    dec = np.linspace(-90, 90, n_dec + 1)
    return [
        {
            "response": "X",
            "log10_energy_min_gev": log10_energy[i],
            "log10_energy_max_gev": log10_energy[i + 1],
            "dec_min_deg": dec[j],
            "dec_max_deg": dec[j + 1],
            "aeff_cm2": 10.0 * i + j,
        }
        for i in range(n_energy)
        for j in range(n_dec)
    ]


def jagged(n_energy=5, n_dec=6, seed=3):
    """An area that jumps from bin to bin and has bins without area."""
    rng = np.random.default_rng(seed)
    area = 10 ** rng.uniform(-2, 6, (n_energy, n_dec)) * (rng.random((n_energy, n_dec)) > 0.3)
    edges = np.arcsin(np.concatenate([[-1.0], np.sort(rng.uniform(-1, 1, n_dec - 1)), [1.0]]))
    return EffectiveArea(np.linspace(2.0, 7.0, n_energy + 1), edges, area)


def test_steps_and_their_integrals_equal_quadrature():
    area = from_table(pa.Table.from_pylist(rows()))["X"]
    dec, gamma = np.radians([-10.0, 10.0]), 2.53

    def integrand(u, column):
        step = min(int((u / np.log(10) - 2) / 1.0), 2)
        return area.area[step, column] * (np.exp(u) / 1e5) ** -gamma * np.exp(u)

    limits = np.log(10) * np.array([2.3, 4.1])
    breaks = np.log(10) * np.array([3.0, 4.0])
    for column in (0, 1):
        expected = quad(integrand, *limits, args=(column,), points=breaks, epsrel=1e-12)[0]
        found = area.integrals(dec, [PowerLaw(gamma, log10_limits=(2.3, 4.1))], steps=True)[0, column]
        assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 1.7, 2.0, 2.53, 3.2, 4.0])
@pytest.mark.parametrize("limits", [None, (2.3, 4.1), (3.0, 3.01)])
def test_power_laws_are_folded_by_their_closed_form(gamma, limits):
    area = jagged()
    low, high = area.log10_energy[:-1], area.log10_energy[1:]
    ends = [10 ** np.clip(edges, *(limits or (-9, 99))).astype(np.longdouble) / 1e5 for edges in (low, high)]
    one = np.longdouble(1 - gamma)
    flux = np.log(ends[1] / ends[0]) if gamma == 1 else (ends[1] ** one - ends[0] ** one) / one
    expected = (1e5 * flux) @ area.area
    centres = np.arcsin((np.sin(area.dec[1:]) + np.sin(area.dec[:-1])) / 2)
    for steps in (True, False):
        [found] = area.integrals(centres, power_laws(gamma, limits), steps=steps)
        np.testing.assert_allclose(found, expected.astype(float), rtol=1e-12)


def test_between_the_centres_it_is_the_oracles():
    area = jagged()
    assert (area.area == 0).any()
    dec = np.concatenate([[-np.pi / 2, np.pi / 2], np.arcsin(np.random.default_rng(1).uniform(-1, 1, 200))])
    expected = np.stack([oracles.area_at(area.dec, area.area, value) for value in dec], axis=1)
    np.testing.assert_allclose(area.at(dec), expected, rtol=1e-12)
    one = EffectiveArea(np.array([2.0, 3.0]), np.radians([-90.0, 90.0]), np.full((1, 1), 7.0))
    np.testing.assert_array_equal(one.at(dec), 7.0)


def test_at_the_centres_it_is_that_of_the_bins_and_nowhere_it_jumps():
    area = jagged()
    sines = np.sin(area.dec)
    np.testing.assert_allclose(area.at(np.arcsin((sines[1:] + sines[:-1]) / 2)), area.area, rtol=1e-9)
    dec = np.linspace(-np.pi / 2, np.pi / 2, 2_000_001)
    found = area.at(dec)
    assert np.abs(np.diff(found, axis=1)).max() < 1e-4 * found.max()
    assert np.abs(np.diff(area.at(dec, steps=True), axis=1)).max() > 0.5 * found.max()


@pytest.mark.parametrize("steps", [True, False])
def test_parts_of_the_energy_axis_add_up(steps):
    area, dec = jagged(), np.linspace(-1.5, 1.5, 31)
    for gamma in (1.0, 2.0, 3.7):
        cuts = [-np.inf, 2.2, 3.0, 4.999, 5.0, np.inf]
        parts = [PowerLaw(gamma, log10_limits=ends) for ends in itertools.pairwise(cuts)]
        whole = area.integrals(dec, [PowerLaw(gamma)], steps=steps)[0]
        np.testing.assert_allclose(area.integrals(dec, parts, steps=steps).sum(axis=0), whole, rtol=1e-12)


def test_public_areas_change_smoothly_across_the_horizon(validation_data):
    """Beside the edge at -6.89 deg of the ten-year area a step is 0.44 of what is interpolated, at index 3."""
    area = from_table(icecube_10yr.read_effective_area(validation_data / "icecube_10year_ps", "IC86_II"))["IC86_II"]
    dec, spectra = np.radians([-6.93, -6.85]), power_laws([2.0, 3.0])
    step, smooth = (area.integrals(dec, spectra, steps=steps) for steps in (True, False))
    np.testing.assert_allclose(step[:, 0] / smooth[:, 0], [0.80, 0.445], atol=0.005)
    assert (step[:, 1] / step[:, 0] > [1.6, 4.0]).all()
    assert (smooth[:, 1] / smooth[:, 0] < 1.1).all()


def test_declination_edges_belong_to_the_upper_bin_and_the_poles_are_inside():
    area = from_table(pa.Table.from_pylist(rows()))["X"]
    south, edge, north = area.integrals(np.radians([-90.0, 0.0, 90.0]), [PowerLaw(2.0)], steps=True)[0]
    assert south != edge
    assert edge == north


def test_declination_outside_the_sphere_is_refused():
    area = EffectiveArea(np.array([2.0, 3.0]), np.radians([-90.0, 90.0]), np.ones((1, 1)))
    with pytest.raises(PhysicsError, match=r"declination 45\.0 rad .* give radians"):
        area.integrals(np.array([45.0]), [PowerLaw(2.0)])


def test_a_table_with_a_bin_missing_is_refused():
    with pytest.raises(ReleaseError, match="effective area of X: its 5 bins are no full grid"):
        from_table(pa.Table.from_pylist(rows()[:-1]))


def test_a_table_with_a_bin_twice_is_refused():
    table = rows()
    table[-1] = table[0]
    with pytest.raises(ReleaseError, match="no full grid"):
        from_table(pa.Table.from_pylist(table))
