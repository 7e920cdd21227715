"""What a function's result depends on besides its arguments: globals, closures, defaults, and those of what it calls.

numba compiles all of these into the machine code as they are at that moment. A `snapshot` is equal to a later one as
long as none has changed; a function that depends on something whose changes cannot be seen has none.
"""

import builtins
import dis
import enum
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np


class Unseen(Exception):
    """The function depends on something whose changes cannot be seen."""


def plain_function(function: Any) -> types.FunctionType | None:
    """The Python function behind a plain function or one that numba compiled; None for anything else."""
    inner = getattr(function, "py_func", None)
    if inner is None:
        inner = getattr(getattr(function, "_dispatcher", None), "py_func", None)  # numba.vectorize
    function = function if inner is None else inner
    return function if isinstance(function, types.FunctionType) else None


def snapshot(function: Any) -> Any:
    """Everything `function` reads, as a value that can be compared; raises `Unseen`."""
    return _state(function, frozenset(), {})


def fresh(function: Any, compiled: bool) -> Any:
    """The function without the machine code that numba made of it, or of what it calls, at an earlier time.

    What it calls is compiled again, or left as Python. Anything but a plain or compiled function is returned as it is.
    """
    plain = plain_function(function)
    return function if plain is None else _thawed(plain, frozenset(), compiled, {})


def _thawed(value: Any, names: frozenset[str], compiled: bool, done: dict[int, Any]) -> Any:
    """A function or module, or a copy where something below it was compiled."""
    if id(value) in done:
        return done[id(value)]
    done[id(value)] = value  # ends recursions
    if isinstance(value, types.ModuleType):
        read = {name: getattr(value, name) for name in names if hasattr(value, name)}
        changed = _changed(read, names, compiled, done)
        if changed:
            copy = types.ModuleType(value.__name__)
            vars(copy).update(vars(value), **changed)
            done[id(value)] = copy
        return done[id(value)]
    function, names = value, _names(value.__code__)
    used = {name: function.__globals__[name] for name in names if name in function.__globals__}
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    held = {name: cell.cell_contents for name, cell in cells.items() if _full(cell)}
    changed, inner = _changed(used, names, compiled, done), _changed(held, names, compiled, done)
    if changed or inner:
        closure = tuple(types.CellType(inner[name]) if name in inner else cell for name, cell in cells.items())
        scope = {**function.__globals__, **changed}
        copy = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, closure or None)
        copy.__kwdefaults__ = function.__kwdefaults__
        done[id(value)] = copy
    return done[id(value)]


def _changed(values: dict[str, Any], names: frozenset[str], compiled: bool, done: dict[int, Any]) -> dict[str, Any]:
    """Those that were compiled or hold something that was, as they should be."""
    changed = {}
    for name, value in values.items():
        plain = plain_function(value)
        inside = value.__name__ if isinstance(value, types.ModuleType) else getattr(plain, "__module__", None) or ""
        if inside.partition(".")[0] in _LIBRARIES or (plain is None and not isinstance(value, types.ModuleType)):
            continue
        other = _thawed(value if plain is None else plain, names, compiled, done)
        if plain is not None and plain is not value and compiled:
            other = numba.njit(error_model="numpy")(other)
        if other is not value:
            changed[name] = other
    return changed


def _full(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - raises where the variable has no value yet
    except ValueError:
        return False
    return True


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


@functools.lru_cache(maxsize=256)
def _imports(code: types.CodeType) -> bool:
    return any(step.opname == "IMPORT_NAME" for part in _codes(code) for step in dis.get_instructions(part))


@functools.lru_cache(maxsize=256)
def _names(code: types.CodeType) -> frozenset[str]:
    """Names a function may look up: globals, attributes, and texts it may give to getattr."""
    names: set[str] = set()
    for part in _codes(code):
        names.update(part.co_names, (text for text in part.co_consts if isinstance(text, str)))
    return frozenset(names)


def _state(value: Any, names: frozenset[str], seen: dict[int, Any]) -> Any:
    """`names` are the attributes that may be read of a module or class."""
    if value is None or isinstance(value, bool | int | str | bytes | types.EllipsisType):
        return type(value), value
    if isinstance(value, float | complex):
        return type(value), repr(value)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
        return type(value), str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, np.dtype | np.ufunc) and plain_function(value) is None:
        return _Same(value)
    if isinstance(value, tuple):
        return type(value), tuple(_state(item, names, seen) for item in value)
    if id(value) in seen:
        return "seen", seen[id(value)]
    seen[id(value)] = len(seen)
    function = plain_function(value)
    if function is not None and (function.__module__ or "").partition(".")[0] in _LIBRARIES:
        return _Same(value)
    if function is not None:
        return _function(value, function, seen)
    if isinstance(value, types.ModuleType) and value.__name__.partition(".")[0] in _LIBRARIES:
        read = ((name, getattr(value, name)) for name in sorted(names) if hasattr(value, name))
        return _Same(value), tuple(
            (name, _state(v, names, seen) if isinstance(v, _PLAIN | types.ModuleType) else _Same(v)) for name, v in read
        )
    if isinstance(value, types.ModuleType):
        return _Same(value), tuple(
            (name, _state(getattr(value, name), names, seen)) for name in sorted(names) if hasattr(value, name)
        )
    if isinstance(value, enum.EnumMeta):
        return _Same(value), tuple((name, _state(member.value, names, seen)) for name, member in
                                   value.__members__.items())  # fmt: skip
    if isinstance(value, enum.Enum):
        return _Same(value), _state(value.value, names, seen)
    if isinstance(value, types.BuiltinFunctionType | type(np.sum)) or any(value is known for known in _KNOWN_TYPES):
        return _Same(value)
    raise Unseen(f"{type(value).__name__}")


_KNOWN_TYPES = (int, float, bool, complex, range, zip, enumerate, np.float32, np.float64, np.int32, np.int64, np.bool_)
_PLAIN = int | float | complex | str | tuple | np.ndarray | np.generic
_LIBRARIES = ("numpy", "math", "cmath", "numba", "scipy", "builtins")


class _Same:
    """Equal to another one of the very same object, which it keeps alive."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    __hash__ = None  # type: ignore[assignment]


def _function(value: Callable[..., Any], function: types.FunctionType, seen: dict[int, Any]) -> Any:
    if _imports(function.__code__):
        raise Unseen("an import inside the function")
    names = _names(function.__code__)
    read = []
    for name in sorted(names):
        if name in function.__globals__:
            read.append((name, _state(function.__globals__[name], names, seen)))
        elif hasattr(builtins, name):
            read.append((name, _Same(getattr(builtins, name))))
    try:
        cells = tuple(_state(cell.cell_contents, names, seen) for cell in function.__closure__ or ())
    except ValueError as error:
        raise Unseen("a variable without a value") from error
    defaults = _state(function.__defaults__, names, seen)
    keywords = tuple((k, _state(v, names, seen)) for k, v in (function.__kwdefaults__ or {}).items())
    return _Same(function.__code__), tuple(read), cells, defaults, keywords
