import json
from dataclasses import replace

import numpy as np
import pytest

from nusky import config
from nusky.bdm.supernovae import find, host
from nusky.errors import ConfigurationError, NuskyError
from nusky.figures import canvas
from nusky.paths import Paths
from nusky.stages import bdm, bdm_figures, bdm_summary
from nusky.tables import read_metadata, read_table, trace, write_table

E2 = 4 * np.pi / 137.035999177  # charge of the electron, squared
BLOCK = config.BoostedDarkMatter(nside=32)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every table of the seed page's Cas A, by name."""
    folder = tmp_path_factory.mktemp("bdm")
    names = ("sky_map", "differential", "targets", "light_curve", "events", "numbers")
    paths = {name: folder / f"{name}.parquet" for name in names}
    bdm.sky_map(BLOCK, paths["sky_map"], {name: folder / f"{name}.fits" for name in ("published", "standard")})
    bdm.cross_sections(BLOCK, paths["differential"], paths["targets"])
    bdm.light_curve(BLOCK, paths["light_curve"])
    bdm.events(BLOCK, paths["events"])
    bdm.numbers(BLOCK, paths["sky_map"], paths["numbers"])
    return paths


def columns(path, kind):
    return {name: np.array(column) for name, column in read_table(path, kind=kind).to_pydict().items()}


@pytest.fixture(scope="module")
def reference(validation_data):
    return json.loads((validation_data / "reference/boosted_dark_matter.json").read_text())


def test_numbers_are_those_of_the_seed_page_and_of_the_check_values(made):
    rows = {row["key"]: row for row in read_table(made["numbers"], kind="bdm_numbers").to_pylist()}
    expected = {  # published, standard; from the seed page and the check values, None where there is none
        "beta": (1.9498740968451136, 1.9498740968451136),
        "t_van": (557.0656, 557.0656),
        "mx_threshold": (0.6227, 0.6227),
        "map_maximum": (1.0718e-18, None),
        "map_maximum_l": (2.0407, 1.8598),
        "map_integral_per_flux": (0.995, 1.0),
        # standard: without electron neutrinos; with e in the vertex too
        "flux_model": (5.513412767506566e-13, 0.5671467 * 3.645459003498711e-14),
        "events_model": (1.366e-40, 7.3883e-44),
        "flux_override": (2.01268e-10, 2.0412e-10),
        "events_override": (2.1130e-36, None),
    }
    for key, values in expected.items():
        for name, value in zip(("published", "standard"), values, strict=True):
            if value is not None:
                assert rows[key][name] == pytest.approx(value, rel=6e-4), (key, name)
    for target in ("sigma_electron", "sigma_nucleus"):
        ratio = rows[target]["published"] / rows[target]["standard"]
        assert ratio == pytest.approx(2 * np.pi / E2, rel=1e-9)


def test_light_curve_has_the_check_values(made, reference, tmp_path):
    assert len(columns(made["light_curve"], "bdm_light_curve")["t_yr"]) == 70
    bdm.light_curve(config.BoostedDarkMatter(n_times=10), tmp_path / "curve.parquet")
    curve = columns(tmp_path / "curve.parquet", "bdm_light_curve")
    shares = []
    for row in reference["model_flux"]:
        k = np.argmin(np.abs(curve["t_yr"] - row["t_yr"]))
        assert curve["t_yr"][k] == pytest.approx(row["t_yr"], rel=1e-9)
        assert curve["published_per_mev_cm2_s"][k] == pytest.approx(row["truth_compat"], rel=1e-4)
        shares.append(curve["standard_per_mev_cm2_s"][k] / row["truth_correct"])
    # Without electron neutrinos, whose lower energies reach Earth for a shorter time.
    assert shares[0] == pytest.approx(0.5671467, rel=1e-6)
    assert np.all(np.diff(shares) > 0)
    assert shares[-1] < 1


def test_cross_sections_have_the_check_values(made, reference):
    by_energy = columns(made["targets"], "bdm_target_cross_sections")
    expected = reference["sigma_xe_standard"]  # every other one of the energies
    np.testing.assert_allclose(by_energy["tx_mev"][::2], expected["Tx"], rtol=1e-12)
    for ours, theirs in (("electron", "electron"), ("nucleus", "xenon")):
        np.testing.assert_allclose(by_energy[f"{ours}_standard_cm2"][::2] / E2, expected[theirs], rtol=1e-9)
    by_angle = columns(made["differential"], "bdm_differential_cross_section")
    expected = reference["dsigma_xv"]  # every other one of the seed page's angles
    np.testing.assert_allclose(by_angle["psi_rad"][::2], expected["psi"], rtol=1e-12, atol=1e-300)
    for name in ("published", "standard"):
        np.testing.assert_allclose(by_angle[f"{name}_cm2_per_sr"][::2], expected[name], rtol=1e-10)


def test_no_events_below_the_threshold_mass(made):
    found = columns(made["events"], "bdm_events")
    assert len(found["mx_mev"]) == 35
    for name in ("published", "standard"):
        events = found[f"{name}_per_electron"]
        assert not events[found["mx_mev"] < 0.6227].any()
        assert (events[found["mx_mev"] > 0.6228] > 0).all()


def test_provenance_tells_what_shaped_a_table(made):
    metadata = read_metadata(made["numbers"])
    assert metadata["settings"] == {"nside": 32}
    assert list(metadata["inputs"]) == ["sky_map.parquet"]
    assert metadata["synthetic"] is False


def test_every_figure_is_drawn(made, tmp_path):
    names = ("sky_map", "differential", "targets", "light_curve", "events")
    outputs = [tmp_path / f"{name}.{suffix}" for name in names for suffix in ("svg", "png")]
    options = config.Figures(formats=["svg", "png"], dpi=50)
    bdm_figures.draw(BLOCK.model_dump(), made, outputs, options)
    assert all(path.stat().st_size > 5000 for path in outputs)
    assert "Cas A" in (tmp_path / "sky_map.svg").read_text()
    assert "0.6227 MeV" in (tmp_path / "events.svg").read_text()


def test_summary_entry_is_complete_and_finite(made):
    block = config.BoostedDarkMatter().model_dump()
    entry = bdm_summary.collect(made["numbers"], block)
    assert entry["supernova"] == "Cas A"
    assert entry["numbers"]["t_van"] == {
        "quantity": "end of the signal",
        "unit": "yr",
        "published": pytest.approx(557.0656, rel=1e-6),
        "standard": pytest.approx(557.0656, rel=1e-6),
    }
    json.dumps(entry, allow_nan=False)


def test_a_time_after_the_signal_is_refused(tmp_path):
    block = config.BoostedDarkMatter(t_yr=600.0)
    with pytest.raises(ConfigurationError, match=r"`bdm`: at t_yr = 600 .* ends after 557.1 years"):
        bdm.light_curve(block, tmp_path / "x.parquet")
    with pytest.raises(ConfigurationError, match="Choose an earlier time"):
        bdm.sky_map(block, tmp_path / "x.parquet", {})
    assert not list(tmp_path.iterdir())


def test_supernovae_of_the_catalogue_are_found_by_name(tmp_path):
    supernova = config.BdmSupernova(name="SN 1054", distance_kpc=1.9)
    block = config.BoostedDarkMatter(supernova=supernova, t_yr=100.0, n_times=2)
    bdm.light_curve(block, tmp_path / "crab.parquet")
    # 1.9 kpc instead of the catalogue's 2.0
    end = 1.9 * bdm.constant.kpc2cm / bdm.constant.c / bdm.constant.year2Seconds * (np.sqrt(1.1) - 1)
    assert columns(tmp_path / "crab.parquet", "bdm_light_curve")["t_yr"][-1] == pytest.approx(end)


def test_file_names_of_the_run():
    paths = Paths("x")
    assert paths.bdm_numbers == "results/x/bdm/numbers.parquet"
    assert paths.bdm_healpix.format(method="standard") == "results/x/bdm/sky_map_standard.fits"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"tx_min_mev": 30}, "in `bdm`: tx_min_mev must be below tx_max_mev"),
        ({"nside": 12}, "in `bdm`: nside must be a power of two"),
        ({"mx_mev": 0}, "in `bdm.mx_mev`"),
        ({"model": {"coupling": 1}}, "in `bdm.model.coupling`: unknown key"),
    ],
)
def test_bad_configurations_are_named(block, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse({"run": "x", "bdm": block})


def test_a_run_needs_something_to_do():
    assert config.parse({"run": "x", "bdm": {}}).catalogues == {}
    with pytest.raises(ConfigurationError, match="in `catalogues`: give at least one catalogue, or a `bdm` block"):
        config.parse({"run": "x"})


def test_limits_of_detectors_are_a_table_and_a_figure(tmp_path):
    given = {"detectors": ["super-k", "dune"], "n_masses": 3, "mx_min_mev": 1.0, "mx_max_mev": 20.0, "draws": 2}
    block = config.BoostedDarkMatter(exclusion=given)
    bdm.exclusion(block, tmp_path / "limits.parquet")
    table = columns(tmp_path / "limits.parquet", "bdm_exclusion")
    assert table["detector"].tolist() == ["Super-Kamiokande"] * 3 + ["DUNE"] * 3
    assert set(table["confidence_level"]) == {0.9}
    span = bdm.observed_span(find("Cas A"), bdm.load_detector("super-k"))
    assert table["t_start_s"][0] == pytest.approx(span[0])
    under = bdm.ConstantCrossSection(1e-45).at(3.5, 8.5, 1.9498740968451136)
    alone = bdm.exclude(under, bdm.load_detector("super-k"), [1.0], span)
    assert table["limit_sqrt_sigma_cm2"][0] == pytest.approx(alone.sqrt_sigma_cm2[0], rel=1e-5)
    assert (table["spread_low95_strength"] <= table["spread_high95_strength"]).all()
    output = tmp_path / "limits.svg"
    numbers = tmp_path / "numbers.parquet"
    write_table(numbers, {"key": ["x"], "standard": [0.0]}, kind="bdm_numbers", provenance=trace([], {}))
    canvas.save(bdm_figures.figure("exclusion", block, tmp_path / "limits.parquet", numbers), [output], dpi=50)
    assert "90 % confidence level" in output.read_text()


def test_limits_know_the_host_and_its_distance(tmp_path):
    """SN 1987A is boosted by the halo of the LMC, and `galactic_centre_kpc` moves its centre, as in other stages."""
    given = {"detectors": ["super-k"], "n_masses": 2, "mx_min_mev": 1.0, "mx_max_mev": 20.0}
    one = find("SN 1987A")
    span = bdm.observed_span(one, bdm.load_detector("super-k"))
    for distance in (None, 45.0):
        settings = {"supernova": {"name": "SN 1987A"}, "galactic_centre_kpc": distance, "exclusion": given}
        bdm.exclusion(config.BoostedDarkMatter.model_validate(settings), tmp_path / "limits.parquet")
        lmc = replace(host("LMC"), distance_kpc=distance or host("LMC").distance_kpc)
        under = bdm.ConstantCrossSection().at(one.distance_kpc, lmc.distance_kpc, one.beta(lmc), **lmc.halo)
        expected = bdm.exclude(under, bdm.load_detector("super-k"), [1.0, 20.0], span)
        table = columns(tmp_path / "limits.parquet", "bdm_exclusion")
        np.testing.assert_allclose(table["limit_sqrt_sigma_cm2"], expected.sqrt_sigma_cm2, rtol=1e-6)


def test_a_supernova_without_a_year_needs_times(tmp_path):
    supernova = config.BdmSupernova(name="next", ra_deg=10, dec_deg=10, distance_kpc=8)
    block = config.BoostedDarkMatter(supernova=supernova, exclusion={})
    with pytest.raises(NuskyError, match="next: its year is not known"):
        bdm.exclusion(block, tmp_path / "limits.parquet")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"detectors": ["superk"]}, "no 'superk'; there are super-k"),
        ({"detectors": []}, "in `bdm.exclusion.detectors`"),
        ({"t_start_yr": 1}, "give t_start_yr and duration_yr together"),
        ({"confidence_level": 90}, "in `bdm.exclusion.confidence_level`"),
        ({"mx_min_mev": 200}, "mx_min_mev must be below mx_max_mev"),
    ],
)
def test_bad_limits_are_named(block, message):
    with pytest.raises(ConfigurationError, match=message):
        config.parse({"run": "x", "bdm": {"exclusion": block}})
