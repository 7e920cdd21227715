"""Likelihood profiles written by nusky and read by gammapy and 3ML, each in an environment of its own.

python -m validation.profile_readers --prepare FOLDER
PYTHON-WITH-GAMMAPY validation/read_profile_gammapy.py FOLDER/profile.fits > FOLDER/gammapy.json
PYTHON-WITH-3ML validation/read_profile_threeml.py FOLDER/profile.fits > FOLDER/threeml.json
python -m validation.profile_readers --compare FOLDER --write

`.ci/profile_readers` does all of it. The release is generated, with a source of 30 events.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table

import nusky
from nusky.config import InjectedSource
from nusky.releases import registry
from nusky.releases.generator import generate_release
from validation import page

SEED, SEASON = 3, "IC86_I"
SOURCE = InjectedSource(ra_deg=77.36, dec_deg=5.69, n_signal=30, gamma=2.3)
READERS = ("gammapy", "threeml")
TOLERANCE = 0.01
"""Largest difference of phi0 and gamma, relative."""
TS_TOLERANCE = 0.05


def prepare(folder: Path) -> None:
    """Write the profile of a source in generated events to `folder`."""
    release = registry.find("icecube-10yr")
    generate_release(folder / "release", release, release.select([SEASON]), SEED, 0.1, [SOURCE])
    os.environ["NUSKY_DATA"] = str(folder / "data")
    search = nusky.Search("icecube-10yr", folder / "release", [SEASON], SEED)
    found = search.at(SOURCE.ra_deg * u.deg, SOURCE.dec_deg * u.deg, name="source", trials=0)
    for suffix in ("fits", "ecsv"):
        found.write_profile(folder / f"profile.{suffix}")
    fit = {name: found.fit[name] for name in ("n_signal", "gamma", "test_statistic")}
    (folder / "fit.json").write_text(json.dumps(fit))


def expected(folder: Path) -> dict[str, float]:
    """The fit of nusky: n_s, phi0 [TeV^-1 cm^-2 s^-1] at 100 TeV, gamma and TS."""
    fit = json.loads((folder / "fit.json").read_text())
    table = Table.read(folder / "profile.fits", hdu="PROFILE")
    row = table[table.meta["BESTROW"]]
    return {
        "norm": fit["n_signal"],
        "phi0": fit["n_signal"] * float(row["ref_phi0"]),
        "gamma": fit["gamma"],
        "ts": fit["test_statistic"],
    }


def compare(folder: Path) -> tuple[list[list[str]], list[str]]:
    """Rows of the page, and what lies further from nusky's fit than it may."""
    fit = expected(folder)
    rows, wrong = [["nusky", "", *(f"{fit[name]:.5g}" for name in ("norm", "phi0", "gamma", "ts"))]], []
    for reader in READERS:
        found = json.loads((folder / f"{reader}.json").read_text().splitlines()[-1])  # 3ML prints before it
        for what in ("fixed index", "free index"):
            made = {"gamma": fit["gamma"], "norm": found["norm"]} | found[what]
            rows.append([found["reader"], what, *(f"{made[name]:.5g}" for name in ("norm", "phi0", "gamma", "ts"))])
            off = {name: abs(made[name] / fit[name] - 1) for name in ("norm", "phi0", "gamma")}
            wrong += [
                f"{reader}, {what}: {name} by {100 * value:.2g} %" for name, value in off.items() if value > TOLERANCE
            ]
            if not np.isclose(made["ts"], fit["ts"], atol=TS_TOLERANCE):
                wrong.append(f"{reader}, {what}: TS {made['ts']:.4g} for {fit['ts']:.4g}")
    return rows, wrong


def text(folder: Path) -> str:
    """The page."""
    rows, wrong = compare(folder)
    verdict = "MISSED: " + "; ".join(wrong) if wrong else "All agree to 1 %, and in TS to 0.05."
    about = (
        f"A source of {SOURCE.n_signal:g} events in generated events of {SEASON}: `nusky search` writes its likelihood "
        "profile; gammapy (FluxPoints and FluxPointsDataset at the best index, a Dataset of flux and index) and 3ML "
        "(CastroLike at the best index, a plugin of flux and index) read the file and fit a power law. At the best "
        "index they read what they know; for flux and index together each is given the table by a class of a few "
        "lines, `validation/read_profile_gammapy.py` and `validation/read_profile_threeml.py`. The versions shown need "
        f"SciPy below 1.14 (CastroLike) and regions below 0.11 (gammapy). {verdict}"
    )
    header = ("program", "fit", "signal events", "φ₀ at 100 TeV [TeV⁻¹ cm⁻² s⁻¹]", "γ", "TS")
    return page.page("profile_readers", "Likelihood profiles in other programs", about, [page.Table("", header, rows)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m validation.profile_readers")
    parser.add_argument("--prepare", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--write", action="store_true", help="write docs/validation/profile_readers.md")
    asked = parser.parse_args()
    if asked.prepare:
        prepare(asked.prepare)
    if asked.compare:
        page.show("profile_readers", text(asked.compare), asked.write)
        if problems := compare(asked.compare)[1]:
            raise SystemExit("; ".join(problems))
