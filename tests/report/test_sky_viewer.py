"""The interactive sky map, in a browser."""

import io

import matplotlib.image
import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy_healpix import HEALPix

from nusky.errors import PhysicsError
from nusky.report import sky_viewer
from nusky.stages import sky_viewer as stage
from tests import skymap_run

HOTTEST = skymap_run.HOTTEST


@pytest.fixture(scope="module")
def viewer(page, tmp_path_factory):
    """The page of a small map in a browser."""
    folder = tmp_path_factory.mktemp("viewer")
    paths = skymap_run.write(folder, synthetic=True)
    files = {name: paths[name] for name in ("fits", "spots", "contours")}
    stage.write(run="<small>", **files, sources=[paths["sources"]] * 2, output=folder / "viewer.html")
    page.path = folder / "viewer.html"
    return page


@pytest.fixture
def opened(viewer):
    """The viewer, opened afresh; afterwards nothing may have been complained about or asked of others."""
    viewer.problems.clear()
    viewer.requests.clear()
    viewer.view(1200, 900)
    viewer.open(viewer.path)
    yield viewer
    assert viewer.problems == []
    assert [url for url in viewer.requests if not url.startswith(("data:", viewer.path.as_uri()))] == []


def settled(page) -> np.ndarray:
    """The canvas at rest, (height, width, 3)."""
    page.evaluate("new Promise((done) => setTimeout(done, 250))")
    left, top, width, height = map(round, box(page))
    image = (matplotlib.image.imread(io.BytesIO(page.screenshot()))[..., :3] * 255).astype(int)
    return image[top : top + height, left : left + width]


def box(page) -> list[float]:
    """Left, top, width and height of the canvas inside its border, CSS pixels."""
    return page.evaluate(
        "(() => { const sky = document.getElementById('sky'), outer = sky.getBoundingClientRect();"
        " return [outer.x + sky.clientLeft, outer.y + sky.clientTop, sky.clientWidth, sky.clientHeight]; })()"
    )


def hover(page, ra: float, dec: float) -> dict[str, str]:
    """What the page says of a position [deg] under the pointer."""
    x, y = page.evaluate(f"skyMap.screen({ra}, {dec})")
    left, top, *_ = box(page)
    page.mouse("mouseMoved", left + x, top + y)
    found = page.evaluate("[...document.querySelectorAll('#readout > *')].map((part) => part.textContent)")
    return dict(zip(found[::2], found[1::2], strict=True))


def number(text: str) -> float:
    return float(text.replace("−", "-").rstrip("°"))


def test_the_map_is_drawn(opened):
    image = settled(opened)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 100
    pixels = HEALPix(skymap_run.NSIDE, "nested")
    hottest = pixels.lonlat_to_healpix(HOTTEST["ra_deg"] * u.deg, HOTTEST["dec_deg"] * u.deg)
    ra, dec = (angle.to_value(u.deg) for angle in pixels.healpix_to_lonlat(hottest))
    x, y = (int(c) for c in opened.evaluate(f"skyMap.screen({ra}, {dec})"))
    assert image[y, x, 0] < 30  # the dark end of the colours
    assert opened.evaluate("document.querySelector('h1').textContent") == "<small>: all-sky map"
    assert "Synthetic events" in opened.evaluate("document.querySelector('.warning').textContent")


@pytest.mark.parametrize(("ra", "dec"), [(83.25, 22.0), (12.0, -40.0), (301.0, 61.0), (266.4, -29.0)])
def test_values_under_the_pointer_are_those_of_the_pixel(opened, ra, dec):
    found = hover(opened, ra, dec)
    shown = SkyCoord(number(found["RA"]) * u.deg, number(found["Dec"]) * u.deg)
    assert shown.separation(SkyCoord(ra * u.deg, dec * u.deg)).deg < 0.4  # half a pixel of the screen
    ts, minus_log10_p = skymap_run.values()
    pixel = HEALPix(skymap_run.NSIDE, "nested").lonlat_to_healpix(shown.ra, shown.dec)
    assert number(found["TS"]) == pytest.approx(ts[pixel], rel=1e-3)
    assert number(found["local p"].removeprefix("< ")) == pytest.approx(10 ** -minus_log10_p[pixel], rel=6e-3)
    assert (number(found["l"]), number(found["b"])) == pytest.approx(
        (shown.galactic.l.deg, shown.galactic.b.deg), abs=2e-3
    )


def test_no_p_value_is_below_what_the_trials_can_tell(opened):
    assert hover(opened, HOTTEST["ra_deg"], HOTTEST["dec_deg"])["local p"] == "< 0.0020"
    listed = opened.evaluate("[...document.querySelectorAll('#spots button')].map((button) => button.textContent)")
    assert [text.split(" at RA")[0] for text in listed] == ["p < 0.0020", "p 0.040"]
    assert "499 trials at each declination" in opened.evaluate("document.querySelector('p.muted').textContent")


def test_sources_and_hot_spots_are_named(opened):
    assert hover(opened, 266.415, -29.006)["hess"] == "HESS J1745-290"
    assert hover(opened, HOTTEST["ra_deg"], HOTTEST["dec_deg"])["hot spot"] == "1, p < 0.0020"
    assert hover(opened, 10.0, 88.0)["TS"] == "–"
    left, top, *_ = box(opened)
    opened.mouse("mouseMoved", left + 4, top + 4)  # outside the sky
    assert opened.evaluate("document.getElementById('readout').textContent") == ""


@pytest.mark.parametrize("nside", [1, 8, 64])
def test_pixels_are_those_of_healpix(page, tmp_path, nside):
    n = 12 * nside**2
    nothing = pa.table({name: pa.array([], pa.float64()) for name in sky_viewer.SPOT_COLUMNS})
    sky_viewer.build_sky_viewer(
        tmp_path / "map.html",
        run="empty",
        analysis="spatial",
        synthetic=False,
        nside=nside,
        n_trials=99,
        values={name: np.full(n, np.nan) for name in sky_viewer.QUANTITIES},
        spots=nothing,
        contours=pa.table({name: pa.array([], pa.float64()) for name in sky_viewer.CONTOUR_COLUMNS}),
        sources=[],
    )
    page.problems.clear()
    page.open(tmp_path / "map.html")
    rng = np.random.default_rng(4)
    ra = np.append(rng.uniform(0, 360, 4000), [0.0, 90.0, 359.9999, 12.0, 45.0])
    dec = np.append(np.degrees(np.arcsin(rng.uniform(-1, 1, 4000))), [0.3, 0.2, -0.1, 89.9999, -89.9999])
    found = page.evaluate(f"{ra.tolist()}.map((ra, i) => skyMap.pixel(ra, {dec.tolist()}[i]))")
    np.testing.assert_array_equal(found, HEALPix(nside, "nested").lonlat_to_healpix(ra * u.deg, dec * u.deg))
    assert page.problems == []


def test_layers_can_be_taken_away(opened):
    def colours_around(ra, dec):
        x, y = (round(c) for c in opened.evaluate(f"skyMap.screen({ra}, {dec})"))
        return settled(opened)[y - 8 : y + 9, x - 8 : x + 9].reshape(-1, 3)

    toggle = "document.querySelector('input[name=\"{}\"]').click()"
    purple = lambda found: np.any(np.abs(found - [0x7B, 0x32, 0x94]).max(axis=1) < 40)  # noqa: E731
    red = lambda found: np.any(np.abs(found - [0xB2, 0x18, 0x2B]).max(axis=1) < 40)  # noqa: E731
    assert purple(colours_around(276.5, -14.8))
    opened.evaluate(toggle.format("hess"))
    assert not purple(colours_around(276.5, -14.8))
    assert "hess" not in hover(opened, 276.5, -14.8)
    opened.evaluate(toggle.format("hess"))
    assert purple(colours_around(276.5, -14.8))
    assert red(colours_around(200.0, -30.0))
    opened.evaluate(toggle.format("hot spots"))
    assert not red(colours_around(200.0, -30.0))


def test_dragging_moves_and_the_wheel_zooms_where_it_points(opened):
    place = opened.evaluate("skyMap.screen(180, 0)")
    left, top, width, height = box(opened)
    x, y = left + width / 2, top + height / 2
    opened.mouse("mouseMoved", x, y)
    opened.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    opened.mouse("mouseMoved", x + 50, y + 20, button="left", buttons=1)
    opened.mouse("mouseReleased", x + 50, y + 20, button="left", clickCount=1)
    assert opened.evaluate("skyMap.screen(180, 0)") == pytest.approx([place[0] + 50, place[1] + 20], abs=3)
    before = opened.evaluate("skyMap.screen(185, 10)")
    for _ in range(3):
        opened.mouse("mouseWheel", left + before[0], top + before[1], deltaX=0, deltaY=-400)
    assert opened.evaluate("skyMap.view.zoom") > 4
    assert opened.evaluate("skyMap.screen(185, 10)") == pytest.approx(before, abs=30)
    assert opened.evaluate("document.getElementById('whole').click(), skyMap.view.zoom") == 1


def test_contours_surround_their_spot_and_may_be_interrupted(opened):
    opened.evaluate("skyMap.view.zoom = 100, document.querySelector('#spots button').click()")
    image = settled(opened)
    angle = 2 * np.pi * (np.arange(40) + 0.5) / 40  # between the vertices
    places = np.stack([83.25 + 0.4 * np.cos(angle), 22.5 + 0.4 * np.sin(angle)], axis=1).tolist()
    found = []
    for x, y in np.round(opened.evaluate(f"{places}.map((place) => skyMap.screen(...place))")).astype(int):
        near = image[y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3)
        found.append(np.any(np.abs(near - [0xB2, 0x18, 0x2B]).max(axis=1) < 40))
    assert found == [number not in (6, 7) for number in range(40)]


def test_keys_and_the_list_of_spots_lead_there(opened):
    opened.evaluate("document.querySelector('#spots button').click()")
    *_, width, height = box(opened)
    assert opened.evaluate("skyMap.screen(83.25, 22.5)") == pytest.approx([width / 2, height / 2], abs=1)
    opened.evaluate("document.getElementById('sky').focus()")
    zoom = opened.evaluate("skyMap.view.zoom")
    opened.key("+")
    assert opened.evaluate("skyMap.view.zoom") == pytest.approx(1.4 * zoom)
    opened.key("ArrowUp")
    assert opened.evaluate("skyMap.view.lat") > 22.5


def test_galactic_coordinates_put_the_centre_in_the_middle(opened):
    opened.evaluate(
        "(() => { const box = document.getElementById('frame'); box.value = 'galactic';"
        " box.dispatchEvent(new Event('change')); })()"
    )
    *_, width, height = box(opened)
    assert opened.evaluate("skyMap.screen(266.405, -28.936)") == pytest.approx([width / 2, height / 2], abs=1)
    north = SkyCoord(l=0 * u.deg, b=80 * u.deg, frame="galactic").icrs
    x, y = opened.evaluate(f"skyMap.screen({north.ra.deg}, {north.dec.deg})")
    assert abs(x - width / 2) < 1
    assert y < height / 4


def test_the_test_statistic_can_be_shown_instead(opened):
    before = settled(opened)
    opened.evaluate(
        "(() => { const box = document.getElementById('quantity'); box.value = 'TS';"
        " box.dispatchEvent(new Event('change')); })()"
    )
    assert opened.evaluate("document.getElementById('top').textContent") == "21.5"
    assert np.any(settled(opened) != before)


def test_a_phone_is_wide_enough_and_dark_is_dark(opened):
    opened.view(360, 740, "dark", touch=True)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    assert settled(opened)[3, 3].mean() < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_stand_out_from_the_page_and_from_the_empty_sky(opened, scheme):
    opened.view(1280, 800, scheme)
    opened.open(opened.path)

    def luminance(colour):  # WCAG 2, relative luminance
        share = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)

    read = "getComputedStyle(document.documentElement).getPropertyValue('--{}').trim().split(' ')"
    lists, sky, card = (opened.evaluate(read.format(name)) for name in ("lists", "map", "card"))
    assert len(lists) == len(set(lists)) == 6
    for colour in lists:
        for ground in (sky[0], card[0]):
            ground = ground if len(ground) == 7 else "#" + "".join(2 * letter for letter in ground[1:])
            dark, bright = sorted((luminance(colour), luminance(ground)))
            assert (bright + 0.05) / (dark + 0.05) >= 3, (colour, ground)


def test_a_fine_map_keeps_the_hottest_pixel_of_each_it_shows(monkeypatch):
    monkeypatch.setattr(sky_viewer, "MAX_NSIDE", 1)
    ts = np.tile([1.0, np.nan, 5.0, 2.0], 12)
    nside, values = sky_viewer._reduced(2, {"TS": ts, "NEG_LOG10_P": np.arange(48.0), "N_SIGNAL": ts, "GAMMA": ts})
    assert nside == 1
    np.testing.assert_array_equal(values["TS"], np.full(12, 5.0))
    np.testing.assert_array_equal(values["NEG_LOG10_P"], np.arange(2.0, 48.0, 4.0))


def test_a_map_of_the_wrong_size_is_refused(tmp_path):
    values = dict.fromkeys(sky_viewer.QUANTITIES, np.zeros(10))
    with pytest.raises(PhysicsError, match=r"TS has shape \(10,\); nside 8 has 768 pixels"):
        sky_viewer.build_sky_viewer(
            tmp_path / "x.html",
            run="x",
            analysis="",
            synthetic=False,
            nside=8,
            n_trials=99,
            values=values,
            spots=None,
            contours=None,
            sources=[],
        )
