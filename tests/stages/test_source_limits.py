"""Limits of single sources: parts, methods, and hadronic fractions."""

import numpy as np
import pytest

from nusky.stages import source_limits
from nusky.tables import read_metadata, read_table
from tests.stages.inferred import Job, outputs

N_SOURCES = 6


def request(method="neyman", n_trials=30):
    return {"confidence_level": 0.9, "limit_method": method, "discovery_sigmas": (), "n_trials": n_trials}


def limits(root, trials, folder, asked, n_parts, kind="spatial", gamma=2.5):
    job = Job(root, kind, "sources/mine", gamma)
    parts = [outputs(folder / str(part), *source_limits.KINDS) for part in range(n_parts)]
    for part, made in enumerate(parts):
        numbers = {"part": part, "parts": n_parts}
        job.run(source_limits.part, made, inputs={"trials": trials}, request=asked, **numbers)
    whole = outputs(folder, *source_limits.KINDS, "gamma_rays")
    joined = {name: [made[name] for made in parts] for name in source_limits.KINDS}
    job.run(source_limits.whole, whole, inputs=joined, request=asked)
    return whole


@pytest.fixture(scope="module")
def trials(root):
    return Job(root, "spatial", "sources/mine", 2.5).trials(root / "limits", 100, 60)


@pytest.fixture(scope="module")
def neyman(root, trials, tmp_path_factory):
    return limits(root, trials, tmp_path_factory.mktemp("neyman"), request(), 1)


def bands(table):
    return table[[f"expected_{name}_e2dnde_100tev_gev_cm2_s" for name in ("low95", "median", "high95")]].to_numpy()


def test_calibrated_limits_have_trials_errors_and_expected_ranges(neyman):
    found = read_table(neyman["limits"], kind="source_limits").to_pandas()
    assert found.source.tolist() == list(range(N_SOURCES))
    assert set(found.method) == {"Neyman"}
    assert set(found.injection) == {"gaussian (uncalibrated)"}
    assert set(found.problem) == {""}
    assert (found.n_trials >= 3 * 30).all()
    assert found.n_signal.between(1.5, 60).all()
    error = found.n_signal_error / found.n_signal  # 0.05 to 0.08 with 300 trials; with 30 the error is a rough one
    assert error.between(0.005, 1).all()
    assert error.median() < 0.3
    np.testing.assert_allclose(found.phi0_per_gev, found.n_signal / found.events_per_phi0_gev)
    assert (np.diff(bands(found), axis=1) >= 0).all()


def test_a_limit_excludes_its_strength_in_nine_of_ten_trials(root, neyman):
    """Fresh trials at the limit lie above the observed TS with the probability of the confidence level."""
    row = read_table(neyman["limits"], kind="source_limits").slice(0, 1).to_pylist()[0]
    target = Job(root, "spatial", "sources/mine", 2.5).study().target(0)
    fresh = target.experiment.named("fresh").trial_ts(target.signal(2.5))
    above = np.mean(fresh(row["n_signal"], 400, 0) > row["threshold_ts"])
    # the limit's own error, as a change of the share that exceeds, and four binomial ones
    beyond = np.mean(fresh(row["n_signal"] + row["n_signal_error"], 400, 1) > row["threshold_ts"])
    assert abs(above - 0.9) < 4 * (0.3 / 20 + abs(beyond - above) + 0.01)


def test_the_number_of_parts_changes_no_limit(root, trials, tmp_path):
    asked = request(n_trials=10)
    tables = []
    for n_parts in (1, 4):
        (tmp_path / str(n_parts)).mkdir()
        whole = limits(root, trials, tmp_path / str(n_parts), asked, n_parts)
        tables.append([read_table(whole[name], kind=kind).to_pandas() for name, kind in source_limits.KINDS.items()])
    assert all(one.equals(other) for one, other in zip(*tables, strict=True))  # missing numbers are equal, too


def test_more_parts_than_sources_leave_some_empty(root, trials, tmp_path):
    whole = limits(root, trials, tmp_path, request("asymptotic"), 8)
    assert read_table(tmp_path / "7/limits.parquet", kind="source_limits").num_rows == 0
    assert read_table(whole["limits"], kind="source_limits").num_rows == N_SOURCES


def test_asymptotic_limits_need_no_trial_and_are_never_below_that_of_no_event(root, trials, tmp_path):
    whole = limits(root, trials, tmp_path, request("asymptotic"), 1)
    found = read_table(whole["limits"], kind="source_limits").to_pandas()
    assert set(found.method) == {"asymptotic"}
    assert set(found.injection) == {"none (uncalibrated)"}
    assert (found.n_trials == 0).all()
    assert found.n_signal.min() >= -np.log(0.1)
    assert (np.diff(bands(found), axis=1) >= 0).all()
    assert set(read_table(whole["hadronic"], kind="hadronic_limits").to_pandas().method) == {"asymptotic"}


@pytest.mark.slow
def test_feldman_cousins_limits_are_labelled_and_of_the_size_of_the_others(root, trials, neyman, tmp_path):
    whole = limits(root, trials, tmp_path, request("feldman-cousins", n_trials=80), 1)
    found = read_table(whole["limits"], kind="source_limits").to_pandas()
    other = read_table(neyman["limits"], kind="source_limits").to_pandas()
    assert set(found.method) == {"Feldman-Cousins"}
    assert (found.n_signal / other.n_signal).between(0.4, 2.5).all()
    assert (found.n_signal_low <= found.n_signal).all()


def test_too_few_trials_are_named_where_there_is_no_limit(root, trials, tmp_path, monkeypatch):
    monkeypatch.setattr("nusky.search.calibration._MAX_STRENGTHS", 2)
    whole = limits(root, trials, tmp_path, request(n_trials=10), 1)
    found = read_table(whole["limits"], kind="source_limits").to_pandas()
    assert found.n_signal.isna().all()
    assert found.problem.str.contains("is still not exceeded in nearly every trial. Check that the injected").all()


def test_hadronic_fractions_use_the_sources_own_spectra(root, neyman):
    rows = read_table(neyman["hadronic"], kind="hadronic_limits").to_pylist()
    sources = {row["name"]: row for row in read_table(root / "sources.parquet", kind="sources").to_pylist()}
    assert rows[-1]["name"] == "all sources"
    assert rows[-1]["n_sources"] == len(rows) - 1
    assert rows[-1]["n_hadronic"] == pytest.approx(sum(row["n_hadronic"] for row in rows[:-1]))
    assert rows[-1]["gamma"] is None
    for row in rows[:-1]:
        assert row["gamma"] == sources[row["name"]]["spectral_index"]
        assert not sources[row["name"]]["flux_limit"]
    for row in rows:
        assert (row["method"], row["injection"], row["problem"]) == ("Neyman", "gaussian (uncalibrated)", "")
        assert row["n_trials"] >= 3 * 30
        assert row["fraction_limit"] == pytest.approx(row["n_signal_limit"] / row["n_hadronic"])
        assert row["fraction"] == pytest.approx(row["n_signal"] / row["n_hadronic"])
        assert row["fraction_sensitivity"] * row["n_hadronic"] > 1
        assert 0 < row["p_local"] <= 1
        assert (row["energy_min_gev"], row["energy_max_gev"]) == (500.0, 12500.0)  # WCDA: 1-25 TeV gamma rays
        assert 0 < row["n_hadronic_error"] < row["n_hadronic"]
        assert row["n_hadronic_capped"] == 0.0
        low, high = row["events_energy_min90_gev"], row["events_energy_max90_gev"]
        assert row["energy_min_gev"] <= low < high <= row["energy_max_gev"] * (1 + 1e-9)


def test_the_gamma_rays_and_the_neutrinos_they_allow_are_tabulated(root, neyman):
    table = read_table(neyman["gamma_rays"], kind="gamma_rays").to_pandas()
    row = read_table(root / "sources.parquet", kind="sources").to_pylist()[0]
    own = table[table.source == 0]
    energy = own.gamma_energy_gev.to_numpy() / 1e3
    n0 = row["flux"] * row["flux_unit_per_tev_cm2_s"] * (energy / row["pivot_tev"]) ** -row["spectral_index"]
    np.testing.assert_allclose(own.gamma_e2dnde_gev_cm2_s, 1e3 * energy**2 * n0)
    share = np.hypot(
        row["flux_error"] / row["flux"], row["spectral_index_error"] * np.log(energy / row["pivot_tev"])
    )  # to first order
    np.testing.assert_allclose(own.gamma_e2dnde_error_gev_cm2_s / own.gamma_e2dnde_gev_cm2_s, share, rtol=0.03)
    np.testing.assert_allclose(own.neutrino_energy_gev, own.gamma_energy_gev / 2)
    np.testing.assert_allclose(own.neutrino_e2dnde_gev_cm2_s, own.gamma_e2dnde_gev_cm2_s / 2)


def test_tables_say_how_they_were_made(neyman):
    for path in neyman.values():
        metadata = read_metadata(path)
        assert metadata["synthetic"] is True
        assert metadata["settings"]["request"]["limit_method"] == "neyman"
