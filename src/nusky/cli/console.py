"""What the subcommands print: text, tables, key-value lists, JSON, CSV; progress only where somebody can see it.

Names come from files of others: nothing that steers a terminal goes out (`nusky.printable`), and no text cell of a CSV
is a formula to a spreadsheet.
"""

import contextlib
import json
import math
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from nusky.errors import ConfigurationError, NuskyError
from nusky.files import finite_or_null
from nusky.printable import printable
from nusky.probability import written
from nusky.report.numbers import Probability


def fail(message: str) -> None:
    """Print a message about an error."""
    typer.echo(printable(f"nusky: {message}", keep="\n"), err=True)


def say(text: str = "") -> None:
    """Print one or more lines."""
    typer.echo(printable(text, keep="\n"))


def prose(text: str) -> None:
    """Print sentences, in lines as long as the terminal is wide."""
    _print(_text(text))


def heading(text: str) -> None:
    """Print the title of a block."""
    typer.echo(typer.style(printable(text), bold=True))


def section(text: str) -> None:
    """Print a blank line and the title of a block."""
    say()
    heading(text)


def pairs(entries: Mapping[str, Any], indent: int = 2) -> None:
    """Print names and values in two columns; long values are wrapped within the second."""
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in entries.items():
        table.add_row(_text(" " * indent + name), _text(str(value)))
    _print(table)


def grid(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Print rows of equal keys as a table as wide as the terminal; the columns it had no room for are returned."""
    from rich.table import Table

    console, columns = _console(), list(rows[0]) if rows else []
    cells = [[cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(printable(name)), *(len(line[k]) for line in cells)) for k, name in enumerate(columns)]
    shown, used = 0, 0
    while shown < len(columns) and (shown == 0 or used + widths[shown] <= console.width):
        used += widths[shown] + 2
        shown += 1
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name, value in zip(columns[:shown], rows[0].values() if rows else [], strict=False):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        table.add_column(_text(name), justify="right" if number else "left", overflow="fold")
    for line in cells:
        table.add_row(*map(_text, line[:shown]))
    _print(table)
    return columns[shown:]


def cell(value: Any) -> str:
    """A value as tables show it: six significant digits, p-values as far as their trials tell, a dash if missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, Probability):
        return written(float(value), value.n_trials)
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


def as_json(content: Any) -> None:
    """Print JSON: numbers in full, null for NaN and infinities; control characters as JSON's own escapes."""
    text = json.dumps(finite_or_null(content), indent=2, ensure_ascii=False, allow_nan=False)
    say(text)  # JSON itself escapes none from DEL on; outside of strings it has none but the ends of lines


def as_csv(table: Any) -> None:
    """Print an Arrow table as CSV (`nusky.tables.write_csv`)."""
    from nusky.tables import write_csv

    write_csv(table, sys.stdout.buffer)


def check_output(path: Path, suffixes: Collection[str], *, what: str = "results") -> None:
    """Refuse a file that could not be written, before anything is computed: its suffix, a folder that is not there."""
    if path.suffix.lower() not in suffixes:
        raise ConfigurationError(f"{path}: {what} are written as {', '.join(suffixes)}; change the suffix.")
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; give the name of a file in it.")
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: there is no folder {path.parent}; make it first.")


def require_workflow() -> None:
    """Refuse what plans or runs jobs where Snakemake is not installed."""
    import importlib.util

    if importlib.util.find_spec("snakemake") is None:
        raise NuskyError(
            "the workflow needs Snakemake, which is not installed here. Run `pip install 'nusky[workflow]'`; "
            "`nusky search` and `nusky bdm` work without it."
        )


def bytes_text(n_bytes: float) -> str:
    """A size in decimal units."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} GB"


def duration_text(seconds: float) -> str:
    """A duration in the unit in which it is a handy number."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.{0 if seconds >= 10 * size else 1}f} {unit}"
    return f"{seconds:.0f} s"


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def busy(what: str) -> Iterator[None]:
    """Show that something is going on, on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _print(table: Any) -> None:
    """Without the blanks with which rich fills lines."""
    console = _console()
    with console.capture() as printed:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def _text(content: str) -> Any:
    from rich.text import Text

    return Text(printable(content))
