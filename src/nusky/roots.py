"""Where a function of one number crosses zero."""

import math
from collections.abc import Callable

_MOST_STEPS = 1000


def root(
    function: Callable[[float], float], low: float, high: float, *, xtol: float = 2e-12, rtol: float = 1e-15
) -> float:
    """The zero of a continuous function between `low` and `high`, where its signs differ.

    It is known to xtol + rtol |x|. Inverse quadratic interpolation where it is safe, bisection where not: Chandrupatla,
    Adv. Eng. Software 28, 145 (1997). scipy.optimize has the like, and takes longer to import than most jobs need for
    everything else.

    Raises
    ------
    ValueError : both ends have the same sign, or the function is NaN.
    """
    other, newest = float(low), float(high)
    f_other, f_newest = _at(function, other), _at(function, newest)
    if f_other == 0:
        return other
    if f_newest == 0:
        return newest
    if (f_other > 0) == (f_newest > 0):
        raise ValueError(f"no change of sign between {low!r} and {high!r}")
    share = 0.5
    for _ in range(_MOST_STEPS):
        x = newest + share * (other - newest)
        f = _at(function, x)
        if (f > 0) == (f_newest > 0):
            last, f_last = newest, f_newest
        else:
            last, f_last, other, f_other = other, f_other, newest, f_newest
        newest, f_newest = x, f
        best, f_best = (newest, f_newest) if abs(f_newest) < abs(f_other) else (other, f_other)
        smallest = (xtol + rtol * abs(best)) / abs(other - newest)
        if f_best == 0 or smallest > 0.5:
            return best
        share = 0.5
        xi, phi = (newest - other) / (last - other), (f_newest - f_other) / (f_last - f_other)
        if phi**2 < xi and (1 - phi) ** 2 < 1 - xi:  # else the parabola through the three points turns back
            share = f_newest / (f_other - f_newest) * f_last / (f_other - f_last)
            share += (last - newest) / (other - newest) * f_newest / (f_last - f_newest) * f_other / (f_last - f_other)
        share = min(max(share, smallest), 1 - smallest)
    raise ValueError(f"no zero found between {low!r} and {high!r}")


def _at(function: Callable[[float], float], x: float) -> float:
    value = float(function(x))
    if math.isnan(value):
        raise ValueError(f"the function has no value at {x!r}")
    return value
