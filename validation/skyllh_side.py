"""What the scripts that run in SkyLLH's environment share; imports nothing of nusky.

SkyLLH is called as its documentation describes.
"""

from pathlib import Path

import numpy as np
import skyllh
from skyllh.core.binning import BinningDefinition
from skyllh.core.config import Config
from skyllh.core.source_model import PointLikeSource

SETTINGS = Config()
SETTINGS["repository"]["download_from_origin"] = False


def arguments(folder: Path, ra_deg: float, dec_deg: float, bins: dict[str, list[float]]) -> dict:
    """What SkyLLH makes an analysis of a place from: the releases below `folder`, with the `bins` of both axes."""
    seasons = [path.name.removesuffix("_exp.csv") for path in sorted(folder.glob("*/events/*_exp.csv"))]
    datasets = skyllh.create_datasets("IceTracks-DR1", cfg=SETTINGS, names=seasons, base_path=str(folder))
    for dataset in datasets:
        for name, edges in bins.items():
            dataset.replace_binning_definition(BinningDefinition(name, np.array(edges)))
    source = PointLikeSource(ra=np.radians(ra_deg), dec=np.radians(dec_deg))
    return {"cfg": SETTINGS, "datasets": datasets, "source": source, "construct_sig_generator": False}


def energy_ratios(analysis, fitted, of_energy):
    """ra, dec [rad] and signal over background in energy of the events that a fit visits, season by season.

    `of_energy` picks the ratio of energies from the product of all ratios of a season.
    """
    values = np.array([fitted["ns"], fitted["gamma"]])
    parameters = analysis.llhratio.pmm.create_src_params_recarray(values)
    seasons = []
    for season, events in zip(analysis.llhratio.llhratio_list, analysis.tdm_list, strict=True):
        ratio = of_energy(season.pdfratio).get_ratio(events, parameters)
        seasons.append([list(map(float, each)) for each in (events.get_data("ra"), events.get_data("dec"), ratio)])
    return seasons
