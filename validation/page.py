"""Pages of docs/validation: a title, what was done, and tables."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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


def main_in_steps(
    name: str, about: str | None, what: str, prepare: Callable[[Path], None], compare: Callable[[Path], str]
) -> None:
    """Command line of a script beside another program, which runs between its two steps; `what` the first writes."""
    parser = argparse.ArgumentParser(prog=f"python -m validation.{name}", description=about)
    step = parser.add_mutually_exclusive_group(required=True)
    step.add_argument("--prepare", type=Path, metavar="FOLDER", help=f"write {what}")
    step.add_argument("--compare", type=Path, metavar="FOLDER", help="fit with nusky and compare")
    parser.add_argument("--write", action="store_true", help=f"write docs/validation/{name}.md")
    chosen = parser.parse_args()
    if chosen.prepare:
        prepare(chosen.prepare)
    else:
        show(name, compare(chosen.compare), chosen.write)


def show(name: str, text: str, write: bool) -> None:
    """Print a page, and write it where asked to."""
    print(text)
    if write:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
