"""Quantities of astropy at the edge of nusky, and the units in the names of columns.

Inside nusky numbers are plain and their unit is documented. What a user passes may be a `Quantity`, which is converted;
plain numbers keep the documented unit.
"""

import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from nusky.errors import PhysicsError

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FLUX = "eV-1 cm-2 s-1"
_COLUMN_UNITS = {
    # The first pattern that fits the end of a name decides.
    r"e2dnde(_\d+[tp]ev)?_gev_cm2_s": "GeV cm-2 s-1",
    r"ns_per_phi0_ev": "eV cm2 s",
    r"(ns|events)_per_phi0_gev": "GeV cm2 s",
    r"phi0(_\w+)?_per_ev": _FLUX,
    r"phi0(_\w+)?_per_gev": "GeV-1 cm-2 s-1",
    r"_per_mev_cm2_s_sr": "MeV-1 cm-2 s-1 sr-1",
    r"_per_mev_cm2_s": "MeV-1 cm-2 s-1",
    r"_cm2_per_sr": "cm2 sr-1",
    r"_per_sr": "sr-1",
    r"_per_electron": "",
    r"log10_\w*": "",
    r"_cm2": "cm2",
    r"_deg": "deg",
    r"_rad": "rad",
    r"_gev": "GeV",
    r"_mev": "MeV",
    r"_yr": "yr",
    r"_s": "s",
    r"\bmjd|_mjd": "d",
}


def column_unit(name: str) -> str:
    """The unit that the name of a column of nusky's tables states, in astropy's notation; empty where it has none."""
    return next((unit for ending, unit in _COLUMN_UNITS.items() if re.search(f"(?:{ending})$", name)), "")


def plain(name: str, value: Any, unit: str) -> Any:
    """`value` as it is, or the numbers of a `Quantity` or a list of them in `unit`.

    Raises
    ------
    PhysicsError
        When the unit of `value` is no such unit.
    """
    units = sys.modules.get("astropy.units")
    if units is None:  # then nothing can be a Quantity, and importing astropy would take longer than most calls
        return value
    if isinstance(value, list | tuple) and any(isinstance(item, units.Quantity) for item in value):
        value = _joined(name, value, units)
    if not isinstance(value, units.Quantity):
        return value
    try:
        return value.to_value(_unit(unit))
    except units.UnitConversionError:
        wanted = f"a quantity in {unit}" if unit else "a number without a unit"
        raise PhysicsError(f"{name} = {value} cannot be converted; give {wanted}.") from None


def accepts(**units: str) -> Callable[[_Function], _Function]:
    """Decorator: each named argument may be a `Quantity`, and the function gets its numbers in the unit given."""

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def converted(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            for name in units.keys() & bound.arguments.keys():
                bound.arguments[name] = plain(name, bound.arguments[name], units[name])
            return function(*bound.args, **bound.kwargs)

        return converted

    return decorate


def _unit(unit: str) -> Any:
    from astropy import constants, units

    return units.CompositeUnit(constants.c.value, [units.m, units.s], [1, -1]) if unit == "c" else units.Unit(unit)


def _joined(name: str, values: Any, units: Any) -> Any:
    try:
        return units.Quantity(values)
    except (units.UnitConversionError, TypeError):
        raise PhysicsError(f"{name} = {values} mixes kinds of units; give all of them in one.") from None
