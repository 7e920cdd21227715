"""The true energies behind a fitted signal.

At the best fit an event i of season k with the density ratio r_i = S_i/B_i is signal with the probability
w_i = x r_i / (x r_i + 1 - x) (`nusky.search.contributions`), and if it is, its neutrino had an energy of bin b with the
probability a_kb r_ib / r_i: a_kb is the share of the bin in the detected neutrinos of the fitted spectrum, and r_ib the
ratio for neutrinos of that bin alone. Summed over all events near the sources this is

    W_b = sum_i w_i a_kb r_ib / r_i            what the bin gives to the signal,
    T_b = sum_i t_i a_kb r_ib / r_i            what it gives to TS, t_i = 2 ln[1 + x (r_i - 1)] where that is above 0,

and the ranges stated are the central 68 and 90 % of either (asked for in SkyLLH, issue 235). They are those of the
events that were seen, where `nusky.search.energy_range` tells what the spectrum alone would give.
"""

import numpy as np

from nusky.search.energy_range import quantiles
from nusky.search.hypothesis import Hypothesis
from nusky.search.sky import Sky
from nusky.search.sources import expected_by_source

CONTENTS = (68, 90)
"""Percent of the signal, and of TS, inside the ranges that are stated."""
_ENDS = {"min": -1, "max": 1}
_AT_ONCE = 16
"""Bins of energy whose signal is known at the same time."""


def excess_energies(hypothesis: Hypothesis, n_signal: float, gamma: float) -> dict[str, float]:
    """Central ranges of the true energies that the fitted signal of the data, and its TS, come from, GeV.

    `n_signal` and `gamma` are the best fit. The keys are `signal_energy_min68_gev`, `..._max68_gev`, those of 90 %, and
    the same of `ts_energy`. NaN where nothing is fitted, no effective area is known, or no event adds to TS. Where
    events have no energies (`Analysis.smearings` is None) they tell nothing of them: the ranges are those of the
    spectrum.
    """
    names = [f"{of}_energy_{end}{content}_gev" for of in ("signal", "ts") for content in CONTENTS for end in _ENDS]
    if not (n_signal > 0 and hypothesis.analysis.has_area):
        return dict.fromkeys(names, float("nan"))
    edges, signal, ts = energy_contents(hypothesis, n_signal, gamma)
    spectrum = hypothesis.spectra[0].at(gamma)
    shares = [0.5 + sign * content / 200 for content in CONTENTS for sign in _ENDS.values()]
    found = [
        10.0 ** quantiles(content, edges, spectrum, shares) if content.sum() > 0 else np.full(len(shares), np.nan)
        for content in (signal, ts)
    ]
    return dict(zip(names, np.concatenate(found).tolist(), strict=True))


def energy_contents(
    hypothesis: Hypothesis, n_signal: float, gamma: float, sky: Sky | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edges of bins of true energy, log10(E/GeV), (n + 1,), and W_b and T_b of a sky in them, (n,) each.

    Without a sky that of the data. Inside a bin both follow the spectrum: area and smearing are constant there.
    """
    spectrum = hypothesis.spectra[0].at(gamma)
    edges = _edges(hypothesis, spectrum.log10_limits)
    bins = [spectrum.within(ends) for ends in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    whole = hypothesis.with_spectra([spectrum])
    sky = whole.data() if sky is None else sky
    ratio, season = whole.density_ratios(sky)
    x = (n_signal * whole.shares[0] / sky.n_events)[season]
    mixed = x * ratio[:, 0] + 1 - x
    added = np.maximum(2 * np.log(mixed), 0.0)
    expected = expected_by_source(hypothesis.analysis, hypothesis.sources, bins).sum(axis=2)
    share = expected / np.maximum(whole.expected, 1e-300)
    signal, ts = np.zeros(len(bins)), np.zeros(len(bins))
    seen = np.flatnonzero(expected.sum(axis=0) > 0)
    for own in np.array_split(seen, -(-len(seen) // _AT_ONCE)):
        confined = hypothesis.with_spectra([bins[b] for b in own])
        of_bin = confined.density_ratios(sky)[0] * share[season][:, own]
        signal[own] = (x / mixed) @ of_bin
        ts[own] = np.divide(added, ratio[:, 0], out=np.zeros(len(season)), where=ratio[:, 0] > 0) @ of_bin
    return edges, signal, ts


def _edges(hypothesis: Hypothesis, limits: tuple[float, float]) -> np.ndarray:
    """All edges of effective areas and smearing within the spectrum's range; energies that a response is blind to at
    every declination join the nearest bin that all see."""
    areas, smearings = hypothesis.analysis.areas, hypothesis.analysis.smearings or {}
    names = hypothesis.analysis.response_names
    ends = np.array([areas[name].log10_energy[[0, -1]] for name in names])
    parts = [areas[name].log10_energy for name in names]
    parts += [smearings[name].log10_enu for name in names if name in smearings]
    low, high = max(ends[:, 0].min(), limits[0]), min(ends[:, 1].max(), limits[1])
    edges = np.unique(np.round(np.concatenate(parts), 6))
    edges = np.unique(np.concatenate([[low], edges[(edges > low) & (edges < high)], [high]]))
    middle = (edges[1:] + edges[:-1]) / 2
    seen = np.ones(len(middle), dtype=bool)
    for name in names:
        row = np.searchsorted(areas[name].log10_energy, middle, side="right") - 1
        inside = (row >= 0) & (row < len(areas[name].area))
        seen &= inside & (areas[name].area.max(axis=1)[np.clip(row, 0, len(areas[name].area) - 1)] > 0)
    first, last = np.flatnonzero(seen)[[0, -1]]
    return np.concatenate([[low], edges[first + 1 : last + 1], [high]])
