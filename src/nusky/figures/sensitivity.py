"""Sensitivity and discovery potential versus declination, with the upper limits of sources where there are any."""

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nusky.figures import canvas

COLUMNS = ("statement", "gamma", "dec_deg", "e2dnde_100tev_gev_cm2_s", "extrapolated")
LIMIT_COLUMNS = ("gamma", "dec_deg", "e2dnde_100tev_gev_cm2_s")
_DEC_TICKS = (-90, -45, -30, -15, 0, 15, 30, 45, 90)


def sensitivity(
    strengths: pa.Table, limits: pa.Table | None = None, *, method: str, release: str, synthetic: bool
) -> Figure:
    """Draw E^2 dN/dE at 100 TeV against sin(dec), one colour per index and one line style per statement.

    Parameters
    ----------
    strengths
        Table "sensitivity", one row per statement ('sensitivity', '5 sigma discovery potential', ...), index and
        declination; `COLUMNS`, fluxes of one flavour. Thresholds from a tail fit (`extrapolated`) get open markers.
    limits
        Upper limits of single sources; `LIMIT_COLUMNS`.
    """
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", release, "point sources", synthetic=synthetic)
        axes = figure.add_subplot(yscale="log")
        handles = draw_strengths(axes, strengths, np.sin(np.radians(strengths["dec_deg"].to_numpy())), COLUMNS[3])
        if limits is not None and len(limits):
            colors = canvas.index_colors(strengths["gamma"].to_pylist())
            index, dec, limit = (limits[name].to_numpy() for name in LIMIT_COLUMNS)
            mark = {"marker": "v", "alpha": 0.75}
            shades = [colors.get(g, "#333333") for g in index]
            axes.scatter(np.sin(np.radians(dec)), limit, s=22, c=shades, linewidths=0, **mark)
            handles.append(Line2D([], [], linestyle="", color="#333333", label="upper limits of sources", **mark))
        axes.set_xlim(-1, 1)
        axes.set_xlabel(r"$\sin\delta$")
        axes.set_ylabel(f"{canvas.E2DNDE} at 100 TeV, one flavour {canvas.FLUX_UNIT}")
        degrees = axes.secondary_xaxis("top")
        degrees.set_xticks(np.sin(np.radians(_DEC_TICKS)), [f"{tick}°".replace("-", "−") for tick in _DEC_TICKS])
        degrees.minorticks_off()
        axes.tick_params(which="both", top=False)
        canvas.legend_beside(axes, handles=handles)
        return figure


def draw_strengths(axes: Axes, strengths: pa.Table, x: NDArray, column: str) -> list[Line2D]:
    """Draw a `column` of a table "sensitivity" over `x` (n_rows,): one colour per index, one line style per statement.

    Thresholds from a tail fit get open markers. Returns the entries of the legend.
    """
    names = ("statement", "gamma", column, "extrapolated")
    statement, gamma, value, extrapolated = (strengths[name].to_numpy(zero_copy_only=False) for name in names)
    colors, statements = canvas.index_colors(gamma.tolist()), list(dict.fromkeys(statement))
    for number, name in enumerate(statements):
        for index, color in colors.items():
            chosen = np.flatnonzero((statement == name) & (gamma == index))
            chosen = chosen[np.argsort(x[chosen])]
            style = {"color": color, "linestyle": canvas.line_style(number), "marker": "o", "markersize": 3}
            axes.plot(x[chosen], value[chosen], **style)
            open_ = chosen[extrapolated[chosen].astype(bool)]
            axes.plot(x[open_], value[open_], "o", markersize=5, mfc="white", mec=color, zorder=3)
    if not np.isfinite(value).any():
        canvas.note(axes, "no sensitivity was computed")
    entries = canvas.color_entries(colors) + canvas.style_entries(statements)
    if extrapolated.any():
        marker = {"linestyle": "", "marker": "o", "mfc": "white", "mec": "#333333"}
        entries.append(Line2D([], [], label="threshold from a tail fit", **marker))
    return entries
