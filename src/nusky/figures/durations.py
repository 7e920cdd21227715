"""Sensitivity and discovery potential of a position against the duration of the window."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nusky.conventions import index_text
from nusky.figures import canvas

COLUMNS = ("statement", "gamma", "duration_days", "e2_fluence_100tev_gev_cm2", "e2dnde_100tev_gev_cm2_s")
_PANELS = {
    "e2_fluence_100tev_gev_cm2": "E² F at 100 TeV\n[GeV cm⁻²]",
    "e2dnde_100tev_gev_cm2_s": f"{canvas.E2DNDE} at 100 TeV\n{canvas.FLUX_UNIT}",
}


def durations(strengths: pa.Table, *, method: str, where: tuple[str, ...], synthetic: bool) -> Figure:
    """Draw fluence and flux in the window against its duration, one colour per index, one line style per statement.

    Parameters
    ----------
    strengths
        Table "sensitivity", one row per statement, index and duration; `COLUMNS` and `extrapolated`. Thresholds from a
        tail fit get open markers.
    where
        Parts of the title: position, centre of the windows, release.
    """
    statement, gamma, days = (strengths[name].to_numpy(zero_copy_only=False) for name in COLUMNS[:3])
    extrapolated = strengths["extrapolated"].to_numpy(zero_copy_only=False).astype(bool)
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", *where, synthetic=synthetic, size=(7.2, 5.6))
        panels = figure.subplots(2, 1, sharex=True)
        colors, statements = canvas.index_colors(gamma.tolist()), list(dict.fromkeys(statement))
        for axes, (column, label) in zip(panels, _PANELS.items(), strict=True):
            value = strengths[column].to_numpy()
            axes.set_xscale("log")
            axes.set_yscale("log")
            for number, name in enumerate(statements):
                for index, color in colors.items():
                    chosen = np.flatnonzero((statement == name) & (gamma == index))
                    chosen = chosen[np.argsort(days[chosen])]
                    style = {"color": color, "linestyle": canvas.line_style(number), "marker": "o", "markersize": 3}
                    axes.plot(days[chosen], value[chosen], **style)
                    open_ = chosen[extrapolated[chosen]]
                    axes.plot(days[open_], value[open_], "o", markersize=5, mfc="white", mec=color, zorder=3)
            if not np.isfinite(value).any():
                canvas.note(axes, "no sensitivity was computed")
            axes.set_ylabel(label)
        panels[1].set_xlabel("Duration of the window [d]")
        handles = [Line2D([], [], color=color, label=index_text(index)) for index, color in colors.items()]
        handles += [
            Line2D([], [], color="#333333", linestyle=canvas.line_style(number), label=name)
            for number, name in enumerate(statements)
        ]
        if extrapolated.any():
            marker = {"linestyle": "", "marker": "o", "mfc": "white", "mec": "#333333"}
            handles.append(Line2D([], [], label="threshold from a tail fit", **marker))
        canvas.legend_below(figure, handles, [handle.get_label() for handle in handles], ncols=3)
        return figure
