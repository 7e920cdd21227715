"""Which jobs a configuration asks for."""

import copy
import os
import shutil

import pytest

from nusky.errors import TableError
from nusky.paths import Paths
from nusky.tables import read_table
from tests.workflow import plan

SYNTHETIC = {
    "run": "small",
    "release": {
        "name": "icecube-10yr",
        "seasons": ["IC79", "IC86_I"],
        "synthetic": "always",
        "generator": {"event_fraction": 0.01},
    },
    "catalogues": {
        "mine": {
            "lists": [{"builtin": "1lhaaso-wcda"}],
            "weightings": {"uniform": {}, "flux": {"column": "flux"}},
            "gammas": [2.0, 3.0],
        }
    },
    "scan": {"n_steps": 50},
    "figures": {"formats": ["png"], "dpi": 50},
}


def changed(**blocks):
    """SYNTHETIC with keys replaced, given as `block__key=value`."""
    configuration = copy.deepcopy(SYNTHETIC)
    for path, value in blocks.items():
        *parents, last = path.split("__")
        block = configuration
        for parent in parents:
            block = block[parent]
        block[last] = value
    return configuration


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which the run of SYNTHETIC has finished."""
    folder = tmp_path_factory.mktemp("finished")
    done = plan.run(SYNTHETIC, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_ten_year_analysis_asks_for_every_combination(tmp_path):
    configuration = {"run": "ten-year", "catalogues": {"wcda-hess": {}, "km2a-hess": {}, "pulsars": {}}}
    assert plan.jobs(configuration, tmp_path) == {
        "fetch_release": 1,
        "ingest_release": 1,
        "warm_up": 1,
        "build_catalogue": 3,
        "separations": 3,
        "acceptance": 3,
        "background": 1,
        "stacking_scan": 7,
        "single_sources": 2,
        "figures": 1,
        "summary": 1,
        "report": 1,
    }


def test_one_method_is_one_method(tmp_path):
    needed = plan.outputs(changed(methods=["published"]), tmp_path)
    assert any("/published/" in path for path in needed)
    assert not any("/standard/" in path for path in needed)


def test_a_finished_run_asks_for_nothing(finished):
    assert plan.jobs(SYNTHETIC, finished) == {}


def test_changing_a_weighting_recomputes_its_scan_and_no_separation(finished):
    jobs = plan.job_wildcards(changed(catalogues__mine__weightings__flux={"column": "flux", "power": 2.0}), finished)
    assert sorted(name for name, _ in jobs) == ["figures", "report", "stacking_scan", "summary"]
    assert ("stacking_scan", {"catalogue": "mine", "weighting": "flux"}) in jobs


def test_changing_a_figure_option_recomputes_no_result(finished):
    jobs = plan.jobs(changed(figures__dpi=60), finished)
    assert jobs == {"figures": 1, "report": 1}


def test_changing_the_flux_grid_recomputes_only_scans(finished):
    jobs = plan.jobs(changed(scan__n_steps=60), finished)
    assert jobs == {"stacking_scan": 2, "figures": 1, "summary": 1, "report": 1}


def test_changing_the_indices_recomputes_acceptance_but_no_separation(finished):
    jobs = plan.jobs(changed(catalogues__mine__gammas=[2.0, 2.5]), finished)
    assert jobs == {"acceptance": 1, "stacking_scan": 2, "figures": 1, "summary": 1, "report": 1}


def test_adding_a_catalogue_leaves_the_others_alone(finished):
    jobs = plan.job_wildcards(changed(catalogues__other={"lists": [{"builtin": "hess"}]}), finished)
    searched = {w.get("catalogue") for name, w in jobs if name in ("separations", "stacking_scan", "single_sources")}
    assert searched == {"other"}


def test_every_table_and_the_summary_say_synthetic(finished):
    from nusky.files import read_json
    from nusky.tables import read_metadata

    tables = list((finished / "results/small").rglob("*.parquet"))
    assert len(tables) >= 18
    # A source list holds no events: it alone is not synthetic.
    assert {t.parent.name for t in tables if not read_metadata(t)["synthetic"]} == {"sources"}
    assert read_json(finished / Paths("small").summary)["synthetic"] is True
    assert "generated" in (finished / Paths("small").report).read_text()


def test_the_summary_lists_the_digest_of_every_table(finished):
    from nusky.files import read_json, sha256

    tables = {str(path.relative_to(finished)): path for path in (finished / "results").rglob("*.parquet")}
    listed = read_json(finished / Paths("small").summary)["tables_sha256"]
    assert listed == {name: sha256(path) for name, path in tables.items()}


def test_tables_state_revision_and_seeds(finished):
    from nusky.tables import read_metadata

    tables = list((finished / "results/small").rglob("*.parquet"))
    metadata = {str(path.relative_to(finished)): read_metadata(path) for path in tables}
    assert len({content["git_revision"] for content in metadata.values()}) == 1
    # Generated events are random; source lists are not.
    seeds = {name: content["seeds"] for name, content in metadata.items()}
    assert seeds.pop("results/small/sources/mine.parquet") == []
    assert set(map(tuple, seeds.values())) == {(20220516,)}


def test_every_job_has_a_run_log(finished):
    from nusky.stages import run_log

    logs = list(run_log.all_of(finished / "results/small"))
    assert {log["status"] for log in logs} == {"finished"}
    assert {log["rule"] for log in logs} >= {"fetch_release", "separations", "stacking_scan", "summary", "report"}
    made = {output for log in logs for output in log["outputs"]}
    on_disk = (path for path in (finished / "results/small").rglob("*") if path.suffix in (".parquet", ".html"))
    assert {str(path.relative_to(finished)) for path in on_disk} <= made
    assert run_log.find(finished / Paths("small").report)["rule"] == "report"


def test_a_changed_built_in_list_is_read_again(finished, tmp_path, monkeypatch):
    from nusky.resources import resource
    from nusky.stages import origins

    other = shutil.copy(resource("catalogues/hess.ecsv"), tmp_path)
    monkeypatch.setattr(origins, "resource", lambda name: type(tmp_path)(other))
    jobs = plan.jobs(SYNTHETIC, finished)
    assert jobs["build_catalogue"] == 1
    assert "ingest_release" not in jobs


def test_columns_of_times_are_read_in_their_own_units(tmp_path):
    (tmp_path / "mine.csv").write_text("# TIMESYS = TT\nname,ra_deg,dec_deg,t0,T90 [s]\na,10,20,55500,43200\n")
    configuration = changed()
    time = {"profile": "box", "start_mjd": "t0", "duration_days": "T90 [s]"}
    configuration["catalogues"]["mine"] = {"lists": [{"file": "mine.csv"}], "time": time}
    configuration["inference"] = {}
    done = plan.run(configuration, tmp_path, "--until", "build_catalogue")
    assert done.returncode == 0, done.stderr
    (row,) = read_table(tmp_path / "results/small/sources/mine.parquet", kind="sources").to_pylist()
    assert (row["T90 [s]"], row["t0"]) == (0.5, pytest.approx(55500 - 66.184 / 86400, abs=1e-9))
    assert "build_catalogue" not in plan.jobs(configuration, tmp_path)
    time["centre_mjd"] = time.pop("start_mjd")
    assert "build_catalogue" in plan.jobs(configuration, tmp_path)


@pytest.mark.slow  # a run of its own
def test_content_of_given_files_decides_and_times_do_not(finished, tmp_path):
    (given,) = (finished / "data").glob("icecube-10yr-synthetic-*")
    release = shutil.copytree(given, tmp_path / "release")
    own = tmp_path / "mine.csv"
    own.write_text("name,ra_deg,dec_deg\na,10,20\n")
    configuration = changed(release={**SYNTHETIC["release"], "synthetic": "never", "local_path": "release"})
    configuration["release"].pop("generator")
    configuration["catalogues"]["mine"] = {"lists": [{"file": "mine.csv"}]}
    done = plan.run(configuration, tmp_path, "--until", "fetch_release", "build_catalogue")
    assert done.returncode == 0, done.stderr

    def again():
        return {"fetch_release", "build_catalogue"} & plan.jobs(configuration, tmp_path).keys()

    events = next(path for path in sorted((release / "events").iterdir()) if "IC79" in path.name)
    for path in (own, events):
        path.touch()
    assert again() == set()
    own.write_text("name,ra_deg,dec_deg\na,10,21\n")
    os.utime(own, (1e9, 1e9))
    assert again() == {"build_catalogue"}
    events.write_bytes(events.read_bytes() + b"\n")
    os.utime(events, (1e9, 1e9))
    assert again() == {"build_catalogue", "fetch_release"}


def test_a_table_of_another_run_is_refused_by_the_summary(finished, tmp_path, monkeypatch):
    from nusky.stages.summary import summarise

    monkeypatch.chdir(shutil.copytree(finished, tmp_path / "copy"))
    paths = [f"results/small/standard/limits/mine/{weighting}.parquet" for weighting in ("uniform", "flux")]
    shutil.copy2(*paths)
    with pytest.raises(TableError, match=paths[1]):
        summarise(SYNTHETIC, tmp_path / "summary.json")


def test_the_summary_names_the_code_that_made_its_tables(finished):
    from nusky.files import read_json

    summary = read_json(finished / Paths("small").summary)
    (state,) = summary["code"]
    assert state["tables"] == len(summary["tables_sha256"])
    assert state["git_revisions"] == [summary["git_revision"]]
    assert summary["warnings"] == []
