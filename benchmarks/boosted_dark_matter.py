"""Boosted dark matter against the public package snorer, run beside it in an environment of its own."""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measure import Part, Report, Value
from nusky.bdm import published as sn
from nusky.bdm.conventions import PUBLISHED
from nusky.bdm.models import LMuTau

PACKAGE = "snorer==2.1.0"
ORIGINAL = Path(__file__).with_name("original_bdm.py")
_YEAR = sn.constant.year2Seconds


def boosted_dark_matter(repeats: int) -> Report:
    """The calls of the seed page (Cas A) on one core, published conventions, the whole page, and the worst event."""
    beta, l_sn, b_sn = sn.equatorial_to_beta("23h23m24s", "58d49m00s")
    l_grid, b_grid = np.meshgrid(np.linspace(-np.pi, np.pi, 800), np.linspace(-np.pi / 2, np.pi / 2, 400))
    theta, phi = sn.sky_angles(l_grid, b_grid, (l_sn, b_sn))
    mass = np.meshgrid(np.logspace(0, 2, 100), np.logspace(-3, 2, 100))
    calls: dict[str, Callable[[], object]] = {
        "map": lambda: sn.differential_flux(350 * _YEAR, 5, 1, theta, phi, 3.5, beta),
        "flux": lambda: sn.flux(350 * _YEAR, 5, 1, 3.5, beta, rtol=1e-7),
        "event": lambda: sn.event(1, 3.5, beta, t_range=[350 * _YEAR, 385 * _YEAR], rtol=1e-4),
        "t_van": lambda: sn.get_tvan(*mass, 3.5),
    }
    start = time.perf_counter()
    for call in calls.values():
        call()
    first = time.perf_counter() - start
    ours = {name: median(_seconds(call) for _ in range(max(repeats, 5))) for name, call in calls.items()}
    worst = median(
        _seconds(lambda: sn.event(0.01, 8.5, 0.0, is_spike=True, rtol=1e-4, r_cut=1e-8)) for _ in range(repeats)
    )
    _seed_page(beta)
    seed_page = ours["map"] + median(_seconds(lambda: _seed_page(beta)) for _ in range(repeats))
    values = [
        Value("map 800 x 400", ours["map"], "s", at_most=0.05),
        Value("flux at 1e-7", ours["flux"], "s", at_most=2e-3),
        Value("event at 1e-4", ours["event"], "s", at_most=0.3),
        Value("event, supernova at the Galactic centre, spike", worst, "s", at_most=1.0),
        Value("the seed page: map, curves, 70 times, 35 masses", seed_page, "s", at_most=10.0),
        Value("first calls, compilation or loading of kernels included", first, "s"),
    ]
    original = _original()
    about = "Cas A at 350 years, Tx = 5 MeV, mx = 1 MeV, one core."
    if isinstance(original, str):
        return Report("Boosted dark matter", f"{about} snorer was not measured: {original}", values)
    factors = {"map": (original["map_factor"], "pixels")}
    parts = [
        Part(name, ours[name], original["seconds"][name], *factors.get(name, (1.0, "the same call"))) for name in calls
    ]
    targets = {"map": 300.0, "flux": 3000.0, "event": 50.0}
    values += [
        Value(f"speed-up of the {part.name}", part.scaled_s / part.nusky_s, "times", at_least=targets.get(part.name))
        for part in parts
    ]
    about += f" The other side is snorer {original['version']} with its default settings, in its own environment."
    return Report("Boosted dark matter", about, values, parts)


def _seed_page(beta: float) -> None:
    """The model part of the seed page: cross sections on electrons and xenon, light curve, events by mass."""
    electron, xenon = (LMuTau(mt=mt).at(3.5, 8.5, beta, conventions=PUBLISHED) for mt in (sn.constant.me, 1.3e5))
    psi_max = sn.get_psiMax(5, 1)
    electron.dsigma_xv(5, 1, np.linspace(0, 0.999 * psi_max, 100))
    for model in (electron, xenon):
        model.sigma_xe(np.logspace(-5, 2, 100), 1)
    electron.flux(np.linspace(350 * _YEAR, sn.get_tvan(5, 1, 3.5), 70), 5, 1)
    electron.event(np.logspace(-6, 2, 35), t_range=[350 * _YEAR, 385 * _YEAR])


def _original() -> dict | str:
    """Times of the public package, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            venv.create(folder, with_pip=True)
            python = Path(folder) / ("Scripts" if sys.platform == "win32" else "bin") / "python"
            install = [python, "-m", "pip", "install", "-q", PACKAGE]
            subprocess.run(install, check=True, capture_output=True, timeout=600)
            done = subprocess.run([python, ORIGINAL], check=True, capture_output=True, text=True, timeout=600)
        except (OSError, subprocess.SubprocessError) as error:
            return f"{PACKAGE} could not be installed and run ({type(error).__name__})."
    return json.loads(done.stdout.splitlines()[-1])


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
