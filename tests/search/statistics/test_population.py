import csv
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import binom, kstest

from nusky.errors import PhysicsError
from nusky.search.statistics.population import binomial_scan, binomial_statistic, population


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_the_scan_is_the_tail_of_the_binomial_distribution(values):
    p = np.sort(values)
    expected = [binom.sf(k - 1, len(p), p[k - 1]) for k in range(1, len(p) + 1)]
    np.testing.assert_allclose(binomial_scan(p), expected, rtol=1e-9, atol=1e-12)


def test_the_northern_sources_of_the_ten_year_search(validation_data):
    """97 sources in the north: k = 4, 3.3e-5 (IceCube, PRL 124, 051103, section on source lists)."""
    with (validation_data / "reference" / "prl_124_051103.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    p = [10 ** -float(row["neg_log10_p_local"]) for row in rows if float(row["dec_deg"]) > -5]
    assert len(p) == 97
    k, smallest = binomial_statistic(p, 0.1)
    assert k == 4
    assert smallest == pytest.approx(3.3e-5, rel=0.05)


def test_sources_above_the_largest_p_do_not_count():
    p = np.append(np.full(9, 0.11), 0.05)
    assert binomial_statistic(p, 0.1) == (1, pytest.approx(1 - 0.95**10))
    assert binomial_statistic(p, 0.2)[0] == 10
    assert binomial_statistic(p, 0.01) == (0, 1.0)


def correlated(rng, n, n_sources=30):
    """Uniform p-values of sources that share a part of their events."""
    return ndtr(0.8 * rng.normal(size=(n, 1)) + 0.6 * rng.normal(size=(n, n_sources)))


def test_uniform_under_the_null_for_correlated_sources():
    rng = np.random.default_rng(8)
    p = [population(s[0], s[1:], 1.0).post_trial.p_value for s in correlated(rng, 400 * 100).reshape(400, 100, 30)]
    assert kstest(p, "uniform").pvalue > 0.01
    independent = binomial_statistic(correlated(rng, 400), 1.0)[1]
    assert kstest(independent, "uniform").pvalue < 1e-6  # the local P is none


def test_a_population_is_found_that_no_source_shows():
    rng = np.random.default_rng(9)
    skies = rng.uniform(size=(2000, 50))
    weak = np.concatenate([rng.uniform(0.004, 0.03, 10), rng.uniform(0.03, 1, 40)])
    found = population(weak, skies)
    assert 8 <= found.k <= 14
    assert found.p_k == np.sort(weak)[found.k - 1]
    assert found.p_binomial == pytest.approx(binom.sf(found.k - 1, 50, found.p_k))
    assert found.post_trial.p_value < 0.005
    assert 1 - (1 - weak.min()) ** 50 > 0.02


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: binomial_scan([0.5, 0.2]), "ascending order"),
        (lambda: binomial_scan([]), "at least one"),
        (lambda: binomial_statistic([0.5, 1.2], 0.1), "from 0 to 1"),
        (lambda: binomial_statistic([0.5], 0.0), "p_max = 0.0"),
        (lambda: population([0.5], [[0.5, 0.5]]), "do not belong to 1 sources"),
    ],
)
def test_what_is_no_list_of_p_values_is_refused(call, message):
    with pytest.raises(PhysicsError, match=message):
        call()


def test_more_sources_at_the_same_p_are_less_likely():
    p = [binomial_statistic(np.append(np.full(k, 0.01), np.ones(50 - k)), 0.1)[1] for k in range(1, 10)]
    assert all(b < a for a, b in pairwise(p))
