"""Fit positions with SkyLLH, in its own environment: `python run_skyllh.py FOLDER`.

FOLDER is the one written by `python -m validation.outside_oracle --prepare`: a release, and order.json with positions
(ra, dec in deg) and bins. Every position is fitted with the bins of nusky and with SkyLLH's own. SkyLLH is called as
its documentation describes; nothing else of this repository is imported, and nothing here is needed by nusky.
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
release = folder / "icecube_10year_ps"
seasons = [path.name.removesuffix("_exp.csv") for path in sorted((release / "events").iterdir())]
settings = Config()
settings["repository"]["download_from_origin"] = False


def fits(bins):
    """Fits at all positions, with the `bins` of both axes or SkyLLH's own."""
    datasets = skyllh.create_datasets("IceTracks-DR1", cfg=settings, names=seasons, base_path=str(folder))
    for dataset in datasets:
        for name, edges in bins.items():
            dataset.replace_binning_definition(BinningDefinition(name, np.array(edges)))
    results = []
    for ra, dec in order["positions"]:
        start = time.perf_counter()
        source = PointLikeSource(ra=np.radians(ra), dec=np.radians(dec))
        analysis = create_analysis(cfg=settings, datasets=datasets, source=source, construct_sig_generator=False)
        created = time.perf_counter()
        ts, fitted, _ = analysis.unblind(RandomStateService(seed=1))
        fit_s = time.perf_counter() - created
        results.append({"ts": ts, "n_signal": fitted["ns"], "gamma": fitted["gamma"], "set_up_s": created - start})
        results[-1]["fit_s"] = fit_s
        print(ra, dec, results[-1], flush=True)
    return results


def trial_s():
    """Processor seconds per background trial at the first position."""
    datasets = skyllh.create_datasets("IceTracks-DR1", cfg=settings, names=seasons, base_path=str(folder))
    ra, dec = np.radians(order["positions"][0])
    source = PointLikeSource(ra=ra, dec=dec)
    analysis = create_analysis(cfg=settings, datasets=datasets, source=source, construct_sig_generator=False)
    analysis.do_trials(RandomStateService(seed=2), 2, mean_n_sig=0, ncpu=1)
    start = time.process_time()
    analysis.do_trials(RandomStateService(seed=3), N_TRIALS, mean_n_sig=0, ncpu=1)
    return (time.process_time() - start) / N_TRIALS


outcome = {"version": version("skyllh"), "trial_s": trial_s()}
for key, bins in (("same", order["binning"]), ("own", {})):
    outcome[key] = fits(bins)
    (folder / "skyllh.json").write_text(json.dumps(outcome, default=float))
