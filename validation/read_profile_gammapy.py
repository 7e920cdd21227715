"""Read a likelihood profile with gammapy, in its own environment: `python read_profile_gammapy.py FILE.fits`.

Prints the best fits as JSON. gammapy is called as its documentation describes; nothing else of this repository is
imported, and nothing here is needed by nusky.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from astropy.table import Table
from gammapy.datasets import Dataset, Datasets, FluxPointsDataset
from gammapy.estimators import FluxPoints
from gammapy.modeling import Fit
from gammapy.modeling.models import DatasetModels, PowerLawSpectralModel, SkyModel
from scipy.interpolate import RegularGridInterpolator

profile = Table.read(sys.argv[1], hdu="PROFILE")
best = profile[profile.meta["BESTROW"]]
unit = "TeV-1 cm-2 s-1"


def power_law(index, amplitude, free):
    model = PowerLawSpectralModel(
        index=index, amplitude=f"{amplitude} {unit}", reference=f"{profile.meta['PIVOT']} TeV"
    )
    model.index.frozen, model.index.min, model.index.max = not free, 1.0, 4.0
    model.amplitude.min = 0.0
    return SkyModel(spectral_model=model, name="source")


# The flux at the best index: one bin of energy of a spectral energy distribution with its profile.
points = FluxPoints.read(sys.argv[1])
start = power_law(best["gamma"], 3.0 * best["norm"] * best["ref_phi0"], False)
dataset = FluxPointsDataset(models=[start], data=points, stat_type="profile")
Fit().run(Datasets([dataset]))
at_best = start.spectral_model.amplitude.value


class Profile(Dataset):
    """Flux and index together."""

    tag = "Profile"
    stat_type = "profile"

    def __init__(self, table, models, name="neutrinos"):
        self._name, self.models = name, DatasetModels(models)
        gamma = np.asarray(table["gamma"])
        rows = np.asarray(table["stat_scan"])
        self._stat = RegularGridInterpolator((gamma, np.asarray(table["norm_scan"][0])), rows, method="cubic")
        self._unit_flux = lambda index: np.exp(np.interp(index, gamma, np.log(np.asarray(table["ref_phi0"]))))
        self._most = table["norm_scan"][0][-1]
        self.mask_fit = self.mask_safe = None

    def stat_sum(self, prior=None):
        """-2 ln L/L(0)."""
        law = self.models[0].spectral_model
        events = law.amplitude.value / self._unit_flux(law.index.value)
        return float(self._stat((law.index.value, np.clip(events, 0.0, self._most))))

    def stat_array(self):
        """All of it as one bin."""
        return np.array([self.stat_sum()])


both = power_law(best["gamma"] + 0.2, 0.5 * best["norm"] * best["ref_phi0"], True)
joint = Profile(profile, [both])
found = Fit(optimize_opts={"tol": 0.001}).optimize(Datasets([joint]))
law = both.spectral_model
print(
    json.dumps(
        {
            "reader": f"gammapy {version('gammapy')}",
            "norm": float(points.norm.data.squeeze()),
            "fixed index": {"phi0": float(at_best), "ts": -float(points.stat.data.squeeze())},
            "free index": {
                "phi0": float(law.amplitude.value),
                "gamma": float(law.index.value),
                "ts": -joint.stat_sum(),
            },
        }
    )
)
