import numpy as np
import pyarrow as pa
import pytest
from scipy.integrate import quad

from nusky.detector.effective_area import EffectiveArea, from_table
from nusky.detector.spectrum import PowerLaw
from nusky.errors import PhysicsError, ReleaseError


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


def test_integral_of_an_area_equals_quadrature():
    area = from_table(pa.Table.from_pylist(rows()))["X"]
    dec, gamma = np.radians([-10.0, 10.0]), 2.53

    def integrand(u, column):
        step = min(int((u / np.log(10) - 2) / 1.0), 2)
        return area.area[step, column] * (np.exp(u) / 1e5) ** -gamma * np.exp(u)

    limits = np.log(10) * np.array([2.3, 4.1])
    breaks = np.log(10) * np.array([3.0, 4.0])
    for column in (0, 1):
        expected = quad(integrand, *limits, args=(column,), points=breaks, epsrel=1e-12)[0]
        found = area.integral(dec, PowerLaw(gamma, log10_limits=(2.3, 4.1)))[column]
        assert found == pytest.approx(expected, rel=1e-10)


def test_declination_edges_belong_to_the_upper_bin_and_the_poles_are_inside():
    area = from_table(pa.Table.from_pylist(rows()))["X"]
    south, edge, north = area.integral(np.radians([-90.0, 0.0, 90.0]), PowerLaw(2.0))
    assert south != edge
    assert edge == north


def test_declination_outside_the_sphere_is_refused():
    area = EffectiveArea(np.array([2.0, 3.0]), np.radians([-90.0, 90.0]), np.ones((1, 1)))
    with pytest.raises(PhysicsError, match=r"declination 45\.0 rad .* give radians"):
        area.integral(np.array([45.0]), PowerLaw(2.0))


def test_a_table_with_a_bin_missing_is_refused():
    with pytest.raises(ReleaseError, match="effective area of X: its 5 bins are no full grid"):
        from_table(pa.Table.from_pylist(rows()[:-1]))


def test_a_table_with_a_bin_twice_is_refused():
    table = rows()
    table[-1] = table[0]
    with pytest.raises(ReleaseError, match="no full grid"):
        from_table(pa.Table.from_pylist(table))
