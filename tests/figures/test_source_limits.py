import itertools

import numpy as np
import pyarrow as pa
import pytest

from nusky.figures.canvas import save
from nusky.figures.source_limits import BAND_COLUMNS, LIMIT_COLUMN, source_limits

OPTIONS = {"method": "standard", "catalogue": "wcda-hess", "gamma": 2.5, "confidence_level": 0.9, "synthetic": False}


@pytest.fixture
def limits() -> pa.Table:
    bands = {
        name: np.array([1e-9, 3e-9, np.nan]) * k for name, k in zip(BAND_COLUMNS, (0.5, 0.8, 1, 2, 3), strict=True)
    }
    return pa.table(
        {"name": ["a", "b$", "c"], "dec_deg": [-10.0, 40.0, 20.0], LIMIT_COLUMN: [2e-9, 1e-9, np.nan], **bands}
    )


def test_sources_stand_by_declination(limits):
    axes = source_limits(limits, **OPTIONS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [r"b\$", "c", "a"]
    by_label = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(by_label["upper limit"].get_xdata(), [1e-9, np.nan, 2e-9])
    np.testing.assert_array_equal(by_label["expected median"].get_xdata(), [3e-9, np.nan, 1e-9])


def test_bands_and_axis_hold_everything(limits):
    axes = source_limits(limits, **OPTIONS).axes[0]
    wide, narrow = axes.patches[2], axes.patches[5]  # of source a
    assert (wide.get_x(), wide.get_x() + wide.get_width()) == pytest.approx((0.5e-9, 3e-9))
    assert (narrow.get_x(), narrow.get_x() + narrow.get_width()) == pytest.approx((0.8e-9, 2e-9))
    low, high = axes.get_xlim()
    assert low < 0.5e-9
    assert high > 9e-9


def test_systematic_errors_are_bars_around_their_limits(limits):
    limits = limits.append_column("source", pa.array([0, 1, 2]))
    shifts = pa.table({"source": [1, 0], "shift_low": [-0.1, -0.2], "shift_high": [0.3, 0.4]})
    axes = source_limits(limits, **OPTIONS, systematics=shifts).axes[0]
    [bars] = [lines for lines in axes.collections if lines.get_label() == "systematic errors"]
    ends = [segment[:, 0] for segment in bars.get_segments() if len(segment) and np.isfinite(segment).all()]
    np.testing.assert_allclose(ends, [[0.9e-9, 1.3e-9], [1.6e-9, 2.8e-9]])


def test_header_names_level_and_index_and_height_grows(limits):
    figure = source_limits(limits, **OPTIONS)
    assert "90 % upper limits, γ = 2.5" in figure.texts[0].get_text()
    many = pa.concat_tables([limits] * 40)  # named rows
    assert source_limits(many, **OPTIONS).get_figheight() > 3 * figure.get_figheight()


@pytest.mark.parametrize("values", [(2.6e-10, 3.4e-10), (2.6e-10, 6.1e-10), (2e-10, 5e-9), (2e-10, 5e-8)])
def test_an_axis_has_values_to_read_that_do_not_touch(values, tmp_path):
    data = {name: values for name in (LIMIT_COLUMN, *BAND_COLUMNS)}
    names = ["a name of a source of some length", "b"]
    figure = source_limits(pa.table({"name": names, "dec_deg": [1.0, 2.0]} | data), **OPTIONS)
    save(figure, [tmp_path / "limits.png"], dpi=100)
    axis, (low, high) = figure.axes[0].xaxis, figure.axes[0].get_xlim()
    labels = [text for minor in (False, True) for text in axis.get_ticklabels(minor=minor)]
    shown = [text for text in labels if text.get_text() and low <= text.get_position()[0] <= high]
    boxes = sorted((text.get_window_extent() for text in shown), key=lambda box: box.x0)
    assert len(boxes) >= 2
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_nothing_to_show_says_so(limits):
    assert source_limits(limits.slice(2), **OPTIONS).axes[0].texts[0].get_text() == "no limit was found"


def test_thousands_of_sources_are_drawn_over_declination(limits):
    n = 5001
    rng = np.random.default_rng(1)
    many = {name: 1e-9 * rng.uniform(k, k + 0.1, n) for k, name in enumerate((*BAND_COLUMNS, LIMIT_COLUMN), 1)}
    dec = rng.uniform(-90, 90, n)
    table = pa.table({"name": [f"s{i}" for i in range(n)], "dec_deg": dec, **many})
    figure = source_limits(table, **OPTIONS)
    assert figure.get_figheight() < 8
    axes = figure.axes[0]
    line = {line.get_label(): line for line in axes.lines}["upper limit"]
    order = np.argsort(line.get_xdata())
    np.testing.assert_array_equal(line.get_xdata()[order], np.sort(dec))
    np.testing.assert_array_equal(line.get_ydata()[order], many[LIMIT_COLUMN][np.argsort(dec)])
    wide = next(lines for lines in axes.collections if lines.get_label() == "expected 95 %")
    assert len(wide.get_segments()) == n
    low, high = axes.get_ylim()
    assert low < min(many[BAND_COLUMNS[0]])
    assert high > max(many[LIMIT_COLUMN])
