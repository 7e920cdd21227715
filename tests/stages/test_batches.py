"""Sources of a list treated in batches: put together they are what one job makes, bit for bit."""

import itertools

import pytest

from nusky import config
from nusky.stages import inference, profiles, recovery, source_limits, systematics
from nusky.stages.contents import Contents
from nusky.tables import read_metadata, read_table
from tests.stages.inferred import Job, outputs

GAMMA = 2.5
REQUEST = {"confidence_level": 0.9, "limit_method": "asymptotic", "discovery_sigmas": (), "n_trials": 10}
TRIALS, SKIES = (40, 25), (12, 7)  # in all, and of a job


def batch(root, folder, name):
    """Tables of one batch of the sources, or of all; those that need the skies of all only of all."""
    folder.mkdir()
    job = Job(root, "spatial", name, GAMMA)
    made = outputs(folder, "fits", "ranks", "searches", "population", "profiles", "systematics", "limits", "hadronic")
    trials = job.trials(folder / "trials", *TRIALS)
    skies = job.trials(folder / "skies", *SKIES, "skies")
    fits = inference.source_fits if name == "sources/mine" else inference.source_ranks
    job.run(fits, made, inputs={"trials": trials, "skies": skies})
    job.run(profiles.profiles, outputs(folder, "profiles"))
    sizes = {"effective_area": 0.1, "background": 0.05}
    job.run(
        systematics.systematics,
        outputs(folder, "systematics"),
        inputs={"trials": trials},
        request=REQUEST,
        sizes=sizes,
    )
    for part in ("0", "1"):
        own = outputs(folder / part, "limits", "hadronic")
        job.run(source_limits.part, own, inputs={"trials": trials}, request=REQUEST, part=part, parts="2")
    return made, trials


def together(root, folder, names):
    """The tables of the whole list from those of the batches."""
    job = Job(root, "spatial", "sources/mine", GAMMA)
    every = [batch(root, folder / str(number), name) for number, name in enumerate(names)]
    parts = {what: [made[what] for made, _ in every] for what in ("fits", "ranks", "profiles", "systematics")}
    of_limits = {
        what: [folder / str(number) / part / f"{what}.parquet" for number in range(len(names)) for part in "01"]
        for what in ("limits", "hadronic")
    }
    whole = outputs(folder, "fits", "searches", "population")
    ranked = {what: parts[what] for what in ("fits", "ranks")}
    job.run(inference.source_fits, whole, inputs={"trials": [], "skies": [], **ranked})
    job.run(profiles.profiles, outputs(folder, "profiles"), inputs={"profiles": parts["profiles"]})
    inputs = {"trials": [], "systematics": parts["systematics"]}
    job.run(systematics.systematics, outputs(folder, "systematics"), inputs=inputs, request=REQUEST, sizes={})
    limits(root, folder, of_limits)
    return list(itertools.chain.from_iterable(trials for _, trials in every))


def limits(root, folder, parts):
    made = outputs(folder, "limits", "hadronic", "gamma_rays")
    Job(root, "spatial", "sources/mine", GAMMA).run(source_limits.whole, made, inputs=parts, request=REQUEST)


@pytest.fixture(scope="module")
def one(root):
    folder = root / "one"
    _, trials = batch(root, folder, "sources/mine")
    limits(root, folder, {what: [folder / part / f"{what}.parquet" for part in "01"] for what in source_limits.KINDS})
    return folder, trials


@pytest.mark.slow
@pytest.mark.parametrize("n_batches", [4, 7])  # of six sources: unequal ones, and one without a source
def test_batches_of_sources_put_together_are_what_one_job_makes(root, one, tmp_path, n_batches):
    folder, trials = one
    names = [f"sources/mine/{part}-of-{n_batches}" for part in range(n_batches)]
    of_batches = together(root, tmp_path, names)
    tables = ("fits", "searches", "population", "profiles", "systematics", "limits", "hadronic", "gamma_rays")
    for what in tables:
        kind = read_metadata(folder / f"{what}.parquet")["kind"]
        expected, found = (read_table(at / f"{what}.parquet", kind=kind).to_pandas() for at in (folder, tmp_path))
        assert len(expected) >= 6 or what == "gamma_rays"
        assert found.equals(expected), what
    # Recovery looks at one source: with the trials of its batch alone.
    job, request = Job(root, "spatial", "sources/mine", GAMMA), {"request": REQUEST, "n_trials": 5}
    for at, given in ((tmp_path, of_batches), (tmp_path / "one", trials)):
        job.run(recovery.recovery, outputs(at, "recovery", "coverage"), inputs={"trials": given}, **request)
    for what, kind in (("recovery", "injection_recovery"), ("coverage", "coverage")):
        expected, found = (
            read_table(at / f"{what}.parquet", kind=kind).to_pandas() for at in (tmp_path / "one", tmp_path)
        )
        assert len(found)
        assert found.equals(expected)


def test_trials_of_a_batch_are_those_of_its_sources(root, tmp_path):
    whole, part = (Job(root, "spatial", name, GAMMA) for name in ("sources/mine", "sources/mine/1-of-4"))
    for skies in ("trials", "skies"):
        rows = [
            read_table(job.trials(tmp_path / skies / str(n), 3, 3, skies)[0], kind="trials").to_pandas()
            for n, job in enumerate((whole, part))
        ]
        assert set(rows[1].target) == {1, 2}
        own = rows[0][rows[0].target.isin([1, 2])].reset_index(drop=True)
        assert len(own) == 3 * 2
        assert own.equals(rows[1])


@pytest.mark.parametrize(("n", "batches"), [(10, 1), (164, 1), (2499, 1), (2500, 2), (100_000, 41)])
def test_long_lists_are_treated_in_batches(tmp_path, n, batches):
    (tmp_path / "mine.csv").write_text("name,ra_deg,dec_deg\n" + "".join(f"s{i},1,2\n" for i in range(n)))
    block = {"mine": {"lists": [{"file": "mine.csv"}]}}
    contents = Contents(config.parse({"run": "x", "catalogues": block, "inference": {}}), tmp_path)
    assert contents.batches == {"mine": batches}
    assert len(contents.parts("sources/mine")) == (batches if batches > 1 else 0)
    assert contents.parts("stack/mine/uniform") == []
    assert len(set(contents.trials("sources/mine"))) == 10 * batches
