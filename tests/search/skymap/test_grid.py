import numpy as np
import pytest
from astropy_healpix import HEALPix

from nusky.errors import PhysicsError
from nusky.search.skymap.grid import MAX_DEC, Grid, Scanner

GRID = Grid(nside=32, nside_coarse=16, refine_above=4.0)


@pytest.fixture(scope="module")
def scanned(null_model):
    sky = null_model.data()
    return sky, Scanner(null_model, GRID).map(sky)


def test_every_pixel_has_the_fit_at_the_centre_it_says(null_model, scanned):
    sky, found = scanned
    np.testing.assert_array_equal(found.pixel, np.arange(12 * 32**2))
    assert set(np.unique(found.nside_fitted)) == {0, 16, 32}
    for nside in (16, 32):
        rows = np.flatnonzero(found.nside_fitted == nside)
        lon, lat = HEALPix(nside, "nested").healpix_to_lonlat(rows // (32 // nside) ** 2)
        fits = null_model.fit(sky, lon.rad, lat.rad)
        np.testing.assert_allclose(found.ts[rows], fits.ts, atol=1e-9)
        np.testing.assert_allclose(found.n_signal[rows], fits.n_signal, rtol=1e-6, atol=1e-9)


def test_pixels_are_divided_where_their_own_ts_says_so(null_model, scanned):
    sky, found = scanned
    coarse = Scanner(null_model, Grid(16, 16, 4.0)).map(sky)
    divided = found.nside_fitted.reshape(-1, 4).max(axis=1) == 32
    assert divided.any()
    np.testing.assert_array_equal(divided, np.nan_to_num(coarse.ts) >= 4.0)


def test_the_polar_caps_are_left_out(scanned):
    _, found = scanned
    coarse = HEALPix(16, "nested").healpix_to_lonlat(found.pixel // 4)[1].rad
    outside = np.isnan(found.ts)
    np.testing.assert_array_equal(outside, found.nside_fitted == 0)
    undivided = found.nside_fitted != 32
    np.testing.assert_array_equal(outside[undivided], np.abs(coarse[undivided]) > MAX_DEC)


def test_regions_make_up_the_sky(null_model, scanned):
    sky, whole = scanned
    grid = Grid(32, 16, 4.0, nside_region=1)
    parts = [Scanner(null_model, grid, region).map(sky) for region in range(grid.n_regions)]
    for name in ("pixel", "ts", "n_signal", "gamma", "nside_fitted"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), rtol=1e-6, atol=1e-9)


def test_progress_is_told(null_model):
    told = []
    Scanner(null_model, Grid(16, 16, 4.0), 4).map(null_model.data(), lambda *now: told.append(now))
    assert told[-1] == (16, 256, 256)


@pytest.mark.parametrize("sizes", [(32, 64, 1), (48, 16, 1), (16, 8, 16)])
def test_impossible_grids_are_refused(sizes):
    with pytest.raises(PhysicsError, match="must be powers of two, none smaller than the one before"):
        Grid(sizes[0], sizes[1], 4.0, sizes[2])


def test_an_unknown_region_is_refused():
    with pytest.raises(PhysicsError, match="there is no region 12; the grid has 12"):
        GRID.pixels(16, 12)
