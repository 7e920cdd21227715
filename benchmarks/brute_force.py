"""The published search as a straightforward program: every formula a loop, compiled by numba and run in parallel.

All events against all sources, all events against all events, a trapezoid over many energies for every source, season
and spectral index, a logarithm for every event and flux, every integer number of signal events. Where the formulas
leave a choice, the faster one is taken: each S_ij, band count and acceptance integral is computed once and serves every
weighting, and fluxes beyond n_s = N are skipped. Formulas: arXiv:2205.15963 eqs 1-9, docs/conventions.md.
"""

import numba
import numpy as np

from benchmarks import search
from benchmarks.measure import Clock
from benchmarks.sample import Sample, Stack
from nusky.conventions import BAND_HALF_WIDTH_DEG, PIVOT_ENERGY_GEV, PUBLISHED

N_ENERGIES = 10_000_000
"""Energies of the trapezoids of the full problem."""

# Declinations have three decimals: exact ties at the edge of a band occur and count as inside.
_HALF_WIDTH = np.radians(BAND_HALF_WIDTH_DEG + 1e-9)


def stack(
    sample: Sample, sources: Stack, phi0_per_ev: np.ndarray, clock: Clock, n_energies: int = N_ENERGIES
) -> tuple[np.ndarray, np.ndarray]:
    """n_s and TS of every hypothesis, weightings outermost: two (n_hypotheses, n_steps) arrays; NaN where n_s > N."""
    exposure = sample.exposure
    with clock.part(search.ACCEPTANCE):
        integrals = _acceptance(sample, sources, n_energies)
        accepted = exposure.livetime_s[:, None, None] * integrals
        weights, per_phi0_ev = [], []
        for model in sources.model_weights:
            for g in range(len(sources.gammas)):
                omega = accepted[:, g] * model
                omega /= omega.sum(axis=1, keepdims=True)
                weights.append(omega)
                per_phi0_ev.append(1e9 * (exposure.span_s[:, None] * omega * integrals[:, g]).sum())
    events = sample.together()
    with clock.part(search.BACKGROUND):
        background = background_density(events.dec)
    with clock.part(search.SIGNAL):
        season = np.repeat(np.arange(len(sample.seasons)), [len(s.ra) for s in sample.seasons])
        ratio = stacked_signal(
            events.ra, events.dec, events.ang_err, season, sources.ra, sources.dec, np.stack(weights)
        )
        ratio /= background
    with clock.part(search.SCAN):
        n_signal = np.array(per_phi0_ev)[:, None] * phi0_per_ev
        return n_signal, mixture_ts(ratio, n_signal)


def single_sources(
    sample: Sample, ra: np.ndarray, dec: np.ndarray, clock: Clock
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """n_band, best n and largest TS of every source by itself, visiting n = 1 ... n_band."""
    events = sample.together()
    with clock.part(search.SINGLE):
        return every_integer(events.ra, events.dec, events.ang_err, ra, dec)


def _acceptance(sample: Sample, sources: Stack, n_energies: int) -> np.ndarray:
    """Trapezoids of A_eff (E/100 TeV)^-gamma dE, (n_seasons, n_gammas, n_sources), cm^2 GeV."""
    energy = np.logspace(*PUBLISHED.log10_energy_limits_gev, n_energies)
    integrals = []
    for response in sample.exposure.responses:
        area = sample.areas[response]
        energy_bin = np.searchsorted(area.log10_energy, np.log10(energy), side="right") - 1
        dec_bin = np.clip(np.searchsorted(area.dec, sources.dec, side="right") - 1, 0, len(area.dec) - 2)
        integrals.append(trapezoids(energy, energy_bin, area.area, dec_bin, np.array(sources.gammas)))
    return np.stack(integrals)


@numba.njit(parallel=True, error_model="numpy")
def trapezoids(energy, energy_bin, area, dec_bin, gammas):
    """Trapezoids of A_eff (E/100 TeV)^-gamma dE for every index and source."""
    integrals = np.zeros((len(gammas), len(dec_bin)))
    for j in numba.prange(len(dec_bin)):
        for g in range(len(gammas)):
            total = 0.0
            before = area[energy_bin[0], dec_bin[j]] * (energy[0] / PIVOT_ENERGY_GEV) ** -gammas[g]
            for e in range(1, len(energy)):
                here = area[energy_bin[e], dec_bin[j]] * (energy[e] / PIVOT_ENERGY_GEV) ** -gammas[g]
                total += 0.5 * (before + here) * (energy[e] - energy[e - 1])
                before = here
            integrals[g, j] = total
    return integrals


@numba.njit(parallel=True, error_model="numpy")
def background_density(dec):
    """Background density of every event from comparing it with all events."""
    density = np.empty(len(dec))
    for i in numba.prange(len(dec)):
        count = 0
        for m in range(len(dec)):
            count += np.abs(dec[m] - dec[i]) <= _HALF_WIDTH
        density[i] = count / (len(dec) * _band(dec[i]))
    return density


@numba.njit(parallel=True, error_model="numpy")
def stacked_signal(ra, dec, ang_err, season, source_ra, source_dec, weights):
    """Stacked signal density of every event for every hypothesis; weights (n_hypotheses, n_seasons, n_sources)."""
    n_hypotheses = weights.shape[0]
    signal = np.zeros((n_hypotheses, len(ra)))
    for i in numba.prange(len(ra)):
        for j in range(len(source_ra)):
            density = _density(ra[i], dec[i], ang_err[i], source_ra[j], source_dec[j])
            for h in range(n_hypotheses):
                signal[h, i] += weights[h, season[i], j] * density
    return signal


@numba.njit(parallel=True, error_model="numpy")
def mixture_ts(ratio, n_signal):
    """TS of every hypothesis and flux, a logarithm for every event."""
    n_hypotheses, n_events = ratio.shape
    n_steps = n_signal.shape[1]
    ts = np.full(n_signal.shape, np.nan)
    for step in numba.prange(n_hypotheses * n_steps):
        h, s = step // n_steps, step % n_steps
        x = n_signal[h, s] / n_events
        if x <= 1:
            total = 0.0
            for i in range(n_events):
                total += np.log(x * ratio[h, i] + 1 - x)
            ts[h, s] = 2 * total
    return ts


@numba.njit(parallel=True, error_model="numpy")
def every_integer(ra, dec, ang_err, source_ra, source_dec):
    """n_band, best n and largest TS (decimal logarithm) of every source from all integers n."""
    n_sources, n_events = len(source_ra), len(ra)
    n_band, best = np.zeros(n_sources, np.int64), np.zeros(n_sources, np.int64)
    largest = np.full(n_sources, -np.inf)
    for j in numba.prange(n_sources):
        ratio = np.empty(n_events)
        count = 0
        for i in range(n_events):
            if np.abs(dec[i] - source_dec[j]) <= _HALF_WIDTH:
                ratio[count] = _density(ra[i], dec[i], ang_err[i], source_ra[j], source_dec[j]) * _band(source_dec[j])
                count += 1
        n_band[j] = count
        for n in range(1, count + 1):
            x = n / n_events
            total = 0.0
            for i in range(count):
                total += np.log10(x * ratio[i] + 1 - x)
            if 2 * total > largest[j]:
                best[j], largest[j] = n, 2 * total
    return n_band, best, largest


@numba.njit(error_model="numpy")
def _density(ra, dec, ang_err, source_ra, source_dec):
    h = np.sin((dec - source_dec) / 2) ** 2 + np.cos(dec) * np.cos(source_dec) * np.sin((ra - source_ra) / 2) ** 2
    psi = 2 * np.arcsin(np.sqrt(min(1.0, h)))
    return np.exp(-(psi**2) / (2 * ang_err**2)) / (2 * np.pi * ang_err**2)


@numba.njit(error_model="numpy")
def _band(dec):
    """Solid angle [sr] of the declination band, not clipped at the poles."""
    half_width = np.radians(BAND_HALF_WIDTH_DEG)
    return 2 * np.pi * (np.sin(dec + half_width) - np.sin(dec - half_width))
