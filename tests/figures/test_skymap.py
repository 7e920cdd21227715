import numpy as np
import pytest

from nusky.config import Figures
from nusky.figures import canvas, skymap
from nusky.files import sha256
from nusky.search.skymap import healpix_file
from nusky.stages import figures as stage
from nusky.tables import read_table
from tests import skymap_run

SPOT_TABLES = ("spots", "contours", "zooms", "hottest", "hottest_trials")
COMMON = {"analysis": "spatial and energy", "synthetic": True}


@pytest.fixture
def paths(tmp_path):
    return skymap_run.write(tmp_path, synthetic=True)


@pytest.fixture
def tables(paths):
    kinds = {name: f"skymap_{name}" for name in SPOT_TABLES} | {"sources": "sources"}
    return {name: read_table(paths[name], kind=kind) for name, kind in kinds.items()}


def all_sky(paths, tables, coordinates):
    nside, values = healpix_file.read(paths["fits"], "NEG_LOG10_P")
    about = {"n_trials": skymap_run.N_TRIALS, "coordinates": coordinates, **COMMON}
    figure = skymap.all_sky(values, nside, tables["spots"], [tables["sources"]], **about)
    return figure, figure.axes[0]


def ring(axes):
    return next(item for item in axes.collections if item.get_label() == "hot spots 1 to 2")


def shown_at(axes, x, y):
    """Value of the drawn map at map coordinates [rad]."""
    mesh = axes.collections[0]
    edges_x, edges_y = mesh.get_coordinates()[0, :, 0], mesh.get_coordinates()[:, 0, 1]
    return mesh.get_array()[np.searchsorted(edges_y, y) - 1, np.searchsorted(edges_x, x) - 1]


def test_right_ascension_grows_to_the_left_and_the_value_is_that_of_the_pixel(paths, tables):
    _, axes = all_sky(paths, tables, "equatorial")
    place = ring(axes).get_offsets()[0]
    np.testing.assert_allclose(np.degrees(place), (180 - skymap_run.HOTTEST["ra_deg"], skymap_run.HOTTEST["dec_deg"]))
    assert shown_at(axes, *place) == np.log10(skymap_run.N_TRIALS + 1)
    assert np.ma.getmaskarray(axes.collections[0].get_array())[-1].all()  # no value at the pole


def test_galactic_positions_and_values(paths, tables):
    # The hottest spot, beside the Crab nebula (l = 184.56 deg, b = -5.78 deg), at l = 183.9 deg, b = -5.8 deg.
    _, axes = all_sky(paths, tables, "galactic")
    x, y = ring(axes).get_offsets()[0]
    np.testing.assert_allclose(np.degrees([x, y]), (360 - 183.95, -5.83), atol=0.05)
    assert shown_at(axes, x, y) == np.log10(skymap_run.N_TRIALS + 1)


@pytest.mark.parametrize("coordinates", ["equatorial", "galactic"])
def test_the_map_says_what_it_shows(paths, tables, coordinates):
    figure, axes = all_sky(paths, tables, coordinates)
    texts = [text.get_text() for text in figure.texts]
    assert canvas.SYNTHETIC_TAG in texts
    assert f"{coordinates.capitalize()} coordinates · spatial and energy" in texts
    assert [text.get_text() for text in axes.texts][:2] == ["1", "2"]
    label = axes.child_axes[0].get_ylabel()
    assert "log_{10} p" in label
    assert "p < 0.002" in label
    assert axes.collections[0].get_clim() == (0, np.log10(skymap_run.N_TRIALS + 1))
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    line = "Celestial equator" if coordinates == "galactic" else "Galactic plane"
    assert labels == {"1LHAASO WCDA (1)", "H.E.S.S. (2)", "hot spots 1 to 2", line}


def test_a_map_without_spots_or_values_can_be_drawn(tables, tmp_path):
    none = tables["spots"].slice(0, 0)
    figure = skymap.all_sky(np.full(768, np.nan), 8, none, [], n_trials=99, coordinates="equatorial", **COMMON)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"Galactic plane"}
    canvas.save(figure, [tmp_path / "map.png"], dpi=50)
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_zooms_have_east_to_the_left_contours_and_sources(tables):
    figure = skymap.zooms(tables["zooms"], tables["contours"], tables["spots"], [tables["sources"]], **COMMON)
    axes = figure.axes[0]
    assert axes.get_title("left") == "1: RA 83.25°, Dec 22.50°"
    assert (axes.get_xlim(), axes.get_ylim()) == ((2.0, -2.0), (-2.0, 2.0))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("East [deg]", "North [deg]")
    contour = next(line for line in axes.lines if line.get_label() == "68% contour")
    east, north = contour.get_xydata().T
    # Drawn as a circle in RA and Dec: narrower by cos(dec) on the sky, and closed.
    assert np.nanmax(np.abs(east)) == pytest.approx(0.4 * np.cos(np.radians(22.5)), rel=0.01)
    assert np.nanmax(np.abs(north)) == pytest.approx(0.4, rel=0.01)
    assert (east[0], north[0]) == (east[-1], north[-1])
    # The Crab, 0.38 deg in RA to the east and 0.49 deg to the south; the other sources are far away.
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"68% contour", "1LHAASO WCDA"}
    (crab,) = (item for item in axes.collections if item.get_label() == "1LHAASO WCDA (1)")
    np.testing.assert_allclose(crab.get_offsets(), [(0.38 * np.cos(np.radians(22.01)), -0.49)], atol=2e-3)


def test_no_zooms_say_so(tables):
    empty = (tables[name].slice(0, 0) for name in ("zooms", "contours", "spots"))
    figure = skymap.zooms(*empty, [], **COMMON)
    assert [text.get_text() for text in figure.axes[0].texts] == ["no hot spots"]


def test_the_trials_of_both_hemispheres_are_counted(tables):
    figure = skymap.hottest(tables["hottest"], tables["hottest_trials"], **COMMON)
    axes = figure.axes[0]
    south, north = axes.patches
    for patch in (south, north):
        # The outline of a histogram visits every bin's height twice.
        heights = patch.get_xy()[1:-1:2, 1]
        assert heights.sum() == 5
    assert [line.get_xdata()[0] for line in axes.lines] == pytest.approx([0.0, 5.0])
    assert {line.get_label() for line in axes.lines} == {"data: p = 0.04"}
    assert axes.get_ylabel() == "Scrambled skies per bin"


def test_the_stage_writes_every_figure(paths, tmp_path):
    outputs = {name: [tmp_path / f"figures/{name}.png"] for name in ("equatorial", "galactic", "zooms")}
    outputs["hottest"] = str(tmp_path / "figures/hottest.png")  # Snakemake gives a single file as text
    shown = {name: paths[name] for name in ("fits", *SPOT_TABLES)} | {"sources": [paths["sources"]]}
    drawn = [{"kind": f"skymap_{name}", "tables": shown, "names": {"name": name}} for name in outputs]
    options = Figures(formats=["png"], dpi=50)
    stage.write(drawn, {f"skymap_{name}": files for name, files in outputs.items()}, options)
    written = {path.stem: sha256(path) for path in (tmp_path / "figures").iterdir()}
    assert set(written) == set(outputs)
    assert len(set(written.values())) == 4
