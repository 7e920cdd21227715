"""What a function's result depends on besides its arguments: globals, closures, defaults, and those of what it calls.

numba compiles all of these into the machine code as they are at that moment. A `snapshot` is equal to a later one as
long as none has changed; a function that depends on something whose changes cannot be seen has none.
"""

import builtins
import copy
import dis
import enum
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np

from nusky.errors import PhysicsError


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


def fresh(function: Any, compiled: bool = False) -> Any:
    """The function without the machine code that numba made of it, or of what it reaches, at an earlier time.

    What it calls is compiled again, or left as Python: also what is behind methods, partial functions, objects, classes
    and containers. What has nothing compiled is returned as it is, else a copy of what leads there.
    """
    return _thawed(function, frozenset(), compiled, {})


def _thawed(value: Any, names: frozenset[str], compiled: bool, done: dict[int, Any]) -> Any:
    """`value`, or a copy where something below it was compiled; `names` are the attributes that are read of modules."""
    if id(value) in done:
        return done[id(value)]
    if isinstance(value, _LEAVES) or _of_library(value):
        return value
    done[id(value)] = value  # ends recursions
    plain = plain_function(value)

    def items(values: dict[Any, Any]) -> dict[Any, Any]:
        """Those that change."""
        found = {}
        for name, item in values.items():
            other = _thawed(item, names, compiled, done)
            if other is not item:
                again = compiled and plain_function(item) is not None and not isinstance(item, types.FunctionType)
                found[name] = numba.njit(error_model="numpy")(other) if again else other
        return found

    if plain is not None:
        names = _names(plain.__code__)
        used = items({name: plain.__globals__[name] for name in names if name in plain.__globals__})
        cells = dict(zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True))
        inner = items({name: cell.cell_contents for name, cell in cells.items() if name != "__class__" and _full(cell)})
        done[id(value)] = plain
        if used or inner:
            closure = tuple(types.CellType(inner[name]) if name in inner else cell for name, cell in cells.items())
            done[id(value)] = _copied(plain, {**plain.__globals__, **used}, closure)
    elif isinstance(value, types.ModuleType):
        changed = items({name: getattr(value, name) for name in names if hasattr(value, name)})
        if changed:
            done[id(value)] = module = types.ModuleType(value.__name__)
            vars(module).update(vars(value), **changed)
    elif isinstance(value, types.MethodType | functools.partial | staticmethod | classmethod | property):
        parts = {name: getattr(value, name) for name in _PARTS[type(value)]}
        changed = items(parts)
        if changed:
            done[id(value)] = _rebuilt(value, {**parts, **changed})
    elif isinstance(value, dict | list | tuple):
        changed = items(value if isinstance(value, dict) else dict(enumerate(value)))
        if changed and isinstance(value, dict):
            done[id(value)] = {**value, **changed}
        elif changed:
            whole = [changed.get(i, item) for i, item in enumerate(value)]
            done[id(value)] = value._make(whole) if hasattr(value, "_make") else type(value)(whole)
    elif isinstance(value, type):
        done[id(value)] = _subclass(value, items)
    elif hasattr(value, "__dict__"):
        held, kind = items(_held(value)), _thawed(type(value), names, compiled, done)
        if held or kind is not type(value):
            done[id(value)] = _twin(value, held, kind)
    return done[id(value)]


def _copied(function: types.FunctionType, scope: dict[str, Any], closure: tuple[Any, ...]) -> types.FunctionType:
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, closure or None)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


_PARTS = {
    types.MethodType: ("__func__", "__self__"),
    functools.partial: ("func", "args", "keywords"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
}


def _rebuilt(value: Any, parts: dict[str, Any]) -> Any:
    """A method, partial function or member of a class, of other parts."""
    if isinstance(value, functools.partial):
        return functools.partial(parts["func"], *parts["args"], **parts["keywords"])
    return type(value)(*parts.values())


def _held(value: Any) -> dict[str, Any]:
    """The attributes of an object; of models, which follow their own functions, those that are not private."""
    ours = any(kind.__module__.startswith("nusky.") for kind in type(value).__mro__)
    return {name: item for name, item in vars(value).items() if not (ours and name.startswith("_"))}


def _subclass(kind: type, items: Callable[[dict[str, Any]], dict[str, Any]]) -> type:
    """A class like this one with other members, where some of its own or of its bases change."""
    bases = tuple(items(dict(enumerate(kind.__bases__))).values())
    changed = items({k: v for k, v in vars(kind).items() if k not in ("__dict__", "__weakref__", "__class__")})
    if not (bases or changed):
        return kind
    try:
        # After the class itself, so that super() in its methods finds the other bases first.
        return type(kind)(kind.__name__, (kind, *bases), changed)
    except Exception as error:
        raise _cannot_follow(kind.__name__) from error


def _twin(value: Any, held: dict[str, Any], kind: type) -> Any:
    """A copy of an object with other attributes and of another class."""
    if isinstance(value, np.vectorize):
        return np.vectorize(
            held.get("pyfunc", value.pyfunc), value.otypes, excluded=value.excluded, signature=value.signature
        )
    try:
        twin = copy.copy(value)
        for name, item in held.items():
            object.__setattr__(twin, name, item)
        if kind is not type(value):
            object.__setattr__(twin, "__class__", kind)
    except Exception as error:
        raise _cannot_follow(type(value).__name__) from error
    return twin


def _cannot_follow(name: str) -> PhysicsError:
    return PhysicsError(
        f"a function reads the class '{name}', behind which numba compiled something with the values of then; changes "
        "of these cannot be followed there. Take off the compilation (numba.njit) of what it calls."
    )


def _of_library(value: Any) -> bool:
    """Whether it comes from a library, which has no couplings in it; `numpy.vectorize` holds a user's function."""
    if isinstance(value, np.vectorize):
        return False
    if isinstance(value, types.ModuleType):
        module = value.__name__
    else:
        plain = plain_function(value)
        held = plain if plain is not None else value if isinstance(value, type) else type(value)
        module = getattr(held, "__module__", None) or ""
        if (plain is None and type(value) in (*_PARTS, dict, list, tuple)) or isinstance(value, dict | list | tuple):
            return False
    return module.partition(".")[0] in _LIBRARIES or isinstance(value, enum.Enum | enum.EnumMeta)


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
    if isinstance(value, tuple) and any(plain_function(item) is not None for item in value):
        raise Unseen("functions in a tuple")  # of which numba's support is experimental
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
_LIBRARIES = ("numpy", "math", "cmath", "numba", "scipy", "builtins", "nusky")
_LEAVES = (type(None), bool, int, float, complex, str, bytes, np.ndarray, np.generic, np.dtype)


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
