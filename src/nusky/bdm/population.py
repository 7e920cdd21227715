"""Many supernovae: those of a catalogue, and the core collapses of the Milky Way through the ages.

Dark matter of a supernova arrives for up to millennia, so that what comes today is due to all of the last ones. The
catalogue gives the few that are known; a population with a rate and a distribution in the disc gives the mean of all
of them and how much it depends on which ones there were.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import Array, not_negative, positive
from nusky.bdm.constants import constant
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.bdm.counting import BAND
from nusky.bdm.cross_sections import smallest_energy
from nusky.bdm.detectors import Detector
from nusky.bdm.exclusion import Uncertainties, drawn_events, observed_span
from nusky.bdm.models import Model
from nusky.bdm.rates import expected_events
from nusky.bdm.streams import stream
from nusky.bdm.supernovae import MILKY_WAY, Host, Supernova, host, place
from nusky.bdm.times import get_tvan
from nusky.errors import PhysicsError


@dataclass(frozen=True)
class Population:
    """Core collapses of the Milky Way: a steady rate, spread over an exponential disc.

    Surface density R^p exp(-R/h), height exp(-|z|/h_z), the Sun in the plane.

    Attributes
    ----------
    rate_per_century : 1.63 +- 0.46 of Rozwadowska, Vissani and Cappellaro (New Astron. 83 (2021) 101498,
        arXiv:2009.03438)
    scale_length_kpc, scale_height_kpc : h and h_z, 2.9 and 0.095 kpc of Adams et al. (ApJ 778 (2013) 164,
        arXiv:1306.0559)
    inner_power : p, 0 for an exponential disc; pulsars have a hole in the middle, p > 0
    """

    rate_per_century: float = 1.63
    scale_length_kpc: float = 2.9
    scale_height_kpc: float = 0.095
    inner_power: float = 0.0

    def __post_init__(self) -> None:
        positive("rate_per_century", self.rate_per_century, "")
        positive("scale_length_kpc", self.scale_length_kpc, "kpc")
        positive("scale_height_kpc", self.scale_height_kpc, "kpc")
        if not self.inner_power > -2:
            raise PhysicsError(f"inner_power = {self.inner_power!r} must exceed -2 for the number to be finite.")

    @property
    def rate_per_s(self) -> float:
        """Core collapses per second."""
        return self.rate_per_century / (100 * constant.year2Seconds)

    def positions(self, number: int, galaxy: Host, seed: int) -> tuple[Array, Array]:
        """Distance from Earth in kpc and angle from the Galactic centre in rad of `number` supernovae, drawn."""
        radius = stream(seed, "radius").gamma(self.inner_power + 2, self.scale_length_kpc, number)
        around = stream(seed, "azimuth").uniform(0, 2 * math.pi, number)
        height = stream(seed, "height").laplace(0, self.scale_height_kpc, number)
        along = galaxy.distance_kpc - radius * np.cos(around)
        across = np.hypot(radius * np.sin(around), height)
        return np.hypot(along, across), np.arctan2(across, along)


@dataclass(frozen=True)
class PopulationEvents:
    """Events of dark matter of a whole population at strength 1.

    Attributes
    ----------
    mx : (n_masses,) MeV
    mean : (n_masses,) expected events, over all histories
    mean_error : (n_masses,) standard error of the mean, from the finite number of drawn supernovae
    histories : (n_histories, n_masses) expected events of single histories of the Milky Way
    """

    mx: Array
    mean: Array
    mean_error: Array
    histories: Array

    def quantiles(self, q: ArrayLike = BAND) -> Array:
        """(n_q, n_masses) quantiles of the events over histories."""
        return np.quantile(self.histories, q, axis=0)


def population_events(
    model: Model,
    population: Population,
    detector: Detector,
    mx: ArrayLike,
    duration: float,
    *,
    supernovae: int = 300,
    histories: int = 1000,
    seed: int = 0,
    galaxy: Host | None = None,
    target: str = "electron",
    conventions: Conventions = STANDARD,
    rtol: float = 1e-3,
    **options: Any,
) -> PopulationEvents:
    """Events of all past core collapses of the Milky Way in a detector.

    For every mass `supernovae` explosions are drawn, positions from the population and ages evenly over the time from
    which dark matter can still arrive, one in each of as many equal parts of it. Histories then take a Poisson number
    of them each. Cost: one call of `expected_events` per mass and explosion, some milliseconds.

    Parameters
    ----------
    mx : (n_masses,) MeV
    duration : s of running, of which `detector.live_fraction` is live
    supernovae, histories : numbers drawn, at least 2
    **options : those of `expected_events`
    """
    for name, number in (("supernovae", supernovae), ("histories", histories)):
        if not (isinstance(number, int | np.integer) and number >= 2):
            raise PhysicsError(f"{name} = {number!r} must be a whole number of at least 2.")
    duration = positive("duration", duration, "s").item()
    galaxy = host(MILKY_WAY) if galaxy is None else galaxy
    mx = positive("mx", mx, "MeV").reshape(-1)
    distance, beta = population.positions(supernovae, galaxy, seed)
    # The order of positions is random, so the strata of ages are independent of them.
    share = (np.arange(supernovae) + stream(seed, "age").uniform(size=supernovae)) / supernovae
    mt = detector.target_mass(target)
    lowest = detector.pieces(detector.window_mev)[0]
    mean, error = np.zeros(mx.size), np.zeros(mx.size)
    sums = np.zeros((histories, mx.size))
    for i, mass in enumerate(mx.tolist()):
        lasting = np.asarray(get_tvan(smallest_energy(lowest, mass, mt), mass, distance)).reshape(-1)
        horizon = float(lasting.max()) + duration
        counts = np.zeros(supernovae)
        for j in np.flatnonzero(share * horizon - duration < lasting).tolist():
            # Seconds since its neutrinos at the start of the run; an explosion during it is younger than that.
            age = share[j] * horizon - duration
            where = float(distance[j]), galaxy.distance_kpc, float(beta[j])
            boosted = model.at(*where, conventions=conventions, **galaxy.halo)
            span = max(age, 0.0), age + duration
            counts[j] = expected_events(boosted, detector, mass, span, target=target, rtol=rtol, **options)
        expected = population.rate_per_s * horizon
        mean[i] = expected * counts.mean()
        error[i] = expected * counts.std(ddof=1) / math.sqrt(supernovae)
        source = stream(seed, f"histories {i}")
        numbers = source.poisson(expected, histories)
        which = source.integers(0, supernovae, int(numbers.sum()))
        sums[:, i] = np.bincount(np.repeat(np.arange(histories), numbers), counts[which], histories)
    return PopulationEvents(mx, mean, error, sums)


@dataclass(frozen=True)
class CatalogueEvents:
    """Events of the supernovae of a catalogue at strength 1.

    Attributes
    ----------
    mx : (n_masses,) MeV
    names : the n_supernovae summed
    events : (n_supernovae, n_masses) expected events of each
    draws : (n_draws, n_masses) sums with distances and halo drawn from their uncertainties; no rows without draws
    """

    mx: Array
    names: tuple[str, ...]
    events: Array
    draws: Array

    @property
    def total(self) -> Array:
        """(n_masses,) sum over the supernovae."""
        return self.events.sum(axis=0)

    def quantiles(self, q: ArrayLike = BAND) -> Array:
        """(n_q, n_masses) quantiles of the sum over distances and halos; NaN without draws."""
        if len(self.draws) == 0:
            return np.full((np.size(q), self.mx.size), math.nan)
        return np.quantile(self.draws, q, axis=0)


def catalogue_events(
    model: Model,
    supernovae: Sequence[Supernova],
    detector: Detector,
    mx: ArrayLike,
    *,
    draws: int = 0,
    seed: int = 0,
    uncertainties: Uncertainties | None = None,
    conventions: Conventions = STANDARD,
    **options: Any,
) -> CatalogueEvents:
    """Events of the core collapses of a catalogue during a detector's run.

    Only those whose `core_collapse` is true are summed: the others made no burst of neutrinos. Supernovae after the
    end of the run count nothing. With `draws` every supernova gets distances of its own and all share one halo per
    draw and host; a distance whose error is not known is kept. mx in MeV; `options` are those of `expected_events`.
    """
    mx = positive("mx", mx, "MeV").reshape(-1)
    summed = [s for s in supernovae if s.core_collapse and s.age(detector.stop_year) > 0]
    if not summed:
        raise PhysicsError(f"no core collapse among {len(supernovae)} supernovae before {detector.title} ended.")
    draws = int(not_negative("draws", draws, ""))
    spans = [observed_span(supernova, detector) for supernova in summed]
    events = np.array(
        [
            np.atleast_1d(expected_events(place(s).under(model, conventions), detector, mx, span, **options))
            for s, span in zip(summed, spans, strict=True)
        ]
    )
    drawn = np.zeros((draws, mx.size))
    for s, span in zip(summed, spans, strict=True) if draws else ():
        drawing = {"draws": draws, "seed": seed, "uncertainties": _of(s, uncertainties), "conventions": conventions}
        drawn += drawn_events(model, place(s), detector, mx, span, **drawing, **options)
    return CatalogueEvents(mx, tuple(s.name for s in summed), events, drawn)


def _of(supernova: Supernova, given: Uncertainties | None) -> Uncertainties:
    """Uncertainties with the distance's, none where the catalogue has none."""
    given = given or Uncertainties()
    errors = (supernova.distance_error_low_kpc, supernova.distance_error_high_kpc)
    if given.distance_kpc is None and not np.isfinite(errors).all():
        return replace(given, distance_kpc=(0.0, 0.0))
    return given
