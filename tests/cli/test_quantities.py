import pytest

from nusky.bdm import constant
from nusky.cli.quantities import AREA, DISTANCE, ENERGY, TIME


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ENERGY, "5", 5.0),
        (ENERGY, "5MeV", 5.0),
        (ENERGY, " 0.005 GeV ", 5.0),
        (ENERGY, "5e6eV", 5.0),
        (ENERGY, ".5TeV", 5e5),
        (TIME, "350", 350.0),
        (TIME, "1.5kyr", 1500.0),
        (TIME, f"{constant.year2Seconds}s", 1.0),
        (DISTANCE, "3500pc", 3.5),
        (AREA, "1e-45cm2", 1e-45),
        (AREA, "2pb", 2e-36),
        (ENERGY, "-1MeV", -1.0),
    ],
)
def test_numbers_with_units(kind, text, value):
    assert kind.parse(text) == pytest.approx(value, rel=1e-14)
