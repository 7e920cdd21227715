"""Read a likelihood profile with 3ML, in its own environment: `python read_profile_threeml.py FILE.fits`.

Prints the best fits as JSON. 3ML is called as its documentation describes; nothing else of this repository is imported,
and nothing here is needed by nusky.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from astromodels import Model, PointSource, Powerlaw
from astropy.table import Table
from scipy.interpolate import RegularGridInterpolator
from threeML import DataList, JointLikelihood, PluginPrototype, silence_warnings
from threeML.plugins.experimental.CastroLike import CastroLike, IntervalContainer

silence_warnings()
KEV = 1e9
"""One TeV in the unit of energy of 3ML."""
profile = Table.read(sys.argv[1], hdu="PROFILE")
best = profile[profile.meta["BESTROW"]]


def power_law(index, phi0, free):
    shape = Powerlaw()
    shape.piv = profile.meta["PIVOT"] * KEV
    shape.piv.fix = True
    shape.index.bounds, shape.index, shape.index.free = (-4.0, -1.0), -index, free
    shape.K.bounds = (1e-4 * phi0 / KEV, 1e4 * phi0 / KEV)
    shape.K = phi0 / KEV
    return Model(PointSource("source", ra=0.0, dec=0.0, spectral_shape=shape)), shape


def fitted(plugin, model):
    joint = JointLikelihood(model, DataList(plugin), verbose=False)
    joint.fit(quiet=True, compute_covariance=False)
    return float(plugin.get_log_like())


# The flux at the best index, as the mean over the energies: no flux is no number there, as it takes logarithms.
width = (best["e_max"] - best["e_min"]) * KEV
scan = np.asarray(best["norm_scan"]) > 0
values, log_like = np.asarray(best["norm_scan"])[scan] * best["ref_flux"] / width, -0.5 * best["stat_scan"][scan]
interval = IntervalContainer(best["e_min"] * KEV, best["e_max"] * KEV, values, log_like, 201)
model, shape = power_law(best["gamma"], 2.0 * best["norm"] * best["ref_phi0"], False)
fitted(CastroLike("neutrinos", [interval]), model)
at_best = shape.K.value * KEV
low, middle, high = interval.get_measurement()


class Profile(PluginPrototype):
    """Flux and index together."""

    def __init__(self, name, table):
        gamma = np.asarray(table["gamma"])
        rows = -0.5 * np.asarray(table["stat_scan"])
        self._log_like = RegularGridInterpolator((gamma, np.asarray(table["norm_scan"][0])), rows, method="cubic")
        self._unit_flux = lambda index: np.exp(np.interp(index, gamma, np.log(np.asarray(table["ref_phi0"]))))
        self._pivot, self._most = table.meta["PIVOT"] * KEV, table["norm_scan"][0][-1]
        super().__init__(name, {})

    def set_model(self, likelihood_model_instance):
        """The model to be judged."""
        self._model = likelihood_model_instance

    def get_log_like(self):
        """ln L/L(0)."""
        shape = self._model.source.spectrum.main.Powerlaw
        events = shape(self._pivot) * KEV / self._unit_flux(-shape.index.value)
        return float(self._log_like((-shape.index.value, np.clip(events, 0.0, self._most))))

    def inner_fit(self):
        """Nothing else is fitted."""
        return self.get_log_like()


model, both = power_law(best["gamma"] + 0.2, 0.5 * best["norm"] * best["ref_phi0"], True)
log_like = fitted(Profile("neutrinos", profile), model)
print(
    json.dumps(
        {
            "reader": f"threeML {version('threeML')}",
            "norm": float(middle * width / best["ref_flux"]),
            "fixed index": {"phi0": float(at_best), "ts": 2 * float(interval(middle))},
            "free index": {"phi0": both.K.value * KEV, "gamma": -both.index.value, "ts": 2 * log_like},
        }
    )
)
