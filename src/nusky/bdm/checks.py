"""Checks of arguments, broadcasting, and the form in which results are handed back."""

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nusky.errors import PhysicsError
from nusky.units import plain

Array = NDArray[np.float64]


class FlagError(PhysicsError):
    """A flag (`is_spike`, `alpha`) has none of its allowed values."""


def real(name: str, value: ArrayLike, unit: str) -> Array:
    """`value`, numbers or a `Quantity`, as float64 in `unit`, same shape; NaN and what is no number are refused."""
    value = plain(name, value, unit)
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PhysicsError(f"{name} = {value!r} is no real number or array of them.") from error
    if array.size == 0:
        raise PhysicsError(f"{name} is empty; give at least one number.")
    if np.isnan(array).any():
        raise PhysicsError(f"{name} is NaN; give a number.")
    return array


def not_negative(name: str, value: ArrayLike, unit: str) -> Array:
    """`value` as float64 in `unit`, same shape; negative numbers are refused in a message with the unit."""
    if type(value) in (int, float) and 0 <= value < math.inf:
        return np.array(value, dtype=np.float64)
    array = real(name, value, unit)
    if (array < 0).any():
        raise PhysicsError(f"{name} = {array.min():g} {unit} is negative; give a value of at least 0.")
    return array


def positive(name: str, value: ArrayLike, unit: str) -> Array:
    """`value` as float64 in `unit`, same shape; what is not finite and above 0 is refused in a message with it."""
    if type(value) in (int, float) and 0 < value < math.inf:  # the common case, without the cost of array reductions
        return np.array(value, dtype=np.float64)
    array = real(name, value, unit)
    if not (array > 0).all() or np.isinf(array).any():
        bad = array[~((array > 0) & np.isfinite(array))].flat[0]
        raise PhysicsError(f"{name} = {bad:g} {unit} is outside its range; give a finite value above 0.")
    return array


def angle(name: str, value: ArrayLike, maximum: float = math.pi) -> Array:
    """An angle in [0, maximum] rad, with the rounding of the upper end forgiven."""
    array = real(name, value, "rad")
    if ((array < 0) | (array > maximum * (1 + 1e-12))).any():
        bad = array[(array < 0) | (array > maximum * (1 + 1e-12))].flat[0]
        raise PhysicsError(f"{name} = {bad:g} rad is outside [0, {maximum:.4f}]; give the angle in radians.")
    return array


def flag(name: str, value: Any) -> bool:
    """`value` if it is True or False; anything else is refused."""
    if value is not True and value is not False:
        raise FlagError(f"{name} = {value!r} must be True or False.")
    return value


def interval(name: str, value: Any, unit: str) -> tuple[float, float]:
    """(low, high) with 0 <= low < high; what is no pair, runs downwards or has no width is refused."""
    low_high = not_negative(name, value, unit)
    if low_high.shape != (2,):
        raise PhysicsError(f"{name} = {value!r} must be a pair (low, high) in {unit}.")
    low, high = low_high.tolist()
    if not low < high:
        what = "has no width" if low == high else "runs downwards"
        raise PhysicsError(f"{name} = ({low:g}, {high:g}) {unit} {what}; give (low, high) with low < high.")
    return low, high


def tolerance(rtol: float) -> float:
    """A relative accuracy that double precision can reach."""
    if not (np.ndim(rtol) == 0 and 1e-12 <= rtol < 1):
        raise PhysicsError(f"rtol = {rtol!r} must be a number in [1e-12, 1).")
    return float(rtol)


def common_shape(*arrays: ArrayLike) -> tuple[int, ...]:
    """The shape to which the arrays broadcast; shapes that do not fit are refused."""
    shapes = [np.shape(array) for array in arrays]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        given = ", ".join(str(shape) for shape in dict.fromkeys(shapes) if shape)
        raise PhysicsError(
            f"arrays of shapes {given} do not go together; give arrays of one shape, or of shapes that broadcast."
        ) from None


def broadcast(*arrays: ArrayLike) -> tuple[Array, ...]:
    """The arrays in their common shape, read-only where one was repeated."""
    common_shape(*arrays)
    return np.broadcast_arrays(*arrays)


def columns(*arrays: ArrayLike) -> tuple[tuple[int, ...], list[Array]]:
    """The common shape of the broadcast arrays, and each of them as a fresh contiguous vector."""
    shape = common_shape(*arrays)
    if shape == ():
        return shape, [np.array([array], dtype=np.float64) for array in arrays]
    return shape, [np.array(np.broadcast_to(array, shape), dtype=np.float64).reshape(-1) for array in arrays]


def handed_back(array: ArrayLike, shape: tuple[int, ...] | None = None) -> Any:
    """A Python scalar for an array of any shape with one element, the array (in `shape`) otherwise."""
    array = np.asarray(array)
    if array.size == 1:
        return array.reshape(-1)[0].item()
    return array if shape is None else array.reshape(shape)


_warned: list[str] = []


def ignore_monte_carlo(keywords: dict[str, Any]) -> dict[str, Any]:
    """The keywords without `nitn` and `neval`, which deterministic integration does not need; warns once a process."""
    if not _warned and ("nitn" in keywords or "neval" in keywords):
        _warned.append("warned")
        warnings.warn(
            "nitn and neval are ignored: the integration is deterministic; rtol sets its accuracy.", stacklevel=4
        )
    return {key: value for key, value in keywords.items() if key not in ("nitn", "neval")}


class Getters:
    """Methods `get_x()` for every attribute `x`, as older code calls them."""

    def __getattr__(self, name: str) -> Any:
        plain = name.lstrip("_").removeprefix("get_")
        public = {key: value for key, value in vars(self).items() if not key.startswith("_")}
        matching = [key for key in public if key.replace("_", "").lower() == plain.replace("_", "").lower()]
        if name.lstrip("_").startswith("get_") and matching:
            return lambda: public[matching[0]]
        raise AttributeError(f"{type(self).__name__} has no '{name}'; its attributes are {', '.join(public)}.")
