"""Profiles and systematic errors of a stack and of sources as tables, and what the report makes of them."""

import pytest

from nusky.report.inference import inference_tables
from nusky.results.profile import profile_table
from nusky.stages import inference_summary
from nusky.stages.profiles import profiles
from nusky.stages.systematics import systematics
from nusky.tables import read_table
from tests.stages.inferred import Job, outputs

SIZES = {"effective_area": 0.1, "background": 0.2}
REQUEST = {"confidence_level": 0.9, "limit_method": "asymptotic", "discovery_sigmas": (), "n_trials": 10}


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    folder, job = tmp_path_factory.mktemp("systematics"), Job(root, "spatial", "stack/mine/uniform", 2.5)
    written = outputs(folder, "systematics", "profiles")
    trials = job.trials(folder, 30, 30)
    job.run(systematics, outputs(folder, "systematics"), inputs={"trials": trials}, request=REQUEST, sizes=SIZES)
    job.run(profiles, outputs(folder, "profiles"))
    return written


def test_every_effect_has_a_row_for_each_statement(made):
    table = read_table(made["systematics"], kind="systematics")
    found = list(zip(table["statement"].to_pylist(), table["effect"].to_pylist(), strict=True))
    assert found == [(s, e) for s in ("upper limit", "sensitivity") for e in (*SIZES, "all")]
    assert set(table["method"].to_pylist()) == {"neyman"}  # an asymptotic limit has no trials
    assert table["shift_low"].to_pylist()[0] == pytest.approx(1 / 1.1 - 1)


def test_the_report_shows_them(made):
    checks = inference_summary._checks({"systematics": made["systematics"]})
    found = {
        "analysis": "spatial only",
        "stacks": {"uniform": {"statements": {}, "sources": [], **checks}},
        "sources": None,
    }
    *_, (title, columns, rows, _) = inference_tables(found, "mine")
    assert title.startswith("Systematic errors")
    assert len(rows) == 2 * (len(SIZES) + 1)
    assert rows[0][columns.index("effect")] == "effective area"


def test_a_profile_of_the_stack_is_kept(root, made):
    rows = read_table(made["profiles"], kind="likelihood_profiles").to_pylist()
    table = profile_table(rows, {})
    best = Job(root, "spatial", "stack/mine/uniform", 2.5).study().target(0).experiment.observed[0]
    assert table["gamma"].tolist() == [2.5]
    assert table["norm"][0] == pytest.approx(best[0], abs=1e-6)
    assert -table["stat_scan"][0].min() == pytest.approx(best[2], abs=1e-4)
