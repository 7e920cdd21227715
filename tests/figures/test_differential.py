import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from nusky.figures import differential as module

OPTIONS = {"method": "standard", "title": ("mine, uniform weights", "spatial and energy"), "synthetic": False}


@pytest.fixture
def table() -> pa.Table:
    rows = [
        {
            "statement": name,
            "log10_energy_min_gev": low,
            "log10_energy_max_gev": low + 1,
            "e2dnde_gev_cm2_s": factor * flux,
        }
        for low, flux in ((2.0, np.nan), (3.0, 2e-8), (4.0, 1e-8))
        for name, factor in (("sensitivity", 1.0), ("upper limit", 1.5))
    ]
    return pa.Table.from_pylist(rows)


def test_a_bar_for_every_part_with_a_number(table):
    axes = module.differential(table, **OPTIONS).axes[0]
    bars = [segment for collection in axes.collections for segment in collection.get_segments()]
    np.testing.assert_allclose(bars[0], [[1e3, 2e-8], [1e4, 2e-8]])
    np.testing.assert_allclose(sorted(bar[0, 1] for bar in bars), [1e-8, 1.5e-8, 2e-8, 3e-8])
    assert axes.get_xlim() == pytest.approx((1e2, 1e5))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["sensitivity", "upper limit"]


def test_declinations_have_their_colours(table):
    both = pa.concat_tables([table.append_column("dec_deg", pa.array([dec] * 6)) for dec in (-30.0, 10.0)])
    axes = module.differential(both, **OPTIONS).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[2:] == ["δ = −30°", "δ = 10°"]
    assert len({tuple(collection.get_color()[0]) for collection in axes.collections}) == 2


def test_nothing_to_show_says_so(table):
    blind = table.filter(pc.is_nan(table["e2dnde_gev_cm2_s"]))
    assert module.differential(blind, **OPTIONS).axes[0].texts[0].get_text() == "no energy has a number"
