"""Evaluate a user's scalar function on arrays, whatever it is made of.

In this order: on whole arrays where that gives what the function gives for single numbers, compiled by numba where it
can be and where it can be seen when to do so again (see `nusky.bdm.dependencies`), one call per element otherwise. What
is no finite number of at least 0 (squared amplitudes and cross sections are) and what the function raises become a
`PhysicsError` that says where.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from nusky.bdm.checks import Array
from nusky.bdm.dependencies import Unseen, fresh, plain_function, snapshot
from nusky.bdm.extended import Extended
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


_AMPLE_ABOVE_THRESHOLD = 1e3  # s over s - (m1 + m2)^2 that double precision takes well
_ROUNDING = 1e-6
"""Negative values this small, compared with the largest at the same time, are what cancelling terms leave."""
_COMPILED = {2: _map2, 3: _map3, 4: _map4}


class Elementwise:
    """A function of scalars, applied to arrays of one shape."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self._function, self._name = function, name
        self._strategy: Callable[..., Array] | None = None
        self._made_from: Any = None

    def __call__(self, *arguments: Array) -> Array:
        """The function's values, float64, in the shape of the arguments (which may be of extended precision)."""
        flat = [np.array(argument).reshape(-1) for argument in arguments]
        values = self._one_by_one(*flat) if flat[0].size < 4 else self._at_once(*flat)
        return self._checked(values, flat).reshape(np.shape(arguments[0]))

    def extended(self, *arguments: Extended) -> Array | None:
        """The values, float64, from one-dimensional numbers of extended precision; None where the function takes none.

        Whole arrays where that agrees with single numbers.
        """

        def one(point: tuple[Extended, ...]) -> Any:
            value = function(*point)
            if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
                value = value.item()
            if isinstance(value, Extended):
                value = value.to_double()
            return float(value)

        size, function = arguments[0].high.size, self._python()
        try:
            with np.errstate(all="ignore"):
                few = sorted({0, size // 3, size // 2, size - 1})
                expected = np.array([one(tuple(a[i] for a in arguments)) for i in few])
                try:
                    whole = function(*arguments)
                    whole = whole.to_double() if isinstance(whole, Extended) else np.asarray(whole, dtype=np.float64)
                    values = np.array(np.broadcast_to(whole, size))
                    agrees = np.allclose(values[few], expected, rtol=1e-14, atol=0)
                except Exception:  # whatever a user's function raises on arrays only rules this way out
                    agrees = False
                if not agrees:
                    values = np.array([one(tuple(a[i] for a in arguments)) for i in range(size)])
        except Exception:  # not made of arithmetic alone
            return None
        return self._checked(values, [a.to_double() for a in arguments])

    def unchecked(self, *arguments: Array) -> Array:
        """The values, whatever they are, of one-dimensional arguments."""
        flat = [np.array(argument, dtype=np.float64).reshape(-1) for argument in arguments]
        return self._one_by_one(*flat) if flat[0].size < 4 else self._at_once(*flat)

    def _at_once(self, *flat: Array) -> Array:
        if self._strategy is None or (self._made_from is not None and self._made_from != self._snapshot()):
            self._strategy = self._choose(*flat)
        if self._strategy != self._whole:
            return self._strategy(*flat)
        try:
            return self._whole(*flat)
        except Exception:  # took arrays until something it depends on changed
            self._strategy = None
            return self._one_by_one(*flat)

    def _snapshot(self) -> Any:
        try:
            return snapshot(self._function)
        except Unseen:
            return Unseen

    def _checked(self, values: Array, flat: list[Array]) -> Array:
        bad = ~np.isfinite(values)
        if bad.any():
            self._complain(f"gave {values[bad][0]}", [column[bad][0] for column in flat])
        bad = values < -_ROUNDING * np.max(np.abs(values), initial=0.0)
        if bad.any():
            self._complain(f"gave {values[bad][0]:g}, which is negative,", [column[bad][0] for column in flat])
        return values

    def _python(self) -> Callable[..., Any]:
        """What is called for single numbers and whole arrays; what numba compiled holds old values of globals."""
        return fresh(self._function)

    def _choose(self, *flat: Array) -> Callable[..., Array]:
        self._made_from = None
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
        self._made_from = None
        return self._one_by_one

    def _whole(self, *flat: Array) -> Array:
        with np.errstate(all="ignore"):
            values = np.asarray(self._python()(*(column.copy() for column in flat)), dtype=np.float64)
        return np.array(np.broadcast_to(values, flat[0].shape))

    def _compiled(self) -> Callable[..., Array]:
        if plain_function(self._function) is None:
            raise Unseen("an object")
        made_from = snapshot(self._function)
        jitted = numba.njit(error_model="numpy")(fresh(self._function, compiled=True))

        def strategy(*flat: Array) -> Array:
            out = np.empty(flat[0].size)
            _COMPILED[len(flat)](jitted, *(column.astype(np.float64) for column in flat), out)
            return out

        self._made_from = made_from
        return strategy

    def _one_by_one(self, *flat: Array) -> Array:
        out, function = np.empty(flat[0].size), self._python()
        for i, point in enumerate(zip(*flat, strict=True)):
            try:
                with np.errstate(all="ignore"):
                    value = function(*point)
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


class SquaredAmplitude:
    """|M|^2 of a scattering, from what does not cancel: with M = m1^2 + m2^2, gap = s - M and transfer = -t.

    An amplitude is a function (s, t, u, mx). One with a method `without_cancellation(gap, transfer, remaining, mx)`,
    remaining = -t_min - transfer, in MeV^2, is called by that instead. Any other is given s, t and u in double
    precision where M is not much larger than the gap, else in one of more than thirty digits; what cannot be computed
    with that is computed in double precision, and its rounding error estimated. One with the attribute `smooth = True`
    has no narrow structures, and none are looked for.
    """

    def __init__(self, amplitude: Callable[..., Any], name: str, ample: float) -> None:
        self._stable = getattr(amplitude, "without_cancellation", None)
        self.smooth = getattr(amplitude, "smooth", False) is True
        self.elementwise, self._name, self._ample = Elementwise(amplitude, name), name, ample

    def __call__(
        self,
        gap: Array | Extended,
        other2: tuple[Extended, ...],
        transfer: Array,
        remaining: Array,
        mx: Array,
        excess: Array | None = None,
    ) -> tuple[Array, Array]:
        """Values and relative errors, all in MeV^2 and of one shape.

        M = mx^2 + one of `other2`, the possible roundings: the first one counts. `excess` is s - (m1 + m2)^2, where
        that is not the gap: near the threshold it is in the last digits of s.
        """
        exact = gap if isinstance(gap, Extended) else Extended(gap)
        gap = exact.to_double()
        if self._stable is not None:
            values = np.asarray(fresh(self._stable)(gap, transfer, remaining, mx), dtype=np.float64)
            values = np.array(np.broadcast_to(values, gap.shape))
            bad = ~(np.isfinite(values) & (values >= 0))
            if bad.any():
                where = f"gap = {gap[bad][0]:g}, -t = {transfer[bad][0]:g} MeV^2, mx = {mx[bad][0]:g} MeV"
                raise PhysicsError(f"{self._name} gave {values[bad][0]} at {where}; it must give a number >= 0 there.")
            return values, np.zeros(gap.shape)
        shape = gap.shape
        gap, transfer, mx = (np.ascontiguousarray(a, dtype=np.float64).reshape(-1) for a in (gap, transfer, mx))
        plain = mx * mx + float(other2[0].to_double())
        easy = plain <= self._ample * gap
        if excess is not None:
            easy &= plain + gap <= _AMPLE_ABOVE_THRESHOLD * excess.reshape(-1)
        values, errors = np.empty(gap.size), np.zeros(gap.size)
        if easy.any():
            values[easy] = self.elementwise(*_invariants(gap, plain, transfer, mx, easy))
        hard = np.flatnonzero(~easy)
        if hard.size:
            parts = _flat(exact)[hard], Extended(transfer[hard]), Extended(mx[hard])
            found = [self._extended(*parts, other) for other in other2]
            if any(one is None for one in found):
                values[hard], errors[hard] = self._rounded(*_invariants(gap, plain, transfer, mx, hard))
            else:
                values[hard] = found[0]
                scale = np.where(found[0] > 0, found[0], 1.0)
                errors[hard] = np.max([np.abs(one - found[0]) for one in found], axis=0) / scale
        return values.reshape(shape), errors.reshape(shape)

    def _extended(self, gap: Extended, transfer: Extended, mx: Extended, other2: Extended) -> Array | None:
        masses = mx * mx + other2
        return self.elementwise.extended(masses + gap, -transfer, masses - gap + transfer, mx)

    def _rounded(self, s: Array, t: Array, u: Array, mx: Array) -> tuple[Array, Array]:
        """In double precision, with the effect of the last two bits of s, t and u."""
        values, step = self.elementwise.unchecked(s, t, u, mx), 1 + 4 * np.finfo(np.float64).eps
        shifts = ((s * step, t, u), (s, t * step, u), (s, t, u * step))
        shift = np.sum([np.abs(self.elementwise.unchecked(*moved, mx) - values) for moved in shifts], axis=0)
        lost = ~(shift < 0.1 * np.abs(values)) & ~((shift == 0) & (values == 0))
        if lost.any():
            where = ", ".join(f"{column[lost][0]:g}" for column in (s, t, u, mx))
            raise PhysicsError(
                f"the terms of {self._name} cancel at ({where}): double precision leaves nothing of it there. Use "
                "arithmetic and square roots only, which is then done in higher precision, or give the amplitude a "
                "method without_cancellation(gap, transfer, remaining, mx)."
            )
        return self.elementwise(s, t, u, mx), shift / np.maximum(np.abs(values), 1e-300)


def _flat(number: Extended) -> Extended:
    return Extended(np.reshape(number.high, -1), np.reshape(number.low, -1))


def _invariants(gap: Any, masses: Any, transfer: Any, mx: Any, which: Any) -> tuple[Any, Any, Any, Any]:
    """(s, t, u, mx) of the chosen points."""
    gap, masses, transfer = gap[which], masses[which], transfer[which]
    return masses + gap, -transfer, masses - gap + transfer, mx[which]
