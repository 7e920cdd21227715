"""Recoils that a detector counts: in its window, in bins of time and energy, and their rate at a moment.

A detector changes only what the cross section with the target means: sigma(T) becomes the integral over the recoil
energy of d(sigma)/dT_recoil times the probability to be kept and reconstructed in the window. The rest is `event`.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, interval, not_negative, positive, real, tolerance
from nusky.bdm.constants import BURST_SECONDS
from nusky.bdm.cross_sections import largest_recoil, smallest_energy
from nusky.bdm.detectors import Detector
from nusky.bdm.events import counted
from nusky.bdm.flux import reported, warn_of_error
from nusky.bdm.problem import with_noise
from nusky.bdm.quadrature import Integrals, Interpolant, integrate
from nusky.bdm.targets import IsotropicTarget, Problem, Target
from nusky.errors import PhysicsError

MAX_TX = 300.0
"""Default for the largest kinetic energy of dark matter, MeV: the neutrinos of a supernova end well below it."""
_INSTANT = 1e-4  # width, relative to the time, over which a rate is averaged


class Counted(Protocol):
    """Dark matter under a supernova that can be counted: what the models of `nusky.bdm.models` give."""

    def problem(self, mt: float, form_factor: Callable[[Array], Array] | None = None) -> Problem:
        """For targets of mass mt (MeV) and form factor F(q), q in MeV."""
        ...


def expected_events(
    boosted: Counted,
    detector: Detector,
    mx: ArrayLike,
    t_range: tuple[ArrayLike, ArrayLike],
    *,
    target: str = "electron",
    window: tuple[float, float] | None = None,
    max_tx: float = MAX_TX,
    rtol: float = 1e-5,
    full_output: bool = False,
) -> Any:
    """Expected number of dark matter recoils in the window of a detector.

    Parameters
    ----------
    boosted : a model under a supernova, `model.at(Rs, Rg, beta)`
        With a constant cross section the number is that for sigxv0 and a target of 1 cm^2.
    detector : see `nusky.bdm.detectors`
    mx : masses of dark matter, MeV; any shape, which is that of the result
    t_range : (start, stop), s after the arrival of the neutrinos, each a number or one for every mass; the live part
        of it is `detector.live_fraction`
    target : the detector's targets that are hit
    window : reconstructed recoil energies, MeV; by default the detector's
    max_tx : largest kinetic energy of dark matter counted, MeV
    full_output : whether to return (value, error estimate)
    """
    mx = positive("mx", mx, "MeV")
    window = detector.window_mev if window is None else _window(window)
    seen = _Seen(boosted, detector, target, window)
    start, stop = (np.broadcast_to(not_negative("t_range", end, "s"), mx.shape) for end in t_range)
    if not (start < stop).all():
        i = int(np.flatnonzero(np.ravel(~(start < stop)))[0])
        raise PhysicsError(f"t_range = ({start.flat[i]:g}, {stop.flat[i]:g}) s must ascend.")
    times = np.stack([start.reshape(-1), stop.reshape(-1)], axis=-1)[:, None]
    result = _over_masses(seen, mx.reshape(-1), times, max_tx, rtol)
    result = Integrals(result.value[:, 0], result.error[:, 0])
    return reported(mx.shape, result, full_output, rtol, "expected_events")


def binned_events(
    boosted: Counted,
    detector: Detector,
    mx: ArrayLike,
    t_edges: ArrayLike,
    recoil_edges: ArrayLike | None = None,
    *,
    target: str = "electron",
    max_tx: float = MAX_TX,
    rtol: float = 1e-4,
) -> Array:
    """Expected recoils in bins of time and of reconstructed recoil energy, (n_masses, n_times, n_energies).

    `t_edges` in s after the arrival of the neutrinos and `recoil_edges` in MeV ascend; by default there is one bin of
    energy, the window. Other arguments as `expected_events`.
    """
    masses = positive("mx", mx, "MeV").reshape(-1)
    t_edges, edges = _edges("t_edges", t_edges, "s"), _recoil_edges(detector, recoil_edges)
    times = np.broadcast_to(np.stack([t_edges[:-1], t_edges[1:]], axis=-1), (masses.size, t_edges.size - 1, 2))
    out = np.empty((masses.size, t_edges.size - 1, edges.size - 1))
    for k, window in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        result = _over_masses(_Seen(boosted, detector, target, window), masses, times, max_tx, rtol)
        warn_of_error(result, rtol, "binned_events")
        out[:, :, k] = result.value
    return out


def event_rate(
    boosted: Counted,
    detector: Detector,
    t: ArrayLike,
    recoil: ArrayLike,
    mx: ArrayLike,
    *,
    target: str = "electron",
    max_tx: float = MAX_TX,
    rtol: float = 1e-4,
) -> Array:
    """Expected recoils per time and reconstructed energy, s^-1 MeV^-1, of shape (n_masses, n_points).

    `t` in s after the arrival of the neutrinos and `recoil` in MeV, the points, broadcast to one vector. The rate is
    averaged over the 10 s of the burst before t, or over 1e-4 of t where that is longer: no time is known better.
    Other arguments as `expected_events`.
    """
    masses = positive("mx", mx, "MeV").reshape(-1)
    t, recoil = np.broadcast_arrays(not_negative("t", t, "s"), positive("recoil", recoil, "MeV"))
    out = np.zeros((masses.size, t.size))
    for k, (when, energy) in enumerate(zip(t.reshape(-1).tolist(), recoil.reshape(-1).tolist(), strict=True)):
        span = max(BURST_SECONDS, _INSTANT * when)
        seen = _Seen(boosted, detector, target, energy)
        times = np.broadcast_to([max(when - span, 0.0), when], (masses.size, 1, 2))
        result = _over_masses(seen, masses, times, max_tx, rtol)
        warn_of_error(result, rtol, "event_rate")
        out[:, k] = result.value[:, 0] / span
    return out


def _over_masses(seen: "_Seen", masses: Array, times: Array, max_tx: float, rtol: float) -> Integrals:
    """Events and their errors, (n_masses, n_times), for times (n_masses, n_times, 2) in s."""
    rtol, max_tx = tolerance(rtol), positive("max_tx", max_tx, "MeV").item()
    value, error = np.zeros(times.shape[:2]), np.zeros(times.shape[:2])
    for i, mass in enumerate(masses.tolist()):
        sigma = seen.cross_section(mass, max_tx, 0.01 * rtol)
        for j, (start, stop) in enumerate(times[i].tolist()):
            result = with_noise(counted(mass, seen.problem, (start, stop), sigma, rtol), seen.problem.emission)
            # Where only the tail of the resolution reaches the window, interpolation may undershoot 0.
            value[i, j], error[i, j] = max(result.value[0], 0.0), result.error[0]
    return Integrals(seen.exposure * value, seen.exposure * error)


@dataclass(frozen=True)
class _Pieces:
    """Interpolants on adjacent ranges, between which the function has a corner; `counted` takes it for one of them."""

    parts: list[Interpolant]
    starts: Array

    def smooth_ranges(self) -> list[tuple[float, float]]:
        """As of an `Interpolant`, cut at the corners too."""
        return [smooth for part in self.parts for smooth in part.smooth_ranges()]

    def lost(self) -> float:
        """As of an `Interpolant`; the share of the whole is at most the largest of the parts."""
        return max(part.lost() for part in self.parts)

    def narrow_places(self, most: int) -> Array:
        """As of an `Interpolant`, at most so many in each of `smooth_ranges`."""
        return np.concatenate([part.narrow_places(most) for part in self.parts])

    def relative_error(self, Tx: Array) -> Array:
        """As of an `Interpolant`."""
        return self._by_part(Tx, Interpolant.relative_error)

    def __call__(self, Tx: Array) -> Array:
        return self._by_part(Tx, Interpolant.__call__)

    def _by_part(self, Tx: Array, evaluate: Callable[[Interpolant, Array], Array]) -> Array:
        Tx = np.asarray(Tx)
        if len(self.parts) == 1:
            return evaluate(self.parts[0], Tx)
        which = np.clip(np.searchsorted(self.starts, Tx, side="right") - 1, 0, None)
        out = np.empty(np.shape(Tx))
        for k, part in enumerate(self.parts):
            out[which == k] = evaluate(part, Tx[which == k])
        return out


def _pieces(function: Callable[[Array], Array | Integrals], ends: Array, rtol: float) -> _Pieces:
    parts = [Interpolant(function, a, b, rtol) for a, b in itertools.pairwise(ends)]
    return _Pieces(parts, np.asarray(ends[:-1]))


class _Seen:
    """Targets as a detector sees them, in a window of reconstructed energy or at one."""

    def __init__(self, boosted: Counted, detector: Detector, target: str, window: tuple[float, float] | float) -> None:
        mt = detector.target_mass(target)
        if not hasattr(boosted, "problem"):
            raise PhysicsError(f"{boosted!r} cannot be counted: it has no method `problem`; see nusky.bdm.models.")
        self.problem = boosted.problem(mt, detector.form_factor(target))
        self._target = self.problem.target
        self.exposure = detector.number(target) * detector.live_fraction
        self._detector, self._window = detector, window
        at_one = not isinstance(window, tuple)
        self._exact = at_one and detector.sharp
        around = (window, window) if at_one else window
        self._pieces = np.array([window]) if self._exact else detector.pieces(around)
        # Where the cross section against T has a corner or worse.
        self._corners = self._pieces[:1] if at_one or not detector.sharp else self._pieces
        self._mean: _Pieces | None = None
        self._mean_high = 0.0

    def cross_section(self, mx: float, high: float, rtol: float) -> _Pieces | None:
        """sigma(T) in cm^2 of what is counted, up to T = high in MeV; None if nothing is."""
        mt = self._target.mt
        ends = [smallest_energy(float(corner), mx, mt) * (1 + 1e-14) for corner in self._corners]
        ends = [end for end in ends if end < high]
        if not ends:
            return None
        ends = np.unique([*ends, high])

        def sigma(Tx: Array) -> Integrals:
            return self._sigma(np.asarray(Tx), mx)

        return _pieces(sigma, ends, rtol)

    def _sigma(self, Tx: Array, mx: float) -> Integrals:
        flat = Tx.reshape(-1)
        masses = np.full(flat.size, mx)
        if self._exact:
            spectrum, kept = self._target.recoil(flat, masses, self._window), self._detector.kept(self._window)
            seen = Integrals(spectrum.value * kept, spectrum.error * kept)
        elif isinstance(self._target, IsotropicTarget):
            top = np.asarray(largest_recoil(flat, mx, self._target.mt)).reshape(-1)
            seen = Integrals(self._target.point(flat, masses) * self._share(top), np.zeros(flat.size))
        else:
            top = np.asarray(largest_recoil(flat, mx, self._target.mt)).reshape(-1)
            seen = self._integral(top, lambda which, recoil: _spectrum(self._target, flat[which], mx, recoil))
        return Integrals(seen.value.reshape(Tx.shape), seen.error.reshape(Tx.shape))

    def _share(self, top: Array) -> Array:
        """Part of the recoils that is counted where they are uniform up to `top`, MeV: one table for all masses."""
        low, high = self._pieces[0], max(self._pieces[-1], 1e3 * self._pieces[0])
        if self._mean is None or top.max() > self._mean_high:
            high = max(high, 2 * top.max())
            edges = [*self._pieces[self._pieces < high], high]

            def mean(x: Array) -> Array:
                flat = x.reshape(-1)
                integral = self._integral(flat, lambda which, recoil: Integrals(self._target.suppression(recoil), 0.0))
                return (integral.value / flat).reshape(x.shape)

            self._mean, self._mean_high = _pieces(mean, np.array(edges), 1e-10), high
        return np.where(top > low, self._mean(np.clip(top, low, None)), 0.0)

    def _integral(self, top: Array, spectrum: Callable[[np.ndarray, Array], Integrals]) -> Integrals:
        """Of spectrum(which, recoil) times the probability to be counted, over the recoils up to `top` (n,), MeV."""
        starts, stops = self._pieces[:-1], self._pieces[1:]
        owner, piece = np.nonzero(top[:, None] > starts)
        low, high = starts[piece], np.minimum(top[owner], stops[piece])

        def integrand(segment: np.ndarray, x: Array) -> tuple[Array, Array]:
            a, span = low[segment][:, None], np.log(high[segment] / low[segment])[:, None]
            recoil = a * np.exp(span * x)
            which = owner[segment][:, None]
            seen, weight = spectrum(which, np.minimum(recoil, top[which])), self._probability(recoil) * recoil * span
            return seen.value * weight, seen.error * weight

        if owner.size == 0:
            return Integrals(np.zeros(top.size), np.zeros(top.size))
        return integrate(integrand, owner, top.size, 1e-10, max_panels=64)

    def _probability(self, recoil: Array) -> Array:
        if isinstance(self._window, tuple):
            return self._detector.acceptance(recoil, self._window)
        return self._detector.density(recoil, self._window)


def _spectrum(target: Target, Tx: Array, mx: float, recoil: Array) -> Integrals:
    return target.recoil(*np.broadcast_arrays(Tx, mx, recoil))


def _window(window: tuple[float, float]) -> tuple[float, float]:
    low, high = interval("window", window, "MeV")
    if low == 0 or high == math.inf:
        raise PhysicsError(f"window = ({low:g}, {high:g}) MeV must begin above 0 and be finite.")
    return low, high


def _edges(name: str, edges: ArrayLike, unit: str) -> Array:
    edges = real(name, edges, unit)
    if edges.ndim != 1 or edges.size < 2 or (np.diff(edges) <= 0).any() or edges[0] < 0:
        raise PhysicsError(f"{name} must be at least two edges in {unit} that ascend from 0 or more.")
    return edges


def _recoil_edges(detector: Detector, edges: ArrayLike | None) -> Array:
    """Edges of reconstructed energy within the detector's window."""
    if edges is None:
        return np.array(detector.window_mev)
    edges, (low, high) = _edges("recoil_edges", edges, "MeV"), detector.window_mev
    if edges[0] < low * (1 - 1e-9) or edges[-1] > high * (1 + 1e-9):
        raise PhysicsError(f"recoil_edges must lie in the window of {detector.title}, {low:g} to {high:g} MeV.")
    return edges
