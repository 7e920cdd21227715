"""A user's own source list: CSV, ECSV, FITS or VOTable, brought into canonical columns."""

import csv
import difflib
import io
import itertools
import warnings
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
import pandas as pd
import yaml
from astropy import units as u
from astropy.table import Column, Table

from nusky import content
from nusky.catalogues.sources import CANONICAL, Sources
from nusky.config import Columns
from nusky.errors import CatalogueError
from nusky.shortage import shortage

_FEW = 5
"""Fewer sources say nothing about the unit of their right ascension."""
FORMATS = {
    ".csv": "ascii.csv",
    ".ecsv": "ascii.ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".votable": "votable",
    ".xml": "votable",
}
MAX_BYTES = 1 << 28
"""Largest source list, unpacked."""


def read_file(path: Path, columns: Columns, label: str, numeric: Collection[str] = ()) -> Sources:
    """Read the source list `path`; the format follows from the file's suffix.

    A column called `flux` becomes the flux and, if no extension is chosen, one called `extension_deg` the extension.

    Parameters
    ----------
    columns : which columns hold name, RA, Dec and extension. Units given in the file (degrees, hour angle, radians,
        ...) are converted; without a unit the numbers are degrees. RA 360 becomes 0.
    numeric : columns that must hold numbers because a weighting asks for them; other columns that do not are left
        out and noted.

    Raises
    ------
    CatalogueError : the file cannot be read, a column is missing, or a column that is needed holds text.
    """
    table = read_table(path, columns.name)
    flux = "flux" if "flux" in table.colnames else None
    extension = columns.extension_deg or ("extension_deg" if "extension_deg" in table.colnames else None)
    for header in filter(None, (columns.name, columns.ra_deg, columns.dec_deg, extension)):
        if header not in table.colnames:
            raise CatalogueError(_unknown_column(path, header, table.colnames))
    ra = _degrees(path, table, columns.ra_deg)
    frame = {
        "name": _names(path, table, columns.name),
        "ra_deg": np.where(ra == 360.0, 0.0, ra),
        "dec_deg": _degrees(path, table, columns.dec_deg),
        "extension_deg": _degrees(path, table, extension) if extension else 0.0,
        "extension_limit": False,
        "flux": _numbers(path, table, flux) if flux else np.nan,
        "flux_limit": False,
    }
    used = {columns.name, columns.ra_deg, columns.dec_deg, extension, flux}
    ignored = []
    for header in table.colnames:
        if header in used:
            continue
        if header not in CANONICAL and (header in numeric or is_numeric(table[header])):
            frame[header] = _numbers(path, table, header)
        else:
            ignored.append(header)
    notes = [f"Columns left out (no numbers, or a name nusky uses itself): {', '.join(ignored)}."] if ignored else []
    if table[columns.ra_deg].unit is None and _like_hours(ra):
        notes.append(f"All of {columns.ra_deg} lies within 0 and 24: if these are hours, give the unit or degrees.")
    rows = pd.DataFrame(frame, index=np.arange(1, len(table) + 1))
    chosen = {"ra_deg": columns.ra_deg, "dec_deg": columns.dec_deg, "name": columns.name}
    headers = {**chosen, "extension_deg": extension or "extension_deg"}
    return Sources(label, str(path), rows, has_flux=flux is not None, headers=headers, notes=tuple(notes))


def _like_hours(ra: np.ndarray) -> bool:
    """Whether right ascensions fill the range of a clock: a list that does so in degrees is rare."""
    return len(ra) >= _FEW and ra.min() >= 0 and ra.max() - ra.min() > 12 and ra.max() <= 24


def read_table(path: Path, name_column: str) -> Table:
    """The table in a file as it is, its column names stripped of blanks; `name_column` is read as text.

    Raises
    ------
    CatalogueError
        The file is missing, empty, too big or damaged, of an unknown format, or refers to something outside it.
    """
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    form = FORMATS.get(suffix.lower())
    if form is None:
        raise CatalogueError(f"{path}: unknown format '{suffix}'. Use one of {', '.join(FORMATS)}.")
    if not path.is_file():
        raise CatalogueError(f"{path}: no such file. Give its path relative to the folder nusky runs in.")
    if form.startswith("ascii"):
        given: str | bytes = content.read_text(path, CatalogueError, MAX_BYTES)
    else:
        given = content.read_bytes(path, CatalogueError, MAX_BYTES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table, written = _parse(given, form, name_column)
        header = [" ".join(name.split()) for name in written]
        table = Table([table[name] for name in table.colnames], names=_distinct(header), copy=False)
    except Exception as error:  # the readers raise dozens of unrelated classes on damaged files
        if short := shortage(error, path):
            raise short from None
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise CatalogueError(f"{path}: cannot be read as {form} ({reason}). Correct the file or its suffix.") from None
    if not len(table):
        raise CatalogueError(f"{path}: holds no source. Give at least one row of data.")
    return table


def _parse(given: str | bytes, form: str, name_column: str) -> tuple[Table, list[str]]:
    """The table and the names of its columns as written: astropy renames the second of two equal ones."""
    lines = io.StringIO(given, newline=None).read().split("\n") if isinstance(given, str) else []
    if form == "ascii.csv":
        header = next((row for row in csv.reader(lines) if any(cell.strip() for cell in row)), [])
        # A name "007" is no number.
        return Table.read(lines, format=form, converters={name_column: str}), header
    if form == "ascii.ecsv":
        _refuse_merge_keys(lines)
        table = Table.read(lines, format=form)
    else:
        if form == "votable":
            _refuse_outside_references(given)
        table = Table.read(io.BytesIO(given), format=form)
    return table, table.colnames


def _refuse_merge_keys(lines: list[str]) -> None:
    """Refuse YAML merge keys in an ECSV header: a few lines of them fill any memory."""
    comments = itertools.takewhile(lambda line: line.startswith("#"), lines)
    header = "\n".join(line[1:].removeprefix(" ") for line in comments)
    for token in yaml.scan(header.replace("%ECSV", "# %ECSV", 1)):
        if isinstance(token, yaml.ScalarToken) and token.plain and token.value == "<<":
            raise ValueError(f"line {token.start_mark.line + 1}: merge keys are not supported")


def _refuse_outside_references(xml: bytes) -> None:
    """Refuse what XML can hide: entities, which can grow without bound, and data kept in another file or on the web."""

    def refuse(what: str) -> None:
        raise ValueError(f"line {parser.CurrentLineNumber}: {what}; save the table as one plain VOTable")

    def element(name: str, attributes: dict[str, str]) -> None:
        if "href" in attributes and name.rsplit(":")[-1] == "STREAM":
            refuse(f"refers to data outside the file ({attributes['href'][:100]})")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: refuse("has a document type definition")
    parser.StartElementHandler = element
    parser.Parse(xml, True)


def _distinct(header: list[str]) -> list[str]:
    twice = [name for name, uses in Counter(header).items() if uses > 1]
    if twice:
        raise ValueError(f"more than one column is called '{twice[0]}'")
    return header


def _unknown_column(path: Path, header: str, present: list[str]) -> str:
    close = difflib.get_close_matches(header.lower(), [name.lower() for name in present], n=1, cutoff=0.4)
    meant = [name for name in present if name.lower() in close]
    hint = f" Did you mean '{meant[0]}'?" if meant else ""
    return f"{path}: no column '{header}'; it has {', '.join(present)}.{hint} Set `columns` in the configuration."


def _names(path: Path, table: Table, header: str) -> list[str]:
    column = table[header]
    if not isinstance(column, Column) or column.ndim != 1:
        raise CatalogueError(f"{path}: column '{header}' does not hold one name per row. Choose a column of text.")
    return [" ".join(text.split()) for text in texts(column)]


def texts(column) -> list[str]:
    """Every entry as text that can be written as UTF-8, empty where it is masked; FITS gives bytes."""
    masked = np.ma.asarray(column)
    # As a plain array: an astropy column would decode bytes itself, and fail on those that are no UTF-8.
    values = zip(np.asarray(np.ma.getdata(masked)).tolist(), np.ma.getmaskarray(masked), strict=True)
    return ["" if gone else _text(value) for value, gone in values]


def _text(value: Any) -> str:
    content = value if isinstance(value, bytes) else str(value).encode(errors="replace")
    return content.decode(errors="replace")


def is_numeric(column: Any) -> bool:
    """Whether a column holds one plain number per row, with or without a unit."""
    return isinstance(column, Column | u.Quantity) and column.ndim == 1 and column.dtype.kind in "iuf"


def _numbers(path: Path, table: Table, header: str) -> np.ndarray:
    column = table[header]
    if not is_numeric(column):
        row, value = _first_text(column)
        raise CatalogueError(
            f"{path}: row {row}: '{value}' in column '{header}' is not a plain number. Give one number per row, "
            "without errors or units (RA and Dec in decimal degrees), and leave the cell empty where it is unknown."
        )
    values = column.value if isinstance(column, u.Quantity) else column
    return np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)


def _first_text(column) -> tuple[int, str]:
    """Row and content of the first entry that is no number, else of the first."""
    entries = texts(column) if isinstance(column, Column) else [type(column).__name__]
    for row, text in enumerate(entries, start=1):
        try:
            float(text or 0)
        except ValueError:
            return row, text
    return 1, entries[0]


def _degrees(path: Path, table: Table, header: str) -> np.ndarray:
    values = _numbers(path, table, header)
    unit = table[header].unit
    if unit is None:
        return values
    try:
        return values * u.Unit(unit).to(u.deg)
    except (u.UnitsError, TypeError, ValueError):
        raise CatalogueError(
            f"{path}: column '{header}' has the unit '{unit}', which is no angle. Give degrees (deg) or hourangle."
        ) from None
