"""In which frame a file says that its positions are, and positions of any such frame in ICRS.

A statement is made by a column's UCD, by the coordinate system it refers to, by its name or its description, or by the
header of the table. What column statements leave open, the table's header decides. Equatorial positions of J2000 and
ICRS are taken as they are: they differ by less than 0.1 arcsec.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nusky.errors import CatalogueError

GIVEN = {"icrs": ("equatorial", "J2000"), "fk5": ("equatorial", "J2000"), "fk4": ("equatorial", "B1950")}
"""What a configuration can state: family and equinox."""
GIVEN["galactic"] = ("galactic", None)
UNKNOWN = "unknown"
"""Family of a statement that cannot be understood; its `by` says why."""
CONVERTED = ("equatorial", "galactic", "supergalactic")
"""Families of frames that need nothing but the two angles to be converted."""

_LONGITUDE = {
    "galactic": "glon gallon galon gall gl lii l2 galacticlongitude",
    "supergalactic": "sgl sglon supergalacticlongitude",
    "ecliptic": "elon eclon ecllon lambda eclipticlongitude",
    "horizontal": "az azimuth azi phi ha",
    "unnamed": "lon longitude long",
    "equatorial": "rightascension alpha",
}
_LATITUDE = {
    "galactic": "glat gallat galat galb gb bii b2 galacticlatitude",
    "supergalactic": "sgb sglat supergalacticlatitude",
    "ecliptic": "elat eclat ecllat beta eclipticlatitude",
    "horizontal": "alt altitude zenith zen elevation elev theta",
    "unnamed": "lat latitude",
    "equatorial": "declination delta",
}
_FAMILY_WORDS = {
    "galactic": "galactic gal",
    "supergalactic": "supergalactic",
    "ecliptic": "ecliptic ecl",
    "horizontal": "horizontal",
}
_WORDS = {
    word: (family, role)
    for role, families in (("longitude", _LONGITUDE), ("latitude", _LATITUDE), (None, _FAMILY_WORDS))
    for family, words in families.items()
    for word in words.split()
}
_RA = re.compile(r"(ra|alpha)(j|b|b?50|jnow|icrs|deg|rad|h|hr|hours?|jd|[bj]?\d{4}(deg|rad|h)?|hms)?", re.ASCII)
_DEC = re.compile(r"(de|dec|decl|delta)(j|b|b?50|jnow|icrs|deg|rad|jd|[bj]?\d{4}(deg|rad)?|dms)?", re.ASCII)
_BESIDE = re.compile(r"deg(rees?)?|rad(ians?)?|ii|[bj]?\d{4}|pos|src|source", re.ASCII)
_YEAR = re.compile(r"(?<![0-9.])([BbJj]?)\s?((?:18|19|20)\d\d(?:\.\d+)?)(?![0-9])")
_LETTERED_YEAR = re.compile(
    r"\b([BJ])((?:18|19|20)\d\d(?:\.\d+)?)\b|equinox\W{0,3}([BJ]?)((?:18|19|20)\d\d(?:\.\d+)?)", re.I
)
_GREEK = str.maketrans({"\u03b1": "alpha", "\u03b4": "delta", "\u03bb": "lambda", "\u03b2": "beta", "\u2113": "l"})
_UCD = (
    (re.compile(r"pos[._]supergal", re.I), "supergalactic"),
    (re.compile(r"pos[._]gal", re.I), "galactic"),
    (re.compile(r"pos[._]ecl", re.I), "ecliptic"),
    (re.compile(r"pos\.az|pos_hor", re.I), "horizontal"),
    (re.compile(r"pos[._](eq|earth|body)", re.I), "equatorial"),
)


@dataclass(frozen=True)
class Statement:
    """What one place of a file says about the frame: parts that it leaves open are None."""

    by: str
    family: str | None = None
    role: str | None = None
    """longitude (right ascension is one) or latitude"""
    equinox: str | None = None
    """J2000, or the equinox of FK4 (B1950) or FK5 (J1975) to precess from"""


@dataclass(frozen=True)
class Frames:
    """Statements of a file."""

    table: tuple[Statement, ...] = ()
    columns: Mapping[str, tuple[Statement, ...]] = field(default_factory=dict)
    """Those of its columns beyond their names."""


@dataclass(frozen=True)
class Frame:
    """The frame of two columns."""

    family: str
    equinox: str | None
    by: str

    def __str__(self) -> str:
        shown = self.equinox or "J2000"
        return (f"equatorial, {shown}" if self.family == "equatorial" else self.family) + (
            f" ({self.by})" if self.by else ""
        )


def by_name(name: str, what: str | None = None) -> Statement:
    """What the name of a column says; nothing where it is none of those in use."""
    by = what or f"the name of column '{name}'"
    words = [word for word in re.split(r"[^a-z0-9]+", name.casefold().translate(_GREEK)) if word]
    equinox = _equinox(name, by)
    beside = [word for word in words if not _BESIDE.fullmatch(word)]
    if beside in (["l"], ["b"]):
        return Statement(by, "galactic", "longitude" if beside == ["l"] else "latitude")
    for word in words:
        if _RA.fullmatch(word):
            return Statement(by, "equatorial", "longitude", equinox)
        if _DEC.fullmatch(word):
            return Statement(by, "equatorial", "latitude", equinox)
    if "".join(words).startswith("rightascension"):
        return Statement(by, "equatorial", "longitude", equinox)
    found = [_WORDS[word] for word in words if word in _WORDS]
    named = [family for family, _ in found if family != "unnamed"] or [family for family, _ in found]
    roles = [role for _, role in found if role]
    return Statement(by, named[0] if named else None, roles[0] if roles else None, equinox if not found else None)


def by_ucd(name: str, ucd: str) -> Statement:
    """What the UCD of a column says, in its old or new form."""
    by = f"the UCD '{ucd}' of column '{name}'"
    family = next((family for pattern, family in _UCD if pattern.match(ucd)), None)
    main = ucd.split(";")[0].casefold()
    if re.search(r"[._](ra|lon)(?![a-z])|pos\.az\.azi", main):
        return Statement(by, family, "longitude")
    if re.search(r"[._](dec|lat)(?![a-z])|pos\.az\.(alt|zd)", main):
        return Statement(by, family, "latitude")
    return Statement(by, family)


def by_description(name: str, text: str) -> Statement:
    """What the description of a column says of frame and equinox."""
    by = f"the description of column '{name}'"
    found = re.search(r"\b(super-?galactic|galactic|ecliptic)\s+(lon|lat|coord)", text, re.I)
    family = found[1].casefold().replace("-", "") if found else None
    if re.search(r"right\s+ascension|\bdeclination\b", text, re.I):
        family = "equatorial"
    # Later years without the word "equinox" are epochs of proper motion.
    years = {(a or c).upper() + (b or d) for a, b, c, d in _LETTERED_YEAR.findall(text) if d or float(b) <= 2000}
    years |= {"B1950"} if re.search(r"\bFK4\b", text) and not years else set()
    return Statement(by, family, None, _lettered(years.pop(), by) if len(years) == 1 else None)


def by_system(system: str, equinox: str | None, by: str) -> Statement:
    """What a coordinate system (COOSYS, RADESYS, ...) and its equinox say; `UNKNOWN` if one is not known here."""
    name = re.sub(r"[^a-z0-9]", "", system.casefold())
    for family in ("supergalactic", "galactic"):
        if name.startswith(family) or name == family.removesuffix("actic"):
            return Statement(by, family)
    if name.startswith("ecl") or "ecliptic" in name:
        return Statement(by, "ecliptic")
    if name in ("icrs", "icrf", "gcrs", "j2000"):
        return Statement(by, "equatorial", None, "J2000")
    fk4, fk5 = name in ("fk4", "eqfk4", "fk4noe"), name in ("fk5", "eqfk5")
    if not (fk4 or fk5 or name in ("", "equatorial", "celestial")):
        return Statement(f"{by} names the coordinate system '{system[:60]}', which cannot be converted here.", UNKNOWN)
    try:
        year = _lettered(equinox.strip(), by, fk4=fk4, fk5=fk5) if equinox else None
    except CatalogueError as error:
        return Statement(str(error), UNKNOWN)
    return Statement(by, "equatorial", None, year or ("B1950" if fk4 else "J2000" if fk5 else None))


def by_epoch(epoch: str, said: str) -> Statement | None:
    """What an epoch says of the frame: mostly nothing, as it is the time of an observation.

    Old files call the equinox so: B1950 is then `UNKNOWN`, as it is `said`.
    """
    return Statement(f"{said}, perhaps the equinox.", UNKNOWN) if re.fullmatch(r"B?1950(\.0*)?", epoch, re.I) else None


def _equinox(name: str, by: str) -> str | None:
    if re.search(r"FK4", name, re.I) or re.fullmatch(r"_?(ra|de|dec|decl)[_ ]?(b|19)?50", name, re.I):
        return "B1950"
    if re.search(r"jnow|apparent|of[\W_]*date|topocentric", name, re.I):
        raise CatalogueError(f"{by} says that the positions are apparent ones of a date. Give those of J2000.")
    found = _YEAR.search(name)
    if found is None or re.search(r"ep(och)?[\W_]*$", name[: found.start()], re.I):
        return "J2000" if re.search(r"icrs|fk5", name, re.I) else None
    if float(found[2]) > 2000 and not re.search(r"eq(uinox)?[\W_]*$", name[: found.start()], re.I):
        raise CatalogueError(
            f"{by} gives the year {found[2]}: if it is the equinox, name the column 'RA equinox J{found[2]}'; if it is "
            "an epoch of J2000 positions, leave it out of the name."
        )
    return _lettered(found[1].upper() + found[2], by)


def _lettered(year: str, by: str, fk4: bool = False, fk5: bool = False) -> str:
    """An equinox with its letter; one before 1984 without a letter is Besselian, as FITS has it."""
    found = re.fullmatch(r"([BJ]?)\s*(\d{4})(\.\d+)?", year.strip(), re.I)
    if found is None:
        raise CatalogueError(
            f"{by} gives the equinox '{year[:30]}', which is none. Correct it, such as J2000 or B1950."
        )
    number = f"{float(found[2] + (found[3] or '')):g}"
    letter = found[1].upper() or ("B" if fk4 or (float(number) < 1984 and not fk5) else "J")
    if not found[1] and letter == "J" and number != "2000" and not fk5:
        raise CatalogueError(
            f"{by} gives the year {number}: if it is the equinox, write J{number}; if the positions are of J2000, "
            "leave it out."
        )
    return letter + number


def of_columns(where: str, frames: Frames, ra: str, dec: str, given: str | None, warned: Iterable[str] = ()) -> Frame:
    """The frame of the columns `ra` and `dec`, from the file's statements or from the `given` one.

    Parameters
    ----------
    where : the file, for messages
    given : one of `GIVEN`, for what the file leaves open
    warned : words of the file, outside its table, that speak of another frame than J2000

    Raises
    ------
    CatalogueError
        Statements contradict each other or the roles of the columns, or name a frame that cannot be converted.
    """
    try:
        statements = {name: [by_name(name), *frames.columns.get(name, ())] for name in (ra, dec)}
    except CatalogueError as error:
        raise CatalogueError(f"{where}: {error}") from None
    for name, role, called in ((ra, "longitude", "right ascension"), (dec, "latitude", "declination")):
        for said in statements[name]:
            if said.role not in (None, role):
                raise CatalogueError(
                    f"{where}: column '{name}' is to be the {called}, but {said.by} makes it a {said.role}. "
                    "Exchange or correct the columns."
                )
    said = [statement for name in (ra, dec) for statement in statements[name]]
    in_header = [s for s in frames.table if s.family != UNKNOWN]
    unknown = [s.by for s in (*said, *frames.table) if s.family == UNKNOWN]
    if unknown and given is None:
        raise CatalogueError(f"{where}: {unknown[0]} State it with `frame`, or give J2000 positions.")
    said = [statement for statement in said if statement.family != UNKNOWN]
    family = _one(where, "frame", [(s.family, s.by) for s in said if s.family not in (None, "unnamed")])
    if family[0] is None and any(s.family == "unnamed" for s in said) and not given:
        families = [(s.family, s.by) for s in in_header if s.family]
        if not families:
            raise CatalogueError(
                f"{where}: columns '{ra}' and '{dec}' are a longitude and a latitude of no stated frame. State it with "
                "`frame` (icrs, fk5, fk4 or galactic)."
            )
        family = _one(where, "frame", families)
    families = {name: {s.family for s in statements[name]} for name in (ra, dec)}
    for name, other in ((ra, dec), (dec, ra)):
        is_open = families[name] <= {None, "unnamed"} and "unnamed" in families[name] and not given
        if is_open and families[other] - {None, "unnamed"}:
            raise CatalogueError(
                f"{where}: column '{other}' says frame {family[0]}, column '{name}' none. Choose two columns of one "
                "frame, or state it with `frame`."
            )
    equinox = _one(where, "equinox", [(s.equinox, s.by) for s in said if s.equinox])
    if family[0] in (None, "equatorial") and equinox[0] is None:
        in_table = [(s.equinox, s.by) for s in in_header if s.equinox and s.family in (None, "equatorial")]
        equinox = _one(where, "equinox", in_table)
    if family[0] is None:
        family = _one(where, "frame", [(s.family, s.by) for s in in_header if s.family])
    if given is not None:
        wanted = GIVEN[given]
        for (found, by), stated in zip((family, equinox), wanted, strict=True):
            if found is not None and stated is not None and found != stated:
                raise CatalogueError(
                    f"{where}: `frame: {given}` is given, but {by} says {found}. Correct the one that is wrong."
                )
        return Frame(*wanted, "as stated")
    warned = list(warned)
    if warned and equinox[0] is None and family[0] in (None, "equatorial"):
        raise CatalogueError(
            f"{where}: the file says '{warned[0][:120]}', its columns '{ra}' and '{dec}' do not say in which frame "
            "they are. State it with `frame` (icrs, fk5, fk4 or galactic)."
        )
    chosen = family[0] or "equatorial"
    if chosen not in CONVERTED:
        raise CatalogueError(
            f"{where}: columns '{ra}' and '{dec}' hold {chosen} coordinates ({family[1]}). They are not converted "
            "here: give right ascension and declination of J2000, for example from astropy's SkyCoord.icrs."
        )
    by = equinox[1] if chosen == "equatorial" else family[1]
    return Frame(chosen, equinox[0] if chosen == "equatorial" else None, by)


def _one(where: str, what: str, said: list[tuple[str, str]]) -> tuple[str | None, str]:
    if not said:
        return None, ""
    first = said[0]
    for value, by in said[1:]:
        if value != first[0]:
            raise CatalogueError(
                f"{where}: {first[1]} says {what} {first[0]}, but {by} says {value}. Choose two columns of one {what}, "
                "or correct the file."
            )
    return first


def to_icrs(where: str, frame: Frame, longitude_deg: np.ndarray, latitude_deg: np.ndarray) -> tuple[np.ndarray, ...]:
    """Right ascension and declination (J2000) of positions in `frame`, all in degrees; missing ones stay NaN.

    Raises
    ------
    CatalogueError
        A latitude beyond 90 degrees.
    """
    if frame.family == "equatorial" and frame.equinox in (None, "J2000"):
        return longitude_deg, latitude_deg
    from astropy.coordinates import FK4, FK5, Galactic, SkyCoord, Supergalactic

    outside = np.abs(latitude_deg) > 90
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        raise CatalogueError(
            f"{where}: row {row + 1}: the latitude {latitude_deg[row]:g} must lie in -90 to 90 degrees."
        )
    system = {"galactic": Galactic(), "supergalactic": Supergalactic()}.get(frame.family)
    if system is None:
        system = FK4(equinox=frame.equinox) if frame.equinox[0] == "B" else FK5(equinox=frame.equinox)
    known = np.isfinite(longitude_deg) & np.isfinite(latitude_deg)
    ra, dec = np.full(len(known), np.nan), np.full(len(known), np.nan)
    places = SkyCoord(longitude_deg[known], latitude_deg[known], unit="deg", frame=system).icrs
    ra[known], dec[known] = places.ra.deg, places.dec.deg
    return ra, dec
