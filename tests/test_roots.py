import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from nusky.roots import root

FUNCTIONS = {
    "cubic": (lambda x: x**3 - 2 * x - 5, 2.0, 3.0),
    "steep": (lambda x: math.exp(50 * (x - 0.3)) - 1, -3.0, 1.0),
    "flat": (lambda x: (x - 1 / 3) ** 9, -1.0, 1.0),
    "step": (lambda x: math.copysign(1.0, x - 0.7), 0.0, 1.0),
    "falling": (lambda x: 1 / x - 1e-6, 1e-3, 1e9),
    "pole at the end": (lambda x: math.log(x) + 30, 1e-300, 1.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_the_root_that_scipy_finds(name):
    function, low, high = FUNCTIONS[name]
    tolerance = 1e-3 if name == "flat" else 0.0  # its zero is that wide in double precision
    expected = brentq(function, low, high, xtol=1e-300, rtol=1e-14, maxiter=2000)
    assert root(function, low, high, xtol=1e-300, rtol=1e-14) == pytest.approx(expected, rel=1e-12, abs=tolerance)
    assert root(function, high, low, xtol=1e-300, rtol=1e-14) == pytest.approx(expected, rel=1e-12, abs=tolerance)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.floats(0.1, 5.0))
def test_the_sign_changes_within_the_tolerance(zero, reach, power):
    def function(x):
        return math.copysign(abs(x - zero) ** power, x - zero)

    calls = []
    found = root(lambda x: calls.append(x) or function(x), zero - reach, zero + 0.37 * reach, xtol=1e-9)
    assert abs(found - zero) <= 1e-9 + 4e-15 * abs(zero)
    assert len(calls) < 120


def test_ends_that_are_zeros_are_found_and_others_refused():
    assert root(lambda x: x, 0.0, 1.0) == 0.0
    assert root(lambda x: x - 1, 0.0, 1.0) == 1.0
    with pytest.raises(ValueError, match="no change of sign"):
        root(lambda x: x + 1, 0.0, 1.0)
    with pytest.raises(ValueError, match="no value at"):
        root(lambda x: math.nan if x not in (0.0, 1.0) else x - 0.5, 0.0, 1.0)
