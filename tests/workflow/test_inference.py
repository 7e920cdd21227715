"""The inference as jobs: batches, what reruns when, and a whole run on a generated release with smearing tables."""

import copy
import re
import shutil

import pandas as pd
import pytest

from nusky.files import read_json
from nusky.paths import Paths
from nusky.results import open_run
from nusky.search.analysis import FULL
from nusky.tables import read_metadata, read_table
from tests.workflow import plan

SMALL = {
    "run": "inferred",
    "release": {
        "name": "icecube-3yr",
        "seasons": ["IC79-2010", "IC86-2011"],
        "synthetic": "always",
        "generator": {"event_fraction": 0.02},
    },
    "catalogues": {"mine": {"lists": [{"file": "mine.csv"}], "gammas": [2.0, 3.0]}},
    "methods": ["standard"],
    "scan": {"n_steps": 50},
    "figures": {"formats": ["png"], "dpi": 50},
    "inference": {
        "trials": 150,
        "source_trials": 100,
        "sky_trials": 10,
        "leave_one_out_sources": 1,
        "leave_one_out_trials": 10,
        "injected_trials": 20,
        "trials_per_batch": 100,
        "discovery_sigmas": [],
        "source_injected_trials": 20,
        "source_jobs": 2,
        "differential_log10_energy_gev": [3, 5, 7],
        "recovery_trials": 10,
    },
}
PATHS = Paths("inferred")


def changed(**inference):
    configuration = copy.deepcopy(SMALL)
    configuration["inference"].update(inference)
    return configuration


def inference_jobs(configuration, folder):
    return {name: n for name, n in plan.jobs(configuration, folder).items() if "inference" in name}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inferred")
    (folder / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\nB,266.4,-29.0\n")
    done = plan.run(SMALL, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_a_run_asks_for_every_batch(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    assert inference_jobs(changed(sky_trials=350, declinations_deg=[0]), tmp_path) == {
        "inference_trials": 2 + 1 + 2 * 4 + 1,  # stack, sources, skies in common of both, declinations
        "inference_fits": 1,
        "inference_source_fits": 1,
        "inference_stack_sources": 1,
        "inference_statements": 1,
        "inference_sensitivity": 1,
        "inference_limits_part": 2,
        "inference_limits": 1,
        "inference_differential": 2,
        "inference_recovery": 2,
    }


def listed(folder, n):
    (folder / "mine.csv").write_text("name,ra_deg,dec_deg\n" + "".join(f"s{i},{i % 360},{i % 89}\n" for i in range(n)))


OF_SOURCES = ("inference_trials", "inference_source_ranks", "inference_source_fits", "inference_limits_part")
OF_SOURCES += ("inference_limits", "inference_profiles", "inference_systematics", "inference_recovery")


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        # Trials of stack and sources and their common skies; profiles, systematics and recovery of both.
        (10, [2 + 1 + 2, 0, 1, 2, 1, 2, 2, 2]),
        (164, [2 + 1 + 2, 0, 1, 2, 1, 2, 2, 2]),
        (100_000, [2 + 41 * 1 + 1 + 41, 41, 1, 410, 1, 1 + 42, 1 + 42, 2]),
    ],
)
def test_sources_of_long_lists_are_shared_by_many_jobs(tmp_path, n, expected):
    listed(tmp_path, n)
    needed = plan.jobs(changed(profiles=True, systematics={}), tmp_path)
    assert [needed.get(rule, 0) for rule in OF_SOURCES] == expected


def test_flares_of_long_lists_are_shared_by_many_jobs(tmp_path):
    listed(tmp_path, 9)
    configuration = changed(sources_per_batch=5, recovery_trials=0)
    configuration["catalogues"]["mine"]["time"] = {"profile": "flare", "shortest_days": 1, "longest_days": 100}
    needed = plan.job_wildcards(configuration, tmp_path)
    assert sorted(w["hypothesis"] for rule, w in needed if rule == "inference_flares") == [
        "sources/mine",
        "sources/mine/0-of-2",
        "sources/mine/1-of-2",
    ]


@pytest.mark.slow
def test_the_batches_of_a_list_change_no_table(finished, tmp_path):
    """Bit for bit, in a run."""
    shutil.copy(finished / "mine.csv", tmp_path)
    done = plan.run(changed(sources_per_batch=2), tmp_path, "--until", "inference_source_fits")
    assert done.returncode == 0, done.stderr
    for what in ("fits", "searches", "population"):
        path = PATHS.inference(what).format(hypothesis="sources/mine")
        kind = read_metadata(finished / path)["kind"]
        expected, found = (read_table(folder / path, kind=kind) for folder in (finished, tmp_path))
        pd.testing.assert_frame_equal(found.to_pandas(), expected.to_pandas(), check_exact=True)
    assert (tmp_path / PATHS.inference("ranks").format(hypothesis="sources/mine/1-of-2")).exists()


def test_flares_are_looked_for_instead_of_limits(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    configuration = changed(recovery_trials=10)
    configuration["catalogues"]["mine"]["time"] = {"profile": "flare", "shortest_days": 1, "longest_days": 100}
    assert inference_jobs(configuration, tmp_path) == {
        "inference_trials": 1 + 1,
        "inference_source_fits": 1,
        "inference_flares": 1,
    }
    assert "results/inferred/figures/standard/flare/mine.png" in plan.outputs(configuration, tmp_path)
    configuration["catalogues"]["mine"]["time"]["limit_days"] = [10]
    jobs = inference_jobs(configuration, tmp_path)
    assert (jobs["inference_flares"], jobs["inference_limits"]) == (1, 1)


def test_light_curves_that_are_not_there_stop_the_run(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    configuration = changed(recovery_trials=0, differential_log10_energy_gev=[])
    configuration["catalogues"]["mine"]["time"] = {"profile": "light-curve", "file": "curve.csv"}
    with pytest.raises(Exception, match=r"curve\.csv"):
        plan.jobs(configuration, tmp_path)
    (tmp_path / "curve.csv").write_text("start_mjd,stop_mjd,flux\n55500,55600,1\n")
    jobs = inference_jobs(configuration, tmp_path)
    assert (jobs["inference_fits"], jobs["inference_source_fits"]) == (1, 1)


def test_profiles_and_systematic_errors_are_asked_for_by_name(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    asked = inference_jobs(changed(profiles=True, systematics={"background": 0.2}), tmp_path)
    assert asked["inference_profiles"] == 2
    assert asked["inference_systematics"] == 2


def test_what_is_switched_off_asks_for_no_job(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    off = changed(single_sources=False, differential_log10_energy_gev=[], recovery_trials=0)
    assert inference_jobs(off, tmp_path) == {
        "inference_trials": 2 + 1,
        "inference_fits": 1,
        "inference_stack_sources": 1,
        "inference_statements": 1,
    }


def test_no_inference_block_no_inference_job(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    assert inference_jobs({**SMALL, "inference": None}, tmp_path) == {}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"methods": ["published"]}, "`inference` is part of the standard method"),
        ({"inference": {"catalogues": ["yours"]}}, "names 'yours', which is not among `catalogues`"),
        ({"inference": {"weightings": ["heavy"]}}, "names 'heavy', which no catalogue it treats has"),
        ({"inference": {"differential_log10_energy_gev": [4, 3]}}, "give at least two edges that ascend"),
    ],
)
def test_an_impossible_inference_is_refused(tmp_path, block, message):
    done = plan.run({**SMALL, **block}, tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (tmp_path / "results").exists()


def test_more_trials_add_batches_and_redo_no_full_one(finished):
    jobs = plan.job_wildcards(changed(trials=350), finished)
    ranges = [(w["first"], w["stop"]) for name, w in jobs if name == "inference_trials"]
    assert sorted(ranges) == [("100", "200"), ("200", "300"), ("300", "350")]
    assert {name for name, _ in jobs} == {
        "inference_trials",
        "inference_fits",
        "inference_statements",
        "inference_differential",
        "inference_recovery",
        "corrected",
        "figures",
        "summary",
        "report",
    }


@pytest.mark.slow
def test_a_run_killed_after_its_first_batch_ends_the_same(finished):
    names = {"hypothesis": "stack/mine/uniform"}
    lost = [finished / PATHS.trials.format(**names, skies="trials", first=100, stop=150)]
    made = ("fits", "statements", "fluxes", "differential", "recovery", "coverage")
    lost += [finished / PATHS.inference(what).format(**names) for what in made]
    part = {"hypothesis": "sources/mine", "part": 1, "parts": 2}
    lost += [finished / PATHS.limits_part(what).format(**part) for what in ("limits", "hadronic")]
    before, summary = [path.read_bytes() for path in lost], read_json(finished / PATHS.summary)
    for path in (*lost, finished / PATHS.summary):
        path.unlink()
    assert inference_jobs(SMALL, finished) == {
        "inference_trials": 1,
        "inference_fits": 1,
        "inference_statements": 1,
        "inference_differential": 1,
        "inference_recovery": 1,
        "inference_limits_part": 1,
        "inference_limits": 1,
    }
    done = plan.run(SMALL, finished)
    assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in lost] == before
    assert read_json(finished / PATHS.summary)["methods"] == summary["methods"]


def test_the_summary_and_the_report_say_what_was_done(finished):
    found = read_json(finished / PATHS.summary)["methods"]["standard"]["mine"]["inference"]
    assert found["analysis"] == FULL
    stack = found["stacks"]["uniform"]
    assert [(fit["gamma_fixed"], fit["n_trials"]) for fit in stack["fits"]] == [(None, 150)]
    for gamma in ("2.0", "3.0"):
        limit = stack["statements"][gamma]["upper_limit"]
        assert (limit["method"], limit["confidence_level"], limit["injection"]) == ("Neyman", 0.9, "smearing")
        assert limit["n_signal"] > 1
    assert found["sources"]["best"]["name"] in {"A", "B"}
    assert found["sources"]["best"]["n_sky_trials"] == 10
    assert found["sources"]["population"][0]["n_sources"] == 2
    assert {row["name"] for row in stack["sources"]} == {"A", "B"}
    assert sum(row["n_signal"] for row in stack["sources"]) == pytest.approx(stack["fits"][0]["n_signal"], abs=0.1)
    corrected = read_json(finished / PATHS.summary)["corrected"]
    assert (corrected["n_skies"], len(corrected["searches"])) == (10, 3)
    assert corrected["p_value"] == min(row["p_run"] for row in corrected["searches"])
    assert 1 / 11 <= corrected["p_value"] <= 1
    assert found["sources"]["hadronic"] == []
    for name in ("A", "B"):
        [*limits] = found["sources"]["limits"][name]
        assert [(limit["gamma"], limit["method"]) for limit in limits] == [(2.0, "Neyman"), (3.0, "Neyman")]
        assert all(limit["n_trials"] >= 60 for limit in limits)
    assert [row["statement"] for row in stack["differential"]] == 2 * ["sensitivity", "upper limit"]
    assert {row["n_trials"] for row in stack["recovery"] + found["sources"]["coverage"]} == {10}
    page = re.sub("</?span[^>]*>", "", (finished / PATHS.report).read_text(encoding="utf-8"))
    for text in (
        "stack with uniform weights, spatial and energy, point spread from the smearing tables, γ fitted: TS = ",
        "150 scrambled skies",
        "Neyman",
        "from 10 full skies",
        "the share of 10 skies of background alone in which any of its 3 searches",
        "Every search of this run",
        "Binomial test of the sources of mine",
        "Sources of the stack of mine",
        "Local p-values of the sources of mine",
        "Sources of mine at every index",
        "Sensitivity and limit by energy, mine, uniform weights",
        "Injection and recovery, one source of mine",
        "Coverage of the upper limits, mine, uniform weights",
        "Synthetic events",
    ):
        assert text in page


CUT = {"shape": "cutoff-power-law", "gamma": 2.2, "cutoff_gev": 1e5, "fit": "cutoff_gev", "fit_max": 1e7}


def test_what_is_fitted_decides_trials_and_statements_and_no_separation(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\n")
    configuration = copy.deepcopy(SMALL)
    before = plan.parameters(configuration, tmp_path)
    configuration["catalogues"]["mine"]["spectrum"] = CUT
    after = plan.parameters(configuration, tmp_path)
    assert before.keys() == after.keys()
    changed_rules = {rule for rule in before if before[rule] != after[rule]}
    assert {
        "acceptance",
        "stacking_scan",
        "inference_trials",
        "inference_fits",
        "inference_statements",
    } <= changed_rules
    assert {"inference_limits_part", "inference_recovery", "inference_stack_sources"} <= changed_rules
    assert not {"separations", "background", "ingest", "sources", "fetch"} & changed_rules
    configuration["catalogues"]["mine"]["spectrum"] = {"fit": "cutoff_gev"}
    with pytest.raises(Exception, match="`fit: cutoff_gev` is not possible for this power-law"):
        plan.parameters(configuration, tmp_path)


@pytest.mark.slow
def test_a_run_that_fits_a_cutoff_says_so(tmp_path):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\nA,83.6,22.0\nB,266.4,5.0\n")
    less = {"discovery_sigmas": [], "limit_method": "asymptotic", "source_limit_method": "asymptotic"}
    less |= {"trials": 100, "source_trials": 100, "source_jobs": 1, "leave_one_out_sources": 0}
    configuration = changed(**less, differential_log10_energy_gev=[]) | {"spectrum": CUT}
    configuration["release"] = configuration["release"] | {"seasons": ["IC86-2011"]}
    done = plan.run(configuration, tmp_path)
    assert done.returncode == 0, done.stderr
    summary = read_json(tmp_path / PATHS.summary)
    found = summary["methods"]["standard"]["mine"]
    words = "cutoff-power-law (gamma 2.2, cutoff_gev 100000, cutoff_power 1)"
    assert list(found["stacking"]["uniform"]) == ["0.0"]
    assert list(found["inference"]["stacks"]["uniform"]["statements"]) == ["0.0"]
    assert read_metadata(tmp_path / PATHS.acceptance.format(catalogue="mine"))["settings"]["spectrum"] == words
    for fit in (*found["inference"]["stacks"]["uniform"]["fits"], *found["inference"]["sources"]["fits"]):
        assert (fit["gamma_fixed"], fit["gamma"]) == (None, 2.2)
        if fit["n_signal"] > 0:
            assert 1e3 <= fit["cutoff_gev_low68"] <= fit["cutoff_gev"] <= fit["cutoff_gev_high68"] <= 1.001e7
    [*recovered] = found["inference"]["stacks"]["uniform"]["recovery"]
    assert {row["log10_cutoff_gev"] for row in recovered} == {5.0}
    assert all(3 <= row["log10_cutoff_gev_fitted_mean"] <= 7 for row in recovered)
    assert [row["gamma"] for row in recovered] == [0.0] * len(recovered)
    assert {row["gamma"] for rows in found["inference"]["sources"]["limits"].values() for row in rows} == {0.0}
    opened = open_run(tmp_path / "results/inferred")
    assert "cutoff_gev" in opened.source_table("mine").data.column_names
    assert "cutoff_gev" in opened.stack_table().data.column_names
    assert "spectrum as given" in opened.verdict.limit_sentence
    page = (tmp_path / PATHS.report).read_text(encoding="utf-8")
    assert "cutoff_gev fitted), cut-off [GeV] fitted: " in page
    assert "mean fitted cut-off, log₁₀(E/GeV)" in page
