"""The gallery shows every kind of figure, as it is drawn today."""

import ast
import re

import pytest
from matplotlib.testing.compare import compare_images

from docs import gallery
from tests.conftest import REPOSITORY

LARGEST_DIFFERENCE = 4.0
"""Root mean square of the pixels' differences, 0 to 255: other versions of FreeType move the edges of letters."""
HELPERS = {"canvas", "bdm_sets"}


@pytest.mark.slow
@pytest.mark.parametrize("name", gallery.FIGURES)
def test_figures_look_as_committed(name, tmp_path):
    gallery.save(name, tmp_path / "now.png")
    problem = compare_images(gallery.FOLDER / f"{name}.png", tmp_path / "now.png", tol=LARGEST_DIFFERENCE)
    assert problem is None, f"{problem}\nIf that is wanted: python -m docs.gallery"


def test_a_changed_figure_is_noticed(tmp_path):
    (tmp_path / "was.png").write_bytes((gallery.FOLDER / "p_values.png").read_bytes())
    (tmp_path / "now.png").write_bytes((gallery.FOLDER / "p_values.png").read_bytes())
    assert compare_images(tmp_path / "was.png", tmp_path / "now.png", tol=LARGEST_DIFFERENCE) is None
    columns = {"name": ["a", "b", "c"], "p_local": [0.001, 0.5, 0.7], "n_trials": [999] * 3}
    figure = gallery.p_values(gallery.pa.table(columns), **gallery.MINE, post_trial="= 0.04")
    gallery.canvas.save(figure, [tmp_path / "now.png"], dpi=gallery.DPI)
    assert "RMS" in compare_images(tmp_path / "was.png", tmp_path / "now.png", tol=LARGEST_DIFFERENCE)


def test_the_page_shows_every_figure_once():
    text = (REPOSITORY / "docs/gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[\w+\]\(images/gallery/(\w+)\.png\)", text)
    assert sorted(shown) == sorted(gallery.FIGURES)
    assert sorted(path.stem for path in gallery.FOLDER.iterdir()) == sorted(gallery.FIGURES)
    assert sum(path.stat().st_size for path in gallery.FOLDER.iterdir()) < 1.5e6


def test_every_module_of_figures_is_in_the_gallery():
    tree = ast.parse((REPOSITORY / "docs/gallery.py").read_text(encoding="utf-8"))
    drawn = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules = {path.stem for path in (REPOSITORY / "src/nusky/figures").glob("*.py")} - HELPERS - {"__init__"}
    assert {f"nusky.figures.{module}" for module in modules} <= drawn
