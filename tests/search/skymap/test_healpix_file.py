import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import ICRS
from astropy.io import fits
from astropy_healpix import HEALPix

from nusky.errors import TableError
from nusky.search.skymap import healpix_file
from nusky.search.skymap.grid import PixelMap


@pytest.fixture
def written(tmp_path):
    n = 12 * 8**2
    rng = np.random.default_rng(9)
    ts, gamma = rng.exponential(2, n), rng.uniform(1, 4, n)
    ts[:5], gamma[:50] = np.nan, np.nan
    sky_map = PixelMap(8, np.arange(n), ts, rng.random(n), gamma, np.full(n, 8, np.int16))
    path = tmp_path / "map.fits"
    healpix_file.write(path, sky_map, rng.random(n), rng.random(n), {"SEED": (3, "root of the random streams")})
    return path, sky_map


def test_the_header_says_what_healpix_software_needs(written):
    with fits.open(written[0]) as file:
        header = file[1].header
    for key, value in {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "NESTED",
        "COORDSYS": "C",
        "NSIDE": 8,
        "FIRSTPIX": 0,
        "LASTPIX": 767,
        "INDXSCHM": "IMPLICIT",
        "OBJECT": "FULLSKY",
        "SEED": 3,
    }.items():
        assert header[key] == value
    # What software reads without asking for a column is the first one.
    assert [header[f"TTYPE{k}"] for k in (1, 2)] == ["NEG_LOG10_P", "TS"]


def test_astropy_reads_the_same_values_at_the_same_places(written):
    path, sky_map = written
    with fits.open(path) as file:
        column, header = np.array(file[1].data["TS"]), file[1].header
    grid = HEALPix(header["NSIDE"], header["ORDERING"].lower(), frame=ICRS())
    lon, lat = HEALPix(8, "nested").healpix_to_lonlat(sky_map.pixel)
    place = grid.lonlat_to_healpix(lon, lat)
    seen = ~np.isnan(sky_map.ts)
    np.testing.assert_array_equal(column[place][seen], sky_map.ts[seen])
    np.testing.assert_array_equal(column[place][~seen], healpix_file.UNSEEN)
    np.testing.assert_allclose(sky_map.directions()[0], lon.to_value(u.rad))


def test_healpy_reads_the_same_values_at_the_same_places(written):
    healpy = pytest.importorskip("healpy")
    path, sky_map = written
    with fits.open(path) as file:
        fields = [file[1].columns.names.index(name) for name in ("TS", "N_SIGNAL")]
    ts, n_signal = healpy.read_map(path, field=fields, nest=True, dtype=np.float64)
    seen = ~np.isnan(sky_map.ts)
    np.testing.assert_array_equal(ts[seen], sky_map.ts[seen])
    np.testing.assert_array_equal(ts[~seen], healpy.UNSEEN)
    np.testing.assert_array_equal(n_signal, sky_map.n_signal)
    ring = healpy.read_map(path, field=fields[0], nest=False, dtype=np.float64)
    ra, dec = sky_map.directions()
    np.testing.assert_array_equal(ring[healpy.ang2pix(8, np.pi / 2 - dec, ra)][seen], sky_map.ts[seen])


def test_reading_gives_back_what_was_written(written):
    path, sky_map = written
    nside, values = healpix_file.read(path, "GAMMA")
    assert nside == 8
    np.testing.assert_array_equal(values, sky_map.gamma)


def test_what_is_no_map_is_refused(written, tmp_path):
    with pytest.raises(TableError, match="no map with a column WEIGHT"):
        healpix_file.read(written[0], "WEIGHT")
    other = tmp_path / "other.fits"
    other.write_text("nothing")
    with pytest.raises(TableError, match="Delete it and run again"):
        healpix_file.read(other, "TS")
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([fits.Column("TS", "D", array=[1.0])])]).writeto(
        tmp_path / "table.fits"
    )
    with pytest.raises(TableError, match="not a HEALPix map in nested order"):
        healpix_file.read(tmp_path / "table.fits", "TS")
