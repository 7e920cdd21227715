"""Is the hadronic fraction of all sources found again, and do its limits hold the truth?

Every source of a catalogue emits the fraction f of the neutrinos that its measured gamma rays allow, and one f is
fitted to all of them, as production does.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import norm

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.likelihood import energy
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Experiment, Request
from nusky.search.far_pairs import far_by_bin
from nusky.search.hadronic import Detector, hadronic_spectra, select
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.recovery import cover
from nusky.search.statistics.limits import central_interval
from nusky.stages.source_limits import hadronic_signal
from validation import coverage, page, samples

SEED = 4009
CATALOGUES = ("km2a-hess", "wcda-hess")
N_SIGNAL, MORE_SIGNAL = 50.0, 100.0
"""Events injected, and those that coverage is stated at, too, where so few give TS = 0 in more than 10 % of trials."""
N_TRIALS, N_COVERED = 250, 400
"""Pseudo-experiments of the fits whose bias is taken apart, and of what comes from trials, as many at each strength."""
_WITHIN = 0.03
_CELLS = ((0, 0, "no event"), (1, 9, "1 to 9 events"), (10, None, "10 events or more"))
"""Kinds of cells by the least and the most events of the background in them."""


def experiment_of(analysis: Analysis, catalogue: str) -> tuple[Experiment, Signal, float]:
    """The fit of one fraction to a catalogue, its signal, and the events expected if all gamma rays are hadronic."""
    table, _ = build_catalogue(config.Catalogue(**config.PRESETS[catalogue]), catalogue)
    spectra = hadronic_spectra(table)
    spectra = select(spectra, ~spectra.repeated)
    detector = Detector(analysis.areas, analysis.responses, analysis.livetimes_s)
    spectra = select(spectra, spectra.expected_events(detector) > 0)
    sources, own = hadronic_signal(table, spectra)
    experiment = Experiment(Hypothesis.of(analysis, sources, [own]), False, SEED, ("hadronic", catalogue))
    return experiment, Signal.of(analysis, sources, own), float(spectra.expected_events(detector).sum())


def unbounded(fitted: np.ndarray) -> float:
    """Mean of the normal distribution that has the mean and the share at 0 of `fitted` >= 0, if it is cut there."""
    at = -norm.ppf(np.clip(np.mean(fitted == 0), 0.5 / len(fitted), 1 - 0.5 / len(fitted)))
    return float(fitted.mean() * at / (at * norm.cdf(at) + norm.pdf(at)))


def estimated(calibration: LimitCalibration, ts: np.ndarray, n_signal: float) -> tuple[str, str, str]:
    """Of `ts` (n_trials,) with `n_signal` events: median of the unbiased estimate over these, verdict, coverage."""
    intervals = {value: calibration.interval(value) for value in sorted(set(ts.tolist()), reverse=True)}
    low, middle, high = np.array([intervals[value] for value in ts.tolist()]).T
    found, rng, spread = float(np.median(middle)) / n_signal, np.random.default_rng(SEED), []
    for _ in range(200):  # the estimate rises with TS, so its median is that of the median TS
        values = tuple(rng.choice(own, len(own)) for own in calibration.grid.values)
        own = replace(calibration.grid, values=values)
        spread.append(central_interval(own, float(np.median(rng.choice(ts, len(ts)))))[1] / n_signal)
    error = float(np.std(spread, ddof=1))
    within = "within its error" if abs(found - 1) <= _WITHIN + error else "MISSED"
    covered = f"{np.mean((low <= n_signal) & ~(high < n_signal)):.3f}"
    return f"{found:.3f} ± {error:.3f}", "met" if abs(found - 1) <= _WITHIN else within, covered


def with_error(statistic: Callable[[np.ndarray], float], values: np.ndarray) -> str:
    """A statistic of `values` with the spread of it among samples drawn from them."""
    rng = np.random.default_rng(SEED)
    spread = np.std([statistic(rng.choice(values, len(values))) for _ in range(200)], ddof=1)
    return f"{statistic(values):.3f} ± {spread:.3f}"


def sums_by_cell(hypothesis: Hypothesis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What cells of energy and AngErr at each source hold of signal and of S/B, three (n_seasons, n_sources, n_bins).

    Share of the signal; mean of S/B over the events of scrambled skies, which would be the same share were the
    background's model right; and the events there, in the band of declination and with the neighbours in energy.
    """
    analysis, dec = hypothesis.analysis, hypothesis.sources.dec
    densities = hypothesis._densities(np.arange(len(dec)))[..., 0].sum(axis=3)  # whatever the distance
    n_energies, n_ang_err = len(energy.LOG10_ENERGY_EDGES) - 1, len(energy.ANG_ERR_EDGES) - 1
    width = np.repeat(np.diff(energy.LOG10_ENERGY_EDGES), n_ang_err)
    band, made = energy.sin_dec_band(np.sin(dec)), []
    for season, r in zip(analysis.seasons, analysis.response_numbers, strict=True):
        whole = replace(season, reach=np.zeros_like(season.reach))  # every pair is far
        # The sum over a sky does not depend on the width of a source.
        sums = far_by_bin([whole], dec, 0.0, analysis.widths, len(width))[0, ..., -1] / len(season)
        counts = np.zeros((len(energy.SIN_DEC_MIDDLES), n_energies, n_ang_err))
        np.add.at(counts, (season.band, *np.divmod(season.bin, n_ang_err)), 1)
        padded = np.pad(counts, ((0, 0), (1, 1), (0, 0)))
        near = counts + padded[:, 2:] + padded[:, :-2]
        made.append((densities[r] * width, densities[r] * sums, near[band].reshape(len(dec), -1)))
    signal, mean, events = map(np.stack, zip(*made, strict=True))
    share = hypothesis.response_shares[analysis.response_numbers] * hypothesis.shares[0][:, None, None]
    return signal * share, mean * share, events


def balanced(hypothesis: Hypothesis, mean: np.ndarray) -> Hypothesis:
    """The same with a mean of S/B of 1 in every season, where it is `mean` (n_seasons,)."""
    made, missing = replace(hypothesis), hypothesis.analysis.n_events * (1 - mean)
    # S/B of every event and 1 - mean, so that the part of the signal that meets no background lies where this does
    made.__dict__["signal"] = hypothesis.signal._replace(far=hypothesis.signal.far + missing[:, None])
    return made


def make(
    event_fraction: float = 1.0,
    n_trials: int = N_TRIALS,
    n_covered: int = N_COVERED,
    n_signal: float = N_SIGNAL,
    catalogues: Sequence[str] = CATALOGUES,
) -> str:
    with tempfile.TemporaryDirectory() as folder:
        samples.write_generated(Path(folder), event_fraction)
        analysis = samples.read_written(Path(folder))
    found, estimates, causes, cells, limits = [], [], [], [], []
    for catalogue in catalogues:
        experiment, signal, n_hadronic = experiment_of(analysis, catalogue)
        hypothesis = experiment.hypothesis
        expected, mean, events = sums_by_cell(hypothesis)
        for least, most, what in _CELLS:
            own = (events >= least) & (events <= (np.inf if most is None else most))
            share, part = expected[own].sum(), mean[own].sum()
            cells.append((catalogue, what, f"{share:.4f}", f"{part:.4f}", f"{part - share:+.4f}"))
        per_season = mean.sum(axis=(1, 2)) / hypothesis.shares[0]
        named = experiment.named("recovery")
        even = replace(named, hypothesis=balanced(hypothesis, per_season))
        as_is, right = (
            coverage.fits_with(fitted, signal, n_signal, n_trials)[:, 0] / n_signal for fitted in (named, even)
        )
        verdict = "met" if abs(as_is.mean() - 1) <= _WITHIN else "MISSED"
        about_it = (catalogue, len(signal.spectra), f"{n_hadronic:.1f}", f"{n_signal / n_hadronic:.2f}")
        found.append((*about_it, f"{mean.sum():.3f}", with_error(np.mean, as_is), verdict))
        causes.append(
            (
                catalogue,
                f"{np.mean(as_is == 0):.3f}",
                *(with_error(of, values) for values in (as_is, right) for of in (np.mean, unbounded)),
            )
        )
        print(*found[-1], *causes[-1], flush=True)
        more = (n_signal * MORE_SIGNAL / N_SIGNAL,) * bool(np.mean(as_is == 0) > 1 - coverage.LEVEL)
        own = experiment.named("coverage")
        made = coverage.calibrations(own, signal, n_covered)
        for strength in (n_signal, *more):
            fits = coverage.fits_with(own, signal, strength, n_covered)
            f, at_zero = f"{strength / n_hadronic:.2f}", np.mean(fits[:, 2] == 0)
            estimates.append((catalogue, f, *estimated(made["neyman"], fits[:, 2], strength)))
            print(*estimates[-1], flush=True)
            for method, calibration in made.items():
                request = Request(coverage.LEVEL, method, (), n_covered)
                one = cover(own, signal, strength, fits, calibration, request)
                interval = f"{one.coverage_low:.3f} to {one.coverage_high:.3f}"
                about_it = (catalogue, f, f"{at_zero:.3f}", one.method, f"{one.coverage:.3f}", interval)
                limits.append((*about_it, coverage.verdict(one, at_zero)))
                print(*limits[-1], flush=True)
    return _page(analysis, n_signal, n_trials, n_covered, (found, estimates, causes, cells, limits))


def _page(analysis: Analysis, n_signal: float, n_trials: int, n_covered: int, rows: Sequence[list[tuple]]) -> str:
    about = (
        f"Generated ten-year release, {int(analysis.n_events.sum())} events with scrambled right ascensions, and the "
        "ten-year effective areas. Every source emits the fraction f of the neutrinos of its measured gamma rays "
        "(kinematic relation), with its own spectrum and range of energies; sources of an earlier list count once. f "
        f"is chosen so that {n_signal:g} events are expected of all sources. {n_trials} pseudo-experiments of fits, "
        f"{n_covered} of what comes from trials, as many at each strength; seed {SEED}.\n\n"
        "Why the best fit misses f. Were the background's model right, the mean of S/B over scrambled skies would be "
        "1. The part by which it is not moves n_s by that part of its variance, which for a hundred extended sources "
        "is of the order of a thousand, and not tens as for one source. The fourth table says where that part comes "
        "from: signal with an energy and an angular error that no event of the background has there counts for "
        "nothing, and where events are few each is left out of the density that it is compared with, so that S/B is "
        "too large. The two nearly cancel, and what is left of them depends on the spectra.\n\n"
        "The third table has fits of the same skies with a mean of S/B of 1 in every season: the missing part of "
        "the signal is taken to lie where the background does. And it has the mean of the normal distribution whose "
        "part below 0 the bound n_s >= 0 turns to 0, which lies lower than the mean of the fits where n_s is not "
        "much larger than its error. Neither is what a run does. Setting the mean to 1 is no cure for it: with a "
        "hundredth of the events a handful of them makes the mean, and what is found then is far too little.\n\n"
        "Trials have the same likelihood, and what comes from trials allows for the bias: limits, p-values, and the "
        "fraction with which half of the trials find a larger TS (`fraction_unbiased`), which lies above the true one "
        "as often as below it, with its central interval. The error of its median below is that of both sets of trials."
    )
    where = (
        "Where the mean of S/B comes from: cells of declination, energy and angular error by the events of the "
        "background in them."
    )
    heads = {
        "The fitted fraction over the injected one.": "catalogue; sources; events if hadronic; injected f; "
        "mean of S/B; mean fitted f / injected; within 3 %",
        "The unbiased fraction from trials over the injected one, and its 68 % interval.": "catalogue; injected f; "
        "median unbiased f / injected; within 3 %; 68 % intervals cover",
        "What its bias is made of, on the same skies.": "catalogue; fits at n_s = 0; as it is; as it is, without the "
        "bound; mean of S/B 1; mean of S/B 1, without the bound",
        where: "catalogue; cells with; share of the signal; part of the mean of S/B; difference",
        "Coverage of the 90 % upper limits on f; interval: Clopper-Pearson, 68 %.": "catalogue; f; share at TS = 0; "
        "method; coverage; interval; 0.88 to 0.92",
    }
    tables = [
        page.Table(title, tuple(columns.split("; ")), own)
        for (title, columns), own in zip(heads.items(), rows, strict=True)
    ]
    return page.page("hadronic", "Hadronic fraction of all sources", about, tables)


if __name__ == "__main__":
    page.main("hadronic", make)
