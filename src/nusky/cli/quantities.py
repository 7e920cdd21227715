"""Numbers with units on the command line: ``5MeV``, ``0.005 GeV``, ``350yr``."""

import math
import re
from dataclasses import dataclass

import typer

from nusky.bdm.constants import constant

_NUMBER = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*\d?)")


@dataclass(frozen=True)
class Kind:
    """A kind of quantity; `units` gives the size of each in the first one, in which a bare number is."""

    name: str
    units: dict[str, float]

    @property
    def default(self) -> str:
        """The unit of a bare number."""
        return next(iter(self.units))

    def parse(self, text: str) -> float:
        """The number in the default unit; `typer.BadParameter` for another kind of quantity or none at all."""
        found = _NUMBER.fullmatch(text.strip())
        example = f"such as 1{self.default}"
        if found is None:
            raise typer.BadParameter(f"'{text}' is no number with a unit; give {self.name} {example}.")
        number, unit = float(found[1]), found[2] or self.default
        if unit not in self.units:
            other = next((kind.name for kind in KINDS if unit in kind.units), None)
            problem = f"is {other}" if other else f"has the unknown unit '{unit}'"
            raise typer.BadParameter(f"'{text}' {problem}; give {self.name} in {', '.join(self.units)}.")
        if not math.isfinite(number):
            raise typer.BadParameter(f"'{text}' is not finite; give {self.name} {example}.")
        return number * self.units[unit]


ENERGY = Kind("an energy or mass", {"MeV": 1.0, "eV": 1e-6, "keV": 1e-3, "GeV": 1e3, "TeV": 1e6})
TIME = Kind("a time", {"yr": 1.0, "kyr": 1e3, "d": 86400 / constant.year2Seconds, "s": 1 / constant.year2Seconds})
DISTANCE = Kind("a distance", {"kpc": 1.0, "pc": 1e-3, "Mpc": 1e3})
AREA = Kind("a cross section", {"cm2": 1.0, "pb": 1e-36, "fb": 1e-39})
KINDS = (ENERGY, TIME, DISTANCE, AREA)
