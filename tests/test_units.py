import numpy as np
import pytest
from astropy import units as u

from nusky import bdm
from nusky.errors import PhysicsError
from nusky.units import accepts, angle_unit, angle_unit_in_name, column_unit, decimal, plain, sexagesimal


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
    @accepts(ra="rad", energy="GeV")
    def function(ra, energy=100.0, *, other=None):
        """What it does."""
        return ra, energy, other

    assert function(180 * u.deg, other=1 * u.m) == (np.pi, 100.0, 1 * u.m)
    assert function(0.5, energy=2 * u.TeV) == (0.5, 2000.0, None)
    assert function.__doc__ == "What it does."
    with pytest.raises(PhysicsError, match=r"energy = 3\.0 deg cannot be converted"):
        function(1.0, 3 * u.deg)


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
