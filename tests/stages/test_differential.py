"""Differential sensitivities and limits against the whole energy range and against the effective area."""

import numpy as np
import pytest

from nusky.stages import differential, inference
from nusky.tables import read_table
from tests.stages.inferred import Job, outputs

REQUEST = {"confidence_level": 0.9, "limit_method": "asymptotic", "discovery_sigmas": (3.0,), "n_trials": 30}
EDGES = (1.0, 2.0, 4.0, 6.0)
"""The effective area of the release begins at 100 GeV: no event comes from the first part."""


@pytest.fixture(scope="module", params=["full", "spatial"])
def found(request, root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("differential")
    return request.param, run(root, folder, request.param, "stack/mine/uniform", EDGES, "differential").to_pandas()


def run(root, folder, kind, name, edges, table):
    job, made = Job(root, kind, name), outputs(folder, "differential")
    trials = job.trials(folder / "trials", 100, 100)
    job.run(differential.differential, made, inputs={"trials": trials}, log10_energy_edges=edges, request=REQUEST)
    return read_table(made["differential"], kind=table)


def test_every_part_has_its_statements(found):
    kind, rows = found
    assert rows.statement.tolist() == 3 * ["sensitivity", "upper limit"]
    assert rows.log10_energy_min_gev.tolist() == [1, 1, 2, 2, 4, 4]
    blind, seen = rows[:2], rows[2:]
    assert blind.e2dnde_gev_cm2_s.isna().all()
    assert blind.problem.str.contains("lie outside the effective area's table").all()
    assert set(seen.method) == {"Neyman"}  # the asymptotic formula knows no part of the energies
    assert set(seen.injection) == {"smearing" if kind == "full" else "gaussian (uncalibrated)"}
    assert seen.n_signal.between(1, 100).all()
    assert rows.gamma_fixed.isna().all() if kind == "full" else set(rows.gamma_fixed) == {2.0}


def test_fluxes_follow_from_the_effective_area(root, found):
    """By quadrature of A_eff E^-2 over each part: E^2 dN/dE is flat there."""
    _, rows = found
    analysis = Job(root, "full", "sources/mine").study().analysis
    _, dec, _ = inference.positions(read_table(root / "sources.parquet", kind="sources"))
    for row in rows[2:].itertuples():
        fine = np.linspace(row.log10_energy_min_gev, row.log10_energy_max_gev, 40_001)
        centre = 0.5 * (fine[1:] + fine[:-1])
        events = 0.0
        for season in analysis.seasons:
            area = analysis.areas[season.response]
            e = np.clip(np.searchsorted(area.log10_energy, centre, side="right") - 1, 0, len(area.area) - 1)
            mean = area.at(dec)[e].mean(axis=1)
            events += season.livetime_s * np.sum(mean * np.diff(10**fine) / 10 ** (2 * centre))
        assert row.e2dnde_gev_cm2_s == pytest.approx(row.n_signal / events, rel=2e-3)


def test_high_energies_need_fewer_events(found):
    kind, rows = found
    low, high = rows.n_signal[2], rows.n_signal[4]
    if kind == "full":
        assert high < low
    else:
        assert high == pytest.approx(low, rel=0.5)  # no energies: only the shares of the seasons differ


def test_sensitivity_over_declination(root, tmp_path):
    rows = run(root, tmp_path, "full", "declinations", (3.0, 5.0), "differential_sensitivity").to_pylist()
    assert [(row["dec_deg"], row["statement"]) for row in rows] == [(-40.0, "sensitivity"), (10.0, "sensitivity")]
    assert rows[0]["e2dnde_gev_cm2_s"] > 10 * rows[1]["e2dnde_gev_cm2_s"]  # atmospheric muons hide the south
