"""The same positions fitted by nusky and by SkyLLH, an independent program, from the same text files.

python -m validation.outside_oracle --prepare FOLDER
PYTHON-WITH-SKYLLH validation/run_skyllh.py FOLDER
python -m validation.outside_oracle --compare FOLDER --write

The background's energy density is a histogram in SkyLLH and a kernel density in nusky, and near TS 5 a few events
where it is sparse decide. So SkyLLH runs twice: with its own bins, and with those of nusky; the first shows what the
choice of bins is worth. And nusky fits once more with the energy ratios of SkyLLH's events in place of its own, which
compares all the rest.
"""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from nusky.detector.spectrum import PowerLaw, power_laws
from nusky.likelihood import energy
from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import Hypothesis
from nusky.search.injection import Signal
from nusky.search.skymap.model import SkyModel
from nusky.search.sources import Sources
from nusky.search.trials import stream
from validation import page, samples, stand_in_release

SEED = 4004
RELEASE = "icecube_10year_ps"
INJECTED = (
    (30, -42, 2.0, 15),
    (75, -14, 2.3, 15),
    (140, 2, 2.5, 50),
    (200, 12, 2.0, 25),
    (260, 35, 2.8, 60),
    (320, 66, 2.3, 30),
)
"""ra, dec [deg], gamma and number of expected events of the injected sources."""
KNOWN = ((40.67, -0.01), (77.358, 5.693))
"""NGC 1068 and TXS 0506+056, ra and dec in deg."""
N_DECLINATIONS = 24
N_TRIALS = 300
N_AROUND = 60
"""Right ascensions tried at each declination; the one with the largest TS in space alone is a hot position: a choice
that favours neither program's energy densities."""
N_HOT = 15
N_RANDOM = 3
LEAST_TS = 2.0
TOLERANCE = {"TS": 0.10, "n_s": 0.15, "gamma": 0.15}
_SAME_EVENT = 1e-6
"""Largest distance, in ra and dec [rad], of an event from itself: the files give directions to 1.7e-5 rad."""


def positions(spatial: Analysis) -> list[tuple[float, float]]:
    """Known sources, the hottest of a random sample and random ones: ra, dec [deg]."""
    rng = np.random.default_rng(SEED)
    model = SkyModel.of_analysis(spatial, 2.5)
    sky, hot, anywhere = model.data(), [], []
    for dec in np.round(np.degrees(np.arcsin(rng.uniform(-0.9, 0.98, N_DECLINATIONS))), 3):
        around = np.round(rng.uniform(0, 360, N_AROUND), 3)
        ts = model.fit(sky, np.radians(around), np.full(N_AROUND, np.radians(dec))).ts
        hot.append((ts.max(), float(around[np.argmax(ts)]), float(dec)))
        anywhere.append((round(rng.uniform(0, 360), 3), float(dec)))
    return [*KNOWN, *((ra, dec) for _, ra, dec in sorted(hot, reverse=True)[:N_HOT]), *anywhere[:N_RANDOM]]


def read(folder: Path, with_energy: bool = True) -> Analysis:
    """The analysis of the text files SkyLLH reads."""
    seasons = ICECUBE_10YR.select(list(samples.REAL_SEASONS))
    found = icecube_10yr.read(folder / RELEASE, ICECUBE_10YR, seasons, check_counts=False)
    smear = found.smearing if with_energy else found.smearing.slice(0, 0)
    return Analysis.of_tables(found.seasons, list(found.events.values()), found.effective_area, smear)


def prepare(folder: Path) -> None:
    """Write the releases and the positions."""
    real, injected = folder / "real", folder / "injected"
    if not (real / RELEASE).exists():
        stand_in_release.write(samples.data_folder(), real / RELEASE)
    if not injected.exists():
        inject(read(real), real / RELEASE, injected / RELEASE)
    order = {
        "positions": {
            "real": positions(read(real, with_energy=False)),
            "injected": [(ra, dec) for ra, dec, _, _ in INJECTED],
        },
        "binning": {"log_energy": energy.LOG10_ENERGY_EDGES.tolist(), "sin_dec": energy.SIN_DEC_EDGES.tolist()},
    }
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")


def inject(sample: Analysis, release: Path, into: Path) -> None:
    """Copy a release and add the events of the injected sources, drawn from the smearing rows, to its text files."""
    shutil.copytree(release, into)
    for number, (ra, dec, gamma, n_expected) in enumerate(INJECTED):
        signal = Signal.of(sample, samples.point(dec, np.radians(ra)), PowerLaw(gamma))
        drawn = samples.drawn(stream(SEED, "injected", number), sample, signal, n_expected)
        for season, events in zip(sample.seasons, drawn, strict=True):
            ra_deg, dec_deg, ang_err_deg = (np.degrees(events[name]) for name in ("ra", "dec", "ang_err"))
            path = into / "events" / f"{season.name}_exp.csv"
            first_mjd = float(path.read_text(encoding="utf-8").splitlines()[1].split()[0])
            same = np.full(len(ra_deg), first_mjd)
            columns = (same, events["log10_energy"], ang_err_deg, ra_deg, dec_deg, np.zeros(len(ra_deg)), 90 + dec_deg)
            with open(path, "a", encoding="utf-8") as file:
                np.savetxt(file, np.column_stack(columns), fmt=["%.8f", "%.2f", "%.2f", "%.3f", "%.3f", "%.3f", "%.3f"])


def with_energy_of(spatial: Analysis, source: Sources, fitted: dict) -> tuple[float, float, float]:
    """TS, n_s and gamma of a source with the energy ratios of a fit by SkyLLH, at the index it found."""
    seasons = []
    for season, (event_ra, event_dec, ratio) in zip(spatial.seasons, fitted["events"], strict=True):
        tree = cKDTree(np.column_stack([season.ra, season.dec]))
        distance, event = tree.query(np.column_stack([event_ra, event_dec]))
        if distance.max() > _SAME_EVENT:
            raise ValueError(f"{season.name}: an event of SkyLLH is not among those of nusky.")
        inverse = np.zeros(len(season))  # events that SkyLLH leaves out are far away
        inverse[event] = season.inverse_background[event] * ratio
        seasons.append(replace(season, inverse_background=inverse))
    analysis = replace(spatial, seasons=tuple(seasons))
    best = Hypothesis.of(analysis, source, power_laws(fitted["gamma"])).fit()
    return best.ts, best.n_signal, best.gamma


def within(ours: tuple[float, float, float], theirs: tuple[float, float, float]) -> list[bool]:
    """Whether TS, n_s and gamma agree."""
    ts, n_signal, gamma = (abs(a - b) for a, b in zip(ours, theirs, strict=True))
    return [
        ts <= TOLERANCE["TS"] * theirs[0],
        n_signal <= TOLERANCE["n_s"] * theirs[1],
        gamma <= TOLERANCE["gamma"],
    ]


def compare(folder: Path) -> str:
    """The page, from the fits of both programs."""
    order, outcome = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("order", "skyllh"))
    about = (
        "Real events of IC40, IC79 and IC86_I, effective areas and smearing of the fourteen-year release, version 1.0, "
        "as a stand-in, all in the ten-year release's text format and read by both programs. Space and energy, gamma "
        f"free in [1, 4]. SkyLLH {outcome['version']}, run as its documentation describes. Real positions: NGC 1068, "
        f"TXS 0506+056, {N_HOT} hot and {N_RANDOM} random ones (seed {SEED}); hot in space alone, which favours "
        "neither program. Injected: events from the smearing rows added to the files. The background's energy density "
        "is a histogram of a season's events in SkyLLH and a kernel density in nusky, and a few events where it is "
        "sparse decide where TS is small: the rows that compare SkyLLH with itself say how far it agrees when only its "
        "bins change. And nusky knows how AngErr is distributed in signal and background, and tails of the point "
        "spread, both from the smearing rows, where SkyLLH has a Gaussian as wide as AngErr: what remains between the "
        "two programs. Agreement: "
        f"TS within 10 %, n_s within 15 %, gamma within 0.15, of the positions with TS > {LEAST_TS} in both. `Energy "
        "ratios of SkyLLH`: nusky with the energy ratios that SkyLLH gives the events, at the index it finds, instead "
        "of its own: directions, seasons, expected signal and fit are still nusky's."
    )
    counts, details, seconds = [], [], []
    for case, places in order["positions"].items():
        sample, spatial = read(folder / case), read(folder / case, with_energy=False)
        fits = {"nusky": [], "energy": [], **{key: [_of(fit) for fit in outcome[case][key]] for key in ("same", "own")}}
        for ra, dec in places:
            start = time.process_time()
            best = Hypothesis.of(sample, Sources.of(*np.radians([ra, dec]))).fit()
            seconds.append(time.process_time() - start)
            fits["nusky"].append((best.ts, best.n_signal, best.gamma))
        for place, fitted in zip(places, outcome[case]["same"], strict=True):
            fits["energy"].append(with_energy_of(spatial, Sources.of(*np.radians(place)), fitted))
        for one, other, what in (
            ("nusky", "same", "nusky and SkyLLH with the bins of nusky"),
            ("energy", "same", "nusky with the energy ratios of SkyLLH, and SkyLLH with the bins of nusky"),
            ("nusky", "own", "nusky and SkyLLH with its own bins"),
            ("same", "own", "SkyLLH with the bins of nusky and with its own"),
        ):
            pairs = zip(fits[one], fits[other], strict=True)
            verdicts = [within(a, b) for a, b in pairs if min(a[0], b[0]) > LEAST_TS]
            of_ts, of_n, of_gamma = map(int, np.reshape(verdicts, (-1, 3)).sum(axis=0))
            counts.append((case, what, len(verdicts), of_ts, of_n, "taken over" if one == "energy" else of_gamma))
        rows = [
            (*here, *(" / ".join(_number(fit[i]) for fit in found) for i in range(3)))
            for here, found in zip(places, zip(*fits.values(), strict=True), strict=True)
        ]
        about_rows = (
            f"{case.capitalize()} positions: nusky / nusky with the energy ratios of SkyLLH / SkyLLH with the bins of "
            "nusky / SkyLLH with its own."
        )
        details.append(page.Table(about_rows, ("ra, deg", "dec, deg", "TS", "n_s", "gamma"), rows))
    agreed = page.Table("How many agree.", ("positions", "compared", "number", "TS", "n_s", "gamma"), counts)
    tables = [agreed, *details, _times(read(folder / "real"), order, outcome, seconds)]
    return page.page("outside_oracle", "Comparison with an independent program", about, tables)


def _of(fit: dict[str, float]) -> tuple[float, float, float]:
    return fit["ts"], fit["n_signal"], fit["gamma"]


def _times(sample: Analysis, order: dict, outcome: dict, seconds: list[float]) -> page.Table:
    source = Sources.of(*np.radians(order["positions"]["real"][0]))
    experiment = samples.experiment(sample, source, SEED, "trials")
    experiment.named("warm up").background(range(5))
    start = time.process_time()
    experiment.background(range(N_TRIALS))
    trial_s = (time.process_time() - start) / N_TRIALS
    set_up, fit = (np.median([f[name] for f in outcome["real"]["same"]]) for name in ("set_up_s", "fit_s"))
    return page.Table(
        "Processor time, in seconds, per position, and background trials per second of it at the first position.",
        ("nusky set-up and fit", "SkyLLH set-up", "SkyLLH fit", "nusky trials/s", "SkyLLH trials/s", "ratio"),
        [
            (
                f"{np.median(seconds):.2f}",
                f"{set_up:.1f}",
                f"{fit:.2f}",
                f"{1 / trial_s:.0f}",
                f"{1 / outcome['trial_s']:.1f}",
                f"{outcome['trial_s'] / trial_s:.0f}",
            )
        ],
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "none"


if __name__ == "__main__":
    page.main_in_steps("outside_oracle", __doc__, "the release and the positions", prepare, compare)
