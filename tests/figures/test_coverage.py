from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest

from nusky.figures import coverage as module
from nusky.search.statistics.coverage import coverage

OPTIONS = {"method": "standard", "target": "164 sources", "synthetic": False}


@pytest.fixture
def table() -> pa.Table:
    upper = np.arange(1.0, 11.0)
    rows = [
        coverage(truth, upper, method=method, confidence_level=0.9)
        for method in ("Neyman", "Feldman-Cousins")
        for truth in (1.5, 3.5)
    ]
    return pa.Table.from_pylist([asdict(row) for row in rows])


def test_points_and_intervals(table):
    axes = module.coverage(table, **OPTIONS).axes[0]
    neyman = axes.containers[0]
    np.testing.assert_allclose(neyman.lines[0].get_ydata(), [0.9, 0.7])
    bar = neyman.lines[2][0].get_segments()[0][:, 1]
    assert bar[0] < 0.9 < bar[1]
    low, high = axes.get_ylim()
    assert low < bar[0]
    assert high > 1
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "90 % ± 2 %" in texts
    assert "Feldman-Cousins\n10 pseudo-experiments each" in texts


def test_nothing_to_show_says_so(table):
    assert module.coverage(table.slice(0, 0), **OPTIONS).axes[0].texts[0].get_text() == "no coverage was measured"
