"""Configurations of event lists: the public lists that nusky can read as a user's own."""

from pathlib import Path
from typing import Any

from nusky import config
from nusky.releases import own_lists, registry
from nusky.releases.schemas import CanonicalRelease


def antares(folder: Path) -> dict[str, Any]:
    """The tracks of ANTARES 2007-2017: times and angular errors, no effective area."""
    listed = {
        "name": "ANTARES",
        "file": str(folder / "antares_2007_2017/ANTARES0717.dat"),
        "format": "blanks",
        "columns": {"ra_deg": "RA", "dec_deg": "Decl", "ang_err_deg": "Beta", "mjd": "MJD"},
        "livetime_days": 3125.4,
    }
    return {"name": "antares-2007-2017", "events": [listed]}


def minimal(path: Path, **changes: Any) -> dict[str, Any]:
    """A list with two columns."""
    return {
        "name": "mine",
        "events": [{"name": "A", "file": str(path), "ang_err_deg": 1, "livetime_days": 10} | changes],
    }


def settings(release: dict[str, Any]) -> config.Release:
    """The `release` block of a configuration."""
    return config.validated(config.Release, release, "release")


def read(release: dict[str, Any]) -> CanonicalRelease:
    """Its canonical tables."""
    known = registry.of(settings(release))
    return own_lists.read(Path(), known, known.select(None), check_counts=True)
