"""Default parameter groups and the check of keyword arguments against them."""

from typing import Any, NamedTuple

from nusky.errors import PhysicsError


class MinDistance(NamedTuple):
    """Radii, kpc, below which neither neutrinos (about the supernova) nor dark matter (about the centre) count."""

    d_cut: float = 3.24e-15
    r_cut: float = 1e-8


class HaloProfile(NamedTuple):
    """Scale density in MeV/cm^3, scale radius in kpc, slope parameter (its meaning depends on the profile)."""

    rhos: float = 184
    rs: float = 24.42
    n: float = 2


class Spike(NamedTuple):
    """Black hole mass (Msun), age (yr), influence radius (kpc), slope, annihilation (1e-26 cm^3/s; None: none)."""

    mBH: float = 4.29e6
    tBH: float = 1e9
    rh: float | None = 0.002
    alpha: str = "3/2"
    sigv: float | None = None


class Vegas(NamedTuple):
    """Monte Carlo knobs of the original interface; accepted and ignored, the integration is deterministic."""

    nitn: int = 10
    neval: int = 10000


class Params:
    """The groups by name. A group can be replaced by another one of its type to change the defaults."""

    def __init__(self) -> None:
        self.min_distance = MinDistance()
        self.halo = HaloProfile()
        self.spike = Spike()
        self.vegas = Vegas()

    def merge(self, *groups: str, **overrides: Any) -> dict[str, Any]:
        """One dictionary of the named groups, in their order, with `overrides` applied.

        Raises `PhysicsError` (a ValueError) for a group or a key that does not exist.
        """
        merged: dict[str, Any] = {}
        for group in groups:
            values = vars(self).get(group)
            if values is None:
                raise PhysicsError(f"no parameter group '{group}'; there are {', '.join(vars(self))}.")
            merged.update(values._asdict())
        unknown = [key for key in overrides if key not in merged]
        if unknown:
            raise PhysicsError(f"unknown keyword argument '{unknown[0]}'; allowed here: {', '.join(merged)}.")
        return merged | overrides


params = Params()
