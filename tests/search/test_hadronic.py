import numpy as np
import pyarrow as pa
import pytest

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.detector.effective_area import EffectiveArea
from nusky.errors import CatalogueError, PhysicsError
from nusky.search.hadronic import fraction_limit, hadronic_spectra, neutrino_phi0, select

AREA = EffectiveArea(np.array([2.0, 9.0]), np.radians([-90.0, 90.0]), np.array([[100.0]]))
NAN = np.nan


@pytest.fixture
def sources() -> pa.Table:
    """A WCDA and a KM2A spectrum of one source, one of unknown origin, one limit and one without spectrum."""
    return pa.table(
        {
            "name": ["w", "k", "own", "limit", "none"],
            "dec_deg": [20.0, 20.0, 10.0, 30.0, 0.0],
            "flux": [1.0, 2.0, 1.0, 1.0, 0.3],
            "flux_limit": [False, False, False, True, False],
            "duplicate_of": np.array([-1, 0, -1, -1, -1], np.int32),
            "spectral_index": [2.0, 3.0, 2.5, 2.0, NAN],
            "pivot_tev": [3.0, 50.0, 1.0, 3.0, NAN],
            "flux_unit_per_tev_cm2_s": [1e-13, 1e-16, 1e-12, 1e-13, NAN],
            "energy_min_tev": [1.0, 25.0, NAN, 1.0, NAN],
            "energy_max_tev": [25.0, 200.0, NAN, 25.0, NAN],
        }
    )


def test_flux_by_hand(sources):
    # F_nu(100 TeV) = 2 F_gamma(200 TeV)
    wcda = 2 * 1e-13 * (3 / 200) ** 2 / 1e3
    km2a = 2 * 2e-16 * (50 / 200) ** 3 / 1e3
    own = 2 * 1e-12 * 200**-2.5 / 1e3
    found = hadronic_spectra(sources)
    np.testing.assert_allclose(found.phi0_per_gev, [wcda, km2a, own], rtol=1e-12)
    assert wcda == pytest.approx(4.5e-20)
    assert km2a == pytest.approx(6.25e-21)
    np.testing.assert_allclose(found.flux(1e4), [wcda * 1e2, km2a * 1e3, own * 10**2.5])
    assert found.stack_flux() == pytest.approx(wcda + own)  # the source of two lists counts once


def test_energy_relation_holds_at_any_energy():
    # (K/4) E_gamma^2 F_gamma at E_gamma = 2 E_nu, K = 2: Ahlers and Murase, arXiv:1309.4077
    n0, gamma, pivot = 3e-14, 2.7, 3.0
    for e_nu_tev in (1.0, 30.0, 700.0):
        e_gamma = 2 * e_nu_tev
        expected = 0.5 * e_gamma**2 * n0 * (e_gamma / pivot) ** -gamma
        flux = neutrino_phi0(n0, gamma, pivot) * 1e3 * (e_nu_tev / 100) ** -gamma
        assert e_nu_tev**2 * flux == pytest.approx(expected)


def test_sources_without_spectra_are_named(sources):
    found = hadronic_spectra(sources)
    assert found.names == ("w", "k", "own")
    assert found.left_out == {
        "no gamma-ray spectrum": ("none",),
        "the gamma-ray flux is an upper limit": ("limit",),
    }
    np.testing.assert_array_equal(found.row, [0, 1, 2])


def test_measured_ranges_are_half_those_of_the_gamma_rays(sources):
    found = hadronic_spectra(sources)
    np.testing.assert_array_equal(found.energy_min_gev, [500.0, 12_500.0, NAN])
    np.testing.assert_array_equal(found.energy_max_gev, [12_500.0, 100_000.0, NAN])
    with pytest.raises(PhysicsError, match="the measured energy range of own is unknown"):
        found.acceptance({"X": AREA}, ["X"])


def test_a_pivot_says_nothing_of_the_range(sources):
    found = hadronic_spectra(sources.drop_columns(["energy_min_tev", "energy_max_tev"]))
    assert np.isnan(found.energy_min_gev).all()
    with pytest.raises(PhysicsError, match="the measured energy range of w is unknown"):
        found.acceptance({"X": AREA}, ["X"])


def test_expected_events_by_hand(sources):
    spectra = select(hadronic_spectra(sources), [0, 1])
    livetime = [1e8, 2e8]
    whole = spectra.acceptance({"X": AREA}, ["X", "X"], extrapolate=True)
    np.testing.assert_allclose(whole[0, 0], 100 * 1e10 * (1e-2 - 1e-9))  # of E^-2 from 1e2 to 1e9 GeV
    np.testing.assert_allclose(spectra.expected_events(whole, livetime)[0], 4.5e-20 * 3e8 * 1e10)
    measured = spectra.acceptance({"X": AREA}, ["X", "X"])
    np.testing.assert_allclose(measured[1, 0], 100 * 1e10 * (1 / 500 - 1 / 12_500))
    np.testing.assert_allclose(measured[1, 1], 100 * 1e15 / 2 * (12_500.0**-2 - 1e-10))


def test_limit_on_the_fraction(sources):
    spectra = select(hadronic_spectra(sources), [0, 1])
    found = fraction_limit(3.0, [4.0, 2.0], spectra, 0.9)
    assert (found.fraction, found.confidence_level, found.excludes_fully_hadronic) == (0.5, 0.9, True)
    assert (found.energy_min_gev, found.energy_max_gev) == (500.0, 100_000.0)
    single = fraction_limit(3.0, 2.0, select(spectra, 0), 0.9)
    assert not single.excludes_fully_hadronic
    assert single.energy_max_gev == 12_500.0
    with pytest.raises(PhysicsError, match="no events are expected"):
        fraction_limit(3.0, [0.0], spectra, 0.9)


def test_catalogues_without_spectra_are_refused(sources):
    with pytest.raises(CatalogueError, match="no column 'pivot_tev'"):
        hadronic_spectra(sources.drop_columns("pivot_tev"))
    with pytest.raises(CatalogueError, match="no source of the catalogue has a gamma-ray spectrum"):
        hadronic_spectra(sources.slice(4))


@pytest.mark.parametrize(("name", "n", "pivot"), [("1lhaaso-wcda", 69, 3.0), ("1lhaaso-km2a", 75, 50.0)])
def test_the_ready_made_lists(name, n, pivot):
    catalogue = config.Catalogue.model_validate({"lists": [{"builtin": name}, {"builtin": "hess"}]})
    sources, _ = build_catalogue(catalogue, name)
    found = hadronic_spectra(sources)
    assert len(found.names) == n
    assert len(found.left_out["no gamma-ray spectrum"]) == 95
    # seen above 100 TeV by KM2A: the 43 of ApJS 271, 25
    ends = np.unique(2 * found.energy_max_gev / 1e3, return_counts=True)
    assert np.array(ends).T.tolist() == ([[25.0, 69]] if pivot == 3.0 else [[100.0, 32], [200.0, 43]])
    first = sources.to_pylist()[0]  # as printed in ApJS 271, 25
    e_gamma = 2 * 100.0
    unit = {"1lhaaso-wcda": 1e-13, "1lhaaso-km2a": 1e-16}[name]
    expected = 2 * first["flux"] * unit * (e_gamma / pivot) ** -first["spectral_index"] / 1e3
    assert found.phi0_per_gev[0] == pytest.approx(expected)


def test_errors_move_the_index_about_the_pivot(sources):
    sources = sources.append_column("flux_error", [[0.1, 0.2, 0.1, 0.1, NAN]])
    sources = sources.append_column("spectral_index_error", [[0.1, 0.2, 0.0, 0.1, NAN]])
    found = hadronic_spectra(sources)
    np.testing.assert_allclose(found.n0_error / found.n0_per_tev, [0.1, 0.1, 0.1])
    softer = found.varied(1.0)
    np.testing.assert_allclose(softer.gamma, [2.1, 3.2, 2.5])
    # the gamma rays at the pivot stay: neutrinos at half of it change by the relation alone
    for j, pivot in enumerate((3e3, 5e4, 1e3)):
        np.testing.assert_allclose(softer.flux(pivot / 2)[j], found.flux(pivot / 2)[j], rtol=1e-12)
    assert np.isnan(hadronic_spectra(sources.drop_columns("flux_error")).n0_error).all()


def test_interactions_give_nearly_what_the_kinematic_relation_gives(sources):
    pytest.importorskip("aafragpy")
    exact, simple = (select(hadronic_spectra(sources, relation), [0, 1]) for relation in ("interactions", "kinematic"))
    assert exact.energy_max_gev.tolist() == [12500.0, 1e5]
    for each, other, gamma in zip(exact.spectra, simple.spectra, (2.0, 3.0), strict=True):
        energy = np.array([1e3, 1e4]) if gamma == 2.0 else np.array([2e4, 9e4])
        ratio = each.shape(energy) / other.shape(energy)
        assert ((ratio > 0.85) & (ratio < 1.15)).all()
    events = exact.expected_events(exact.acceptance({"X": AREA}, ["X"]), [1.0])
    by_hand = []
    for each, phi0 in zip(exact.spectra, exact.phi0_per_gev, strict=True):
        low, high = each.log10_limits
        energy = np.logspace(low + 1e-12, high - 1e-12, 5000)
        by_hand.append(100.0 * phi0 * np.trapezoid(each.shape(energy) * energy, np.log(energy)))
    np.testing.assert_allclose(events, by_hand, rtol=1e-4)
