"""Whole runs with the command users type."""

import json

import numpy as np
import pytest

from nusky.files import read_json
from nusky.tables import read_metadata, read_table
from tests import release_files as files
from tests.workflow import plan

SEASONS = ("IC40", "IC79", "IC86_I")

SMALL = {
    "run": "bad",
    "release": {
        "name": "icecube-10yr",
        "seasons": ["IC40"],
        "synthetic": "always",
        "generator": {"event_fraction": 0.01},
    },
    "catalogues": {"mine": {"lists": [{"file": "mine.csv"}]}},
}


@pytest.fixture(scope="module")
def real_run(validation_data, tmp_path_factory):
    """The three real ten-year-format seasons, from their folder."""
    folder = tmp_path_factory.mktemp("real")
    release = files.write_ten_year(tmp_path_factory.mktemp("release"), SEASONS)
    real = validation_data / "icecube_10year_ps"
    for path in real.rglob("*.csv"):  # all but the smearing tables, which are not at hand
        own = release / path.relative_to(real)
        own.unlink(missing_ok=True)
        own.symlink_to(path)
    configuration = {
        "run": "real",
        "release": {
            "name": "icecube-10yr",
            "seasons": list(SEASONS),
            "local_path": str(release),
        },
        "catalogues": {"wcda-hess": {"gammas": [2.0, 3.0]}},
        "figures": {"formats": ["png"], "dpi": 50},
    }
    done = plan.run(configuration, folder)
    assert done.returncode == 0, done.stderr
    return folder / "results/real"


def test_real_seasons_run_end_to_end(real_run):
    summary = read_json(real_run / "summary.json")
    assert summary["n_events"] == 36_900 + 93_133 + 136_244
    assert summary["synthetic"] is False
    assert summary["seasons"] == ["IC40", "IC79", "IC86_I"]
    for method in ("published", "standard"):
        result = summary["methods"][method]["wcda-hess"]
        assert len(result["single_sources"]) == 164
        for weighting in ("uniform", "flux"):
            assert set(result["stacking"][weighting]) == {"2.0", "3.0"}
            for stack in result["stacking"][weighting].values():
                assert stack["ns_per_phi0_per_ev"] == pytest.approx(stack["ns_per_phi0_per_gev"] * 1e9, rel=1e-12)
                assert 0 < stack["ul95_e2dnde_100tev_gev_cm2_s"] < 1e-6
                assert -1 < stack["ts_max"] < 20
    assert {p.name for p in (real_run / "figures").rglob("*.png")} >= {"sky_map.png", "uniform.png", "wcda-hess.png"}
    assert "<html" in (real_run / "report.html").read_text()[:200].lower()


def test_real_n_s_matches_the_array_call(real_run, validation_data):
    from nusky.search.expected import expected_events

    summary = read_json(real_run / "summary.json")
    found = expected_events(
        validation_data / "icecube_10year_ps", weighting="flux", gammas=[3.0], seasons=["IC40", "IC79", "IC86_I"]
    )
    stack = summary["methods"]["published"]["wcda-hess"]["stacking"]["flux"]["3.0"]
    assert stack["ns_per_phi0_per_ev"] == pytest.approx(found[3.0].per_phi0_ev, rel=1e-12)


def test_real_scan_equals_brute_force(real_run):
    """TS of the real events at two fluxes, the spec's formulas summed over every event and source."""
    from tests import oracles

    def column(path, kind, name):
        return read_table(real_run / path, kind=kind)[name].to_numpy(zero_copy_only=False)

    seasons = ("IC40", "IC79", "IC86_I")
    sources = [np.radians(column("sources/wcda-hess.parquet", "sources", n)) for n in ("ra_deg", "dec_deg")]
    events = [
        np.radians([column(f"events/{s}.parquet", "events", n) for n in ("ra_deg", "dec_deg", "ang_err_deg")])
        for s in seasons
    ]
    gamma = column("acceptance/wcda-hess.parquet", "acceptance", "gamma")
    integrals = column("acceptance/wcda-hess.parquet", "acceptance", "integral_published_cm2_gev")
    integrals = integrals.reshape(3, 2, 164)[:, 0]
    assert gamma[0] == 2.0
    everything = np.sort(np.degrees(np.concatenate([e[1] for e in events])))
    scan = read_table(real_run / "published/scan/wcda-hess/uniform.parquet", kind="stacking_scan").to_pandas()
    scan = scan[scan.gamma == 2.0]
    chosen = scan.iloc[[np.argmin(np.abs(scan.n_signal - n)) for n in (5, 200)]]
    total = np.zeros(2)
    for k, (ra, dec, err) in enumerate(events):
        omega = integrals[k] / integrals[k].sum()
        signal = np.concatenate(
            [
                oracles.signal_density(ra[i : i + 4096], dec[i : i + 4096], err[i : i + 4096], *sources) @ omega
                for i in range(0, len(ra), 4096)
            ]
        )
        low = np.searchsorted(everything, np.degrees(dec) - 5 - 1e-9, side="left")
        high = np.searchsorted(everything, np.degrees(dec) + 5 + 1e-9, side="right")
        bracket = 2 * np.pi * (np.sin(dec + np.radians(5)) - np.sin(dec - np.radians(5)))
        background = (high - low) / (len(everything) * bracket)
        total += [2 * oracles.log_ratio(signal / background, n / len(everything)) for n in chosen.n_signal]
    np.testing.assert_allclose(chosen.test_statistic, total, rtol=1e-9)


def test_tables_know_where_they_come_from(real_run):
    metadata = read_metadata(real_run / "published/limits/wcda-hess/flux.parquet")
    assert metadata["kind"] == "limits"
    assert metadata["synthetic"] is False
    assert metadata["settings"]["method"] == "published"
    assert "wcda-hess.parquet" in metadata["inputs"]
    assert len(metadata["settings_sha256"]) == 64


@pytest.mark.parametrize(
    ("catalogue", "message"),
    [
        ("name,ra_deg,dec_deg\nA,400,10\n", "400"),
        ("name,ra_deg,dec_deg\n", "holds no source"),
        ("name,ra,dec_deg\nA,40,10\n", "ra_deg"),
    ],
)
def test_a_bad_catalogue_stops_the_run_with_its_reason(tmp_path, catalogue, message):
    (tmp_path / "mine.csv").write_text(catalogue)
    done = plan.run(SMALL, tmp_path)
    assert done.returncode != 0
    explained = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("nusky: error:")]
    assert explained, done.stderr
    assert "mine.csv" in explained[0]
    assert message in explained[0]
    assert not list((tmp_path / "results").rglob("mine.parquet"))
    assert not (tmp_path / "results/bad/summary.json").exists()


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"catalogues": {"mine": {"listz": []}}}, "listz"),
        ({"release": {"name": "icecube-99yr"}}, "icecube-99yr"),
        ({"release": {"name": "icecube-10yr", "seasons": ["IC99"]}}, "has no season 'IC99'"),
        ({"catalogues": {"mine": {}}}, "`lists` is required"),
    ],
)
def test_a_bad_configuration_is_refused_before_anything_runs(tmp_path, block, message):
    done = plan.run({**SMALL, **block}, tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (tmp_path / "results").exists()


def test_summary_is_strict_json(real_run):
    def refuse(constant):
        raise AssertionError(f"{constant} in summary.json")

    json.loads((real_run / "summary.json").read_text(), parse_constant=refuse)
