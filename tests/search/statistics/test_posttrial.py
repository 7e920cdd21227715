import numpy as np
import pytest
from scipy.stats import kstest

from nusky.errors import PhysicsError
from nusky.search.statistics.posttrial import post_trial_p_value, ranked_minima, ranking
from nusky.search.statistics.pvalues import BackgroundTrials
from nusky.search.statistics.tail import fit_tail


def test_three_skies_by_hand():
    # ranks among the four skies: source 0: 4 1 2 0.5 -> p 1/4, 3/4, 2/4, 1; source 1: 0 0 9 8 -> p 1, 1, 1/4, 2/4
    found = post_trial_p_value([4.0, 0.0], [[1.0, 0.0], [2.0, 9.0], [0.5, 8.0]])
    np.testing.assert_allclose(found.p_local, [1 / 4, 1.0])
    np.testing.assert_allclose(found.minimal_p, [3 / 4, 1 / 4, 2 / 4])
    assert found.best == 0
    assert found.p_value == 2 / 4  # one of three skies has a p as small
    np.testing.assert_allclose(found.p_sources, [2 / 4, 1.0])


def test_independent_sources_give_the_sidak_correction():
    rng = np.random.default_rng(4)
    trials = np.maximum(rng.normal(size=(20000, 10)), 0) ** 2
    observed = np.zeros(10)
    observed[7] = 7.879  # local p of 2.5e-3 for half a chi-square with one degree of freedom
    found = post_trial_p_value(observed, trials)
    assert found.best == 7
    assert found.p_local[7] == pytest.approx(2.5e-3, rel=0.4)
    assert found.p_value == pytest.approx(1 - (1 - found.p_local[7]) ** 10, rel=0.1)
    assert found.p_low <= found.p_value <= found.p_high
    assert found.p_sources[0] == 1


def test_the_same_source_ten_times_needs_no_correction():
    rng = np.random.default_rng(5)
    column = np.maximum(rng.normal(size=2000), 0) ** 2
    found = post_trial_p_value(np.full(10, 4.0), np.repeat(column[:, None], 10, axis=1))
    assert found.p_value == pytest.approx(found.p_local[0])


def test_uniform_under_the_null_with_few_trials():
    rng = np.random.default_rng(6)
    p = [post_trial_p_value(s[0], s[1:]).p_value for s in rng.chisquare(1, (400, 100, 5))]
    assert kstest(p, "uniform").pvalue > 0.01


def test_backgrounds_with_more_trials_or_tails_resolve_more():
    rng = np.random.default_rng(7)
    many = rng.chisquare(2, 5000)
    trials = rng.chisquare(2, (200, 50))
    observed = np.append(np.ones(49), 20.0)
    coarse = post_trial_p_value(observed, trials)
    fine = post_trial_p_value(observed, trials, [BackgroundTrials(many)] * 50)
    tail = post_trial_p_value(observed, trials, [fit_tail(many)] * 50)
    assert coarse.p_value > 0.15  # one sky in four has a smallest p of 1/201
    assert fine.p_local[49] == pytest.approx(1 / 5001)
    assert tail.p_local[49] == pytest.approx(np.exp(-10), rel=1.0)
    assert tail.p_value <= fine.p_value < 0.05


def test_shapes_must_agree():
    with pytest.raises(PhysicsError, match=r"trials of shape \(2, 3\) do not belong to 2 sources"):
        post_trial_p_value([1.0, 2.0], np.zeros((2, 3)))
    with pytest.raises(PhysicsError, match="1 background distributions were given for 2 sources"):
        post_trial_p_value([1.0, 2.0], np.zeros((3, 2)), [BackgroundTrials([0.0])])
    with pytest.raises(PhysicsError, match="must be finite"):
        post_trial_p_value([1.0, np.nan], np.zeros((3, 2)))


def test_searches_that_share_their_skies_give_a_uniform_p_below_the_bonferroni_bound():
    """Six searches of nearly the same events, as weightings and indices are: each of 200 runs has 200 skies."""
    rng = np.random.default_rng(10)
    common, own = rng.normal(size=(200, 201, 1)), rng.normal(size=(200, 201, 6))
    ts = np.maximum(0.9 * common + np.sqrt(1 - 0.81) * own, 0) ** 2
    backgrounds = [ranking(np.maximum(rng.normal(size=2000), 0) ** 2)] * 6
    found = [post_trial_p_value(run[0], run[1:], backgrounds) for run in ts]
    # all searches at TS = 0 give p = 1, so ties are broken at random
    p = np.array([(one.p_value - rng.uniform() * np.mean(one.minimal_p == one.p_local.min())) for one in found])
    assert kstest(np.clip(p, 0, 1), "uniform").pvalue > 0.01
    small = [one for one in found if one.p_value < 0.2]
    assert np.median([6 * one.p_local.min() / one.p_value for one in small]) > 1.5


def test_a_ranking_tells_apart_what_lies_beyond_all_trials():
    many = np.random.default_rng(11).chisquare(1, 2000)
    beyond = many.max() + np.array([1.0, 2.0])
    assert np.diff(ranking(many).p_value(beyond)) < 0
    few = ranking(many[:100])
    assert np.diff(few.p_value(beyond)) == 0
    assert np.isfinite(few.p_value(0.0))


def test_minima_of_lists_rank_among_themselves():
    rng = np.random.default_rng(12)
    minima = rng.uniform(size=(3000, 40)).min(axis=1)
    local = ranked_minima(minima)
    np.testing.assert_array_equal(np.argsort(local, kind="stable"), np.argsort(minima, kind="stable"))
    # 40 independent sources: 1 - (1 - p)^40
    tail = minima < 2e-3
    np.testing.assert_allclose(local[tail], 1 - (1 - minima[tail]) ** 40, rtol=0.25)
    assert ranked_minima(np.ones(5)).tolist() == [1.0] * 5
    assert np.argsort(ranked_minima([0.5, 0.1, 0.3])).tolist() == [1, 2, 0]
