"""Do the limits on the three-year release hold what they say, if its signal is as its resolution tables tell?

The release has no smearing tables, only the median distance between true and reconstructed direction by true energy.
The pseudo-experiments draw signal from the release's own text files by code of their own: energies from effective area
times spectrum, AngErr as among the events within five degrees, scaled so that distances have the median of the energy.
A second truth is the simulated response of the fourteen-year release, of another event selection: what it leaves of the
coverage is a systematic. Beside nusky's limits stand those from the stand-in of releases that give no resolution, an
AngErr of background, which nusky used for this one too.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from nusky.detector import smearing
from nusky.detector.smearing import Smearing
from nusky.detector.spectrum import PowerLaw
from nusky.releases import icecube_3yr, ingest
from nusky.releases.registry import ICECUBE_3YR
from nusky.search.analysis import Analysis
from nusky.search.calibration import LimitCalibration
from nusky.search.experiment import Experiment, Request
from nusky.search.injection import Signal, inject, true_energies
from nusky.search.recovery import pseudo_experiments
from nusky.search.season import SeasonEvents
from validation import page, samples

SEED = 4011
LEVEL = 0.9
DECLINATIONS_DEG = (-32.0, 5.7, 41.0)
GAMMAS = (2.0, 2.5, 3.0, 3.5)
N_TRIALS = 400
"""Background trials, trials at each strength of the limits, and pseudo-experiments."""
ABOVE = 1.5
"""Injected events over the limit of the median background: there TS = 0 is rare enough for 90 %."""
GOAL = (0.88, 0.93)
_REACH = np.radians(5.0)


@dataclass(frozen=True)
class Files:
    """What the text files of one season say: columns of events, effective area and resolution."""

    events: np.ndarray
    area: np.ndarray
    resolution: np.ndarray

    @classmethod
    def of(cls, root: Path, season: str) -> "Files":
        """The files of `season` below `root`."""
        return cls(*(np.loadtxt(root / f"{season}-{name}.txt").T for name in ("events", "TabulatedAeff", "AngRes")))

    def draw(self, rng: np.random.Generator, dec: float, gamma: float, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Distance from the source and AngErr [rad] of `n` neutrinos."""
        low, high, cos_low, cos_high, area = self.area
        here = (cos_low <= -np.sin(dec)) & (-np.sin(dec) < cos_high)
        low, high, area = low[here], high[here], area[here]
        weight = area * (low ** (1 - gamma) - high ** (1 - gamma))
        row = rng.choice(len(low), n, p=weight / weight.sum())
        edge = low[row] ** (1 - gamma), high[row] ** (1 - gamma)
        energy = (edge[0] + rng.random(n) * (edge[1] - edge[0])) ** (1 / (1 - gamma))
        bins, medians = self.resolution[0], np.radians(self.resolution[2])
        median = medians[np.clip(np.searchsorted(bins, energy, side="right") - 1, 0, len(bins) - 1)]
        near = np.abs(np.radians(self.events[4]) - dec) < _REACH
        ang_err = np.radians(np.maximum(self.events[2][near], 0.2))
        sample = ang_err[rng.integers(0, len(ang_err), 20_000)] * rng.rayleigh(1.0, 20_000)
        own = ang_err[rng.integers(0, len(ang_err), n)] * median / np.median(sample)
        return own * rng.rayleigh(1.0, n), own


@dataclass(frozen=True)
class FileInjector:
    """Signal of one source as the text files tell; `files` by season."""

    analysis: Analysis
    files: Mapping[str, Files]
    smearings: Mapping[str, Smearing] | None = None
    """If given, distance and AngErr come from these instead."""

    def __call__(self, rng: np.random.Generator, signal: Signal, n_injected: float) -> list[SeasonEvents]:
        """Poisson(`n_injected`) signal events of one sky, one `SeasonEvents` per season."""
        if self.smearings is not None:
            energies = true_energies(self.analysis.areas, signal.sources, signal.spectra)
            response = energies, self.smearings, self.analysis.responses
            drawn = inject(rng, signal.sources, n_injected * signal.share, *response)
            names = ("ra", "dec", "ang_err")
            seasons = zip(self.analysis.seasons, drawn, strict=True)
            return [season.with_events(*(events[name] for name in names), None) for season, events in seasons]
        made, gamma = [], signal.spectra[0].parameter
        ra, dec = float(signal.sources.ra[0]), float(signal.sources.dec[0])
        for season, share in zip(self.analysis.seasons, signal.share[:, 0], strict=True):
            n = rng.poisson(n_injected * share)
            psi, ang_err = self.files[season.name].draw(rng, dec, gamma, n)
            angle = rng.uniform(0, 2 * np.pi, n)
            sin_dec = np.sin(dec) * np.cos(psi) + np.cos(dec) * np.sin(psi) * np.cos(angle)
            east = np.arctan2(np.sin(angle) * np.sin(psi) * np.cos(dec), np.cos(psi) - np.sin(dec) * sin_dec)
            made.append(season.with_events((ra + east) % (2 * np.pi), np.arcsin(sin_dec), ang_err, None))
        return made


def released(folder: Path) -> tuple[Analysis, dict[str, Files]]:
    """The three-year release, fetched into `folder`: as nusky reads it, and its text files."""
    root = ingest.fetched(ICECUBE_3YR, folder, progress=False).root
    found = icecube_3yr.read(root, ICECUBE_3YR, ICECUBE_3YR.seasons, check_counts=True)
    analysis = Analysis.of_tables(
        *(found.seasons, list(found.events.values()), found.effective_area, found.smearing),
        angular_resolutions=found.angular_resolution,
    )
    return analysis, {season.name: Files.of(root, season.name) for season in ICECUBE_3YR.seasons}


def smearings() -> dict[str, Smearing]:
    """Smearing of the fourteen-year release (version 1.0) by the three-year response it stands in for."""
    named = {season.response: "IC79" if season.name.startswith("IC79") else "IC86_I" for season in ICECUBE_3YR.seasons}
    tables = {name: samples.stand_in_smearing(samples.data_folder(), name) for name in set(named.values())}
    return {response: smearing.from_table(tables[name])[name] for response, name in named.items()}


def calibration(experiment: Experiment, signal: Signal, background: np.ndarray, n_trials: int) -> LimitCalibration:
    """Limits from trials of `experiment`."""
    gamma = signal.spectra[0].parameter
    guess = experiment.asymptotic_limit(experiment.hypothesis.data(), gamma, LEVEL).n_signal
    request = Request(LEVEL, "neyman", (), n_trials)
    return LimitCalibration(experiment.named("limits").trial_ts(signal), background, guess, request)


def coverage(made: LimitCalibration, ts: np.ndarray, strength: float) -> str:
    """Share of limits that hold `strength`, with its 68 % interval."""
    ordered = np.sort(ts)  # the larger TS, the larger the limit
    first, stop = 0, len(ordered)
    while first < stop:
        middle = (first + stop) // 2
        if made.limit(float(ordered[middle])).n_signal >= strength:
            stop = middle
        else:
            first = middle + 1
    n_held = len(ordered) - first
    low, high = binomtest(n_held, len(ts)).proportion_ci(0.683)
    return f"{n_held / len(ts):.3f} ({low:.3f} to {high:.3f})"


def rows(
    analysis: Analysis,
    files: Mapping[str, Files],
    stand_ins: Mapping[str, Smearing],
    dec_deg: float,
    gamma: float,
    n_trials: int,
) -> tuple:
    """One row of the page."""
    source = samples.point(dec_deg)
    experiment = samples.experiment(analysis, source, SEED, f"{dec_deg:g}", f"{gamma:g}", gamma=gamma)
    signal = Signal.of(analysis, source, PowerLaw(gamma))
    background = experiment.background(range(n_trials))[:, 0, 2]
    limits = calibration(experiment, signal, background, n_trials)
    stand_in = samples.experiment(
        replace(analysis, median_spreads=None), source, SEED, f"{dec_deg:g}", f"{gamma:g}", "old", gamma=gamma
    )
    old = calibration(stand_in, signal, background, n_trials)
    usual = float(np.quantile(background, 0.5, method="inverted_cdf"))
    new_limit, old_limit = limits.limit(usual).n_signal, old.limit(usual).n_signal
    strength = ABOVE * new_limit
    found = {}
    for number, smearings in enumerate((None, stand_ins)):
        truth = samples.experiment(analysis, source, SEED, f"{dec_deg:g}", f"{gamma:g}", "truth", number, gamma=gamma)
        truth.__dict__["inject"] = FileInjector(analysis, files, smearings)
        skies = pseudo_experiments(truth, signal, strength, n_trials)
        found[number] = np.array([experiment.fits(sky)[0, 2] for sky in skies])
    own = coverage(limits, found[0], strength)
    verdict = "met" if GOAL[0] <= float(own.split()[0]) <= GOAL[1] else "MISSED"
    drawn = np.concatenate(
        [
            one.draw(np.random.default_rng(1), np.radians(dec_deg), gamma, round(20_000 * share))[0]
            for one, share in zip(files.values(), signal.share[:, 0], strict=True)
        ]
    )
    return (
        *(f"{dec_deg:g}", f"{gamma:g}", f"{np.degrees(np.median(drawn)):.2f}", f"{strength:.1f}", own, verdict),
        *(coverage(limits, found[1], strength), coverage(old, found[0], strength)),
        *(f"{old_limit:.1f}", f"{new_limit:.1f}", f"{new_limit / old_limit:.2f}"),
    )


def make(n_trials: int = N_TRIALS, declinations: tuple = DECLINATIONS_DEG, gammas: tuple = GAMMAS) -> str:
    made = []
    with tempfile.TemporaryDirectory() as folder:
        analysis, files = released(Path(folder))
        stand_ins = smearings()
        for dec_deg in declinations:
            for gamma in gammas:
                made.append(rows(analysis, files, stand_ins, dec_deg, gamma, n_trials))
                print(*made[-1], flush=True)
    about = (
        f"Three-year release, one source, limits at {LEVEL:.0%} (Neyman) from {n_trials} trials at each strength; "
        f"{n_trials} pseudo-experiments each with {ABOVE:g} times the events of the usual limit, drawn from the "
        f"release's text files by code of their own; seed {SEED}. The release's resolution is a median by decade of "
        "energy. That AngErr of signal is distributed as among events of the declination, scaled so that distances, "
        "Gaussian of width AngErr, have this median, is assumed by limits and truth alike. `Simulated response`: the "
        "same limits where distance and AngErr of the truth come from the smearing of the fourteen-year release, "
        "version 1.0, another event selection: what the assumption, or the selection, leaves as a systematic error. "
        "`Stand-in`: limits whose trials take both from background events."
    )
    header = ("dec, deg", "gamma", "median distance, deg", "events", "coverage", f"{GOAL[0]} to {GOAL[1]}")
    header += ("simulated response", "stand-in", "usual limit, stand-in", "usual limit", "ratio")
    table = page.Table(
        "In brackets: Clopper-Pearson, 68 %. The usual limit is that of the median background.", header, made
    )
    return page.page("three_year", "Limits on the three-year release", about, [table])


if __name__ == "__main__":
    page.main("three_year", make)
