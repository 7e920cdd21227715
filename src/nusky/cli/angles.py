"""Directions and widths on the command line: ``350.85``, ``23h23m24s``, ``30arcmin``."""

import typer

from nusky.errors import PhysicsError
from nusky.units import angle_deg


def right_ascension_deg(text: str) -> float:
    """A right ascension in degrees: 350.85, 23h23m24s, 23:23:24 or 5.2h; `typer.BadParameter` if it is none."""
    return _angle(text, hours=True, example="350.85, 23h23m24s or 23:23:24")


def declination_deg(text: str) -> float:
    """A declination in degrees: 58.8, 58d49m00s or -29:00:28; `typer.BadParameter` if it is none."""
    return _angle(text, hours=False, example="58.8, 58d49m00s or 58:49:00")


def _angle(text: str, *, hours: bool, example: str) -> float:
    try:
        value = angle_deg(text, hours)
    except PhysicsError as error:
        raise typer.BadParameter(f"{error} Give an angle such as {example}.") from None
    if value is None:
        raise typer.BadParameter(f"'{text}' is no angle; give degrees, or text such as {example}.")
    return value
