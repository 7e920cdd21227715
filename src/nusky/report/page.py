"""Templates of the project's HTML pages."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape


def page_template(name: str, **filters: Callable[[Any], str]) -> Template:
    """Template `name` of this folder, with `filters`; a name it uses and is not given is an error."""
    environment = Environment(
        loader=PackageLoader("nusky.report", "."),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment.get_template(name)
