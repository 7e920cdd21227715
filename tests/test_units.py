import numpy as np
import pytest
from astropy import units as u

from nusky import bdm
from nusky.errors import PhysicsError
from nusky.units import accepts, column_unit, plain


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
