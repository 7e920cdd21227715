"""Which jobs boosted dark matter asks for."""

import copy

import pytest
from typer.testing import CliRunner

from nusky.cli.app import app
from nusky.files import read_json
from tests.workflow import plan

ONLY = {
    "run": "dark",
    "bdm": {
        "n_l": 80,
        "n_b": 40,
        "nside": 8,
        "n_masses": 3,
        "mx_min_mev": 0.5,
        "n_times": 4,
        "n_sigma": 4,
        "n_angles": 4,
    },
    "figures": {"formats": ["png"], "dpi": 50},
}
EVERYTHING_AFTER = {"summary": 1, "report": 1}


def changed(**keys):
    configuration = copy.deepcopy(ONLY)
    configuration["bdm"].update(keys)
    return configuration


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dark")
    done = plan.run(ONLY, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_without_a_search_asks_for_no_event(tmp_path):
    jobs = plan.jobs(ONLY, tmp_path)
    stages = ("warm_up", "sky_map", "cross_sections", "light_curve", "events", "numbers", "figures")
    assert jobs == {f"bdm_{stage}": 1 for stage in stages} | EVERYTHING_AFTER


def test_a_search_without_the_block_asks_for_none_of_it(tmp_path):
    jobs = plan.jobs({"run": "x", "catalogues": {"wcda-hess": {}}}, tmp_path)
    assert not [name for name in jobs if name.startswith("bdm")]
    assert jobs["stacking_scan"] == 2


def test_the_run_ends_with_summary_and_page(finished):
    summary = read_json(finished / "results/dark/summary.json")
    assert summary["release"] is None
    assert summary["bdm"]["numbers"]["t_van"]["standard"] == pytest.approx(557.0656, rel=1e-6)
    tables = {str(path.relative_to(finished)) for path in (finished / "results/dark/bdm").glob("*.parquet")}
    assert set(summary["tables_sha256"]) == tables
    assert "results/dark/bdm/numbers.parquet" in tables
    assert "Cas A" in (finished / "results/dark/report.html").read_text()


def test_the_run_can_be_shown(finished):
    shown = CliRunner().invoke(app, ["show", str(finished / "results/dark")])
    assert shown.exit_code == 0, shown.output
    assert "boosted dark matter of Cas A" in shown.output
    assert "end of the signal" in shown.output


def test_a_finished_run_asks_for_nothing(finished):
    assert plan.jobs(ONLY, finished) == {}


@pytest.mark.parametrize(
    ("keys", "jobs"),
    [
        ({"n_times": 5}, {"bdm_light_curve": 1, "bdm_figures": 1}),
        ({"n_masses": 4}, {"bdm_events": 1, "bdm_figures": 1}),
        ({"n_sigma": 5}, {"bdm_cross_sections": 1, "bdm_figures": 1}),
        ({"override": {"sigma_xe_cm2": 1e-36}}, {"bdm_numbers": 1, "bdm_figures": 1}),
        ({"n_l": 90}, {"bdm_sky_map": 1, "bdm_numbers": 1, "bdm_figures": 1}),
    ],
)
def test_a_change_recomputes_what_depends_on_it(finished, keys, jobs):
    assert plan.jobs(changed(**keys), finished) == jobs | EVERYTHING_AFTER


def test_a_figure_option_recomputes_no_result(finished):
    assert plan.jobs({**ONLY, "figures": {"formats": ["png"], "dpi": 60}}, finished) == {"bdm_figures": 1, "report": 1}


def test_a_time_after_the_signal_stops_the_run_with_its_reason(tmp_path):
    done = plan.run(changed(t_yr=600), tmp_path)
    assert done.returncode != 0
    assert "the signal ends after 557.1 years" in done.stderr
    assert not (tmp_path / "results/dark/summary.json").exists()


def test_limits_are_made_where_asked_for(tmp_path, finished):
    own = tmp_path / "mine.yaml"
    own.write_text(
        "{title: Mine, targets: {electron: {number: 1e33}}, start_year: 2000, stop_year: 2010, window_mev: [5, 20], "
        "efficiency: 1, background: {per_year: 5}}"
    )
    asked = changed(exclusion={"detectors": ["super-k", str(own)], "n_masses": 3})
    jobs = {"bdm_exclusion": 1, "bdm_figures": 1}
    assert plan.jobs(asked, finished) == jobs | EVERYTHING_AFTER
