import numpy as np
import pyarrow as pa
import pytest

from nusky.figures import canvas
from nusky.figures.sky_map import sky_map


def collection(axes, label):
    return next(item for item in axes.collections if item.get_label() == label)


def test_most_energetic_events_are_drawn(events, sources):
    figure = sky_map(events, sources, max_events=30, synthetic=True)
    points = figure.axes[0].collections[0]
    energies = np.sort(np.concatenate([table["log10_energy_gev"].to_numpy() for table in events]))
    assert np.array_equal(points.get_array(), energies[-30:])
    assert points.get_rasterized()
    texts = [text.get_text() for text in figure.texts]
    assert "Galactic coordinates · 30 most energetic of 100 events" in texts
    assert canvas.SYNTHETIC_TAG in texts


def test_positions_are_galactic_and_longitude_increases_to_the_left(sources):
    # Sgr A*: l = 359.944 deg, b = -0.046 deg; Crab nebula: l = 184.56 deg, b = -5.78 deg
    axes = sky_map([], sources, max_events=10, synthetic=False).axes[0]
    x, y = np.degrees(collection(axes, "H.E.S.S. (1)").get_offsets()[0])
    assert abs(x - 0.056) < 0.02
    assert abs(y + 0.046) < 0.02
    x, y = np.degrees(collection(axes, "1LHAASO WCDA (1)").get_offsets()[0])
    assert abs(x - (360 - 184.56)) < 0.1
    assert abs(y + 5.78) < 0.1


def test_lists_have_distinct_marks_and_shared_sources_count_once(events, sources):
    figure = sky_map(events, sources, max_events=10, synthetic=False)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"H.E.S.S. (1)", "1LHAASO WCDA (1)", "1LHAASO KM2A (1)", r"my\$list (1)", "Galactic centre"} <= set(labels)
    marks = [item for item in figure.axes[0].collections if item.get_label() in labels]
    assert len({tuple(item.get_edgecolor()[0]) for item in marks}) == 4
    assert len({item.get_paths()[0].vertices.tobytes() for item in marks}) == 4


def test_labels_have_units(events, sources):
    figure = sky_map(events, sources, max_events=10, synthetic=False)
    sky, plane = figure.axes[:2]
    (bar,) = sky.child_axes
    assert plane.get_xlabel() == "Galactic longitude l [deg]"
    assert plane.get_ylabel() == "Latitude b [deg]"
    assert "GeV" in bar.get_ylabel()


def test_no_events_and_no_sources(tmp_path):
    empty = pa.table({name: pa.array([], pa.float64()) for name in ("ra_deg", "dec_deg", "log10_energy_gev")})
    figure = sky_map([empty], [], max_events=10, synthetic=False)
    assert "no events" in [text.get_text() for text in figure.axes[0].texts]
    canvas.save(figure, [tmp_path / "sky.pdf"], dpi=60)
    assert (tmp_path / "sky.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(("copies", "shown"), [(1, True), (7, False)])
def test_few_sources_have_their_names_beside_them(events, named, copies, shown):
    many = [named.set_column(0, "name", pa.array([f"{n}{k}" for n in ("A$", "B", "C")])) for k in range(copies)]
    figure = sky_map(events, many, max_events=10, synthetic=False)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert ({r"A\$0", "B0", "C0"} <= set(texts)) == shown
