"""The p-value of a run from tables of its searches, against a count in plain numpy."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from nusky.errors import TableError
from nusky.stages import corrected
from nusky.stages.inference import search_rows
from nusky.tables import Provenance, read_table, write_table
from tests.stages.inferred import Outputs

STACK, SOURCES = "stack/mine/uniform", "sources/mine"


@pytest.fixture
def tables(tmp_path):
    """Searches of a stack at two indices (300 skies) and of sources (250 skies), and the smallest p by sky."""
    rng = np.random.default_rng(2)
    p = rng.uniform(size=(3, 301)) ** 2
    p[:, 0] = 0.02, 0.9, 0.3
    stack = [search_rows("stack", gamma, own, own[0], 10_000) for gamma, own in zip((2.0, 3.0), p, strict=False)]
    paths = {STACK: tmp_path / "stack.parquet", SOURCES: tmp_path / "sources.parquet"}
    write_table(paths[STACK], pa.concat_tables(stack), kind="searches", provenance=Provenance(True))
    source = search_rows("source", np.nan, p[2, :251], 0.31, 250)
    write_table(paths[SOURCES], source, kind="searches", provenance=Provenance(False))
    return paths, p[:, 1:251].min(axis=0)


def run(tmp_path, paths, hottest=(), trials=()):
    outputs = Outputs({"searches": tmp_path / "corrected.parquet", "skies": tmp_path / "skies.parquet"})
    files = SimpleNamespace(searches=list(paths.values()), hottest=hottest, hottest_trials=trials)
    corrected.corrected(files, outputs, hypotheses=list(paths))
    return corrected.collect(outputs["searches"]), read_table(outputs["skies"], kind="corrected_skies")


def test_the_p_value_is_the_share_of_skies_with_any_search_as_significant(tables, tmp_path):
    paths, minimal = tables
    found, skies = run(tmp_path, paths)
    np.testing.assert_array_equal(skies["p_ranked"], minimal)
    count = np.count_nonzero(minimal <= 0.02)
    assert found["p_value"] == pytest.approx((count + 1) / 251)
    assert (found["n_skies"], found["floor"]) == (250, 1 / 251)
    assert found["p_low"] <= count / 250 <= found["p_high"]
    assert found["bonferroni"] == pytest.approx(0.06)
    assert found["bonferroni_ratio"] == pytest.approx(0.06 / found["p_value"])
    assert (found["best"]["hypothesis"], found["best"]["gamma_fixed"]) == (STACK, 2.0)
    assert [row["search"] for row in found["searches"]] == ["stack", "stack", "source"]
    assert [row["gamma_fixed"] for row in found["searches"]] == [2.0, 3.0, None]
    last = (np.count_nonzero(minimal <= 0.3) + 1) / 251
    assert found["searches"][2]["p_run"] == pytest.approx(last)


def test_one_search_keeps_its_own_p_value(tables, tmp_path):
    """From its own trials, of which there may be more than common skies."""
    ranked = np.append(0.02, np.random.default_rng(4).uniform(size=50))
    alone = search_rows("stack", 2.5, ranked, 0.0213, 10_000)
    write_table(tmp_path / "alone.parquet", alone, kind="searches", provenance=Provenance(True))
    found, skies = run(tmp_path, {STACK: tmp_path / "alone.parquet"})
    assert (found["p_value"], found["bonferroni"]) == (0.0213, 0.0213)
    assert (found["n_skies"], found["floor"], len(skies)) == (10_000, 1 / 10_001, 50)
    assert found["p_low"] < 0.0213 < found["p_high"]


def test_hemispheres_of_the_map_look_at_the_same_skies(tables, tmp_path):
    paths, _ = tables
    rng = np.random.default_rng(3)
    score = rng.exponential(2.0, (2, 200))
    hottest = {"hemisphere": ["south", "north"], "test_statistic": [np.nan, 30.0], "tail_score": [0.0, 40.0]}
    hottest |= {"p_post": [1.0, 1 / 201], "n_sky_trials": [200, 200]}
    about = Provenance(False, settings={"gamma": None})
    write_table(tmp_path / "hottest.parquet", hottest, kind="skymap_hottest", provenance=about)
    trials = {"hemisphere": np.repeat(["south", "north"], 200), "tail_score": score.ravel()}
    write_table(tmp_path / "h.parquet", trials, kind="skymap_hottest_trials", provenance=Provenance(False))
    found, skies = run(tmp_path, paths, tmp_path / "hottest.parquet", tmp_path / "h.parquet")
    assert found["n_skies"] == len(skies) == 200
    assert found["p_value"] == 1 / 201  # no sky has such a spot
    assert (found["best"]["search"], found["best"]["hypothesis"]) == ("north", "skymap")
    assert found["searches"][3]["p_run"] == 1.0  # no spot in the south
    alone, _ = run(tmp_path, {}, tmp_path / "hottest.parquet", tmp_path / "h.parquet")
    assert len(alone["searches"]) == 2
    assert alone["p_value"] == 1 / 201


def test_searches_of_other_skies_are_refused(tables, tmp_path):
    paths, _ = tables
    table = read_table(paths[STACK], kind="searches").slice(0, 601)
    write_table(paths[STACK], table, kind="searches", provenance=Provenance(True))
    with pytest.raises(TableError, match=r"the searches of stack/mine/uniform looked at different skies"):
        run(tmp_path, paths)
