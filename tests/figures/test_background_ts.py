import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chi2

from nusky.figures import canvas
from nusky.figures.background_ts import background_ts


def draw(values, observed=None, synthetic=False, **options):
    table = pa.table({"test_statistic": np.asarray(values, float)})
    return background_ts(table, title=("standard method", "x"), observed=observed, synthetic=synthetic, **options)


def test_spike_and_tail_are_told_apart():
    axes = draw([0.0] * 6 + [1.0, 2.0, 2.5, 8.0], observed=3.0, note="p = 0.2").axes[0]
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "10 trials, 40.0 % with TS > 0" in texts
    assert "6 trials at TS = 0" in texts
    assert "observed TS = 3.00\np = 0.2" in texts
    assert sum(patch.get_height() for patch in axes.patches if hasattr(patch, "get_height")) == 4


@pytest.mark.parametrize("ndf", [1, 2])
def test_expectations_are_the_share_above_zero_of_a_chi_square(ndf):
    axes = draw([0.0] * 50 + list(np.linspace(0.1, 10, 50))).axes[0]
    stairs = [patch for patch in axes.patches if not hasattr(patch, "get_height")][ndf - 1]
    values, edges, _ = stairs.get_data()
    np.testing.assert_allclose(values, 50 * np.diff(chi2.cdf(edges, ndf)))


def test_observed_value_is_inside_the_axes_and_the_tag_shows():
    figure = draw([0.0, 1.0, 2.0], observed=40.0, synthetic=True)
    assert figure.axes[0].get_xlim()[1] > 40
    assert canvas.SYNTHETIC_TAG in [text.get_text() for text in figure.texts]


def test_nothing_to_show_says_so():
    assert draw([]).axes[0].texts[0].get_text() == "no background trials"
    assert draw([0.0] * 5).axes[0].get_legend() is not None
