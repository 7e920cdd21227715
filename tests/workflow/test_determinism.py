"""Two runs of one configuration give the same tables, byte by byte, whatever the number of threads."""

import json

import pytest

from nusky.files import read_json, sha256
from tests.workflow import plan

CONFIGURATION = {
    "run": "twice",
    "release": {
        "name": "icecube-10yr",
        "seasons": ["IC79", "IC86_I"],
        "synthetic": "always",
        "generator": {"event_fraction": 0.01},
    },
    "catalogues": {"mine": {"lists": [{"builtin": "hess"}], "gammas": [2.0, 3.0]}},
    "scan": {"n_steps": 50},
    "inference": {
        "trials": 100,
        "source_trials": 100,
        "sky_trials": 10,
        "leave_one_out_sources": 1,
        "leave_one_out_trials": 10,
        "injected_trials": 10,
        "trials_per_batch": 50,
        "gamma": 2.5,
        "discovery_sigmas": [],
        "source_limit_method": "asymptotic",
    },
    "bdm": {"n_l": 80, "n_b": 40, "nside": 4, "n_times": 5, "n_masses": 5},
    "figures": {"formats": ["png"], "dpi": 50},
}
THREADED = ("separations", "background", "stacking_scan", "single_sources", "bdm_sky_map", "bdm_events")
THREADED += tuple(f"inference_{what}" for what in ("trials", "fits", "statements"))


@pytest.mark.slow
def test_threads_and_repetition_change_no_byte(tmp_path):
    digests, summaries, threads = [], [], []
    for n in (1, 2):
        folder = tmp_path / f"with {n}"
        done = plan.run(CONFIGURATION, folder, "--set-threads", *(f"{rule}={n}" for rule in THREADED))
        assert done.returncode == 0, done.stderr
        results = folder / "results/twice"
        results_files = [p for p in results.rglob("*") if p.suffix in (".parquet", ".fits")]
        digests.append({str(path.relative_to(results)): sha256(path) for path in results_files})
        summaries.append((results / "summary.json").read_bytes())
        threads.append(read_json(results / "logs/separations/mine.json")["threads"])
    assert len(digests[0]) > 30
    assert digests[0] == digests[1]
    assert summaries[0] == summaries[1]
    assert threads == [1, 2]
    assert len(json.loads(summaries[0])["tables_sha256"]) > 30
