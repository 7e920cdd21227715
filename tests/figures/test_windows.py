import pyarrow as pa
import pytest

from nusky.figures.windows import windows

SEASONS = {"first": (55000.0, 55100.0), "second": (55120.0, 55300.0)}


@pytest.fixture
def sources() -> pa.Table:
    return pa.table(
        {
            "name": ["late", "early", "burst"],
            "start_mjd": [55400.0, 55010.0, 55200.0],
            "stop_mjd": [55410.0, 55130.0, 55200.0001],
            "exposure_days": [0.0, 100.0, 0.0001],
            "problem": ["it begins after the last good run", "", ""],
        }
    )


def test_bars_are_the_windows_in_order_of_their_starts(sources):
    axes = windows(sources, SEASONS, method="standard", catalogue="mine", synthetic=False).axes[0]
    bars = {axes.get_yticklabels()[round(bar.get_y() + 0.35)].get_text(): bar for bar in axes.containers[0]}
    assert list(bars) == ["early", "burst"]
    early, burst = bars["early"], bars["burst"]
    assert (early.get_x(), early.get_width()) == (55010, 120)
    assert burst.get_width() > 1  # widened to be seen, around its middle
    assert burst.get_x() + burst.get_width() / 2 == pytest.approx(55200.00005)
    ((late,),) = axes.containers[1:]
    assert (late.get_x(), late.get_facecolor()) != (early.get_x(), early.get_facecolor())
    shown = axes.figure.legends[0].get_texts()
    assert [text.get_text() for text in shown] == ["searched (2)", "left out: no good run (1)"]


def test_many_sources_go_without_names(sources):
    many = pa.concat_tables([sources] * 40)
    axes = windows(many, SEASONS, method="standard", catalogue="mine", synthetic=False).axes[0]
    assert axes.get_ylabel() == "120 sources"
    assert sum(len(container) for container in axes.containers) == 120
