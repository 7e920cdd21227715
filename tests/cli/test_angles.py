import pytest
import typer

from nusky.cli.angles import declination_deg, right_ascension_deg


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("350.85", 350.85),
        ("23h23m24s", 350.85),
        ("23:23:24", 350.85),
        ("23 23 24", 350.85),
        ("23:23.4", 350.85),
        ("23.39h", 350.85),
        ("350d51m00s", 350.85),
        ("350.85 deg", 350.85),
        ("6.1234876806rad", 350.85),
    ],
)
def test_right_ascensions(text, value):
    assert right_ascension_deg(text) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-58d49m00s", -58.816666666666666),
        ("-58:49:00", -58.816666666666666),
        ("\u221258 49 00", -58.816666666666666),
        ("-0:30:00", -0.5),
        ("+12\u00b030'", 12.5),
        ("-12.5", -12.5),
        ("30arcmin", 0.5),
    ],
)
def test_declinations(text, value):
    assert declination_deg(text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (right_ascension_deg, "83:37:48", "no right ascension of 0 to 24 hours"),
        (right_ascension_deg, "053431.9", "is no angle; give degrees"),
        (right_ascension_deg, "5:61:00", "has 60 or more minutes"),
        (right_ascension_deg, "25h", "no right ascension of 0 to 24 hours"),
        (declination_deg, "12h30m00s", "is in hours; a declination"),
        (declination_deg, "1.5h", "is in hours; a declination"),
        (declination_deg, "north", "is no angle; give degrees"),
        (declination_deg, "5kpc", "is no angle; give degrees"),
    ],
)
def test_what_is_no_coordinate(parse, text, message):
    with pytest.raises(typer.BadParameter, match=message):
        parse(text)
