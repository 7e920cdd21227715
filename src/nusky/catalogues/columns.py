"""Columns of a source list as numbers, angles and flags: what a cell says is taken as it is said, or refused."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Column, Table

from nusky import units
from nusky.catalogues.sources import shown
from nusky.catalogues.tablefile import TableFile
from nusky.errors import CatalogueError, PhysicsError

UNKNOWN = frozenset(
    {"", "*", "-", "--", "---", "...", "\u2026", "\u2013", "\u2014", "nan", "null", "none", "n/a", "na", "unknown"}
    | {"n.a.", "#n/a", "<na>", "\\n", '""', "''"}  # as spreadsheets, pandas and databases write it
)
"""Cells that say that a number is unknown."""
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
_SIGNS = frozenset({"<", "<=", ">", ">=", "\u2264", "\u2265"})
_LIMIT_SIGNS = ("<", "\u2264", ">", "\u2265", "\u2272", "\u2273")
_YES = frozenset(
    {"1", "true", "t", "yes", "y", "u", "ul", "u.l.", "l", "ll", "x", "*"}
    | {"limit", "upper", "upper limit", "lower limit"}
)
_NO_UNIT = frozenset({"none", "-", "--", "---", "null", "unitless"})
"""What some write where a column has no unit."""
_NO = frozenset(
    {"value", "det", "detected", "meas", "m", "flux", "", "0", "false", "f", "no", "n", "=", "~", "\u2248", "ok"}
    | {"measured", "detection"}
    | (UNKNOWN - {"*", "unknown"})
)
_LIMIT_WORDS = frozenset(
    {"limit", "lim", "ul", "uplim", "upper", "upperlimit", "islimit", "isul", "limits", "l", "lolim"}
    | {"nondetection", "nondetected", "nondet", "undetected"}
)
_FLAG_FILLERS = frozenset({"is", "type", "kind", "flag", "sign", "lower", "f", "q", "of", "the", "on", "for"})
_UNCLEAR = frozenset({"f", "flag", "detected", "detection", "det", "isdetected"})
"""Words in names of columns of which some flag limits."""
_ERROR_WORDS = frozenset(["e", "err", "error", "errors", "unc", "uncertainty", "sigma", "stat"])
"""Words that make the name of a column that of its errors."""
_FUNCTION_OF_ANGLE = re.compile(r"(sin|cos)e?[\W_]*(de|dec|decl|declination|delta|b|glat|lat|zen)(?![a-z])", re.I)
_LOGARITHM = re.compile(r"(?<![a-z])(log(10)?|ln)(?![a-z])|logarithm", re.I)
_FULL_WIDTH = re.compile(r"fwhm|full[\W_]*width", re.I)
_DEGREES = {"deg", "degree", "degrees"}


@dataclass(frozen=True)
class Numbers:
    """A column as numbers."""

    values: np.ndarray
    """float64, NaN where unknown"""
    limit: np.ndarray
    """whether the cell says that its number is a limit (<1.5)"""
    unknown: tuple[str, ...] = ()
    """signs that stand for unknown values, other than blanks"""


@dataclass(frozen=True)
class Angles:
    """A column as degrees."""

    values: np.ndarray
    limit: np.ndarray
    read_as: str
    """how it was understood, such as "rad" """
    stated: bool
    """whether the file or the configuration states the unit, beyond a name ending in _deg"""
    first: str
    """the first entry as it stands in the file"""
    size: float = 1.0
    """degrees of one unit; 0 for sexagesimal text"""
    unknown: tuple[str, ...] = ()


def texts(column: Any) -> list[str]:
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


def has_decimal_commas(columns: Sequence[Any]) -> bool:
    """Whether a file writes numbers such as 83,63: seen in its coordinates, where nothing else can be meant."""
    return any(
        _DECIMAL_COMMA.fullmatch(_plain(text))
        for column in columns
        if isinstance(column, Column) and column.ndim == 1 and column.dtype.kind in "USO"
        for text in texts(column)
    )


def numbers(where: str, table: Table, header: str, commas: bool = False) -> Numbers:
    """A column of numbers, or of text that says numbers: 1.5, -2e-12, <3.

    Parameters
    ----------
    where : what messages call the file
    commas : whether the file writes decimal commas

    Raises
    ------
    CatalogueError
        Several numbers per row, or a cell that is no number; the message names row and text.
    """
    column = _one_per_row(where, table, header)
    if is_numeric(column):
        values = column.value if isinstance(column, u.Quantity) else column
        found = np.array(np.ma.filled(np.ma.asarray(values, dtype=float), np.nan), dtype=float)
        return Numbers(found, np.zeros(len(found), dtype=bool))
    entries = texts(column)
    values, limit, unknown = np.full(len(entries), np.nan), np.zeros(len(entries), dtype=bool), []
    for row, entry in enumerate(entries):
        text = _plain(entry)
        if text.casefold() in UNKNOWN:
            unknown += [text] if text and text.casefold() != "nan" else []
            continue
        if text.startswith(_LIMIT_SIGNS):
            limit[row], text = True, text.lstrip("".join(_LIMIT_SIGNS) + "= ")
        value = units.decimal(text.replace(",", ".") if commas and _DECIMAL_COMMA.fullmatch(text) else text)
        if value is None and text.casefold() in ("inf", "+inf", "-inf"):
            value = float(text)
        if value is None:
            raise _no_number(where, header, row + 1, entry, table)
        values[row] = value
    return Numbers(values, limit, tuple(dict.fromkeys(unknown)))


def _one_per_row(where: str, table: Table, header: str) -> Any:
    column = table[header]
    if not isinstance(column, Column | u.Quantity):
        raise CatalogueError(
            f"{where}: column '{header}' holds a {type(column).__name__} per row, which is not a plain number. Choose "
            "a column of numbers."
        )
    many = column.ndim > 1
    if not many and column.dtype.kind == "O":
        many = any(isinstance(entry, np.ndarray | list | tuple) and np.ndim(entry) > 0 for entry in column)
    if many:
        per_row = f"{int(np.prod(column.shape[1:]))}" if column.ndim > 1 else "several"
        raise CatalogueError(
            f"{where}: column '{header}' holds {per_row} numbers per row, one is needed. Choose a column with one "
            "number per row, or write the one that is meant into a column of its own."
        )
    return column


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(units.MINUS)


def _no_number(where: str, header: str, row: int, entry: str, table: Table) -> CatalogueError:
    text, extra = _plain(entry), ""
    if re.match(r"[+-]?0\d{3}", text):
        extra = "Packed hours, minutes and seconds need separators: 05:34:31.9."
    elif units.sexagesimal_like(text):
        extra = "It has the form of a sexagesimal angle."
    elif _DECIMAL_COMMA.fullmatch(text):
        extra = "Is it a decimal comma? Write a decimal point: in a column of its own it could separate thousands."
    elif re.search(r"\u00b1|\+/-|\(\d+\)", text):
        extra = "Put errors into a column of their own."
    elif re.match(r"\d{4}-\d\d-\d\d", text):
        extra = "It looks like a date: give MJD, in days."
    elif ";" in text or "\t" in text:
        extra = "Is the file separated by semicolons or tabs throughout?"
    extra = f"{extra} " if extra else ""
    return CatalogueError(
        f"{where}: row {row}: '{shown(text)}' in column '{header}' is not a plain number. {extra}Give one number per "
        "row, without errors or units, and leave the cell empty where it is unknown."
    )


def angles(
    file: TableFile, header: str, hours: bool, given: float | None = None, stated_as: str = "", commas: bool = False
) -> Angles:
    """A column of angles in degrees, by the unit that the file states, the name of the column or its sexagesimal text.

    Parameters
    ----------
    hours : whether it is a right ascension, which alone may be in hours; sexagesimal text without letters then is
    given, stated_as : size in degrees and name of the unit that the configuration states for columns without one
    commas : whether the file writes decimal commas

    Raises
    ------
    CatalogueError
        A unit that is no angle, units that contradict each other, or a cell that is no angle.
    """
    column = _one_per_row(file.where, file.table, header)
    if said := _FUNCTION_OF_ANGLE.match(header):
        raise CatalogueError(
            f"{file.where}: column '{header}' holds a {said[1]}, by its name. Give the angle itself, and name it so."
        )
    size, read_as, is_stated = _unit(file, header, hours, given, stated_as)
    if not is_numeric(column):
        entries = [_plain(text) for text in texts(column)]
        known = [text for text in entries if text.casefold() not in UNKNOWN and units.decimal(text) is None]
        if any(map(units.sexagesimal_like, known)):
            return _sexagesimal(file.where, header, entries, hours, size, read_as)
    if size == units.SEXAGESIMAL:
        row, text = _first(file.table, header)
        raise CatalogueError(
            f"{file.where}: row {row}: '{text}' in column '{header}' is not of the form that its unit '{read_as}' "
            "says, such as 05:34:31.9. Correct the unit or the column."
        )
    found = numbers(file.where, file.table, header, commas)
    row, first = _first(file.table, header)
    if size == units.HOURS and np.any((found.values < 0) | (found.values > 24)):
        bad = int(np.flatnonzero((found.values < 0) | (found.values > 24))[0])
        raise CatalogueError(
            f"{file.where}: row {bad + 1}: {found.values[bad]:g} in column '{header}' is no right ascension of 0 to 24 "
            "hours. Correct the unit or the value."
        )
    values = found.values * size if size != 1.0 else found.values
    return Angles(values, found.limit, read_as, is_stated, first, size, found.unknown)


def days(file: TableFile, header: str, key: str, found: np.ndarray, notes: list[str]) -> np.ndarray:
    """Times or durations `found` (n_rows,) of a column in days, by the unit that the file or the column's name states.

    `key` is that of the configuration they serve: MJD if it ends in `_mjd`, a duration in `_days`.

    Raises
    ------
    CatalogueError
        A unit that is no time, two that contradict each other, times that are no MJD in days, logarithms, or full
        widths where those of a Gaussian are asked for.
    """
    if key.endswith("_mjd"):
        return times(file, header, f"time.{key}", found, notes)
    said = _time_unit(file, header, f"time.{key}")
    told = f"{header} {file.table[header].info.description or ''}"
    if _LOGARITHM.search(told):
        raise CatalogueError(
            f"{file.where}: column '{header}' holds logarithms, by its name or description, but `time.{key}` names it. "
            "Give the duration itself, and name it so."
        )
    if key == "width_days" and _FULL_WIDTH.search(told):
        raise CatalogueError(
            f"{file.where}: column '{header}' holds full widths, by its name or description, but `time.{key}` is the "
            "width (sigma) of a Gaussian: divide full widths at half maximum by 2.355, and name it so."
        )
    if said is None:
        notes.append(f"{header}: taken as days, as `{key}` says and the list states no unit.")
    return found * said[1] if said else found


def times(file: TableFile, header: str, key: str, found: np.ndarray, notes: list[str]) -> np.ndarray:
    """Times `found` (n_rows,) of a column as MJD in UTC [d], by what the file says of their unit, origin and scale.

    `key` of the configuration names the column.

    Raises
    ------
    CatalogueError
        A unit that is not days, Julian dates, a scale of time that is not known, or times at another place than the
        Earth.
    """
    said = _time_unit(file, header, key)
    if said and said[1] != 1.0:
        raise CatalogueError(
            f"{file.where}: column '{header}' is in '{said[0]}', but `{key}` names it, which takes MJD in days. Give "
            "MJD."
        )
    description = str(file.table[header].info.description or "")
    for what, text in (("name", header), ("description", description)):
        if units.says_julian(text):
            raise CatalogueError(
                f"{file.where}: the {what} of column '{header}' says Julian dates, but `{key}` names it, which takes "
                "MJD: subtract 2400000.5, or 0.5 from dates without their 24, and name it so."
            )
    elsewhere = next((own for own in (header, description) if units.is_off_the_earth(own)), file.time_place)
    if elsewhere:
        raise CatalogueError(
            f"{file.where}: the times in column '{header}' are not those at the Earth ({elsewhere}): at the barycentre "
            "of the solar system or the Sun they differ by up to 8.3 minutes. Correct them for the way of the light "
            "from each source to the Earth (`light_travel_time` of astropy.time.Time), and what the file says of them."
        )
    own = units.time_scale_in_name(header) or units.time_scale_in_words(f"time {description}")
    stated, by = (own, "its name or description") if own else file.time_scale or ("utc", "")
    scale = units.time_scale(stated)
    if scale is None:
        raise CatalogueError(
            f"{file.where}: the times in column '{header}' are of the scale '{stated}', which is not known here ({by})."
            " Give MJD in UTC, and correct what the file says of them."
        )
    if scale == "utc":
        return found
    notes.append(f"{header}: times are {scale.upper()} ({by}), and are converted to UTC.")
    return units.utc(found, scale)


def _time_unit(file: TableFile, header: str, key: str) -> tuple[str, float] | None:
    """The unit of time that the file or the column's name states, as text and in days.

    Raises
    ------
    CatalogueError
        A unit that is no time, or two that contradict each other.
    """
    unit = str(file.table[header].unit or "").strip()
    in_file = (unit, 1.0 if unit.casefold() == "mjd" else units.time_unit(unit)) if unit else None
    if in_file and in_file[1] is None:
        raise CatalogueError(
            f"{file.where}: column '{header}' has the unit '{unit}', which is no time, but `{key}` names it. "
            "Correct the unit, or name another column."
        )
    in_name = units.time_unit_in_name(header)
    if in_file and in_name and not np.isclose(in_file[1], in_name[1], rtol=1e-3):
        raise CatalogueError(
            f"{file.where}: column '{header}' has the unit '{unit}', but its name says {in_name[0]}. Correct the one "
            "that is wrong."
        )
    return in_file or in_name or units.time_unit_in_description(str(file.table[header].info.description or ""))


def _first(table: Table, header: str) -> tuple[int, str]:
    entries = texts(table[header]) if isinstance(table[header], Column) else [str(v) for v in table[header].value]
    return next(((row, text) for row, text in enumerate(entries, start=1) if text.strip()), (1, ""))


def _unit(file: TableFile, header: str, hours: bool, given: float | None, stated_as: str) -> tuple[float, str, bool]:
    """Size in degrees, name, and whether it is stated firmly."""
    unit = file.table[header].unit
    in_file = None
    if unit is not None and str(unit).strip().casefold() not in _NO_UNIT | {""}:
        size = units.angle_unit(str(unit))
        if size is None:
            raise CatalogueError(
                f"{file.where}: column '{header}' has the unit '{unit}', which is no angle. Give degrees (deg) or "
                "hourangle."
            )
        in_file = (str(unit), size)
    try:
        in_name = units.angle_unit_in_name(header)
    except PhysicsError as error:
        if in_file is None:
            raise CatalogueError(f"{file.where}: {error} Give degrees (deg), rad, hours, arcmin or arcsec.") from None
        in_name = None
    # The name ra_deg is what nusky looks for, so that columns are renamed to it: a unit in the file says more.
    if in_file and in_name and in_name[1] != in_file[1] and in_file[1] and in_name[0] not in _DEGREES:
        raise CatalogueError(
            f"{file.where}: column '{header}' has the unit '{in_file[0]}', but its name says {in_name[0]}. Correct the "
            "one that is wrong."
        )
    said = in_file or in_name or units.angle_unit_in_description(str(file.table[header].info.description or ""))
    if said is None and given is not None:
        said = (stated_as, given)
    elif said is not None and given is not None and said[1] not in (given, units.SEXAGESIMAL):
        raise CatalogueError(
            f"{file.where}: `unit: {stated_as}` is given, but the file says '{said[0]}' of column '{header}'. Correct "
            "the one that is wrong."
        )
    if said is None:
        return 1.0, "degrees, as no unit is stated", False
    if said[1] == units.HOURS and not hours:
        raise CatalogueError(
            f"{file.where}: column '{header}' is in hours ('{said[0]}'); only a right ascension can be. Correct "
            "the unit."
        )
    is_firm = in_name is None or in_file is not None or given is not None or header != "ra_deg"
    return said[1], said[0], is_firm


def _sexagesimal(where: str, header: str, entries: list[str], hours: bool, size: float, read_as: str) -> Angles:
    # A unit of degrees says that the parts are degrees only where no right ascension is meant to be in hours.
    said_degrees = hours and size == 1.0 and not read_as.startswith("degrees, as")
    if size == units.SEXAGESIMAL:  # "h:m:s" or "d:m:s", which says what the first part counts
        form = read_as.casefold().lstrip("\"'([{ ")
        if form.startswith("h") and not hours:
            raise CatalogueError(
                f"{where}: column '{header}' is in hours ('{read_as}'); only a right ascension can be. Correct the "
                "unit."
            )
        hours = hours and not form.startswith("d")
    values = np.full(len(entries), np.nan)
    for row, text in enumerate(entries):
        if text.casefold() in UNKNOWN:
            continue
        if said_degrees and not re.search(r"[hd\u00b0\u02b0]", text, re.I):
            raise CatalogueError(
                f"{where}: row {row + 1}: '{text}' in column '{header}' is not a plain number, though its unit is "
                f"'{read_as}': are these hours or degrees? Write 05h34m31.9s or 83d37m58s, or correct the unit."
            )
        if size not in (1.0, units.SEXAGESIMAL, units.HOURS):
            raise CatalogueError(
                f"{where}: row {row + 1}: '{text}' in column '{header}' is sexagesimal, its unit is '{read_as}'. "
                "Correct the one that is wrong."
            )
        if units.decimal(text) is not None:
            raise CatalogueError(
                f"{where}: row {row + 1}: '{text}' in column '{header}' is a decimal number among sexagesimal ones. "
                "Write all of them in one form."
            )
        try:
            value = units.sexagesimal(text, hours)
        except PhysicsError as error:
            raise CatalogueError(f"{where}: row {row + 1}, column '{header}': {error} Correct it.") from None
        if value is None:
            raise CatalogueError(
                f"{where}: row {row + 1}: '{text[:50]}' in column '{header}' is no angle such as "
                f"{'05:34:31.9' if hours else '-29:00:28'}. Correct it."
            )
        values[row] = value
    lettered = any(re.search(r"[hd\u00b0\u02b0]", text, re.I) for text in entries)
    kind = "with letters" if lettered else "hours, minutes, seconds" if hours else "degrees, minutes, seconds"
    first = next((text for text in entries if text.casefold() not in UNKNOWN), "")
    none = np.zeros(len(entries), dtype=bool)
    return Angles(values, none, f"sexagesimal, {kind}", True, first, units.SEXAGESIMAL)


_PART_OF_ANGLE = re.compile(
    r"(h|hh|hrs?|hours?|d|dd|degs?|degrees?|m|mm|mins?|minutes?|arcmin|s|ss|secs?|seconds?|arcsec|sign)$"
)


def _stem(name: str) -> str | None:
    """The name of a column without the unit or sign that ends it, and what is no letter around that; None without."""
    end = _end_of_word(name)
    if found := _PART_OF_ANGLE.search(name, max(0, end - len("minutes")), end):
        return name[: _end_of_word(name[: found.start()])]
    return name[:end] if "-" in name[end:] else None


def _end_of_word(name: str) -> int:
    """Where what is no letter or digit at the end of a name begins."""
    return next((k for k in range(len(name), 0, -1) if name[k - 1].isalnum()), 0)


def split_parts(names: Sequence[str], header: str) -> list[str]:
    """The columns that hold the parts of one sexagesimal angle with `header`: RAh, RAm, RAs or DE-, DEd, DEm, DEs."""
    folded = {name.casefold(): name for name in names}
    numbered = re.fullmatch(r"(ra|decl?|de)([\W_]*)[123]", header.casefold())
    if numbered:
        parts = [folded.get(f"{numbered[1]}{numbered[2]}{k}") for k in (1, 2, 3)]
        if parts[0] and parts[1]:
            return [part for part in parts if part]
    stem = _stem(header.casefold())
    if stem is None:
        return []
    said, stem, gap = stem, re.escape(stem), r"[\W_]*"
    units_of = {
        "whole": rf"{stem}{gap}(h|hh|hrs?|hours?|d|dd|degs?|degrees?){gap}",
        "minutes": rf"{stem}{gap}(m|mm|mins?|minutes?|arcmin){gap}",
        "seconds": rf"{stem}{gap}(s|ss|secs?|seconds?|arcsec){gap}",
        "sign": rf"{stem}{gap}(-|sign|sgn)",
    }
    parts = {part: [folded[n] for n in folded if re.fullmatch(form, n)] for part, form in units_of.items()}
    if not parts["whole"] or not parts["minutes"] or not (said or parts["seconds"]):
        return []
    return [name for name in names if any(name in group for group in parts.values())]


def limits_of(file: TableFile, column: str, values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Which rows of `column`, whose numbers are `values` (n_rows,), are limits, and the columns that say so.

    Flags are called after the column (`flux_limit`, `l_flux`, `flux_ul`, `is_ul_flux`), whatever their name adds where
    they hold signs such as < and nothing else, or, where they hold flags, `upper_limit`, `is_limit` and the like. A
    column of numbers so called holds the limits themselves: rows in which it repeats the value of `column` are limits.

    Raises
    ------
    CatalogueError
        A flag that says neither yes nor no.
    """
    limit, used = np.zeros(len(values), dtype=bool), []
    for name in file.table.colnames:
        if name == column or not isinstance(file.table[name], Column) or file.table[name].ndim != 1:
            continue
        own = _names_limit_of(name, column)
        if own is None:
            continue
        flags, wrong = _flags(file.table[name])
        if flags is None and own == "own" and is_numeric(file.table[name]):
            upper = numbers(file.where, file.table, name).values
            flags = np.isfinite(values) & (upper == values)
            if not flags.any():
                continue
        signed = own == "sign" and _has_signs(file.table[name])
        if own == "maybe" and (flags is None or not _has_signs(file.table[name], only=True)):
            continue
        if flags is None and (own == "own" or signed) and wrong is not None:
            raise CatalogueError(
                f"{file.where}: row {wrong[0]}: '{wrong[1][:50]}' in column '{name}' does not say whether '{column}' "
                "is a limit. Give true or false, < or nothing; or name the column otherwise."
            )
        if flags is None or (own == "sign" and not signed):
            continue
        limit |= flags
        used.append(name)
    return limit, used


def _names_limit_of(name: str, column: str) -> str | None:
    """What the name of a column says: "own" flag or limit of `column`, flag of the "row", perhaps its "sign"."""
    words, own = Counter(_words(name)), Counter(_words(column))
    beyond = set(words - own)
    if own <= words and beyond:
        known = beyond <= _LIMIT_WORDS | _FLAG_FILLERS
        return "maybe" if not known else "own" if beyond & _LIMIT_WORDS else "sign"
    if set(words) & _LIMIT_WORDS and set(words) <= _LIMIT_WORDS | _FLAG_FILLERS and "l" not in words:
        return "row"
    return None


def unclear_flags(names: Sequence[str], column: str) -> list[str]:
    """Those of `names` which may say of which rows the numbers in `column` are measured, but not in a known way."""
    own, found = set(_words(column)), {name: set(_words(name)) for name in names if name != column}
    return [
        name for name, words in found.items() if words - own and words - own <= _UNCLEAR and own & words in (own, set())
    ]


def doubtful_errors(file: TableFile, column: str, measured: np.ndarray) -> list[str]:
    """A note on numbers `measured` (n_rows,) in `column` whose error is empty, 0 or negative, where others have one.

    Many lists say so that a number is an upper limit.
    """
    own = set(_words(column))
    for name in file.table.colnames:
        words = set(_words(name))
        if not (own < words and words - own <= _ERROR_WORDS) or not is_numeric(file.table[name]):
            continue
        errors = numbers(file.where, file.table, name).values
        without = np.isfinite(measured) & ~(errors > 0)
        if without.any() and (errors > 0).any():
            return [
                f"{column}: {int(without.sum())} value(s) without an error in {name} count as measured. Where such a "
                f"value is a limit, leave it empty or say so in a column {column}_limit."
            ]
    return []


def _has_signs(column: Column, only: bool = False) -> bool:
    """Whether a column has signs of limits, and nothing but these and blanks where it is to hold them `only`."""
    if column.dtype.kind in "biuf":
        return False
    signs = {"ul", "u.l.", "ll", "limit", "upper", "upper limit"}
    entries = [_plain(text).casefold() for text in texts(column)]
    if only:
        known = _SIGNS | {"upper limit", "lower limit"}
        return bool(known & set(entries)) and set(entries) <= known | _NO
    return any(entry.startswith(_LIMIT_SIGNS) or entry in signs for entry in entries)


def _words(name: str) -> list[str]:
    """The words of a name, with its capitals made words: FluxLimit, isUL."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()
    return [word for word in re.split(r"[^a-z0-9]+", spaced) if word]


def measured(file: TableFile, header: str, commas: bool = False) -> np.ndarray:
    """A column of numbers (n_rows,), none of which may be a limit; parameters and errors as for `numbers`."""
    found = numbers(file.where, file.table, header, commas)
    return refuse_limits(file, header, found.values, found.limit)


def refuse_limits(file: TableFile, header: str, values: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """`values` (n_rows,) of a column in any unit; CatalogueError where one of them is a `limit`."""
    if limit.any():
        raise CatalogueError(
            f"{file.where}: row {np.flatnonzero(limit)[0] + 1}: '{header}' is a limit. Give a value, or leave the row "
            "out."
        )
    return values


def flags(file: TableFile, header: str) -> np.ndarray:
    """A column of flags, (n_rows,) booleans; CatalogueError, with the row, for one that says neither yes nor no."""
    found, wrong = _flags(_one_per_row(file.where, file.table, header))
    if found is None:
        at = f"row {wrong[0]}: '{shown(wrong[1])}' in" if wrong else "numbers other than 0 and 1 in"
        raise CatalogueError(f"{file.where}: {at} column '{header}', which is to be true or false.")
    return found


def _flags(column: Column) -> tuple[np.ndarray | None, tuple[int, str] | None]:
    """Flags as booleans; else None with the row and text of the first entry that is none."""
    if column.dtype.kind == "b":
        return np.array(np.ma.filled(np.ma.asarray(column), False), dtype=bool), None
    entries = [_plain(text).casefold() for text in texts(column)]
    if is_numeric(column):
        values = np.ma.filled(np.ma.asarray(column, dtype=float), 0.0)
        if np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
            return values == 1.0, None
        return None, None
    flags = np.zeros(len(entries), dtype=bool)
    for row, entry in enumerate(entries):
        if entry in _YES | _SIGNS:
            flags[row] = True
        elif entry not in _NO:
            return None, (row + 1, entry)
    return flags, None
