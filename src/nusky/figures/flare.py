"""The unknown flare of a source: what events near it weigh over time, and TS of every window that was looked at."""

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nusky.figures import canvas

FLARE_COLUMNS = ("rank", "start_mjd", "stop_mjd", "duration_days", "n_signal", "test_statistic")
WINDOW_COLUMNS = ("start_mjd", "stop_mjd", "duration_days", "test_statistic")
WEIGHT_COLUMNS = ("mjd", "weight")
_BEST, _OTHERS, _EVENTS = "#D55E00", "#9AA5AE", "#0072B2"
_SHOWN = 300
"""Events of the largest weights that are drawn; the others would be a band at the bottom."""


def flare(
    flares: pa.Table, windows: pa.Table, weights: pa.Table, *, title: tuple[str, ...], note: str, synthetic: bool
) -> Figure:
    """Draw the events near one source over time with its flares, and all windows by centre and duration.

    Parameters
    ----------
    flares, windows, weights
        Tables "flares", "flare_windows" and "flare_weights", rows of one source; times in MJD, durations in days.
    title
        Parts of the header.
    note
        The p-value in words, for the legend.
    """
    with canvas.style():
        figure = canvas.new_figure(*title, synthetic=synthetic, size=(7.2, 5.4))
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _draw_weights(upper, weights)
        _draw_flares(upper, flares, note)
        _draw_windows(lower, windows)
        lower.set_xlabel("MJD")
        lower.set_ylabel("Duration [d]")
        upper.set_ylabel("Weight of an event")
        handles, labels = upper.get_legend_handles_labels()
        upper.legend(handles[::-1], labels[::-1], loc="upper left", fontsize="small")  # the strongest first
        return figure


def _draw_weights(axes: Axes, weights: pa.Table) -> None:
    mjd, weight = (weights[name].to_numpy() for name in WEIGHT_COLUMNS)
    if not len(mjd):
        canvas.note(axes, "no event near the source")
        return
    shown = np.argsort(-weight, kind="stable")[:_SHOWN]
    axes.vlines(mjd[shown], 0, weight[shown], color=_EVENTS, linewidth=0.9)
    axes.set_ylim(0, 1.35 * weight.max())


def _draw_flares(axes: Axes, flares: pa.Table, note: str) -> None:
    for row in reversed(flares.to_pylist()):
        first = row["rank"] == 1
        label = None
        if first:
            label = (
                f"MJD {row['start_mjd']:.2f} to {row['stop_mjd']:.2f}: {row['n_signal']:.1f} events, "
                f"TS = {row['test_statistic']:.1f}"
            ) + (f", {canvas.plain(note)}" if note else "")
        elif row["rank"] == 2:
            label = "next flares, apart from it"
        color = _BEST if first else _OTHERS
        axes.axvspan(row["start_mjd"], row["stop_mjd"], color=color, alpha=0.3, linewidth=0, zorder=0, label=label)
    if not flares.num_rows:
        axes.plot([], [], " ", label="no flare")


def _draw_windows(axes: Axes, windows: pa.Table) -> None:
    start, stop, duration, ts = (windows[name].to_numpy() for name in WINDOW_COLUMNS)
    axes.set_yscale("log")
    if not (ts > 0).any():
        canvas.note(axes, "no window with TS above 0")
        return
    order = np.argsort(ts, kind="stable")
    order = order[ts[order] > 0]
    drawn = axes.scatter(
        (start + stop)[order] / 2, duration[order], c=ts[order], s=14, cmap="viridis_r", vmin=0, linewidths=0
    )
    canvas.bar_beside(axes, drawn, "TS")
