"""Pages of docs/validation: a title, what was done, and tables."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from validation.samples import REPOSITORY

FOLDER = REPOSITORY / "docs" / "validation"


@dataclass(frozen=True)
class Table:
    """A table with a sentence or two above it."""

    about: str
    header: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __str__(self) -> str:
        lines = (self.header, ["---"] * len(self.header), *self.rows)
        return "\n".join([self.about, "", *(f"| {' | '.join(map(str, cells))} |" for cells in lines)])


def page(name: str, title: str, about: str, tables: Sequence[Table]) -> str:
    """The Markdown text of a page."""
    origin = f"Written by `python -m validation.{name} --write`."
    return "\n\n".join([f"# {title}", origin, about, *map(str, tables)]) + "\n"


def main(name: str, make: Callable[[], str]) -> None:
    """Command line of a validation script: print the page, and write it where asked to."""
    parser = argparse.ArgumentParser(prog=f"python -m validation.{name}")
    parser.add_argument("--write", action="store_true", help=f"write docs/validation/{name}.md")
    write = parser.parse_args().write
    show(name, make(), write)


def show(name: str, text: str, write: bool) -> None:
    """Print a page, and write it where asked to."""
    print(text)
    if write:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
