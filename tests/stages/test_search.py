"""Separations and scans of tables that are larger than what is in memory at once."""

import numpy as np
import pytest

from nusky import config
from nusky.stages import search
from nusky.tables import Provenance, read_columns, write_table

GAMMAS = [2.0, 3.0]
N_SOURCES = 40
AREA = {
    "response": ["r", "r"],
    "log10_energy_min_gev": [2.0, 5.0],
    "log10_energy_max_gev": [5.0, 9.0],
    "dec_min_deg": [-90.0, -90.0],
    "dec_max_deg": [90.0, 90.0],
    "aeff_cm2": [1e4, 1e6],
}
"""The same everywhere in the sky."""


@pytest.fixture
def tables(tmp_path):
    """Events, sources and what a scan needs of one season, of invented numbers."""
    rng = np.random.default_rng(3)

    def write(name, columns, kind):
        write_table(tmp_path / f"{name}.parquet", columns, kind=kind, provenance=Provenance(True))
        return tmp_path / f"{name}.parquet"

    def directions(n):
        return {"ra_deg": rng.uniform(0, 360, n), "dec_deg": np.degrees(np.arcsin(rng.uniform(-1, 1, n)))}

    n_rows = N_SOURCES * len(GAMMAS)
    integrals = {f"integral_{name}_cm2_gev": rng.uniform(1e9, 1e10, n_rows) for name in ("published", "standard")}
    listed = {"name": [f"s{i}" for i in range(N_SOURCES)], "origin": ["x"] * N_SOURCES}
    listed |= {"flux": np.ones(N_SOURCES), "flux_limit": np.zeros(N_SOURCES, bool)}
    listed |= {"duplicate_of": np.full(N_SOURCES, -1)}
    made = {
        "events": write("events", directions(3000) | {"ang_err_deg": rng.lognormal(0, 0.7, 3000)}, "events"),
        "sources": write("sources", directions(N_SOURCES) | listed, "sources"),
        "seasons": write(
            "seasons", {"season": ["s"], "response": ["r"], "livetime_s": [1e8], "span_s": [1.1e8]}, "seasons"
        ),
        "acceptance": write("acceptance", integrals, "acceptance"),
        "effective_area": write("effective_area", AREA, "effective_area"),
        "background": tmp_path / "background.parquet",
    }
    search.backgrounds({"s": made["events"]}, {"s": made["background"]})
    return made


def scanned(tables, folder):
    """Separations and scans, the columns of both."""
    folder.mkdir()
    search.separations([tables["events"]], tables["sources"], [folder / "pairs.parquet"])
    scans = {name: folder / f"scan-{name}.parquet" for name in ("published", "standard")}
    search.stacking_scans(
        sources=tables["sources"],
        seasons=tables["seasons"],
        effective_areas=tables["effective_area"],
        acceptance_table=tables["acceptance"],
        separation_tables=[folder / "pairs.parquet"],
        background_tables=[tables["background"]],
        scan_outputs=scans,
        limits_outputs={name: folder / f"limits-{name}.parquet" for name in scans},
        weighting=config.Weighting(),
        gammas=GAMMAS,
        spectrum=config.Spectrum(),
        grid=config.Scan(n_steps=60),
    )
    pairs = read_columns(folder / "pairs.parquet", kind="separations", columns=("event", "source", "psi_rad"))
    ts = [read_columns(path, kind="stacking_scan", columns=("test_statistic",))[0] for path in scans.values()]
    return pairs, np.concatenate(ts)


def test_blocks_change_no_result(tables, tmp_path, monkeypatch):
    pairs, ts = scanned(tables, tmp_path / "whole")
    assert len(pairs[0]) > 2000
    for rows in (37, 1000):
        monkeypatch.setattr(search, "BLOCK_ROWS", rows)
        in_blocks, ts_of_blocks = scanned(tables, tmp_path / str(rows))
        for column, expected in zip(in_blocks, pairs, strict=True):
            np.testing.assert_array_equal(column, expected)
        np.testing.assert_allclose(ts_of_blocks, ts, rtol=1e-9, atol=1e-9)
