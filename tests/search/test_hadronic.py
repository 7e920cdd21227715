import numpy as np
import pyarrow as pa
import pytest

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.detector.effective_area import EffectiveArea
from nusky.detector.gamma_rays import Component
from nusky.errors import PhysicsError
from nusky.search.hadronic import Detector, fraction_limit, hadronic_spectra, neutrinos, select

AREA = EffectiveArea(np.array([2.0, 9.0]), np.radians([-90.0, 90.0]), np.array([[100.0]]))
DETECTOR = Detector({"X": AREA}, ["X", "X"], [1e8, 2e8])
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
    np.testing.assert_allclose(hadronic_spectra(sources).phi0_per_gev, [wcda, km2a], rtol=1e-12)
    assert wcda == pytest.approx(4.5e-20)
    assert km2a == pytest.approx(6.25e-21)


CUT = {"cutoff_tev": 30.0}
BENT = {"curvature": 0.2}


@pytest.mark.parametrize("more", [{}, CUT, BENT], ids=["power law", "cut-off", "log-parabola"])
def test_energy_relation_holds_at_any_energy(more):
    # (K/4) E_gamma^2 F_gamma at E_gamma = 2 E_nu, K = 2: Ahlers and Murase, arXiv:1309.4077
    n0, gamma, pivot = 3e-14, 2.7, 3.0
    phi0, spectrum = neutrinos(Component(n0, pivot, gamma, 1.0, 1000.0, **more), "kinematic")
    assert spectrum.log10_limits == pytest.approx((np.log10(500.0), np.log10(5e5)))
    for e_nu_tev in (0.6, 30.0, 400.0):
        e_gamma = 2 * e_nu_tev
        index = gamma + (0.2 * np.log(e_gamma / pivot) if more is BENT else 0.0)
        falls = np.exp(-e_gamma / 30.0) if more is CUT else 1.0
        expected = 0.5 * e_gamma**2 * n0 * (e_gamma / pivot) ** -index * falls
        assert e_nu_tev**2 * 1e3 * phi0 * spectrum.shape(1e3 * e_nu_tev) == pytest.approx(expected)


def test_sources_without_spectra_are_named(sources):
    found = hadronic_spectra(sources)
    assert found.names == ("w", "k")
    assert found.left_out == {
        "no gamma-ray spectrum": ("none",),
        "the gamma-ray flux is an upper limit": ("limit",),
        "the energies of its gamma-ray spectrum are unknown": ("own",),
    }
    np.testing.assert_array_equal(found.row, [0, 1])
    assert hadronic_spectra(sources.slice(4)).names == ()
    assert hadronic_spectra(sources.drop_columns("pivot_tev")).names == ()


def test_measured_ranges_are_half_those_of_the_gamma_rays(sources):
    found = hadronic_spectra(sources)
    np.testing.assert_array_equal(found.energy_min_gev, [500.0, 12_500.0])
    np.testing.assert_array_equal(found.energy_max_gev, [12_500.0, 100_000.0])
    # a pivot says nothing of the range
    found = hadronic_spectra(sources.drop_columns(["energy_min_tev", "energy_max_tev"]))
    assert found.left_out["the energies of its gamma-ray spectrum are unknown"] == ("w", "k", "own")


def events_by_hand(n0_per_tev, gamma, pivot_tev, low_tev, high_tev, more=lambda e: 1.0):
    """100 cm^2 in 3e8 s: the integral of 2 F_gamma(2 E) dE, written out for gamma rays above DETECTOR's 100 GeV."""
    e = np.geomspace(low_tev / 2, high_tev / 2, 20001)  # TeV, neutrinos
    flux = 2 * n0_per_tev * (2 * e / pivot_tev) ** -gamma * more(2 * e)
    return 100 * 3e8 * np.trapezoid(flux * e, np.log(e))


def test_expected_events_by_hand(sources):
    found = hadronic_spectra(sources).expected_events(DETECTOR)
    by_hand = [events_by_hand(1e-13, 2.0, 3.0, 1, 25), events_by_hand(2e-16, 3.0, 50.0, 25, 200)]
    np.testing.assert_allclose(found, by_hand, rtol=1e-6)


@pytest.fixture
def joined() -> pa.Table:
    """Both components; each of them with a limit on the other; a cut-off; an error that is unknown."""
    return pa.table(
        {
            "name": ["both", "low", "high", "cut", "unknown"],
            "dec_deg": [20.0, 10.0, 0.0, -30.0, -40.0],
            "flux": [NAN] * 5,
            "flux_limit": [False] * 5,
            "duplicate_of": np.full(5, -1, np.int32),
            "dnde_per_tev_cm2_s": [1e-13, 2e-13, NAN, 1e-12, 1e-12],
            "dnde_error_per_tev_cm2_s": [1e-14, 3e-14, NAN, 1e-13, NAN],
            "cap_per_tev_cm2_s": [NAN, NAN, 1e-15, NAN, NAN],
            "pivot_tev": [3.0, 3.0, 3.0, 1.0, 1.0],
            "spectral_index": [2.0, 2.5, NAN, 1.8, 2.0],
            "spectral_index_error": [0.1, 0.0, NAN, 0.1, 0.1],
            "cutoff_tev": [NAN, NAN, NAN, 8.0, NAN],
            "cutoff_error_tev": [NAN, NAN, NAN, 2.0, NAN],
            "energy_min_tev": [1.0, 1.0, 1.0, 0.4, 0.4],
            "energy_max_tev": [25.0, 25.0, 25.0, 20.0, 20.0],
            "second_dnde_per_tev_cm2_s": [2e-16, NAN, 3e-16, NAN, NAN],
            "second_dnde_error_per_tev_cm2_s": [2e-17, NAN, 3e-17, NAN, NAN],
            "second_cap_per_tev_cm2_s": [NAN, 1.0, NAN, NAN, NAN],
            "second_pivot_tev": [50.0, 50.0, 50.0, NAN, NAN],
            "second_spectral_index": [3.0, NAN, 3.0, NAN, NAN],
            "second_spectral_index_error": [0.2, NAN, 0.0, NAN, NAN],
            "second_energy_min_tev": [25.0, 25.0, 25.0, NAN, NAN],
            "second_energy_max_tev": [200.0, 100.0, 200.0, NAN, NAN],
        }
    )


def test_components_are_one_spectrum_each_in_its_own_range(joined):
    found = hadronic_spectra(joined)
    low, high = (1e-13, 2.0, 3.0, 1, 25), (2e-16, 3.0, 50.0, 25, 200)
    events = found.expected_events(DETECTOR)
    np.testing.assert_allclose(events[0], events_by_hand(*low) + events_by_hand(*high), rtol=1e-6)
    np.testing.assert_allclose(events[2], events_by_hand(3e-16, 3.0, 50.0, 25, 200), rtol=1e-6)
    cut = events_by_hand(1e-12, 1.8, 1.0, 0.4, 20, lambda e: np.exp(-e / 8))
    np.testing.assert_allclose(events[3], cut, rtol=1e-6)
    # as one spectrum with one phi0, as fits and injected events use it
    whole = found.spectra[0].integrals([2.0, 9.0])[0] * found.phi0_per_gev[0] * 100 * 3e8
    np.testing.assert_allclose(whole, events[0], rtol=1e-10)
    assert found.spectra[0].log10_limits == pytest.approx((np.log10(500), 5.0))
    assert np.isnan(found.gamma[0])
    assert (found.energy_min_gev[0], found.energy_max_gev[0]) == (500.0, 1e5)
    for e_gamma in (2.0, 24.0, 26.0, 190.0):
        n0, gamma, pivot = low[:3] if e_gamma < 25 else high[:3]
        expected = 2 * n0 * (e_gamma / pivot) ** -gamma / 1e3
        assert found.phi0_per_gev[0] * found.spectra[0].shape(e_gamma * 500) == pytest.approx(expected)


def test_an_upper_limit_caps_what_may_come_from_where_nothing_was_seen(joined):
    capped = hadronic_spectra(joined).capped_events(DETECTOR)
    # "low": its own spectrum goes on, far below the limit; "high": from 3e-16 (3/50)^-3 = 1.4e-12 to the limit, 1e-15
    by_hand = [0, events_by_hand(2e-13, 2.5, 3.0, 25, 100), events_by_hand(1e-15, 3.0, 3.0, 1, 25), 0, 0]
    np.testing.assert_allclose(capped, by_hand, rtol=1e-6)


def test_errors_of_the_gamma_rays_are_propagated(joined):
    error = hadronic_spectra(joined).events_error(DETECTOR)
    low, high = (1e-13, 2.0, 3.0, 1, 25), (2e-16, 3.0, 50.0, 25, 200)

    def of_index(c, sigma):
        return (events_by_hand(c[0], c[1] + sigma, *c[2:]) - events_by_hand(c[0], c[1] - sigma, *c[2:])) / 2

    parts = (0.1 * events_by_hand(*low), 0.1 * events_by_hand(*high), of_index(low, 0.1), of_index(high, 0.2))
    np.testing.assert_allclose(error[0], np.sqrt(np.square(parts).sum()), rtol=1e-6)
    np.testing.assert_allclose(error[1], 0.15 * events_by_hand(2e-13, 2.5, 3.0, 1, 25), rtol=1e-6)

    def cut(n0=1e-12, gamma=1.8, end=8.0):
        return events_by_hand(n0, gamma, 1.0, 0.4, 20, lambda e: np.exp(-e / end))

    parts = (0.1 * cut(), (cut(gamma=1.9) - cut(gamma=1.7)) / 2, (cut(end=10.0) - cut(end=6.0)) / 2)
    np.testing.assert_allclose(error[3], np.sqrt(np.square(parts).sum()), rtol=1e-6)
    assert np.isnan(error[4])


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


@pytest.mark.parametrize(("name", "n", "pivot"), [("1lhaaso-wcda", 69, 3.0), ("1lhaaso-km2a", 75, 50.0)])
def test_the_ready_made_lists(name, n, pivot):
    catalogue = config.Catalogue.model_validate({"lists": [{"builtin": name}, {"builtin": "hess"}]})
    sources, _ = build_catalogue(catalogue, name)
    found = hadronic_spectra(sources)
    assert np.isin(range(n), found.row).all()
    of_list = np.isin(found.row, range(n))
    # seen above 100 TeV by KM2A: the 43 of ApJS 271, 25
    ends = np.unique(2 * found.energy_max_gev[of_list] / 1e3, return_counts=True)
    assert np.array(ends).T.tolist() == ([[25.0, 69]] if pivot == 3.0 else [[100.0, 32], [200.0, 43]])
    first = sources.to_pylist()[0]  # as printed in ApJS 271, 25
    e_gamma = 2 * 100.0
    unit = {"1lhaaso-wcda": 1e-13, "1lhaaso-km2a": 1e-16}[name]
    expected = 2 * first["flux"] * unit * (e_gamma / pivot) ** -first["spectral_index"] / 1e3
    assert found.phi0_per_gev[0] == pytest.approx(expected)


def test_the_components_of_1lhaaso_are_those_of_its_two_lists():
    """Every source that both lists have; the list of both says where it differs (ApJS 271, 25)."""
    lists = {}
    for name in ("1lhaaso", "1lhaaso-wcda", "1lhaaso-km2a"):
        sources, _ = build_catalogue(config.Catalogue(lists=[{"builtin": name}]), name)
        found = hadronic_spectra(sources)
        names = [key.rstrip("*").replace(" ", "").replace("SS", "S").replace("LHASO", "LHAASO") for key in found.names]
        lists[name] = dict(zip(names, found.gamma_rays, strict=True))
    assert [len(of_list) for of_list in lists.values()] == [90, 69, 75]
    differ = {"1LHAASOJ1843-0335u", "1LHAASOJ2005+3050", "1LHAASOJ0542+2311u"}
    for number, name in ((0, "1lhaaso-wcda"), (-1, "1lhaaso-km2a")):
        for source, single in lists[name].items():
            if source not in differ:
                one, other = lists["1lhaaso"][source].components[number], single.components[0]
                assert (one.gamma, one.pivot_tev) == (other.gamma, other.pivot_tev)
                assert one.n0_per_tev == pytest.approx(other.n0_per_tev)
                assert (one.energy_min_tev, one.energy_max_tev) == (other.energy_min_tev, other.energy_max_tev)
    both = [own for own in lists["1lhaaso"].values() if len(own.components) == 2]
    assert (len(both), sum(len(own.caps) for own in lists["1lhaaso"].values())) == (54, 36)


def test_interactions_give_nearly_what_the_kinematic_relation_gives(sources):
    pytest.importorskip("aafragpy")
    exact, simple = (select(hadronic_spectra(sources, relation), [0, 1]) for relation in ("interactions", "kinematic"))
    assert exact.energy_max_gev.tolist() == [12500.0, 1e5]
    by_hand = []
    for each, phi0, other, of_other, gamma in zip(
        exact.spectra, exact.phi0_per_gev, simple.spectra, simple.phi0_per_gev, (2.0, 3.0), strict=True
    ):
        energy = np.array([1e3, 1e4]) if gamma == 2.0 else np.array([2e4, 9e4])
        ratio = phi0 * each.shape(energy) / (of_other * other.shape(energy))
        assert ((ratio > 0.85) & (ratio < 1.15)).all()
        low, high = each.log10_limits
        energy = np.logspace(low + 1e-12, high - 1e-12, 5000)
        by_hand.append(100.0 * 3e8 * phi0 * np.trapezoid(each.shape(energy) * energy, np.log(energy)))
    np.testing.assert_allclose(exact.expected_events(DETECTOR), by_hand, rtol=1e-4)
