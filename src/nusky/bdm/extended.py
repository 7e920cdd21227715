"""Numbers of twice the extended precision, for amplitudes whose terms cancel.

A number is the unevaluated sum of two of the longest floating-point kind; sums and products are those of Dekker
(Numer. Math. 18 (1971) 224) and Knuth. What a function does with them besides arithmetic, comparison and square roots
raises TypeError, so that nothing is rounded to double precision unnoticed.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

_LONG = np.longdouble
_SPLIT = _LONG(2) ** ((np.finfo(_LONG).nmant + 2) // 2) + 1


def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _product(a: Any, b: Any) -> tuple[Any, Any]:
    result = a * b
    scaled = _SPLIT * a
    a_high = scaled - (scaled - a)
    scaled = _SPLIT * b
    b_high = scaled - (scaled - b)
    a_low, b_low = a - a_high, b - b_high
    return result, ((a_high * b_high - result) + a_high * b_low + a_low * b_high) + a_low * b_low


def _operator(operation: Callable[..., "Extended"]) -> Callable[..., "Extended"]:
    """An operation with another number of any kind; NotImplemented with what is none."""

    def applied(self: "Extended", other: Any) -> "Extended":
        other = _extended(other)
        return NotImplemented if other is None else operation(self, other)

    return applied


def _comparison(operation: Callable[[Any, Any], Any]) -> Callable[["Extended", Any], Any]:
    """A comparison, by the difference of both numbers."""

    def compared(self: "Extended", other: Any) -> Any:
        difference = self - other
        return operation(difference.high + difference.low, 0)

    return compared


class Extended:
    """A number, or an array of them: high + low."""

    __slots__ = ("high", "low")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, high: Any, low: Any = 0.0) -> None:
        self.high, self.low = _sum(np.asarray(high, dtype=_LONG)[()], np.asarray(low, dtype=_LONG)[()])

    def to_double(self) -> Any:
        """Rounded to float64."""
        return np.asarray(self.high + self.low, dtype=np.float64)

    def __getitem__(self, index: Any) -> "Extended":
        return Extended(self.high[index], self.low[index])

    @_operator
    def __add__(self, other: "Extended") -> "Extended":
        high, low = _sum(self.high, other.high)
        return Extended(high, low + self.low + other.low)

    @_operator
    def __mul__(self, other: "Extended") -> "Extended":
        high, low = _product(self.high, other.high)
        return Extended(high, low + (self.high * other.low + self.low * other.high))

    @_operator
    def __truediv__(self, other: "Extended") -> "Extended":
        first = self.high / other.high
        rest = self - other * first
        second = rest.high / other.high
        rest = rest - other * second
        return Extended(first, second) + rest.high / other.high

    def __pow__(self, power: Any) -> "Extended":
        if not isinstance(power, int | float | np.integer | np.floating) or not float(2 * power).is_integer():
            return NotImplemented
        if abs(power) > 64:
            return NotImplemented
        if power < 0:
            return 1 / self**-power
        base = self if float(power).is_integer() else self.sqrt()
        power = int(power) if float(power).is_integer() else int(2 * power)
        result = Extended(np.ones_like(self.high))
        while power:
            if power & 1:
                result = result * base
            base, power = base * base, power >> 1
        return result

    def sqrt(self) -> "Extended":
        """The square root."""
        root = np.sqrt(self.high)
        correction = (self - Extended(root) * root).high / np.where(root > 0, 2 * root, 1)
        return Extended(root, correction)

    def __neg__(self) -> "Extended":
        return Extended(-self.high, -self.low)

    def __pos__(self) -> "Extended":
        return self

    def __abs__(self) -> "Extended":
        sign = np.where(self.high < 0, -1, 1)
        return Extended(sign * self.high, sign * self.low)

    @_operator
    def __sub__(self, other: "Extended") -> "Extended":
        return self + -other

    def __rsub__(self, other: Any) -> "Extended":
        return -self + other

    @_operator
    def __rtruediv__(self, other: "Extended") -> "Extended":
        return other / self

    __radd__, __rmul__ = __add__, __mul__

    __lt__, __le__, __gt__, __ge__ = map(_comparison, (operator.lt, operator.le, operator.gt, operator.ge))
    __eq__, __ne__ = map(_comparison, (operator.eq, operator.ne))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        operation = _UFUNCS.get(ufunc)
        if method != "__call__" or kwargs or operation is None:
            return NotImplemented
        return operation(*map(_extended, inputs))


def _extended(value: Any) -> Extended | None:
    if isinstance(value, Extended):
        return value
    plain = isinstance(value, int | float | np.integer | np.floating)
    return Extended(value) if plain or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf") else None


_UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: lambda a, b: a + b,
    np.subtract: lambda a, b: a - b,
    np.multiply: lambda a, b: a * b,
    np.divide: lambda a, b: a / b,
    np.square: lambda a: a * a,
    np.sqrt: lambda a: a.sqrt(),
    np.negative: lambda a: -a,
    np.absolute: abs,
    np.power: lambda a, b: a ** float(b.to_double()) if np.ndim(b.high) == 0 else NotImplemented,
}
