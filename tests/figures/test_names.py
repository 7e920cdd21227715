"""Names of users in figures: shown as they are, never markup, never missing from a legend, never in the axes' way."""

import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pyarrow as pa
import pytest
from matplotlib.mathtext import MathTextParser
from matplotlib.text import Text

from nusky.figures import canvas
from nusky.figures.bdm_sky_map import bdm_sky_map
from nusky.figures.p_values import p_values
from nusky.figures.sky_map import sky_map
from nusky.figures.source_limits import BAND_COLUMNS, LIMIT_COLUMN, source_limits

NAMES = [
    "_under$core",
    "__",
    "$x_{",
    r"\frac{1}{2}",
    "$$",
    r"a\$b$c",
    "_$x$",
    "%s {0}",
    "a_1^2",
    "W" * 100,
    "_" * 100,
    "e\x1b[2J\x07\u202e",
]


def shown(text):
    """What matplotlib draws: the text without its escapes; markup is not allowed in it."""
    prepared, math = Text()._preprocess_math(text)
    assert not math
    return prepared.replace("\u200b", "")


def drawn(figure, tmp_path):
    """Draws the figure; its axes must be there, all of it in an SVG that is XML."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        canvas.save(figure, [tmp_path / "a.svg"], dpi=50)
    ElementTree.parse(tmp_path / "a.svg")
    for axes in figure.axes:
        box = axes.get_position()
        assert box.width > 0.015
        assert box.height > 0.05
    assert figure.axes[0].get_position().width > 0.2


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_are_shown_literally(name):
    for text in (canvas.plain(name), canvas.short(name), canvas.label(name)):
        assert shown(text).isprintable()
        assert shown(f"{text} (6)").endswith(" (6)")
        # Beside markup, the name is still none.
        width, *_ = MathTextParser("path").parse(f"{text} $\\gamma$")
        assert width > 0
    if len(name) <= canvas.LONGEST_NAME and "\x1b" not in name:
        assert shown(canvas.label(name)) == name
    assert len(shown(canvas.label(name))) <= canvas.LONGEST_NAME + 15


def test_of_two_long_names_both_ends_are_kept():
    assert len({canvas.short("a" * 60 + end) for end in "123"}) == 3
    assert len({canvas.short(start + "a" * 60) for start in "123"}) == 3


def lists_of(names):
    return [pa.table({"ra_deg": np.arange(len(names)) * 3.0, "dec_deg": np.zeros(len(names)), "origin": names})]


@pytest.mark.parametrize("name", [NAMES[0], NAMES[9], NAMES[-1]], ids=ascii)
def test_a_list_is_in_the_legend_of_the_sky(tmp_path, name):
    figure = sky_map([], lists_of([name]), max_events=10, synthetic=False)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert f"{canvas.label(name)} (1)" in texts
    drawn(figure, tmp_path)


@pytest.mark.parametrize("n", [3, 60])
def test_many_lists_with_long_names_leave_room_for_the_sky(tmp_path, n):
    names = [f"{'W' * 90}{number}" for number in range(n)]
    figure = sky_map([], lists_of(names), max_events=10, synthetic=True)
    drawn(figure, tmp_path)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    left = 0 if n == 3 else int(texts[-1].split()[1])
    assert len(texts) + left - (n > 3) == n + 2  # the lists, the Galactic centre and the equator
    assert figure.legends[0].get_window_extent().width <= figure.bbox.width


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2], NAMES[9]], ids=ascii)
def test_sources(tmp_path, name):
    names = [name, "Crab", name]
    limits = pa.table(
        {
            "name": names,
            "dec_deg": [0.0, 1.0, 2.0],
            **{key: [1e-12, 2e-12, 3e-12] for key in (LIMIT_COLUMN, *BAND_COLUMNS)},
        }
    )
    figure = source_limits(limits, method="standard", catalogue=name, gamma=2.0, confidence_level=0.9, synthetic=False)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()].count(canvas.short(name)) == 2
    drawn(figure, tmp_path)
    table = pa.table({"name": names, "p_local": [0.1, 0.2, 0.3], "n_trials": [99, 99, 99]})
    drawn(p_values(table, method="standard", catalogue=name, synthetic=False), tmp_path)


@pytest.mark.parametrize("name", ["_SN$1$" * 20])
def test_a_supernova(tmp_path, name):
    grids = np.meshgrid(np.arange(-170.0, 190.0, 20), np.arange(-80.0, 90.0, 20), indexing="ij")
    longitude, latitude = (grid.ravel() for grid in grids)
    flux = np.where((longitude == 10) & (latitude == 0), 1.0, 0.1)
    fluxes = {f"{conventions}_per_mev_cm2_s_sr": flux for conventions in ("published", "standard")}
    sky = pa.table({"l_deg": longitude, "b_deg": latitude, **fluxes})
    figure = bdm_sky_map(sky, supernova=name, position=(0.1, 0.1), case="case")
    assert canvas.label(name) in [text.get_text() for text in figure.legends[0].get_texts()]
    drawn(figure, tmp_path)
