"""The layout of the three-year release (arXiv:1609.04981).

``SEASON-events.txt``, ``SEASON-TabulatedAeff.txt`` and ``SEASON-AngRes.txt`` in one folder. There are no uptimes, so
livetimes are the published numbers, and no smearing tables: the last gives medians of the angular resolution.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky.errors import ReleaseError
from nusky.releases import schemas
from nusky.releases.icecube_10yr import only_root, read_events
from nusky.releases.registry import Release, Season
from nusky.releases.text import read_numbers

CM2_PER_M2 = 1e4
_ANGULAR_RESOLUTION = {
    "E_min[GeV]": "energy_min_gev",
    "E_max[GeV]": "energy_max_gev",
    "Med.Resolution[deg]": "median_deg",
}

_EFFECTIVE_AREA = {
    "E_min[GeV]": "energy_min_gev",
    "E_max[GeV]": "energy_max_gev",
    "cos(zenith)_min": "cos_zenith_min",
    "cos(zenith)_max": "cos_zenith_max",
    "Aeff[m^2]": "aeff_m2",
}


def find_root(folder: Path) -> Path:
    """The folder with the `*-TabulatedAeff.txt` files: `folder` itself or one inside it."""
    return only_root(
        folder,
        lambda inner: any(not path.name.startswith("._") for path in inner.glob("*-TabulatedAeff.txt")),
        "not the three-year release: no file *-TabulatedAeff.txt in it. Give the folder that holds them.",
    )


def required_files(root: Path, release: Release, seasons: Sequence[Season]) -> list[str]:
    """Paths below `root` of the files the `seasons` need."""
    names = [f"{season.name}-events.txt" for season in seasons]
    return names + [f"{season.response}-{what}.txt" for what in ("TabulatedAeff", "AngRes") for season in seasons]


def check_runs(root: Path, release: Release, seasons: Sequence[Season]) -> None:
    """Nothing: the release has no uptimes."""


def read(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.CanonicalRelease:
    """Read `seasons` from the files in `root` into canonical tables.

    Raises
    ------
    ReleaseError
        A file is missing, damaged, or holds something else than the release promises.
    """
    events = [read_events(root / f"{season.name}-events.txt", season, check_counts) for season in seasons]
    times = read_times(root, release, seasons, check_counts)
    resolution = pa.concat_tables([_read_angular_resolution(root, season.response) for season in seasons])
    return schemas.canonical(seasons, events, times, angular_resolution=resolution)


def read_times(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.DetectorTimes:
    """Read what is known of the detector without its events: effective areas; the times are the published ones."""
    return schemas.DetectorTimes(
        uptimes=schemas.KINDS["uptimes"].empty(),
        effective_area=pa.concat_tables([_read_effective_area(root, season.response) for season in seasons]),
        livetime_s={season.name: season.livetime_s for season in seasons},
        span_s={season.name: season.span_s for season in seasons},
        origin="published",
    )


def _read_effective_area(root: Path, response: str) -> pa.Table:
    path = root / f"{response}-TabulatedAeff.txt"
    raw = read_numbers(path, _EFFECTIVE_AREA)
    # Values outside the domain become NaN here and are refused, with their line, as any NaN is.
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "log10_energy_min_gev": np.log10(raw["energy_min_gev"]),
            "log10_energy_max_gev": np.log10(raw["energy_max_gev"]),
            # At the South Pole sin(dec) = -cos(zenith): the edges change places.
            "dec_min_deg": np.degrees(np.arcsin(-raw["cos_zenith_max"])),
            "dec_max_deg": np.degrees(np.arcsin(-raw["cos_zenith_min"])),
            "aeff_cm2": raw["aeff_m2"] * CM2_PER_M2,
        }
    return schemas.file_table("effective_area", {"response": response, **columns}, path)


def _read_angular_resolution(root: Path, response: str) -> pa.Table:
    path = root / f"{response}-AngRes.txt"
    raw = read_numbers(path, _ANGULAR_RESOLUTION)
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = (np.log10(raw[f"energy_{side}_gev"]) for side in ("min", "max"))
    columns = {"log10_enu_min_gev": low, "log10_enu_max_gev": high, "median_deg": raw["median_deg"]}
    made = schemas.file_table("angular_resolution", {"response": response, **columns}, path)
    if not len(low) or not np.array_equal(low[1:], high[:-1]):
        raise ReleaseError(f"{path}: its bins of energy do not follow each other without gaps. Fetch the file again.")
    return made
