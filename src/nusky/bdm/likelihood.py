"""What observed or expected events say of the mass: likelihood of a list of events, and power of the light curve.

Strengths are those of `nusky.bdm.exclusion`: factors on the events of the model as it is.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, not_negative, positive
from nusky.bdm.constants import constant
from nusky.bdm.counting import checked_level
from nusky.bdm.detectors import Detector
from nusky.bdm.exclusion import finite_span
from nusky.bdm.rates import MAX_TX, Counted, binned_events, event_rate, expected_events
from nusky.errors import PhysicsError


@dataclass(frozen=True)
class EventLikelihood:
    """Extended unbinned likelihood of a list of events in time and energy,

    ln L(m, f) = -f S(m) - B + sum_i ln[f s(m; t_i, E_i) + b(E_i)].

    Attributes
    ----------
    mx : (n_masses,) MeV
    signal : (n_masses,) S, expected events at strength 1
    signal_density : (n_masses, n_events) s, s^-1 MeV^-1
    background : B, expected events
    background_density : (n_events,) b, s^-1 MeV^-1
    """

    mx: Array
    signal: Array
    signal_density: Array
    background: float
    background_density: Array

    def __call__(self, strength: ArrayLike) -> Array:
        """ln L, (n_masses, n_strengths), for strengths (n_strengths,) of at least 0; -inf where an event is impossible.

        Densities are per second and MeV, so that only differences mean something.
        """
        f = np.atleast_1d(not_negative("strength", strength, ""))
        rate = f[:, None] * self.signal_density[:, None, :] + self.background_density
        with np.errstate(divide="ignore"):
            return np.log(rate).sum(axis=2) - f * self.signal[:, None] - self.background

    def best_strength(self) -> Array:
        """(n_masses,) strength of the largest likelihood at every mass; 0 where no signal is preferred."""
        return np.array([self._best(i) for i in range(self.mx.size)])

    def profile(self) -> Array:
        """(n_masses,) largest ln L at every mass."""
        return np.array([self(f)[i, 0] for i, f in enumerate(self.best_strength().tolist())])

    def upper_limit(self, confidence_level: float = 0.9) -> Array:
        """(n_masses,) strength above the best one at which 2 ln L has fallen by the one-sided threshold.

        Asymptotic (Wilks): chi^2 of one degree of freedom at 2 CL - 1. inf where the model predicts nothing.
        """

        fall = scipy.special.chdtri(1, 2 - 2 * max(checked_level(confidence_level), 0.5))
        out = np.full(self.mx.size, math.inf)
        for i, best in enumerate(self.best_strength().tolist()):
            if self.signal[i] <= 0:
                continue
            top = self(best)[i, 0]

            def missing(f: float, i: int = i, top: float = top) -> float:
                return 2 * (top - self(f)[i, 0]) - fall

            high = best + 1 / self.signal[i]
            while missing(high) < 0:
                high = best + 2 * (high - best)
            out[i] = scipy.optimize.brentq(missing, best, high, rtol=1e-10, xtol=1e-300)
        return out

    def _best(self, i: int) -> float:
        """ln L is concave in the strength: where its slope is 0."""

        s, b = self.signal_density[i], self.background_density
        seen = s > 0
        s, b = s[seen], b[seen]

        def slope(f: float) -> float:
            return float((s / (f * s + b)).sum()) - self.signal[i]

        if s.size == 0 or ((b > 0).all() and slope(0.0) <= 0):
            return 0.0
        # Each term of the sum is at most 1/f.
        high = s.size / self.signal[i]
        if not slope(1e-12 * high) > 0:
            return 0.0
        return scipy.optimize.brentq(slope, 1e-12 * high, high * (1 + 1e-12), xtol=1e-300, rtol=1e-12)


def event_likelihood(
    boosted: Counted,
    detector: Detector,
    mx: ArrayLike,
    t_range: tuple[float, float],
    t: ArrayLike,
    recoil: ArrayLike,
    *,
    target: str = "electron",
    max_tx: float = MAX_TX,
    rtol: float = 1e-4,
) -> EventLikelihood:
    """Likelihood of events seen at times t (s after the neutrinos) with reconstructed energies `recoil` (MeV).

    Parameters
    ----------
    mx : (n_masses,) MeV
    t_range : (start, stop), s, in which the detector looked
    t, recoil : (n_events,) each; every event must lie in `t_range` and in the detector's window

    Raises
    ------
    ConfigurationError
        When the detector's background is not known.
    """
    start, stop = finite_span(t_range)
    t, recoil = not_negative("t", t, "s").reshape(-1), positive("recoil", recoil, "MeV").reshape(-1)
    if t.size != recoil.size:
        raise PhysicsError(f"{t.size} times and {recoil.size} energies; give one of each for every event.")
    low, high = detector.window_mev
    outside = (t < start) | (t > stop) | (recoil < low) | (recoil > high)
    if outside.any():
        i = int(np.flatnonzero(outside)[0])
        raise PhysicsError(
            f"event {i + 1} at {t[i]:g} s with {recoil[i]:g} MeV lies outside {start:g} to {stop:g} s or the window of "
            f"{low:g} to {high:g} MeV."
        )
    mx = positive("mx", mx, "MeV").reshape(-1)
    live_year = detector.live_fraction / constant.year2Seconds
    density = detector.background_density(recoil) * live_year
    total = float(detector.background_events(np.array([low, high]))[0]) * live_year * (stop - start)
    options: dict[str, Any] = {"target": target, "max_tx": max_tx, "rtol": rtol}
    return EventLikelihood(
        mx=mx,
        signal=np.atleast_1d(expected_events(boosted, detector, mx, (start, stop), **options)),
        signal_density=event_rate(boosted, detector, t, recoil, mx, **options),
        background=total,
        background_density=density,
    )


@dataclass(frozen=True)
class MassSeparation:
    """How well a detector would tell masses apart, were one of them true.

    Attributes
    ----------
    mx : (n_masses,) MeV, the masses compared with the true one
    test_statistic : (n_masses,) 2 ln of the likelihood ratio of the true mass and this one for the expected events
    strength : (n_masses,) the strength with which this mass comes closest to the truth
    n_signal : signal events of the truth
    """

    mx: Array
    test_statistic: Array
    strength: Array
    n_signal: float

    @property
    def significance(self) -> Array:
        """(n_masses,) median number of standard deviations by which a wrong mass would be refused."""
        return np.sqrt(self.test_statistic)

    def interval(self, confidence_level: float = 0.9) -> tuple[float, float]:
        """Lowest and highest of the masses (MeV) that would be accepted, Wilks with one degree of freedom."""
        kept = self.mx[self.test_statistic <= scipy.special.chdtri(1, 1 - checked_level(confidence_level))]
        return (float(kept.min()), float(kept.max())) if kept.size else (math.nan, math.nan)


def mass_separation(
    boosted: Counted,
    detector: Detector,
    true_mx: float,
    true_strength: float,
    mx: ArrayLike,
    t_edges: ArrayLike,
    recoil_edges: ArrayLike | None = None,
    **options: Any,
) -> MassSeparation:
    """Power of the light curve, and of recoil energies where there is more than one bin of them, to tell the mass.

    The expected ("Asimov") counts nu of the true mass (MeV) and strength in bins of time and energy are compared with
    those of every other mass, nu' = f s + b, with the strength f that fits best:
    TS = 2 sum [nu' - nu + nu ln(nu/nu')] (Cowan et al., EPJC 71 (2011) 1554). A background that is not known counts as
    none. Edges in s and MeV and `options` as `binned_events`.
    """
    true_mx = positive("true_mx", true_mx, "MeV").item()
    true_strength = positive("true_strength", true_strength, "").item()
    mx = positive("mx", mx, "MeV").reshape(-1)
    counts = binned_events(boosted, detector, [true_mx, *mx.tolist()], t_edges, recoil_edges, **options)
    counts = counts.reshape(counts.shape[0], -1)
    background = _binned_background(detector, t_edges, recoil_edges)
    truth = true_strength * counts[0] + background
    fits = [_closest(shape, background, truth) for shape in counts[1:]]
    statistic, strength = (np.array(column) for column in zip(*fits, strict=True))
    return MassSeparation(mx, statistic, strength, float(true_strength * counts[0].sum()))


def _binned_background(detector: Detector, t_edges: ArrayLike, recoil_edges: ArrayLike | None) -> Array:
    edges = np.array(detector.window_mev) if recoil_edges is None else np.asarray(positive("e", recoil_edges, "MeV"))
    years = np.diff(not_negative("t_edges", t_edges, "s")) / constant.year2Seconds * detector.live_fraction
    if detector.background is None:
        return np.zeros(years.size * (edges.size - 1))
    return np.outer(years, detector.background_events(edges)).reshape(-1)


def _closest(shape: Array, background: Array, truth: Array) -> tuple[float, float]:
    """Smallest TS over the strength, and that strength."""

    total = shape.sum()

    def statistic(f: float) -> float:
        fit = f * shape + background
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(truth > 0, truth * np.log(truth / fit), 0.0)
        return float(2 * (fit - truth + terms).sum())

    def slope(f: float) -> float:
        fit = f * shape + background
        ok = shape > 0
        return float(total - (truth[ok] * shape[ok] / fit[ok]).sum())

    if total <= 0:
        return max(statistic(0.0), 0.0), 0.0
    # At high the model predicts all of the truth.
    high = truth.sum() / total
    low = 1e-12 * high
    if slope(low) < 0 < slope(high):
        best = scipy.optimize.brentq(slope, low, high, xtol=1e-300, rtol=1e-12)
    else:
        best = low if slope(low) >= 0 else high
    return max(statistic(best), 0.0), best
