import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time

from nusky import bdm, units
from nusky.conventions import STANDARD
from nusky.errors import PhysicsError
from nusky.likelihood.background import band_density
from nusky.likelihood.separation import near_pairs
from nusky.search.single_sources import single_source_search
from nusky.search.sources import Sources
from nusky.units import (
    angle_unit,
    angle_unit_in_name,
    column_unit,
    date_of,
    decimal,
    direction,
    moment,
    plain,
    sexagesimal,
    takes_directions,
)
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("ra_deg", u.deg),
        ("ul95_e2dnde_100tev_gev_cm2_s", u.GeV / u.cm**2 / u.s),
        ("expected_low68_e2dnde_100tev_gev_cm2_s", u.GeV / u.cm**2 / u.s),
        ("e2dnde_gev_cm2_s", u.GeV / u.cm**2 / u.s),
        ("phi0_ul95_per_ev", 1 / (u.eV * u.cm**2 * u.s)),
        ("phi0_error_per_gev", 1 / (u.GeV * u.cm**2 * u.s)),
        ("ns_per_phi0_ev", u.eV * u.cm**2 * u.s),
        ("events_per_phi0_gev", u.GeV * u.cm**2 * u.s),
        ("standard_per_mev_cm2_s_sr", 1 / (u.MeV * u.cm**2 * u.s * u.sr)),
        ("published_error_per_mev_cm2_s", 1 / (u.MeV * u.cm**2 * u.s)),
        ("standard_cm2_per_sr", u.cm**2 / u.sr),
        ("nucleus_standard_cm2", u.cm**2),
        ("standard_per_electron", u.one),
        ("log10_energy_min_gev", u.one),
        ("energy_min_gev", u.GeV),
        ("tx_mev", u.MeV),
        ("t_yr", u.yr),
        ("livetime_s", u.s),
        ("mjd", u.d),
        ("n_signal", u.one),
        ("test_statistic", u.one),
    ],
)
def test_columns_state_their_unit(name, unit):
    assert u.Unit(column_unit(name)) == unit


def test_quantities_become_numbers_and_numbers_stay():
    assert plain("t", 2 * u.min, "s") == 120
    assert plain("t", 2.5, "s") == 2.5
    np.testing.assert_allclose(plain("Tx", [5 * u.keV, 1 * u.MeV], "MeV"), [0.005, 1])
    assert plain("v", 299792.458 * u.km / u.s, "c") == pytest.approx(1, rel=1e-15)
    assert plain("n", 3 * u.percent, "") == pytest.approx(0.03)


def test_what_is_no_such_unit_is_refused():
    with pytest.raises(PhysicsError, match=r"t = 3\.0 m cannot be converted; give a quantity in s\."):
        plain("t", 3 * u.m, "s")
    with pytest.raises(PhysicsError, match=r"n = 3\.0 m cannot be converted; give a number without a unit\."):
        plain("n", 3 * u.m, "")
    with pytest.raises(PhysicsError, match=r"Tx_range = .* mixes kinds of units"):
        plain("Tx_range", (5 * u.MeV, 3), "MeV")


def test_decorated_functions_take_both():
    @takes_directions(ra="rad", energy="GeV")
    def function(ra, energy=100.0, *, other=None):
        """What it does."""
        return ra, energy, other

    assert function(180 * u.deg, other=1 * u.m) == (np.pi, 100.0, 1 * u.m)
    assert function(0.5, energy=2 * u.TeV) == (0.5, 2000.0, None)
    assert function.__doc__ == "What it does."
    with pytest.raises(PhysicsError, match=r"energy = 3\.0 deg cannot be converted"):
        function(1.0, 3 * u.deg)


def test_directions_in_any_form_are_the_same():
    from astropy.coordinates import SkyCoord

    degrees = np.array([40.67, 359.0]), np.array([-0.01, 89.0])
    coord = SkyCoord(*degrees, unit="deg")
    for given in (np.radians(degrees), degrees * u.deg, (coord,), (coord.galactic,), (coord.ra, coord.dec)):
        np.testing.assert_allclose(direction(*given), np.radians(degrees), atol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((40.67, -0.01), r"ra is 40\.67 rad, outside -pi to 2 pi.*for degrees give quantities"),
        ((0.7, 5.7), r"dec is 5\.7 rad, outside -pi/2 to pi/2"),
        (([0.7, 80.0], [0.1, 0.2]), r"ra number 1 is 80 rad"),
        ((361 * u.deg, 0 * u.deg), r"ra is 6\.30064 rad"),
        ((1.0, -91 * u.deg), r"dec is -1\.58825 rad"),
        ((np.nan, 0.0), r"ra is nan rad"),
        ((1 * u.m, 0.0), r"ra = 1\.0 m cannot be converted"),
        (("40d", "0d"), r"ra = '40d' is no angle"),
        ((1.0,), r"dec is missing"),
    ],
)
def test_what_is_no_direction_is_refused(given, message):
    with pytest.raises(PhysicsError, match=message):
        direction(*given)


def test_a_coordinate_and_a_declination_contradict():
    from astropy.coordinates import SkyCoord

    with pytest.raises(PhysicsError, match="ra is a SkyCoord, which holds dec too"):
        direction(SkyCoord(1, 2, unit="deg"), 0.3)


def test_functions_of_directions_take_all_forms():
    from astropy.coordinates import SkyCoord

    rng = np.random.default_rng(3)
    ra, dec, error = rng.uniform(0, 2 * np.pi, 500), rng.uniform(-1, 1, 500), np.full(500, 0.02)
    events, source = SkyCoord(ra, dec, unit="rad"), SkyCoord(40.67, -0.01, unit="deg")
    expected = single_source_search(ra, dec, error, source.ra.rad, source.dec.rad, STANDARD).ts_max
    for sources in ((source, None), (source.ra, source.dec), (40.67 * u.deg, -0.01 * u.deg)):
        found = single_source_search(events, None, error * u.rad, *sources, STANDARD)
        np.testing.assert_allclose(found.ts_max, expected, rtol=1e-9)
    with pytest.raises(PhysicsError, match="source_ra is 40"):
        single_source_search(ra, dec, error, 40.67, -0.01, STANDARD)
    assert len(
        near_pairs(events, None, np.degrees(error) * u.deg, SkyCoord([40.67], [-0.01], unit="deg"), None).event
    ) == len(near_pairs(ra, dec, error, [source.ra.rad], [source.dec.rad]).event)
    np.testing.assert_allclose(
        band_density([10] * u.deg, np.degrees(dec) * u.deg, clipped=True),
        band_density(np.radians([10]), dec, clipped=True),
    )
    stack = Sources.of(SkyCoord([40.67, 77.36], [-0.01, 5.69], unit="deg"), extension=[0.5, 0] * u.deg)
    np.testing.assert_allclose(np.degrees(stack.extension), [0.5, 0])
    with pytest.raises(PhysicsError, match="dec number 1 is 5"):
        Sources.of([0.7, 1.3], [0.0, 5.69])
    galactic = SkyCoord(10, 20, unit="deg", frame="galactic")
    assert bdm.galactic_to_beta(galactic.icrs) == pytest.approx(bdm.galactic_to_beta(*np.radians([10, 20])))
    with pytest.raises(PhysicsError, match="b is 20 rad"):
        bdm.galactic_to_beta(1.0, 20.0)


def test_a_decorated_function_without_a_direction_says_what_is_missing():
    @takes_directions(("ra", "dec"), width="rad")
    def function(ra, dec=None, width=0.0):
        return ra, dec, width

    assert function(1.0, 0.5, 60 * u.arcmin) == (1.0, 0.5, pytest.approx(np.radians(1)))
    with pytest.raises(TypeError):
        function(width=1.0)


def test_boosted_dark_matter_takes_quantities():
    assert bdm.get_vx(5 * u.MeV, 1 * u.keV) == bdm.get_vx(5, 1e-3)
    assert bdm.get_tvan([5, 10] * u.MeV, 1.0, 8.5 * u.kpc) == pytest.approx(bdm.get_tvan([5, 10], 1.0, 8.5), rel=1e-14)
    assert bdm.galactic_to_beta(90 * u.deg, 0.0) == pytest.approx(np.pi / 2, rel=1e-15)
    with pytest.raises(PhysicsError, match=r"Tx = 5\.0 s cannot be converted; give a quantity in MeV\."):
        bdm.get_vx(5 * u.s, 1e-3)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        *(("05:34:31.94", True), ("5h34m31.94s", True), ("23 59 60.0", True), ("12h", True), ("12:30.5", True)),
        *(
            ("-29:00:28.1", False),
            ("+22d00m52s", False),
            ("-0d00m30s", False),
            ("89 59 59.9", False),
            ("22\u00b030'", False),
        ),
    ],
)
def test_sexagesimal_angles_are_those_of_astropy(text, hours):
    from astropy.coordinates import Angle

    expected = Angle(text.replace("60.0", "59.9999999999"), unit="hourangle" if hours else "deg").deg
    assert sexagesimal(text, hours) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("text", ["83.6", "J0534+2200", "1 2 3 4", "12:34:", "", "a", "5m", "1:2:3:4", "22:00:52 S"])
def test_other_text_is_no_sexagesimal_angle(text):
    assert sexagesimal(text, False) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        ("\u22122e-12", -2e-12),
        ("1D3", 1000.0),
        ("083.63", 83.63),
        ("0834", None),
        ("1_0", None),
        ("1,5", None),
    ],
)
def test_decimal_numbers(text, number):
    assert decimal(text) == number


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        *(
            ("RA [rad]", "rad"),
            ("ra_rad", "rad"),
            ("RAdeg", "deg"),
            ("Size (arcmin)", "arcmin"),
            ("r_arcsec", "arcsec"),
        ),
        *(("RA (hours, J2000)", "hours"), ("grad", None), ("RAJ2000", None), ("RA (J2000)", None), ("radius", None)),
    ],
)
def test_units_in_names(name, unit):
    found = angle_unit_in_name(name)
    assert (found and found[0]) == unit


@pytest.mark.parametrize(
    ("unit", "degrees"), [("RADIANS", 57.29577951308232), ("DEG", 1), ("hr", 15), ("kpc", None), ("5deg", None)]
)
def test_spellings_of_units(unit, degrees):
    assert angle_unit(unit) == degrees


@pytest.mark.parametrize("date", ["2014-12-13", "2014-12-13T12:30", "2011-05-13 23:59:59.5", "20141213", "1999-01-01"])
def test_dates_are_those_of_astropy(date):
    iso = "2014-12-13" if date == "20141213" else date
    expected = Time(iso.replace(" ", "T")).mjd
    assert moment("t", date) == pytest.approx(expected, abs=1e-9)
    assert moment("t", Time(expected, format="mjd")) == pytest.approx(expected, abs=1e-9)
    assert Time(date_of(expected)).mjd == pytest.approx(expected, abs=0.51 / 1440)


def test_times_with_a_zone_and_plain_numbers():
    assert moment("t", "2014-12-13T12:00+06:00") == moment("t", "2014-12-13T06:00")
    assert moment("t", "57000.25") == moment("t", 57000.25) == moment("t", 57000.25 * u.d) == 57000.25
    for wrong in ("tomorrow", "2014-13-01", None, 3 * u.m):
        with pytest.raises(PhysicsError, match=r"^t = .*(no time|cannot be converted)"):
            moment("t", wrong)


@pytest.mark.parametrize(
    "work",
    [
        lambda n: units.angle_unit_in_name("(" * n),
        lambda n: units.angle_unit_in_name("RA [deg] " + "[" * n),
        lambda n: units.angle_unit_in_name("(" + "a," * n + ")"),
        lambda n: units.angle_unit_in_name("a" + "-" * n + "!"),
        lambda n: units.time_unit_in_name("T90 " + "[" * n),
        lambda n: units.angle_unit("m" * n),
        lambda n: units.time_unit("m " * n),
        lambda n: units.decimal("1" * n + "x"),
        lambda n: units.angle_deg("1" * n + "x", True),
        lambda n: units.sexagesimal("1 " * n + "x", True),
        lambda n: units.angle_unit_in_description("in " * n + "!"),
        lambda n: units.angle_unit_in_description("in" + " " * n + "!"),
        lambda n: units.angle_unit_in_description("(a " * n),
    ],
)
def test_long_text_takes_time_in_proportion(work):
    assert_linear(work)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("RA ((rad)", "(rad"),  # closed by the next closing bracket
        ("RA [rad] (", "rad"),
        ("RA (see note (1)) [rad]", "rad"),
        ("RA ) rad ( deg", "deg"),
    ],
)
def test_brackets_that_do_not_pair(name, found):
    said = angle_unit_in_name(name)
    assert (said and said[0]) == found
