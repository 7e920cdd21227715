"""The likeliest mistakes of a user: each must be answered with what happened, where, and what to do."""

import datetime
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from nusky.releases import inventory, registry, transfer
from nusky.releases.registry import Mirror, Release, Season
from nusky.tables import Provenance, write_table

CONFIGURATION = {
    "run": "mine",
    "release": {"name": "icecube-3yr"},
    "catalogues": {"mine": {"lists": [{"file": "mine.csv"}]}},
}
GOOD = "name,ra_deg,dec_deg,flux\nA,40.7,0.0,1\nB,77.4,5.7,2\n"


@pytest.fixture
def checked(refused, tmp_path):
    """The message of `nusky check` for a changed configuration and catalogue."""

    def call(change=None, catalogue=GOOD, text=None):
        (tmp_path / "mine.csv").write_text(catalogue)
        (tmp_path / "c.yaml").write_text(text or yaml.safe_dump({**CONFIGURATION, **(change or {})}))
        return refused("check", "c.yaml")

    return call


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"sead": 3}, "in `sead`: unknown key; did you mean `seed`?"),
        ({"seed": "today"}, "in `seed`: must be a whole number (given: 'today')"),
        ({"release": {"name": "icecube-15yr"}}, "in `release.name`: there is no release 'icecube-15yr'; there are"),
        ({"release": {"name": "icecube-3yr", "seasons": ["IC86_II"]}}, "no season 'IC86_II'; it has IC79-2010,"),
        (
            {"inference": {"trials": 0}},
            "in `inference.trials`: must be at least 100 (given: 0)",
        ),
        ({"inference": {"trials": "1e4"}}, "must be a whole number (given: '1e4'); write 10000"),
        ({"inference": True}, "in `inference`: must be a block of keys below it, or {} (given: True)"),
        ({"inference": {"confidence_level": 90}}, "must be below 1 (given: 90); 90 % is 0.9"),
        ({"inference": {"catalogues": ["mein"]}}, "names 'mein', which is not among `catalogues`; there are: mine"),
        ({"inference": {"weightings": ["flux"]}}, "which no catalogue it treats has; there are: uniform"),
        (
            {"inference": {"durations": {"ra_deg": 1, "dec_deg": 1, "centre_mjd": 2455600, "days": [1]}}},
            "(given: 2455600); it looks like a Julian date: subtract 2400000.5",
        ),
        (
            {"inference": {"durations": {"ra_deg": 1, "dec_deg": 1, "centre_mjd": 2011, "days": [1]}}},
            "(given: 2011); it looks like a year: give MJD, in days",
        ),
        ({"skymap": {"nside": 100}}, "nside must be a power of two, such as 64 or 128 (given: 100)"),
        ({"bdm": {"mx_mev": "1 GeV"}}, "in `bdm.mx_mev`: must be a plain number (given: '1 GeV')"),
        ({"bdm": {"supernova": {"name": "SN 9999"}}}, "SN 9999"),
        ({"bdm": {"t_yr": 5000}}, "at t_yr = 5000 nothing of tx_mev = 5 and mx_mev = 1 arrives any more"),
        (
            {"methods": ["published"], "inference": {}},
            "`inference` is part of the standard method: add it to `methods`",
        ),
    ],
)
def test_configuration(checked, change, told):
    message = checked(change)
    assert message.startswith("nusky: error: ")
    assert told in message


@pytest.mark.parametrize(
    ("block", "told"),
    [
        (
            {"gammas": [-2.0]},
            "`catalogues.mine.gammas.0`: must be at least 1 (given: -2.0); the flux",
        ),
        ({"lists": [{"file": "other.csv"}]}, "other.csv: no such file. Give its path"),
        ({"lists": [{"file": "mine.csv", "columns": {"ra_deg": "RA_deg"}}]}, "no column 'RA_deg'; it has name, ra_deg"),
        ({"weightings": {"w": {"column": "fluxx"}}}, "weighting column 'fluxx' does not exist or is text. Use one of"),
        (
            {"time": {"profile": "box", "start_mjd": datetime.date(2011, 1, 1), "stop_mjd": 55700}},
            "in `catalogues.mine.time.start_mjd`: 2011-01-01 is a date; times are in MJD, write 55562",
        ),
        (
            {"time": {"profile": "box", "start_mjd": "2011-01-01T12:00", "stop_mjd": 55700}},
            "2011-01-01T12:00 is a date; times are in MJD, write 55562.5",
        ),
        (
            {"time": {"profile": "box", "start_mjd": 55562, "stop_mjd": 55700}},
            "which does not treat this catalogue: add a block `inference: {}`, or leave `time` out",
        ),
        ({"lists": []}, "`lists` is required"),
    ],
)
def test_catalogue_block(checked, block, told):
    lists = {"lists": [{"file": "mine.csv"}]}
    assert told in checked({"catalogues": {"mine": lists | block}})


@pytest.mark.parametrize(
    ("catalogue", "told"),
    [
        ("name,ra_deg,dec_deg\n", "mine.csv: holds no source. Give at least one row of data."),
        ("name,ra_deg,dec_deg\nA,40,95\n", "row 1: dec_deg = 95.0 must lie in -90 to 90 degrees"),
        ("name,ra_deg,dec_deg\nA,400,10\n", "row 1: ra_deg = 400.0 must lie in 0 to 360 degrees"),
        ("name,ra_deg,dec_deg\nA,02:42:40,10\n", "'02:42:40' in column 'ra_deg' is not a plain number"),
        ("name,ra_deg,dec_deg\nA,40,\n", "row 1: dec_deg is missing; give it"),
        ("name,ra,dec\nA,40,10\n", "no column 'ra_deg'; it has name, ra, dec. Did you mean 'ra'?"),
        ("ra_deg,dec_deg\n40,10\n", "no column 'name'; it has ra_deg, dec_deg. Set `columns` in the configuration"),
    ],
)
def test_catalogue_file(checked, catalogue, told):
    message = checked(catalogue=catalogue)
    assert "in config block `catalogues.mine`: mine.csv" in message
    assert told in message


def test_all_weights_missing(checked):
    weightings = {"lists": [{"file": "mine.csv"}], "weightings": {"w": {"column": "flux"}}}
    message = checked({"catalogues": {"mine": weightings}}, "name,ra_deg,dec_deg,flux\nA,40,10,\nB,50,10,nan\n")
    assert "`catalogues.mine.weightings.w`" in message
    assert "the sources have no usable weight" in message
    assert "Choose another column" in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run: x\ncatalogues:\n\twcda-hess: {}\n", "YAML is indented with blanks: replace the tabs."),
        ("run: [x\n", "c.yaml: not valid YAML: line 2, column 1: while parsing a flow sequence, expected ',' or ']'"),
        ("just words", "a mapping of keys is expected, found str"),
        ("# nothing yet", "a mapping of keys is expected, found nothing. The keys: docs/configuration.md."),
        ("run: a\nrun: b\n", "the key 'run' stands here twice; keep one"),
    ],
)
def test_not_yaml(checked, text, told):
    assert told in checked(text=text)


def test_no_such_configuration(refused):
    message = refused("check", "nowhere.yaml")
    assert "nowhere.yaml: cannot be read (No such file or directory)" in message


def test_right_ascension_in_hours_is_pointed_out(nusky, tmp_path):
    rows = [f"S{hour},{hour},{hour}\n" for hour in (0.7, 5.1, 9.2, 16.4, 22.5)]
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\n" + "".join(rows))
    result = nusky("catalogue", "validate", "mine.csv")
    assert result.exit_code == 0
    assert "if these are hours, give the unit or degrees" in " ".join(result.stdout.split())


def test_duplicate_sources_are_pointed_out(nusky, tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,40,10\nA,40,10\nB,40,10\nB,41,10\n")
    result = nusky("catalogue", "validate", "mine.csv")
    assert "mine: 3 sources" in result.stdout
    assert "repeated rows left out  1: A" in result.stdout
    assert "same name, kept         1: B" in result.stdout
    assert "same position, kept     1: A = B" in result.stdout


def test_a_release_without_energies_is_pointed_out(nusky, tmp_path):
    (tmp_path / "mine.csv").write_text(GOOD)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIGURATION | {"inference": {}}))
    printed = " ".join(nusky("check", "c.yaml").stdout.split())
    assert "likelihood space only" in printed
    assert "spectral index fixed at each listed one" in printed
    release = CONFIGURATION["release"] | {"synthetic": "always"}  # generated events do have energies
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(CONFIGURATION | {"inference": {}, "release": release}))
    printed = " ".join(nusky("check", "c.yaml").stdout.split())
    assert "likelihood space and energy" in printed
    assert "spectral index fitted" in printed


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b"PAR1 and no more"), "not a readable Parquet file"),
        (lambda path: pq.write_table(pa.table({"a": [1]}), path), "but not a nusky table (no provenance)"),
        (lambda path: None, "r.parquet: no such table"),
    ],
)
def test_tables_that_are_none(refused, tmp_path, write, told):
    write(tmp_path / "r.parquet")
    assert told in refused("show", "r.parquet")


def test_a_truncated_table(refused, tmp_path):
    path = tmp_path / "r.parquet"
    write_table(path, {"a": np.arange(10_000)}, kind="test", provenance=Provenance(False))
    path.write_bytes(path.read_bytes()[:-40])
    assert "r.parquet: not a readable Parquet file" in refused("show", "r.parquet")


@pytest.mark.parametrize(
    ("name", "told"), [("r.fits", "cannot be shown. Give a .parquet table"), ("r.json", "cannot be read")]
)
def test_results_of_another_kind(refused, name, told):
    assert told in refused("show", name)


def test_a_column_that_is_not_there(refused, tmp_path):
    write_table(tmp_path / "r.parquet", {"gamma": [2.0]}, kind="test", provenance=Provenance(False))
    assert "column 'gama' is missing; it has gamma" in refused("show", "r.parquet", "--columns", "gama")


def test_a_folder_that_cannot_be_written_to(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused("data", "fetch", "icecube-10yr", "--folder", "file/data")
    assert "file/data" in message
    assert "Not a directory" in message


def test_no_network(refused, monkeypatch):
    nowhere = Release(
        "nowhere", "t", "c", "https://example.org/page", "icecube-3yr", (), (Mirror("http://127.0.0.1:9/a.zip"),)
    )
    monkeypatch.setitem(registry.RELEASES, "nowhere", nowhere)
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.01)
    message = refused("data", "fetch", "nowhere")
    assert "release nowhere could not be fetched" in message
    assert "http://127.0.0.1:9/a.zip" in message
    assert "Fetch its zip archive by hand from https://example.org/page" in message


def test_an_unknown_release(refused):
    assert "no release 'icecube-15yr'; nusky knows icecube-3yr, icecube-10yr, icecube-14yr" in refused(
        "data", "fetch", "icecube-15yr"
    )


def test_a_changed_file_and_a_wrong_digest(nusky, tmp_path, monkeypatch):
    season = Season("S", "S", 1, None, None, None)
    release = Release("small", "t", "c", "p", "icecube-3yr", (season,), ())
    monkeypatch.setitem(registry.RELEASES, "small", release)
    archives = tmp_path / "data/archives"
    archives.mkdir(parents=True)
    names = inventory.adapter_of("icecube-3yr").required_files(tmp_path, release, (season,))
    with zipfile.ZipFile(archives / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, f"content of {name}\n")
    with zipfile.ZipFile(archives / "a.zip") as archive:
        archive.extractall(tmp_path / "data/small")
    digest = inventory.sha256(archives / "a.zip")
    record = '{"archive": "a.zip", "archive_sha256": "%s"}'
    (tmp_path / "data/small.json").write_text(record % digest)
    good = nusky("data", "verify", "small")
    assert good.exit_code == 0, good.output
    assert "PROBLEM" not in good.stdout

    (tmp_path / "data/small" / names[0]).write_text("content of s0mething else")
    changed = nusky("data", "verify", "small")
    assert changed.exit_code == 3
    assert f"PROBLEM  data/small/{names[0]}: changed since they were unpacked" in changed.stdout

    (tmp_path / "data/small.json").write_text(record % ("0" * 64))
    wrong = nusky("data", "verify", "small")
    assert wrong.exit_code == 3
    assert (
        f"PROBLEM  data/archives/a.zip: SHA-256 is {digest}, it was {'0' * 64}: delete it and fetch again"
        in wrong.stdout
    )


def test_nothing_to_verify(nusky):
    result = nusky("data", "verify")
    assert result.exit_code == 3
    assert "No release in data. Fetch one with `nusky data fetch NAME`;" in result.stdout


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--t", "5MeV", "'5MeV' is an energy or mass; give a time in yr, kyr, d, s."),
        ("--tx", "5 furlong", "'5 furlong' has the unknown unit 'furlong'; give an energy or mass in MeV, eV, keV"),
        ("--mx", "heavy", "'heavy' is no number with a unit; give an energy or mass such as 1MeV."),
        ("--mx", "1e999MeV", "'1e999MeV' is not finite"),
        ("--distance", "3s", "'3s' is a time; give a distance in kpc, pc, Mpc."),
        ("--ra", "west", "'west' is no angle; give degrees"),
        ("--sigma-xv", "1kpc", "'1kpc' is a distance; give a cross section in cm2, pb, fb."),
    ],
)
def test_units_are_not_confused(refused, option, value, told):
    assert told in refused("bdm", "flux", option, value, status=2)


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (["--supernova", "SN 1666"], 1, "SN 1666"),
        (["--mx", "-1MeV"], 1, "mx = -1 MeV is outside its range; give a finite value above 0."),
        (["--sigma-xv", "0cm2"], 1, "sigma_xv = 0 cm2 is outside its range"),
        (["--ra", "10"], 2, "give --ra and --dec together"),
        (["--ra", "10", "--dec", "10"], 2, "a position of your own needs --distance too"),
        (
            ["--ra", "10", "--dec", "100", "--distance", "1kpc"],
            1,
            "is no position; give 0 to 360 and -90 to 90 degrees",
        ),
    ],
)
def test_numbers_out_of_range(refused, arguments, status, told):
    assert told in refused("bdm", "flux", *arguments, status=status)


def test_a_map_of_an_unknown_format(refused):
    assert "map.gif: maps are written as .fits, .parquet" in refused("bdm", "skymap", "map.gif")


def test_an_unknown_catalogue(refused):
    assert "'wcda' is no catalogue: there are the ready-made wcda-hess, km2a-hess" in refused(
        "catalogue", "show", "wcda"
    )
