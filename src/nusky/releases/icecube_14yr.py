"""The layout of the fourteen-year release, IceTracks-DR2 (doi:10.7910/DVN/MMIIZA).

The folders, names and columns of the ten-year release are assumed, with two differences:

- events have further columns (run, event and subevent numbers), which are passed over; they are found by name;
- the effective area of IC86 ends at log10(E/GeV) = 8.7, in the middle of a bin of the others; if its table leaves out
  the energies up to the next bin, the area there is zero.

Versions 2.0 and 3.1 are read alike. Version 1.0 has two faults. The simulation of IC86 ends at log10(E/GeV) = 8.7, but
its last bin was given as 8.6 to 8.8, which lowers the effective area there; and the smearing tables of all
configurations use the declination bins of IC40. It is recognised by the first: an effective area of IC86 that is not
zero in a bin ending at 8.8.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky.errors import ReleaseError
from nusky.releases import icecube_10yr, schemas
from nusky.releases.registry import Release, Season

log = logging.getLogger(__name__)

_IC86_AREA = "irfs/IC86_effectiveArea.csv"
_FAULTY_EDGE = 8.8
"""Upper edge in log10(E/GeV) of the bin that version 1.0 fills only up to 8.7."""
_FAULTS = (
    "the effective area of IC86 is too small at log10(E/GeV) 8.6 to 8.8, and the smearing tables have the declination "
    "bins of IC40 for every configuration"
)


find_root = icecube_10yr.find_root
check_runs = icecube_10yr.check_runs


def required_files(root: Path, release: Release, seasons: Sequence[Season]) -> list[str]:
    """Paths below `root` of the files the `seasons` need; that of the IC86 effective area tells the version."""
    names = icecube_10yr.required_files(root, release, seasons)
    return names if _IC86_AREA in names else [*names, _IC86_AREA]


def check_version(root: Path, allow_version_1: bool) -> None:
    """Refuse version 1.0 of the release, or warn of it where it is allowed.

    Raises
    ------
    ReleaseError
        The files below `root` are those of version 1.0.
    """
    path = root / _IC86_AREA
    if not path.exists():  # `required_files` lists it, so its absence is reported with that of others
        return
    area = icecube_10yr.read_effective_area(root, "IC86")
    upper, values = area["log10_energy_max_gev"].to_numpy(), area["aeff_cm2"].to_numpy()
    if not np.any(values[np.isclose(upper, _FAULTY_EDGE, atol=1e-3)] > 0):
        return
    if not allow_version_1:
        raise ReleaseError(
            f"{path}: version 1.0 of icecube-14yr, which has known faults: {_FAULTS}. Fetch the newest version from "
            "https://doi.org/10.7910/DVN/MMIIZA; to use version 1.0 all the same, set `release.allow_version_1: true`."
        )
    log.warning("%s: version 1.0 of icecube-14yr is used although it has known faults: %s", path, _FAULTS)


def read(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.CanonicalRelease:
    """Read `seasons` from the files below `root` into canonical tables, as `icecube_10yr.read` does.

    Raises
    ------
    ReleaseError
        A file is missing, damaged, or holds something else than the release promises.
    """
    events = [_read_events(root, season, check_counts) for season in seasons]
    times = read_times(root, release, seasons, check_counts)
    smearing = [icecube_10yr.read_smearing(root, response) for response in icecube_10yr.responses_of(seasons)]
    return schemas.canonical(seasons, events, times, smearing=pa.concat_tables(smearing))


def read_times(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.DetectorTimes:
    """Read what is known of the detector without its events: good runs and effective areas. Arguments as for `read`."""
    check_version(root, allow_version_1=True)
    times = icecube_10yr.read_times(root, release, seasons, check_counts)
    return replace(times, effective_area=close_gaps(times.effective_area))


def _read_events(root: Path, season: Season, check_counts: bool) -> pa.Table:
    path = root / icecube_10yr.season_file(root, "events", season)
    return icecube_10yr.read_events(path, season, check_counts, _header(path))


def _header(path: Path) -> dict[str, str]:
    """The columns of an events file -> our names, or their own behind a # for those we do not need.

    Where the file or a column is missing or stands there twice, the columns we need: `read_numbers` then says so.
    """
    known = {name.casefold(): ours for name, ours in schemas.EVENT_COLUMNS.items()}
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as handle:
            found = handle.readline().strip().removeprefix("#").split()
    except OSError:
        found = []
    header = {name: known.get(name.casefold(), f"#{name}") for name in found}
    ours = [name for name in header.values() if not name.startswith("#")]
    return header if sorted(ours) == sorted(known.values()) else dict(schemas.EVENT_COLUMNS)


def close_gaps(table: pa.Table) -> pa.Table:
    """Add bins without area where the energy bins of a response do not touch."""
    parts = []
    for response in dict.fromkeys(table["response"].to_pylist()):
        part = table.filter(pa.array(table["response"].to_numpy(zero_copy_only=False) == response))
        low, high = (np.unique(part[f"log10_energy_{side}_gev"].to_numpy()) for side in ("min", "max"))
        decs = np.unique(np.column_stack([part["dec_min_deg"], part["dec_max_deg"]]), axis=0)
        parts.append(part)
        for start, stop in zip(high[:-1], low[1:], strict=True):
            if start < stop:
                columns = {"response": response, "dec_min_deg": decs[:, 0], "dec_max_deg": decs[:, 1]}
                for name, value in (("log10_energy_min_gev", start), ("log10_energy_max_gev", stop), ("aeff_cm2", 0.0)):
                    columns[name] = np.full(len(decs), value)
                parts.append(schemas.table("effective_area", columns, f"effective area of {response}"))
    return pa.concat_tables(parts)
