from types import SimpleNamespace

import numpy as np
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from scipy.stats import chi2

from nusky.search.skymap import spots
from nusky.search.skymap.grid import Grid, PixelMap, Scanner
from tests import oracles
from tests.search.skymap.conftest import SOURCES


@pytest.fixture(scope="module")
def found(injected_model):
    sky = injected_model.data()
    sky_map = Scanner(injected_model, Grid(64, 16, 4.0)).map(sky)
    rows = spots.local_maxima(sky_map, 9.0)
    refined = spots.refine(injected_model, sky, sky_map, rows)
    return sky, sky_map, rows, refined, spots.quoted(injected_model, sky, spots.distinct(refined))


def test_injected_sources_are_among_the_five_hottest(found, with_counts):
    hottest = found[4].take(np.argsort(-found[4].ts)[:5])
    for (ra, dec, *_), n_signal in zip(SOURCES, with_counts[1], strict=True):
        psi = np.degrees(oracles.separation(hottest.ra, hottest.dec, *np.radians([ra, dec])))
        i = np.argmin(psi)
        assert psi[i] < 0.2
        assert hottest.n_signal[i] == pytest.approx(n_signal, rel=0.25)
        assert hottest.ts[i] > 40


def test_maxima_are_those_of_eight_neighbours():
    rng = np.random.default_rng(4)
    ts = rng.exponential(2, 12 * 8**2)
    ts[rng.integers(0, len(ts), 40)] = np.nan
    n = len(ts)
    sky_map = PixelMap(8, np.arange(n), ts, ts, ts, np.full(n, 8, np.int16))
    grid = HEALPix(8, "nested")
    expected = []
    for pixel in range(n):
        with np.errstate(invalid="ignore"):  # some pixels have seven neighbours, marked by -1
            around = grid.neighbours(pixel)
        values = np.nan_to_num(ts[around[around >= 0]], nan=-1)
        if ts[pixel] >= 3 and (ts[pixel] >= values).all():
            expected.append(pixel)
    np.testing.assert_array_equal(spots.local_maxima(sky_map, 3.0), expected)


def test_refined_spots_are_maxima_and_no_lower_than_their_pixels(injected_model, found):
    sky, sky_map, rows, refined, _ = found
    assert (refined.ts >= sky_map.ts[rows] - 0.05).all()
    top = refined.take(np.argsort(-refined.ts)[:3])
    for angle in np.radians([0, 90, 180, 270]):
        ra = top.ra + spots.STEP * np.sin(angle) / np.cos(top.dec)
        around = injected_model.search(sky, ra, top.dec + spots.STEP * np.cos(angle))
        assert (around.ts <= top.ts + 1e-6).all()


class TwoPeaks:
    """TS of a low peak on a pixel's centre and a higher, narrow one, so far away, that no pixel's centre meets."""

    def __init__(self, ra, dec, width, east, north, spacing):
        self.peaks = [(ra, dec, 10.0, width), (ra + east * spacing, dec + north * spacing, 14.0, 0.2 * spacing)]

    def search(self, _, ra, dec):
        ts = np.zeros(len(ra))
        for peak_ra, peak_dec, height, width in self.peaks:
            ts = np.maximum(ts, height * np.exp(-(oracles.separation(ra, dec, peak_ra, peak_dec) ** 2) / 2 / width**2))
        return SimpleNamespace(ts=ts, n_signal=ts, gamma=ts)


@pytest.mark.parametrize(("width", "east", "north"), [(1.0, 0.6, 0.1), (4.0, 2.0, 0.1)])
def test_the_higher_of_two_maxima_side_by_side_is_found(width, east, north):
    n = 12 * 64**2
    pixel = HEALPix(64, "nested").lonlat_to_healpix(1.0 * u.rad, 0.0 * u.rad)
    grid = PixelMap(64, np.arange(n), np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, 64, np.int16))
    ra, dec = (values[pixel] for values in grid.directions())
    spacing = np.radians(58.6 / 64)
    model = TwoPeaks(ra, dec, width * spacing, east, north, spacing)
    ts = model.search(None, *grid.directions()).ts
    sky_map = PixelMap(64, np.arange(n), ts, ts, ts, np.full(n, 64, np.int16))
    rows = spots.local_maxima(sky_map, 4.0)
    np.testing.assert_array_equal(rows, [pixel])
    assert spots.refine(model, None, sky_map, rows).ts == pytest.approx(14.0, abs=0.1)


def test_spots_that_meet_are_one():
    ra = np.radians([10.0, 10.01, 50.0])
    two = spots.Spots(ra, np.zeros(3), np.array([4.0, 5.0, 3.0]), *(np.zeros(3),) * 2, np.arange(3))
    np.testing.assert_array_equal(spots.distinct(two).pixel, [1, 2])


def test_contours_lie_where_ts_has_fallen(injected_model, found):
    sky, *_, quoted = found
    top = quoted.take(np.arange(2))
    made = spots.contours(injected_model, sky, top)
    assert [(c.spot, c.confidence_level) for c in made] == [(0, 0.68), (1, 0.68), (0, 0.95), (1, 0.95)]
    peak = injected_model.search(sky, top.ra, top.dec).ts
    for contour in made:
        on_it = injected_model.search(sky, contour.ra, contour.dec).ts
        np.testing.assert_allclose(peak[contour.spot] - on_it, chi2.ppf(contour.confidence_level, 2), atol=0.1)


def test_a_weak_spot_has_no_closed_contour(injected_model, found):
    sky = found[0]
    ra, dec = np.radians([100.0]), np.radians([60.0])
    weak = injected_model.search(sky, ra, dec)
    assert weak.ts[0] < chi2.ppf(0.95, 2)
    spot = spots.Spots(ra, dec, weak.ts, weak.n_signal, weak.gamma, np.zeros(1, np.int64))
    assert np.isnan(spots.contours(injected_model, sky, spot, (0.95,))[0].ra).all()
    assert spots.contours(injected_model, sky, spot.take(np.arange(0))) == []


def test_a_zoom_has_its_spot_in_the_middle_and_east_along_its_columns(injected_model, found):
    sky, *_, quoted = found
    top = quoted.take(np.arange(1))
    offset, ts = spots.zoom(injected_model, sky, top, np.radians(1.0), 5)
    np.testing.assert_allclose(np.degrees(offset), [-1, -0.5, 0, 0.5, 1])
    east = injected_model.search(sky, top.ra + offset[3] / np.cos(top.dec), top.dec).ts[0]
    north = injected_model.search(sky, top.ra, top.dec + offset[3]).ts[0]
    middle = injected_model.search(sky, top.ra, top.dec).ts[0]
    assert ts.shape == (1, 5, 5)
    assert ts[0, 2, 2] == pytest.approx(middle, rel=1e-6)
    assert ts[0, 3, 2] == pytest.approx(north, rel=1e-6)
    assert ts[0, 2, 3] == pytest.approx(east, abs=0.3)
