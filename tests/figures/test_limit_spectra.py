import numpy as np
import pyarrow as pa
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from nusky.figures import canvas
from nusky.figures.limit_spectra import limit_spectra

NAMES = {"method": "standard", "catalogue": "wcda-hess"}


def test_limits_are_drawn_for_all_flavours(limits):
    figure = limit_spectra({"uniform": limits, "flux": limits}, synthetic=True, **NAMES)
    axes = figure.axes[0]
    x, y = axes.lines[0].get_data()
    assert y == pytest.approx(np.full(len(x), 3 * 23.2 / 1.5e29 * 1e19))
    assert axes.lines[0].get_color() == axes.lines[2].get_color()
    assert axes.lines[0].get_linestyle() != axes.lines[2].get_linestyle()
    assert canvas.SYNTHETIC_TAG in [text.get_text() for text in figure.texts]


def test_a_limit_is_drawn_over_its_own_energies_only(limits):
    axes = limit_spectra({"uniform": limits}, synthetic=False, **NAMES).axes[0]
    rows = limits.to_pylist()
    assert len(axes.lines) == len(rows) > 1
    for line, row in zip(axes.lines, rows, strict=True):
        x, y = line.get_data()
        assert (x.min(), x.max()) == pytest.approx((row["energy_min_gev"], row["energy_max_gev"]))
        expected = 3 * row["ul95_e2dnde_100tev_gev_cm2_s"] * (row["energy_min_gev"] / 1e5) ** (2 - row["gamma"])
        assert y[0] == pytest.approx(expected, nan_ok=True)


def test_labels_and_legend(limits):
    axes = limit_spectra({"uniform": limits, "flux": limits}, synthetic=False, **NAMES).axes[0]
    assert "[GeV]" in axes.get_xlabel()
    assert "all flavours (×3)" in axes.get_ylabel()
    assert "GeV cm⁻² s⁻¹" in axes.get_ylabel()
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts[:4] == [r"γ = 2.0", r"γ = 2.53", "uniform weights", "flux weights"]
    assert "IceCube diffuse" in texts[4]


def test_no_limit_at_all_says_so(no_limits):
    axes = limit_spectra({"uniform": no_limits}, synthetic=False, **NAMES).axes[0]
    assert "no limit" in axes.texts[0].get_text()


def test_a_limit_on_another_spectrum_is_marked_where_it_is_known(limits):
    """Of a cut-off at 1 PeV, whose tables have the index 0, a line of that index would rise as E^2."""
    energies = {"10tev": 1e4, "100tev": 1e5, "1pev": 1e6, "10pev": 1e7, "100pev": 1e8}
    flux = {f"ul95_e2dnde_{name}_gev_cm2_s": [1e-8 * np.exp(-gev / 1e6)] for name, gev in energies.items()}
    about = {"gamma": [0.0], "energy_min_gev": [2e3], "energy_max_gev": [5e5]}
    axes = limit_spectra({"uniform": pa.table(about | flux)}, synthetic=False, **NAMES).axes[0]
    x, y = axes.lines[0].get_data()
    assert x.tolist() == [1e4, 1e5]
    assert y == pytest.approx(3e-8 * np.exp(-x / 1e6))
    assert axes.lines[0].get_linestyle() == "None"


def test_a_long_header_fits_above_its_figure(limits):
    names = {"method": "standard", "catalogue": "a catalogue whose name is as long as names may be at all"}
    figure = limit_spectra({"uniform": limits}, synthetic=False, **names)
    box = figure.texts[0].get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert 0 < box.x0 < box.x1 <= figure.bbox.x1
