"""Flux and events of many supernovae over grids of mass, energy and time, as tables.

The grid is cut into tasks of a fixed size, whatever the number of processes: these change the time it takes and
nothing else.
"""

import itertools
import math
import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, interval, not_negative, positive, real
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.models import Boosted, Model
from nusky.bdm.supernovae import Host, Supernova, host
from nusky.errors import PhysicsError

_FLUX_POINTS = 2000
_EVENT_MASSES = 8


@dataclass(frozen=True)
class _Task:
    """One call for one supernova; must survive pickling."""

    model: Model
    place: tuple[float, float, float]
    conventions: Conventions
    halo: dict[str, Any]
    arguments: tuple[Any, ...]
    rtol: float

    def boosted(self) -> Boosted:
        return self.model.at(*self.place, conventions=self.conventions, **self.halo)


def scan_flux(
    model: Model,
    supernovae: Sequence[Supernova],
    mx: ArrayLike,
    Tx: ArrayLike,
    t: ArrayLike,
    *,
    hosts: Sequence[Host] | None = None,
    conventions: Conventions = STANDARD,
    rtol: float = 1e-7,
    processes: int = 1,
) -> pa.Table:
    """Flux from the whole sky for every supernova, mass, energy and time.

    Parameters
    ----------
    model : see `nusky.bdm.models`
    supernovae : see `nusky.bdm.supernovae`
    mx, Tx : (n,) MeV
    t : (n,) s after the arrival of the neutrinos
    hosts : the galaxy of every supernova; by default what its `host` names
    processes : how many to use; with more than one, model and spectra must be picklable

    Returns
    -------
    table of supernova, mx_mev, tx_mev, t_s, flux_per_mev_cm2_s, flux_error_per_mev_cm2_s; the last index runs fastest
    """
    mx, Tx = positive("mx", np.atleast_1d(mx), "MeV"), positive("Tx", np.atleast_1d(Tx), "MeV")
    t = not_negative("t", np.atleast_1d(t), "s")
    points = np.stack([axis.reshape(-1) for axis in np.meshgrid(mx, Tx, t, indexing="ij")])
    chunks = [points[:, i : i + _FLUX_POINTS] for i in range(0, points.shape[1], _FLUX_POINTS)]
    tasks = [
        _Task(model, place, conventions, halo, (chunk,), rtol)
        for (place, halo), chunk in itertools.product(_places(supernovae, hosts), chunks)
    ]
    value, error = _collect(_flux, tasks, processes)
    every = np.tile(points, len(supernovae))
    return pa.table(
        {
            "supernova": np.repeat([s.name for s in supernovae], points.shape[1]),
            **dict(zip(("mx_mev", "tx_mev", "t_s"), every, strict=True)),
            "flux_per_mev_cm2_s": value,
            "flux_error_per_mev_cm2_s": error,
        }
    )


def scan_events(
    model: Model,
    supernovae: Sequence[Supernova],
    mx: ArrayLike,
    Tx_range: tuple[float, float],
    t_ranges: Sequence[tuple[float, float]],
    *,
    hosts: Sequence[Host] | None = None,
    conventions: Conventions = STANDARD,
    rtol: float = 1e-5,
    processes: int = 1,
) -> pa.Table:
    """Events per target for every supernova, range of times and mass; other arguments as `scan_flux`.

    Parameters
    ----------
    Tx_range : kinetic energies, MeV
    t_ranges : (start, stop) pairs, s after the arrival of the neutrinos

    Returns
    -------
    table of supernova, t_start_s, t_stop_s, mx_mev, events_per_target, events_error_per_target; mass runs fastest
    """
    mx = positive("mx", np.atleast_1d(mx), "MeV").reshape(-1)
    t_ranges = [interval("t_ranges", pair, "s") for pair in t_ranges]
    chunks = [mx[i : i + _EVENT_MASSES] for i in range(0, mx.size, _EVENT_MASSES)]
    tasks = [
        _Task(model, place, conventions, halo, (chunk, Tx_range, times), rtol)
        for (place, halo), times, chunk in itertools.product(_places(supernovae, hosts), t_ranges, chunks)
    ]
    value, error = _collect(_events, tasks, processes)
    start, stop = np.repeat(real("t_ranges", t_ranges, "s").reshape(-1, 2), mx.size, axis=0).T
    return pa.table(
        {
            "supernova": np.repeat([s.name for s in supernovae], start.size),
            "t_start_s": np.tile(start, len(supernovae)),
            "t_stop_s": np.tile(stop, len(supernovae)),
            "mx_mev": np.tile(mx, len(supernovae) * len(t_ranges)),
            "events_per_target": value,
            "events_error_per_target": error,
        }
    )


def _places(
    supernovae: Sequence[Supernova], hosts: Sequence[Host] | None
) -> list[tuple[tuple[float, float, float], dict[str, Any]]]:
    galaxies = [host(s.host) for s in supernovae] if hosts is None else list(hosts)
    if len(galaxies) != len(supernovae):
        raise PhysicsError(f"{len(galaxies)} hosts for {len(supernovae)} supernovae; give one each.")
    return [((s.distance_kpc, g.distance_kpc, s.beta(g)), g.halo) for s, g in zip(supernovae, galaxies, strict=True)]


def _flux(task: _Task) -> tuple[Array, Array]:
    mx, Tx, t = task.arguments[0]
    value, error = task.boosted().flux(t, Tx, mx, rtol=task.rtol, full_output=True)
    return np.atleast_1d(value), np.atleast_1d(error)


def _events(task: _Task) -> tuple[Array, Array]:
    value, error = task.boosted().event(*task.arguments, rtol=task.rtol, full_output=True)
    return np.atleast_1d(value), np.atleast_1d(error)


def _collect(
    function: Callable[[_Task], tuple[Array, Array]], tasks: Sequence[_Task], processes: int
) -> tuple[Array, Array]:
    """Values and errors of all tasks in order."""
    if not (isinstance(processes, int | np.integer) and processes >= 1):
        raise PhysicsError(f"processes = {processes!r} must be a whole number of at least 1.")
    results: Iterable[tuple[Array, Array]]
    if processes == 1 or len(tasks) < 2:
        results = map(function, tasks)
    else:
        # Fresh interpreters: forking one whose threads run is not safe.
        context = multiprocessing.get_context("spawn")
        workers = min(processes, len(tasks))
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            results = list(pool.map(function, tasks, chunksize=math.ceil(len(tasks) / (4 * workers))))
    values, errors = zip(*results, strict=True)
    return np.concatenate(values), np.concatenate(errors)


def _one_thread() -> None:
    import numba

    numba.set_num_threads(1)
