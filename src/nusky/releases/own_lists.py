"""Event lists of the user's own as a release: files, columns and times as the configuration states them.

What a list does not state is unknown (NaN) in the canonical tables, and nothing that needs it is computed: without
times no window, without an effective area no flux.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from nusky import config, units
from nusky.catalogues import columns as reading
from nusky.catalogues.tablefile import TableFile, read_table, without_keys
from nusky.catalogues.userfile import Reading, column, positions
from nusky.conventions import SMALLEST_ANG_ERR_DEG
from nusky.errors import CatalogueError, ReleaseError
from nusky.releases import icecube_10yr, schemas
from nusky.releases.registry import Release, Season

log = logging.getLogger(__name__)

EDGE_DEG = 0.05
"""Rounding of the coordinates that an event at the edge of a cone may have."""
_AREA_UNIT = re.compile(r"(?:^|[^a-z0-9])(c?m)\s*(?:(?:\^|\*\*)\s*)?2(?:$|[^a-z0-9])", re.I)
_NO_AREA = re.compile(
    r"(?:^|[^a-z])(?:log(?:10)?|ln)(?:$|[^a-z])|(?:^|\D)10\s*[$]?(?:\^|\*\*)"
    r"|m\s*(?:\^|\*\*)?\s*2[\s*./-]*(?:sr|s|sec|yr|year|[kmgtpe]?ev)(?:$|[^a-z])",
    re.I,
)
"""In names of columns: logarithms, powers of ten, and areas times or per something else."""
_OTHER_ENERGY = re.compile(r"(?<![A-Za-z])(eV|[kMTPE]eV|[kmtp]ev)(?![A-Za-z])")
_CONTAINMENT = re.compile(r"(?:^|[^0-9a-z])(?:r|err|error|ang|psi|c)?_?(50|68|90|95|99)(?:$|[^0-9])|median|fwhm", re.I)
"""In names of angular errors: radii that are not the width of a Gaussian."""
_FAR = 10.0
"""Factor by which a stated density of background may differ from that of the events."""
_NEVER = 1e-9
"""Chance of times below which the livetime is wrong."""
_RUN_COLUMNS = ("start_mjd", "stop_mjd")


def find_root(folder: Path) -> Path:
    """The folder that paths of the configuration are relative to: `folder` itself."""
    return folder


def required_files(root: Path, release: Release, seasons: Sequence[Season]) -> list[str]:
    """Paths of the files that the lists of `seasons` need, as the configuration names them."""
    names: list[str] = []
    for own in map(release.list_of, seasons):
        names.append(own.file)
        names += [own.uptimes] if isinstance(own.uptimes, str) else []
        names += [own.effective_area.file] if own.effective_area else []
    return list(dict.fromkeys(names))


def check_runs(root: Path, release: Release, seasons: Sequence[Season]) -> None:
    """Check the good runs of `seasons`: each ends after it starts, none overlaps another."""
    for own in map(release.list_of, seasons):
        if not isinstance(own.uptimes, str) or (root / own.uptimes).is_file():
            _uptimes(root, own)


def read(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.CanonicalRelease:
    """Read the lists of `seasons` into canonical tables.

    Raises
    ------
    ReleaseError
        A file or column is missing or damaged, a number is out of range, a time is no MJD or outside the good runs, or
        an event lies outside the cone that its list covers; the message names list, row and column.
    """
    lists = [release.list_of(season) for season in seasons]
    times = read_times(root, release, seasons, check_counts)
    events = [_events(root, own, times.uptimes) for own in lists]
    _refuse_repeated(lists, events)
    found = schemas.canonical(seasons, events, times)
    return replace(found, seasons=_with_cones(found.seasons, lists))


def read_runs(root: Path, release: Release, seasons: Sequence[Season]) -> pa.Table:
    """The good runs of `seasons`, a table "uptimes"."""
    return pa.concat_tables([_uptimes(root, release.list_of(season)) for season in seasons])


def read_times(root: Path, release: Release, seasons: Sequence[Season], check_counts: bool) -> schemas.DetectorTimes:
    """Read good runs, livetimes and effective areas; where only a livetime is stated it stands for the span, too."""
    livetime_s, span_s, uptimes, areas = {}, {}, [], []
    for own in map(release.list_of, seasons):
        runs = _uptimes(root, own)
        uptimes.append(runs)
        if own.livetime_days is None:
            livetime_s[own.name], span_s[own.name] = icecube_10yr.livetime_s(runs), icecube_10yr.span_s(runs)
        else:
            livetime_s[own.name] = span_s[own.name] = icecube_10yr.SECONDS_PER_DAY * own.livetime_days
        if own.effective_area is not None:
            areas.append(_effective_area(root, own, own.effective_area))
    return schemas.DetectorTimes(
        uptimes=pa.concat_tables(uptimes),
        effective_area=pa.concat_tables(areas) if areas else schemas.KINDS["effective_area"].empty(),
        livetime_s=livetime_s,
        span_s=span_s,
        origin="configuration",
    )


def _events(root: Path, own: config.EventList, uptimes: pa.Table) -> pa.Table:
    named, path = own.columns, root / own.file
    wanted = [name for name in named.model_dump().values() if name]
    file = _table(path, wanted, own.table, own.format)
    try:
        where = positions(file, named.ra_deg, named.dec_deg, Reading(unit=own.unit, frame=own.frame))
        n = len(where.ra_deg)
        for note in (*file.notes, *where.notes):
            log.info("%s: %s", file.where, note)
        log.info("%s: read as %s", file.where, where.given)

        mjd, log10_energy, ang_err = (np.full(n, value) for value in (np.nan, np.nan, own.ang_err_deg or np.nan))
        if named.mjd is not None:
            mjd = _times(file, named.mjd, "columns.mjd", where.commas)
        if named.log10_energy_gev is not None:
            log10_energy = _log10_energy(file, named.log10_energy_gev, where.commas)
        if named.ang_err_deg is not None:
            header = column(file, named.ang_err_deg)
            _refuse_containment(file, header)
            found = reading.angles(file, header, False, commas=where.commas)
            ang_err = reading.refuse_limits(file, header, found.values, found.limit)
        if small := int((ang_err < SMALLEST_ANG_ERR_DEG).sum()):
            log.info("%s: %d angular errors below %g deg count as that", file.where, small, SMALLEST_ANG_ERR_DEG)
    except CatalogueError as error:
        raise ReleaseError(without_keys(str(error))) from None
    if named.mjd is not None:
        _check_times(file.where, named.mjd, mjd)
    columns = {
        "mjd": mjd,
        "log10_energy_gev": log10_energy,
        "ang_err_deg": ang_err,
        "ra_deg": where.ra_deg,
        "dec_deg": where.dec_deg,
        "azimuth_deg": np.full(n, np.nan),
        "zenith_deg": np.full(n, np.nan),
    }
    stated = {"mjd": named.mjd, "log10_energy_gev": named.log10_energy_gev}
    unknown = ["azimuth_deg", "zenith_deg", *(name for name, header in stated.items() if header is None)]
    made = schemas.table("events", columns, file.where, unknown)
    _refuse_outside_runs(file.where, own, mjd, uptimes)
    _refuse_short_span(file.where, own, mjd)
    _refuse_outside_cone(file.where, own.cone, where.ra_deg, where.dec_deg)
    return made


def _table(
    path: Path,
    wanted: Sequence[str],
    table: str | None = None,
    form: str | None = None,
    without: Sequence[str] = (),
) -> TableFile:
    """A table; `without` names what the configuration cannot state about the file."""
    try:
        return read_table(path, "", wanted, table, form)
    except CatalogueError as error:
        raise ReleaseError(without_keys(str(error), **dict.fromkeys(without, False))) from None


def _times(file: TableFile, name: str, key: str, commas: bool = False) -> np.ndarray:
    header, notes = column(file, name), list[str]()
    found = reading.times(file, header, key, reading.measured(file, header, commas), notes)
    for note in notes:
        log.info("%s: %s", file.where, note)
    return found


def _log10_energy(file: TableFile, name: str, commas: bool = False) -> np.ndarray:
    """A column of log10(E/GeV), which is refused where unit or name say another one."""
    header = column(file, name)
    unit = str(file.table[header].unit or "")
    # Many write the unit of the energy beside its logarithm.
    is_log = "log" in header.casefold() or unit.casefold().startswith("dex")
    if unit and not is_log and units.is_energy(unit):
        raise CatalogueError(f"{file.where}: column '{header}' holds energies in '{unit}'. Give log10(E/GeV).")
    if other := _OTHER_ENERGY.search(f"{unit} {header}"):
        raise CatalogueError(f"{file.where}: column '{header}' is about {other[0]}. Give log10(E/GeV), and name it so.")
    return reading.measured(file, header, commas)


def _refuse_containment(file: TableFile, header: str) -> None:
    for text in (header, str(file.table[header].info.description or "")):
        if said := _CONTAINMENT.search(text):
            raise CatalogueError(
                f"{file.where}: '{said[0].strip(' _')}' in name or description of column '{header}' says a radius that "
                "holds a part of the events, but `columns.ang_err_deg` is the width of a Gaussian: divide radii of "
                "50, 68, 90, 95 and 99 % by 1.177, 1.510, 2.146, 2.448 and 3.035, and name it so."
            )


def _check_times(where: str, header: str, mjd: np.ndarray) -> None:
    low, high = units.MJD_RANGE
    wrong = np.flatnonzero(~((mjd >= low) & (mjd <= high)))
    if not wrong.size:
        return
    row, value = wrong[0] + 1, mjd[wrong[0]]
    meant = "Give the time of every event in MJD, in days."
    if np.isnan(value):
        meant = "The time is missing. Leave `columns.mjd` out if the list has none."
    elif other := units.other_time(value):
        meant = other
    raise ReleaseError(
        f"{where}, row {row}, column {header}: {value:.10g} is no MJD between {low:g} and {high:g}. {meant}"
    )


def _uptimes(root: Path, own: config.EventList) -> pa.Table:
    if own.uptimes is None:
        return schemas.KINDS["uptimes"].empty()
    if isinstance(own.uptimes, str):
        file = _table(root / own.uptimes, _RUN_COLUMNS, without=("form", "table"))
        where = file.where
        try:
            start, stop = (_times(file, name, "uptimes") for name in _RUN_COLUMNS)
        except CatalogueError as error:
            said = without_keys(str(error)).replace("Set `columns` in the configuration", "Name the columns so")
            raise ReleaseError(said) from None
    else:
        where = f"`uptimes` of the list {own.name}"
        start, stop = np.array(own.uptimes, dtype=float).reshape(-1, 2).T
    if not len(start):
        raise ReleaseError(f"{where}: no good run, so the list has no livetime. Give one, or `livetime_days`.")
    for name, values in zip(_RUN_COLUMNS, (start, stop), strict=True):
        _check_times(where, name, values)
    made = schemas.table("uptimes", {"season": own.name, "start_mjd": start, "stop_mjd": stop}, where)
    icecube_10yr.refuse_overlaps(where, "row", np.arange(1, len(start) + 1), start, stop)
    return made


def _refuse_outside_runs(where: str, own: config.EventList, mjd: np.ndarray, uptimes: pa.Table) -> None:
    if own.uptimes is None or np.isnan(mjd).all():
        return
    mine = np.array(uptimes["season"].to_pylist()) == own.name
    start, stop = (uptimes[name].to_numpy()[mine] for name in _RUN_COLUMNS)
    order = np.argsort(start)
    start, stop = start[order], stop[order]
    run = np.searchsorted(start, mjd, side="right") - 1
    outside = np.flatnonzero((run < 0) | (mjd > stop[np.maximum(run, 0)]))
    if outside.size:
        raise ReleaseError(
            f"{where}, row {outside[0] + 1}: the event at MJD {mjd[outside[0]]:.6f} lies in none of the {len(start)} "
            f"good run(s) of {own.name}, MJD {start[0]:g} to {stop.max():g} ({outside.size} such event(s) in all). "
            "Correct `uptimes`, or leave the events out."
        )


def _refuse_short_span(where: str, own: config.EventList, mjd: np.ndarray) -> None:
    """ReleaseError where a livetime is stated that events spread over it would never come so close together in."""
    if own.livetime_days is None or len(mjd) < 2 or np.isnan(mjd).any():
        return
    n, part = len(mjd), float(np.ptp(mjd)) / own.livetime_days
    # Chance that n events, uniform over the livetime, come within a part of it: n part^(n-1) - (n-1) part^n.
    if part < 1 and n * part ** (n - 1) - (n - 1) * part**n < _NEVER:
        raise ReleaseError(
            f"{where}: all {n} events come within {np.ptp(mjd):.4g} days, but `livetime_days` of {own.name} is "
            f"{own.livetime_days:g}: detectors are not on for longer than it takes. Correct it, or give `uptimes`."
        )


def _refuse_repeated(lists: Sequence[config.EventList], events: Sequence[pa.Table]) -> None:
    """ReleaseError where an event of the same time and direction stands in the lists twice, and would count twice."""
    names = ("mjd", "ra_deg", "dec_deg")
    rows = np.concatenate([np.column_stack([table[name].to_numpy() for name in names]) for table in events])
    own = np.repeat(np.arange(len(lists)), [table.num_rows for table in events])
    row = np.concatenate([np.arange(1, table.num_rows + 1) for table in events])
    order = np.lexsort(rows.T)
    again = np.flatnonzero((rows[order[1:]] == rows[order[:-1]]).all(axis=1))  # times that are not known are not equal
    if again.size:
        pair = again[np.argmin(order[again + 1])]
        first, second = order[pair], order[pair + 1]
        raise ReleaseError(
            f"{lists[own[second]].file}, row {row[second]}: the event at MJD {rows[second, 0]:.6f} stands at the same "
            f"position in row {row[first]} of {lists[own[first]].file}, list {lists[own[first]].name} ({again.size} "
            "such event(s) in all). Leave out what is repeated, or name another file."
        )


def _refuse_outside_cone(where: str, cone: config.Cone | None, ra_deg: np.ndarray, dec_deg: np.ndarray) -> None:
    if cone is None:
        return
    ra, dec, ra0, dec0 = map(np.radians, (ra_deg, dec_deg, cone.ra_deg, cone.dec_deg))
    half = np.sin((dec - dec0) / 2) ** 2 + np.cos(dec) * np.cos(dec0) * np.sin((ra - ra0) / 2) ** 2
    away = np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
    outside = np.flatnonzero(away > cone.radius_deg + EDGE_DEG)
    if outside.size:
        raise ReleaseError(
            f"{where}, row {outside[0] + 1}: the event lies {away[outside[0]]:.2f} deg from the centre of the cone, "
            f"whose radius is {cone.radius_deg:g} deg ({outside.size} such event(s) in all). Correct `cone`."
        )


def _effective_area(root: Path, own: config.EventList, area: config.ListArea) -> pa.Table:
    named = area.columns
    wanted = [name for name in named.model_dump().values() if name]
    file = _table(root / area.file, wanted, form=area.format, without=("table",))
    try:
        values: dict[str, Any] = {
            name: _log10_energy(file, getattr(named, name)) for name in ("log10_energy_min_gev", "log10_energy_max_gev")
        }
        header = column(file, named.aeff)
        values["aeff_cm2"] = reading.measured(file, header) * _cm2(file, header, area.unit)
        n = len(values["aeff_cm2"])
        for name, edge in zip(("dec_min_deg", "dec_max_deg"), _declinations(own.cone), strict=True):
            chosen = getattr(named, name)
            values[name] = (
                np.full(n, edge) if chosen is None else reading.angles(file, column(file, chosen), False).values
            )
    except CatalogueError as error:
        raise ReleaseError(without_keys(str(error))) from None
    made = schemas.table("effective_area", {"response": own.name, **values}, file.where)
    _refuse_gaps(file.where, "energy", values["log10_energy_min_gev"], values["log10_energy_max_gev"])
    _refuse_gaps(file.where, "declination", values["dec_min_deg"], values["dec_max_deg"])
    return made


def _refuse_gaps(where: str, axis: str, low: np.ndarray, high: np.ndarray) -> None:
    """ReleaseError where the bins (n_rows,) of an axis leave gaps or overlap: events would be missed or count twice."""
    bins = np.array(sorted(set(zip(low.tolist(), high.tolist(), strict=True))))
    apart = np.flatnonzero(np.abs(bins[1:, 0] - bins[:-1, 1]) > 1e-3)
    if apart.size:
        (start, _), (_, stop) = bins[apart[0] + 1], bins[apart[0]]
        what = "overlap" if start < stop else "leave a gap"
        raise ReleaseError(
            f"{where}: bins of {axis} {what}: one ends at {stop:g}, the next begins at {start:g}. Give bins that touch,"
            " with an area of 0 where there is none."
        )


def _declinations(cone: config.Cone | None) -> tuple[float, float]:
    """The declinations a list reaches."""
    if cone is None:
        return -90.0, 90.0
    return max(cone.dec_deg - cone.radius_deg, -90.0), min(cone.dec_deg + cone.radius_deg, 90.0)


def _cm2(file: TableFile, header: str, given: str | None) -> float:
    """Square centimetres of one unit of an area, as the file or the configuration states it."""
    unit, name = str(file.table[header].unit or "").strip("()[] "), header.replace("_", " ")
    said = _AREA_UNIT.search(unit or name)
    if (unit and not (said and said[0].strip() == unit)) or _NO_AREA.search(name):
        raise ReleaseError(
            f"{file.where}: column '{header}'{f' with the unit {unit!r}' if unit else ''} is no area in m2 or cm2. "
            "Convert it, and name it so."
        )
    found = f"{said[1].lower()}2" if said else None
    if found is None and given is None:
        raise ReleaseError(
            f"{file.where}: column '{header}' states no unit of the area. State it with `effective_area.unit`, m2 or "
            "cm2."
        )
    if found and given and found != given:
        raise ReleaseError(
            f"{file.where}: `unit: {given}` is given, but column '{header}' is in {found}. Correct the one that is "
            "wrong."
        )
    return 1e4 if (found or given) == "m2" else 1.0


def _with_cones(rows: pa.Table, lists: Sequence[config.EventList]) -> pa.Table:
    whole_sky = dict.fromkeys(schemas.CONE_COLUMNS, np.nan)
    cones = [
        whole_sky
        if own.cone is None
        else {
            "cone_ra_deg": own.cone.ra_deg,
            "cone_dec_deg": own.cone.dec_deg,
            "cone_radius_deg": own.cone.radius_deg,
            "cone_density_per_sr": _density(own.name, own.cone, n_events),
        }
        for own, n_events in zip(lists, rows["n_events"].to_pylist(), strict=True)
    ]
    for name in schemas.CONE_COLUMNS:
        rows = rows.set_column(rows.column_names.index(name), name, pa.array([float(cone[name]) for cone in cones]))
    return rows


def _density(name: str, cone: config.Cone, n_events: int) -> float:
    """Density of background events, sr^-1: the stated one, else that of the list."""
    area = 2 * np.pi * (1 - np.cos(np.radians(cone.radius_deg)))
    if cone.density_per_deg2 is None:
        return n_events / area
    density = cone.density_per_deg2 * (180 / np.pi) ** 2
    if not density * area / _FAR <= n_events + 1 <= _FAR * (density * area + 1):
        raise ReleaseError(
            f"`cone.density_per_deg2` of the list {name}, {cone.density_per_deg2:g}, means {density * area:.4g} events "
            f"in the cone, but the list holds {n_events}. Give events per square degree, of all times of the list."
        )
    return density
