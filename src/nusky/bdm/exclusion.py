"""Limits of a detector on dark matter boosted by one supernova, from the number of events in its window.

A model predicts S events; a `strength` of f stands for f S. With a constant cross section the strength is
sigma_xv sigma_xe in units of that of the model, sigxv0 times 1 cm^2; with couplings it is their power that enters the
rate, g^4 for one g at both vertices, (g_1 g_2)^2 for two. The limit on the strength is that on the number of events
over S: from what was observed, and, for a known background, the band expected without dark matter.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, flag, handed_back, interval, not_negative, positive
from nusky.bdm.constants import BURST_SECONDS, constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.counting import BAND, checked_level, expected_counts, feldman_cousins_upper_limit, poisson_upper_limit
from nusky.bdm.cross_sections import smallest_energy
from nusky.bdm.detectors import Detector
from nusky.bdm.halo import nx
from nusky.bdm.models import ConstantBoosted, Model
from nusky.bdm.params import params
from nusky.bdm.rates import MAX_TX, Counted, expected_events
from nusky.bdm.streams import stream
from nusky.bdm.supernovae import MILKY_WAY, Host, Place, Supernova
from nusky.bdm.times import get_tvan
from nusky.errors import PhysicsError

Method = Literal["poisson", "feldman-cousins"]
_BAND_NAMES = ("low95", "low68", "median", "high68", "high95")


@dataclass(frozen=True)
class EventLimit:
    """Upper limit on a number of signal events.

    Attributes
    ----------
    confidence_level, method : how it was made
    background : mean number of background events; NaN if not known
    observed : number of events seen; None if there is none
    limit : events, from what was observed; NaN without
    expected : (5,) events, quantiles `BAND` of the limit without dark matter; NaN where the background is not known
    """

    confidence_level: float
    method: Method
    background: float
    observed: int | None
    limit: float
    expected: Array

    @property
    def told(self) -> float:
        """The limit from what was observed, or else the expected median."""
        return float(self.expected[2]) if self.observed is None else self.limit


def event_limit(
    detector: Detector,
    live_years: float,
    *,
    observed: int | None = None,
    confidence_level: float = 0.9,
    method: Method | None = None,
) -> EventLimit:
    """Limit on the events in a detector's window after `live_years` of live time.

    Parameters
    ----------
    observed : events seen in that time; None gives the expected limits only
    method : 'feldman-cousins' needs a known background and is the default where there is one; 'poisson' subtracts
        none, and is valid whatever it is

    Raises
    ------
    PhysicsError
        When neither the background nor a number of observed events is known.
    """
    level, live_years = checked_level(confidence_level), not_negative("live_years", live_years, "yr").item()
    known = detector.background is not None
    background = detector.background.per_year * live_years if known else math.nan
    if not known and observed is None:
        raise PhysicsError(
            f"{detector.title}: neither its background nor the events it saw are known; give `background` in its file "
            "or the number of events observed."
        )
    method = method or ("feldman-cousins" if known else "poisson")
    if method not in ("poisson", "feldman-cousins"):
        raise PhysicsError(f"method = {method!r} must be 'poisson' or 'feldman-cousins'.")
    if method == "feldman-cousins" and not known:
        raise PhysicsError(f"{detector.title}: 'feldman-cousins' needs a known background; use 'poisson'.")

    def limit(counts: ArrayLike) -> Any:
        if method == "poisson":
            return poisson_upper_limit(counts, level)
        return feldman_cousins_upper_limit(counts, background, level)

    expected = np.asarray(limit(expected_counts(background))) if known else np.full(len(BAND), math.nan)
    return EventLimit(
        level, method, background, observed, math.nan if observed is None else float(limit(observed)), expected
    )


@dataclass(frozen=True)
class Exclusion:
    """Limits over the mass. All strengths are relative to the model; inf where the detector sees nothing of it.

    Attributes
    ----------
    detector, target : title and target
    t_start, t_stop : (n,) s after the arrival of the neutrinos, the time counted
    limits : n limits on the number of events, all at one confidence level
    mx : (n,) MeV
    events : (n,) events of the model as it is, strength 1
    reference_cm4 : sigma_xv sigma_xe of strength 1 in cm^4 if cross sections are constant, NaN otherwise
    approximate : what of the detector is rough or assumed, see `Detector.approximate`
    """

    detector: str
    target: str
    t_start: Array
    t_stop: Array
    limits: tuple[EventLimit, ...]
    mx: Array
    events: Array
    reference_cm4: float = math.nan
    approximate: tuple[str, ...] = ()
    _spread: Array | None = field(default=None, repr=False)

    @property
    def confidence_level(self) -> float:
        """Of all limits here."""
        return self.limits[0].confidence_level

    @property
    def limit_events(self) -> Array:
        """(n,) limit on the number of events that was observed, or else the expected median."""
        return np.array([limit.told for limit in self.limits])

    @property
    def strength(self) -> Array:
        """(n,) limit on the strength from what was observed; NaN without."""
        return self._per_events(np.array([limit.limit for limit in self.limits]))

    @property
    def expected_strength(self) -> Array:
        """(5, n) quantiles 2.5, 16, 50, 84 and 97.5 % of the limit on the strength expected without dark matter."""
        return np.stack([self._per_events(row) for row in np.stack([limit.expected for limit in self.limits], axis=1)])

    @property
    def told(self) -> Array:
        """(n,) the limit on the strength that was observed, or else the expected median."""
        return self._per_events(self.limit_events)

    @property
    def sqrt_sigma_cm2(self) -> Array:
        """(n,) `told` as sqrt(sigma_xv sigma_xe), cm^2, for constant cross sections; NaN otherwise."""
        return np.sqrt(self.told * self.reference_cm4)

    def coupling(self, reference: float, power: float) -> Array:
        """(n,) `told` as a coupling: `reference` is the model's, without a unit, and events go with its `power`."""
        return positive("reference", reference, "").item() * self.told ** (1 / positive("power", power, "").item())

    def with_spread(self, events: ArrayLike) -> "Exclusion":
        """The same with the spread of the limit by `events` (n_draws, n) at strength 1, from `drawn_events`."""
        drawn = not_negative("events", events, "")
        if drawn.ndim != 2 or drawn.shape[1] != self.mx.size:
            raise PhysicsError(f"events have the shape {drawn.shape}; give one row of {self.mx.size} masses per draw.")
        with np.errstate(divide="ignore"):
            limits = np.where(drawn > 0, self.limit_events / drawn, np.inf)
        return replace(self, _spread=np.quantile(limits, BAND, axis=0, method="inverted_cdf"))

    @property
    def spread(self) -> Array:
        """(5, n) quantiles 2.5, 16, 50, 84 and 97.5 % of `told` over distances and halos; NaN without draws."""
        return np.full((len(BAND), self.mx.size), math.nan) if self._spread is None else self._spread

    def table(self) -> pa.Table:
        """One row a mass: mx_mev, detector, confidence_level, method, limit_strength, expected_*, spread_*, ...

        With constant cross sections also limit_sqrt_sigma_cm2, that of the expected median where nothing was observed.
        """
        n = self.mx.size
        observed = [math.nan if limit.observed is None else float(limit.observed) for limit in self.limits]
        columns: dict[str, Any] = {
            "detector": [self.detector] * n,
            "approximate": [", ".join(self.approximate)] * n,
            "target": [self.target] * n,
            "mx_mev": self.mx,
            "t_start_s": self.t_start,
            "t_stop_s": self.t_stop,
            "confidence_level": np.full(n, self.confidence_level),
            "method": [limit.method for limit in self.limits],
            "n_background": [limit.background for limit in self.limits],
            "n_observed": observed,
            "n_limit": self.limit_events,
            "n_signal": self.events,
            "limit_strength": self.strength,
        }
        columns |= {f"expected_{k}_strength": v for k, v in zip(_BAND_NAMES, self.expected_strength, strict=True)}
        columns |= {f"spread_{k}_strength": v for k, v in zip(_BAND_NAMES, self.spread, strict=True)}
        return pa.table({**columns, "limit_sqrt_sigma_cm2": self.sqrt_sigma_cm2})

    def _per_events(self, limit: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.where(self.events > 0, limit / self.events, np.where(np.isnan(limit), math.nan, np.inf))


def exclude(
    boosted: Counted,
    detector: Detector,
    mx: ArrayLike,
    t_range: tuple[float, float],
    *,
    observed: int | None = None,
    event_times: ArrayLike | None = None,
    whole_time: bool | None = None,
    confidence_level: float = 0.9,
    method: Method | None = None,
    target: str = "electron",
    max_tx: float = MAX_TX,
    rtol: float = 1e-4,
) -> Exclusion:
    """Upper limits on the strength of a model for every mass.

    Events are counted from the start of `t_range` until the signal of the mass ends, or `t_range` does: until the last
    dark matter arrives that can cause a recoil at the lower end of the detector's window. Light dark matter has so
    less background. A number of `observed` events holds for the whole time, so all of that is counted then.

    Parameters
    ----------
    boosted : a model under a supernova, such as `place(supernova).under(model)`
    detector : see `nusky.bdm.detectors`
    mx : (n,) MeV
    t_range : (start, stop), s after the arrival of the neutrinos, a finite time; see `observed_span`
    observed : number of events seen in the window in all of `t_range`
    event_times : (n_events,) s after the arrival of the neutrinos, of all events seen in the window in `t_range`
    whole_time : count all of `t_range` for every mass; None: only if `observed` is given
    confidence_level, method : see `event_limit`
    target, max_tx, rtol : see `expected_events`
    """
    start, stop = finite_span(t_range)
    if observed is not None and event_times is not None:
        raise PhysicsError("give `observed` or `event_times`, not both.")
    whole = observed is not None if whole_time is None else flag("whole_time", whole_time)
    if observed is not None and not whole:
        raise PhysicsError("a number of `observed` events holds for the whole time; give `event_times` instead.")
    seen = None if event_times is None else not_negative("event_times", event_times, "s").reshape(-1)
    if seen is not None and ((seen < start) | (seen > stop)).any():
        bad = seen[(seen < start) | (seen > stop)][0]
        raise PhysicsError(f"event_times: {bad:g} s lies outside the time counted, {start:g} to {stop:g} s.")
    mx = positive("mx", mx, "MeV").reshape(-1)
    ends = np.full(mx.size, stop) if whole else np.minimum(stop, signal_end(boosted, detector, mx, target=target))
    ends = np.where(ends > start, ends, stop)  # nothing arrives: whatever is counted, the limit is infinite
    limits = {
        end: event_limit(
            detector,
            (end - start) / constant.year2Seconds * detector.live_fraction,
            observed=observed if seen is None else int((seen <= end).sum()),
            confidence_level=confidence_level,
            method=method,
        )
        for end in np.unique(ends).tolist()
    }
    events = expected_events(boosted, detector, mx, (start, ends), target=target, max_tx=max_tx, rtol=rtol)
    return Exclusion(
        detector=detector.title,
        target=target,
        t_start=np.full(mx.size, start),
        t_stop=ends,
        limits=tuple(limits[end] for end in ends.tolist()),
        mx=mx,
        events=np.atleast_1d(events),
        reference_cm4=float(boosted.sigxv0) if isinstance(boosted, ConstantBoosted) else math.nan,
        approximate=tuple(detector.approximate),
    )


def signal_end(boosted: Counted, detector: Detector, mx: ArrayLike, *, target: str = "electron") -> Array:
    """(n,) time in s after the neutrinos until which recoils at the lower end of the window can come; mx in MeV."""
    mt, mx = detector.target_mass(target), positive("mx", mx, "MeV").reshape(-1)
    slowest = [smallest_energy(detector.window_mev[0], mass, mt) for mass in mx.tolist()]
    place = boosted.problem(mt, detector.form_factor(target)).place
    return np.atleast_1d(get_tvan(slowest, mx, place.Rs))


def finite_span(t_range: tuple[float, float]) -> tuple[float, float]:
    """A range of times in s that ends."""
    start, stop = interval("t_range", t_range, "s")
    if stop == math.inf:
        raise PhysicsError(f"t_range = ({start:g}, inf) s must be finite: background comes all the time.")
    return start, stop


def coupling_limit(
    build: Callable[[float], Counted],
    detector: Detector,
    mx: ArrayLike,
    t_range: tuple[float, float],
    coupling_range: tuple[float, float],
    *,
    observed: int | None = None,
    confidence_level: float = 0.9,
    method: Method | None = None,
    **options: Any,
) -> Any:
    """Upper limit on a coupling that does not enter as a power (a width, several diagrams); mx broadcasts.

    `build(g)` gives the model under its supernova, the events of which must grow with g over `coupling_range` (low,
    high). inf where even `high` is allowed; `PhysicsError` where `low` is excluded already. Where the coupling is a
    power, `exclude(...).coupling` is faster. The limit is that observed, or else the expected median, at
    `confidence_level`; `options` are those of `expected_events`.
    """

    low, high = interval("coupling_range", coupling_range, "")
    if low == 0 or high == math.inf:
        raise PhysicsError(f"coupling_range = ({low:g}, {high:g}) must begin above 0 and be finite.")
    start, stop = finite_span(t_range)
    live = (stop - start) / constant.year2Seconds * detector.live_fraction
    wanted = event_limit(detector, live, observed=observed, confidence_level=confidence_level, method=method).told

    def solved(mass: float) -> float:
        def excess(log_g: float) -> float:
            n = expected_events(build(math.exp(log_g)), detector, mass, (start, stop), **{"rtol": 1e-4, **options})
            return math.log(n / wanted) if n > 0 else -700.0

        if excess(math.log(high)) < 0:
            return math.inf
        if excess(math.log(low)) > 0:
            raise PhysicsError(f"at mx = {mass:g} MeV a coupling of {low:g} is excluded already; give a lower one.")
        return math.exp(scipy.optimize.brentq(excess, math.log(low), math.log(high), rtol=1e-8))

    mx = positive("mx", mx, "MeV")
    return handed_back([solved(mass) for mass in mx.reshape(-1).tolist()], mx.shape)


def observed_span(supernova: Supernova, detector: Detector) -> tuple[float, float]:
    """(start, stop) of a detector's run, s after the arrival of the supernova's neutrinos; not before the burst ends.

    Raises
    ------
    PhysicsError
        When the year of the supernova is not known, or the detector ended before it.
    """
    start, stop = supernova.age(detector.start_year), supernova.age(detector.stop_year)
    if stop <= BURST_SECONDS:
        raise PhysicsError(
            f"{detector.title} ended in {detector.stop_year:g}, before {supernova.name} ({supernova.year:g}); "
            "give the times instead."
        )
    return max(start, BURST_SECONDS), stop


@dataclass(frozen=True)
class Uncertainties:
    """How well distance and halo are known, 1 sigma.

    Attributes
    ----------
    distance_kpc : (low, high) errors in kpc; None: those of the supernova's catalogue
    density : relative error of the halo's density at `reference_kpc`, log-normal. Most determinations at the Sun are
        within 0.3 to 0.5 GeV/cm^3 (de Salas and Widmark, Rep. Prog. Phys. 84 (2021) 104901, arXiv:2012.11477)
    scale_radius : relative error of the scale radius, log-normal, at constant density there; McMillan (MNRAS 414
        (2011) 2446, arXiv:1102.4340) finds 20.2 +- 4.3 kpc
    reference_kpc : radius at which the density is known; None: the distance of the Galactic centre from the Sun in the
        Milky Way, the scale radius in other galaxies
    """

    distance_kpc: tuple[float, float] | None = None
    density: float = 0.25
    scale_radius: float = 0.2
    reference_kpc: float | None = None


def drawn_events(
    model: Model,
    place: Place,
    detector: Detector,
    mx: ArrayLike,
    t_range: tuple[ArrayLike, ArrayLike],
    *,
    draws: int = 50,
    seed: int = 0,
    uncertainties: Uncertainties | None = None,
    conventions: Conventions = STANDARD,
    rtol: float = 1e-3,
    **options: Any,
) -> Array:
    """Expected events (draws, n_masses) for distances and halos drawn from their uncertainties.

    Distances follow two half normal distributions with the errors of either side, cut at 0. The same seed gives the
    same draws for every model and detector. mx (n_masses,) in MeV; t_range in s, each end a number or one a mass, such
    as `t_start` and `t_stop` of an exclusion; `options` are those of `expected_events`.
    """
    given = uncertainties or Uncertainties()
    distances = _drawn_distances(place.supernova, given, draws, seed)
    halos = _drawn_halos(place.host, given, draws, seed)
    mx = positive("mx", mx, "MeV").reshape(-1)
    out = np.empty((draws, mx.size))
    for i, (distance, halo) in enumerate(zip(distances.tolist(), halos, strict=True)):
        there = Place(replace(place.supernova, distance_kpc=distance), replace(place.host, halo=halo))
        boosted = there.under(model, conventions)
        out[i] = expected_events(boosted, detector, mx, t_range, rtol=rtol, **options)
    return out


def _drawn_distances(supernova: Supernova, given: Uncertainties, draws: int, seed: int) -> Array:
    if not (isinstance(draws, int | np.integer) and draws >= 1):
        raise PhysicsError(f"draws = {draws!r} must be a whole number of at least 1.")
    errors = given.distance_kpc or (supernova.distance_error_low_kpc, supernova.distance_error_high_kpc)
    if not np.isfinite(errors).all():
        raise PhysicsError(
            f"{supernova.name}: the error of its distance is not known; give it in kpc, 0 for none: the option "
            "--distance-error, `distance_error_kpc` of a configuration, or Uncertainties(distance_kpc=(low, high))."
        )
    both = not_negative("distance_kpc", errors, "kpc")
    if both.shape != (2,):
        raise PhysicsError(f"distance_kpc = {errors!r} must be a pair of errors (low, high) in kpc.")
    low, high = both.tolist()
    source, out = stream(seed, f"distance of {supernova.name}"), np.zeros(0)
    while out.size < draws:
        size = np.abs(source.normal(size=draws))
        # Either side has its part of the probability, so that the density has no step.
        upwards = source.uniform(size=draws) * (low + high) < high
        drawn = supernova.distance_kpc + np.where(upwards, high * size, -low * size)
        out = np.concatenate([out, drawn[drawn > 0]])
    return out[:draws]


def _drawn_halos(galaxy: Host, given: Uncertainties, draws: int, seed: int) -> list[dict[str, Any]]:
    """Keyword arguments of the halo for every draw."""
    density, radius = (not_negative(name, getattr(given, name), "").item() for name in ("density", "scale_radius"))
    halo = {**params.halo._asdict(), **galaxy.halo}
    profile = halo.get("profile", "nfw")
    reference = given.reference_kpc or (galaxy.distance_kpc if galaxy.name == MILKY_WAY else halo["rs"])

    def shape(rs: float) -> float:
        return nx(reference, 1.0, profile=profile, rhos=1.0, rs=rs, n=halo["n"])

    factors = np.exp(density * stream(seed, "halo density").normal(size=draws))
    radii = halo["rs"] * np.exp(radius * stream(seed, "halo scale radius").normal(size=draws))
    return [
        {**galaxy.halo, "rs": rs, "rhos": halo["rhos"] * factor * shape(halo["rs"]) / shape(rs)}
        for factor, rs in zip(factors.tolist(), radii.tolist(), strict=True)
    ]
