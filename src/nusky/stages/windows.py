"""Stage of the windows of a catalogue: when its sources shine, and what of that the seasons saw."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nusky import config
from nusky.errors import PhysicsError
from nusky.search.analysis import good_runs
from nusky.search.flare import largest_factor
from nusky.search.time_profile import Box, Flare, TimeProfile, none_seen, reach_of, why_unseen
from nusky.stages.inference import profiles_of
from nusky.tables import read_columns, read_table, trace, write_table

SHOWN = (0.05, 0.95)
"""Quantiles of the fluence between which a profile without edges is shown."""


def windows(files: Any, outputs: Any, *, time: dict[str, Any]) -> None:
    """One row for each source of a catalogue, those that no season sees with the reason."""
    sources, uptimes = (read_table(getattr(files, kind), kind=kind) for kind in ("sources", "uptimes"))
    profiles = profiles_of(config.TimeProfile.model_validate(time), sources)
    (names,) = read_columns(files.seasons, kind="seasons", columns=("season",))
    times = [read_columns(path, kind="events", columns=("mjd",))[0] for path in files.events]
    seasons = [str(name) for name in names]
    runs = good_runs(seasons, times, uptimes)
    span = reach_of(runs)
    exposure = np.array([[profile.exposure(own) for own in runs] for profile in profiles])
    total = np.array([profile.total(*span) for profile in profiles])
    edges = np.array([_shown(profile, span) for profile in profiles])
    columns = {name: sources[name] for name in ("name", "origin", "ra_deg", "dec_deg")} | {
        "start_mjd": edges[:, 0],
        "stop_mjd": edges[:, 1],
        "duration_days": total,
        "exposure_days": exposure.sum(axis=1),
        "seasons": [", ".join(np.array(seasons)[own > 0]) for own in exposure],
        "problem": [why_unseen(profile, runs) for profile in profiles],
    }
    reach = {name: [float(own.start[0]), float(own.stop[-1])] for name, own in zip(seasons, runs, strict=True)}
    used = [files.sources, files.uptimes, files.seasons, *files.events, *getattr(files, "light_curves", [])]
    provenance = trace(used, {"time": time, "seasons": reach})
    write_table(outputs[0], columns, kind="windows", provenance=provenance)


def unseen(profiles: Mapping[str, TimeProfile], uptimes: pa.Table) -> dict[str, str]:
    """Those of some profiles, by name, that no good run of a table "uptimes" of all seasons sees, with the reason.

    Raises
    ------
    PhysicsError : none of them is seen, or a flare would be longer than the livetime.
    """
    seasons = list(dict.fromkeys(uptimes["season"].to_pylist()))
    runs = good_runs(seasons, [np.empty(0)] * len(seasons), uptimes)
    for name, profile in profiles.items():
        if isinstance(profile, Flare):
            try:
                largest_factor(profile, runs)
            except PhysicsError as error:
                raise PhysicsError(f"source '{name}': {error}") from None
    why = {name: why_unseen(profile, runs) for name, profile in profiles.items()}
    left = {name: reason for name, reason in why.items() if reason}
    if left and len(left) == len(why):
        raise PhysicsError(none_seen(left))
    return left


def _shown(profile: TimeProfile, span: tuple[float, float]) -> NDArray:
    """When most of the fluence comes, (2,) MJD; of a box its edges."""
    if isinstance(profile, Box):
        return np.array(profile.support)
    begin = profile.support[0]
    return profile.inverse(profile.integral(np.array(begin)) + np.array(SHOWN) * profile.total(*span))
