"""The plan and the costs of a run, against Snakemake's own plan and a recorded run."""

from collections import Counter

import pytest

from nusky import config
from nusky.stages import estimate
from tests.workflow import plan

SOURCES = {"wcda-hess": 164, "km2a-hess": 170, "pulsars": 2374}
EVERYTHING = {
    "run": "x",
    "release": {"name": "icecube-10yr", "seasons": ["IC40", "IC59", "IC86_III"]},
    "catalogues": {"wcda-hess": {}, "pulsars": {}},
    "inference": {
        "weightings": ["uniform"],
        "trials": 250,
        "trials_per_batch": 100,
        "source_trials": 150,
        "sky_trials": 20,
        "declinations_deg": [0.0],
        "source_jobs": 3,
        "differential_log10_energy_gev": [3, 5, 7],
        "recovery_trials": 50,
    },
    "skymap": {"nside_region": 2, "calibration_trials": 700, "calibration_per_batch": 500, "sky_trials": 30},
    "bdm": {},
    "figures": {"formats": ["png"]},
}


def jobs(configuration):
    cfg = config.parse(configuration)
    sources = {name: SOURCES[name] for name in cfg.catalogues}
    return estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg) if sources else {}, sources))


@pytest.mark.parametrize("configuration", [EVERYTHING, {"run": "x", "bdm": {}}], ids=["everything", "bdm"])
def test_the_jobs_are_those_snakemake_plans(configuration, tmp_path):
    planned = plan.jobs(configuration, tmp_path)
    assert Counter(job.rule for job in jobs(configuration)) == planned
    outputs = [output for job in jobs(configuration) for output in job.outputs]
    assert len(outputs) == len(set(outputs))


def cost(**blocks):
    configuration = {**EVERYTHING, **blocks}
    return {rule: sum(job.cpu_s for job in group) for rule, group in estimate.by_rule(jobs(configuration)).items()}


def test_trials_cost_in_proportion_to_their_number():
    once, ten_times = (
        cost(inference={"trials": n, "source_trials": 100, "trials_per_batch": 100_000}) for n in (10_000, 100_000)
    )
    assert ten_times["inference_trials"] / once["inference_trials"] == pytest.approx(10, rel=0.05)
    assert ten_times["inference_source_trials"] == once["inference_source_trials"]


def test_a_fitted_index_costs_more_than_a_fixed_one():
    fitted, fixed = (cost(inference={"gamma": gamma})["inference_trials"] for gamma in (None, 2.0))
    assert 1.1 < fitted / fixed < 2  # docs/validation/speed.md: 32.2 and 26.5 trials per second


def test_measured_rates_come_back():
    """docs/validation/speed.md: trials per second on 1 134 450 events, 164 sources."""
    n = 1_134_450
    assert 1 / (estimate.TRIAL_FREE_S * n * 164) == pytest.approx(26.5, rel=0.05)
    assert 1 / (estimate.TRIAL_S * n * 164) == pytest.approx(32.2, rel=0.05)
    assert 1 / (estimate.SOURCE_TRIAL_FREE_S * n) == pytest.approx(694, rel=0.05)


def test_an_all_sky_map_costs_what_was_measured():
    """Processor time of 1.13 million events at nside 64 refined to 128: map, one scrambled sky, 922 hot spots."""
    block = {"nside": 128, "sky_trials": 10, "skies_per_batch": 1, "calibration_trials": 500, "n_zooms": 0}
    whole = cost(release={"name": "icecube-10yr"}, inference=None, skymap=block)
    # The measurement loaded the events once; every region does.
    few = cost(release={"name": "icecube-10yr"}, inference=None, skymap=block | {"nside": 4, "nside_coarse": 4})
    assert whole["skymap_region"] - few["skymap_region"] == pytest.approx(33, rel=0.5)
    assert whole["skymap_skies"] / 10 == pytest.approx(26, rel=0.5)
    assert whole["skymap"] == pytest.approx(44, rel=0.5)


def test_a_map_costs_more_with_more_positions_and_skies():
    once = cost(skymap={})
    for block, dearer, same in (
        ({"nside_coarse": 128}, "skymap_region", "skymap_calibration"),
        ({"refine_above": 2.0}, "skymap_skies", "skymap_calibration"),
        ({"sky_trials": 1000}, "skymap_skies", "skymap_region"),
        ({"calibration_declinations": 42}, "skymap_calibration", "skymap_skies"),
        ({"n_zooms": 50}, "skymap", "skymap_region"),
        ({"nside": 1024}, "figures_of_skymap", "skymap_calibration"),
    ):
        changed = cost(skymap=block)
        assert changed[dearer] > 1.1 * once[dearer]
        assert changed[same] == once[same]
    assert cost(skymap={"gamma": 2.0})["skymap_skies"] < once["skymap_skies"]


def test_events_and_sources_scale_the_search():
    small = cost(release={"name": "icecube-10yr", "seasons": ["IC40"]}, inference=None)
    large = cost(release={"name": "icecube-10yr"}, inference=None)
    for rule in ("separations", "single_sources", "background", "ingest_release"):
        assert large[rule] > small[rule]
    assert large["summary"] == small["summary"]


def test_more_cores_take_less_time_but_never_less_than_the_longest_job():
    planned = jobs(EVERYTHING)
    times = [estimate.total(planned, cores).wall_s for cores in (1, 2, 8, 1000)]
    assert times == sorted(times, reverse=True)
    assert times[0] == pytest.approx(sum(job.cpu_s + estimate.ENGINE_S for job in planned))
    assert times[-1] > max(job.cpu_s for job in planned)


def test_nothing_costs_nothing():
    assert estimate.total([], 4) == estimate.Total(0, 0.0, 0.0, 0.0)


def test_the_recorded_demo(repository):
    """Within a factor of three of the demo in docs/benchmarks.md, on two cores."""
    lines = (repository / "docs/benchmarks.md").read_text(encoding="utf-8").splitlines()
    table = dict(line.strip("| ").split(" | ")[:2] for line in lines if line.count("|") >= 3)
    cfg = config.load(repository / "config/demo.yaml")
    planned = estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg), {n: SOURCES[n] for n in cfg.catalogues}))
    found = estimate.total(planned, 2)
    assert found.n_jobs == float(table["jobs"])
    assert 1 / 3 < found.cpu_s / seconds(table["CPU time of all jobs, summed"]) < 3
    assert 1 / 3 < found.wall_s / seconds(table["from the first to the last message in the jobs' logs"]) < 3
    assert 200 < found.memory_mib < 1000


def seconds(text: str) -> float:
    number, unit = text.split()
    assert unit == "s"
    return float(number)
