import numpy as np
import pyarrow as pa
import pytest

from nusky.figures.ts_distribution import ts_distribution


def draw(values, method="standard"):
    table = pa.table({"ts_max": np.asarray(values, float)})
    return ts_distribution(table, method=method, catalogue="wcda-hess", synthetic=False).axes[0]


def test_fit_and_counts_are_those_of_the_positive_values():
    roots = np.repeat([0.5, 1.0, 1.5, 2.0, 2.5], 6)
    axes = draw([*roots**2, -0.1, 0.0, np.nan])
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert any("30 of 33 sources" in text for text in texts)
    assert any("1.500" in text and f"{np.sqrt(0.5):.3f}" in text for text in texts)
    assert sum(patch.get_height() for patch in axes.patches) == 30


@pytest.mark.parametrize("values", [[1.0], [1.0, 4.0], [1.0] * 40, list(range(1, 30))])
def test_no_fit_to_few_or_equal_values(values):
    axes = draw(values)
    assert not axes.lines
    assert sum(patch.get_height() for patch in axes.patches) == len(values)


@pytest.mark.parametrize("values", [[], [-1.0, 0.0, np.nan]])
def test_nothing_to_show_says_so(values):
    assert draw(values).texts[0].get_text() == "no source with TS > 0"


def test_labels_name_the_scale():
    assert "decimal logarithms" in draw([1.0], method="published").get_xlabel()
    assert "decimal" not in draw([1.0]).get_xlabel()
    assert "dimensionless" in draw([1.0]).get_xlabel()
    assert draw([1.0]).get_ylabel() == "Number of sources per bin"
