import matplotlib.image
import numpy as np
import pytest
from matplotlib.ticker import LogFormatterSciNotation, LogLocator

from nusky.errors import ConfigurationError
from nusky.figures import canvas


@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_equal_figures_give_equal_files(tmp_path, suffix):
    for name in ("first", "second"):
        with canvas.style():
            figure = canvas.new_figure("title", synthetic=True)
            figure.add_subplot().plot([1, 2], [3, 4])
        canvas.save(figure, [tmp_path / f"{name}.{suffix}"], dpi=60)
    first, second = (tmp_path / f"{name}.{suffix}" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == sorted([first.name, second.name])


def drawn(top=9e-8, log=False):
    """Three panels with a legend outside; matplotlib finds places for them when it draws."""
    with canvas.style():
        figure = canvas.new_figure("title", synthetic=True)
        for axes in figure.subplots(1, 3):
            axes.plot([1, 2], [3e-9, top], label="a line")
            axes.set_xlabel("of all panels")
            axes.set_yscale("log" if log else "linear")
        canvas.legend_below(figure, axes.get_legend_handles_labels()[0], ncols=1)
        return figure


def test_a_figure_looks_as_matplotlib_saves_it_whichever_format_came_first(tmp_path):
    first, second, figure = tmp_path / "first.png", tmp_path / "second.png", drawn()
    with canvas.style():
        figure.savefig(tmp_path / "matplotlib.png", dpi=60)
    canvas.save(drawn(), [first], dpi=60)
    canvas.save(drawn(), [tmp_path / "f.pdf", tmp_path / "f.svg", second], dpi=60)
    images = [matplotlib.image.imread(path) for path in (tmp_path / "matplotlib.png", first, second)]
    differ = np.abs(images[0] - images[1]).max(axis=-1) > 0.1
    assert differ.mean() < 2e-3  # minor ticks may be a pixel beside
    assert np.array_equal(images[1], images[2])


def test_every_minor_tick_is_marked_on_all_axes_that_have_it(tmp_path):
    with canvas.style():
        figure = canvas.new_figure("title", synthetic=False)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes in (upper, lower):
            axes.set_xscale("log")
            axes.plot([3e-12, 5e-7], [1, 2])
        low, high = upper.get_xlim()
        every = [x for x in upper.xaxis.get_minorticklocs() if low <= x <= high]
    canvas.save(figure, [tmp_path / "figure.png"], dpi=60)
    for axes in (upper, lower):
        marks = [line for line in axes.get_children() if line.get_label() == "_ticks"]
        across = [line for line in marks if len(line.get_xdata()) == len(every)]
        assert len(marks) == 4  # bottom and top, left and right
        assert [line.get_ydata()[0] for line in across] == [0, 1]
        np.testing.assert_allclose(across[0].get_xdata(), every)
    assert len(every) > 30


@pytest.mark.parametrize(("top", "one"), [(9e-8, "10⁻⁸"), (9e-9, "6×10⁻⁹"), (9e3, "10⁴")])
def test_ticks_of_logarithmic_axes_say_their_powers_of_ten(tmp_path, top, one):
    figure = drawn(top, log=True)
    canvas.save(figure, [tmp_path / "figure.png"], dpi=60)
    ticks = figure.axes[0].yaxis.get_ticklabels(), figure.axes[0].yaxis.get_ticklabels(minor=True)
    said = {text.get_text(): text.get_position()[1] for text in (*ticks[0], *ticks[1]) if text.get_text()}
    assert one in said
    for text, value in said.items():
        coefficient, _, power = text.rpartition("10")
        exponent = power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        assert value == pytest.approx(float(f"{coefficient.removesuffix('×') or 1}e{exponent}"))


def test_ticks_that_a_figure_wants_labelled_stay_so(tmp_path):
    figure = drawn()
    axes = figure.axes[0]
    axes.set_xscale("log")
    axes.set_xlim(1.8e-10, 5.8e-10)
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf)))
    canvas.save(figure, [tmp_path / "figure.png"], dpi=60)
    assert {"2×10⁻¹⁰", "5×10⁻¹⁰"} <= {text.get_text() for text in axes.xaxis.get_ticklabels(minor=True)}


def test_counts_stand_at_whole_numbers():
    with canvas.style():
        axes = canvas.new_figure("title", synthetic=False).add_subplot()
    canvas.log_counts(axes)
    axes.set_xlim(0.9, 2.2)
    for ticks, formatter in (
        (axes.xaxis.get_majorticklocs(), axes.xaxis.get_major_formatter()),
        (axes.xaxis.get_minorticklocs(), axes.xaxis.get_minor_formatter()),
    ):
        for value, text in zip(ticks, formatter.format_ticks(ticks), strict=True):
            assert text in ("", f"{value:g}")
    assert axes.xaxis.get_minor_formatter().format_ticks([0.9, 2.0]) == ["", "2"]


def test_unknown_format_is_refused(tmp_path):
    with canvas.style():
        figure = canvas.new_figure("title", synthetic=False)
    with pytest.raises(
        ConfigurationError, match=r"figure\.gif: figures are written as pdf, png, svg; change the suffix"
    ):
        canvas.save(figure, [tmp_path / "figure.gif"], dpi=60)
    assert not list(tmp_path.iterdir())


def test_users_settings_do_not_shine_through():
    with matplotlib.rc_context({"font.size": 40, "axes.grid": True}):
        with canvas.style():
            assert matplotlib.rcParams["font.size"] == 9
            assert matplotlib.rcParams["axes.grid"] is False
        assert matplotlib.rcParams["font.size"] == 40


def test_tag_and_title_do_not_overlap():
    with canvas.style():
        figure = canvas.new_figure("a very long title " * 6, synthetic=True)
        axes = figure.add_subplot()
        figure.draw_without_rendering()
        renderer = figure._get_renderer()
        title, tag = (text.get_window_extent(renderer) for text in figure.texts)
    assert figure.texts[1].get_text() == canvas.SYNTHETIC_TAG
    assert not title.overlaps(tag)
    assert not title.overlaps(axes.get_window_extent(renderer))


def test_scientific_and_plain():
    assert canvas.scientific(2.4916e-8) == "2.49 × 10⁻⁸"
    assert canvas.plain("cost: $5 $") == r"cost: \$5 \$"


def test_an_index_keeps_its_colour_in_any_order():
    with canvas.style():
        assert canvas.index_colors([3.0, 2.0, 2.0]) == canvas.index_colors([2.0, 3.0])
        assert len(set(canvas.index_colors([2.0, 2.4, 2.53, 3.0, 3.5]).values())) == 5


def test_a_figure_for_a_paper_has_the_width_of_its_column_and_no_header():
    with canvas.style():
        shown = canvas.new_figure("header", synthetic=False)
    with canvas.laid_out(canvas.Layout(titles=False, width="column")), canvas.style():
        figure = canvas.new_figure("header", synthetic=True)
    with canvas.style():
        again = canvas.new_figure("header", synthetic=False)
    assert figure.get_figwidth() == 3.5
    assert [text.get_text() for text in figure.texts] == [canvas.SYNTHETIC_TAG]  # never left out
    assert [text.get_text() for text in shown.texts] == ["Header"]
    assert again.get_figwidth() == shown.get_figwidth() > 3.5


def test_a_colour_bar_is_as_tall_as_its_panel():
    with canvas.style():
        figure = canvas.new_figure("header", synthetic=False)
        axes = figure.add_subplot(projection="mollweide")
        canvas.bar_beside(axes, axes.scatter([0, 1], [0, 1], c=[0, 1]), "value")
        figure.draw_without_rendering()
    bar = axes.child_axes[0].get_window_extent()
    assert (bar.y0, bar.y1) == pytest.approx((axes.get_window_extent().y0, axes.get_window_extent().y1))
    assert bar.x0 > axes.get_window_extent().x1
