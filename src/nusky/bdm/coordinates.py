"""Directions on the sky: off-centre angles of supernovae, and (theta, phi) of a direction about a supernova; rad."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.bdm.checks import broadcast, common_shape, handed_back, real
from nusky.bdm.conventions import STANDARD, Conventions
from nusky.errors import PhysicsError
from nusky.units import direction, takes_directions


@takes_directions(("l", "b"), frame="galactic")
def galactic_to_beta(l: Any, b: Any = None, GC_coord: Sequence[float] = (0, 0)) -> Any:
    """Angle between (l, b) and the Galactic centre at GC_coord = (l, b), by the haversine formula; all in rad.

    Quantities are taken too, and a SkyCoord in place of `l` and `b`.
    """
    l, b, centre = real("l", l, "rad"), real("b", b, "rad"), real("GC_coord", GC_coord, "rad")
    if centre.shape != (2,):
        raise PhysicsError(f"GC_coord = {GC_coord!r} must be a pair (l, b) in radians.")
    direction(*centre, ("l of the centre", "b of the centre"))
    common_shape(l, b)
    haversine = np.sin((b - centre[1]) / 2) ** 2 + np.cos(b) * np.cos(centre[1]) * np.sin((l - centre[0]) / 2) ** 2
    return handed_back(2 * np.arcsin(np.sqrt(np.minimum(haversine, 1))))


def equatorial_to_beta(ra: Any, dec: Any, GC_coord: Sequence[Any] | None = None) -> tuple[Any, Any, Any]:
    """(beta, l, b) of ICRS coordinates given as strings ('23h23m24s', '58d49m00s') or lists of them.

    GC_coord is [RA, Dec] of the Galactic centre as strings, or None for l = b = 0; further elements are ignored.
    """
    l, b = _galactic(ra, dec)
    centre = (0.0, 0.0) if GC_coord is None else _galactic(GC_coord[0], GC_coord[1])
    return galactic_to_beta(l, b, centre), l, b


def _galactic(ra: Any, dec: Any) -> tuple[Any, Any]:
    from astropy.coordinates import SkyCoord

    try:
        position = SkyCoord(ra, dec, frame="icrs").galactic
    except Exception as error:  # astropy raises several kinds for text it cannot parse
        raise PhysicsError(
            f"cannot read the position RA {ra!r}, Dec {dec!r} ({error}); give strings such as '23h23m24s', '58d49m00s'."
        ) from error
    return handed_back(position.l.rad), handed_back(position.b.rad)


@takes_directions(("l", "b"), frame="galactic")
def sky_angles(
    l: ArrayLike,
    b: ArrayLike,
    supernova: Sequence[float],
    GC_coord: Sequence[float] = (0, 0),
    *,
    conventions: Conventions = STANDARD,
) -> tuple[Any, Any]:
    """(theta, phi) of the direction (l, b) about a supernova; phi in [0, 2 pi), pi/2 towards the Galactic centre.

    Standard: on the sphere, with unit vectors n, s, g of direction, supernova and centre, e = (g - cos(beta)
    s)/sin(beta) and f = s x e: theta = atan2(|n x s|, n.s), phi = atan2(n.e, n.f). Where the supernova hides the
    centre e is any direction. Published: theta = hypot(l', b'), phi = atan2(l', b') of the differences of l and b.
    """
    l, b = broadcast(real("l", l, "rad"), real("b", b, "rad"))
    l_sn, b_sn = direction(*real("supernova", supernova, "rad"), ("l of the supernova", "b of the supernova"))
    if conventions.flat_sky:
        dl, db = (l - l_sn + math.pi) % (2 * math.pi) - math.pi, b - b_sn
        return handed_back(np.hypot(dl, db)), handed_back(np.arctan2(dl, db) % (2 * math.pi))
    n, s, g = _unit(l, b), _unit(l_sn, b_sn), _unit(*real("GC_coord", GC_coord, "rad"))
    e = g - np.dot(g, s) * s
    if np.linalg.norm(e) < 1e-15:
        e = _unit(l_sn, b_sn + math.pi / 2)
    e = e / np.linalg.norm(e)
    towards, across = n @ e, n @ np.cross(s, e)
    theta = np.arctan2(np.hypot(towards, across), n @ s)
    return handed_back(theta), handed_back(np.arctan2(towards, across) % (2 * math.pi))


def _unit(l: ArrayLike, b: ArrayLike) -> np.ndarray:
    return np.stack([np.cos(b) * np.cos(l), np.cos(b) * np.sin(l), np.sin(b) * np.ones_like(l)], axis=-1)
