import math

import numpy as np
import pytest
from astropy.io import fits
from scipy.integrate import quad

from nusky import bdm
from nusky.bdm import PUBLISHED, STANDARD
from nusky.bdm.models import ConstantCrossSection, LMuTau
from nusky.bdm.skymap import flux_towards, grid_map, healpix_map
from nusky.errors import PhysicsError

YEAR = bdm.constant.year2Seconds
CAS_A = (1.9501490116060607, -0.037140545927052945)  # l, b of 23h23m24s +58d49m00s, reference/boosted_dark_matter.json


def boosted(position=CAS_A, Rs=3.5, conventions=STANDARD, model=None):
    model = ConstantCrossSection() if model is None else model
    return model.at(Rs, 8.5, bdm.galactic_to_beta(*position), conventions=conventions)


def test_published_map_of_cas_a_is_that_of_the_seed():
    # 9679 pixels, 1.0718e-18 at l = 2.0407, b = -0.0512: 800 x 400 map of the seed page with the original package
    sky = grid_map(boosted(conventions=PUBLISHED), CAS_A, 350 * YEAR, 5, 1)
    i, j = np.unravel_index(sky.value.argmax(), sky.value.shape)
    assert sky.value.shape == (800, 400)
    assert np.count_nonzero(sky.value) == 9679
    assert sky.value.max() == pytest.approx(1.0718e-18, rel=3e-5)
    assert (sky.l[i], sky.b[j]) == pytest.approx((2.0407, -0.0512), abs=5e-5)


def test_standard_map_of_cas_a_is_brightest_towards_the_centre():
    # the true sphere with the published flux: 1.0716e-18 at l = 1.8598; the standard flux has no factor v/c
    sky = grid_map(boosted(), CAS_A, 350 * YEAR, 5, 1)
    i, _ = np.unravel_index(sky.value.argmax(), sky.value.shape)
    assert sky.value.max() == pytest.approx(1.0716e-18 / bdm.get_vx(5, 1), rel=1e-4)
    assert sky.l[i] == pytest.approx(1.8598, abs=5e-5)


@pytest.mark.parametrize("latitude", [0.0, 0.6, 1.2])
@pytest.mark.parametrize("years", [50, 350, 500])
def test_integral_over_the_sky_is_the_flux(latitude, years):
    position = (CAS_A[0], latitude)
    arguments = (boosted(position), position, years * YEAR, 5, 1)
    flux = arguments[0].flux(years * YEAR, 5, 1)
    assert grid_map(*arguments).integral() == pytest.approx(flux, rel=1e-4)
    assert healpix_map(*arguments, nside=256).integral() == pytest.approx(flux, rel=2e-5)


def test_published_integral_misses_the_flux_away_from_the_plane():
    # 0.69 of the flux at b = 0.8: the original's flat sky
    position = (CAS_A[0], 0.8)
    model = boosted(position, conventions=PUBLISHED)
    ratio = grid_map(model, position, 350 * YEAR, 5, 1).integral() / model.flux(350 * YEAR, 5, 1)
    assert ratio == pytest.approx(0.69, abs=0.01)


@pytest.mark.parametrize("conventions", [PUBLISHED, STANDARD])
def test_dark_directions_are_dark_in_the_flux_itself(conventions):
    rng = np.random.default_rng(3)
    l, b = rng.uniform(-np.pi, np.pi, 4000), np.arcsin(rng.uniform(-1, 1, 4000))
    model = boosted((0.3, 0.4), conventions=conventions)
    theta, phi = bdm.sky_angles(l, b, (0.3, 0.4), conventions=conventions)
    expected = model.differential_flux(60 * YEAR, 5, 1, theta, phi)
    np.testing.assert_array_equal(flux_towards(model, (0.3, 0.4), l, b, 60 * YEAR, 5, 1), expected)


@pytest.mark.parametrize(("years", "mx"), [(50, 1.0), (350, 1.0), (350, 20.0), (0.01, 1e-3)])
@pytest.mark.parametrize("model", [ConstantCrossSection(), LMuTau()])
def test_energy_integral_is_that_of_the_differential_flux(years, mx, model):
    position = (0.5, 0.1)
    model = boosted(position, Rs=6.0, model=model)
    reach = bdm.get_thetaMax(years * YEAR, 5, mx, 6.0)
    for angle in (0.02, 0.3, 0.9):
        theta = angle * reach
        direction = (position[0] - theta * 0.6, position[1] + theta * 0.5)
        theta, phi = bdm.sky_angles(*direction, position)

        def flux(energy, theta=theta, phi=phi):
            return model.differential_flux(years * YEAR, energy, mx, theta, phi)

        energies = np.geomspace(5, 30, 400)
        values = flux(energies)
        lit = energies[values > 0]
        found = flux_towards(model, position, *direction, years * YEAR, (5, 30), mx)
        if lit.size == 0:
            assert found == pytest.approx(0, abs=np.finfo(float).tiny)
            continue
        points = sorted({energies[values.argmax()], lit.max()})
        expected, error = quad(flux, 5, min(lit.max() * 1.02, 30), points=points, limit=2000, epsrel=1e-9, epsabs=0)
        assert found == pytest.approx(expected, rel=2e-6 + 2 * error / expected)


def test_nothing_before_and_after_the_signal():
    model = boosted()
    end = bdm.get_tvan(5, 1, 3.5)
    for t in (-1.0, 0.0, 1.001 * end):
        assert not grid_map(model, CAS_A, t, 5, 1, 40, 20).value.any()
        assert not grid_map(model, CAS_A, t, (5, 30), 1, 40, 20).value.any()


@pytest.mark.parametrize("order", ["nested", "ring"])
def test_healpix_file_says_what_it_holds(tmp_path, order):
    from astropy_healpix import HEALPix

    sky = healpix_map(boosted(), CAS_A, 350 * YEAR, 5, 1, nside=32, order=order)
    sky.write(tmp_path / "sky.fits")
    with fits.open(tmp_path / "sky.fits") as file:
        header, read = file[1].header, file[1].data["FLUX"]
    assert (header["PIXTYPE"], header["ORDERING"], header["NSIDE"]) == ("HEALPIX", order.upper(), 32)
    assert (header["COORDSYS"], header["INDXSCHM"], header["FIRSTPIX"]) == ("G", "IMPLICIT", 0)
    assert header["LASTPIX"] == 12 * 32**2 - 1
    assert header["TUNIT1"] == "MeV-1 cm-2 s-1 sr-1"
    assert (header["TIME"], header["TX"], header["MX"]) == (350 * YEAR, 5, 1)
    l, b = HEALPix(32, order).healpix_to_lonlat(int(read.argmax()))
    expected = flux_towards(boosted(), CAS_A, l.rad, b.rad, 350 * YEAR, 5, 1)
    assert read.max() == pytest.approx(expected, rel=1e-12)
    assert [p.name for p in tmp_path.iterdir()] == ["sky.fits"]


def test_orders_hold_the_same_pixels():
    from astropy_healpix.core import nested_to_ring

    nested = healpix_map(boosted(), CAS_A, 350 * YEAR, (5, 30), 1, nside=16)
    ring = healpix_map(boosted(), CAS_A, 350 * YEAR, (5, 30), 1, nside=16, order="ring")
    assert nested.unit == "cm-2 s-1 sr-1"
    np.testing.assert_array_equal(nested.value, ring.value[nested_to_ring(np.arange(nested.value.size), 16)])


def test_a_supernova_in_another_galaxy():
    _, l, b = bdm.equatorial_to_beta("05h35m27.8733s", "-69d16m10.478s")
    centre = bdm.equatorial_to_beta("05h23m34.5264s", "-69d45m22.053s")[1:]
    model = ConstantCrossSection().at(51.4, 49.97, bdm.galactic_to_beta(l, b, centre), conventions=STANDARD)
    sky = healpix_map(model, (l, b), 1 * YEAR, 5, 1, nside=512, GC_coord=centre)
    assert sky.integral() == pytest.approx(model.flux(YEAR, 5, 1), rel=0.05)
    with pytest.raises(PhysicsError, match="give both the same positions"):
        healpix_map(model, (l, b), 1 * YEAR, 5, 1, nside=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_l": 1}, "n_l = 1 must be a whole number of at least 2"),
        ({"n_b": 2.5}, "n_b = 2.5"),
        ({"mx": -1}, "mx = -1 MeV"),
        ({"Tx": 0}, "Tx = 0 MeV"),
        ({"Tx": (30, 5)}, "runs downwards"),
        ({"Tx": (5, 5)}, "has no width"),
        ({"t": math.nan}, "t is NaN"),
        ({"rtol": 0, "Tx": (5, 30)}, "rtol = 0"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"t": 350 * YEAR, "Tx": 5, "mx": 1, "n_l": 800, "n_b": 400, **change}
    with pytest.raises(PhysicsError, match=message):
        grid_map(boosted(), CAS_A, **arguments)


@pytest.mark.parametrize(("option", "message"), [({"nside": 3}, "power of two"), ({"order": "nest"}, "'nested' or")])
def test_bad_healpix_input_is_named(option, message):
    with pytest.raises(PhysicsError, match=message):
        healpix_map(boosted(), CAS_A, 350 * YEAR, 5, 1, **option)
