"""Mistakes at `nusky search` and their messages, and its output from a small generated release."""

import json
import re

import pytest
from typer.testing import CliRunner

from nusky.cli.app import app
from nusky.releases import registry
from nusky.releases.generator import generate_release


def called(*arguments):
    return CliRunner().invoke(app, ["search", *arguments], prog_name="nusky")


@pytest.fixture(autouse=True)
def _own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("NUSKY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--ra and --dec missing"),
        (["--ra", "40"], "--dec missing"),
        (["--dec", "40"], "--ra missing"),
        (["NGC 1068", "--ra", "40"], "not both"),
        (["--ra", "400", "--dec", "0"], "no right ascension; give 0 to 360"),
        (["--ra", "-5", "--dec", "0"], "no right ascension; give 0 to 360"),
        (["--ra", "40", "--dec", "95"], "no declination; give -90 to 90"),
        (["--ra", "forty", "--dec", "0"], "'forty' is no angle"),
        (["--ra", "25h", "--dec", "0"], "no right ascension of 0 to 24 hours"),
        (["--ra", "40", "--dec", "2h"], "is in hours"),
        (["--ra", "40", "--dec", "0", "--extension", "-1"], "give 0 to 30"),
        (["--ra", "40", "--dec", "0", "--extension", "wide"], "is no angle"),
        (["--ra", "40", "--dec", "0", "--trials", "-1"], "trials = -1: give a whole number from 0"),
        (["--ra", "40", "--dec", "0", "--trials", "5"], "a 90 % limit needs 100 or more"),
        (["--ra", "40", "--dec", "0", "--gamma", "-2"], "leave the minus sign out"),
        (["--ra", "40", "--dec", "0", "--gamma", "0"], "give an index from 1 to 4"),
        (["--ra", "40", "--dec", "0", "--window", "2015-01-01", "2014-01-01"], "not after its start"),
        (["--ra", "40", "--dec", "0", "--window", "yesterday", "today"], "start of the window"),
        (["--ra", "40", "--dec", "0", "--flare", "10", "1"], "must not be below the shortest"),
        (["--ra", "40", "--dec", "0", "--out", "there/is/none.json"], "there is no folder there/is; make it first"),
        (["40.67", "-0.01"], "A negative number stands behind its option, such as --dec -0.01"),
        (["--ra", "40", "--dec", "0", "--trials", "many"], "--trials: must be a whole number (given: 'many')"),
        (["--ra", "40", "--dec", "0", "--trials", "1e3"], "--trials: must be a whole number (given: '1e3')"),
        (["--ra", "40", "--dec", "0", "--trials", "2000000"], "give a whole number from 0 to 1000000"),
        (["--ra", "40", "--dec", "0", "--gamma", "2,3"], "--gamma: must be a plain number (given: '2,3')"),
        (["--ra", "40", "--dec", "0", "--gamma", "nan"], "give an index from 1 to 4"),
        (["--ra", "40", "-dec", "0"], "No such option: -d. Did you mean --dec?"),
        (["--ra", "nan", "--dec", "0"], "'nan' is no angle"),
        (["--ra", "40", "--dec", "0", "--window", "2014", "2015"], "It looks like a year"),
        (
            ["--ra", "40", "--dec", "0", "--window", "2014-13-45", "2015-01-01"],
            "is no time: give MJD in days, or a date",
        ),
        (["--ra", "40", "--dec", "0", "--flare", "0", "10"], "must be above 0"),
        (["--ra", "40", "--dec", "0", "--flare", "1", "10", "--limit-days", "30"], "Give a duration among these"),
        (["--ra", "40", "--dec", "0", "--seasons", "IC86_I,IC86_I"], "each only once"),
        (["--ra", "40", "--dec", "0", "--spectrum", ""], "spectrum ''"),
        (["--ra", "40", "--dec", "0", "--out", "."], "change the suffix"),
        (["--ra", "40", "--dec", "0", "--profile", "nowhere/a.fits"], "there is no folder nowhere; make it first"),
        (["--ra", "40", "--dec", "0", "--seed", "-1"], "--seed"),
        (["--ra", "40", "--dec", "0", "--window", "56000"], "--window"),
        (["--ra", "40", "--dec", "0", "--flare", "1"], "--flare"),
        (["--ra", "40", "--dec", "0", "--flare", "1", "10", "--window", "56000", "56010"], "give either --window or"),
        (["--ra", "40", "--dec", "0", "--limit-days", "10"], "give --flare, too"),
        (["--ra", "40", "--dec", "0", "--flare", "1", "10", "--limit-days", "2", "--trials", "0"], "need --trials"),
        (["--ra", "40", "--dec", "0", "--flare", "1", "10", "--profile", "a.fits"], "give --window once it is known"),
        (["--ra", "40", "--dec", "0", "--out", "a.xls"], "change the suffix"),
        (["--ra", "40", "--dec", "0", "--profile", "a.json"], "profiles are written as .fits, .ecsv"),
        (["--ra", "40", "--dec", "0", "--release", "icecube-15yr"], "no release 'icecube-15yr'"),
        (["--ra", "40", "--dec", "0", "--release-path", "nowhere"], "no such file or folder"),
        (["--ra", "40", "--dec", "0", "--seasons", "IC99"], "no season 'IC99'"),
        (["--ra", "40", "--dec", "0", "--seasons", ","], "at least one"),
        (["--ra", "40", "--dec", "0", "--gama", "2"], "No such option"),
        (["--ra", "40", "--dec", "0", "--spectrum", "cutoff:cutoff=100"], "cutoff = 100 has no unit"),
        (["--ra", "40", "--dec", "0", "--spectrum", "cutoff:cutoff=-1TeV"], "must be above 0"),
        (["--ra", "40", "--dec", "0", "--spectrum", "nowhere.ecsv"], "nowhere.ecsv: no such file"),
        (["..."], "is no name of a source"),
    ],
)
def test_mistakes(arguments, told, monkeypatch):
    """Told before anything is fetched."""
    monkeypatch.setattr("nusky.releases.ingest.fetch_release", lambda *_: pytest.fail("a release was fetched"))
    found = called(*arguments)
    assert found.exit_code in (1, 2)
    assert told in found.output.replace("\n", " ")
    assert "unforeseen" not in found.output


def test_a_release_with_files_missing_is_named(tmp_path):
    (tmp_path / "release").mkdir()
    found = called("--ra", "40", "--dec", "0", "--release-path", str(tmp_path / "release"))
    assert found.exit_code == 1
    assert "release" in found.output


def test_a_source_is_searched_and_written(tmp_path):
    release = registry.find("icecube-3yr")
    generate_release(tmp_path / "release", release, release.seasons, 5, 0.01, [])
    given = ["NGC 1068", "--release", "icecube-3yr", "--release-path", str(tmp_path / "release"), "--trials", "0"]
    found = called(*given, "--out", str(tmp_path / "a.json"), "--profile", str(tmp_path / "a.fits"))
    assert found.exit_code == 0, found.output
    assert "SYNTHETIC EVENTS" in found.output
    content = json.loads((tmp_path / "a.json").read_text())
    assert f"test statistic  {content['fit']['test_statistic']:.2f}" in found.output
    assert content["source"]["name"] == "NGC 1068"
    assert re.search(r"\n +from +Sources of the ten-year IceCube search\n", found.output)
    assert (tmp_path / "a.fits").read_bytes()[:6] == b"SIMPLE"
    assert called(*given, "--gamma", "9").exit_code == 1
    cut = called(*given, "--spectrum", "cutoff:gamma=2,cutoff=10TeV")
    assert cut.output.count("cutoff-power-law (gamma 2, cutoff_gev 10000, cutoff_power 1)") == 2
    blind = called(*given, "--spectrum", "power-law:energy_min=1EeV,energy_max=2EeV")
    assert blind.exit_code == 1
    assert "at log10(E/GeV) 9 to 9.30103, the energies of its spectrum" in blind.output
    unquoted = called("NGC", "1068", *given[1:])
    assert unquoted.output.startswith("search at NGC 1068, icecube-3yr")
