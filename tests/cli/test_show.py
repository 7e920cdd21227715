import csv
import io
import json

import numpy as np
import pytest

from nusky.files import write_json
from nusky.tables import Provenance, read_metadata, write_table
from tests.report import test_report as of_report

LOG = {"rule": "make", "wildcards": {}, "outputs": ["results/r/t.parquet"], "status": "finished", "host": "somewhere"}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "results/r/t.parquet"
    columns = {"name": [f"S{row}" for row in range(30)], "value_per_gev": np.linspace(0, 1, 30) / 3}
    columns |= {f"a_rather_long_column_{n}": np.full(30, np.nan) for n in range(4)}
    settings = {"gammas": [2.0], "seed": 5}
    write_table(
        path, columns, kind="things", provenance=Provenance(True, {"in.csv": "ab" * 32}, "cd" * 32, settings, (5,))
    )
    write_json(tmp_path / "results/r/logs/make.json", LOG)
    return path


def test_rows_provenance_and_run_log(nusky, table):
    result = nusky("show", table)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "things: 30 rows, 6 columns"
    assert "S19" in result.stdout
    assert "S20" not in result.stdout
    assert "10 more rows (--rows)" in lines
    assert "further columns (--columns shows them): a_rather_long_column_2, a_rather_long_column_3" in lines
    text = " ".join(result.stdout.split())
    assert "git_revision " + read_metadata(table)["git_revision"][:40] in text
    assert "synthetic True: generated events are behind it, no number is a measurement" in text
    assert "seeds 5" in text
    assert "gammas [2.0]" in text
    assert "in.csv abab" in text
    assert "run log (changes no number)" in text
    assert "host somewhere" in text


def test_rows_and_columns_can_be_chosen(nusky, table):
    result = nusky("show", table, "--rows", 2, "--columns", "name,a_rather_long_column_3")
    assert result.stdout.splitlines()[1:4] == [
        "name  a_rather_long_column_3",
        "S0                         -",
        "S1                         -",
    ]


def test_p_values_below_what_trials_can_tell_are_upper_limits(nusky, tmp_path):
    path = tmp_path / "p.parquet"
    columns = {"name": ["a", "b"], "p_local": [0.01, 0.02], "significance": [2.326, 2.054], "n_trials": [99, 99]}
    write_table(path, columns, kind="things", provenance=Provenance(False))
    for options in ((), ("--columns", "name,p_local,significance")):
        lines = nusky("show", path, *options).stdout.splitlines()
        assert [" ".join(line.split()[:5]) for line in lines[2:3]] == ["a < 0.01 > 2.326"]
        assert lines[3].split()[:3] == ["b", "0.02", "2.054"]
    assert "<" not in nusky("show", path, "--csv").stdout


def test_csv_has_every_row_in_full(nusky, table):
    rows = list(csv.DictReader(io.StringIO(nusky("show", table, "--csv").stdout)))
    assert len(rows) == 30
    assert [float(row["value_per_gev"]) for row in rows] == (np.linspace(0, 1, 30) / 3).tolist()


def test_json_is_provenance_and_run_log(nusky, table):
    told = json.loads(nusky("show", table, "--json").stdout)
    assert told["provenance"] == read_metadata(table)
    assert told["run_log"] == LOG


def test_a_table_without_run_log(nusky, tmp_path):
    write_table(tmp_path / "t.parquet", {"a": [1]}, kind="test", provenance=Provenance(False))
    text = nusky("show", "t.parquet").stdout
    assert "run log: none beside this file" in text
    assert "none: nothing random" in text


def inferred():
    """The summary of a run with p-values and limits, as the tests of the report have it."""
    return of_report.inferred() | {"seed": 1, "tables_sha256": {"a": "b"}}


def summary():
    stack = {"ts_max": 1.5, "n_signal_at_max": 3.0, "n_sources": 2, "ul95_e2dnde_100tev_gev_cm2_s": None}
    sources = [
        {"name": name, "ra_deg": 1.0, "dec_deg": 2.0, "ts_max": ts, "ns_best": 1.0}
        for name, ts in (("A", 0.5), ("B", 4.0))
    ]
    found = {"stacking": {"uniform": {"2.0": stack}}, "single_sources": sources, "notes": []}
    numbers = {"flux": {"quantity": "flux of it", "unit": "cm", "published": 1.0, "standard": 2.0}}
    return {
        "run": "r",
        "release": "icecube-3yr",
        "n_events": 3,
        "livetime_days": 1.0,
        "seed": 1,
        "git_revision": "abc",
        "config_hash": "def",
        "synthetic": True,
        "seasons": ["S"],
        "versions": {"nusky": "1"},
        "tables_sha256": {"a": "b"},
        "methods": {"standard": {"mine": found}},
        "bdm": {"supernova": "Cas A", "numbers": numbers},
    }


@pytest.mark.parametrize("what", ["results/r/summary.json", "results/r"])
def test_a_summary(nusky, tmp_path, what):
    write_json(tmp_path / "results/r/summary.json", summary())
    result = nusky("show", what)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "generated events are behind it" in text
    assert "mine uniform 2 1.5 3 2 -" in text
    assert text.index("B 1 2 4 1") < text.index("A 1 2 0.5 1")
    assert "boosted dark matter of Cas A" in text
    assert "1 2 flux of it cm" in text


def test_a_summary_begins_with_what_was_found_and_fits_on_a_terminal(nusky, tmp_path, monkeypatch):
    """Beside p-values and limits of the likelihood the scan of the same stack is left out, as in the report."""
    found = inferred()
    found["config_hash"] = 64 * "a"
    write_json(tmp_path / "results/r/summary.json", found)
    monkeypatch.setenv("COLUMNS", "80")
    lines = nusky("show", "results/r").stdout.splitlines()
    assert lines[0] == "No excess of neutrinos over background was found (p = 0.1)."
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert (
        text.index("sources of wcda-hess") < text.index("\nrun demo") < text.index("config_hash    aaaaaaaaaaaaaaaa ")
    )
    assert text.count("UL: upper limit; at 100 TeV on E2 dN/dE of one flavour, in GeV cm^-2 s^-1") == 1
    assert "flux scans of directions alone, published method" in text
    assert "standard method" not in text
    assert "largest TS" not in text


def test_other_json_is_printed(nusky, tmp_path):
    write_json(tmp_path / "release.json", {"release": "x"})
    assert json.loads(nusky("show", "release.json").stdout) == {"release": "x"}
