"""YAML as a configuration needs it: plain values only, no key twice, no way to grow beyond what was written.

PyYAML's safe loader keeps the last of equal keys without a word, reads 5:34 as 334 (base 60), and lets merge keys
(``<<``) and references multiply a few lines into any amount of memory.
"""

import re
from typing import Any

import yaml

from nusky.errors import ConfigurationError

MAX_VALUES = 1_000_000
"""Most values of a file, each counted as often as it is referred to."""
_MERGE = "tag:yaml.org,2002:merge"


_PLAIN_NUMBER = re.compile(
    r"[-+]?(0|[1-9][0-9]*)|[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
"""Numbers that mean what they look like; YAML 1.1 has base 60 (5:34 is 334), octal (0123 is 83), base 2 and 16 too."""


class _Loader(yaml.SafeLoader):
    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        is_number = node.tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and isinstance(node, yaml.ScalarNode) and not _PLAIN_NUMBER.fullmatch(node.value):
            shown = node.value[:100]
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"'{shown}' is no plain decimal number (YAML would take it in base 60, 8, 2 or 16); write a decimal "
                f"number, such as 83.63 for an angle in degrees, or '{shown}' in quotes if it is text",
                node.start_mark,
            )
        return super().construct_scalar(node)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, _ in node.value:
                if key.tag == _MERGE:
                    raise yaml.constructor.ConstructorError(
                        None, None, "merge keys (<<) are not supported; write the keys out", key.start_mark
                    )
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        raise yaml.constructor.ConstructorError(
                            None, None, f"the key '{key.value[:100]}' stands here twice; keep one", key.start_mark
                        )
                    seen.add(key.value)
        return super().construct_mapping(node, deep)


def load(text: str, where: str) -> Any:
    """The content of the YAML `text`; `where` names it in messages.

    Raises
    ------
    ConfigurationError
        The text is not YAML, asks for other than plain values, has a key twice or a merge key, is nested too deeply, or
        its references make more than `MAX_VALUES` of it.
    """
    try:
        content = _Loader(text).get_single_data()
    except yaml.YAMLError as error:
        tab = " YAML is indented with blanks: replace the tabs." if r"'\t'" in str(error) else ""
        raise ConfigurationError(f"{where}: not valid YAML: {_explain(error)}.{tab}") from None
    except RecursionError:
        raise ConfigurationError(f"{where}: nested too deeply. Write it with fewer levels.") from None
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError) as error:
        # Raised by PyYAML on scalars that look like dates or numbers and are none, such as 2024-99-99.
        raise ConfigurationError(f"{where}: not valid YAML: a value cannot be understood ({error}).") from None
    _check_size(content, where)
    return content


def _explain(error: yaml.YAMLError) -> str:
    """Line and column, and what PyYAML says of them."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return str(error)
    told = ", ".join(part for part in (error.context, error.problem) if part)
    return f"line {mark.line + 1}, column {mark.column + 1}: {told}"


def _check_size(content: Any, where: str) -> None:
    stack, n_values = [content], 0
    while stack:
        value = stack.pop()
        n_values += 1
        if n_values + len(stack) > MAX_VALUES:
            raise ConfigurationError(
                f"{where}: its references (*name) make more than {MAX_VALUES} values of it. Write the values out."
            )
        if isinstance(value, dict):
            stack += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            stack += value
