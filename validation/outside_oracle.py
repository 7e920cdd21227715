"""The same positions fitted by nusky and by SkyLLH, an independent program, from the same text files.

python -m validation.outside_oracle --prepare FOLDER
PYTHON-WITH-SKYLLH validation/run_skyllh.py FOLDER/icecube_10year_ps FOLDER/positions.json FOLDER/skyllh.json
python -m validation.outside_oracle --compare FOLDER --write
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from nusky.releases import icecube_10yr
from nusky.releases.registry import ICECUBE_10YR
from nusky.search.analysis import Analysis
from nusky.search.hypothesis import GAMMAS
from validation import page, samples, stand_in_release

SEED = 4004
RELEASE = "icecube_10year_ps"
KNOWN = ((40.67, -0.01), (77.358, 5.693))
"""NGC 1068 and TXS 0506+056, ra and dec in deg."""
N_DECLINATIONS = 24
N_AROUND = 60
"""Right ascensions tried at each declination; the one with the largest TS is a hot position."""
N_HOT = 14
N_RANDOM = 4
TOLERANCE = {"TS": 0.10, "n_s": 0.15, "gamma": 0.15}


def positions(sample: Analysis) -> list[tuple[float, float]]:
    """Known sources, the hottest of a random sample and random ones: ra, dec [deg]."""
    rng = np.random.default_rng(SEED)
    hot, anywhere = [], []
    for dec in np.round(np.degrees(np.arcsin(rng.uniform(-0.9, 0.98, N_DECLINATIONS))), 3):
        source = sample.source(0.0, np.radians(dec), gammas=GAMMAS[::2])
        around = np.round(rng.uniform(0, 360, N_AROUND), 3)
        ts = []
        for ra in around:
            there = replace(source, ra=np.radians(ra))
            ts.append(there.fit_near(there.data()).ts)
        hot.append((max(ts), float(around[np.argmax(ts)]), float(dec)))
        anywhere.append((float(around[0]), float(dec)))
    return [*KNOWN, *((ra, dec) for _, ra, dec in sorted(hot, reverse=True)[:N_HOT]), *anywhere[:N_RANDOM]]


def read(folder: Path) -> Analysis:
    """The analysis of the text files SkyLLH reads."""
    seasons = ICECUBE_10YR.select(list(samples.REAL_SEASONS))
    found = icecube_10yr.read(folder / RELEASE, ICECUBE_10YR, seasons, check_counts=True)
    rows = [(row["season"], row["response"], row["livetime_s"]) for row in found.seasons.to_pylist()]
    return samples.analysis(rows, found.events, found.effective_area, found.smearing)


def prepare(folder: Path) -> None:
    """Write the release and the positions."""
    if not (folder / RELEASE).exists():
        stand_in_release.write(samples.data_folder(), folder / RELEASE)
    (folder / "positions.json").write_text(json.dumps(positions(read(folder))), encoding="utf-8")


def within(ours: tuple[float, float, float], theirs: tuple[float, float, float]) -> list[bool]:
    """Whether TS, n_s and gamma agree; n_s and gamma are undetermined, and not compared, at TS = 0."""
    ts, n_signal, gamma = (abs(a - b) for a, b in zip(ours, theirs, strict=True))
    agree = [ts <= TOLERANCE["TS"] * theirs[0]]
    return [*agree, n_signal <= TOLERANCE["n_s"] * theirs[1], gamma <= TOLERANCE["gamma"]]


def compare(folder: Path) -> str:
    """The page, from the fits of both programs."""
    sample = read(folder)
    outcome = json.loads((folder / "skyllh.json").read_text(encoding="utf-8"))
    rows, seconds, agreed = [], [], []
    for (ra, dec), other in zip(json.loads((folder / "positions.json").read_text()), outcome["fits"], strict=False):
        start = time.process_time()
        best = sample.source(np.radians(ra), np.radians(dec)).fit()
        seconds.append(time.process_time() - start)
        ours, theirs = (best.ts, best.n_signal, best.gamma), (other["ts"], other["n_signal"], other["gamma"])
        determined = min(ours[0], theirs[0]) > 0
        cells = [f"{a:.2f} / {b:.2f}" if np.isfinite(a) else "none" for a, b in zip(ours, theirs, strict=True)]
        if determined:
            agree = within(ours, theirs)
            agreed.append((theirs[0], *agree))
            verdict = ", ".join(name for name, ok in zip(TOLERANCE, agree, strict=True) if not ok) or "all"
            verdict = verdict if verdict == "all" else f"not {verdict}"
        else:
            verdict = "both 0" if max(ours[0], theirs[0]) < 1e-3 else "one is 0"
        rows.append((ra, dec, *cells, verdict))
    agreed = np.array(agreed)
    strong = agreed[agreed[:, 0] > 2][:, 1:]
    counts = ", ".join(f"{name} {int(n)}" for name, n in zip(TOLERANCE, strong.sum(axis=0), strict=True))
    about = (
        "Real events of IC40, IC79 and IC86_I, effective areas and smearing of the fourteen-year release, version 1.0, "
        "as a stand-in, all in the ten-year release's text format and read by both programs. Space and energy, gamma "
        f"free in [1, 4]. SkyLLH {outcome['version']}, run as its documentation describes, with its defaults. "
        f"Positions: NGC 1068, TXS 0506+056, {N_HOT} hot and {N_RANDOM} random ones (seed {SEED}). Agreement: TS "
        f"within 10 %, n_s within 15 %, gamma within 0.15. Of the {len(strong)} positions with TS > 2 agree: {counts}."
    )
    times = page.Table(
        "Seconds per position: set-up and fit.",
        ("nusky", "SkyLLH set-up", "SkyLLH fit"),
        [
            (
                f"{np.median(seconds):.2f}",
                *(f"{np.median([f[name] for f in outcome['fits']]):.2f}" for name in ("set_up_s", "fit_s")),
            )
        ],
    )
    header = ("ra, deg", "dec, deg", "TS", "n_s", "gamma", "agree")
    table = page.Table("nusky / SkyLLH.", header, rows)
    return page.page("outside_oracle", "Comparison with an independent program", about, [table, times])


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
