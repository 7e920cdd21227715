"""Flux and events of many supernovae over grids of mass, energy and time, as tables.

The grid is cut into tasks of a fixed size, whatever the number of processes: these change the time it takes and
nothing else.
"""

import contextlib
import itertools
import math
import multiprocessing
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, interval, not_negative, positive, real
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.models import Model
from nusky.bdm.supernovae import Host, Place, Supernova, place
from nusky.errors import PhysicsError

_FLUX_POINTS = 2000
_EVENT_MASSES = 8


@dataclass(frozen=True)
class _Task:
    """One call for one supernova; must survive pickling."""

    model: Model
    place: Place
    conventions: Conventions
    method: Literal["flux", "event"]
    """Of `nusky.bdm.models.Boosted`."""
    arguments: tuple[Any, ...]
    rtol: float

    def __call__(self) -> tuple[Array, Array]:
        """Values and errors."""
        method = getattr(self.place.under(self.model, self.conventions), self.method)
        value, error = method(*self.arguments, rtol=self.rtol, full_output=True)
        return np.atleast_1d(value), np.atleast_1d(error)


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
        _Task(model, where, conventions, "flux", tuple(reversed(chunk)), rtol)  # t, Tx, mx
        for where, chunk in itertools.product(_places(supernovae, hosts), chunks)
    ]
    value, error = _collect(tasks, processes)
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
    if not t_ranges:
        raise PhysicsError("t_ranges is empty; give at least one pair (start, stop).")
    chunks = [mx[i : i + _EVENT_MASSES] for i in range(0, mx.size, _EVENT_MASSES)]
    tasks = [
        _Task(model, where, conventions, "event", (chunk, Tx_range, times), rtol)
        for where, times, chunk in itertools.product(_places(supernovae, hosts), t_ranges, chunks)
    ]
    value, error = _collect(tasks, processes)
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


def _places(supernovae: Sequence[Supernova], hosts: Sequence[Host] | None) -> list[Place]:
    galaxies = [None] * len(supernovae) if hosts is None else list(hosts)
    if len(supernovae) == 0:
        raise PhysicsError("supernovae is empty; give at least one.")
    if len(galaxies) != len(supernovae):
        raise PhysicsError(f"{len(galaxies)} hosts for {len(supernovae)} supernovae; give one each.")
    return [place(supernova, galaxy) for supernova, galaxy in zip(supernovae, galaxies, strict=True)]


def _collect(tasks: Sequence[_Task], processes: int) -> tuple[Array, Array]:
    """Values and errors of all tasks in order."""
    if not (isinstance(processes, int | np.integer) and processes >= 1):
        raise PhysicsError(f"processes = {processes!r} must be a whole number of at least 1.")
    workers = min(processes, len(tasks))
    results = [task() for task in tasks] if workers == 1 else _in_processes(tasks, workers)
    values, errors = zip(*results, strict=True)
    return np.concatenate(values), np.concatenate(errors)


def _in_processes(tasks: Sequence[_Task], workers: int) -> list[tuple[Array, Array]]:
    """The results of all tasks, in order, by fresh interpreters: forking one whose threads run is not safe.

    These would run the caller's script again, to find what is defined there. Tasks that need nothing of it are sent to
    interpreters that do not know it, so that it may call a scan outside of `if __name__ == "__main__"`.
    """
    try:
        sent = bytes(ForkingPickler.dumps(list(tasks)))
    except Exception as error:  # it raises several kinds for what it cannot write
        raise PhysicsError(
            f"the model cannot be sent to other processes ({error}); define its functions at the top of a module, or "
            "use processes=1."
        ) from error
    main = sys.modules["__main__"]
    needed = b"__main__" in sent
    if needed and getattr(multiprocessing.current_process(), "_inheriting", False):
        raise PhysicsError(_GUARD)  # in the script, run again
    context = multiprocessing.get_context("spawn")
    hidden = contextlib.nullcontext() if needed else _without(main, "__file__", "__spec__")
    try:
        with hidden, ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
            return list(pool.map(_Task.__call__, tasks, chunksize=math.ceil(len(tasks) / (4 * workers))))
    except BrokenProcessPool as error:
        raise PhysicsError(_GUARD if needed else f"a process ended before it was done ({error}).") from error


_GUARD = (
    "processes > 1 with a model that is defined in the script itself: put what the script does under "
    'if __name__ == "__main__":, or the model into a module that it imports, or use processes=1.'
)


@contextlib.contextmanager
def _without(module: Any, *names: str) -> Iterator[None]:
    """Attributes of a module set to None for a while."""
    before = {name: vars(module)[name] for name in names if name in vars(module)}
    try:
        vars(module).update(dict.fromkeys(before))
        yield
    finally:
        vars(module).update(before)


def _one_thread() -> None:
    import numba

    numba.set_num_threads(1)
