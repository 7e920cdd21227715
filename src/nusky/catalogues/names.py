"""Where a source with a given name is: in the lists that come with nusky, else from astropy's name resolver."""

import csv
import difflib
import functools
import re
import unicodedata
from dataclasses import dataclass

from nusky.errors import CatalogueError
from nusky.printable import printable
from nusky.resources import SOURCE_LISTS, resource

SEARCHED = "icecube_sources"
"""Well-known names that are in no list of the search: the sources of IceCube's own."""
_LISTS = {SEARCHED: f"catalogues/{SEARCHED}.ecsv", **SOURCE_LISTS}
_TIMEOUT_S = 10.0
_LONGEST = 80


@dataclass(frozen=True)
class NamedSource:
    """A source: `name` as its list spells it, ICRS position and Gaussian width [deg], and where they are from."""

    name: str
    ra_deg: float
    dec_deg: float
    extension_deg: float
    origin: str


def find(name: str, online: bool = True) -> NamedSource:
    """The source called `name`; capitals, blanks and punctuation do not matter.

    The lists that come with nusky are looked at first, then, if `online`, the name service that astropy asks.

    Raises
    ------
    CatalogueError : no source has that name, or nobody can be asked.
    """
    shown = printable(name.strip())
    if not _key(name) or len(name) > _LONGEST:
        raise CatalogueError(
            f"'{shown[:_LONGEST]}' is no name of a source; give a name such as \"NGC 1068\", or a position."
        )
    known = _listed()
    if found := known.get(_key(name)):
        return _of_list(*found)
    begun = [key for key in known if len(_key(name)) > 2 and key.startswith(_key(name))]
    like = (begun or difflib.get_close_matches(_key(name), known, n=3, cutoff=0.8))[:3]
    hint = f" Did you mean {' or '.join(known[key][0] for key in like)}?" if like else ""
    again = " Give its position: --ra DEG --dec DEG, or a SkyCoord in Python."
    if not online:
        raise CatalogueError(f"no source called '{shown}' in the lists that come with nusky.{hint}{again}")
    from astropy.coordinates import SkyCoord
    from astropy.coordinates.name_resolve import NameResolveError
    from astropy.utils.data import conf

    try:
        with conf.set_temp("remote_timeout", _TIMEOUT_S):
            position = SkyCoord.from_name(name.strip()).icrs
    except (NameResolveError, OSError) as error:
        unknown = str(error).startswith("Unable to find coordinates")
        asked = "the name service knows none" if unknown else "the name service cannot be reached from here"
        raise CatalogueError(
            f"no source called '{shown}' in the lists that come with nusky, and {asked}.{hint}{again}"
        ) from None
    return NamedSource(shown, float(position.ra.deg), float(position.dec.deg), 0.0, "name service of CDS (Sesame)")


def _key(name: str) -> str:
    """What is compared of a name: letters, digits and the signs of coordinates."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("\u2212", "-")
    return re.sub(r"[^\w+-]|_", "", plain)


@functools.cache
def _listed() -> dict[str, tuple[str, str]]:
    """Name as its list spells it, and the list, by what is compared of it; of equal names the first."""
    found: dict[str, tuple[str, str]] = {}
    for label, path in _LISTS.items():
        with open(resource(path), encoding="utf-8", newline="") as lines:  # without what astropy takes to import
            rows = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter=" ")
            for row in rows:
                found.setdefault(_key(row["name"]), (row["name"], label))
    return found


def _of_list(name: str, label: str) -> NamedSource:
    from astropy.table import Table

    from nusky.catalogues.builtin import read_builtin

    table = Table.read(resource(_LISTS[label]), format="ascii.ecsv")
    origin, width = str(table.meta["title"]), 0.0
    if label != SEARCHED:
        origin, frame = f"built-in list '{label}'", read_builtin(label, label).frame
        # The list of pulsars is used without those of unknown distance or flux.
        for _, row in frame[frame["name"] == name].iloc[:1].iterrows():
            width = 0.0 if row["extension_limit"] or not row["extension_deg"] >= 0 else float(row["extension_deg"])
    row = table[list(table["name"]).index(name)]
    return NamedSource(name, float(row["ra_deg"]), float(row["dec_deg"]), width, origin)
