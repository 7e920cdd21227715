import numpy as np
import pytest

from nusky.figures import canvas
from nusky.figures.ts_scan import ts_scan

NAMES = {"catalogue": "wcda-hess", "weighting": "uniform"}


def legend(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize(("method", "level"), [("published", -3.84), ("standard", 5 - 3.84)])
def test_limit_is_marked_where_the_method_reads_it(scan, limits, method, level):
    axes = ts_scan(scan, limits, method=method, synthetic=False, **NAMES).axes[0]
    markers = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(markers) == 1
    x, y = markers[0].get_data()
    # phi0 = 23.2 / 1.5e29 per eV -> E^2 dN/dE at 1e14 eV = phi0 * 1e28 eV, in GeV
    assert x == pytest.approx(23.2 / 1.5e29 * 1e28 * 1e-9)
    assert y == pytest.approx(level)


def test_labels_and_legend(scan, limits):
    figure = ts_scan(scan, limits, method="published", synthetic=True, **NAMES)
    axes = figure.axes[0]
    assert "GeV cm⁻² s⁻¹" in axes.get_xlabel()
    assert "100 TeV" in axes.get_xlabel()
    assert "TS" in axes.get_ylabel()
    assert "1.55 × 10⁻⁹" in legend(figure)[0]
    assert "no limit" in legend(figure)[1]
    assert any("IceCube diffuse" in text for text in legend(figure))
    assert canvas.SYNTHETIC_TAG in [text.get_text() for text in figure.texts]


def test_view_shows_maximum_and_limit(scan, limits):
    axes = ts_scan(scan, limits, method="published", synthetic=False, **NAMES).axes[0]
    bottom, top = axes.get_ylim()
    left, right = axes.get_xlim()
    assert bottom < -3.84
    assert top > 5
    assert left < 10 / 4.7e29 * 1e19
    assert right > 1.69e-8 * 4 * np.pi


def test_scan_without_values_says_so(scan, no_limits):
    empty = scan.set_column(2, "test_statistic", [np.full(len(scan), np.nan)])
    figure = ts_scan(empty, no_limits, method="standard", synthetic=False, **NAMES)
    assert "no test statistic" in figure.axes[0].texts[0].get_text()
    assert canvas.SYNTHETIC_TAG not in [text.get_text() for text in figure.texts]
