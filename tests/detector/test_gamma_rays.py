import numpy as np
import pyarrow as pa
import pytest

from nusky.detector.gamma_rays import Component, GammaRays, gamma_rays_of
from nusky.errors import CatalogueError

NAN = np.nan
GOOD = {
    "dnde_per_tev_cm2_s": 1e-12,
    "pivot_tev": 2.0,
    "spectral_index": 2.2,
    "energy_min_tev": 0.5,
    "energy_max_tev": 20.0,
}


def table(**columns) -> pa.Table:
    names = {"name": ["A"], "flux": [NAN], "flux_limit": [False]}
    return pa.table(names | {name: [value] for name, value in columns.items()})


def test_a_spectrum_is_its_formula():
    (plain,) = gamma_rays_of(table(**GOOD))
    (cut,) = gamma_rays_of(table(**GOOD, cutoff_tev=7.0))
    (bent,) = gamma_rays_of(table(**GOOD, curvature=0.3))
    energy = np.array([0.5, 2.0, 11.0, 20.0])
    power = 1e-12 * (energy / 2) ** -2.2
    np.testing.assert_allclose(plain.flux(energy), power)
    np.testing.assert_allclose(cut.flux(energy), power * np.exp(-energy / 7))
    np.testing.assert_allclose(bent.flux(energy), power * (energy / 2) ** (-0.3 * np.log(energy / 2)))
    assert np.isnan(plain.flux(np.array([0.49, 20.1]))).all()


def test_a_flux_in_the_units_of_its_list_serves_where_there_is_no_other():
    del_own = {name: value for name, value in GOOD.items() if name != "dnde_per_tev_cm2_s"}
    sources = table(**del_own, flux_unit_per_tev_cm2_s=1e-13).set_column(1, "flux", [[4.0]])
    assert gamma_rays_of(sources)[0].components[0].n0_per_tev == pytest.approx(4e-13)
    assert gamma_rays_of(sources.set_column(2, "flux_limit", [[True]])) == [None]
    assert gamma_rays_of(sources.set_column(1, "flux", [[0.0]])) == [None]


def test_the_error_of_the_flux_is_that_of_its_parameters():
    own = Component(1e-12, 2.0, 2.2, 0.5, 20.0, n0_error=2e-13, gamma_error=0.1)
    energy = np.array([1.0, 2.0, 15.0])
    share = np.hypot(0.2, 0.1 * np.log(energy / 2))
    measured = GammaRays((own,))
    np.testing.assert_allclose(measured.flux_error(energy), share * measured.flux(energy), rtol=0.01)
    unknown = Component(1e-12, 2.0, 2.2, 0.5, 20.0, n0_error=2e-13, gamma_error=0.1, cutoff_tev=9.0)
    assert np.isnan(GammaRays((unknown,)).flux_error(energy)).all()


def test_an_error_as_large_as_the_flux_leaves_a_flux():
    own = Component(1e-12, 2.0, 2.2, 0.5, 20.0, n0_error=2e-12, gamma_error=0.1)
    assert all(other.n0_per_tev > 0 for pair in own.varied() for other in pair)


SECOND = {f"second_{name}": value for name, value in GOOD.items()}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (GOOD | {"dnde_per_tev_cm2_s": -1.0}, "source 'A': dnde_per_tev_cm2_s is -1, but must be above 0"),
        (GOOD | {"pivot_tev": 0.0}, "source 'A': pivot_tev is 0, but must be above 0"),
        (GOOD | {"energy_min_tev": -1.0}, "source 'A': energy_min_tev is -1, but must be above 0"),
        (GOOD | {"energy_max_tev": 0.5}, "energy_max_tev must lie above energy_min_tev; they say 0.5 to 0.5 TeV"),
        (GOOD | {"spectral_index_error": -0.1}, "spectral_index_error is -0.1, but must be at least 0"),
        (GOOD | {"cutoff_tev": 0.0}, "cutoff_tev is 0, but must be above 0"),
        (GOOD | {"cutoff_tev": 5.0, "curvature": 0.1}, "cutoff_tev and curvature are both given"),
        (GOOD | SECOND, "its two components must be measured in separate ranges.*0.5 to 20 TeV and 0.5 to 20 TeV"),
        (GOOD | SECOND | {"second_pivot_tev": -1.0}, "second_pivot_tev is -1"),
    ],
)
def test_what_is_no_spectrum_is_refused_by_name(columns, message):
    with pytest.raises(CatalogueError, match=message):
        gamma_rays_of(table(**columns))
