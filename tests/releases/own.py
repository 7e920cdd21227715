"""Configurations of event lists: the public lists that nusky can read as a user's own."""

from pathlib import Path
from typing import Any

from nusky import config
from nusky.releases import own_lists, registry
from nusky.releases.schemas import CanonicalRelease

# list_of_samples.txt of the release doi:10.21234/B4QG92: first and last day as MJD, events per square degree. The last
# day of IC86c is counted as a whole one, as there is an event on it.
TXS_SAMPLES = {
    "IC40": (54561, 54971, 1.00),
    "IC59": (54971, 55347, 3.12),
    "IC79": (55347, 55694, 3.44),
    "IC86a": (55694, 56063, 4.04),
    "IC86b": (56063, 57160, 12.32),
    "IC86c": (57160, 58058, 20.17),
}
CENTRE = (77.36, 5.69)


def txs(folder: Path) -> dict[str, Any]:
    """The TXS 0506+056 release: six lists of a cone of 3 deg, each with good runs, density and effective area."""
    return {
        "name": "txs-0506",
        "events": [
            {
                "name": name,
                "file": str(folder / f"txs0506_release_2018/events_{name}.txt"),
                "format": "blanks",
                "columns": {
                    "ra_deg": "Ra_deg",
                    "dec_deg": "Dec_deg",
                    "ang_err_deg": "Unc_deg",
                    "mjd": "MJD",
                    "log10_energy_gev": "log10(Ereco)",
                },
                "uptimes": [[start, stop]],
                "effective_area": {
                    "file": str(folder / f"txs0506_release_2018/Aeff_{name}.txt"),
                    "format": "blanks",
                    "columns": {
                        "log10_energy_min_gev": "log10(Emin/GeV)",
                        "log10_energy_max_gev": "log10(Emax/GeV)",
                        "aeff": "Aeff[m2]",
                    },
                },
                "cone": {"ra_deg": CENTRE[0], "dec_deg": CENTRE[1], "radius_deg": 3.0, "density_per_deg2": density},
            }
            for name, (start, stop, density) in TXS_SAMPLES.items()
        ],
    }


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
