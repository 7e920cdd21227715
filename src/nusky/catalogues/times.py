"""Windows of sources, as a list states them: checked before anything is computed."""

import numpy as np

from nusky.catalogues.sources import Sources
from nusky.config import TimeProfile
from nusky.errors import CatalogueError, PhysicsError
from nusky.units import LONGEST_DAYS, SHORTEST_DAYS, checked_mjd

_STEEPEST = 100.0
"""Power of a decay: a steeper one is over at once."""


def check_times(sources: Sources, time: TimeProfile) -> None:
    """Refuse sources whose profile in time is not told, or makes no sense.

    Raises
    ------
    CatalogueError
        A column that `time` names is missing, a cell is empty or no MJD, a duration is not above 0, or a window stops
        before it starts. The message names file, row and column.
    """
    columns = sources.frame.columns
    for column, key in time.columns.items():
        if column not in columns:
            raise CatalogueError(
                f"{sources.where}: `time.{key}` names the column '{column}', which this list does not have; there are "
                f"{', '.join(columns)}."
            )
        if sources.frame[column].dtype.kind not in "iuf":
            raise CatalogueError(f"{sources.where}: `time.{key}` names the column '{column}', which holds no numbers.")
    for (row, name), *values in zip(
        sources.frame["name"].items(), *(_values(sources, value) for value in time.values.values()), strict=True
    ):
        where, given = f"{sources.where}: row {row}", dict(zip(time.values, values, strict=True))
        for key, value in given.items():
            _check_value(where, name, key, time.values[key], float(value))
        if "duration_days" in given:
            _check_edges(where, name, given)
        if "shortest_days" in given and given["shortest_days"] > given["longest_days"]:
            raise CatalogueError(
                f"{where}: the longest flare of '{name}', {given['longest_days']:g} d "
                f"({_told(time.values['longest_days'])}), is shorter than the shortest, {given['shortest_days']:g} d "
                f"({_told(time.values['shortest_days'])})."
            )
        for days in time.limit_days or []:
            if not given["shortest_days"] <= days <= given["longest_days"]:
                raise CatalogueError(
                    f"{where}: `time.limit_days` holds {days:g}, but flares of '{name}' are looked "
                    f"for from {given['shortest_days']:g} to {given['longest_days']:g} d "
                    f"({_told(time.values['shortest_days'])}, {_told(time.values['longest_days'])})."
                )
        if {"start_mjd", "stop_mjd"} <= given.keys() and not given["start_mjd"] < given["stop_mjd"]:
            raise CatalogueError(
                f"{where}: the window of '{name}' stops at MJD {given['stop_mjd']:.10g} "
                f"({_told(time.values['stop_mjd'])}), not after its start at {given['start_mjd']:.10g} "
                f"({_told(time.values['start_mjd'])}). Are the columns exchanged?"
            )


def _check_edges(where: str, name: str, given: dict[str, float]) -> None:
    """CatalogueError where a window of a duration begins or ends at no MJD."""
    days = given["duration_days"]
    start = given.get("start_mjd", given.get("centre_mjd", np.nan) - days / 2)
    for edge, value in (("start", start), ("stop", start + days)):
        try:
            checked_mjd(f"{edge} of the window of '{name}', {days:g} d long,", value)
        except PhysicsError as error:
            raise CatalogueError(f"{where}: {error} Is the unit of the duration right?") from None


def _values(sources: Sources, value: float | str) -> np.ndarray:
    return sources.frame[value].to_numpy() if isinstance(value, str) else np.full(len(sources.frame), value)


def _check_value(where: str, name: str, key: str, told: float | str, value: float) -> None:
    if np.isnan(value):
        raise CatalogueError(
            f"{where}: column '{told}' is empty, but `time.{key}` of '{name}' stands there. Give it, or leave the "
            "source out of the list."
        )
    try:
        if key.endswith("_mjd"):
            checked_mjd(f"`time.{key}` of '{name}' ({_told(told)})", value)
        elif not 0 < value < np.inf:
            raise PhysicsError(f"`time.{key}` of '{name}' ({_told(told)}) = {value:g} must be above 0.")
        elif key.endswith("_days") and not SHORTEST_DAYS <= value <= LONGEST_DAYS:
            raise PhysicsError(
                f"`time.{key}` of '{name}' ({_told(told)}) = {value:g} d is no time from {SHORTEST_DAYS:g} to "
                f"{LONGEST_DAYS:g} d. Is the unit right?"
            )
        elif key == "power" and value > _STEEPEST:
            raise PhysicsError(f"`time.power` of '{name}' ({_told(told)}) = {value:g} must be at most {_STEEPEST:g}.")
    except PhysicsError as error:
        raise CatalogueError(f"{where}: {error}") from None


def _told(value: float | str) -> str:
    return f"column '{value}'" if isinstance(value, str) else "in the configuration"
