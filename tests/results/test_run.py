import shutil
import subprocess
import sys

import numpy as np
import pytest
from astropy import units as u

from nusky.errors import TableError
from nusky.results import open_run
from nusky.tables import Provenance, write_table

FLUX = u.GeV / u.cm**2 / u.s
CALLS = {
    "scan": lambda run: run.scan("mine", "uniform"),
    "published scan": lambda run: run.scan("mine", "uniform", "published"),
    "limits": lambda run: run.limits("mine"),
    "single sources": lambda run: run.single_sources("mine"),
    "statements": lambda run: run.statements("mine", "uniform"),
    "p-values": lambda run: run.source_p_values("mine"),
    "population": lambda run: run.population("mine"),
    "stack sources": lambda run: run.stack_sources("mine", "uniform"),
    "searches": lambda run: run.searches(),
    "sky map": lambda run: run.sky_map,
    "light curve": lambda run: run.bdm("light_curve"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_result_has_a_table_a_figure_and_html(run, call):
    result = call(run)
    table, axes = result.to_table(), result.plot()
    assert len(table) == len(result) > 0
    assert table.meta == {"title": result.title, "synthetic": result.synthetic}
    assert axes is axes.figure.axes[0]
    assert axes.has_data()
    page = result._repr_html_()
    assert result.title in page
    assert page.count("<table") == page.count("</table>") == 1
    assert ("not a measurement" in page) is result.synthetic
    assert f"{len(result)} rows" in repr(result)


def test_columns_have_units_and_the_numbers_of_the_files(run):
    limits = run.limits("mine").to_table()
    assert limits["ul95_e2dnde_100tev_gev_cm2_s"].quantity[0] == 2e-9 * FLUX
    assert limits["weighting"][0] == "uniform"
    assert limits["ts_max"].unit is None
    assert run.scan("mine", "uniform").to_table()["phi0_per_ev"].unit == 1 / (u.eV * u.cm**2 * u.s)
    assert run.single_sources("mine").to_table()["ra_deg"].quantity[1] == 2.5 * u.deg
    assert run.bdm("light_curve").to_table()["t_yr"].unit == u.yr


def test_only_results_of_generated_events_warn(run):
    assert run.scan("mine", "uniform").synthetic
    assert not run.single_sources("mine").synthetic


def test_names_are_escaped_and_long_tables_cut(run):
    assert "a&lt;b" in run.single_sources("mine")._repr_html_()
    assert "The first 20 of 50 rows." in run.scan("mine", "uniform")._repr_html_()


def test_statements_are_drawn_with_all_their_trials(run):
    axes = run.statements("mine", "uniform").plot()
    assert any("p = 0.04" in text.get_text() for text in axes.get_legend().get_texts())
    assert any("8" in text.get_text() for text in (*axes.texts, *axes.get_legend().get_texts()))


def test_the_run_says_what_there_is(run):
    assert run.catalogues == ["mine"]
    assert run.weightings("mine") == ["uniform"]
    page = run._repr_html_()
    calls = ("scan('mine', 'uniform')", "statements('mine', 'uniform')", "source_p_values", "sky_map", "bdm('events')")
    for call in calls:
        assert call.replace("'", "&#x27;") in page
        assert call in repr(run)
    assert "limits('mine', method='published')" in repr(run)
    assert run.bdm_numbers()["flux_model"]["standard"] == 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.scan("his", "uniform"), r"summary\.json: no catalogue 'his'; there is mine\."),
        (lambda run: run.scan("mine", "flux"), r"no weighting 'flux'; there is uniform\."),
        (lambda run: run.limits("mine", "best"), r"no method 'best'; there is published, standard\."),
        (lambda run: run.bdm("sky"), r"no result of boosted dark matter 'sky'; there is sky_map, "),
        (lambda run: run.single_sources("mine", "published"), r"published/single/mine\.parquet: no such table"),
    ],
)
def test_what_is_not_there_is_named(run, call, message):
    with pytest.raises(TableError, match=message):
        call(run)


def test_parts_that_were_not_configured_are_named(run, monkeypatch):
    monkeypatch.setitem(run.summary, "bdm", None)
    monkeypatch.setitem(run.summary, "skymap", None)
    monkeypatch.setitem(run.summary, "corrected", None)
    with pytest.raises(TableError, match=r"this run has no p-value\. Add an `inference` block and run\."):
        run.searches()
    with pytest.raises(TableError, match=r"this run has no boosted dark matter\. Add a `bdm` block and run\."):
        run.bdm("events")
    with pytest.raises(TableError, match=r"this run has no all-sky map\. Add a `skymap` block and run\."):
        _ = run.sky_map


def test_what_the_summary_was_not_written_from_is_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "moved")
    stack = copy / "standard/inference/stack/mine/uniform"
    shutil.copy(stack / "trials/0-4.parquet", stack / "trials/0-8.parquet")  # of an earlier run: left alone
    assert open_run(copy).statements("mine", "uniform").plot().has_data()
    shutil.copy(stack / "trials/4-8.parquet", stack / "trials/0-4.parquet")
    table = copy / "published/scan/mine/uniform.parquet"
    write_table(table, {"gamma": [2.0]}, kind="stacking_scan", provenance=Provenance(False))
    for call, name in (
        (lambda run: run.statements("mine", "uniform"), "0-4"),
        (lambda run: run.scan("mine", "uniform", "published"), "published/scan"),
    ):
        with pytest.raises(TableError, match=rf"{name}.*not the table that .*summary\.json was written from"):
            call(open_run(copy))


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(TableError, match=r"summary\.json"):
        open_run(tmp_path)


def test_missing_numbers_stay_missing(run):
    assert np.isnan(run.single_sources("mine").to_table()["ts_max"][1])


def test_looking_at_results_imports_no_kernels_and_nothing_that_draws():
    heavy = ("numba", "scipy", "matplotlib", "astropy", "pandas", "pydantic")
    code = f"import sys, nusky.results.search; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
