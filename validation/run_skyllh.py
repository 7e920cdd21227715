"""Fit positions with SkyLLH, in its own environment: `python run_skyllh.py FOLDER`.

FOLDER is the one written by `python -m validation.outside_oracle --prepare`: two releases, and order.json with
positions (ra, dec in deg) and bins. Every position is fitted with the bins of nusky and with SkyLLH's own; what
FOLDER/skyllh.json has already is not computed again. SkyLLH is called as its documentation describes; beside
`skyllh_side` nothing of this repository is imported, and nothing here is needed by nusky.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import skyllh_side
from skyllh.analyses.i3.publicdata_ps.time_integrated_ps import create_analysis
from skyllh.core.random import RandomStateService

folder = Path(sys.argv[1])
N_TRIALS = 20
order = json.loads((folder / "order.json").read_text())


def analysis_of(case, position, bins):
    """SkyLLH's analysis of one position (ra, dec in deg), with the `bins` of both axes or its own."""
    return create_analysis(**skyllh_side.arguments(folder / case, *position, bins))


def fit(case, position, bins):
    """Best fit, the processor seconds it took and the energy ratios of its events."""
    start = time.process_time()
    analysis = analysis_of(case, position, bins)
    created = time.process_time()
    ts, fitted, _ = analysis.unblind(RandomStateService(seed=1))
    found = {"ts": ts, "n_signal": fitted["ns"], "gamma": fitted["gamma"], "set_up_s": created - start}
    found["fit_s"] = time.process_time() - created
    print(case, position, found, flush=True)
    # The ratios of a season are those of directions times those of energies.
    return {**found, "events": skyllh_side.energy_ratios(analysis, fitted, lambda of_season: of_season.pdfratio2)}


def trial_s():
    """Processor seconds per background trial at the first position."""
    analysis = analysis_of("real", order["positions"]["real"][0], {})
    analysis.do_trials(RandomStateService(seed=2), 2, mean_n_sig=0, ncpu=1)
    start = time.process_time()
    analysis.do_trials(RandomStateService(seed=3), N_TRIALS, mean_n_sig=0, ncpu=1)
    return (time.process_time() - start) / N_TRIALS


path = folder / "skyllh.json"
outcome = json.loads(path.read_text()) if path.exists() else {"version": version("skyllh"), "trial_s": trial_s()}
for case, positions in order["positions"].items():
    of_case = outcome.setdefault(case, {})
    for key, bins in (("same", order["binning"]), ("own", {})):
        if key not in of_case:
            of_case[key] = [fit(case, position, bins) for position in positions]
            path.write_text(json.dumps(outcome, default=float))
