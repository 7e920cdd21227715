"""Fast, strict reading of the releases' text tables: a `#` header line, then numbers between blanks."""

import math
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from nusky.errors import ReleaseError
from nusky.shortage import shortage

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)")
_PLAIN = bytes({*range(256)} - {*range(32), 127} | {*b"\t\n"})
"""All bytes but control characters and CR, which is plain only before LF."""
_BLOCK = 1 << 20
"""Bytes of a file that are looked at together."""
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
    return _joined(header, list(_parts(path, header)))


def read_filled(path: Path, header: Mapping[str, str], column: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Read the rows of a table of numbers whose `column` (of the returned ones) is not 0, and their numbers from 0.

    As `read_numbers`, in memory for those rows and `_BLOCK` bytes of the file, however large it is.
    """
    at, first = list(header.values()).index(column), 0
    kept, rows = [], []
    for values in _parts(path, header):
        filled = np.flatnonzero(values[:, at])
        kept.append(values[filled])
        rows.append(first + filled)
        first += len(values)
    return _joined(header, kept), np.concatenate([np.empty(0, np.int64), *rows])


def _joined(header: Mapping[str, str], parts: list[np.ndarray]) -> dict[str, np.ndarray]:
    values = np.concatenate([np.empty((0, len(header))), *parts])
    return dict(zip(header.values(), np.ascontiguousarray(values.T), strict=True))


def _parts(path: Path, header: Mapping[str, str]) -> Iterator[np.ndarray]:
    """The rows of a table, (n_rows, n_columns) float64 at a time."""
    try:
        with open(path, "rb") as handle:
            _check_header(path, header, handle.readline(_BLOCK))
            handle.seek(-1, os.SEEK_END)
            ended = handle.read() == b"\n"
            handle.seek(0)
            if not ended:
                line = sum(block.count(b"\n") for block in iter(lambda: handle.read(_BLOCK), b"")) + 1
                raise ReleaseError(
                    f"{path}, line {line}: the last line does not end, so the file looks truncated. Fetch it again."
                )
            line, blank = 1, 0
            for block in _whole_lines(handle):
                _refuse_control(path, block, line)
                n_lines, body = block.count(b"\n"), block.rstrip()
                content = block[: len(body)] if line > 1 else body.partition(b"\n")[2]
                first, n_rows = (line, body.count(b"\n") + 1) if line > 1 else (2, body.count(b"\n"))
                line += n_lines
                if not content.strip():
                    blank += n_lines if first > 2 else 0
                    continue
                if blank:  # not at the end
                    content, first, n_rows = b"\n" * blank + content, first - blank, n_rows + blank
                blank = n_lines - body.count(b"\n") - 1
                yield _values(path, header, content, first, n_rows)
    except OSError as error:
        reason = f"{path}: cannot be read ({error.strerror}). Check the folder of the release."
        raise shortage(error, path) or ReleaseError(reason) from None


def _whole_lines(handle: BinaryIO) -> Iterator[bytes]:
    """The content of a file whose last line ends, in blocks that end with a line."""
    rest = b""
    while block := handle.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if not end:
            rest += block
            continue
        yield rest + block[:end]
        rest = block[end:]


def _values(path: Path, header: Mapping[str, str], content: bytes, first: int, n_rows: int) -> np.ndarray:
    """The numbers of `n_rows` lines, the first of which has the number `first`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "no data": seen below as a wrong number of rows
            values = np.loadtxt(content.decode("utf-8").split("\n"), comments=None, ndmin=2)
        good = values.shape == (n_rows, len(header)) and bool(np.isfinite(values).all())
    except (ValueError, UnicodeDecodeError):
        good = False
    if not good:
        raise _first_fault(path, list(header), content, first)
    return values


def _check_header(path: Path, header: Mapping[str, str], line: bytes) -> None:
    first = line.decode("utf-8-sig", errors="replace").strip()
    found = first.removeprefix("#").split()
    if not first.startswith("#") or [f.casefold() for f in found] != [name.casefold() for name in header]:
        missing = [name for name in header if name.casefold() not in {f.casefold() for f in found}]
        problem = f"column {missing[0]} is missing" if missing else "the columns are others"
        raise ReleaseError(
            f"{path}, line 1: {problem}. Expected the header '# {' '.join(header)}', found {first[:300]!r}. "
            "Check that this is the release's file."
        )


def _refuse_control(path: Path, block: bytes, first: int) -> None:
    """Elsewhere a lone CR or another control character would be taken for a line end by some and for a blank by
    others."""
    unusual = block.translate(None, _PLAIN)  # many times faster than the search
    odd = None if unusual == b"\r" * block.count(b"\r\n") else _CONTROL.search(block)
    if odd is not None:
        line = first + block.count(b"\n", 0, odd.start())
        raise ReleaseError(
            f"{path}, line {line}: holds the control character 0x{odd[0][0]:02x}, so it is no plain text table. "
            f"{_FETCH_AGAIN}"
        )


def _first_fault(path: Path, columns: list[str], content: bytes, first: int) -> ReleaseError:
    """The message for the first bad line of lines known to be bad; the slow way, as it happens once."""
    text = content.decode("utf-8", errors="replace")
    for number, line in enumerate(text.split("\n"), start=first):
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
