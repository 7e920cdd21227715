"""Tables in plain text, however they are separated, with comments, units and lines of dashes around the numbers."""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from nusky import units

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
_DASHES = frozenset("-=+_ \t")
_SHOWN = 20
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
"""Characters without width that pages and spreadsheets leave between others."""


@dataclass(frozen=True)
class TextTable:
    """A table as read: columns of numbers where every cell is one or blank, of text otherwise."""

    table: Table
    comments: tuple[str, ...]
    notes: tuple[str, ...]


def read(text: str, separator: str | None, wanted: Collection[str], name_column: str) -> TextTable:
    """Read a table of one line per source under one line of names.

    Parameters
    ----------
    text : the file
    separator : what stands between cells; " " for any run of blanks, None to find it among `SEPARATORS`
    wanted : columns that will be asked for; they decide where the line of names is and how it is separated
    name_column : kept as text

    Raises
    ------
    ValueError
        No such table; the message says why and where.
    """
    lines = io.StringIO(text.translate(_INVISIBLE), newline=None).read().split("\n")
    if any(line.lower().startswith("byte-by-byte description") for line in lines[:200]):
        raise ValueError(
            "it is a table in the form of the CDS, columns by their bytes; make it one that is read here with "
            "astropy: Table.read(FILE, format='ascii.cds').write('list.ecsv')"
        )
    if any(line.rstrip().endswith("\\\\") and "&" in line for line in lines[:20]):
        raise ValueError(
            "it is a table for LaTeX; make it one that is read here with astropy: "
            "Table.read(FILE, format='ascii.latex').write('list.ecsv')"
        )
    stated = re.fullmatch(r"\s*sep=(.)\s*", lines[0])  # as spreadsheets write it
    if stated:
        separator, lines[0] = separator or stated[1], ""
    content = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    comments = [line for _, line in content if line.lstrip().startswith("#")]
    body = [(number, line) for number, line in content if not line.lstrip().startswith("#")]
    header, line_of_names, body, found = _header(content, body, separator, wanted)
    rows = _rows(body, found)
    first = body[0][0] if body else len(lines)
    names = [" ".join(cell.split()) for cell in header]
    while rows and (_is_rule(rows[0][1]) or _is_units(rows[0][1])):
        if _is_units(rows[0][1]) and any(cell.strip() for cell in rows[0][1]):
            unit_row = rows[0][1]
            if found == " " and len(unit_row) != len(header):
                unit_row = _under_names(lines[rows[0][0] - 1], rows[0][0], line_of_names, len(header))
            break
        rows.pop(0)
    else:
        unit_row = []
    if unit_row:
        rows.pop(0)
    rows = [(number, row) for number, row in rows if not _is_rule(row) and any(cell.strip() for cell in row)]
    notes = _check_widths(rows, names, found)
    silent = [number for number, line in content if number > first and line.lstrip().startswith("#")]
    silent = [number for number in silent if len(_split([lines[number - 1]], found)[0][1]) == len(names) > 1]
    if silent:
        notes.append(
            f"{len(silent)} line(s) that look like rows begin with # and are left out as comments (put a name that "
            f"begins with # into quotes): {_lines(silent)}."
        )
    columns = _columns(names, rows)
    made = Table(masked=False)
    for (name, cells), unit in zip(columns, [*unit_row, *[""] * len(names)], strict=False):
        column = _typed(cells, keep_text=name == name_column)
        column.unit = None if set(unit) <= _DASHES else unit.strip().strip("()[]")
        made[name] = column
    return TextTable(made, tuple(comment.lstrip("# \t").rstrip() for comment in comments), tuple(notes))


def _header(
    content: list[tuple[int, str]], body: list[tuple[int, str]], separator: str | None, wanted: Collection[str]
) -> tuple[list[str], str, list[tuple[int, str]], str]:
    """Names of the columns, the line they stand in, the lines below it, and the separator."""
    if not body:
        raise ValueError("it has no line of column names")
    candidates = [body[0]]
    before = [line for line in content if line[0] < body[0][0]]
    if before:  # a line of names may stand behind a #
        number, line = before[-1]
        candidates.append((number, line.lstrip()[1:]))
    best: tuple[int, int, list[str], int, str] | None = None
    for index, (_, line) in enumerate(candidates):
        for rank, mark in enumerate([separator] if separator else SEPARATORS):
            cells = _split([line], mark)[0][1]
            known = len({" ".join(cell.split()) for cell in cells} & set(wanted))
            below = body[1:] if index == 0 else body
            fits = bool(below) and len(_split([below[0][1]], mark)[0][1]) == len(cells) > 1
            score = known * 4 + 2 * (fits and index == 0) + (fits and index == 1 and known > 0)
            if best is None or score > best[0]:
                best = (score, rank, cells, index, mark)
    _, _, cells, index, mark = best
    if index == 1 and not cells[0].strip():
        cells[0] = "#"
    return cells, candidates[index][1], body[1:] if index == 0 else body, mark


def _under_names(line: str, number: int, names: str, n_columns: int) -> list[str]:
    """The unit of each column from a line of units between blanks that leaves some out: each stands below its name."""
    starts = [found.start() for found in re.finditer(r"\S+", names)]
    row = [""] * n_columns
    for found in re.finditer(r"\S+", line):
        below = [k for k, start in enumerate(starts) if start <= found.start()]
        if len(starts) != n_columns or "\t" in line + names or not below or row[below[-1]]:
            raise ValueError(
                f"line {number} gives units for some of the {n_columns} columns, and it is open which; give one for "
                "each, - for none"
            )
        row[below[-1]] = found[0]
    return row


def _split(lines: Sequence[str], separator: str) -> list[tuple[int, list[str]]]:
    """Rows of cells with the index of the line each begins at."""
    if separator == " ":
        lines = [" ".join(line.split()) for line in lines]
    reader, rows, start = (
        csv.reader((f"{line}\n" for line in lines), delimiter=separator, skipinitialspace=separator != "\t"),
        [],
        0,
    )
    for row in reader:
        rows.append((start, row))
        start = reader.line_num
    return rows


def _rows(body: list[tuple[int, str]], separator: str) -> list[tuple[int, list[str]]]:
    """Rows of cells with the number of their line in the file."""
    try:
        split = _split([line for _, line in body], separator)
    except csv.Error as error:
        raise ValueError(f"a quote or cell has no end ({error})") from None
    rows = [(body[start][0], row) for start, row in split]
    for number, row in rows:
        if any("\n" in cell.strip("\n") for cell in row):
            raise ValueError(
                f"line {number}: a quotation mark opens a cell that ends on a later line; close or remove it, so that "
                "no row is swallowed"
            )
    return rows


def _is_rule(row: Sequence[str]) -> bool:
    """Whether a row is only drawn: dashes under the names."""
    drawn = _DASHES | {":"}  # as Markdown says on which side a column is aligned
    return any("--" in cell or "==" in cell for cell in row) and all(set(cell) <= drawn for cell in row)


def _is_units(row: Sequence[str]) -> bool:
    """Whether a row gives units: those of two angles among them or of one alone, and no number at all."""
    cells = [cell.strip() for cell in row if cell.strip() and not set(cell.strip()) <= _DASHES]
    if any(cell[0].isdigit() or cell[0] in "+-.\u2212" or units.sexagesimal_like(cell) for cell in cells):
        return False
    return sum(units.angle_unit(cell) is not None for cell in cells) > (len(cells) > 1)


def _check_widths(rows: list[tuple[int, list[str]]], names: list[str], separator: str) -> list[str]:
    """Refuse rows with more cells than there are names; notes about those with fewer."""
    called = SEPARATORS.get(separator, "blanks")
    short = []
    for number, row in rows:
        extra = [cell for cell in row[len(names) :] if cell.strip()]
        if extra:
            raise ValueError(
                f"line {number} has {len(row)} cells between {called}, the line of names has {len(names)}: put text "
                "that holds the separator into quotes, write numbers with a decimal point, and put a # before lines "
                "above the line of names"
            )
        if len(row) < len(names):
            short.append(number)
    if not short:
        return []
    return [f"{len(short)} line(s) have fewer cells than columns, the rest counts as empty: {_lines(short)}."]


def _lines(numbers: list[int]) -> str:
    return f"line {', '.join(map(str, numbers[:_SHOWN]))}{' ...' if len(numbers) > _SHOWN else ''}"


def _columns(names: list[str], rows: list[tuple[int, list[str]]]) -> list[tuple[str, list[str]]]:
    """Columns by name; those without a name and content, from commas at the ends of lines, vanish."""
    columns = []
    for k, name in enumerate(names):
        cells = [row[k].strip() if k < len(row) else "" for _, row in rows]
        if name or any(cells):
            columns.append((name or f"column {k + 1}", cells))
    twice = [name for name, uses in Counter(name for name, _ in columns).items() if uses > 1]
    if twice:
        raise ValueError(f"more than one column is called '{twice[0]}'; rename one of them")
    return columns


def _typed(cells: list[str], keep_text: bool) -> Column:
    numbers = None if keep_text else [_number(cell) for cell in cells]
    if numbers is None or None in numbers:
        return MaskedColumn(cells, mask=[not cell for cell in cells], dtype=object if not cells else str)
    return Column(np.array(numbers, dtype=float))


def _number(cell: str) -> float | None:
    if not cell or cell.casefold() == "nan":
        return np.nan
    if cell.casefold() in ("inf", "+inf", "-inf"):
        return float(cell)
    number = units.decimal(cell)
    return number if number is None or cell.isascii() else None
