import numpy as np
import pyarrow as pa
import pytest

from nusky.figures import canvas
from nusky.figures.sensitivity import sensitivity

NAMES = {"method": "standard", "release": "icecube-10yr"}


@pytest.fixture
def strengths() -> pa.Table:
    rows = [
        {"statement": statement, "gamma": gamma, "dec_deg": dec, "e2dnde_100tev_gev_cm2_s": flux, "extrapolated": tail}
        for statement, flux, tail in (("sensitivity", 1e-9, False), ("5 sigma discovery potential", 4e-9, True))
        for gamma in (2.0, 2.5)
        for dec in (30.0, -30.0)
    ]
    return pa.Table.from_pylist(rows)


def test_curves_run_over_sin_dec(strengths):
    axes = sensitivity(strengths, synthetic=False, **NAMES).axes[0]
    x, y = axes.lines[0].get_data()
    np.testing.assert_allclose(x, [-0.5, 0.5])
    np.testing.assert_allclose(y, [1e-9, 1e-9])
    assert axes.get_xlabel() == r"$\sin\delta$"
    assert "one flavour" in axes.get_ylabel()


def test_legend_names_statements_indices_and_extrapolation(strengths):
    axes = sensitivity(strengths, synthetic=False, **NAMES).axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [
        r"γ = 2.0",
        r"γ = 2.5",
        "sensitivity",
        "5 sigma discovery potential",
        "threshold from a tail fit",
    ]
    from_trials = sensitivity(strengths.slice(0, 4), synthetic=False, **NAMES).axes[0]
    assert len(from_trials.get_legend().get_texts()) == 3


def test_limits_stand_at_their_sources(strengths):
    limits = pa.table({"gamma": [2.5], "dec_deg": [90.0], "e2dnde_100tev_gev_cm2_s": [7e-9]})
    figure = sensitivity(strengths, limits, synthetic=True, **NAMES)
    np.testing.assert_allclose(figure.axes[0].collections[0].get_offsets(), [[1.0, 7e-9]])
    assert canvas.SYNTHETIC_TAG in [text.get_text() for text in figure.texts]


def test_nothing_to_show_says_so(strengths):
    assert sensitivity(strengths.slice(0, 0), synthetic=False, **NAMES).axes[0].texts[0].get_text().startswith("no")
