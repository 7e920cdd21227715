"""Supernova-neutrino-boosted dark matter, in the standard conventions.

`nusky.bdm.published` has the same names in the published conventions; `nusky.bdm.conventions` says what differs.

A supernova's neutrinos hit dark matter of the halo, which arrives after them: `differential_flux` from one direction,
`flux` from the whole sky, `event` per target, `BoostedDarkMatter` for a particle model of your own; `exclude` gives the
limits of a detector, `event_likelihood` what observed events say, `population_events` those of all supernovae.
Energies in MeV, distances in kpc, times in s, angles in rad, cross sections in cm^2. Every function takes arrays and
broadcasts; results of size one are Python numbers.
"""

from nusky.bdm.checks import FlagError
from nusky.bdm.constants import Constants, constant
from nusky.bdm.conventions import PUBLISHED, STANDARD, Conventions
from nusky.bdm.coordinates import equatorial_to_beta, galactic_to_beta, sky_angles
from nusky.bdm.counting import feldman_cousins_upper_limit, poisson_upper_limit
from nusky.bdm.cross_sections import Helm, dsigma_xv, largest_recoil
from nusky.bdm.detectors import DETECTORS, Detector, load_detector
from nusky.bdm.differential import differential_flux, emissivity_jx
from nusky.bdm.events import event
from nusky.bdm.exclusion import (
    Exclusion,
    Uncertainties,
    coupling_limit,
    drawn_events,
    event_limit,
    exclude,
    observed_span,
)
from nusky.bdm.flux import flux
from nusky.bdm.geometry import Geometry, Propagation
from nusky.bdm.halo import HaloSpike, M_sigma, nx, radiusInfluence, radiusSchwarzschild, rhox
from nusky.bdm.kinematics import KallenLambda, Kinematics, Mandelstam, Neutrino, get_gx, get_psiMax, get_tBound, get_vx
from nusky.bdm.likelihood import EventLikelihood, MassSeparation, event_likelihood, mass_separation
from nusky.bdm.model import BoostedDarkMatter
from nusky.bdm.params import params
from nusky.bdm.population import Population, catalogue_events, population_events
from nusky.bdm.rates import binned_events, event_rate, expected_events
from nusky.bdm.spectrum import AlphaFit, FermiDirac, Flavour, coupled_spectrum, flavour_weights, sn_nu_spectrum
from nusky.bdm.supernovae import Place, described, place
from nusky.bdm.times import _get_tof, get_thetaMax, get_tvan

__all__ = [
    "DETECTORS", "PUBLISHED", "STANDARD", "AlphaFit", "BoostedDarkMatter", "Constants", "Conventions", "Detector",
    "EventLikelihood", "Exclusion", "FermiDirac", "FlagError", "Flavour", "Geometry", "HaloSpike", "Helm",
    "KallenLambda", "Kinematics", "M_sigma", "Mandelstam", "MassSeparation", "Neutrino", "Place", "Population",
    "Propagation", "Uncertainties", "_get_tof", "binned_events", "catalogue_events", "constant", "coupled_spectrum",
    "coupling_limit", "described", "differential_flux", "drawn_events", "dsigma_xv", "emissivity_jx",
    "equatorial_to_beta", "event", "event_likelihood", "event_limit", "event_rate", "exclude", "expected_events",
    "feldman_cousins_upper_limit", "flavour_weights", "flux", "galactic_to_beta", "get_gx", "get_psiMax", "get_tBound",
    "get_thetaMax", "get_tvan", "get_vx", "largest_recoil", "load_detector", "mass_separation", "nx", "observed_span",
    "params", "place", "poisson_upper_limit", "population_events", "radiusInfluence", "radiusSchwarzschild", "rhox",
    "sky_angles", "sn_nu_spectrum",
]  # fmt: skip
