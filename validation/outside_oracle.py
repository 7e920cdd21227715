"""The same positions fitted by nusky and by SkyLLH, an independent program, from the same text files.

python -m validation.outside_oracle --prepare FOLDER
PYTHON-WITH-SKYLLH validation/run_skyllh.py FOLDER
python -m validation.outside_oracle --compare FOLDER --write

The background's energy density is a histogram in both programs, and near TS 5 a few events in its sparse bins decide.
So SkyLLH runs twice: with its own bins, and with those of nusky; the first shows what the choice of bins is worth.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from nusky.likelihood import energy
from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.trials import background_trials
from validation import page, samples, stand_in_release

SEED = 4004
RELEASE = "icecube_10year_ps"
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


def positions(spatial: Analysis) -> list[tuple[float, float]]:
    """Known sources, the hottest of a random sample and random ones: ra, dec [deg]."""
    rng = np.random.default_rng(SEED)
    hot, anywhere = [], []
    for dec in np.round(np.degrees(np.arcsin(rng.uniform(-0.9, 0.98, N_DECLINATIONS))), 3):
        source = spatial.source(0.0, np.radians(dec), gammas=np.array([2.5]))
        around = np.round(rng.uniform(0, 360, N_AROUND), 3)
        ts = []
        for ra in around:
            there = replace(source, ra=np.radians(ra))
            ts.append(there.fit_near(there.data()).ts)
        hot.append((max(ts), float(around[np.argmax(ts)]), float(dec)))
        anywhere.append((round(rng.uniform(0, 360), 3), float(dec)))
    return [*KNOWN, *((ra, dec) for _, ra, dec in sorted(hot, reverse=True)[:N_HOT]), *anywhere[:N_RANDOM]]


def read(folder: Path, with_energy: bool = True) -> Analysis:
    """The analysis of the text files SkyLLH reads."""
    seasons = ICECUBE_10YR.select(list(samples.REAL_SEASONS))
    found = icecube_10yr.read(folder / RELEASE, ICECUBE_10YR, seasons, check_counts=True)
    rows = [(row["season"], row["response"], row["livetime_s"]) for row in found.seasons.to_pylist()]
    return samples.analysis(rows, found.events, found.effective_area, found.smearing if with_energy else None)


def prepare(folder: Path) -> None:
    """Write the release and the positions."""
    if not (folder / RELEASE).exists():
        stand_in_release.write(samples.data_folder(), folder / RELEASE)
    order = {
        "positions": positions(read(folder, with_energy=False)),
        "binning": {"log_energy": energy.LOG10_ENERGY_EDGES.tolist(), "sin_dec": energy.SIN_DEC_EDGES.tolist()},
    }
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")


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
    sample = read(folder)
    order, outcome = (json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("order", "skyllh"))
    ours, seconds = [], []
    for ra, dec in order["positions"]:
        start = time.process_time()
        best = sample.source(np.radians(ra), np.radians(dec)).fit()
        seconds.append(time.process_time() - start)
        ours.append((best.ts, best.n_signal, best.gamma))
    rows, agreed = [], {"same": [], "own": []}
    for here, mine, *theirs in zip(order["positions"], ours, outcome["same"], outcome["own"], strict=True):
        theirs = [(fit["ts"], fit["n_signal"], fit["gamma"]) for fit in theirs]
        for found, key in zip(theirs, agreed, strict=True):
            if min(mine[0], found[0]) > LEAST_TS:
                agreed[key].append(within(mine, found))
        rows.append((*here, *(" / ".join(_number(fit[i]) for fit in (mine, *theirs)) for i in range(3))))
    own = [within(a, b) for (a, b) in _strong(outcome)]
    counts = [
        (name, len(verdicts), *map(int, np.sum(verdicts, axis=0)))
        for name, verdicts in (
            ("nusky and SkyLLH with the bins of nusky", agreed["same"]),
            ("nusky and SkyLLH with its own bins", agreed["own"]),
            ("SkyLLH with its own bins and with those of nusky", own),
        )
    ]
    about = (
        "Real events of IC40, IC79 and IC86_I, effective areas and smearing of the fourteen-year release, version 1.0, "
        "as a stand-in, all in the ten-year release's text format and read by both programs. Space and energy, gamma "
        f"free in [1, 4]. SkyLLH {outcome['version']}, run as its documentation describes. Positions: NGC 1068, "
        f"TXS 0506+056, {N_HOT} hot and {N_RANDOM} random ones (seed {SEED}); hot in space alone, which favours "
        "neither program. The background's energy density is a histogram of a season's events in both programs, and "
        "near TS 5 a few events in its sparse bins decide: the last row of the first table says how far SkyLLH agrees "
        "with itself when only these bins change."
    )
    verdict = page.Table(
        f"How many agree (TS within 10 %, n_s within 15 %, gamma within 0.15), of the positions with TS > {LEAST_TS} "
        "in both.",
        ("compared", "positions", "TS", "n_s", "gamma"),
        counts,
    )
    header = ("ra, deg", "dec, deg", "TS", "n_s", "gamma")
    table = page.Table("nusky / SkyLLH with the bins of nusky / SkyLLH with its own.", header, rows)
    source = sample.source(*np.radians(order["positions"][0]))
    background_trials(source, SEED, "warm up", 0, 5)
    start = time.process_time()
    background_trials(source, SEED, "trials", 0, N_TRIALS)
    trial_s = (time.process_time() - start) / N_TRIALS
    set_up, fit = (np.median([f[name] for f in outcome["same"]]) for name in ("set_up_s", "fit_s"))
    times = page.Table(
        "Seconds per position: set-up and fit of nusky (processor time), set-up and fit of SkyLLH (wall time). "
        "Background trials per second of processor time at the first position.",
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
    return page.page("outside_oracle", "Comparison with an independent program", about, [verdict, table, times])


def _strong(outcome: dict) -> list[tuple[tuple[float, float, float], tuple[float, float, float]]]:
    pairs = (
        [(fit["ts"], fit["n_signal"], fit["gamma"]) for fit in both]
        for both in zip(outcome["own"], outcome["same"], strict=True)
    )
    return [(a, b) for a, b in pairs if min(a[0], b[0]) > LEAST_TS]


def _number(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "none"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m validation.outside_oracle", description=__doc__)
    step = parser.add_mutually_exclusive_group(required=True)
    step.add_argument("--prepare", type=Path, metavar="FOLDER", help="write the release and the positions")
    step.add_argument("--compare", type=Path, metavar="FOLDER", help="fit with nusky and compare")
    parser.add_argument("--write", action="store_true", help="write docs/validation/outside_oracle.md")
    chosen = parser.parse_args()
    if chosen.prepare:
        prepare(chosen.prepare)
        return
    page.show("outside_oracle", compare(chosen.compare), chosen.write)


if __name__ == "__main__":
    main()
