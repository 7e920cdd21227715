"""Injection, recovery and coverage as tables."""

import numpy as np
import pytest

from nusky.search.recovery import COVERED, STRENGTHS
from nusky.stages import recovery
from nusky.tables import read_metadata, read_table
from tests.stages.inferred import GAMMAS, Job, outputs

N_TRIALS = 40


def run(root, folder, name, kind, method, gamma=None):
    job, made = Job(root, kind, name, gamma), outputs(folder, "recovery", "coverage")
    request = {"confidence_level": 0.9, "limit_method": method, "discovery_sigmas": (), "n_trials": 40}
    trials = job.trials(folder / "trials", 100, 100)
    job.run(recovery.recovery, made, inputs={"trials": trials}, n_trials=N_TRIALS, request=request)
    return [
        read_table(made["recovery"], kind="injection_recovery").to_pandas(),
        read_table(made["coverage"], kind="coverage").to_pandas(),
        read_metadata(made["recovery"])["settings"]["target"],
    ]


@pytest.mark.slow
def test_a_stack_finds_what_was_injected(root, tmp_path):
    found, covered, target = run(root, tmp_path, "stack/mine/uniform", "full", "neyman")
    assert target == "mine/uniform stack"
    assert [tuple(pair) for pair in found[["gamma", "n_injected"]].to_numpy()] == [
        (gamma, n) for gamma in GAMMAS for n in STRENGTHS
    ]
    strong = found[found.n_injected == 100]
    # the model leaves a bias of the order of 10 % (docs/validation/recovery.md)
    assert (np.abs(strong.n_fitted_mean / 100 - 1) < 0.25).all()
    assert (np.abs(strong.gamma_fitted_mean - strong.gamma) < 0.2).all()
    assert (found.n_fitted_low68 <= found.n_fitted_mean).all()
    assert (found.n_fitted_mean <= found.n_fitted_high68).all()
    assert covered.n_injected.tolist() == 2 * list(COVERED)
    assert set(covered.method) == {"Neyman"}
    assert covered.coverage.mean() > 0.8
    assert (covered.coverage_high > 0.85).all()


@pytest.mark.parametrize(("method", "label"), [("feldman-cousins", "Feldman-Cousins"), ("asymptotic", "asymptotic")])
def test_one_source_stands_for_a_catalogue(root, tmp_path, method, label):
    found, covered, target = run(root, tmp_path, "sources/mine", "spatial", method, gamma=2.5)
    sources = read_table(root / "sources.parquet", kind="sources").to_pandas()
    middle = sources.dec_deg.sort_values().index[len(sources) // 2]
    assert target == f"mine, {sources.name[middle]}"
    assert found.gamma_fitted_mean.isna().all()  # the index was fixed
    assert found.n_fitted_mean[3] == pytest.approx(100, rel=0.25)
    assert set(covered.method) == {label}
    assert covered.n_trials.tolist() == 3 * [N_TRIALS]
    assert (covered.coverage_high > 0.7).all()
