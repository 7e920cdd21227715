"""How p-values from trials are written: n trials cannot tell probabilities below 1/(n + 1) apart."""

import math
from collections.abc import Callable

_ROUNDING = 1e-6
"""Maps hold p-values in single precision."""


def at_floor(p_value: float, n_trials: int) -> bool:
    """Whether a p-value is the smallest that `n_trials` can give, 1/(n + 1): none of them was as extreme."""
    return bool(p_value * (n_trials + 1) <= 1 + _ROUNDING)


def rounded(p_value: float, n_trials: int) -> float:
    """A p-value, dimensionless, with the digits that `n_trials` can tell, two at least and four at most.

    A digit is kept where its last place is larger than the binomial error sqrt(p (1 - p) / n).

    >>> rounded(0.184211, 151), rounded(0.184211, 1_000_000)
    (0.18, 0.184)
    """
    if not 0 < p_value < 1 or n_trials < 1:
        return p_value
    error = math.sqrt((1 - p_value) / p_value / n_trials)
    return float(f"{p_value:.{min(4, max(2, math.floor(-math.log10(error))))}g}")


def least(n_trials: int) -> float:
    """The smallest p-value that trials can show, 1/(n + 1), dimensionless, with two digits."""
    return float(f"{1 / (n_trials + 1):.2g}")


def compared(p_value: float, n_trials: int, number: Callable[[float], str] = "{:.4g}".format) -> str:
    """What stands after "p", dimensionless: its value, or that it is below what the trials can tell.

    `number` writes a number of up to four digits; only those of `rounded` are shown.

    >>> compared(0.0123, 999), compared(0.001, 999)
    ('= 0.012', '< 0.001')
    """
    if at_floor(p_value, n_trials):
        return f"< {number(least(n_trials))}"
    return f"= {number(rounded(p_value, n_trials))}"


def written(p_value: float, n_trials: int, number: Callable[[float], str] = "{:.4g}".format) -> str:
    """The same, dimensionless, for a cell of a table: without the sign of equality."""
    return compared(p_value, n_trials, number).removeprefix("= ")
