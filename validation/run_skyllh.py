"""Fit positions with SkyLLH, in its own environment: `python run_skyllh.py FOLDER`.

FOLDER is the one written by `python -m validation.outside_oracle --prepare`: two releases, and order.json with
positions (ra, dec in deg) and bins. Every position is fitted with the bins of nusky and with SkyLLH's own; what
FOLDER/skyllh.json has already is not computed again. SkyLLH is called as its documentation describes; nothing else of
this repository is imported, and nothing here is needed by nusky.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import skyllh
from skyllh.analyses.i3.publicdata_ps.time_integrated_ps import create_analysis
from skyllh.core.binning import BinningDefinition
from skyllh.core.config import Config
from skyllh.core.random import RandomStateService
from skyllh.core.source_model import PointLikeSource

folder = Path(sys.argv[1])
N_TRIALS = 20
order = json.loads((folder / "order.json").read_text())
settings = Config()
settings["repository"]["download_from_origin"] = False


def analysis_of(case, position, bins):
    """SkyLLH's analysis of one position (ra, dec in deg), with the `bins` of both axes or its own."""
    seasons = [path.name.removesuffix("_exp.csv") for path in sorted((folder / case).glob("*/events/*_exp.csv"))]
    datasets = skyllh.create_datasets("IceTracks-DR1", cfg=settings, names=seasons, base_path=str(folder / case))
    for dataset in datasets:
        for name, edges in bins.items():
            dataset.replace_binning_definition(BinningDefinition(name, np.array(edges)))
    source = PointLikeSource(ra=np.radians(position[0]), dec=np.radians(position[1]))
    return create_analysis(cfg=settings, datasets=datasets, source=source, construct_sig_generator=False)


def fit(case, position, bins):
    """Best fit, the processor seconds it took and the energy ratios of its events."""
    start = time.process_time()
    analysis = analysis_of(case, position, bins)
    created = time.process_time()
    ts, fitted, _ = analysis.unblind(RandomStateService(seed=1))
    found = {"ts": ts, "n_signal": fitted["ns"], "gamma": fitted["gamma"], "set_up_s": created - start}
    found["fit_s"] = time.process_time() - created
    print(case, position, found, flush=True)
    return {**found, "events": energy_ratios(analysis, fitted)}


def energy_ratios(analysis, fitted):
    """ra, dec [rad] and signal over background in energy of the events that the fit visits, season by season."""
    values = np.array([fitted["ns"], fitted["gamma"]])
    parameters = analysis.llhratio.pmm.create_src_params_recarray(values)
    seasons = []
    for season, events in zip(analysis.llhratio.llhratio_list, analysis.tdm_list, strict=True):
        ratio = season.pdfratio.pdfratio2.get_ratio(events, parameters)  # the first of the product is the spatial one
        seasons.append([list(events.get_data("ra")), list(events.get_data("dec")), list(ratio)])
    return seasons


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
