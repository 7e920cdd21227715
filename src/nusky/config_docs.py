"""Generates the JSON schema and the table of configuration keys: ``python -m nusky.config_docs`` in the repository."""

import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from nusky.config import PRESETS, Configuration
from nusky.files import write_text

SCHEMA = Path("workflow/schemas/config.schema.json")
TABLE = Path("docs/configuration.md")
_OWN_TABLE = 6
"""Number of keys from which on a block has a table of its own."""


def schema() -> str:
    """The JSON schema of the configuration, as Snakemake's validate() reads it."""
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Configuration.model_json_schema()}
    return json.dumps(content, indent=2) + "\n"


def table() -> str:
    """All configuration keys as Markdown, a table for each block."""
    lines = [
        "# Configuration",
        "",
        "A run is described by one YAML file. `nusky init` writes one for a list of sources, `nusky check` says what",
        "it would do. A complete one:",
        "",
        "```yaml",
        "run: my-run",
        "release: {name: icecube-3yr}",
        "catalogues:",
        "  wcda-hess: {}",
        "inference: {trials: 1000} # without the block: no p-values",
        "```",
        "",
        "Unknown keys are refused; units are in the names; times are MJD. Numbers such as 10⁵ are written `100000` or",
        "`1.0e+5`. Below, `.` leads into a block, `[]` stands for every entry of a list, `NAME` for a name of your",
        "choice.",
        "",
        f"Ready-made catalogues, to be written as `NAME: {{}}`: {', '.join(f'`{name}`' for name in PRESETS)}. Any key",
        "given in such a block replaces the ready-made one.",
    ]
    for title, rows in _tables(Configuration, "", "The whole file"):
        lines += ["", f"## {title}", "", "| key | type | default | meaning |", "|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _tables(model: type[BaseModel], prefix: str, title: str) -> Iterator[tuple[str, list[str]]]:
    """Title and rows of the table of a block, then those of the larger blocks inside it."""
    rows, inside = [], []
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        inner, suffix = _section(field.annotation)
        own = [] if inner is None else list(_tables(inner, f"{key}{suffix}.", f"`{key}{suffix}`"))
        is_small = len(own) == 1 and len(own[0][1]) < _OWN_TABLE
        below = "" if not own or is_small else " Its keys are below."
        rows.append(f"| `{key}` | {_type(field)} | {_default(field)} | {field.description}{below} |")
        if is_small:
            rows += own[0][1]
        else:
            inside += own
    yield title, rows
    yield from inside


def _section(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The configuration block inside a type, and how its keys are reached."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    suffix = {list: "[]", dict: ".NAME"}.get(typing.get_origin(annotation), "")
    for argument in typing.get_args(annotation):
        inner, rest = _section(argument)
        if inner is not None:
            return inner, suffix + rest
    return None, ""


def _type(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(m, attribute):g}"
        for m in field.metadata
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(m, attribute, None) is not None
    ]
    return ", ".join([_type_name(field.annotation), *limits])


def _type_name(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type_name(arguments[0])
    if origin is typing.Literal:
        return " \\| ".join(f"`{a}`" for a in arguments)
    if origin in (list, dict):
        return f"{'list' if origin is list else 'mapping'} of {_type_name(arguments[-1])}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_name(a) for a in arguments)
    if annotation is type(None):
        return "null"
    return {str: "text", float: "number", int: "integer", bool: "true/false"}.get(annotation, "block")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or isinstance(value, BaseModel | dict):
        return ""
    return f"`{json.dumps(value)}`"


if __name__ == "__main__":
    write_text(SCHEMA, schema())
    write_text(TABLE, table())
