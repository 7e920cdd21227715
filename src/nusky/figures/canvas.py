"""What all figures share: the style, an empty figure, the tag on generated events, saving."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatterSciNotation, NullLocator

from nusky.conventions import index_text
from nusky.errors import ConfigurationError
from nusky.files import atomic_path
from nusky.printable import printable
from nusky.resources import resource

FLUX_UNIT = "[GeV cm⁻² s⁻¹]"
E2DNDE = "E² dN/dE"
SYNTHETIC_TAG = "synthetic events · not a measurement"
WARNING_COLOR = "#B23A00"
MUTED_COLOR = "#5B6770"
BAND_COLOR = "#9AA5AE"
HISTOGRAM = {"color": "#56B4E9", "alpha": 0.55, "edgecolor": "#0072B2"}
LONGEST_NAME = 40
"""Characters of a name that are drawn; longer ones would leave no room for the axes."""

# Dates and host-dependent fields are left out: equal tables give equal files.
_METADATA = {
    "pdf": {"Creator": "nusky", "CreationDate": None},
    "png": {"Software": "nusky"},
    "svg": {"Creator": "nusky", "Date": None},
}
_TITLE_INCHES = 0.26
_STRIP_INCHES = 0.36
_LONGEST_PART = 60
_LEGEND_ROWS = 8
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BACKENDS = {"pdf": "pdf", "png": "agg", "svg": "svg"}
_LINE_STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Layout:
    """How figures are laid out: with a header or without, `width` as the configuration calls it."""

    titles: bool = True
    width: str = "screen"


_LAYOUT = ContextVar("layout", default=Layout())  # noqa: B039  frozen
_WIDTH_INCHES = {"column": 3.5, "page": 7.1}
_SMALL = 7.0
"""Points of the text of a figure in a column."""


@contextmanager
def laid_out(layout: Layout) -> Iterator[None]:
    """Context in which figures are laid out as `layout` says."""
    token = _LAYOUT.set(layout)
    try:
        yield
    finally:
        _LAYOUT.reset(token)


def style() -> AbstractContextManager[None]:
    """Context in which matplotlib draws and saves with nusky's style sheet, whatever the user's settings."""
    sheets: list[Any] = ["default", str(resource("nusky.mplstyle"))]
    if _LAYOUT.get().width == "column":
        sizes = ("font.size", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
        sheets.append(dict.fromkeys(sizes, _SMALL) | {"lines.linewidth": 1.1, "lines.markersize": 3.0})
    return matplotlib.style.context(sheets)


_INCHES_PER_POINT = 0.0098
"""Width of a letter of a header, over its size."""


def new_figure(
    *title: str, synthetic: bool, size: tuple[float, float] = (7.2, 4.1), fixed_aspect: bool = False
) -> Figure:
    """A figure of `size` inches under a header: the title's parts and, with `synthetic`, a strip that says so.

    In another width than its own it keeps its height, or, with `fixed_aspect`, the shape of what is drawn.
    """
    layout, (width, height) = _LAYOUT.get(), size
    if layout.width in _WIDTH_INCHES:
        # Text does not shrink with a figure, and a legend beside it goes below.
        shrunk = _WIDTH_INCHES[layout.width] / width
        width, height = width * shrunk, height * shrunk + max(0, 1 - shrunk) * 1.3 if fixed_aspect else height
    header = (_TITLE_INCHES if layout.titles else 0) + (_STRIP_INCHES if synthetic else 0)
    figure = Figure(figsize=(width, height + header))
    figure.get_layout_engine().set(rect=(0, 0, 1, height / (height + header)))
    if layout.titles:
        text = " · ".join(short(part, _LONGEST_PART) for part in title)
        base = (height + 0.06) / (height + header)
        size = min(10, 10 * width / 5, (width - 0.16) / (_INCHES_PER_POINT * len(text)))
        figure.text(0.08 / width, base, text[0].upper() + text[1:], size=size, weight="bold")
    if synthetic:
        box = {"boxstyle": "round,pad=0.3", "facecolor": "#FFF1E6", "edgecolor": WARNING_COLOR, "linewidth": 0.8}
        look = {"ha": "center", "va": "center", "size": 8.5, "weight": "bold", "color": WARNING_COLOR, "bbox": box}
        figure.text(0.5, 1 - _STRIP_INCHES / 2 / (height + header), SYNTHETIC_TAG, **look)
    return figure


def save(figure: Figure, outputs: Iterable[str | os.PathLike[str]], *, dpi: int) -> None:
    """Write `figure` to every path of `outputs`, each whole or not at all; the suffix decides the format.

    Raises `ConfigurationError` for a suffix that is not pdf, png or svg.
    """
    outputs = [Path(output) for output in outputs]
    for output in outputs:
        if output.suffix.removeprefix(".") not in _METADATA:
            raise ConfigurationError(f"{output}: figures are written as {', '.join(_METADATA)}; change the suffix.")
    with style():
        figure.set_dpi(dpi)
        _write_powers(figure)
        _mark_minor_ticks(figure)
        # Everything gets its place once, and is drawn once for each format: `savefig` would draw twice for each.
        if isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine):
            engine.execute(figure)
            figure.set_layout_engine("none")
        for output in outputs:
            file_format = output.suffix.removeprefix(".")
            canvas = import_module(f"matplotlib.backends.backend_{_BACKENDS[file_format]}").FigureCanvas(figure)
            figure.set_dpi(dpi)  # a vector format leaves its own
            with atomic_path(output) as temporary:
                options = {"pil_kwargs": {"compress_level": 3}} if file_format == "png" else {}  # in half the time
                getattr(canvas, f"print_{file_format}")(temporary, metadata=_METADATA[file_format], **options)


def _write_powers(figure: Figure) -> None:
    """Powers of ten at the ticks of logarithmic axes as plain text, which is measured and drawn much faster."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if type(axis.get_major_formatter()) is LogFormatterSciNotation:
                axis.set_major_formatter(_Powers())
            if type(minor := axis.get_minor_formatter()) is LogFormatterSciNotation:
                axis.set_minor_formatter(_Powers(minor_thresholds=minor.minor_thresholds))


def _mark_minor_ticks(figure: Figure) -> None:
    """Draw the minor ticks of every axis as the markers of two lines: an object for each takes half of the time."""
    drawn = []
    for axes in figure.axes:
        if axes.name != "rectilinear":
            continue
        for axis, place in ((axes.xaxis, axes.get_xaxis_transform), (axes.yaxis, axes.get_yaxis_transform)):
            if not (axes.axison and axes.get_visible() and axis.get_visible()):
                continue
            low, high = sorted(axis.get_view_interval())
            at = [value for value in axis.get_minorticklocs() if low <= value <= high]
            if not at or any(axis.get_minor_formatter().format_ticks(at)):
                continue
            (tick,) = axis.get_minor_ticks(1)
            for number, line in enumerate((tick.tick1line, tick.tick2line)):
                if not line.get_visible():
                    continue
                ends = [number] * len(at)
                marks = Line2D(
                    *((at, ends) if axis is axes.xaxis else (ends, at)),
                    linestyle="none",
                    marker=line.get_marker(),
                    markersize=line.get_markersize(),
                    markeredgewidth=line.get_markeredgewidth(),
                    color=line.get_color(),
                    transform=place(),
                    zorder=axis.get_zorder(),
                    label="_ticks",
                    clip_on=False,
                )
                marks.set_in_layout(False)
                axes.add_artist(marks)
            drawn.append(axis)
    for axis in drawn:  # axes that share an axis share its ticks
        axis.set_minor_locator(NullLocator())


class _Powers(LogFormatterSciNotation):
    """Powers of ten, such as 2×10⁻⁹, without mathtext."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        text = super().__call__(x, pos).removeprefix(r"$\mathdefault{").removesuffix("}$")
        coefficient, power, exponent = text.replace(r"\times", "×").partition("10^{")
        return (coefficient + power.removesuffix("^{") + _superscript(exponent.removesuffix("}"))).replace("-", "−")


class _Counts(LogFormatterSciNotation):
    """Whole numbers at those ticks that would have powers of ten."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        whole = abs(x - round(x)) < 1e-6  # an axis of few things has ticks at their fractions
        return f"{x:.0f}" if whole and super().__call__(x, pos) else ""


def log_counts(axes: Axes) -> None:
    """Make the x axis a logarithmic one of numbers of things."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(_Counts())
    axes.xaxis.set_minor_formatter(_Counts(labelOnlyBase=False))


def _superscript(number: str) -> str:
    return number.translate(_SUPERSCRIPTS)


def plain(text: str) -> str:
    """`text` as matplotlib shows it literally: names of users may hold dollar signs or control characters."""
    return printable(text).replace("$", r"\$")


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as `plain` gives it, its middle left out where it has more than `longest` characters."""
    tail = longest // 3
    return plain(name if len(name) <= longest else f"{name[: longest - tail - 1]}…{name[-tail:]}")


def label(name: str) -> str:
    """A name as `short` gives it, for a legend; matplotlib would leave out those that begin with an underscore."""
    return f"\u200b{short(name)}" if name.startswith("_") else short(name)


def legend_below(figure: Figure, handles: Sequence[Artist], *, ncols: int) -> None:
    """Legend under the axes of `figure`, of up to `ncols` columns as they fit; the rows leave room for the axes."""
    for columns in range(ncols, 0, -1):
        shown, names = list(handles), [handle.get_label() for handle in handles]
        rest = len(names) - columns * _LEGEND_ROWS
        if rest > 0:
            shown[-rest - 1 :], names[-rest - 1 :] = [Line2D([], [], linestyle="none")], [f"and {rest + 1} more"]
        options = {"loc": "outside lower center", "handletextpad": 0.4, "columnspacing": 1.6}
        legend = figure.legend(shown, names, ncols=columns, **options)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def narrow() -> bool:
    """Whether figures are so narrow that nothing fits beside their axes."""
    return _LAYOUT.get().width == "column"


def legend_beside(axes: Axes, **options: Any) -> None:
    """Legend to the right of `axes`, where it hides nothing."""
    if narrow():
        legend_below(axes.figure, options.get("handles") or axes.get_legend_handles_labels()[0], ncols=2)
        return
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, alignment="left", **options)


def bar_beside(axes: Axes, drawn: Any, label: str) -> None:
    """Colour bar of `drawn` to the right of `axes`, as tall as these are drawn."""
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0, 0.03, 1)))
    bar.set_label(label)


def index_colors(gammas: Sequence[float]) -> dict[float, str]:
    """One colour per spectral index, in ascending order: the same index has the same colour in every figure."""
    cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    return {gamma: cycle[i % len(cycle)] for i, gamma in enumerate(sorted(set(gammas)))}


def color_entries(colors: Mapping[float, str], text: Callable[[float], str] = index_text) -> list[Line2D]:
    """Legend entries that say what each colour stands for, dimensionless spectral indices by default."""
    return [Line2D([], [], color=color, label=text(value)) for value, color in colors.items()]


def style_entries(names: Iterable[str]) -> list[Line2D]:
    """Legend entries of curve families, each in the line style of its number."""
    return [Line2D([], [], color="#333333", linestyle=line_style(k), label=name) for k, name in enumerate(names)]


def line_style(number: int) -> str:
    """The line style of the curve family `number`."""
    return _LINE_STYLES[number % len(_LINE_STYLES)]


def scientific(value: float, digits: int = 2) -> str:
    """`value`, dimensionless or in a unit written elsewhere, as ``a × 10ᵇ`` with `digits` decimals."""
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa} × 10{_superscript(str(int(exponent)))}".replace("-", "−")


def note(axes: Axes, text: str) -> None:
    """Write `text` into the middle of axes that have nothing to show."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED_COLOR, size=10)
