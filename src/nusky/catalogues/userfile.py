"""A user's own source list: text, ECSV, FITS or VOTable, brought into canonical columns."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from astropy import units as u
from astropy.table import Column

from nusky import units
from nusky.catalogues import columns as reading
from nusky.catalogues import frames
from nusky.catalogues.columns import UNKNOWN, Angles, is_numeric, texts
from nusky.catalogues.sources import CANONICAL, Sources
from nusky.catalogues.tablefile import TableFile, read_table
from nusky.config import Columns
from nusky.errors import CatalogueError
from nusky.printable import printable
from nusky.suggestions import did_you_mean

FEW = 5
"""Fewer sources say nothing about the unit of their right ascension."""
WIDE_DEG = 15.0
"""Extensions beyond this are doubted where no unit is stated."""
UNITS = {"deg": 1.0, "rad": units.RADIAN, "hours": units.HOURS}
"""Units a configuration can state for coordinates whose file states none; hours for right ascensions alone."""
_NAMED = 20
_UNIT_COLUMN = frozenset(
    ("unit", "units", "ra", "dec", "de", "coord", "coords", "coordinate", "coordinates", "pos", "position", "angle")
)
"""Words of columns that say of every row in which unit its position is."""
_FRAME_COLUMNS = {"equinox": "equinox", "equ": "equinox", "epoch": "epoch"} | dict.fromkeys(
    ["frame", "coordframe", "coosys", "coordsys", "coordsystem", "coordinatesystem", "radesys", "radecsys"], "system"
)
"""Columns that say of every row in which equinox or frame it is, by their letters, and what they hold."""
_PROPER_MOTION = re.compile(r"(pm|mu)[ _]?(ra|alpha|de|dec|delta|l|b)([ _]?(cos[ _]?(de|dec|delta)|star))?", re.I)
_NO_SIGMA = re.compile(r"diam|fwhm|major|minor|axis|r_?(50|68|80|90|95|99)", re.IGNORECASE)
"""In names of extensions: widths that are not the Gaussian's own."""


@dataclass(frozen=True)
class Reading:
    """What the configuration states about a file, beyond the names of its columns; None leaves it to the file."""

    table: str | None = None
    format: str | None = None
    unit: str | None = None
    frame: str | None = None


def read_file(
    path: Path,
    columns: Columns,
    label: str,
    numeric: Collection[str] = (),
    stated: Reading = Reading(),
    times: Mapping[str, str] = MappingProxyType({}),
) -> Sources:
    """Read the source list `path`; the format follows from the file's suffix or from what is `stated`.

    A column called `flux` becomes the flux and, if no extension is chosen, one called `extension_deg` the extension.

    Parameters
    ----------
    columns : which columns hold name, RA, Dec and extension. Units and frames stated in the file, in the names of its
        columns or by the form of the text are converted to degrees of J2000; without a unit the numbers are degrees.
        RA 360 becomes 0. An empty extension is a point-like source.
    numeric : columns that must hold numbers because a weighting asks for them; other columns that do not are left
        out and noted.
    times : columns of times and durations, which become days, with the key of the configuration each of them serves

    Raises
    ------
    CatalogueError : the file cannot be read, a column is missing, a column that is needed holds text, or unit or frame
        contradict each other, look like others than stated, or cannot be converted.
    """
    wanted = {columns.name, columns.ra_deg, columns.dec_deg, *filter(None, [columns.extension_deg])}
    file = read_table(path, columns.name, wanted, stated.table, stated.format)
    present = file.table.colnames
    name_column = column(file, columns.name)
    extension = columns.extension_deg and column(file, columns.extension_deg)
    extension = extension or ("extension_deg" if "extension_deg" in present else None)
    where = positions(file, columns.ra_deg, columns.dec_deg, stated)
    commas, notes = where.commas, [*file.notes, *where.notes]
    frame_columns = {
        "name": _names(file, name_column),
        "ra_deg": where.ra_deg,
        "dec_deg": where.dec_deg,
        **_extensions(file, extension, commas, notes),
        "flux": np.nan,
        "flux_limit": False,
    }
    headers = {"name": name_column, "ra_deg": where.ra_name, "dec_deg": where.dec_name}
    headers["extension_deg"] = extension or "extension_deg"
    used = set(headers.values())
    if extension:
        used.update(reading.limits_of(file, extension, np.full(len(file.table), np.nan))[1])
    numbers, flags = _numbers(file, used, numeric, commas, notes)
    for header, key in times.items():
        if header in flags:
            raise CatalogueError(
                f"{file.where}: row {1 + np.flatnonzero(flags[header])[0]}: {header} is a limit, but `time.{key}` "
                "names it. Give a value."
            )
        if header in numbers and key != "power":
            numbers[header] = reading.days(file, header, key, numbers[header], notes)
    has_flux = "flux" in numbers
    frame_columns |= numbers
    for name, flag in flags.items():
        frame_columns["flux_limit" if name == "flux" else f"{name}_limit"] = flag
    rows = pd.DataFrame(frame_columns, index=np.arange(1, len(file.table) + 1))
    understood = _understood(rows, where, extension)
    return Sources(label, file.where, rows, has_flux, headers, tuple(map(printable, notes)), printable(understood))


@dataclass(frozen=True)
class Positions:
    """Directions of the rows of a table.

    Attributes
    ----------
    ra_deg, dec_deg : (n_rows,) float64, deg, J2000; NaN where missing
    ra_name, dec_name : the columns they come from
    given : how these were understood, with the first entry
    commas : whether the file writes decimal commas
    notes : doubts
    """

    ra_deg: np.ndarray
    dec_deg: np.ndarray
    ra_name: str
    dec_name: str
    given: str
    commas: bool
    notes: tuple[str, ...]


def positions(file: TableFile, ra_deg: str, dec_deg: str, stated: Reading = Reading()) -> Positions:
    """The directions [deg, J2000] in the columns called `ra_deg` and `dec_deg`, whatever unit and frame they are in.

    Raises
    ------
    CatalogueError : a column is missing, or unit or frame contradict each other or cannot be converted.
    """
    ra_name, dec_name = (_position_column(file, header, axis) for header, axis in ((ra_deg, "ra"), (dec_deg, "dec")))
    for header, form in ((ra_name, "05:34:31.9"), (dec_name, "-29:00:28")):
        if parts := reading.split_parts(file.table.colnames, header):
            raise CatalogueError(
                f"{file.where}: column '{header}' is one part of an angle that stands in {', '.join(parts)}. Join them "
                f"into one column of text such as {form}, a sign in front of it, and name that column."
            )
        if units.decimal(header) is not None:
            raise CatalogueError(
                f"{file.where}: column '{header}' has a number for its name: is the first line a row of the table? "
                "Write a line of names above it."
            )
    if ra_name == dec_name:
        raise CatalogueError(f"{file.where}: column '{ra_name}' is given for both coordinates. Name two columns.")
    commas = reading.has_decimal_commas([file.table[ra_name], file.table[dec_name]])
    by_row = _by_row(file, stated.frame)
    said = {name: (*file.frames.columns.get(name, ()), *by_row) for name in (ra_name, dec_name)}
    frame = frames.of_columns(
        file.where, frames.Frames(file.frames.table, said), ra_name, dec_name, stated.frame, file.other_frame
    )
    ra, dec = _angles(file, ra_name, dec_name, frame, stated.unit, commas)
    _refuse_units_in_columns(file, (ra, ra_name), (dec, dec_name))
    _refuse_frame_of_header(file, frame, stated.frame)
    notes = _doubts(file, ra, dec, ra_name, dec_name, frame, stated)
    if moving := [name for name in file.table.colnames if _PROPER_MOTION.fullmatch(name)]:
        notes.append(f"Proper motions ({', '.join(moving[:4])}) are not applied: positions are those of their epoch.")
    ra_icrs, dec_icrs = frames.to_icrs(file.where, frame, ra.values, dec.values)
    given = f"'{ra_name}' {ra.first} ({ra.read_as}), '{dec_name}' {dec.first} ({dec.read_as}), {frame}"
    turned = np.where(ra_icrs == 360.0, 0.0, ra_icrs)
    return Positions(turned, dec_icrs, ra_name, dec_name, given, commas, tuple(notes))


def _refuse_units_in_columns(file: TableFile, *found: tuple[Angles, str]) -> None:
    """CatalogueError where another column says what unit one of `found` is in, which states none itself."""
    for name in file.table.colnames:
        words = [word for word in re.split(r"[^a-z]+", name.casefold()) if word]
        if not {"unit", "units"} & set(words) or not set(words) <= _UNIT_COLUMN or not _is_plain(file.table[name]):
            continue
        for text in dict.fromkeys(texts(file.table[name])):
            size = units.angle_unit(text) if text.strip() else None
            if size in (None, 1.0) or all(angles.stated for angles, _ in found):
                continue
            raise CatalogueError(
                f"{file.where}: column '{name}' says '{text.strip()[:30]}', but the columns "
                f"{', '.join(repr(header) for angles, header in found if not angles.stated)} state no unit. If it is "
                "theirs, state it with `unit` (deg, rad or hours) or in their names, such as 'RA [rad]'; rename "
                f"'{name}' if it is of something else."
            )


def _refuse_frame_of_header(file: TableFile, frame: frames.Frame, given: str | None) -> None:
    """CatalogueError where the table's header says a family of frames that none of its columns has."""
    for said in file.frames.table:
        if (
            given is None
            and said.family not in (None, frames.UNKNOWN, frame.family)
            and not any(_family_of(name) == said.family for name in file.table.colnames)
        ):
            raise CatalogueError(
                f"{file.where}: the columns are {frame}, but {said.by} says {said.family}. State which is right with "
                "`frame` (icrs, fk5, fk4 or galactic), or name the columns by their frame."
            )


def _by_row(file: TableFile, given: str | None) -> list[frames.Statement]:
    """What columns called equinox, epoch, frame and the like say of every row.

    Raises
    ------
    CatalogueError : they say different things of different rows, and no frame is `given`.
    """
    found = []
    for name in file.table.colnames:
        kind = _FRAME_COLUMNS.get(re.sub(r"[^a-z]", "", name.casefold()))
        if kind is None or not _is_plain(file.table[name]):
            continue
        by, said = f"column '{name}'", {}
        for text in dict.fromkeys(texts(file.table[name])):
            if text.strip().casefold() in UNKNOWN:
                continue
            text = text.strip()
            if kind == "epoch":
                statement = frames.by_epoch(text, f"{by} says {text}")
            else:
                system, equinox = ("", text) if kind == "equinox" else (text, None)
                statement = frames.by_system(system, equinox, by)
            said.setdefault(statement and (statement.family, statement.equinox), (text, statement))
        if len(said) > 1 and given is None:
            (first, _), (second, _) = list(said.values())[:2]
            raise CatalogueError(
                f"{file.where}: {by} says '{first[:30]}' of some rows and '{second[:30]}' of others. Give all "
                "positions in one frame and equinox."
            )
        found += [statement for _, statement in said.values() if statement] if len(said) == 1 else []
    return found


def column(file: TableFile, header: str) -> str:
    """The name of a column in the table, given by its name, its name without blanks at its ends or between, or ID."""
    present = file.table.colnames
    for name in (header, " ".join(header.split())):
        if name in present:
            return name
        if name in file.aliases:
            return file.aliases[name]
    if header in file.doubled:
        raise CatalogueError(
            f"{file.where}: {len(file.doubled[header])} columns are called '{header}'. Name one by its ID: "
            f"{', '.join(file.doubled[header])}."
        )
    possible = [name for name in present if name not in vars(Columns()).values()]  # those are found already
    hint = did_you_mean(header, possible, cutoff=0.4)
    families = {name: _family_of(name) for name in present}
    if header in (Columns().ra_deg, Columns().dec_deg) and "equatorial" not in families.values():
        galactic = [name for name, family in families.items() if family == "galactic"]
        hint = f" Name the Galactic coordinates {', '.join(galactic)}: they are converted." if galactic else hint
    if len(present) == 1 and len(present[0].split()) > 1:
        hint = " Do blanks separate its columns? Then state `format: blanks` (--format blanks on the command line)."
    shown = ", ".join(present[:40]) + (f" and {len(present) - 40} more" if len(present) > 40 else "")
    raise CatalogueError(
        f"{file.where}: no column '{header}'; it has {shown}.{hint} Set `columns` in the configuration (on the command "
        "line --name, --ra, --dec)."
    )


def _family_of(name: str) -> str | None:
    """The family of frames that a column's own name says, None where it says none."""
    try:
        return frames.by_name(name).family
    except CatalogueError:
        return None


def _position_column(file: TableFile, header: str, axis: str) -> str:
    """The column of one coordinate; a column of sky positions stands for both of its own."""
    both = f"{header}.{axis}"
    return both if header not in file.table.colnames and both in file.table.colnames else column(file, header)


def _angles(
    file: TableFile, ra: str, dec: str, frame: frames.Frame, unit: str | None, commas: bool
) -> tuple[Angles, Angles]:
    in_hours = frame.family == "equatorial"
    if unit == "hours" and not in_hours:
        raise CatalogueError(f"{file.where}: `unit: hours` is stated, but the columns are {frame}. Give deg or rad.")
    stated = UNITS.get(unit) if unit else None
    other = 1.0 if unit == "hours" else stated
    found = (
        reading.angles(file, ra, in_hours, stated, unit or "", commas),
        reading.angles(file, dec, False, other, "deg" if unit == "hours" else unit or "", commas),
    )
    for one, other, name in ((found[0], found[1], dec), (found[1], found[0], ra)):
        unstated = other.size == 1.0 and other.read_as.startswith("degrees, as")
        if one.size in (units.RADIAN, 1 / 60, 1 / 3600) and unstated:
            raise CatalogueError(
                f"{file.where}: one coordinate is stated in '{one.read_as}', column '{name}' states no unit. State it "
                "with `unit`, or write it in the name of the column, such as 'Dec [rad]'."
            )
    return found


def _doubts(
    file: TableFile, ra: Angles, dec: Angles, ra_name: str, dec_name: str, frame: frames.Frame, stated: Reading
) -> list[str]:
    """Notes on numbers that look like another unit than was taken; CatalogueError where hardly another is possible."""
    outside = np.flatnonzero(np.abs(dec.values) > 90)
    if len(outside) and frame.family == "equatorial":
        row = outside[0]
        exchanged = " Are the columns of right ascension and declination exchanged?"
        hint = exchanged if np.all(np.abs(ra.values) <= 90) else ""
        raise CatalogueError(
            f"{file.where}: row {row + 1}: {dec_name} = {dec.values[row]} must lie in -90 to 90 degrees.{hint}"
        )
    notes = []
    for name, found in ((ra_name, ra), (dec_name, dec)):
        if found.unknown:
            notes.append(f"{name}: {', '.join(found.unknown)} taken as unknown.")
        if found.limit.any():
            raise CatalogueError(
                f"{file.where}: row {np.flatnonzero(found.limit)[0] + 1}: {name} is a limit. Give a value."
            )
    if ra.stated and (dec.stated or ra.read_as.startswith("sexagesimal")):
        return notes
    values = ra.values[np.isfinite(ra.values)]
    if not len(values) or ra.stated:
        return notes
    if file.other_unit:
        raise CatalogueError(
            f"{file.where}: the file says '{file.other_unit[0][:120]}', the column '{ra_name}' states no unit. State "
            "it with `unit` (deg, rad or hours), or in the name of the column, such as 'RA [deg]'."
        )
    way = "if so, state `unit` or write it in the name of the column, such as 'RA [rad]'"
    in_turn = values.min() >= 0 and values.max() <= 2 * np.pi
    in_clock = values.min() >= 0 and values.max() <= 24
    near_equator = np.all(np.abs(dec.values[np.isfinite(dec.values)]) <= np.pi / 2)
    if in_turn and near_equator and len(values) >= FEW and np.ptp(values) > np.pi:
        raise CatalogueError(
            f"{file.where}: all of '{ra_name}' lies within 0 and 2 pi and all of '{dec_name}' within -pi/2 and pi/2, "
            "as radians do. State the unit with `unit` (rad or deg; --unit on the command line)."
        )
    if in_turn and near_equator:
        notes.append(f"All of {ra_name} lies within 0 and 2 pi: are these radians? {way[0].upper()}{way[1:]}.")
    if in_clock and frame.family == "equatorial":
        if len(values) >= FEW and np.ptp(values) > 12 and ra_name != Columns().ra_deg:
            raise CatalogueError(
                f"{file.where}: all of '{ra_name}' lies within 0 and 24 and fills that range, as hours do. State the "
                "unit with `unit` (hours or deg; --unit on the command line)."
            )
        notes.append(f"All of {ra_name} lies within 0 and 24: if these are hours, give the unit or degrees.")
    return notes


def _extensions(
    file: TableFile, extension: str | None, commas: bool, notes: list[str]
) -> dict[str, np.ndarray | float]:
    if extension is None:
        return {"extension_deg": 0.0, "extension_limit": False}
    found = reading.angles(file, extension, False, commas=commas)
    flagged, _ = reading.limits_of(file, extension, found.values)
    limit = found.limit | flagged
    empty = np.isnan(found.values)
    rows = np.arange(1, len(empty) + 1)
    if empty.any():
        notes.append(
            f"{int(empty.sum())} source(s) without {extension} taken as point-like: row {_listed(rows[empty])}."
        )
    if limit.any():
        notes.append(
            f"{int(limit.sum())} source(s) with an upper limit as {extension} taken as point-like: row "
            f"{_listed(rows[limit])}."
        )
    if _NO_SIGMA.search(extension):
        notes.append(
            f"{extension} is taken as the width (sigma) of a Gaussian, as every extension is. Where it is another "
            "measure, convert it: a full width at half maximum is 2.355 sigma."
        )
    if not found.stated and extension != "extension_deg" and np.nanmax(found.values, initial=0.0) > WIDE_DEG:
        notes.append(f"{extension} reaches {np.nanmax(found.values):g} degrees: if it is in another unit, state that.")
    return {"extension_deg": np.where(empty | limit, 0.0, found.values), "extension_limit": limit}


def _numbers(
    file: TableFile, used: Collection[str | None], numeric: Collection[str], commas: bool, notes: list[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Further columns of numbers, and for some of them which of their numbers are limits."""
    found = {}
    for header in file.table.colnames:
        if header in used or (header in CANONICAL and header != "flux"):
            continue
        try:
            found[header] = reading.numbers(file.where, file.table, header, commas)
        except CatalogueError:
            wanted = header in numeric or (header == "flux" and _is_plain(file.table[header]))
            if wanted:
                raise
    for header in list(found):
        optional = header not in numeric and header != "flux" and not is_numeric(file.table[header])
        if optional and np.isnan(found[header].values).all():  # text without a single number
            del found[header]
    limits, flags = {}, set()
    for header, numbers in found.items():
        if header in flags:
            continue
        flagged, by = reading.limits_of(file, header, numbers.values)
        flags |= set(by)
        unclear = [name for name in reading.unclear_flags(file.table.colnames, header) if name not in by]
        if unclear and (header in numeric or header == "flux"):
            notes.append(
                f"{header}: whether {', '.join(unclear)} says which values are limits is not known, all count as "
                f"measured. Where a value is a limit, leave it empty or say so in a column {header}_limit."
            )
        limit = numbers.limit | flagged
        if header in numeric or header == "flux":
            notes += reading.doubtful_errors(file, header, np.where(limit, np.nan, numbers.values))
        if numbers.unknown:
            notes.append(f"{header}: {', '.join(numbers.unknown)} taken as unknown.")
        if limit.any():
            how = f" (by {', '.join(by)})" if by else ""
            notes.append(
                f"{int(limit.sum())} value(s) of {header} are limits{how}: row {_listed(1 + np.flatnonzero(limit))}."
            )
            limits[header] = limit
    limits = {header: limit for header, limit in limits.items() if header not in flags}
    values = {header: numbers.values for header, numbers in found.items()}
    for header in limits:
        values.pop(f"{header}_limit", None)
    read = {*values, *used, *flags}
    left_out = [header for header in file.table.colnames if header not in read]
    many = [header for header in left_out if not _is_plain(file.table[header])]
    ignored = [header for header in left_out if header not in many]
    if ignored:
        notes.append(f"Columns left out (no numbers, or a name nusky uses itself): {', '.join(ignored)}.")
    if many:
        notes.append(f"Columns left out (not one number per row): {', '.join(many)}.")
    return values, limits


def _is_plain(column: object) -> bool:
    """Whether a column has one entry per row."""
    if not isinstance(column, Column | u.Quantity) or column.ndim != 1:
        return False
    return not (column.dtype.kind == "O" and any(np.ndim(entry) > 0 for entry in column))


def _names(file: TableFile, header: str) -> list[str]:
    column = file.table[header]
    if not isinstance(column, Column) or column.ndim != 1:
        raise CatalogueError(
            f"{file.where}: column '{header}' does not hold one name per row. Choose a column of text."
        )
    return [" ".join(text.split()) for text in texts(column)]


def _listed(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:_NAMED])) + (" ..." if len(rows) > _NAMED else "")


def _understood(rows: pd.DataFrame, where: Positions, extension: str | None) -> str:
    """One line on how the coordinates were understood, with the first row."""
    first = rows.iloc[0]
    width = f", extension {first['extension_deg']:.6g}" if extension else ""
    position = f"RA {first['ra_deg']:.6f}, Dec {first['dec_deg']:+.6f}{width} degrees, J2000"
    return f"{where.given}: first row {first['name']} at {position}"
