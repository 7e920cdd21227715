"""Look for flares with SkyLLH, in its own environment: `python run_skyllh_flares.py FOLDER`.

FOLDER is the one written by `python -m validation.flare_oracle --prepare`: a release, and flares.json with the places
and bins. What FOLDER/skyllh.json has already is not computed again. SkyLLH is called as its documentation describes;
beside `skyllh_side` nothing of this repository is imported, and nothing here is needed by nusky.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import skyllh_side
from skyllh.analyses.i3.publicdata_ps import time_dependent_ps as flares_of
from skyllh.core.random import RandomStateService

folder = Path(sys.argv[1])
N_TRIALS, N_FLARE_TRIALS = 30, 2
order = json.loads((folder / "flares.json").read_text())
flares = order["flares"]


def analysis_of(flare):
    """SkyLLH's analysis of the place of a flare, with the known window: two widths to both sides of the centre."""
    box = {"start": flare["centre"] - 2 * flare["width"], "stop": flare["centre"] + 2 * flare["width"]}
    place = flare["ra_deg"], flare["dec_deg"]
    return flares_of.create_analysis(**skyllh_side.arguments(folder, *place, order["binning"]), box=box)


def fit(analysis):
    """Best fit in the known window, with the energy ratios of its events, and best unknown flare."""
    ts, fitted, _ = analysis.unblind(RandomStateService(seed=1))
    found = {"ts": ts, "n_signal": fitted["ns"], "gamma": fitted["gamma"]}
    # The ratios of a season are those of directions times those of energies, times those of times.
    events = skyllh_side.energy_ratios(analysis, fitted, lambda of_season: of_season.pdfratio1.pdfratio2)
    start = time.process_time()
    em_ts, best, _ = flares_of.unblind_single_flare(analysis)
    found |= {"em_ts": em_ts, "centre": best["mu"], "width": best["sigma"], "em_s": time.process_time() - start}
    print(found, flush=True)
    return {**{name: float(np.squeeze(value)) for name, value in found.items()}, "events": events}


def seconds_per_trial(n, run):
    """Processor seconds per background trial."""
    run(1)
    start = time.process_time()
    run(n)
    return (time.process_time() - start) / n


path = folder / "skyllh.json"
outcome = json.loads(path.read_text()) if path.exists() else {"version": version("skyllh"), "fits": []}
if "box_trial_s" not in outcome:
    first = analysis_of(flares[0])
    outcome["box_trial_s"] = seconds_per_trial(
        N_TRIALS, lambda n: first.do_trials(RandomStateService(seed=n), n, mean_n_sig=0, ncpu=1)
    )
    outcome["flare_trial_s"] = seconds_per_trial(
        N_FLARE_TRIALS, lambda n: flares_of.do_trials_with_em(first, n, ncpu=1, seed=n, mean_n_sig=0)
    )
    path.write_text(json.dumps(outcome))
for flare in flares[len(outcome["fits"]) :]:
    outcome["fits"].append(fit(analysis_of(flare)))
    path.write_text(json.dumps(outcome))
