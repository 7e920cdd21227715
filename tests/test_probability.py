import numpy as np
import pytest

from nusky.probability import at_floor, compared, written
from nusky.search.statistics.pvalues import BackgroundTrials


@pytest.mark.parametrize("n", [1, 9, 499, 10_000, 1_000_000])
def test_only_a_value_above_all_trials_is_at_the_floor(n):
    trials = BackgroundTrials(np.arange(n, dtype=float))
    for ts, floor in ((n + 1.0, True), (n - 1.0, False), (0.0, False)):
        p = float(trials.p_value(ts))
        assert at_floor(p, n) is floor
        assert at_floor(float(np.float32(p)), n) is floor
        assert compared(p, n).startswith("< " if floor else "= ")
    assert not at_floor(float("nan"), n)


def test_numbers_are_written_as_asked():
    assert (compared(0.25, 99), compared(0.01, 99)) == ("= 0.25", "< 0.01")
    assert (written(0.25, 99), written(0.01, 99)) == ("0.25", "< 0.01")
    assert compared(1e-4, 9999, "{:.0e}".format) == "< 1e-04"


@pytest.mark.parametrize(("k", "n", "digits"), [(27, 150, 2), (999, 10_000, 2), (240_123, 1_000_000, 3)])
def test_no_digit_is_written_that_other_trials_would_change(k, n, digits):
    p = (k + 1) / (n + 1)
    assert written(p, n) == f"{p:.{digits}g}"
    step = 10 ** (np.floor(np.log10(p)) - digits + 1)
    assert digits == 2 or np.sqrt(p * (1 - p) / n) <= step
