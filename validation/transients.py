"""Windows in time, one source and a stack of transients: uniform p-values, coverage of fluence limits, recovery.

The skies that are tested permute the times of all events of a season; the background trials that they are ranked in,
and the skies signal is added to, take the short cut that draws near events in a window only.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from nusky import config
from nusky.catalogues.build import build_catalogue
from nusky.catalogues.weights import model_weights
from nusky.conventions import STANDARD
from nusky.detector.spectrum import PowerLaw
from nusky.search.analysis import Analysis
from nusky.search.experiment import Experiment
from nusky.search.injection import Signal
from nusky.search.sources import Sources
from nusky.search.statistics.pvalues import local_p_value
from nusky.search.target import Target
from nusky.search.time_profile import Box, Gaussian, TimeProfile, reach_of, why_unseen
from nusky.stages.inference import positions, profiles_of
from validation import coverage, null, page, samples

SEED = 4014
DEC_DEG, CENTRE_MJD = 5.693, 55500.0
"""Of the source; its windows lie within IC79."""
GAMMA = 2.0
DAYS = (1.0, 30.0, 300.0)
WIDTH_DAYS = 20.0
STACK, GOLD = "54 tidal disruption events", "their gold sample"
N_SKIES, N_BACKGROUND, N_RECOVERY = (2000, 2000), (3000, 2000), (400, 100)
"""Numbers of skies and trials, of windows of one source and of stacks, which take longer."""
COVERED = {"box of 30 days": ((5.0, 10.0, 20.0), 1000), GOLD: ((10.0, 20.0), 300)}
"""Mean numbers of injected events of the tests of coverage, and numbers of trials."""
INJECTED = (3.0, 10.0, 30.0)
"""Mean numbers of the test of recovery."""


def profiles() -> dict[str, TimeProfile]:
    """Boxes and a Gaussian of the source."""
    boxes = {f"box of {days:g} days": Box(CENTRE_MJD - days / 2, CENTRE_MJD + days / 2) for days in DAYS}
    first = {name.replace("1 days", "1 day"): box for name, box in boxes.items()}
    return first | {f"Gaussian, width {WIDTH_DAYS:g} days": Gaussian(CENTRE_MJD, WIDTH_DAYS)}


def transients(analysis: Analysis, sample: str | None = None) -> tuple[Sources, dict[str, str]]:
    """The ready-made stack of tidal disruption events that share the fluence, and who is left out, with the reason.

    `sample` is the column of a part of them.
    """
    block = config.Catalogue(**config.PRESETS["tdes"])
    table = build_catalogue(block, "tdes")[0]
    made = profiles_of(block.time, table)
    why = [why_unseen(profile, analysis.runs) for profile in made]
    seen = np.array([not reason for reason in why])
    weights = model_weights(table, config.Weighting(column=sample), STANDARD.name)[0]
    weights /= [profile.total(*reach_of(analysis.runs)) for profile in made]
    kept = [profile for profile, use in zip(made, seen, strict=True) if use]
    sources = Sources.of(*(values[seen] for values in positions(table)), weights[seen], kept)
    names = table["name"].to_pylist()
    return sources, {name: reason for name, reason in zip(names, why, strict=True) if reason}


def experiments(analysis: Analysis) -> dict[str, Experiment]:
    """Every window of the source, and the stack."""
    ra, dec = 2.0, np.radians(DEC_DEG)
    sources = {name: Sources.of(ra, dec, profiles=profile) for name, profile in profiles().items()}
    sources |= {STACK: transients(analysis)[0], GOLD: transients(analysis, "gold")[0]}
    return {name: samples.experiment(analysis, own, SEED, name) for name, own in sources.items()}


def p_values(experiment: Experiment, n_skies: int, n_background: int) -> tuple[null.Uniformity, float]:
    """Local p-values of skies with permuted times, and that of the events as they are."""
    background = experiment.background(range(n_background))[:, 0, 2]
    p_value = local_p_value(experiment.observed[0, 2], background).p_value
    return null.uniformity(null.full_skies(experiment, n_skies), background), p_value


def recovered(experiment: Experiment, injected: float, n_trials: int) -> tuple[float, float]:
    """Mean fitted n_s of skies with a Poisson number of injected events, and its error."""
    signal = Signal.of(experiment.hypothesis.analysis, experiment.hypothesis.sources, PowerLaw(GAMMA))
    fitted = experiment.injected(signal, injected, n_trials, "recovery", f"{injected:g}")[:, 0, 0]
    return float(fitted.mean()), float(fitted.std(ddof=1) / np.sqrt(n_trials))


def fluence_per_event(experiment: Experiment) -> float:
    """E^2 F at 100 TeV of all sources together for one expected event, GeV cm^-2."""
    scale = Target(experiment, experiment.hypothesis.sources, {}, PowerLaw(GAMMA)).flux_scale(GAMMA)
    return 1e5**2 * scale.duration_s / scale.events_per_phi0_gev


def null_rows(
    tested: dict[str, Experiment], skies: tuple[int, int], trials: tuple[int, int]
) -> Iterator[tuple[str, ...]]:
    """Uniformity of the p-values of every hypothesis; numbers as `N_SKIES` and `N_BACKGROUND`."""
    for name, experiment in tested.items():
        if name == GOLD:
            continue
        n_skies, n_background = skies[name == STACK], trials[name == STACK]
        found, p_value = p_values(experiment, n_skies, n_background)
        ((n_signal, _, ts),) = experiment.observed
        shares = [
            f"{share:.3f} ({'out of reach: TS = 0' if np.isnan(p) else f'{p:.2f}'})"
            for share, p in zip(found.shares, found.two_sided, strict=True)
        ]
        verdict = "met" if found.ks_p_value > null.LOWEST else "MISSED"
        row = name, n_skies, n_background, f"{found.share_at_zero:.3f}", f"{found.ks_p_value:.3f}", verdict, *shares
        yield (*map(str, row), f"{n_signal:.2f}, {ts:.2f}, {p_value:.2g}")


def coverage_rows(
    tested: dict[str, Experiment], covered: Mapping[str, tuple[Sequence[float], int]]
) -> Iterator[tuple[str, ...]]:
    """Coverage of the fluence limits of those of `covered`, which is as `COVERED`."""
    for name, (strengths, n_trials) in covered.items():
        experiment, per_event = tested[name], fluence_per_event(tested[name])
        signal = Signal.of(experiment.hypothesis.analysis, experiment.hypothesis.sources, PowerLaw(GAMMA))
        for at_zero, found in coverage.coverages(experiment, signal, strengths, n_trials):
            error = f"{found.coverage_low:.3f} to {found.coverage_high:.3f}"
            events, fluence = f"{found.n_injected:g}", f"{found.n_injected * per_event:.2e}"
            row = name, n_trials, events, fluence, f"{at_zero:.3f}", found.method, f"{found.coverage:.3f}", error
            yield (*map(str, row), coverage.verdict(found, at_zero))


def recovery_rows(tested: dict[str, Experiment], skies: tuple[int, int]) -> Iterator[tuple[str, ...]]:
    """Mean fitted n_s of windows of one source and of the gold sample; numbers as `N_RECOVERY`."""
    for name, experiment in tested.items():
        if name == STACK:
            continue
        n_trials = skies[name == GOLD]
        found = [recovered(experiment, injected, n_trials) for injected in INJECTED]
        yield name, str(n_trials), *(f"{mean:.2f} ± {error:.2f}" for mean, error in found)


def _shown(rows: Iterator[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        print(*row, flush=True)
        yield row


def make(
    n_skies: tuple[int, int] = N_SKIES,
    n_background: tuple[int, int] = N_BACKGROUND,
    n_recovery: tuple[int, int] = N_RECOVERY,
    covered: Mapping[str, tuple[Sequence[float], int]] = COVERED,
) -> str:
    """The page, at the sizes of the constants of these names."""
    analysis = samples.real(samples.data_folder(), times=True)
    tested, outside = experiments(analysis), transients(analysis)[1]
    shares = tuple(f"p <= {level}" for level in null.LEVELS)
    return page.page(
        "transients",
        "Windows in time and stacks of transients",
        "Real events of IC40, IC79 and IC86_I with permuted times; detector response of the fourteen-year release, "
        f"version 1.0, as a stand-in. One source at declination {DEC_DEG} deg whose windows are centred on MJD "
        f"{CENTRE_MJD:g}, and the ready-made catalogue `tdes`, sources sharing the fluence, each in its own window. "
        "Its gold sample stands for it where many trials are needed. "
        f"γ is fitted. Seed {SEED}.",
        [
            page.Table(
                f"{len(outside)} of the 54 windows lie outside these seasons and are left out, by name and reason.",
                ("source", "reason"),
                list(outside.items()),
            ),
            page.Table(
                "P-values under the null: skies with the times of all events permuted, ranked in background trials. "
                "The Kolmogorov-Smirnov test breaks ties at random, as all skies with TS = 0 have p = 1; in brackets "
                "the two-sided binomial p-value of each share. Last: n_s, TS and p of the events at their own times.",
                ("hypothesis", "skies", "trials", "share at TS = 0", "KS p-value", "p > 0.01", *shares, "as observed"),
                list(_shown(null_rows(tested, n_skies, n_background))),
            ),
            page.Table(
                f"Coverage of 90 % upper limits on the fluence, γ = {GAMMA:g}: share of pseudo-experiments with the "
                "true strength below the limit, as many background trials and trials at each strength of the limits, "
                "other random streams; interval: Clopper-Pearson, 68 %. Fluence E² F at 100 TeV of all sources "
                "together. Where more than 10 % of the trials give TS = 0, no limit ordered by TS can exclude the "
                "strength in 10 % of them.",
                (
                    "hypothesis",
                    "trials",
                    "events",
                    "fluence [GeV cm⁻²]",
                    "share at TS = 0",
                    "method",
                    "coverage",
                    "interval",
                    "0.88 to 0.92",
                ),
                list(_shown(coverage_rows(tested, covered))),
            ),
            page.Table(
                "Recovery: mean fitted n_s of skies with a Poisson number of injected events.",
                ("hypothesis", "skies", *(f"{injected:g} injected" for injected in INJECTED)),
                list(_shown(recovery_rows(tested, n_recovery))),
            ),
        ],
    )


if __name__ == "__main__":
    page.main("transients", make)
