"""The table of what each source adds to a stack."""

import numpy as np
import pytest

from nusky.search.hypothesis import Hypothesis
from nusky.search.sources import Sources
from nusky.stages import stack_sources
from nusky.tables import read_metadata, read_table
from tests.stages.inferred import Job, outputs

N_TRIALS = 12


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """The job of a stack at gamma = 2.5, and its table."""
    job, out = Job(root, "spatial", "stack/mine/uniform", 2.5), outputs(tmp_path_factory.mktemp("stack"), "sources")
    job.run(stack_sources.stack_sources, out, n_sources=2, n_trials=N_TRIALS)
    assert read_metadata(out["sources"])["synthetic"] is True
    return job.study(), read_table(out["sources"], kind="stack_sources").to_pandas()


def test_columns_add_up_to_the_fit(made):
    study, found = made
    n_signal, _, ts = study.target(0).experiment.observed[0]
    assert len(found) == 6
    assert found.test_statistic.sum() == pytest.approx(ts, abs=1e-6)
    assert found.n_signal.sum() == pytest.approx(n_signal, abs=1e-6)
    assert found.share.sum() == pytest.approx(1)
    assert found.test_statistic.is_monotonic_decreasing
    assert set(found.test_statistic_stack) == {ts}


def test_each_row_is_of_its_source(made):
    """Of the source in the list's order, whatever the order of declinations."""
    study, found = made
    ra, dec, width = (study.target(0).sources.ra, study.target(0).sources.dec, study.target(0).sources.extension)
    for row in found.itertuples():
        assert row.name == study.table["name"][row.source].as_py()
        others = np.arange(6) != row.source
        sources = Sources.of(ra[others], dec[others], width[others], study.weights[others])
        left = Hypothesis.of(study.analysis, sources, study.indices.spectra)
        assert row.test_statistic_without == pytest.approx(left.fit(left.data()).ts, abs=1e-6)


def test_what_is_left_without_the_main_sources_has_a_p_value(made):
    study, found = made
    assert found.n_trials.tolist().count(N_TRIALS) == 2
    known = found[found.n_trials > 0]
    assert known.test_statistic_without.max() <= found.test_statistic_without[found.n_trials == 0].min()
    experiment = study.target(0).experiment
    order = list(np.argsort(study.target(0).sources.dec, kind="stable"))
    for row in known.itertuples():
        left = experiment.hypothesis.without(order.index(row.source))
        ts = [left.fit(experiment.scrambled(t)).ts for t in range(N_TRIALS)]
        assert row.p_without == (np.count_nonzero(np.array(ts) >= row.test_statistic_without) + 1) / (N_TRIALS + 1)
    assert found[found.n_trials == 0].p_without.isna().all()


def test_of_very_many_sources_those_are_left_out_that_matter(root, made, tmp_path, monkeypatch):
    monkeypatch.setattr(stack_sources, "MOST_LEFT_OUT", 3)
    job, out = Job(root, "spatial", "stack/mine/uniform", 2.5), outputs(tmp_path, "sources")
    job.run(stack_sources.stack_sources, out, n_sources=2, n_trials=N_TRIALS)
    found, every = read_table(out["sources"], kind="stack_sources").to_pandas(), made[1]
    strongest = every.test_statistic.abs().nlargest(3).index
    left_out = found.index.isin(strongest)
    assert found.test_statistic_without.notna().tolist() == left_out.tolist()
    assert found[left_out].test_statistic_without.equals(every[left_out].test_statistic_without)
    assert found[["source", "test_statistic"]].equals(every[["source", "test_statistic"]])
    assert (found.n_trials > 0).sum() == 2
