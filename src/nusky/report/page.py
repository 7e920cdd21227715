"""Templates of the project's HTML pages."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from nusky.printable import printable


def page_template(name: str, **filters: Callable[[Any], str]) -> Template:
    """Template `name` of this folder, with `filters`; a name it uses and is not given is an error."""
    environment = Environment(
        loader=PackageLoader("nusky.report", "."),
        autoescape=select_autoescape(["html", "j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters.update(filters)
    return environment.get_template(name)


def _shown(value: Any) -> Any:
    """Text of others without what would turn the page's writing around; markup is the templates' own."""
    return printable(value, keep="\n") if type(value) is str else value
