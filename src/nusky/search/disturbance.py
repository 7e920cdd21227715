"""How a sky may differ from what the analysis believes of it: the truth behind systematic errors of limits."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Disturbance:
    """Factors by which pseudo-experiments differ from the analysis; 1 is as believed.

    Attributes
    ----------
    angular_error : float
        Of the distance at which signal is reconstructed from its neutrino, AngErr staying as it is.
    energy_scale : float
        Of the reconstructed energy of signal; nothing where events have no energies.
    background : float, from 0 to 2
        Of the background's density near the sources, the number of all events staying as it is.
    """

    angular_error: float = 1.0
    energy_scale: float = 1.0
    background: float = 1.0


UNDISTURBED = Disturbance()
TRIALS_SHARE = 0.35
"""Trials at each strength, in those of the limit: seven sets of them, and the limit, cost less than four limits."""
