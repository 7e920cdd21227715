"""Curves of both sets of conventions in one figure, with the ratio of the two below."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from nusky.figures import canvas

SETS = ("published", "standard")
_LINES = {"published": "--", "standard": "-"}


def figure_with_ratio(*title: str) -> tuple[Figure, Axes, Axes]:
    """Figure, axes of the curves and axes of their ratio, logarithmic upwards; call it inside `canvas.style`."""
    figure = canvas.new_figure(*title, synthetic=False, size=(7.2, 4.6))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.set_yscale("log")
    lower.set_yscale("log")
    lower.set_ylabel("published /\nstandard")
    return figure, upper, lower


def draw(
    upper: Axes, lower: Axes, x: NDArray, curves: Mapping[str, NDArray], color: str, label: str = "", marker: str = ""
) -> None:
    """Draw the two curves of `curves`, by set, and their ratio, all of the shape of `x`; zeros are left out."""
    for name in SETS:
        values = np.where(curves[name] > 0, curves[name], np.nan)
        text = f"{label}, {name}" if label else name
        upper.plot(x, values, color=color, linestyle=_LINES[name], marker=marker, label=text)
    both = (curves["published"] > 0) & (curves["standard"] > 0)
    ratio = np.full(x.size, np.nan)
    ratio[both] = curves["published"][both] / curves["standard"][both]
    lower.plot(x, ratio, color=color, marker=marker)


def finish(upper: Axes, lower: Axes, *, x: str, y: str) -> None:
    """Label the axes, draw the line where the sets agree, and put the legend beside the curves."""
    ratios = np.concatenate([line.get_ydata() for line in lower.lines])
    wide = np.nanmax(ratios, initial=1) > 20
    lower.yaxis.set_major_formatter("{x:g}")
    if wide:
        lower.yaxis.set_minor_formatter(NullFormatter())
    else:
        lower.yaxis.set_minor_locator(LogLocator(subs=(2, 4, 6)))
        lower.yaxis.set_minor_formatter("{x:g}")
    lower.margins(y=0.12)
    lower.axhline(1, color=canvas.MUTED_COLOR, linewidth=0.8, zorder=0)
    lower.set_xlabel(x)
    upper.set_ylabel(y)
    canvas.legend_beside(upper)
    if not any(np.isfinite(line.get_ydata()).any() for line in upper.lines):
        canvas.note(upper, "nothing arrives")
