"""The names of `nusky.bdm` in the published conventions: the numbers of the seed page and of papers built on it.

`import nusky.bdm.published as sn` runs the page's code. What differs from the standard conventions is in
`nusky.bdm.conventions`. Names may also be reached by the parts of the original's interface (`sn.geometry.Propagation`,
`from nusky.bdm.published.halo import nx`): every part is this module.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

from nusky import __version__ as _own_version
from nusky import bdm
from nusky.bdm import (
    AlphaFit,
    Constants,
    FlagError,
    Flavour,
    Geometry,
    HaloSpike,
    Helm,
    KallenLambda,
    Kinematics,
    M_sigma,
    Mandelstam,
    Neutrino,
    Propagation,
    _get_tof,
    constant,
    dsigma_xv,
    equatorial_to_beta,
    galactic_to_beta,
    get_gx,
    get_psiMax,
    get_tBound,
    get_thetaMax,
    get_tvan,
    get_vx,
    largest_recoil,
    nx,
    params,
    radiusInfluence,
    radiusSchwarzschild,
    rhox,
)
from nusky.bdm.conventions import PUBLISHED

__version__ = f"nusky {_own_version}"
"""Says whose version it is: code of the original prints it as that of another package."""

_PARTS = (
    "bdm", "constants", "coordinate", "coordinates", "cross_section", "cross_sections", "emissivity", "flux_event",
    "geometry", "halo", "kinematics", "main", "neutrino", "positioning", "sn_nu", "sysmsg", "utils",
)  # fmt: skip
sys.modules.update({f"{__name__}.{part}": sys.modules[__name__] for part in _PARTS})


def __getattr__(name: str) -> Any:
    if name in _PARTS and name != "bdm":
        return sys.modules[__name__]
    raise AttributeError(
        f"nusky.bdm.published has no '{name}'. It holds the functions and classes of the original's interface 2.1 "
        f"themselves, without modules: {', '.join(__all__)}."
    )


def _published(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its `conventions` set to the published ones."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, conventions=PUBLISHED, **kwargs)

    call.__module__ = __name__
    return call


sn_nu_spectrum = _published(bdm.sn_nu_spectrum)
emissivity_jx = _published(bdm.emissivity_jx)
differential_flux = _published(bdm.differential_flux)
flux = _published(bdm.flux)
event = _published(bdm.event)
sky_angles = _published(bdm.sky_angles)


class BoostedDarkMatter(bdm.BoostedDarkMatter):
    """`nusky.bdm.BoostedDarkMatter` with the published conventions."""

    __init__ = functools.partialmethod(bdm.BoostedDarkMatter.__init__, conventions=PUBLISHED)


__all__ = [
    "AlphaFit", "BoostedDarkMatter", "Constants", "FlagError", "Flavour", "Geometry", "HaloSpike", "Helm",
    "KallenLambda", "Kinematics", "M_sigma", "Mandelstam", "Neutrino", "Propagation", "__version__", "_get_tof",
    "constant", "differential_flux", "dsigma_xv", "emissivity_jx", "equatorial_to_beta", "event", "flux",
    "galactic_to_beta", "get_gx", "get_psiMax", "get_tBound", "get_thetaMax", "get_tvan", "get_vx", "largest_recoil",
    "nx", "params", "radiusInfluence", "radiusSchwarzschild", "rhox", "sky_angles", "sn_nu_spectrum",
]  # fmt: skip
