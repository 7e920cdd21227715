"""Fast, strict reading of the releases' text tables: a `#` header line, then numbers between blanks."""

import math
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nusky.errors import ReleaseError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_PLAIN = bytes({*range(256)} - {*range(32), 127} | {*b"\t\n"})
"""All bytes but control characters and CR, which is plain only before LF."""
_FETCH_AGAIN = "Fetch the file again or correct the line."


def read_numbers(path: Path, header: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Read a table of numbers.

    Parameters
    ----------
    path : text file in UTF-8; a byte-order mark, CRLF line ends and blank lines at the end are accepted
    header : names expected in the header line, in order -> names of the returned columns

    Returns
    -------
    dict of (n_rows,) float64 arrays, in the file's own units

    Raises
    ------
    ReleaseError
        The file is missing or truncated, the header differs, or a value is not a finite number; the message names the
        line (counted from 1), the column and the text found.
    """
    lines_end, n_lines = _check_frame(path, header)
    if n_lines == 1:
        return {name: np.empty(0) for name in header.values()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": seen below as a wrong number of rows
            values = np.loadtxt(path, comments=None, skiprows=1, ndmin=2, encoding="utf-8-sig", max_rows=n_lines - 1)
        good = values.shape == (n_lines - 1, len(header)) and bool(np.isfinite(values).all())
    except (ValueError, UnicodeDecodeError):
        good = False
    if not good:
        raise _first_fault(path, list(header), lines_end)
    return dict(zip(header.values(), np.ascontiguousarray(values.T), strict=True))


def _check_frame(path: Path, header: Mapping[str, str]) -> tuple[int, int]:
    """Check header and last line; give the position behind the last line with content and the number of lines."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path}: cannot be read ({error.strerror}). Check the folder of the release.") from None
    first = content.split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip()
    found = first.removeprefix("#").split()
    if not first.startswith("#") or [f.casefold() for f in found] != [name.casefold() for name in header]:
        missing = [name for name in header if name.casefold() not in {f.casefold() for f in found}]
        problem = f"column {missing[0]} is missing" if missing else "the columns are others"
        raise ReleaseError(
            f"{path}, line 1: {problem}. Expected the header '# {' '.join(header)}', found {first[:300]!r}. "
            "Check that this is the release's file."
        )
    if not content.endswith(b"\n"):
        line = content.count(b"\n") + 1
        raise ReleaseError(
            f"{path}, line {line}: the last line does not end, so the file looks truncated. Fetch it again."
        )
    # Elsewhere a lone CR or another control character would be taken for a line end by some and for a blank by others.
    unusual = content.translate(None, _PLAIN)  # many times faster than the search
    odd = None if unusual == b"\r" * content.count(b"\r\n") else _CONTROL.search(content)
    if odd is not None:
        line = content.count(b"\n", 0, odd.start()) + 1
        raise ReleaseError(
            f"{path}, line {line}: holds the control character 0x{odd[0][0]:02x}, so it is no plain text table. "
            f"{_FETCH_AGAIN}"
        )
    body = content.rstrip()
    return len(body), body.count(b"\n") + 1


def _first_fault(path: Path, columns: list[str], lines_end: int) -> ReleaseError:
    """The message for the first bad line of a file known to be bad; the slow way, as it happens once."""
    text = path.read_bytes()[:lines_end].decode("utf-8-sig", errors="replace")
    for number, line in enumerate(text.split("\n")[1:], start=2):
        fields = line.split()
        for column, field in zip(columns, fields, strict=False):
            if not _NUMBER.fullmatch(field) or not math.isfinite(float(field)):
                return ReleaseError(
                    f"{path}, line {number}, column {column}: {field[:50]!r} is not a finite number. {_FETCH_AGAIN}"
                )
        if len(fields) != len(columns):
            where = f"column {columns[len(fields)]} is empty: " if len(fields) < len(columns) else ""
            return ReleaseError(
                f"{path}, line {number}: {where}{len(columns)} values are expected, found {len(fields)} "
                f"({line.strip()[:200]!r}). {_FETCH_AGAIN}"
            )
    return ReleaseError(f"{path}: not a table of {len(columns)} columns of numbers. Fetch the file again.")
