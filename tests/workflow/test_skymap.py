"""The all-sky map as jobs: regions and batches, and what is made again when a file is gone or more is asked for."""

import copy
import os
import time

import pytest

from nusky import config
from nusky.errors import ConfigurationError
from nusky.paths import Paths
from nusky.stages import estimate
from tests.workflow import plan

SMALL = {
    "run": "mapped",
    "release": {"name": "icecube-10yr", "seasons": ["IC79"], "synthetic": "always"},
    "catalogues": {"mine": {"lists": [{"builtin": "hess"}], "gammas": [2.0], "single_sources": False}},
    "methods": ["standard"],
    "figures": {"formats": ["png"]},
    "skymap": {
        "gamma": 2.5,
        "nside": 16,
        "nside_coarse": 8,
        "calibration_spacing_deg": 40,
        "calibration_trials": 700,
        "calibration_per_batch": 500,
        "sky_trials": 30,
    },
}
PATHS = Paths("mapped")
AFTERWARDS = {"skymap": 1, "corrected": 1, "figures": 1, "sky_viewer": 1, "summary": 1, "report": 1}


def changed(**skymap):
    configuration = copy.deepcopy(SMALL)
    configuration["skymap"].update(skymap)
    return configuration


@pytest.fixture
def finished(tmp_path):
    """A folder with every output of the run in the order of its jobs, all empty: a plan looks at names and times."""
    cfg, now = config.parse(SMALL), time.time()  # a file older than the script that makes it is made again
    for job in estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg), {"mine": 95})):
        for output in job.outputs:
            path = tmp_path / output
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (now + job.after, now + job.after))
    return tmp_path


def lose_the_end(folder):
    """As in a run that was killed before its end."""
    for what in (PATHS.skymap_fits, PATHS.summary):
        (folder / what).unlink()


def test_a_run_asks_for_every_region_and_batch(tmp_path):
    jobs = {name: n for name, n in plan.jobs(SMALL, tmp_path).items() if "sky" in name}
    assert jobs == {
        "skymap_region": 12,
        "skymap_calibration": 2,
        "skymap_skies": 2,
        "skymap": 1,
        "sky_viewer": 1,
    }


def test_without_the_block_there_is_no_map(tmp_path):
    jobs = plan.jobs({**SMALL, "skymap": None}, tmp_path)
    assert jobs["figures"] == 1
    assert not [name for name in jobs if "sky" in name]


def test_a_finished_run_asks_for_nothing(finished):
    assert plan.jobs(SMALL, finished) == {}


@pytest.mark.parametrize(
    ("pattern", "rule", "wildcards"),
    [
        (PATHS.skymap_region, "skymap_region", {"region": "7"}),
        (PATHS.skymap_calibration, "skymap_calibration", {"first": "500", "stop": "700"}),
        (PATHS.skymap_skies, "skymap_skies", {"first": "0", "stop": "20"}),
    ],
)
def test_only_the_part_that_is_gone_is_made_again(finished, pattern, rule, wildcards):
    (finished / pattern.format(**wildcards)).unlink()
    lose_the_end(finished)
    jobs = plan.job_wildcards(SMALL, finished)
    assert [w for name, w in jobs if name == rule] == [wildcards]
    assert {name for name, _ in jobs} == {rule, *AFTERWARDS}
    assert len(jobs) == 1 + len(AFTERWARDS)


def test_more_skies_add_batches_and_redo_no_full_one(finished):
    lose_the_end(finished)
    jobs = plan.job_wildcards(changed(sky_trials=50, calibration_trials=1000), finished)
    ranges = sorted((name, w["first"], w["stop"]) for name, w in jobs if "first" in w)
    assert ranges == [
        ("skymap_calibration", "500", "1000"),
        ("skymap_skies", "20", "40"),
        ("skymap_skies", "40", "50"),
    ]
    assert {name for name, _ in jobs} == {"skymap_calibration", "skymap_skies", *AFTERWARDS}


def test_smaller_regions_redo_no_trial(finished):
    lose_the_end(finished)
    # Twelve have names that are there; without Snakemake's records it cannot know that their settings were others.
    assert plan.jobs(changed(nside_region=2), finished) == {"skymap_region": 36, **AFTERWARDS}


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"methods": ["published"]}, "`skymap` is part of the standard method: add it to `methods`"),
        ({"catalogues": {}, "bdm": {}}, "`skymap` needs at least one catalogue, to be drawn over the map"),
        ({"skymap": {"nside": 100}}, "in `skymap`: nside must be a power of two"),
        ({"skymap": {"nside_coarse": 24}}, "in `skymap`: nside_coarse must be a power of two"),
        ({"skymap": {"nside": 32}}, "in `skymap`: nside_coarse (128) must not exceed nside (32)"),
        ({"skymap": {"nside": 2048}}, "in `skymap.nside`"),
        ({"skymap": {"nside_region": 3}}, "in `skymap.nside_region`"),
        ({"skymap": {"calibration_trials": 100}}, "in `skymap.calibration_trials`"),
        ({"skymap": {"refine_above": 0}}, "in `skymap.refine_above`"),
        ({"skymap": {"n_side": 64}}, "in `skymap.n_side`: unknown key; did you mean `nside`?"),
    ],
)
def test_an_impossible_map_is_refused(block, message):
    with pytest.raises(ConfigurationError) as refused:
        config.parse(SMALL | block)
    assert message in str(refused.value)
