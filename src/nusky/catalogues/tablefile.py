"""One table of a file, with what the file says about its columns, its frame and its completeness."""

import io
import itertools
import re
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import numpy as np
import yaml
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from nusky import content, units
from nusky.catalogues import frames, texttable
from nusky.catalogues.frames import Frames
from nusky.errors import CatalogueError
from nusky.shortage import shortage

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".ecsv": "ecsv",
    ".fits": "fits",
    ".fit": "fits",
    ".vot": "votable",
    ".votable": "votable",
    ".xml": "votable",
}
"""Formats by suffix; .txt and .dat say nothing about theirs."""
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")
SEPARATORS = {"csv": None, "tsv": "\t", "blanks": " "}
MAX_BYTES = 1 << 28
"""Largest source list, unpacked."""
_CUT = re.compile(
    r"overflow|truncat|result.{0,20}\b(cut|limited)\b|(rows|records|sources).{0,30}\blimit(ed)? (reached|to)", re.I
)
_OTHER_FRAME = re.compile(
    r"B1950|FK4|(equinox|epoch)\W{0,3}(18|19)\d\d"
    r"|\b(coord|position|equinox|ra\b|right asc).{0,30}\bJ(19\d\d|20(0[1-9]|[1-9]\d))"
    r"|(super)?-?(galactic|ecliptic)\W+(coord|lon|lat|frame|system|l\b)"
    r"|\b(coord\w*|positions?|frame|system)\W+((are|is|in|given)\W+)*(super)?-?(galactic|ecliptic)\b",
    re.I,
)
_OTHER_UNIT = re.compile(
    r"\b(RA|right ascensions?|coordinates|positions|angles)\b.{0,40}\b(radians?|hours?|rad)\b", re.I
)
_OTHER_PLACE = re.compile(
    r"\b(times?|mjds?|dates?|timeref|trefpos|refposition)\W+((are|is|in|at|the|of|to|given|referred|corrected|for)\W+)*"
    r"((bary|helio)cent|solar[\W_]*system|ssb\b)|\b(bary|helio)cent\w*\W+(\w+\W+)?(times?|mjds?|dates?)\b",
    re.I,
)
_FAILED = re.compile(r"query_status\W{1,3}error|^\W{0,40}\*\*\W{0,40}error\b", re.I)
_UNIT_KEYS = ("unit", "units", "angle_unit", "angle_units", "coord_unit", "coordinate_unit")
_SCALE_KEYS = ("timesys", "timescale", "time_scale", "time_system")
_PLACE_KEYS = ("timeref", "trefpos", "time_reference_position", "refposition")
_FRAME_KEYS = ("radesys", "radecsys", "coordsys", "coord_sys", "coordinate_system", "frame", "coordinate_frame")


@dataclass(frozen=True)
class TableFile:
    """One table of a file; its names of columns are stripped of blanks."""

    where: str
    """File, and table where it holds several, for messages."""
    table: Table
    frames: Frames = field(default_factory=Frames)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Other names of columns -> their names in `table`."""
    notes: tuple[str, ...] = ()
    other_frame: tuple[str, ...] = ()
    """Comments that speak of another frame than J2000, without a column they belong to."""
    other_unit: tuple[str, ...] = ()
    """Comments that speak of radians or hours."""
    time_scale: tuple[str, str] | None = None
    """The scale of its times, and what says it, where the file states one."""
    time_place: str = ""
    """What says that its times are those at another place than the Earth; empty if nothing does."""
    doubled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that several columns share -> the IDs these have in `table`."""


def read_table(
    path: Path, name_column: str, wanted: Collection[str] = (), table: str | None = None, form: str | None = None
) -> TableFile:
    """Read one table of a file.

    Parameters
    ----------
    name_column : is read as text
    wanted : columns that will be asked for, which tell the separators of text
    table : name or number (from 1) of the table in a FITS or VOTable file; needed where there are several
    form : format, where the file's suffix does not tell it

    Raises
    ------
    CatalogueError
        The file is missing, empty, too big or damaged, of an unknown format, holds several tables and none is chosen,
        says that it is the answer to a query that failed, or refers to something outside it.
    """
    if not path.is_file():
        alike = content.beside(path)
        meant = f"Did you mean {alike}?" if alike else "Give its path relative to the folder nusky runs in."
        what = "is a folder. Give the file in it." if path.is_dir() else f"no such file. {meant}"
        raise CatalogueError(f"{path}: {what}")
    suffix = (path.with_suffix("").suffix if path.suffix.lower() == ".gz" else path.suffix).lower()
    form = form or FORMATS.get(suffix)
    if form is None:
        unknown = f"'{suffix}' says no format" if suffix in (".txt", ".dat") else f"unknown format '{suffix}'"
        if suffix in _SHEETS:
            raise CatalogueError(f"{path}: is a spreadsheet. Save the sheet of the sources as CSV and give that file.")
        raise CatalogueError(
            f"{path}: {unknown}. Use one of {', '.join(FORMATS)}, or state `format`: "
            "csv (commas, semicolons, tabs), tsv, blanks, ecsv, fits or votable."
        )
    is_text = form in SEPARATORS or form == "ecsv"
    given = (content.read_text if is_text else content.read_bytes)(path, CatalogueError, MAX_BYTES)
    if table is not None and is_text:
        raise CatalogueError(f"{path}: holds one table only. Leave `table` out.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if form in SEPARATORS:
                found = _text(path, given, SEPARATORS[form], wanted, name_column)
            elif form == "ecsv":
                found = _ecsv(path, given)
            else:
                found = (_fits if form == "fits" else _votable)(path, given, table)
    except CatalogueError:
        raise
    except Exception as error:  # the readers raise dozens of unrelated classes on damaged files
        if short := shortage(error, path):
            raise short from None
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise CatalogueError(f"{path}: cannot be read as {form} ({reason}). Correct the file or its suffix.") from None
    if not len(found.table):
        raise CatalogueError(f"{found.where}: holds no source. Give at least one row of data.")
    return found


def without_keys(message: str, form: bool = True, table: bool = True) -> str:
    """A message about a file of a run that says nothing of a command line, nor of the keys there are not for it.

    `form` and `table` tell whether the configuration has `format` and `table` for the file.
    """
    message = re.sub(r" \((--[\w ]+ )?on the command line[^)]*\)|; --\w+ on the command line", "", message)
    if not form:
        message = re.sub(r", or state `format`: .*", ".", message)
    if not table:
        message = re.sub(r"Choose one by its name or number with `table`", "Give a file with one table", message)
    return message.replace("holds no source", "holds no row")


def _text(path: Path, given: str, separator: str | None, wanted: Collection[str], name_column: str) -> TableFile:
    if re.match(r"\s*<(\?xml|!doctype|html|votable)", given, re.I):
        raise ValueError("it is XML or HTML: give a VOTable the suffix .vot; a page is no table")
    if given.lstrip().startswith(("{", "[{")):
        raise ValueError("it is JSON: write it as a table")
    if given.startswith("# %ECSV"):
        raise ValueError("it is an ECSV table: give it the suffix .ecsv")
    found = texttable.read(given, separator, wanted, name_column)
    said = [line for line in found.comments if line]
    failed = next((line for line in said if _FAILED.search(line)), None)
    if failed:
        _refuse_answer(path, " ".join(failed.split())[:300])
    notes = (*found.notes, *_incomplete(said, len(found.table)))
    return TableFile(
        str(path),
        found.table,
        notes=notes,
        other_frame=_found(_OTHER_FRAME, said),
        other_unit=_found(_OTHER_UNIT, said),
        time_scale=_time_scale({}, said),
        time_place=_time_place({}, said),
    )


def _found(pattern: re.Pattern[str], lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if pattern.search(line))


def _refuse_answer(path: Path, told: str) -> NoReturn:
    raise CatalogueError(f"{path}: is the answer to a query that failed; the service says: {told}. Repeat it.")


def _incomplete(said: Sequence[str], n_rows: int) -> list[str]:
    """Notes on lines which say that the table was cut, or that its number of rows is the largest one asked for."""
    notes = []
    for line in said:
        most = re.search(r"(?:-out\.max|maxrec|maxtuples|row_limit)\W{1,3}(\d+)", line, re.I)
        if _CUT.search(line) or (most and int(most[1]) == n_rows):
            told = " ".join(line.split())[:200]
            notes.append(f"INCOMPLETE, as the file says: {told}. Fetch it again with a higher limit.")
    return notes


def _ecsv(path: Path, given: str) -> TableFile:
    lines = io.StringIO(given, newline=None).read().split("\n")
    _refuse_merge_keys(lines)
    return _with_meta(str(path), Table.read(lines, format="ascii.ecsv"))


def _with_meta(where: str, table: Table, header: Mapping[str, Any] | None = None, ucds: Mapping = {}) -> TableFile:
    """A table whose columns and `meta` hold what is known of it."""
    table, aliases, notes = _expand_positions(table, where)
    for name in table.colnames:  # one number per row is written as a vector of one, too
        if getattr(table[name], "shape", ())[1:] and int(np.prod(table[name].shape[1:])) == 1:
            table[name] = table[name].reshape(len(table))
    names = _distinct([" ".join(name.split()) for name in table.colnames])
    said: dict[str, tuple[frames.Statement, ...]] = {}
    for name, old in zip(names, table.colnames, strict=True):
        info = table[old].info
        column_meta = {str(key).casefold(): value for key, value in (getattr(info, "meta", None) or {}).items()}
        statements = []
        if ucd := ucds.get(old) or column_meta.get("ucd"):
            statements.append(frames.by_ucd(name, str(ucd)))
        if info.description:
            statements.append(frames.by_description(name, str(info.description)))
        if statements:
            said[name] = tuple(statements)
    meta = table.meta if header is None else header
    found = Frames(_table_frame(meta), said)
    table = Table([table[name] for name in table.colnames], names=names, copy=False)
    comments = _comments(meta)
    units_said = [f"{key}: {value}" for key, value in meta.items() if str(key).casefold() in _UNIT_KEYS]
    units_said = [line for line in units_said if units.angle_unit(line.partition(": ")[2]) not in (None, 1.0)]
    return TableFile(
        where,
        table,
        found,
        aliases,
        tuple(notes),
        other_frame=_found(_OTHER_FRAME, comments),
        other_unit=(*units_said, *_found(_OTHER_UNIT, comments)),
        time_scale=_time_scale(meta, comments),
        time_place=_time_place(meta, comments),
    )


def _time_scale(meta: Mapping[str, Any], comments: Sequence[str]) -> tuple[str, str] | None:
    """What the header of a table, or else a comment, says of the scale of its times."""
    folded = {str(key).casefold(): value for key, value in meta.items() if isinstance(value, str)}
    for key in _SCALE_KEYS:
        if said := folded.get(key, "").strip():
            return said[:50], f"{key.upper()} = {said[:50]}"
    said_in = {scale: line for line in comments if (scale := units.time_scale_in_words(line))}
    return next(((scale, line[:100]) for scale, line in said_in.items()), None) if len(said_in) == 1 else None


def _time_place(meta: Mapping[str, Any], comments: Sequence[str]) -> str:
    """What the header of a table, or else a comment, says of times that are not those at the Earth."""
    for key, value in meta.items():
        if str(key).casefold() in _PLACE_KEYS and units.is_off_the_earth(str(value)):
            return f"{str(key).upper()} = {str(value)[:50]}"
    return next((line[:100] for line in comments if _OTHER_PLACE.search(line)), "")


def _comments(meta: Mapping[str, Any]) -> list[str]:
    """Lines of comments, without those in which astropy keeps the descriptions of columns."""
    found: list[str] = []
    for key in ("comments", "comment", "COMMENT", "HISTORY", "note", "notes", "description"):
        value = meta.get(key)
        lines = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
        inside = False
        for line in map(str, lines):
            inside = (inside or "--BEGIN-ASTROPY-SERIALIZED" in line) and "--END-ASTROPY-SERIALIZED" not in line
            if not inside:
                found.append(line)
    return found


def _table_frame(meta: Mapping[str, Any]) -> tuple[frames.Statement, ...]:
    """What the header of a table says of its frame: RADESYS and the like, EQUINOX."""
    folded = {str(key).casefold(): str(value) for key, value in meta.items() if isinstance(value, str | int | float)}
    system = next((folded[key] for key in _FRAME_KEYS if folded.get(key, "").strip()), "")
    equinox = folded.get("equinox", "").strip()
    if not system and not equinox:
        epoch = folded.get("epoch", "").strip()  # which EQUINOX replaced
        said = frames.by_epoch(epoch, f"the header says EPOCH = {epoch}")
        return (said,) if said else ()
    shown = ", ".join(f"{key.upper()} = {folded[key]}" for key in (*_FRAME_KEYS, "equinox") if folded.get(key))
    return (frames.by_system(system, equinox or None, f"the header ({shown[:80]})"),)


def _expand_positions(table: Table, where: str) -> tuple[Table, dict[str, str], list[str]]:
    """Columns NAME.ra and NAME.dec, degrees in ICRS, in place of a column of sky positions."""
    aliases, notes = {}, []
    for name in [name for name in table.colnames if isinstance(table[name], SkyCoord)]:
        sky = table[name]
        try:
            icrs = sky.icrs
        except Exception as error:  # frames that need a time or a place which the file does not give
            reason = " ".join(str(error).split())[:200]
            notes.append(f"Column '{name}' is left out: its positions cannot be converted to J2000 ({reason}).")
            table.remove_column(name)
            continue
        at = table.index_column(name)
        table.remove_column(name)
        table.add_columns([icrs.ra.deg * u.deg, icrs.dec.deg * u.deg], [at, at], [f"{name}.ra", f"{name}.dec"])
        first, second = list(sky.get_representation_component_names())[:2]
        aliases |= {f"{name}.{first}": f"{name}.ra", f"{name}.{second}": f"{name}.dec"}
        moving = "; proper motions are not applied" if sky.data.differentials else ""
        notes.append(
            f"Column '{name}' holds positions in the frame {sky.frame.name}; read as {name}.ra, {name}.dec{moving}."
        )
    return table, {old: new for old, new in aliases.items() if old != new}, notes


def _refuse_merge_keys(lines: list[str]) -> None:
    """Refuse YAML merge keys in an ECSV header: a few lines of them fill any memory."""
    comments = itertools.takewhile(lambda line: line.startswith("#"), lines)
    header = "\n".join(line[1:].removeprefix(" ") for line in comments)
    for token in yaml.scan(header.replace("%ECSV", "# %ECSV", 1)):
        if isinstance(token, yaml.ScalarToken) and token.plain and token.value == "<<":
            raise ValueError(f"line {token.start_mark.line + 1}: merge keys are not supported")


def _fits(path: Path, given: bytes, table: str | None) -> TableFile:
    with fits.open(io.BytesIO(given), memmap=False, lazy_load_hdus=False) as hdus:
        found = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU | fits.TableHDU)]
        listed = [(hdu.name, hdu.name, hdu.header["NAXIS2"], hdu.columns.names) for hdu in found]
        chosen = found[_choose(path, listed, table)]
        header = {**_frame_cards(hdus[0].header), **_frame_cards(chosen.header)}
        for key in ("COMMENT", "HISTORY"):
            header[key] = [str(line) for line in chosen.header.get(key, [])]
        numbered = list(enumerate(chosen.columns.names, start=1))

        def of_columns(*keys: str) -> dict[str, str]:
            cards = {name: [chosen.header.get(f"{key}{k}", "") for key in keys] for k, name in numbered}
            return {name: str(next(filter(None, found))) for name, found in cards.items() if any(found)}

        ucds, texts = of_columns("TUCD", "TBUCD"), of_columns("TCOMM", "TDESC")
        texts = {name: chosen.header.comments[f"TTYPE{k}"] for k, name in numbered} | texts
        systems, equinoxes = of_columns("RADE"), of_columns("EQUI")
        axes = of_columns("TCTYP", "TCTY")
        made = Table.read(chosen, format="fits")
        for name, text in texts.items():
            if name in made.colnames and not isinstance(made[name], SkyCoord):
                made[name].info.description = text
        where = f"{path} (table {chosen.name or chosen.ver})" if len(found) > 1 else str(path)
        file = _with_meta(where, made, header, ucds)
        said = {name: list(statements) for name, statements in file.frames.columns.items()}
        for name in axes.keys() & set(file.table.colnames):
            said.setdefault(name, []).append(frames.by_name(axes[name].split("-")[0], f"the axis of column '{name}'"))
        for name in (systems.keys() | equinoxes.keys()) & set(file.table.colnames):
            by = f"the header of column '{name}'"
            said.setdefault(name, []).append(frames.by_system(systems.get(name, ""), equinoxes.get(name), by))
        return replace(file, frames=Frames(file.frames.table, {name: tuple(found) for name, found in said.items()}))


def _frame_cards(header: fits.Header) -> dict[str, Any]:
    keys = {key.upper() for key in (*_FRAME_KEYS, *_SCALE_KEYS, *_PLACE_KEYS, "equinox", "epoch")}
    return {key.casefold(): header[key] for key in header if key.upper() in keys and header[key] != ""}


def _choose(path: Path, listed: list[tuple[str, str, int, list[str]]], table: str | None) -> int:
    """The index of the chosen table among name, ID, number of rows and columns of each."""

    def shown() -> str:
        parts = []
        for k, (name, _, n_rows, columns) in enumerate(listed[:12], start=1):
            names = ", ".join(map(str, columns[:8])) + (", ..." if len(columns) > 8 else "")
            parts.append(f"{k} {name or '(no name)'} ({n_rows} rows: {names})")
        return "; ".join(parts) + ("; ..." if len(listed) > 12 else "")

    if not listed:
        raise ValueError("it holds no table")
    if table is None:
        if len(listed) > 1:
            raise CatalogueError(
                f"{path}: holds {len(listed)} tables: {shown()}. Choose one by its name or number with `table` "
                "(--table on the command line)."
            )
        return 0
    wanted = table.strip().casefold()
    same = [k for k, (name, other, *_) in enumerate(listed) if wanted in (str(name).casefold(), str(other).casefold())]
    if not same and wanted.isdigit() and 1 <= int(wanted) <= len(listed):
        same = [int(wanted) - 1]
    if len(same) != 1:
        problem = f"{len(same)} tables are called" if same else "there is no table"
        raise CatalogueError(f"{path}: {problem} '{table}'; it holds {shown()}. Choose one with `table`.")
    return same[0]


@dataclass
class _VOTable:
    """What a VOTable says about itself."""

    systems: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    infos: list[tuple[str, str, str]] = field(default_factory=list)
    tables: list[list[dict[str, str]]] = field(default_factory=list)
    """Of every table, of every column: the attributes of its FIELD and its DESCRIPTION."""
    groups: dict[str, str] = field(default_factory=dict)
    """ID of a FIELD -> what a GROUP that refers to it refers to"""
    params: list[tuple[int | None, str, str]] = field(default_factory=list)
    """Of every PARAM and INFO: the number of its table (None: the whole file), its name and value."""
    texts: list[tuple[int | None, str]] = field(default_factory=list)
    """Of every DESCRIPTION that is of no column: the number of its table, and its words."""


def _votable(path: Path, given: bytes, table: str | None) -> TableFile:
    from astropy.io.votable import parse

    said = _self_description(given)
    notes, lines = [], []
    for name, value, text in said.infos:
        about = " ".join(f"{value} {text}".split())[:300]
        if (name.casefold() == "query_status" and value.strip().casefold() == "error") or name.casefold() == "error":
            _refuse_answer(path, about)
        if name.casefold() == "query_status" and value.strip().casefold() not in ("ok", ""):
            notes += _incomplete([about], 0) or [f"The status of the query is no plain OK: {about}."]
        else:
            lines.append(f"{name}: {about}")
    found = list(parse(io.BytesIO(given), verify="ignore").iter_tables())
    if not found and said.infos:
        told = "; ".join(f"{name}: {value} {text}".strip() for name, value, text in said.infos)[:300]
        raise CatalogueError(f"{path}: holds no table; it says {told}. Repeat the query.")
    listed = [(t.name or t.ID, t.ID or t.name, len(t.array), [f.name for f in t.fields]) for t in found]
    index = _choose(path, listed, table)
    same = len(said.tables) == len(found) and len(said.tables[index]) == len(found[index].fields)
    fields = said.tables[index] if same else []
    notes += _incomplete(lines, len(found[index].array))
    made = found[index].to_table(use_names_over_ids=False)
    named = Counter(f.name for f in found[index].fields)
    aliases, names, ucds, systems, doubled = {}, [], {}, {}, {}
    for column, about in zip(found[index].fields, fields or [{}] * len(found[index].fields), strict=True):
        name = column.name if named[column.name] == 1 else column.ID
        names.append(name)
        if named[column.name] > 1:
            doubled.setdefault(" ".join(column.name.split()), []).append(" ".join(name.split()))
        aliases[column.ID] = " ".join(name.split())
        if column.ucd:
            ucds[name] = column.ucd
        refers = about.get("ref") or said.groups.get(about.get("ID", ""), "")
        systems[" ".join(name.split())] = said.systems.get(refers)
    made = Table([made[name] for name in made.colnames], names=_distinct(names), copy=False, meta={})
    for name, column in zip(names, found[index].fields, strict=True):
        made[name].info.description = " ".join(str(column.description or "").split()) or None
    where = f"{path} (table {listed[index][0] or index + 1})" if len(found) > 1 else str(path)
    if len(said.tables) == len(found):  # else it is open which table a word is about
        about = {name: value for of, name, value in said.params if of in (None, index)}
        texts = [text for of, text in said.texts if of in (None, index)]
    else:
        about = {name: value for _, name, value in said.params}
        texts = [text for _, text in said.texts]
    file = _with_meta(where, made, about | {"description": texts}, ucds)
    columns = dict(file.frames.columns)
    for name, system in systems.items():
        if system:
            columns[name] = (*columns.get(name, ()), _coosys(*system))
    # A coordinate system that no column refers to is meant for the whole table.
    whole = () if any(systems.values()) else tuple(_coosys(*s) for s in said.systems.values())
    aliases = {old: new for old, new in aliases.items() if old != new and old not in file.table.colnames}
    return replace(
        file,
        frames=Frames((*whole, *file.frames.table), columns),
        aliases=aliases | file.aliases,
        notes=(*file.notes, *notes),
        doubled={name: tuple(found) for name, found in doubled.items()},
    )


def _coosys(system: str, equinox: str | None) -> frames.Statement:
    return frames.by_system(system, equinox, f"its COOSYS ({system} {equinox or ''}".rstrip() + ")")


def _self_description(xml: bytes) -> _VOTable:
    """What a VOTable says of itself, and a refusal of what XML can hide: entities, which can grow without bound, and
    data kept in another file or on the web."""
    said = _VOTable()
    text: list[str] = []
    group: list[str] = []
    inside: list[str] = []

    def where() -> int | None:
        return len(said.tables) - 1 if "TABLE" in inside else None

    def refuse(what: str) -> None:
        raise ValueError(f"line {parser.CurrentLineNumber}: {what}; save the table as one plain VOTable")

    def start(name: str, attributes: dict[str, str]) -> None:
        name = name.rsplit(":")[-1]
        if "href" in attributes and name == "STREAM":
            refuse(f"refers to data outside the file ({attributes['href'][:100]})")
        inside.append(name)
        if name == "COOSYS":
            said.systems[attributes.get("ID", "")] = (attributes.get("system", ""), attributes.get("equinox"))
        elif name == "TIMESYS":
            said.params.append((None, "timesys", attributes.get("timescale", "")))
            said.params.append((None, "refposition", attributes.get("refposition", "")))
        elif name == "TABLE":
            said.tables.append([])
        elif name == "FIELD" and said.tables:
            said.tables[-1].append(dict(attributes))
        elif name == "GROUP":
            group.append(attributes.get("ref", ""))
        elif name == "FIELDref" and group and group[-1]:
            said.groups[attributes.get("ref", "")] = group[-1]
        elif name == "INFO":
            text.clear()
            said.infos.append((attributes.get("name", ""), attributes.get("value", ""), ""))
        elif name == "DESCRIPTION":
            text.clear()
        if name in ("PARAM", "INFO"):
            said.params.append((where(), attributes.get("name", "").casefold(), attributes.get("value", "")))

    def end(name: str) -> None:
        inside.pop()
        if name.rsplit(":")[-1] == "DESCRIPTION" and inside and inside[-1] in ("VOTABLE", "RESOURCE", "TABLE"):
            said.texts.append((where(), " ".join("".join(text).split())))
        if name.rsplit(":")[-1] == "GROUP":
            group.pop()
        elif name.rsplit(":")[-1] == "INFO":
            said.infos[-1] = (*said.infos[-1][:2], "".join(text))

    def characters(data: str) -> None:
        if inside and inside[-1] in ("INFO", "DESCRIPTION"):
            text.append(data)

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: refuse("has a document type definition")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    parser.Parse(xml, True)
    return said


def _distinct(header: list[str]) -> list[str]:
    twice = [name for name, uses in Counter(header).items() if uses > 1]
    if twice:
        raise ValueError(f"more than one column is called '{twice[0]}'")
    return header
