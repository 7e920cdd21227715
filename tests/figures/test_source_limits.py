import numpy as np
import pyarrow as pa
import pytest

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


def test_header_names_level_and_index_and_height_grows(limits):
    figure = source_limits(limits, **OPTIONS)
    assert "90 % upper limits, γ = 2.5" in figure.texts[0].get_text()
    many = pa.concat_tables([limits] * 40)
    assert source_limits(many, **OPTIONS).get_figheight() > 3 * figure.get_figheight()


def test_nothing_to_show_says_so(limits):
    assert source_limits(limits.slice(2), **OPTIONS).axes[0].texts[0].get_text() == "no limit was found"
