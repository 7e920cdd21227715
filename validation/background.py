"""How well does the background's density in energy describe events that it has not seen, and what does TS owe to it?

Five-fold cross-validation: the density made of four fifths of a season's events is evaluated at the others. The events
held out are a sample from the truth, so the larger the sum of their ln P, the nearer is the density to it; each fold
counts once. Several densities that do well differ in single sparse places, where a few events decide TS: the spread of
TS among them is a systematic error of any TS.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from nusky.detector.spectrum import PowerLaw
from nusky.likelihood.energy import KERNELS, LOG10_ENERGY_EDGES, BackgroundEnergyDensity, energy_bin
from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.season import SeasonEvents
from nusky.search.sources import Sources
from nusky.search.trials import stream
from validation import page, samples
from validation.outside_oracle import KNOWN

SEED = 4010
N_FOLDS = 5
N_TRIALS = 100
SIGNALS = ((-32.0, 2.0, 8), (-32.0, 2.0, 30), (5.693, 2.0, 10), (5.693, 3.0, 30), (41.3, 2.0, 10))
"""Declination [deg], index and number of events of the signals whose part in the background is looked at."""
LEAST_TS = 4.0
"""Positions of the table have this TS with one of the densities at least."""
REQUIRED = {"IC40": 5034, "IC79": 439, "IC86_I": 1385}
"""ln L over that of the histogram, which a prototype of the density reached: season -> least."""
Density = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""P(log10 E | sin dec) at events: log10(E/GeV), sin(dec) -> per dex."""


def kernel_density(widths: float = 1.0, adaptivity: float = KERNELS[2]) -> Callable[..., Density]:
    """The density of nusky, its kernels `widths` times as wide."""
    kernels = (KERNELS[0] * widths, KERNELS[1] * widths, adaptivity)
    return lambda log10_energy, sin_dec: BackgroundEnergyDensity.of_events(log10_energy, sin_dec, kernels).at


def in_bins(log10_energy: np.ndarray, sin_dec: np.ndarray) -> Density:
    """The density of nusky, its mean in each bin of energy that the signal is given in."""
    fine = BackgroundEnergyDensity.of_events(log10_energy, sin_dec)
    inside = LOG10_ENERGY_EDGES[:-1, None] + np.diff(LOG10_ENERGY_EDGES)[:, None] * (np.arange(10) + 0.5) / 10

    def density(at_energy: np.ndarray, at_sin_dec: np.ndarray) -> np.ndarray:
        energies = inside[energy_bin(at_energy)]
        return fine.at(energies.ravel(), np.repeat(at_sin_dec, 10)).reshape(energies.shape).mean(axis=1)

    return density


def histogram(log10_energy: np.ndarray, sin_dec: np.ndarray, n_bands: int = 40, floor: float = 0.03) -> Density:
    """Counts in bins of 0.1 in log10(E) and 0.05 in sin(dec), linear in sin(dec), smoothed along the energy.

    By the parabola through five bins (Savitzky and Golay 1964), a mean beside sharp edges; no bin holds less than
    `floor` events. This was the density of nusky before the kernels.
    """
    n_bins = len(LOG10_ENERGY_EDGES) - 1
    band = np.clip(((sin_dec + 1) / 2 * n_bands).astype(int), 0, n_bands - 1)
    counts = np.bincount(band * n_bins + energy_bin(log10_energy), minlength=n_bands * n_bins).astype(float)
    around = np.pad(counts.reshape(n_bands, n_bins), ((0, 0), (2, 2)), mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(around, 5, axis=1)
    smooth = np.maximum(around @ np.array([-3, 12, 17, 12, -3]) / 35, around @ np.array([0, 1, 2, 1, 0]) / 8)
    table = np.maximum(smooth, floor)
    table /= table.sum(axis=1, keepdims=True) * np.diff(LOG10_ENERGY_EDGES)

    def density(at_energy: np.ndarray, at_sin_dec: np.ndarray) -> np.ndarray:
        place = np.clip((at_sin_dec + 1) / 2 * n_bands - 0.5, 0, n_bands - 1)
        lower = place.astype(int)
        column, upper = energy_bin(at_energy), np.minimum(lower + 1, n_bands - 1)
        return table[lower, column] * (1 - place + lower) + table[upper, column] * (place - lower)

    return density


DENSITIES: dict[str, Callable[..., Density]] = {
    "nusky": kernel_density(),
    "nusky, mean in bins of 0.1": in_bins,
    "kernels 1.5 times as wide": kernel_density(1.5),
    "kernels 0.7 times as wide": kernel_density(0.7),
    "kernels of one width": kernel_density(1.5, 0.0),
    "histogram": histogram,
}


def held_out(
    log10_energy: np.ndarray, sin_dec: np.ndarray, densities: Sequence[Callable[..., Density]], seed: int = SEED
) -> np.ndarray:
    """ln P of every event from the density of the other folds, (n_densities, n_events)."""
    fold = np.random.default_rng(seed).permutation(len(log10_energy)) % N_FOLDS
    found = np.empty((len(densities), len(log10_energy)))
    for number in range(N_FOLDS):
        own, others = fold == number, fold != number
        for i, density in enumerate(densities):
            made = density(log10_energy[others], sin_dec[others])
            found[i, own] = np.log(made(log10_energy[own], sin_dec[own]))
    return found


def cross_validation(events: dict[str, tuple[np.ndarray, np.ndarray]]) -> page.Table:
    """ln L of events held out, over that of the histogram; `events`: season -> log10(E/GeV), sin(dec)."""
    columns = {}
    for season, (log10_energy, sin_dec) in events.items():
        found = held_out(log10_energy, sin_dec, list(DENSITIES.values()))
        gain = found - found[-1]
        highest = log10_energy >= np.quantile(log10_energy, 0.99)
        error = np.sqrt(len(log10_energy)) * gain.std(axis=1)
        columns[season] = [
            f"{total:+.0f} ± {own:.0f}; {top:+.0f}"
            for total, own, top in zip(gain.sum(axis=1), error, gain[:, highest].sum(axis=1), strict=True)
        ]
        verdict = "met" if gain[0].sum() >= REQUIRED[season] else "MISSED"
        columns[season].append(f"{verdict}: {REQUIRED[season]:+d}")
    rows = [(name, *values) for name, *values in zip([*DENSITIES, "required of nusky"], *columns.values(), strict=True)]
    about = (
        "ln L of the events held out over that of the histogram; behind the semicolon the part of the 1 % of events of "
        "highest energy. The errors are the spread of the differences by event."
    )
    return page.Table(about, ("density", *columns), rows)


def with_density(analysis: Analysis, release: dict, density: Callable[..., Density]) -> Analysis:
    """The analysis with another background density in energy."""
    seasons = []
    for season, (log10_energy, sin_dec) in zip(analysis.seasons, release.values(), strict=True):
        ratio = season.energy_density.at(log10_energy, sin_dec) / density(log10_energy, sin_dec)(log10_energy, sin_dec)
        seasons.append(replace(season, inverse_background=season.inverse_background * ratio))
    return replace(analysis, seasons=tuple(seasons))


def spreads(analysis: Analysis, events: dict, n_sources: int | None, least_ts: float) -> tuple[page.Table, page.Table]:
    """TS at real positions with every density, and the spread among the kernel densities."""
    listed = samples.stack()
    places = [*map(tuple, np.radians(KNOWN)), *zip(listed.ra[:n_sources], listed.dec[:n_sources], strict=True)]
    ts = np.empty((len(DENSITIES), len(places)))
    for i, density in enumerate(DENSITIES.values()):
        other = with_density(analysis, events, density)
        ts[i] = [Hypothesis.of(other, Sources.of(*place)).fit().ts for place in places]
    hot = np.flatnonzero(ts.max(axis=0) > least_ts)
    rows = [(*(f"{np.degrees(x):.3f}" for x in places[j]), *(f"{value:.2f}" for value in ts[:, j])) for j in hot]
    table = page.Table("TS at each position.", ("ra, deg", "dec, deg", *DENSITIES), rows)
    relative = np.abs(ts[1:][:, hot] / ts[0, hot] - 1)
    shown = [
        (name, len(hot), *(f"{100 * value:.1f} %" for value in (np.median(row), np.quantile(row, 0.9), row.max())))
        for name, row in zip(list(DENSITIES)[1:], relative, strict=True)
    ]
    about = (
        f"|TS / TS of nusky - 1| at the positions where any density has TS > {least_ts:g}, among NGC 1068, TXS "
        "0506+056 and the sources of wcda-hess: the systematic error that the choice of the background's density in "
        "energy leaves in a TS."
    )
    return page.Table(about, ("density", "positions", "median", "90 %", "largest"), shown), table


def signal_in_background(analysis: Analysis, events: dict, n_trials: int) -> page.Table:
    """TS of skies with signal, paired: the background without it, with it as in trials, and made anew with it."""
    rows = []
    for dec_deg, gamma, number in SIGNALS:
        hypothesis = Hypothesis.of(analysis, samples.point(dec_deg))
        signal = Signal.of(analysis, hypothesis.sources, PowerLaw(gamma))
        found = np.empty((n_trials, 3))
        for t in range(n_trials):
            rng = stream(SEED, "signal", f"{dec_deg:g}", f"{gamma:g}", number, t)
            drawn = samples.drawn(rng, analysis, signal, number)
            columns = [[own[name] for name in ("ra", "dec", "ang_err", "log10_energy")] for own in drawn]
            sky = hypothesis.scrambled(rng)
            for i, joined in enumerate((False, True)):
                extra = [s.with_events(*own, joined=joined) for s, own in zip(analysis.seasons, columns, strict=True)]
                found[t, i] = hypothesis.fit(hypothesis.injected(sky, extra)).ts
            anew = [remade(*of) for of in zip(analysis.seasons, events.values(), columns, strict=True)]
            of_data = replace(analysis, seasons=tuple(season for season, _ in anew))
            other = Hypothesis(of_data, hypothesis.sources, hypothesis.spectra, hypothesis.near)
            found[t, 2] = other.fit(other.injected(sky, [extra for _, extra in anew])).ts
        kept = found[found[:, 2] > 1]
        rows.append(
            (
                f"{dec_deg:g}",
                f"{gamma:g}",
                number,
                *(f"{median:.1f}" for median in np.median(found, axis=0)),
                *(f"{share:.2f}" for share in (found > 25).mean(axis=0)),
                f"{100 * (kept[:, 1] / kept[:, 2] - 1).mean():+.1f} %",
            )
        )
    kinds = ("without it", "in trials", "made anew")
    about = (
        "Signal in the sky is part of what the background's densities are made of. Skies with Poisson numbers "
        f"of injected events, {n_trials} of each kind, three ways on the same sky: densities of the data only; what "
        "trials do, where the injected events are part of the densities at each other; and densities made anew for all "
        "events from data and signal together, as they are for a real sky. Always each event is left out at itself."
    )
    header = (
        "dec [deg]",
        "gamma",
        "events",
        *(f"median TS, {kind}" for kind in kinds),
        *(f"TS > 25, {kind}" for kind in kinds),
        "TS in trials over made anew",
    )
    return page.Table(about, header, rows)


def remade(season: SeasonEvents, known: tuple, columns: Sequence[np.ndarray]) -> tuple[SeasonEvents, SeasonEvents]:
    """A season and extra events of it, against the background made of both; `known` are log10(E/GeV) and sin(dec)."""
    ra, dec, ang_err, log10_energy = columns
    whole = SeasonEvents.of_data(
        (season.name, season.response, season.livetime_s),
        np.concatenate((season.ra, ra)),
        np.concatenate((season.dec, dec)),
        np.concatenate((season.ang_err, ang_err)),
        np.concatenate((known[0], log10_energy)),
    )
    inverse = np.split(whole.inverse_background, [len(season)])
    extra = replace(season.with_events(*columns), inverse_background=inverse[1])
    return replace(season, inverse_background=inverse[0]), extra


def make(n_sources: int | None = None, least_ts: float = LEAST_TS, n_trials: int = N_TRIALS) -> str:
    folder = samples.data_folder()
    chosen = ICECUBE_10YR.select(list(samples.REAL_SEASONS))
    release = icecube_10yr.read(folder / "icecube_10year_ps", ICECUBE_10YR, chosen, check_counts=True)
    events = {
        name: (table["log10_energy_gev"].to_numpy(), np.sin(np.radians(table["dec_deg"].to_numpy())))
        for name, table in release.events.items()
    }
    about = (
        "Real events of IC40, IC79 and IC86_I. The density of nusky is a kernel density of log10(E) minus its running "
        f"median: widths {KERNELS[0]:g} in log10(E) and {KERNELS[1]:g} in sin(dec) where the density is typical, "
        f"others by its power -{KERNELS[2]:g}. The histogram has bins of 0.1 and 0.05; it is what nusky had before. "
        f"{N_FOLDS} folds, seed {SEED}. TS of a point source, gamma free, fourteen-year response (version 1.0) as a "
        "stand-in."
    )
    analysis = samples.real(folder)
    spread = spreads(analysis, events, n_sources, least_ts)
    found = [cross_validation(events), *spread, signal_in_background(analysis, events, n_trials)]
    return page.page("background", "The background's density in energy", about, found)


if __name__ == "__main__":
    page.main("background", make)
