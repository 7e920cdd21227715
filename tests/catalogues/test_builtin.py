"""The lists that come with nusky, against the numbers of the publications they were made from."""

import csv
import re

import numpy as np
import pytest
from astropy.table import Table

from nusky.catalogues.builtin import SIGMA_PER_R39, read_builtin
from nusky.errors import NuskyError
from nusky.resources import SOURCE_LISTS, resource

RAW = {
    "catalogues/1lhaaso_wcda.ecsv": "lhsaaocataloguewcda.csv",
    "catalogues/1lhaaso_km2a.ecsv": "lhsaaocataloguekm2a.csv",
    "catalogues/hess.ecsv": "hess_source.csv",
    "catalogues/atnf.ecsv": "ATNF.csv",
    "catalogues/icecube_tracks.ecsv": "icecube_tracks.csv",
}
LHAASO_COLUMNS = [
    "name", "component", "ra_deg", "dec_deg", "position_error_deg", "r39_deg", "r39_error_deg", "ts", "n0", "n0_error",
    "gamma", "gamma_error", "ts100", "association", "separation_deg",
]  # fmt: skip
COLUMNS = {  # in the order of the raw files; None: not carried over
    "catalogues/1lhaaso_wcda.ecsv": LHAASO_COLUMNS,
    "catalogues/1lhaaso_km2a.ecsv": LHAASO_COLUMNS,
    "catalogues/hess.ecsv": [
        "name", "ra_deg", "dec_deg", "glon_deg", "glat_deg", "flux_crab", "radius_arcmin", "counterpart",
        "publications", "source_of_the_month",
    ],
    "catalogues/atnf.ecsv": ["name", "ra_deg", "dec_deg", "period_s", "s1400_mjy", "distance_kpc", "distance_dm_kpc"],
    "catalogues/icecube_tracks.ecsv": [
        "name", "run_id", "event_id", None, "event_mjd", "stream", "ra_deg", "dec_deg", "ra_error_plus_deg",
        "ra_error_minus_deg", "dec_error_plus_deg", "dec_error_minus_deg", "energy_tev", "false_alarm_rate_per_yr",
        "signalness", "cascade_score", "skimming_score", "starting_score", "stopping_score", "throughgoing_score",
        "cosmic_ray_veto",
    ],
}  # fmt: skip
ROWS = {"1lhaaso_wcda": 69, "1lhaaso_km2a": 75, "hess": 95, "atnf": 3389, "icecube_tracks": 275}


@pytest.mark.parametrize("name", list(RAW))
def test_every_value_is_the_published_one(name, validation_data):
    with open(validation_data / "catalogues" / RAW[name], encoding="utf-8", newline="") as handle:
        raw = [[" ".join(cell.split()) for cell in row] for row in csv.reader(handle)][1:]
    table = Table.read(resource(name), format="ascii.ecsv")
    assert len(table) == len(raw)
    for index, column in enumerate(COLUMNS[name]):
        if column is None:
            continue
        for row, (expected, found) in enumerate(zip((r[index] for r in raw), table[column], strict=True)):
            if column == "separation_deg" and expected == "":
                in_association = re.search(r"\(([\d.]+)\)$", raw[row][index - 1])
                expected = in_association.group(1) if in_association else ""
            if column == "association":
                expected = re.sub(r"\s*\([\d.]+\)$", "", expected)
            if column == "gamma":
                expected = expected.split("±")[0]
            if expected in ("", "*"):
                assert found is np.ma.masked, (column, row)
            elif table[column].dtype.kind in "if":
                assert found == float(expected), (column, row)
            else:
                assert str(found).upper() == expected.upper(), (column, row)


@pytest.mark.parametrize("name", list(RAW))
def test_tables_carry_rows_units_and_sources(name):
    table = Table.read(resource(name), format="ascii.ecsv")
    assert len(table) == ROWS[name.removeprefix("catalogues/").removesuffix(".ecsv")]
    assert table["ra_deg"].unit == table["dec_deg"].unit == "deg"
    assert all(table[column].description for column in table.colnames)
    assert table.meta["citation"]
    assert table.meta["doi"].startswith("10.")
    assert table.meta["notes"]


def test_lhaaso_units_and_pivots():
    wcda, km2a = (read_builtin(name, name).frame for name in ("1lhaaso-wcda", "1lhaaso-km2a"))
    assert set(wcda["flux_unit_per_tev_cm2_s"]) == {1e-13}  # ApJS 271, 25, table 1
    assert set(km2a["flux_unit_per_tev_cm2_s"]) == {1e-16}
    assert set(wcda["pivot_tev"]) == {3.0}
    assert set(km2a["pivot_tev"]) == {50.0}


def test_lhaaso_extension_is_a_gaussian_width_or_a_limit():
    frame = read_builtin("1lhaaso-km2a", "km2a").frame.set_index("name")
    measured = frame.loc["1LHAASOJ1908+0615u"]  # r39 = 0.36 ± 0.01 deg
    assert not measured["extension_limit"]
    contained = 1 - np.exp(-(0.36**2) / (2 * measured["extension_deg"] ** 2))
    assert contained == pytest.approx(0.39, rel=1e-12)
    for limit in ("1LHAASOJ0534+2200u", "1LHAASO J1825-1256u"):  # r39 < 0.06, r39 < 0.2 deg
        assert frame.loc[limit, "extension_limit"]
        assert frame.loc[limit, "extension_deg"] == 0.0
    assert pytest.approx(1 / 0.9943, rel=1e-4) == SIGMA_PER_R39  # ApJS 271, 25: r39 = 0.9943 sigma


def test_hess_has_radii_and_thirteen_sources_without_flux():
    frame = read_builtin("hess", "hess").frame.set_index("name")
    assert frame["flux"].isna().sum() == 13
    assert frame.loc["HESS J0852-463", "extension_deg"] == 1.0  # radius 60 arcmin
    assert frame.loc["HESS J0534+220", "flux"] == 1.0  # the Crab nebula, the unit itself


def test_the_pulsars_are_those_of_the_published_stack():
    sources = read_builtin("atnf", "atnf")
    assert len(sources.frame) == 2374
    assert sources.frame[["s1400_mjy", "distance_dm_kpc", "period_s"]].notna().all().all()
    assert "1015 of 3389 pulsars left out" in sources.notes[0]
    assert not sources.has_flux


def test_every_builtin_of_the_configuration_has_its_table():
    from typing import get_args

    from nusky.config import BuiltinList

    assert set(SOURCE_LISTS) == set(get_args(BuiltinList))


def test_a_missing_resource_is_explained():
    with pytest.raises(NuskyError, match=r"resources/none\.ecsv: this file should come with nusky but is missing"):
        resource("none.ecsv")


def test_spectra_of_the_hess_list_are_those_of_gamma_cat():
    """RX J1713.7-3946, which the H.E.S.S. list calls otherwise."""
    frame = read_builtin("hess", "hess").frame.set_index("name")
    other = read_builtin("gamma-cat", "gamma-cat").frame.set_index("name")
    row = frame.loc["HESS J1713-397"]
    assert (row["spectral_index"], row["cutoff_tev"], row["pivot_tev"]) == (2.06, 12.9, 1.0)
    for name in ("dnde_per_tev_cm2_s", "spectral_index", "cutoff_tev", "energy_min_tev", "energy_max_tev"):
        assert row[name] == other.loc["RX J1713.7-3946", name]


def test_photons_above_an_energy_become_a_flux_at_a_pivot():
    table = Table.read(resource("catalogues/gamma_cat.ecsv"), format="ascii.ecsv")
    frame = read_builtin("gamma-cat", "gamma-cat").frame.reset_index(drop=True)
    stated = [j for j, kind in enumerate(table["spectrum"]) if kind == "pl2"]
    assert len(stated) == 12
    for j in stated:
        row, energy = frame.iloc[j], np.geomspace(table["above_tev"][j], 1e6 * table["above_tev"][j], 100_001)
        flux = row["dnde_per_tev_cm2_s"] * (energy / row["pivot_tev"]) ** -row["spectral_index"]
        photons = np.trapezoid(flux * energy, np.log(energy))
        assert photons == pytest.approx(table["flux_above"][j], rel=1e-4)


def test_3hwc_has_the_flux_at_7_tev():
    crab = read_builtin("3hwc", "3hwc").frame.set_index("name").loc["3HWC J0534+220"]
    assert (crab["pivot_tev"], crab["spectral_index"]) == (7.0, 2.57949)  # ApJ 905, 76, table 1: 2.579
    assert crab["flux"] == pytest.approx(2.34e-13, rel=0.01)


def test_both_components_of_1lhaaso_are_the_published_ones(validation_data):
    """The machine-readable catalogue as gammapy has it; the components in the order that names the source."""
    raw = Table.read(validation_data / "catalogues/1LHAASO_catalog.fits")
    table = Table.read(resource("catalogues/1lhaaso.ecsv"), format="ascii.ecsv")
    assert len(raw) == len(table) == 90
    renamed = {
        "n0": "N0",
        "n0_error": "N0_err",
        "n0_upper_limit": "N0_ul",
        "gamma": "gamma",
        "gamma_error": "gamma_err",
    }
    for published, row in zip(raw, table, strict=True):
        assert published["Source_Name"].strip().rstrip("*").replace("1LHAASO ", "1LHAASO") == row["name"]
        for component in ("wcda", "km2a"):
            suffix = "" if row["position_of"].lower() == component else "_b"
            for ours, theirs in renamed.items():
                unit = table[f"{component}_{ours}"].unit.scale if ours.startswith("n0") else 1.0
                found, expected = row[f"{component}_{ours}"], published[theirs + suffix]
                assert np.ma.is_masked(found) == np.ma.is_masked(expected)
                assert np.ma.is_masked(found) or found * unit == pytest.approx(expected)
        assert (row["ra_deg"], row["dec_deg"]) == (published["RAJ2000"], published["DECJ2000"])
