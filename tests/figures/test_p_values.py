import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from nusky.figures import canvas
from nusky.figures.p_values import p_values

OPTIONS = {"method": "standard", "catalogue": "wcda-hess", "synthetic": False}


def draw(p, **options):
    columns = {"name": [f"s{i}" for i in range(len(p))], "p_local": np.array(p), "n_trials": np.full(len(p), 999)}
    return p_values(pa.table(columns), **OPTIONS, **options)


def test_values_are_sorted_and_the_smallest_named():
    axes = draw([0.5, 0.001, 1.0, 0.2, 0.3, 0.4], post_trial="= 0.02").axes[0]
    points = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_array_equal(points.get_ydata(), [0.001, 0.2, 0.3, 0.4, 0.5, 1.0])
    named = axes.texts[0].get_text().splitlines()
    assert named == ["smallest:", "< 0.001  s1", "0.2  s3", "0.3  s4", "0.4  s5", "0.5  s0"]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "6 sources\nsmallest post-trial: p = 0.02" in texts


def test_ranks_are_whole_numbers(tmp_path):
    figure = draw([0.5, 0.2, 0.3, 0.4])
    canvas.save(figure, [tmp_path / "a.png"], dpi=50)
    axis = figure.axes[0].xaxis
    assert axis.get_major_formatter().format_ticks([1, 10, 100]) == ["1", "10", "100"]
    assert [text for text in axis.get_minor_formatter().format_ticks([2, 3, 4]) if text] == ["2", "3", "4"]


def test_bands_are_those_of_order_statistics():
    axes = draw(np.linspace(0.05, 0.95, 20)).axes[0]
    vertices = axes.collections[0].get_paths()[0].vertices
    third = vertices[vertices[:, 0] == 3.0][:, 1]
    assert third.min() == pytest.approx(beta.ppf(0.025, 3, 18))
    assert third.max() == pytest.approx(beta.ppf(0.975, 3, 18))


def test_nothing_to_show_says_so():
    empty = pa.table({"name": pa.array([], pa.string()), "p_local": pa.array([]), "n_trials": pa.array([])})
    assert p_values(empty, **OPTIONS).axes[0].texts[0].get_text() == "no source was tested"
