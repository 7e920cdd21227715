"""Flares found by nusky and by SkyLLH, an independent program, in the same text files.

python -m validation.flare_oracle --prepare FOLDER
PYTHON-WITH-SKYLLH validation/run_skyllh_flares.py FOLDER
python -m validation.flare_oracle --compare FOLDER --write

A season of generated ten-year events, to which flares at many places are added, Gaussian in time. Both programs fit
each place with a known window, a box from two widths before to two after the centre, and then look for the flare
without knowing when it was: nusky among all boxes, SkyLLH with a Gaussian by expectation maximisation.
"""

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from nusky.detector.spectrum import PowerLaw
from nusky.likelihood import energy
from nusky.releases import icecube_10yr
from nusky.releases.generator import generate_release
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.sources import Sources
from nusky.search.time_profile import Box, Flare, Gaussian, TimeProfile, joined
from nusky.search.trials import stream
from validation import page, samples
from validation.outside_oracle import with_energy_of

SEED, GENERATED = 4015, 20220516
RELEASE = "icecube_10year_ps"
SEASONS = ("IC86_I",)
"""SkyLLH looks for flares in one data set at a time."""
N_FLARES, N_EXPECTED, GAMMA = 50, 14.0, 2.2
WIDTHS = (3.0, 30.0)
"""Smallest and largest width (sigma) of an injected flare, days; drawn with equal chance on a logarithmic scale."""
SIN_DEC = (-0.1, 0.7)
HALF = 2.0
"""Widths from the centre of a flare to the edges of its known window."""
FLARE = Flare(1.0, 150.0)
N_TRIALS = 200
TOLERANCE = {"TS": 0.10, "n_s": 0.15}


def read(folder: Path, with_energy: bool = True) -> Analysis:
    """The analysis of the text files, with the times of the events."""
    seasons = ICECUBE_10YR.select(list(SEASONS))
    found = icecube_10yr.read(folder / RELEASE, ICECUBE_10YR, seasons, check_counts=False)
    others = found.effective_area, found.smearing if with_energy else found.smearing.slice(0, 0)
    return Analysis.of_tables(found.seasons, list(found.events.values()), *others, uptimes=found.uptimes)


def prepare(folder: Path, event_fraction: float = 1.0, n_flares: int = N_FLARES) -> None:
    """Write the release with the injected flares, and what to fit."""
    generate_release(folder / RELEASE, ICECUBE_10YR, ICECUBE_10YR.select(list(SEASONS)), GENERATED, event_fraction)
    analysis, rng = read(folder), np.random.default_rng(SEED)
    runs, flares = joined(analysis.runs), []
    for number in range(n_flares):
        width = float(np.exp(rng.uniform(*np.log(WIDTHS))))
        ra, dec = rng.uniform(0, 2 * np.pi), np.arcsin(rng.uniform(*SIN_DEC))
        centre = float(runs.when(rng.uniform(HALF * width, runs.livetime - HALF * width)))
        inject(analysis, folder / RELEASE, number, (ra, dec), Gaussian(centre, width))
        flares.append({"ra_deg": np.degrees(ra), "dec_deg": np.degrees(dec), "centre": centre, "width": width})
    binning = {"log_energy": energy.LOG10_ENERGY_EDGES.tolist(), "sin_dec": energy.SIN_DEC_EDGES.tolist()}
    (folder / "flares.json").write_text(json.dumps({"flares": flares, "binning": binning}), encoding="utf-8")


def inject(sample: Analysis, release: Path, number: int, where: tuple[float, float], profile: TimeProfile) -> None:
    """Append the events of a flare at `where` (ra, dec in rad), drawn from the smearing rows, to the text files."""
    rng, sources = stream(SEED, "injected", number), Sources.of(*where, profiles=profile)
    drawn = samples.drawn(rng, sample, Signal.of(sample, sources, PowerLaw(GAMMA)), N_EXPECTED)
    for season, runs, events in zip(sample.seasons, sample.runs, drawn, strict=True):
        n = len(events["ra"])
        if not n:
            continue
        ra_deg, dec_deg, ang_err_deg = (np.degrees(events[name]) for name in ("ra", "dec", "ang_err"))
        mjd, azimuth = profile.draw(rng, runs, n), np.zeros(n)
        columns = (mjd, events["log10_energy"], ang_err_deg, ra_deg % 360, dec_deg, azimuth, 90 + dec_deg)
        with open(release / "events" / f"{season.name}_exp.csv", "a", encoding="utf-8") as file:
            np.savetxt(file, np.column_stack(columns), fmt=["%.8f", "%.2f", "%.2f", "%.3f", "%.3f", "%.3f", "%.3f"])


def source(flare: dict[str, float], profile: TimeProfile | None) -> Sources:
    """The place of an injected flare."""
    return Sources.of(*np.radians([flare["ra_deg"], flare["dec_deg"]]), profiles=profile)


def window(flare: dict[str, float]) -> Box:
    """The known window around an injected flare."""
    return Box(flare["centre"] - HALF * flare["width"], flare["centre"] + HALF * flare["width"])


def fits(analysis: Analysis, flare: dict[str, float]) -> dict[str, float]:
    """What nusky finds at the place of a flare."""
    known = Hypothesis.of(analysis, source(flare, window(flare))).fit()
    hypothesis = Hypothesis.of(analysis, source(flare, FLARE))
    best = next(hypothesis.likelihood(hypothesis.data()).flares())
    found = {"centre": (best.start + best.stop) / 2, "width": best.duration, "em_ts": best.ts}
    return {"ts": known.ts, "n_signal": known.n_signal, "gamma": known.gamma, **found}


def rate(analysis: Analysis, flare: dict[str, float], profile: TimeProfile | None, n_trials: int) -> float:
    """Background trials per second of one core at a place."""
    experiment = samples.experiment(analysis, source(flare, profile), SEED, "trials")
    experiment.named("warm up").background(range(5))
    start = time.process_time()
    experiment.background(range(n_trials))
    return n_trials / (time.process_time() - start)


def same(flare: dict[str, float], found: dict[str, float]) -> bool:
    """Whether the centre of a found flare lies in the window of the injected one."""
    return abs(found["centre"] - flare["centre"]) <= HALF * flare["width"]


def _near(prefix: str, name: str, _: dict, own: dict[str, float], other: dict[str, float]) -> bool:
    """Whether TS or n_s is as near to that of SkyLLH as demanded."""
    key = {"TS": "ts", "n_s": "n_signal"}[name]
    return abs(own[prefix + key] - other[key]) <= TOLERANCE[name] * other[key]


def compare(folder: Path, n_trials: int = N_TRIALS) -> str:
    """The page, from the fits of both programs."""
    flares, outcome = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("flares", "skyllh")
    )
    analysis, spatial, theirs = read(folder), read(folder, with_energy=False), outcome["fits"]
    flares = flares["flares"][: len(theirs)]  # SkyLLH takes its time, and may be stopped before the last
    ours = [fits(analysis, flare) for flare in flares]
    for flare, own, other in zip(flares, ours, theirs, strict=True):
        own["same_ts"], own["same_n_signal"], _ = with_energy_of(spatial, source(flare, window(flare)), other)
    rows = [
        (
            f"{flare['dec_deg']:.1f}",
            f"{flare['centre']:.1f} ± {flare['width']:.1f}",
            *(f"{own[key]:.2f} / {own[f'same_{key}']:.2f} / {other[key]:.2f}" for key in ("ts", "n_signal")),
            f"{own['gamma']:.2f} / {other['gamma']:.2f}",
            f"{own['centre']:.1f} / {other['centre']:.1f}",
            f"{own['width']:.1f} / {other['width']:.1f}",
            f"{'yes' if same(flare, own) else 'no'} / {'yes' if same(flare, other) else 'no'}",
        )
        for flare, own, other in zip(flares, ours, theirs, strict=True)
    ]
    pairs = list(zip(flares, ours, theirs, strict=True))
    agree: dict[str, Callable[..., bool]] = {
        **{
            f"known window{what}: {name} within {TOLERANCE[name]:.0%}".replace("%", " %"): partial(_near, prefix, name)
            for prefix, what in (("", ""), ("same_", ", energy ratios of SkyLLH"))
            for name in TOLERANCE
        },
        "unknown flare: nusky finds the injected one": lambda flare, a, _: same(flare, a),
        "unknown flare: SkyLLH finds the injected one": lambda flare, _, b: same(flare, b),
        "unknown flare: both find the same": lambda flare, a, b: same({**flare, "centre": b["centre"]}, a),
    }
    counts = [(what, sum(test(*pair) for pair in pairs), len(pairs)) for what, test in agree.items()]
    first, speeds = flares[0], []
    for what, profile, key in (
        ("steady", None, None),
        ("known box", window(first), "box_trial_s"),
        ("unknown flare", FLARE, "flare_trial_s"),
    ):
        our, their = rate(analysis, first, profile, n_trials), 1 / outcome[key] if key else None
        speeds.append((what, f"{our:.0f}", f"{their:.2f}" if key else "", f"{our / their:.0f}" if key else ""))
    return page.page(
        "flare_oracle",
        "Flares in an independent program",
        f"Generated ten-year events of {' and '.join(SEASONS)} in the release's text format, read by both programs, "
        f"with {len(flares)} flares added to the files (events from the smearing rows, {N_EXPECTED:g} expected of "
        f"each, γ {GAMMA:g}, Gaussian in time, seed {SEED}). SkyLLH {outcome['version']}, run as its documentation "
        "describes, with nusky's bins of the background's energies, as in the [comparison of steady "
        "sources](outside_oracle.md); its unknown flare is a Gaussian found by expectation maximisation, nusky's a "
        f"[box](../windows.md#unknown-flares) of {FLARE.shortest:g} to {FLARE.longest:g} days. A flare is the injected "
        f"one if its centre lies within {HALF:g} widths of it, and that of the other program if they are as near. "
        "`Energy ratios of SkyLLH`: nusky in the known window with the energy ratios that SkyLLH gives the events, at "
        "the index it finds, instead of its own, as in that comparison: directions, times, exposures and fit are "
        "still nusky's.",
        [
            page.Table("How many agree.", ("what", "agree", "of"), counts),
            page.Table(
                "Flare by flare, nusky / SkyLLH: the fit in the known window, between the two that of nusky with the "
                "energy ratios of SkyLLH, then centre and width of the unknown flare; the width is a duration in "
                "nusky and a sigma in SkyLLH.",
                ("dec, deg", "injected, MJD", "TS", "n_s", "γ", "centre, MJD", "width, d", "injected one found"),
                rows,
            ),
            page.Table(
                "Background trials per second of one core, at the first place.",
                ("fit", "nusky", "SkyLLH", "ratio"),
                speeds,
            ),
        ],
    )


if __name__ == "__main__":
    page.main_in_steps("flare_oracle", __doc__, "the release and the flares", prepare, compare)
