"""Paired timings: nusky on the full problem against the brute force on a reduced one, scaled, in one process.

The reduced problem fits the processor's caches better than the full one, so the scaled time is rather too short.
"""

import numpy as np

from benchmarks import brute_force, search
from benchmarks.measure import Clock, Part, Report, Value, median_parts, paired
from benchmarks.sample import Sample, Stack, ready_made

EVENT_STEP = 20
FLUX_STEP = 20
ENERGY_STEP = 1000
SINGLE_EVENT_STEP = 100


def stack(sample: Sample, repeats: int) -> Report:
    """The stack of 1LHAASO-WCDA and H.E.S.S. sources."""
    return _stack("Stack of wcda-hess", sample, ready_made("wcda-hess"), 1, repeats)


def pulsars(sample: Sample, repeats: int) -> Report:
    """The stack of pulsars."""
    return _stack("Stack of pulsars", sample, ready_made("pulsars"), 10, repeats)


def single_sources(sample: Sample, repeats: int) -> Report:
    """All sources of the two LHAASO catalogues with H.E.S.S., each by itself."""
    catalogues = [ready_made(name) for name in ("wcda-hess", "km2a-hess")]
    ra, dec = (np.concatenate([getattr(c, axis) for c in catalogues]) for axis in ("ra", "dec"))
    reduced = sample.thinned(SINGLE_EVENT_STEP)
    search.single_sources(reduced, ra, dec, Clock())
    brute_force.single_sources(reduced.thinned(10), ra, dec, Clock())
    ours, theirs = median_parts(
        lambda clock: search.single_sources(sample, ra, dec, clock),
        lambda clock: brute_force.single_sources(reduced, ra, dec, clock),
        repeats=repeats,
    )
    part = Part(
        search.SINGLE,
        ours[search.SINGLE],
        theirs[search.SINGLE],
        (sample.n_events / reduced.n_events) ** 2,
        "(events)²",
    )
    about = (
        f"{len(ra)} sources, {sample.n_events} events, published conventions. The brute force visits every integer n "
        f"up to the number of events in the band; reduced problem: {reduced.n_events} events."
    )
    return paired("Single sources", about, [part], at_most_s=5.0)


def _stack(title: str, sample: Sample, sources: Stack, source_step: int, repeats: int) -> Report:
    few_events, few_sources = sample.thinned(EVENT_STEP), sources.thinned(source_step)
    few_fluxes = search.PHI0_PER_EV[::FLUX_STEP]
    n_energies = brute_force.N_ENERGIES // ENERGY_STEP
    tiny = sample.thinned(1000)  # compiles, or loads from the cache
    search.stack(tiny, few_sources, few_fluxes, Clock())
    brute_force.stack(tiny, few_sources, few_fluxes, Clock(), 10)
    ours, theirs = median_parts(
        lambda clock: search.stack(sample, sources, search.PHI0_PER_EV, clock),
        lambda clock: brute_force.stack(few_events, few_sources, few_fluxes, clock, n_energies),
        repeats=repeats,
    )
    events = sample.n_events / few_events.n_events
    n_sources = len(sources.ra) / len(few_sources.ra)
    fluxes = len(search.PHI0_PER_EV) / len(few_fluxes)
    energies = brute_force.N_ENERGIES / n_energies
    factors = {
        search.ACCEPTANCE: (n_sources * energies, "sources x energies"),
        search.BACKGROUND: (events**2, "(events)²"),
        search.SIGNAL: (events * n_sources, "events x sources"),
        search.SCAN: (events * fluxes, "events x fluxes"),
    }
    parts = [Part(name, ours[name], theirs[name], factor, what) for name, (factor, what) in factors.items()]
    about = (
        f"{len(sources.ra)} sources, {sample.n_events} events, {len(sources.model_weights)} weightings x "
        f"{len(sources.gammas)} indices x {len(search.PHI0_PER_EV)} fluxes, published conventions. Reduced problem "
        f"of the brute force: {len(few_sources.ra)} sources, {few_events.n_events} events, {len(few_fluxes)} fluxes, "
        f"{n_energies} of {brute_force.N_ENERGIES} energies."
    )
    report = paired(title, about, parts, at_least=300.0)
    others = [part for part in parts if part.name != search.ACCEPTANCE]
    without = sum(part.scaled_s for part in others) / sum(part.nusky_s for part in others)
    report.values.append(Value("speed-up without the acceptance integrals", without, "times"))
    return report
