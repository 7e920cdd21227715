"""The layout of the ten-year release (doi:10.7910/DVN/VKL316), which generated releases use too.

``events/SEASON_exp.csv``, ``uptime/SEASON_exp.csv``, ``irfs/RESPONSE_effectiveArea.csv`` and, where there is one,
``irfs/RESPONSE_smearing.csv``: columns of fixed width under a `#` header.
"""

import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from nusky.errors import ReleaseError
from nusky.releases import schemas
from nusky.releases.registry import Release, Season
from nusky.releases.text import read_filled, read_numbers

log = logging.getLogger(__name__)

SECONDS_PER_DAY = 86400.0
LIVETIME_TOLERANCE_S = 1.0
OVERLAP_TOLERANCE_S = 5.0
"""Runs of the releases overlap by up to 0.9 s."""

UPTIME_COLUMNS = {"MJD_start[days]": "start_mjd", "MJD_stop[days]": "stop_mjd"}
_MOST_NAMED = 5
"""Releases in one folder that a message names."""
_EFFECTIVE_AREA = {
    "log10(E_nu/GeV)_min": "log10_energy_min_gev",
    "log10(E_nu/GeV)_max": "log10_energy_max_gev",
    "Dec_nu_min[deg]": "dec_min_deg",
    "Dec_nu_max[deg]": "dec_max_deg",
    "A_Eff[cm^2]": "aeff_cm2",
}
_SMEARING = {
    "log10(E_nu/GeV)_min": "log10_enu_min_gev",
    "log10(E_nu/GeV)_max": "log10_enu_max_gev",
    "Dec_nu_min[deg]": "dec_nu_min_deg",
    "Dec_nu_max[deg]": "dec_nu_max_deg",
    "log10(E/GeV)_min": "log10_energy_min_gev",
    "log10(E/GeV)_max": "log10_energy_max_gev",
    "PSF_min[deg]": "psf_min_deg",
    "PSF_max[deg]": "psf_max_deg",
    "AngErr_min[deg]": "ang_err_min_deg",
    "AngErr_max[deg]": "ang_err_max_deg",
    "Fractional_Counts": "fraction",
}


def find_root(folder: Path) -> Path:
    """The folder with `events`, `uptime` and `irfs`: `folder` itself or one inside it."""
    parts = ("events", "uptime", "irfs")
    return only_root(
        folder,
        lambda inner: all((inner / part).is_dir() for part in parts),
        "not the ten-year release: no folder in it holds events/, uptime/ and irfs/. Give the folder that holds the "
        "three.",
    )


def only_root(folder: Path, is_root: Callable[[Path], bool], otherwise: str) -> Path:
    """The one folder at or below `folder` that `is_root`; symbolic links are followed.

    `folder` itself is taken whatever lies below it.

    Raises
    ------
    ReleaseError
        There is none (the message goes on with `otherwise`), or there are several.
    """
    if is_root(folder):
        return folder
    roots, seen = {}, set()
    for place, inner, _ in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # links in a circle, or to one place twice
            inner.clear()
            continue
        seen.add(real)
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "__MACOSX")
        if is_root(Path(place)):
            roots[real] = Path(place)
            inner.clear()
    if not roots:
        raise ReleaseError(f"{folder}: {otherwise}")
    if len(roots) > 1:
        named = [str(root) for root in sorted(roots.values())]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        raise ReleaseError(
            f"{folder}: holds more than one release: {', '.join(named[:_MOST_NAMED])}{more}. Give the folder of the "
            "one that is meant in `release.local_path`."
        )
    return next(iter(roots.values()))


def required_files(root: Path, release: Release, seasons: Sequence[Season]) -> list[str]:
    """Paths below `root` of the files the `seasons` need.

    Smearing tables are among them where the release has them, whatever the folder holds, and where the folder has them
    though the release has none, as generated ones do.
    """
    responses = responses_of(seasons)
    names = [season_file(root, part, season) for season in seasons for part in ("events", "uptime")]
    names += [f"irfs/{response}_effectiveArea.csv" for response in responses]
    smearing = [f"irfs/{response}_smearing.csv" for response in responses]
    return names + [name for name in smearing if release.smearing or (root / name).exists()]


def check_runs(root: Path, release: Release, seasons: Sequence[Season]) -> None:
    """Check the good runs of those `seasons` whose file is there.

    Raises
    ------
    ReleaseError
        A run ends before it starts or overlaps another one; the message names the line.
    """
    for season in seasons:
        if (root / season_file(root, "uptime", season)).is_file():
            _read_uptimes(root, release, season, check_counts=False)


def read(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.CanonicalRelease:
    """Read `seasons` from the files below `root` into canonical tables.

    Livetimes are the sums of the good runs, spans run from the first start to the last stop. With `check_counts`, the
    numbers of events and the livetimes (to 1 s) must be the published ones.

    Raises
    ------
    ReleaseError
        A file is missing, damaged, or holds something else than the release promises.
    """
    events = [read_events(root / season_file(root, "events", season), season, check_counts) for season in seasons]
    times = read_times(root, release, seasons, check_counts)
    smearing = pa.concat_tables([read_smearing(root, response) for response in responses_of(seasons)])
    return schemas.canonical(seasons, events, times, smearing=smearing)


def read_times(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.DetectorTimes:
    """Read what is known of the detector without its events: good runs and effective areas. Arguments as for `read`."""
    uptimes = {season.name: _read_uptimes(root, release, season, check_counts) for season in seasons}
    return schemas.DetectorTimes(
        uptimes=pa.concat_tables(uptimes.values()),
        effective_area=pa.concat_tables([read_effective_area(root, response) for response in responses_of(seasons)]),
        livetime_s={name: livetime_s(runs) for name, runs in uptimes.items()},
        span_s={name: span_s(runs) for name, runs in uptimes.items()},
        origin="uptimes",
    )


def season_file(root: Path, part: str, season: Season) -> str:
    """Path below `root` of the file of a season in the folder `part`.

    Version 1.0 of the releases on Dataverse calls some of them SEASON_exp-1.csv.
    """
    usual, older = (f"{part}/{season.name}_exp{ending}.csv" for ending in ("", "-1"))
    return older if (root / older).is_file() and not (root / usual).is_file() else usual


def responses_of(seasons: Iterable[Season]) -> list[str]:
    """Names of the detector responses of `seasons`, each once."""
    return list(dict.fromkeys(season.response for season in seasons))


def read_events(
    path: Path, season: Season, check_counts: bool, header: Mapping[str, str] = schemas.EVENT_COLUMNS
) -> pa.Table:
    """The events of a season, whose number must be the published one if `check_counts`; `header` as `read_numbers`."""
    found = read_numbers(path, header)
    columns = {name: found[name] for name in schemas.EVENT_COLUMNS.values()}
    n_events = len(columns["mjd"])
    if season.n_events is None:
        log.info("%s: %d events; no published number is known, so it is not checked", path, n_events)
    elif check_counts and n_events != season.n_events:
        raise ReleaseError(
            f"{path}: season {season.name} has {n_events} events, the release has {season.n_events}. Fetch the file "
            "again; if you know why they differ, set `release.check_counts: false`."
        )
    return schemas.file_table("events", columns, path)


def _read_uptimes(root: Path, release: Release, season: Season, check_counts: bool) -> pa.Table:
    path = root / season_file(root, "uptime", season)
    columns = read_numbers(path, UPTIME_COLUMNS)
    uptimes = schemas.file_table("uptimes", {"season": season.name, **columns}, path)
    if uptimes.num_rows == 0:
        raise ReleaseError(f"{path}: lists no good run, so season {season.name} has no livetime. Fetch the file again.")
    lines = np.arange(uptimes.num_rows) + 2
    refuse_overlaps(str(path), "line", lines, columns["start_mjd"], columns["stop_mjd"])
    total_s = livetime_s(uptimes)
    known = season.livetime_s is not None
    if check_counts and known and abs(total_s - season.livetime_s) > LIVETIME_TOLERANCE_S:
        raise ReleaseError(
            f"{path}: the good runs of season {season.name} sum to {total_s:.2f} s, in release {release.name} to "
            f"{season.livetime_s:.2f} s. Fetch the file again; if you know why they differ, set "
            "`release.check_counts: false`."
        )
    return uptimes


def refuse_overlaps(where: str, unit: str, numbers: np.ndarray, start: np.ndarray, stop: np.ndarray) -> None:
    """No run may begin before the ones ahead of it in time end: the livetime would count twice.

    Parameters
    ----------
    where, unit : what messages call the file and what `numbers` (n_runs,) count: "line" or "row"
    start, stop : (n_runs,) float64, MJD

    Raises
    ------
    ReleaseError
        Runs overlap by more than rounding; the message names both.
    """
    order = np.argsort(start, kind="stable")
    ended = np.maximum.accumulate(stop[order])
    overlap_s = SECONDS_PER_DAY * (ended[:-1] - start[order][1:])
    bad = np.flatnonzero(overlap_s > OVERLAP_TOLERANCE_S)
    if not len(bad):
        return
    later, earlier = order[bad[0] + 1], order[: bad[0] + 1][np.argmax(stop[order[: bad[0] + 1]])]
    raise ReleaseError(
        f"{where}, {unit} {numbers[later]}: the run from MJD {start[later]:.8f} to {stop[later]:.8f} overlaps the one "
        f"of {unit} {numbers[earlier]}, {start[earlier]:.8f} to {stop[earlier]:.8f} ({len(bad)} overlapping run(s) in "
        "all): its time would count twice. Fetch the file again or correct it."
    )


def livetime_s(uptimes: pa.Table) -> float:
    """Sum of good runs, s."""
    return SECONDS_PER_DAY * math.fsum(uptimes["stop_mjd"].to_numpy() - uptimes["start_mjd"].to_numpy())


def span_s(uptimes: pa.Table) -> float:
    """First start to last stop of good runs, s."""
    return SECONDS_PER_DAY * float(uptimes["stop_mjd"].to_numpy().max() - uptimes["start_mjd"].to_numpy().min())


def read_effective_area(root: Path, response: str) -> pa.Table:
    """The effective area of one response."""
    path = root / "irfs" / f"{response}_effectiveArea.csv"
    return schemas.file_table("effective_area", {"response": response, **read_numbers(path, _EFFECTIVE_AREA)}, path)


def read_smearing(root: Path, response: str) -> pa.Table:
    """The smearing table of one response; without rows where the release has none."""
    path = root / "irfs" / f"{response}_smearing.csv"
    if not path.exists():
        return schemas.KINDS["smearing"].empty()
    # Cells without simulated events are filled with zeros, edges included: they describe nothing.
    columns, filled = read_filled(path, _SMEARING, "fraction")
    return schemas.file_table("smearing", {"response": response, **columns}, path, rows=filled)
