"""The plan and the costs of a run, against Snakemake's own plan and a recorded run."""

from collections import Counter

import numpy as np
import pytest

from nusky import config
from nusky.likelihood.cells import FEW_SOURCES, SourceCells
from nusky.stages import estimate
from nusky.stages.contents import Contents
from tests.workflow import plan

SOURCES = {"wcda-hess": 164, "km2a-hess": 170, "pulsars": 2374, "tdes": 54}
EVERYTHING = {
    "run": "x",
    "release": {"name": "icecube-10yr", "seasons": ["IC40", "IC59", "IC86_III"]},
    "catalogues": {
        "wcda-hess": {},
        "pulsars": {},
        "tdes": {"time": {"profile": "box", "start_mjd": 55000.0, "stop_mjd": 55100.0}},
        "km2a-hess": {"time": {"profile": "flare", "shortest_days": 1, "longest_days": 100}},
    },
    "inference": {
        "weightings": ["uniform"],
        "trials": 250,
        "discovery_sigmas": [],
        "trials_per_batch": 100,
        "sources_per_batch": 300,  # two lists are longer
        "source_trials": 150,
        "sky_trials": 20,
        "declinations_deg": [0.0],
        "source_jobs": 3,
        "differential_log10_energy_gev": [3, 5, 7],
        "recovery_trials": 50,
        "profiles": True,
        "systematics": {},
    },
    "skymap": {"nside_region": 2, "calibration_trials": 700, "calibration_per_batch": 500, "sky_trials": 30},
    "bdm": {"exclusion": {}},
    "figures": {"formats": ["png"]},
}


def jobs(configuration):
    cfg = config.parse(configuration)
    sources = {name: SOURCES[name] for name in cfg.catalogues}
    return estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg), sources))


@pytest.mark.parametrize("configuration", [EVERYTHING, {"run": "x", "bdm": {}}], ids=["everything", "bdm"])
def test_the_jobs_are_those_snakemake_plans(configuration, tmp_path):
    assert Counter(job.rule for job in jobs(configuration)) == plan.jobs(configuration, tmp_path)
    outputs = [output for job in jobs(configuration) for output in job.outputs]
    assert len(outputs) == len(set(outputs))


STACK = {"hypothesis": "stack/wcda-hess/uniform"}


def cost(rule, names=None, **blocks):
    """Processor time of a job, s."""
    cfg = config.parse({**EVERYTHING, **blocks})
    case = estimate.Case(cfg, estimate.Sizes(estimate.events_of(cfg), SOURCES), names or {}, n_outputs=4)
    return estimate.COSTS[rule](case)[0]


MINE = {"run": "x", "catalogues": {"mine": {"lists": [{"builtin": "hess"}]}}}
MILLION = {"s": 1_000_000}


def case(seasons, sources, names, batches=None, **blocks):
    """A job on a list of `sources` and the events of `seasons`."""
    cfg = config.parse(MINE | blocks)
    return estimate.Case(cfg, estimate.Sizes(seasons, {"mine": sources}, batches or {}), names, n_outputs=1)


def trials(n, hypothesis=STACK, **block):
    return cost("inference_trials", {**hypothesis, "first": "0", "stop": str(n)}, inference=block)


def test_trials_cost_in_proportion_to_their_number():
    start = trials(0)
    assert (trials(100_000) - start) / (trials(10_000) - start) == pytest.approx(10, rel=1e-9)


def test_a_fitted_index_costs_more_than_a_fixed_one():
    assert 1.1 < trials(10**6) / trials(10**6, gamma=2.0) < 2  # docs/validation/speed.md: 32.2 and 26.5 per second


def test_a_fitted_cutoff_costs_what_a_fitted_index_does():
    cut = {"shape": "cutoff-power-law", "gamma": 2.2, "cutoff_gev": 3e4}

    def of(spectrum, rule="inference_trials"):
        names = STACK | {"catalogue": "wcda-hess", "first": "0", "stop": "1000000"}
        return cost(rule, names, spectrum=spectrum, inference={"discovery_sigmas": []}, skymap=None)

    assert of(cut) < of(cut | {"fit": "cutoff_gev"}) == of({})
    # Fluxes are quoted at four indices, or at the spectrum as given.
    assert of({}, "stacking_scan") > of(cut | {"fit": "cutoff_gev"}, "stacking_scan")


def test_one_source_costs_less_than_a_stack_and_a_declination_as_much_as_a_source():
    alone = {"hypothesis": "declinations"}
    assert trials(10**6, alone, declinations_deg=[0.0]) < 0.2 * trials(10**6)
    one, two = (trials(10**6, alone, declinations_deg=given) for given in ([0.0], [0.0, 10.0]))
    assert two / one == pytest.approx(2, rel=0.05)


def test_measured_rates_come_back():
    """docs/validation/speed.md: trials per second on 1 134 450 events, 164 sources."""
    n = 1_134_450
    assert 1 / (estimate.TRIAL_FREE_S * n * 164**estimate.TRIAL_POWER) == pytest.approx(26.5, rel=0.05)
    assert 1 / (estimate.TRIAL_S * n * 164**estimate.TRIAL_POWER) == pytest.approx(32.2, rel=0.05)
    assert 1 / (estimate.SOURCE_TRIAL_FREE_S * n) == pytest.approx(694, rel=0.05)


@pytest.mark.parametrize(
    ("sources", "free_s", "fixed_s"), [(1, 4.0e-4, 3.3e-4), (10, 5.3e-3, 4.1e-3), (100, 4.5e-2, 3.5e-2)]
)
def test_trials_of_small_stacks(sources, free_s, fixed_s):
    """Processor time of a trial, s, measured on 1 134 450 generated events, sources anywhere on the sky."""
    names = {"hypothesis": "stack/mine/uniform", "first": "0", "stop": "10"}
    for block, measured in (({}, free_s), ({"gamma": 2.5}, fixed_s)):
        assert 0.5 < case({"s": 1_134_450}, sources, names, inference=block).trial / measured < 2


MEASURED = [  # events of one season, sources, processor time in s, peak memory in MiB; four indices, both methods
    ("separations", 120_000, 100, 1.9, 297),
    ("separations", 120_000, 1000, 2.9, 350),
    ("separations", 120_000, 10_000, 5.2, 506),
    ("separations", 120_000, 100_000, 34.5, 901),
    ("stacking_scan", 120_000, 10_000, 4.8, 753),
    ("stacking_scan", 120_000, 100_000, 16.9, 1208),
    ("single_sources", 120_000, 10_000, 7.6, 293),
]


@pytest.mark.parametrize(("rule", "events", "sources", "cpu_s", "memory_mib"), MEASURED)
def test_estimates_are_within_a_factor_of_two(rule, events, sources, cpu_s, memory_mib):
    found = estimate.COSTS[rule](case({"s": events}, sources, {"catalogue": "mine"}))
    assert 0.5 < found[0] / cpu_s < 2
    assert 0.5 < found[1] / memory_mib < 2


@pytest.mark.parametrize(
    ("seasons", "n_trials", "sources", "cpu_s", "mib"),
    [({"s": 334_000}, 100, 10_000, 24.5, 765), (dict.fromkeys("abcdefghij", 113_445), 1, 100_000, 39.8, 1161)],
)
def test_a_stack_of_very_many_sources(seasons, n_trials, sources, cpu_s, mib):
    """Measured on generated events of the three- and ten-year releases, the index fixed."""
    names = {"hypothesis": "stack/mine/uniform", "first": "0", "stop": str(n_trials)}
    found = case(seasons, sources, names, inference={"gamma": 2.5, "discovery_sigmas": []})
    assert estimate.COSTS["inference_trials"](found) == (pytest.approx(cpu_s, rel=0.5), pytest.approx(mib, rel=0.5))


def test_memory_of_a_stack_grows_with_the_index_of_the_sky():
    """It holds for each source the lists it stands in, whatever the number of events; a hundred thousand sources on a
    million events need less than 4 GiB with the index of the flux free."""
    names = {"hypothesis": "stack/mine/uniform", "first": "0", "stop": "10"}
    stacks = [case(MILLION, n, names, inference={}) for n in (1000, 2000, 100_000)]
    found = [estimate.COSTS["inference_trials"](stack)[1] for stack in stacks]
    assert found[2] < 4096
    assert estimate.FEW_SOURCES == FEW_SOURCES
    draw = np.random.default_rng(1)
    for n, per_source in ((1000, (found[1] - found[0]) / 1000), (2600, estimate.STACK_SOURCE_MIB)):
        index = SourceCells.of_sources(draw.uniform(0, 6.28, n), np.arcsin(draw.uniform(-0.9, 0.9, n)), np.zeros(n))
        held = index.source.nbytes / 2**20 + n * 8 * 10 * 16 / 2**20  # and its share in ten seasons and 16 spectra
        assert 0.5 < per_source / (held / n) < 2


def test_sources_by_themselves_cost_their_preparation_and_their_trials():
    """Each is prepared in every job; all fits of a job, and all TS of a list, are held."""
    found = {}
    for n in (1000, 100_000):
        for rule, batch in (("inference_trials", 10), ("inference_source_fits", 0), ("inference_limits_part", 0)):
            names = {"hypothesis": "sources/mine", "skies": "trials", "first": "0", "stop": str(batch)}
            found[rule, n] = estimate.COSTS[rule](case(MILLION, n, names, inference={"source_jobs": 8}))
    for rule in ("inference_trials", "inference_source_fits", "inference_limits_part"):
        assert found[rule, 100_000][0] / found[rule, 1000][0] == pytest.approx(100, rel=0.1)
    assert found["inference_trials", 100_000][0] > 3600
    assert found["inference_source_fits", 100_000][1] > 10_000 * 100_000 * 8 / 2**20


def test_no_job_on_single_sources_grows_with_a_list_of_many_batches():
    """A batch costs what a list of its length does; putting batches together takes no trials."""
    sizes, short, block = (100_000, {"mine": 40}), (2500, {}), {"profiles": True, "systematics": {}}

    def cost(rule, sizes, hypothesis):
        names = {"hypothesis": hypothesis, "skies": "skies", "first": "0", "stop": "1000", "parts": "10"}
        n, batches = sizes
        return estimate.COSTS[rule](case(MILLION, n, names, batches, inference=block))

    shared = ("inference_source_fits", "inference_flares", "inference_profiles", "inference_systematics")
    for rule in ("inference_trials", "inference_limits_part", "inference_source_ranks", *shared[1:]):
        assert cost(rule, sizes, "sources/mine/0-of-40") == cost(rule, short, "sources/mine")
    for rule in shared:
        seconds, mib = cost(rule, sizes, "sources/mine")
        assert seconds < 600
        assert mib < 4096
    # The local p-values of all sources in all skies, 8 bytes each, and at least a part of them again.
    assert cost(shared[0], sizes, "sources/mine")[1] > 100_000 * 1001 * 8 / 2**20


@pytest.mark.parametrize(
    ("rule", "sources", "cpu_s", "mib"),
    [
        ("5 trials", 1000, 23.9, 1560),
        ("5 trials", 10_000, 32.3, 1830),
        ("1 trials", 100_000, 54.9, 2286),
        ("single_sources", 1000, 4.7, 401),
        ("single_sources", 10_000, 17.1, 407),
        ("separations", 1000, 6.2, 360),
        ("separations", 10_000, 36.1, 582),
        ("stacking_scan", 1000, 3.4, 409),
        ("stacking_scan", 10_000, 13.8, 867),
        ("build_catalogue", 100_000, 4.6, 240),
        ("acceptance", 100_000, 4.2, 451),
    ],
)
def test_jobs_of_the_ten_year_release(rule, sources, cpu_s, mib):
    """Within a factor of two of what jobs on 1 134 450 generated events took (docs/scaling.md): two indices,
    trials with the index free."""
    block = {"mine": {"lists": [{"builtin": "hess"}], "gammas": [2.0, 2.5]}}
    blocks = {"release": {"name": "icecube-10yr"}, "catalogues": block, "inference": {}}
    names = {"catalogue": "mine"}
    if rule.endswith(" trials"):
        names = {"hypothesis": "stack/mine/uniform", "first": "0", "stop": rule.split()[0]}
        rule = "inference_trials"
    events = estimate.events_of(config.parse(MINE | blocks))
    found = estimate.COSTS[rule](case(events, sources, names, **blocks))
    assert 0.5 < found[0] / cpu_s < 2
    assert 0.5 < found[1] / mib < 2


@pytest.mark.parametrize(
    "content",
    [
        "name,ra_deg,dec_deg\n" + "a,1.0,2.0\n" * 50_000,
        "<TABLEDATA>" + "<TR><TD>1</TD></TR>" * 50_000,
        "SIMPLE  =                    T" + "NAXIS2  =                50000",
        "\x1f" + chr(0x8B) + "x" * 600_000,
    ],
    ids=["csv", "votable", "fits", "gzip"],
)
def test_long_lists_ask_a_cluster_for_more(content, tmp_path):
    file = tmp_path / "mine.list"
    file.write_text(content, encoding="latin-1")
    asked = []
    for given in (file, tmp_path / "not there"):
        block = {"mine": {"lists": [{"file": str(given)}]}}
        request = estimate.request(Contents(config.parse({"run": "x", "catalogues": block})), "separations")
        asked.append([request[key]({"catalogue": "mine"}, 1) for key in ("mem_mb", "runtime")])
    long, unknown = asked
    assert long[1] > unknown[1] + 5
    assert long[0] > unknown[0] + 500


def test_an_all_sky_map_costs_what_was_measured():
    """Processor time of 1.13 million events at nside 64 refined to 128: map, one scrambled sky, 922 hot spots."""
    whole = {"release": {"name": "icecube-10yr"}, "skymap": {"nside": 128, "nside_coarse": 64, "n_zooms": 0}}
    few = {**whole, "skymap": whole["skymap"] | {"nside": 4, "nside_coarse": 4}}
    # The measurement loaded the events once; every region does.
    regions = 12 * (cost("skymap_region", **whole) - cost("skymap_region", **few))
    assert regions == pytest.approx(33, rel=0.5)
    none, one = (cost("skymap_skies", {"first": "0", "stop": str(n)}, **whole) for n in (0, 1))
    assert one - none == pytest.approx(26, rel=0.5)
    assert cost("skymap", **whole) == pytest.approx(44, rel=0.5)


def test_a_map_costs_more_with_more_positions():
    batch = {"first": "0", "stop": "500"}
    for block, dearer, same in (
        ({"nside_coarse": 256}, "skymap_region", "skymap_calibration"),
        ({"refine_above": 2.0}, "skymap_skies", "skymap_calibration"),
        ({"calibration_spacing_deg": 0.2}, "skymap_calibration", "skymap_skies"),
        ({"n_zooms": 50}, "skymap", "skymap_region"),
        ({"nside": 1024}, "figures", "skymap_calibration"),
    ):
        assert cost(dearer, batch, skymap=block) > 1.1 * cost(dearer, batch, skymap={})
        assert cost(same, batch, skymap=block) == cost(same, batch, skymap={})
    assert cost("skymap_skies", batch, skymap={"gamma": 2.0}) < cost("skymap_skies", batch, skymap={})


def test_events_and_sources_scale_the_search():
    small, large = ({"release": {"name": "icecube-10yr", "seasons": s}} for s in (["IC40"], None))
    names = {"catalogue": "wcda-hess"}
    for rule in ("separations", "single_sources", "background", "ingest_release"):
        assert cost(rule, names, **large) > cost(rule, names, **small)
    assert cost("separations", {"catalogue": "pulsars"}, **large) > cost("separations", names, **large)
    assert cost("summary", **large) == cost("summary", **small)


def test_every_rule_has_a_cost():
    assert {job.rule for job in jobs(EVERYTHING)} == set(estimate.COSTS)


def test_more_cores_take_less_time_but_never_less_than_the_longest_job():
    planned = jobs(EVERYTHING)
    times = [estimate.total(planned, cores).wall_s for cores in (1, 2, 8, 1000)]
    assert times == sorted(times, reverse=True)
    assert times[0] == pytest.approx(sum(job.cpu_s + estimate.ENGINE_S for job in planned))
    assert times[-1] > max(job.cpu_s for job in planned)


def test_nothing_costs_nothing():
    assert estimate.total([], 4) == estimate.Total(0, 0.0, 0.0, 0.0, 0.0)


def test_the_recorded_demo(repository):
    """Within a factor of three of the demo in docs/benchmarks.md, on two cores."""
    lines = (repository / "docs/benchmarks.md").read_text(encoding="utf-8").splitlines()
    table = dict(line.strip("| ").split(" | ")[:2] for line in lines if line.count("|") >= 3)
    cfg = config.load(repository / "config/demo.yaml")
    planned = estimate.jobs(cfg, estimate.Sizes(estimate.events_of(cfg), {n: SOURCES[n] for n in cfg.catalogues}))
    found = estimate.total(planned, 2)
    assert 1 / 3 < found.cpu_s / seconds(table["CPU time of all jobs, summed"]) < 3
    assert 1 / 3 < found.wall_s / seconds(table["from the first to the last message in the jobs' logs"]) < 3
    assert 200 < found.memory_mib < 1000


def seconds(text: str) -> float:
    number, unit = text.split()
    assert unit == "s"
    return float(number)
