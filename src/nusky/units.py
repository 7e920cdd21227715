"""Quantities of astropy at the edge of nusky, units in the names of columns, and angles written as text.

Inside nusky numbers are plain and their unit is documented. What a user passes may be a `Quantity`, which is converted;
plain numbers keep the documented unit.
"""

import datetime
import functools
import inspect
import math
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from nusky.errors import PhysicsError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FLUX = "eV-1 cm-2 s-1"
_COLUMN_UNITS = {
    # The first pattern that fits the end of a name decides.
    r"e2dnde(_\d+[tp]ev)?_gev_cm2_s": "GeV cm-2 s-1",
    r"fluence(_\d+[tp]ev)?_gev_cm2": "GeV cm-2",
    r"ns_per_phi0_ev": "eV cm2 s",
    r"(ns|events)_per_phi0_gev": "GeV cm2 s",
    r"phi0(_\w+)?_per_ev": _FLUX,
    r"phi0(_\w+)?_per_gev": "GeV-1 cm-2 s-1",
    r"_per_mev_cm2_s_sr": "MeV-1 cm-2 s-1 sr-1",
    r"_per_mev_cm2_s": "MeV-1 cm-2 s-1",
    r"_cm2_per_sr": "cm2 sr-1",
    r"_per_sr": "sr-1",
    r"_per_electron": "",
    r"log10_\w*": "",
    r"_cm2": "cm2",
    r"_deg": "deg",
    r"_rad": "rad",
    r"_gev": "GeV",
    r"_mev": "MeV",
    r"_yr": "yr",
    r"_s": "s",
    r"\bmjd|_mjd": "d",
}
MJD_RANGE = (40_000.0, 100_000.0)
SHORTEST_DAYS, LONGEST_DAYS = 1e-9, 60_000.0
"""Of durations: times in MJD are told apart down to 1e-11 d, and `MJD_RANGE` is as long."""
_JULIAN = 2_400_000.5
_OTHER_TIMES = (
    (MJD_RANGE[0] + _JULIAN, MJD_RANGE[1] + _JULIAN, "It looks like a Julian date: subtract 2400000.5."),
    (1900.0, 2200.0, "It looks like a year: give MJD."),
    (19_000_101.0, 22_001_231.0, "It looks like a date, year, month and day: give MJD."),
    (1e8, math.inf, "It looks like seconds of a clock: give MJD, in days."),
)


def column_unit(name: str) -> str:
    """The unit that the name of a column of nusky's tables states, in astropy's notation; empty where it has none."""
    return next((unit for ending, unit in _COLUMN_UNITS.items() if re.search(f"(?:{ending})$", name)), "")


def plain(name: str, value: Any, unit: str) -> Any:
    """`value` as it is, or the numbers of a `Quantity` or a list of them in `unit`.

    Raises
    ------
    PhysicsError
        When the unit of `value` is no such unit.
    """
    units = sys.modules.get("astropy.units")
    if units is None:  # then nothing can be a Quantity, and importing astropy would take longer than most calls
        return value
    if isinstance(value, list | tuple) and any(isinstance(item, units.Quantity) for item in value):
        value = _joined(name, value, units)
    if not isinstance(value, units.Quantity):
        return value
    try:
        return value.to_value(_unit(unit))
    except units.UnitConversionError:
        wanted = f"a quantity in {unit}" if unit else "a number without a unit"
        raise PhysicsError(f"{name} = {value} cannot be converted; give {wanted}.") from None


def direction(ra: Any, dec: Any = None, names: tuple[str, str] = ("ra", "dec"), frame: str = "icrs") -> tuple[Any, Any]:
    """Longitude and latitude as float64 arrays in rad, whatever they were given in.

    Parameters
    ----------
    ra, dec : numbers in rad, quantities, or a SkyCoord in place of `ra` and no `dec`; any shape
    names : what messages call the two
    frame : the frame of astropy that a SkyCoord is taken to

    Raises
    ------
    PhysicsError
        Only one of both is given, a value is no angle, right ascensions lie outside -pi to 2 pi or declinations outside
        -pi/2 to pi/2. Degrees given by mistake nearly always do.
    """
    if hasattr(ra, "transform_to"):
        if dec is not None:
            raise PhysicsError(f"{names[0]} is a SkyCoord, which holds {names[1]} too; leave {names[1]} out.")
        spherical = ra.transform_to(frame).spherical
        ra, dec = spherical.lon, spherical.lat
    if dec is None:
        raise PhysicsError(f"{names[1]} is missing; give both, or a SkyCoord as {names[0]}.")
    ra = _within(names[0], ra, -math.pi, 2 * math.pi, "-pi to 2 pi")
    return ra, _within(names[1], dec, -math.pi / 2, math.pi / 2, "-pi/2 to pi/2")


def _within(name: str, given: Any, low: float, high: float, allowed: str) -> Any:
    """Angles in rad between bounds, as float64 arrays."""
    import numpy as np

    number = plain(name, given, "rad")
    try:
        values = np.asarray(number, dtype=float)
    except (TypeError, ValueError):
        raise PhysicsError(
            f"{name} = {given!r} is no angle; give radians, a quantity such as 40.67 * astropy.units.deg or a SkyCoord."
        ) from None
    bad = ~((values >= low - 1e-9) & (values <= high + 1e-9))
    if bad.any():
        place = "" if values.ndim == 0 else f" number {int(np.argmax(bad))}"
        value = float(values[bad][0]) if values.ndim else float(values)
        raise PhysicsError(
            f"{name}{place} is {value:.6g} rad, outside {allowed}. Numbers without a unit are radians; for degrees "
            "give quantities, such as 40.67 * astropy.units.deg, or a SkyCoord."
        )
    return values


def takes_directions(*pairs: tuple[str, str], frame: str = "icrs", **units: str) -> Callable[[_Function], _Function]:
    """Decorator: arguments may be a `Quantity`, of which the function gets the numbers in the unit that `units` gives.

    Each of `pairs` names a longitude and a latitude, as `direction` takes them, checked and handed on in rad: with a
    SkyCoord for the longitude the latitude is None or left out. A name alone in `units` with the unit "dec" is a
    declination without right ascension.
    """

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)
        declinations = [name for name, unit in units.items() if unit == "dec"]
        others = {name: unit for name, unit in units.items() if unit != "dec"}

        @functools.wraps(function)
        def converted(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind_partial(*args, **kwargs).arguments
            for ra, dec in pairs:
                if ra in given:
                    given[ra], given[dec] = direction(given[ra], given.get(dec), (ra, dec), frame)
            for name in declinations:
                if name in given:
                    dec = getattr(given[name], "dec", given[name])
                    given[name] = _within(name, dec, -math.pi / 2, math.pi / 2, "-pi/2 to pi/2")
            for name in others.keys() & given.keys():
                given[name] = plain(name, given[name], others[name])
            return function(**given)

        return converted

    return decorate


def _unit(unit: str) -> Any:
    from astropy import constants, units

    return units.CompositeUnit(constants.c.value, [units.m, units.s], [1, -1]) if unit == "c" else units.Unit(unit)


def _joined(name: str, values: Any, units: Any) -> Any:
    try:
        return units.Quantity(values)
    except (units.UnitConversionError, TypeError):
        raise PhysicsError(f"{name} = {values} mixes kinds of units; give all of them in one.") from None


def checked_mjd(name: str, value: float) -> float:
    """A time in MJD [days]; PhysicsError, which says `name`, where it is none and looks like another kind of date."""
    if MJD_RANGE[0] <= value <= MJD_RANGE[1]:
        return float(value)
    meant = other_time(value) or "Give MJD, in days."
    raise PhysicsError(f"{name} = {value:.10g} is no MJD between {MJD_RANGE[0]:g} and {MJD_RANGE[1]:g}. {meant}")


def other_time(value: float) -> str:
    """What a time (days) that is no MJD looks like, and what to do, in words; empty where it looks like nothing."""
    return next((meant for low, high, meant in _OTHER_TIMES if low <= value <= high), "")


def says_julian(name: str) -> bool:
    """Whether the name of a column says that its times are Julian dates of any kind but MJD."""
    said = re.sub(r"modified[\W_]*julian", "mjd", name.casefold())
    is_mjd = "mjd" in said or "2400000.5" in said
    return bool(re.search(r"(^|[^a-z])[bhrt]?jd([^a-z]|$)|julian", said)) and not is_mjd


_SCALES = {"ut": "utc", "ut1": "utc", "gmt": "utc", "tdt": "tt", "et": "tt", "iat": "tai"} | {
    scale: scale for scale in ("utc", "tt", "tai", "gps", "tdb", "tcb", "tcg")
}
"""Scales of time as headers call them, by their name in astropy; those of UT differ by less than a second."""
_GPS_BEHIND_TAI = 19 / 86400
"""GPS counts TAI from its value of 1980 on, d (IS-GPS-200)."""


def time_scale(stated: str) -> str | None:
    """The scale of time that a header calls `stated`, such as UTC or TT(BIPM); None for what is none."""
    return _SCALES.get(stated.partition("(")[0].strip().casefold())


def time_scale_in_name(name: str) -> str | None:
    """The one scale that the name of a column of times states: MJD_TT, "MJD (TDB)", tmin_utc; None without."""
    words = set(re.findall(r"(?<![a-z0-9])(utc|tt|tdt|tai|gps|tdb|tcb|tcg)(?![a-z0-9])", name.casefold()))
    return _SCALES[words.pop()] if len(words) == 1 else None


def time_scale_in_words(text: str) -> str | None:
    """The one scale, in capitals, that a sentence about times states; None without."""
    if not re.search(r"\b(times?|mjd|dates?|timesys|timescale)\b", text, re.I):
        return None
    words = set(re.findall(r"\b(UTC|TT|TDT|TAI|TDB|TCB|TCG)\b", text))
    return _SCALES[words.pop().casefold()] if len(words) == 1 else None


def is_off_the_earth(text: str) -> bool:
    """Whether what is said of times is that they are those at the barycentre of the solar system or the Sun."""
    return bool(re.search(r"barycent|heliocent|solar[\W_]*system|(?<![a-z])(ssb|bary|helio)(?![a-z])", text, re.I))


def utc(mjd: Any, scale: str) -> Any:
    """Times (n,) [MJD, days] of a scale that `time_scale` gives as UTC; what is no MJD stays as it is."""
    import numpy as np
    from astropy.time import Time

    found = np.array(mjd, dtype=float)
    known = (found >= MJD_RANGE[0]) & (found <= MJD_RANGE[1])
    shift, of_astropy = (_GPS_BEHIND_TAI, "tai") if scale == "gps" else (0.0, scale)
    found[known] = Time(found[known] + shift, format="mjd", scale=of_astropy).utc.mjd
    return found


_DAYS = {  # of a unit of time, as people write it
    "d days day": 1.0,
    "h hr hrs hour hours": 1 / 24,
    "min mins minute minutes": 1 / 1440,
    "s sec secs second seconds": 1 / 86400,
    "ms msec millisecond milliseconds": 1 / 86_400_000,
    "yr yrs year years a": 365.25,
}
_TIMES = {spelling: size for spellings, size in _DAYS.items() for spelling in spellings.split()}
_TIMES_IN_NAMES = {name: size for name, size in _TIMES.items() if name not in ("a", "h", "d", "min", "mins")}
"""Of endings of names: `T90_s` are seconds, but `E_min` is a minimum and `id` no day."""


_LONGEST = 100
"""Longer text is no unit, and astropy is not asked: its time grows with a power of the length."""


def time_unit(text: str) -> float | None:
    """The size in days of a unit of time, however it is spelled; None for what is none."""
    spelled = "".join(text.casefold().split()).strip("()[]{}.")
    if spelled in _TIMES:
        return _TIMES[spelled]
    return _size(text, spelled, "day")


def is_energy(text: str) -> bool:
    """Whether `text` is a unit of energy, as astropy writes it."""
    return _size(text, text.casefold(), "GeV") is not None


def _size(text: str, spelled: str, of: str) -> float | None:
    """The size of a unit, as `text` states it to astropy, in the unit `of`; None for what is none."""
    if re.match(r"[-+.]?\d", spelled) or not spelled or len(spelled) > _LONGEST:  # a number with a unit is none
        return None
    from astropy import units

    try:
        return float(units.Unit(text.strip()).to(of))
    except (units.UnitsError, TypeError, ValueError):
        return None


def _in_brackets(name: str) -> tuple[list[tuple[str, str]], str]:
    """What stands in brackets of any form, each with the opening one, and the rest of `name`.

    A bracket is closed by the next closing one. Behind the last closing one nothing is looked for: many that are never
    closed would each be followed to the end.
    """
    end = 1 + max(map(name.rfind, "])}>"))
    pattern = r"([\[({<])([^\])}>]*)[\])}>]"
    return re.findall(pattern, name[:end]), re.sub(pattern, "", name[:end]) + name[end:]


def time_unit_in_name(name: str) -> tuple[str, float] | None:
    """The unit of time that a column's name states, as text and in days: "T90 [s]", "duration (min)", "t90_s"."""
    for _, inside in _in_brackets(name)[0]:
        if (size := time_unit(inside)) is not None:
            return inside.strip(), size
    ending = re.search(r"[^a-z]([a-z]+)$", name.strip().casefold())
    if ending and ending[1] in _TIMES_IN_NAMES:
        return ending[1], _TIMES_IN_NAMES[ending[1]]
    return None


_ANGLES_DEG = {  # size of a unit of angle in degrees
    1.0: "deg degs degree degrees deg. dd ° º decdeg d.ddd decimaldegrees",
    180 / math.pi: "rad rads radian radians",
    15.0: "h hr hrs hour hours h. hourangle hourangles",
    1 / 60: "arcmin arcmins arcminute arcminutes amin minutesofarc ' ′",
    1 / 3600: 'arcsec arcsecs arcsecond arcseconds asec secondsofarc " ″',
}
_SPELLED = {spelling: size for size, spellings in _ANGLES_DEG.items() for spelling in spellings.split()}
RADIAN, HOURS, SEXAGESIMAL = 180 / math.pi, 15.0, 0.0
"""What `angle_unit` gives for radians, hours, and notations of hours or degrees with minutes and seconds."""
_NO_ANGLE = re.compile(r"(min(ute)?|sec(ond)?|gon|grad(ian)?|turn|cycle|rev(olution)?)s?|s", re.ASCII)
"""Units in which some write angles and which are not converted: minutes and seconds of time, parts of 400, turns."""
_ALSO_WORDS = ("min", "s", "rev", "turn", "cycle")
"""Those that mean something else at the end of a name without brackets."""
_SEXAGESIMAL_UNIT = re.compile(r"(h|hh|d|dd|deg)[: ]?(m|mm)([: ]?(s|ss)(\.[sf]*)?)?|sexagesimal|iso", re.ASCII)
_NAMED_UNIT = re.compile(r".*(?:[^a-z]|^_?ra|^_?decl|^_?dec|^_?de)([a-z]+)\.?", re.ASCII)
_UNIT_FIRST = re.compile(r"([a-z]+)[^a-z]+(?:ra|decl?|de|right|alpha|delta|l|b|lon|lat|glon|glat)(?![a-z]).*", re.ASCII)
_DESCRIBED_UNIT = re.compile(
    r"\b(?:in|units?(?: of| is)?)\b[\s:=]*([a-z]+)\b|[\[(,]\s*([a-z]+)\s*(?=[,\])])|^\W*([a-z]+)\W*$", re.ASCII | re.I
)
MINUS = str.maketrans("\u2212\u2010\u2011\u2012\u2013\ufe63\uff0d", "-" * 7)
_PARTS = re.compile(
    r"([+-]?)\s*(\d{1,3})\s*(?:([hd\u00b0\u02b0])\s*|:\s*|\s)"
    r"(?:(\d{1,2})(\.\d+)?\s*([m\u1d50'\u2032:]|\s|$)\s*(?:(\d{1,2}(?:\.\d*)?)\s*(?:s|\u02e2|''|[\"\u2033])?)?)?",
    re.ASCII | re.IGNORECASE,
)
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_WITH_UNIT = re.compile(rf"({_DECIMAL.pattern})\s*(\D*)", re.ASCII)


def moment(name: str, value: Any) -> float:
    """A time as MJD [d]: a number, text with one, a date in UTC such as 2014-12-13T12:00, or a Time of astropy.

    A date without a time of day is its beginning.

    Raises
    ------
    PhysicsError : `value` is no time; the message calls it `name`. Whether the number makes sense is not looked at.
    """
    if hasattr(value, "mjd"):
        return float(value.utc.mjd)
    text = str(value).strip()
    number = decimal(text) if isinstance(value, str) else plain(name, value, "d")
    if isinstance(value, str) and (number is None or (text.isdigit() and len(text) == 8)):
        try:
            date = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise PhysicsError(
                f"{name} = '{text}' is no time: give MJD in days, or a date in UTC such as 2014-12-13 or "
                "2014-12-13T12:00."
            ) from None
        date = date.replace(tzinfo=date.tzinfo or datetime.UTC)
        return (date - datetime.datetime(1858, 11, 17, tzinfo=datetime.UTC)) / datetime.timedelta(days=1)
    try:
        return float(number)
    except (TypeError, ValueError):
        raise PhysicsError(f"{name} = {value!r} is no time: give MJD, a date as text, or a Time of astropy.") from None


def date_of(mjd: float) -> str:
    """A time in MJD (days) as a date in UTC, to the minute."""
    date = datetime.datetime(1858, 11, 17) + datetime.timedelta(days=round(mjd * 1440) / 1440)
    return date.strftime("%Y-%m-%d %H:%M")


def decimal(text: str) -> float | None:
    """The number that `text` is, its minus sign possibly a typographic one; None for anything else.

    Packed sexagesimal text such as 053431.9 or -000123, whose leading zeros show that it is no count of degrees, is
    none either.
    """
    text = text.strip().translate(MINUS)
    if not _DECIMAL.fullmatch(text) or re.match(r"[+-]?0\d{3}", text):
        return None
    return float(text.replace("D", "e").replace("d", "e"))


@functools.lru_cache(maxsize=1024)
def angle_unit(text: str) -> float | None:
    """The size in degrees of a unit of angle, however it is spelled; an hour is 15 degrees.

    `SEXAGESIMAL` for the notations "h:m:s", "d:m:s" and the like; None for what is no unit of angle.
    """
    spelled = "".join(text.casefold().split()).strip("()[]{}")
    if spelled in _SPELLED:
        return _SPELLED[spelled]
    is_sexagesimal = len(spelled) <= _LONGEST and _SEXAGESIMAL_UNIT.fullmatch(spelled.strip("\"'"))
    return SEXAGESIMAL if is_sexagesimal else _size(text, spelled, "deg")


def angle_unit_in_name(name: str) -> tuple[str, float] | None:
    """The unit of angle that a column's name states, as text and in degrees: "RA [rad]", "RA (h)", "ra_deg", "DEdeg".

    Raises
    ------
    PhysicsError
        Square brackets that hold something else than a unit of angle, another unit in brackets of any form, units of
        time or gradians, or two units.
    """
    found = {}
    bracketed, outside = _in_brackets(name)
    for opening, inside in bracketed:
        sizes = {part.strip(): angle_unit(part) for part in re.split(r"[,;]", inside)}
        known = {part: size for part, size in sizes.items() if size is not None}
        found |= known
        if known:
            continue
        if any(map(_is_other_unit, sizes)) or (
            opening == "[" and not re.search(r"j2000|b1950|icrs|fk\d", inside, re.IGNORECASE)
        ):
            raise PhysicsError(f"'{inside.strip()}' in the name of column '{name}' is no unit of angle known here.")
    if not found:
        outside = outside.strip().casefold()
        ending, first = _NAMED_UNIT.fullmatch(outside), _UNIT_FIRST.fullmatch(outside)
        if first and first[1] in _SPELLED:
            found[first[1]] = _SPELLED[first[1]]
        if ending and ending[1] in _SPELLED:
            found[ending[1]] = _SPELLED[ending[1]]
        elif ending and ending[1] not in _ALSO_WORDS and _NO_ANGLE.fullmatch(ending[1]):
            raise PhysicsError(f"'{ending[1]}' in the name of column '{name}' is no unit of angle known here.")
        elif ending and ending[1] in ("hms", "dms", "hhmmss", "ddmmss", "sexagesimal"):
            found[ending[1]] = SEXAGESIMAL
    if len(set(found.values())) > 1:
        raise PhysicsError(f"the name of column '{name}' states more than one unit: {', '.join(found)}.")
    return next(iter(found.items()), None)


def angle_unit_in_description(text: str) -> tuple[str, float] | None:
    """The unit of angle that the description of a column states, as text and in degrees; None without exactly one."""
    words = (next(filter(None, parts)) for parts in _DESCRIBED_UNIT.findall(text))
    # By their spelling alone: astropy takes milliseconds for every word that is none.
    found = {size: word for word in words if (size := _SPELLED.get(word.casefold())) is not None}
    return next(((word, size) for size, word in found.items()), None) if len(found) == 1 else None


def time_unit_in_description(text: str) -> tuple[str, float] | None:
    """The unit of time that the description of a column states, as text and in days; None without exactly one."""
    words = (next(filter(None, parts)).casefold() for parts in _DESCRIBED_UNIT.findall(text))
    found = {_TIMES[word]: word for word in words if word in _TIMES and word != "a"}  # an article, not a year
    return next(((word, size) for size, word in found.items()), None) if len(found) == 1 else None


def _is_other_unit(text: str) -> bool:
    """Whether text in brackets is a unit, no angle as it is; a letter alone says rather something else: RA (J)."""
    if _NO_ANGLE.fullmatch(text.casefold().strip(".")):
        return True
    from astropy import units

    try:
        return 1 < len(text) <= _LONGEST and text.isalpha() and units.Unit(text) != units.dimensionless_unscaled
    except (TypeError, ValueError):
        return False


def sexagesimal(text: str, hours: bool) -> float | None:
    """Degrees of an angle such as 05:34:31.9, 5h34m31.9s, -29 00 28, +22d00m52s or 58°49'; None for other text.

    Parameters
    ----------
    hours : whether a number without a letter counts hours, as those of right ascensions do

    Raises
    ------
    PhysicsError
        Hours where none can be, 24 hours and more, 60 minutes and more, more than 60 seconds.
    """
    found = _PARTS.fullmatch(" ".join(text.translate(MINUS).split()))
    if found is None or (found[4] is None and found[3] is None) or (found[5] and found[7]):
        return None
    if found[6] == ":" and found[7] is None:
        return None
    if text.rstrip().endswith("S") and found[3] is None:  # South, perhaps
        return None
    sign, whole, letter = -1.0 if found[1] == "-" else 1.0, float(found[2]), (found[3] or "").lower()
    minutes, seconds = float((found[4] or "0") + (found[5] or "")), float(found[7] or 0)
    in_hours = letter in ("h", "\u02b0") or (not letter and hours)
    if in_hours and not hours:
        raise PhysicsError(f"'{text}' is in hours; a declination or width is in degrees.")
    if in_hours and (whole >= 24 or sign < 0):
        raise PhysicsError(
            f"'{text}' is no right ascension of 0 to 24 hours; write degrees with a d, such as 83d37m48s."
        )
    if minutes >= 60 or seconds > 60:  # 60.0 seconds come from rounding
        raise PhysicsError(f"'{text}' has 60 or more minutes or seconds.")
    return sign * (15.0 if in_hours else 1.0) * (whole + minutes / 60 + seconds / 3600)


def sexagesimal_like(text: str) -> bool:
    """Whether `text` has the form of a sexagesimal angle, its parts in range or not."""
    try:
        return sexagesimal(text, True) is not None
    except PhysicsError:
        return True


def angle_deg(text: str, hours: bool) -> float | None:
    """Degrees of an angle as a person writes one: decimal degrees, a number with a unit, or sexagesimal text.

    Parameters as for `sexagesimal`; raises what it raises, and a PhysicsError for a unit of hours where `hours` is
    false. None for text that is no angle.
    """
    text = " ".join(text.translate(MINUS).split())
    number = decimal(text)
    if number is not None:
        return number
    parts = _WITH_UNIT.fullmatch(text)
    size = angle_unit(parts[2]) if parts and parts[2] else None
    if not size:
        return sexagesimal(text, hours)
    if size == HOURS and not hours:
        raise PhysicsError(f"'{text}' is in hours; a declination or width is in degrees.")
    if size == HOURS and not 0 <= float(parts[1]) < 24:
        raise PhysicsError(f"'{text}' is no right ascension of 0 to 24 hours.")
    return float(parts[1]) * size
