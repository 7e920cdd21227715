"""`nusky table` and `nusky methods`, on the summary of a run with p-values and limits."""

import csv
import io
import re

import pytest
from astropy.table import Table

from nusky.files import read_json, write_json
from tests.report.test_report import inferred, windowed

SPOT = {"ra_deg": 77.4, "dec_deg": 5.7, "test_statistic": 12.5, "n_signal": 9.0, "gamma": 2.1, "p_local": 0.01}
SPOT |= {"p_local_tail": 1e-5, "extrapolated": True, "n_trials": 100}


@pytest.fixture
def run(tmp_path):
    """The folder of a run of which there is the summary alone."""
    write_json(tmp_path / "demo" / "summary.json", inferred() | {"seed": 7, "tables_sha256": {}})
    return tmp_path / "demo"


def test_csv_has_every_number_in_full(nusky, run):
    result = nusky("table", run, "--csv", "--columns", "all")
    assert result.exit_code == 0, result.output
    first, second = csv.DictReader(io.StringIO(result.stdout))
    assert first["name"] == "A <1>"  # the most significant first
    found = {key: float(first[key]) for key in ("p_local", "p_post", "n_signal", "gamma", "ra_deg", "dec_deg")}
    assert found == {"p_local": 0.02, "p_post": 0.12, "n_signal": 6.5, "gamma": 2.5, "ra_deg": 10.0, "dec_deg": 20.0}
    assert float(first["limit_e2dnde_100tev_gev_cm2_s"]) == 2e-9
    # the limit is about 1.2 TeV to 2.5 PeV: at 1 TeV it says nothing
    assert first["limit_e2dnde_1tev_gev_cm2_s"] in ("", "nan")
    assert second["limit_e2dnde_100tev_gev_cm2_s"] in ("", "nan")


def test_ecsv_has_units(nusky, run):
    result = nusky("table", run, "--ecsv", "--of", "stacks")
    table = Table.read(result.stdout, format="ascii.ecsv")
    assert str(table["limit_e2dnde_100tev_gev_cm2_s"].unit) == "GeV / (s cm2)"
    assert table["limit_e2dnde_100tev_gev_cm2_s"][0] == 3.1e-9
    assert table["p_local"][0] == 0.15


def test_latex_escapes_and_has_as_many_cells_as_columns(nusky, tmp_path):
    summary = inferred() | {"seed": 7, "tables_sha256": {}}
    for fit in summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"]["fits"]:
        fit["name"] = "A_1 & η Car"
    write_json(tmp_path / "demo" / "summary.json", summary)
    result = nusky("table", tmp_path / "demo", "--latex", "--columns", "name,p_local,limit_n_signal")
    assert result.exit_code == 0, result.output
    text = result.stdout
    assert r"A\_1 \& $\eta$ Car & $0.02$" in text
    body = text.split(r"\hline")[3].strip().splitlines()
    assert len(body) == 2
    assert all(line.replace(r"\&", "").count("&") == 2 and line.endswith(r"\\") for line in body)


def test_what_the_limits_are_stands_with_them(nusky, run):
    told = "Upper limits at 90 % confidence level (Neyman), one flavour of neutrinos plus antineutrinos, for γ = 2.5"
    energies = "; the energies hold the central 90 % of the expected signal."
    assert told + energies in " ".join(nusky("table", run).stdout.split())
    assert told in Table.read(nusky("table", run, "--ecsv").stdout, format="ascii.ecsv").meta["limits"]
    latex = nusky("table", run, "--latex", "--columns", "name,limit_e2dnde_100tev_gev_cm2_s").stdout
    caption = told.replace("%", r"\%").replace("γ", r"$\gamma$")
    assert rf"{caption}.}}" in latex
    assert r"$(E^2\mathrm{d}N/\mathrm{d}E)^\mathrm{up}$, 100 TeV" in latex
    assert "Upper limits" not in nusky("table", run, "--latex", "--columns", "name,p_local").stdout


def test_limits_in_windows_are_fluences_too(nusky, run, tmp_path):
    write_json(tmp_path / "flaring" / "summary.json", windowed() | {"seed": 7, "tables_sha256": {}})
    for of in ("sources", "stacks"):
        steady, shining = (
            nusky("table", tmp_path / name, "--of", of, "--latex").stdout for name in ("demo", "flaring")
        )
        for told in ("fluxes are those in the window, or at the peak", r"$(E^2F)^\mathrm{up}$, 100 TeV & "):
            assert told in shining
            assert told not in steady
    table = Table.read(nusky("table", tmp_path / "flaring", "--ecsv").stdout, format="ascii.ecsv")
    assert table["limit_e2_fluence_100tev_gev_cm2"][0] == pytest.approx(2e-9 * 864_000)
    assert str(table["limit_e2_fluence_100tev_gev_cm2"].unit) == "GeV / cm2"
    shown = nusky("show", tmp_path / "flaring").stdout
    assert "in the window, or at the peak; fluence: E2 times the flux integrated over time" in shown
    assert "UL fluence" in shown
    assert "fluence" not in nusky("show", run).stdout


def test_a_p_value_that_no_trial_reached_is_a_bound_wherever_people_read_it(nusky, run):
    summary = read_json(run / "summary.json")
    for fit in summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"]["fits"]:
        fit |= {"p_local": 1 / 101, "p_post": 1 / 61}
    write_json(run / "summary.json", summary)
    written = nusky("table", run, "--latex", "--columns", "name,p_local,p_post").stdout
    assert r"A $<$1$>$ & $< 0.0099$ & $< 0.016$" in written
    for arguments in (["show", run], ["table", run, "--columns", "name,p_local,p_post"]):
        assert re.search(r"A <1>.*< 0\.0099\s+< 0\.016", nusky(*arguments).stdout)
    (first, _) = csv.DictReader(io.StringIO(nusky("table", run, "--csv").stdout))
    assert float(first["p_local"]) == 1 / 101  # for programs, numbers


def test_hot_spots_come_from_the_map(nusky, refused, run):
    assert "no all-sky map" in refused("table", run, "--of", "spots")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--of", "galaxies"), "--of: 'galaxies' is not one of 'sources', 'stacks', 'spots'"),
        (("--columns", "name,colour"), "no column colour; there is name,"),
        (("--columns", ""), "no column without a name; there is name,"),
        (("--columns", "name,p_local,name"), "name stands there twice; keep one"),
        (("--columns", "name", "ra"), "not expected here: ra"),
        (("--csv", "--latex"), "choose one of"),
        (("--of", "spots", "--catalogue", "wcda-hess"), "hot spots belong to no catalogue"),
        (("--rows", "0"), "--rows: must be at least 1 (given: '0')"),
        (("--rows", "few"), "--rows: must be a whole number (given: 'few')"),
        (("--tex",), "No such option: --tex"),
    ],
)
def test_mistakes_have_a_sentence(refused, run, options, message):
    assert message in refused("table", run, *options, status=2)


def test_a_catalogue_that_is_none_has_a_sentence(refused, nusky, run):
    for of in ("sources", "stacks"):
        assert "no catalogue 'other'; there is wcda-hess" in refused("table", run, "--of", of, "--catalogue", "other")
    chosen = nusky("table", run, "--of", "stacks", "--catalogue", "wcda-hess", "--csv")
    assert chosen.stdout == nusky("table", run, "--of", "stacks", "--csv").stdout


@pytest.mark.parametrize("command", ["table", "methods", "show"])
def test_a_folder_without_a_run_is_said(refused, run, command):
    results = run.parent / "results"
    results.mkdir()
    run.rename(results / "demo")
    assert "nothing: no such folder of a run. Give one with a summary.json" in refused(command, "nothing")
    assert "Did you mean results/demo?" in refused(command, "demo")
    assert "no run has finished here, as there is no summary.json. Did you mean results/demo?" in refused(
        command, "results"
    )
    if command != "show":
        assert "is a file. Give the folder of the run, such as results/demo" in refused(
            command, "results/demo/summary.json"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'RUN': folder of a finished run, such as results/demo."),
        (["demo", "--bib"], "No such option: --bib. Did you mean --bibtex?"),
        (["demo", "--latex"], "No such option: --latex"),
        (["demo", "demo2"], "not expected here: demo2"),
        (["demo", "--bibtex=yes"], "--bibtex"),
    ],
)
def test_mistakes_at_methods_have_a_sentence(refused, run, arguments, message):
    assert message in refused("methods", *arguments, status=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[]", "holds a JSON list"), ("{", "not valid JSON"), ('{"run": "x"}', "the key 'methods' is missing")],
)
def test_a_summary_that_is_none_has_a_sentence(refused, run, content, message):
    (run / "summary.json").write_text(content)
    for command in ("methods", "table"):
        assert message in refused(command, run)


def test_the_methods_paragraph_has_the_numbers_and_the_references_it_cites(nusky, run):
    text = nusky("methods", run).stdout
    paragraph, _, references = text.partition("@")
    assert r"229\,377 track-like events" in paragraph
    assert r"$E^2\,\mathrm{d}N/\mathrm{d}E < 3.10\times10^{-9}" in paragraph
    assert "$p=0.1$" in paragraph
    cited = set(re.findall(r"\\citep\{([^}]+)\}", paragraph))
    assert cited == set(re.findall(r"@\w+\{([^,]+),", "@" + references))
    assert "IceCube:2016tpw" in cited
    assert nusky("methods", run, "--bibtex").stdout.strip() == ("@" + references).strip()


def test_the_methods_paragraph_of_a_map_and_stacks_alone(nusky, run):
    summary = read_json(run / "summary.json")
    summary["methods"]["standard"]["wcda-hess"]["inference"]["sources"] = None
    write_json(run / "summary.json", summary)
    paragraph, _, references = nusky("methods", run).stdout.partition("@")
    assert r"p=0.1$ \citep{WestfallYoung1993}" in paragraph
    assert "book{WestfallYoung1993" in references
    assert "whole sky" not in paragraph
    hottest = {"hemisphere": "north", "n_trials": 500, "n_sky_trials": 40}
    summary["skymap"] = {"analysis": "spatial only", "gamma": 2.5, "hottest": [hottest]}
    write_json(run / "summary.json", summary)
    text = nusky("methods", run).stdout
    assert r"searched with the terms `spatial only' and $\gamma=2.5$ fixed; 500 scrambled skies" in text
    assert "40 full skies correct those of the hottest spots" in text


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ({"profile": "box"}, r"The flux of the sources of wcda-hess changes with time (box), as does the likelihood"),
        (
            {"profile": "flare", "shortest_days": 10.0, "longest_days": "own"},
            "In each source of wcda-hess a flare of unknown time was sought, a box of 10 to its own days of good runs",
        ),
    ],
)
def test_the_methods_paragraph_tells_windows(nusky, run, time, told):
    summary = read_json(run / "summary.json")
    inference = summary["methods"]["standard"]["wcda-hess"]["inference"]
    inference["time"] = {"scramble": "times"} | time
    write_json(run / "summary.json", summary)
    text = nusky("methods", run).stdout
    assert told in text
    assert "skies of wcda-hess permute the times" in text
    assert "100\\,TeV in the window, or at the peak, for" in text
    assert r"\citep{Braun:2009wp}" in text.partition("@")[0]
    assert "@article{Braun:2009wp" in text


def test_the_methods_paragraph_writes_energies_in_handy_units_and_given_spectra_in_words(nusky, run):
    summary = read_json(run / "summary.json")
    stack = summary["methods"]["standard"]["wcda-hess"]["inference"]["stacks"]["uniform"]
    stack["fits"][0]["gamma_fixed"] = 0.0
    write_json(run / "summary.json", summary)
    text = nusky("methods", run).stdout
    assert r"lying between 1.2\,TeV and 2.5\,PeV" in text
    assert "weights the spectrum was as given; 100 scrambled skies" in text
    assert not re.search(r"\de[+-]\d", text.partition("@")[0])


def test_latex_has_three_digits_of_large_numbers(nusky, run):
    text = nusky("table", run, "--latex", "--columns", "name,energy_min_gev,energy_max_gev").stdout
    assert r"$1.23\times10^{3}$ & $2.50\times10^{6}$" in text


def test_show_prints_verdict_sources_and_limits(nusky, run):
    text = nusky("show", run).stdout
    assert "p = 0.1 for the run" in " ".join(text.split())
    assert re.search(r"A <1>\s+1\.7\s+6\.5\s+0\.02\s+0\.12\s+2e-09", text)
    assert re.search(r"wcda-hess\s+uniform\s+1\.7\s+6\.5\s+0\.15\s+3\.1e-09", text)
