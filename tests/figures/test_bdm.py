import numpy as np
import pyarrow as pa
import pytest

from nusky.figures.bdm_cross_sections import bdm_differential_cross_section, bdm_target_cross_sections
from nusky.figures.bdm_exclusion import COLUMNS as EXCLUSION_COLUMNS
from nusky.figures.bdm_exclusion import bdm_exclusion
from nusky.figures.bdm_rates import bdm_events, bdm_light_curve
from nusky.figures.bdm_sky_map import bdm_sky_map


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def sky(published, standard):
    l, b = np.meshgrid(np.linspace(-180, 180, 37), np.linspace(-90, 90, 19), indexing="ij")
    columns = {"l_deg": l.ravel(), "b_deg": b.ravel()}
    for name, (at_l, at_b, top) in {"published": published, "standard": standard}.items():
        columns[f"{name}_per_mev_cm2_s_sr"] = (top * np.exp(-((l - at_l) ** 2 + (b - at_b) ** 2) / 400)).ravel()
    return pa.table(columns)


def test_sky_map_marks_supernova_and_maximum():
    figure = bdm_sky_map(
        sky((120, 0, 1e-18), (100, 10, 2e-18)), supernova="Cas$A", position=(np.radians(250), 0.1), case="5 MeV"
    )
    whole, closer = figure.axes[:2], figure.axes[2:4]
    assert [axes.texts[0].get_text() for axes in whole] == ["published conventions", "standard conventions"]
    found = lines(closer[1])
    assert found["largest flux"].get_xydata().tolist() == [[100, 10]]
    assert found[r"Cas\$A"].get_xydata() == pytest.approx(np.array([[-110, np.degrees(0.1)]]))
    assert lines(closer[0])["largest flux"].get_xydata().tolist() == [[120, 0]]
    # longitude increases to the left, and both panels show the same part
    assert closer[0].get_xlim() == closer[1].get_xlim()
    assert closer[0].get_xlim()[0] > closer[0].get_xlim()[1]


def test_light_curve_draws_both_sets_and_their_ratio():
    published = np.array([8.0, 4.0, 1e-9, 0.0])
    table = pa.table(
        {"t_yr": [1.0, 2, 3, 4], "published_per_mev_cm2_s": published, "standard_per_mev_cm2_s": published / 4}
    )
    upper, lower = bdm_light_curve(table, supernova="x", case="y").axes
    np.testing.assert_array_equal(lines(upper)["published"].get_ydata(), [8, 4, np.nan, np.nan])
    np.testing.assert_array_equal(lower.lines[0].get_ydata(), [4, 4, np.nan, np.nan])
    assert "[yr]" in lower.get_xlabel()


def test_light_curve_without_flux_says_so():
    table = pa.table({"t_yr": [1.0, 2], "published_per_mev_cm2_s": [0.0, 0], "standard_per_mev_cm2_s": [0.0, 0]})
    assert bdm_light_curve(table, supernova="x", case="y").axes[0].texts[0].get_text() == "nothing arrives"


def test_events_shade_what_has_arrived():
    table = pa.table(
        {
            "mx_mev": [0.1, 1.0, 10.0],
            "published_per_electron": [0.0, 6e-40, 6e-44],
            "standard_per_electron": [0.0, 3e-40, 3e-44],
        }
    )
    upper, lower = bdm_events(table, supernova="x", case="y", threshold_mev=0.5).axes
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [np.nan, 2, 2])
    assert upper.patches[0].get_extents().x1 < lower.transData.transform((1.0, 1))[0]
    assert "0.5 MeV" in upper.get_legend().get_texts()[-1].get_text()


def test_cross_sections_name_targets_and_units():
    targets = {f"{t}_{s}_cm2": [1e-37, 2e-37] for t in ("electron", "nucleus") for s in ("published", "standard")}
    upper, _ = bdm_target_cross_sections(pa.table({"tx_mev": [1.0, 2.0], **targets}), case="y").axes
    assert list(lines(upper)) == [
        "electron, published",
        "electron, standard",
        "nucleus, published",
        "nucleus, standard",
    ]
    assert "cm²" in upper.get_ylabel()
    table = pa.table({"psi_rad": [0.0, 0.1], "published_cm2_per_sr": [2.0, 2.0], "standard_cm2_per_sr": [1.0, 1.0]})
    upper, lower = bdm_differential_cross_section(table, case="y").axes
    assert lower.lines[0].get_ydata().tolist() == [2, 2]
    assert "[rad]" in lower.get_xlabel()


def test_limits_are_drawn_in_the_unit_of_the_axis():
    names = [name for name in EXCLUSION_COLUMNS if "strength" in name]
    factors = dict(zip(names, (np.nan, 0.5, 0.7, 1.0, 1.4, 2.0, np.nan, np.nan), strict=True))
    median = np.array([4.0, 1.0, np.inf])
    table = {"detector": ["A$"] * 3, "approximate": ["resolution, background"] * 3}
    table |= {"mx_mev": [1.0, 2.0, 3.0], "confidence_level": [0.9] * 3}
    table |= {name: factor * median for name, factor in factors.items()}
    table["limit_sqrt_sigma_cm2"] = np.sqrt(median * 1e-60)
    axes = bdm_exclusion(pa.table(table), supernova="Cas A", coupling_product=None).axes[0]
    curve = axes.lines[0].get_ydata()
    np.testing.assert_allclose(curve[:2], [2e-30, 1e-30])
    assert np.isnan(curve[2])
    assert "cm" in axes.get_ylabel()
    assert "approximate" in axes.get_legend().get_texts()[0].get_text()
    coupled = bdm_exclusion(pa.table(table), supernova="Cas A", coupling_product=1e-16).axes[0]
    np.testing.assert_allclose(coupled.lines[0].get_ydata()[:2], [2e-16, 1e-16])
    table["expected_median_strength"] = np.full(3, np.inf)
    empty = bdm_exclusion(pa.table(table), supernova="Cas A", coupling_product=1e-16).axes[0]
    assert any("nothing arrives" in text.get_text() for text in empty.texts)
