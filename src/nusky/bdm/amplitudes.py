"""Evaluate a user's scalar function on arrays, whatever it is made of.

In this order: on whole arrays where that gives what the function gives for single numbers, compiled by numba where it
can be, one call per element otherwise. What is no finite number of at least 0 (squared amplitudes and cross sections
are) and what the function raises become a `PhysicsError` that says where.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from nusky.bdm.checks import Array
from nusky.errors import PhysicsError


@numba.njit(nogil=True)
def _map2(function, a, b, out):
    for i in range(out.size):
        out[i] = function(a[i], b[i])


@numba.njit(nogil=True)
def _map3(function, a, b, c, out):
    for i in range(out.size):
        out[i] = function(a[i], b[i], c[i])


@numba.njit(nogil=True)
def _map4(function, a, b, c, d, out):
    for i in range(out.size):
        out[i] = function(a[i], b[i], c[i], d[i])


_ROUNDING = 1e-6
"""Negative values this small, compared with the largest at the same time, are what cancelling terms leave."""
_COMPILED = {2: _map2, 3: _map3, 4: _map4}


class Elementwise:
    """A function of scalars, applied to arrays of one shape."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self._strategy: Callable[..., Array] | None = None

    def __call__(self, *arguments: Array) -> Array:
        """The function's values, float64, in the shape of the arguments (which may be of extended precision)."""
        flat = [np.array(argument).reshape(-1) for argument in arguments]
        if flat[0].size < 4:
            values = self._one_by_one(*flat)
        else:
            if self._strategy is None:
                self._strategy = self._choose(*flat)
            values = self._strategy(*flat)
        bad = ~np.isfinite(values)
        if bad.any():
            self._complain(f"gave {values[bad][0]}", [column[bad][0] for column in flat])
        bad = values < -_ROUNDING * np.max(np.abs(values), initial=0.0)
        if bad.any():
            self._complain(f"gave {values[bad][0]:g}, which is negative,", [column[bad][0] for column in flat])
        return values.reshape(np.shape(arguments[0]))

    def _choose(self, *flat: Array) -> Callable[..., Array]:
        some = [column[[0, column.size // 3, column.size // 2, -1]] for column in flat]
        expected = self._one_by_one(*some)
        for build in (lambda: self._whole, self._compiled):
            try:
                strategy = build()
                # Copies, as a function may change an array it was meant to get as a number.
                agrees = np.allclose(strategy(*(column.copy() for column in some)), expected, rtol=1e-12, atol=0)
            except Exception:  # whatever a user's function raises on arrays only rules this way out
                continue
            if agrees:
                return strategy
        return self._one_by_one

    def _whole(self, *flat: Array) -> Array:
        with np.errstate(all="ignore"):
            values = np.asarray(self._function(*(column.copy() for column in flat)), dtype=np.float64)
        return np.array(np.broadcast_to(values, flat[0].shape))

    def _compiled(self) -> Callable[..., Array]:
        function = self._function
        jitted = function if hasattr(function, "py_func") else numba.njit(error_model="numpy")(function)

        def strategy(*flat: Array) -> Array:
            out = np.empty(flat[0].size)
            _COMPILED[len(flat)](jitted, *(column.astype(np.float64) for column in flat), out)
            return out

        return strategy

    def _one_by_one(self, *flat: Array) -> Array:
        out = np.empty(flat[0].size)
        for i, point in enumerate(zip(*flat, strict=True)):
            try:
                with np.errstate(all="ignore"):
                    value = self._function(*point)
            except Exception as error:
                self._complain(f"raised {type(error).__name__}: {error}", point, error)
            number = np.asarray(value)
            if number.size != 1 or number.dtype.kind not in "biuf":
                self._complain(f"gave {_described(value)}", point)
            out[i] = number.reshape(())
        return out

    def _complain(self, what: str, point: Any, cause: Exception | None = None) -> None:
        where = ", ".join(f"{float(value):g}" for value in point)
        raise PhysicsError(f"{self._name} {what} at ({where}); it must give one number >= 0 there.") from cause


def _described(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 80 else text[:80] + '...'}"
