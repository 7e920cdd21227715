"""Fit positions with SkyLLH, in its own environment: `python run_skyllh.py RELEASE POSITIONS.json OUT.json`.

RELEASE is the folder written by `validation.outside_oracle`, POSITIONS a list of [ra, dec] in deg. SkyLLH is called as
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
from skyllh.core.config import Config
from skyllh.core.random import RandomStateService
from skyllh.core.source_model import PointLikeSource

release, positions, out = map(Path, sys.argv[1:])
seasons = [path.name.removesuffix("_exp.csv") for path in sorted((release / "events").iterdir())]
settings = Config()
settings["repository"]["download_from_origin"] = False
datasets = skyllh.create_datasets("IceTracks-DR1", cfg=settings, names=seasons, base_path=str(release.parent))
results = []
for ra, dec in json.loads(positions.read_text()):
    start = time.perf_counter()
    source = PointLikeSource(ra=np.radians(ra), dec=np.radians(dec))
    analysis = create_analysis(cfg=settings, datasets=datasets, source=source, construct_sig_generator=False)
    created = time.perf_counter()
    ts, fitted, _ = analysis.unblind(RandomStateService(seed=1))
    fit_s = time.perf_counter() - created
    results.append({"ts": ts, "n_signal": fitted["ns"], "gamma": fitted["gamma"], "set_up_s": created - start})
    results[-1]["fit_s"] = fit_s
    print(ra, dec, results[-1], flush=True)
    out.write_text(json.dumps({"version": version("skyllh"), "fits": results}, default=float))
