"""Which jobs a configuration asks for."""

import copy

import pytest

from nusky.paths import Paths
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
