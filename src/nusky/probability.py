"""How p-values from trials are written: n trials cannot tell probabilities below 1/(n + 1) apart."""

from collections.abc import Callable

_ROUNDING = 1e-6
"""Maps hold p-values in single precision."""


def at_floor(p_value: float, n_trials: int) -> bool:
    """Whether a p-value is the smallest that `n_trials` can give, 1/(n + 1): none of them was as extreme."""
    return bool(p_value * (n_trials + 1) <= 1 + _ROUNDING)


def compared(p_value: float, n_trials: int, number: Callable[[float], str] = "{:.2g}".format) -> str:
    """What stands after "p", dimensionless: its value, or that it is below what the trials can tell.

    `number` writes a number.

    >>> compared(0.0123, 999), compared(0.001, 999)
    ('= 0.012', '< 0.001')
    """
    return f"< {number(1 / (n_trials + 1))}" if at_floor(p_value, n_trials) else f"= {number(p_value)}"


def written(p_value: float, n_trials: int, number: Callable[[float], str] = "{:.2g}".format) -> str:
    """The same, dimensionless, for a cell of a table: without the sign of equality."""
    return compared(p_value, n_trials, number).removeprefix("= ")
