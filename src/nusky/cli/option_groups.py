"""Options that several commands share, as one parameter of each: a dataclass whose fields are the options."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command for typer with the fields of its dataclass parameters for options, in their place."""
    groups = {name: kind for name, kind in get_type_hints(command).items() if is_dataclass(kind)}
    options = []
    for parameter in inspect.signature(command).parameters.values():
        own = [parameter]
        if kind := groups.get(parameter.name):
            own = [parameter.replace(name=f.name, annotation=f.type, default=f.default) for f in fields(kind)]
        options += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in own]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        made = {name: kind(**{f.name: given.pop(f.name) for f in fields(kind)}) for name, kind in groups.items()}
        command(**given, **made)

    called.__signature__ = inspect.Signature(options)
    called.__annotations__ = {option.name: option.annotation for option in options}
    return called
