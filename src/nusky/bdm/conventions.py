"""Every difference between the two named sets of conventions, `PUBLISHED` and `STANDARD`.

`PUBLISHED` gives the numbers of the seed page and of the papers built on it; `STANDARD` is the physics done
correctly. Only conventions differ: the numerical faults of the original (cancellation, unconverged quadrature,
Monte Carlo bias) are in neither set.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Conventions:
    """What the two sets do differently; the defaults are the standard ones."""

    name: Literal["published", "standard"] = "standard"
    amplitude_jacobian_twice: bool = False
    """User amplitudes: whether dsigma/dOmega already carries dE_nu/dT_x, which the emissivity multiplies again."""
    target_factor: float = 1.0
    """Factor on the target cross section of a user amplitude (2 pi in the original, 1 by the definition)."""
    per_momentum: bool = False
    """Whether the flux carries an extra v/c, which makes it a density in momentum labelled one in kinetic energy."""
    flat_sky: bool = False
    """Whether (theta, phi) of a sky direction treat l and b as Cartesian, phi counted from the latitude axis."""
    model_ignores_rh: bool = False
    """Whether a model's spike takes its influence radius from the M-sigma relation, whatever `rh` says."""
    negative_energy_emits: bool = False
    """Whether the neutrino spectrum is evaluated at negative energies too."""
    mixing_without_charge: bool = False
    """L_mu-L_tau: whether the vertex with a charged target is epsilon g_x instead of e epsilon g_x times its charge."""
    every_flavour_couples: bool = False
    """L_mu-L_tau: whether electron neutrinos boost dark matter like the others."""


STANDARD = Conventions()
PUBLISHED = Conventions(
    name="published",
    amplitude_jacobian_twice=True,
    target_factor=6.283185307179586,
    per_momentum=True,
    flat_sky=True,
    model_ignores_rh=True,
    negative_energy_emits=True,
    mixing_without_charge=True,
    every_flavour_couples=True,
)
