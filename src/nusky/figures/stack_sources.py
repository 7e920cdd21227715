"""What each source adds to a stack, and what is left without it."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.probability import compared

_N_SHOWN = 12


def stack_sources(sources: pa.Table, *, method: str, title: str, synthetic: bool) -> Figure:
    """Draw what the sources that matter most add to TS, and TS of the stack without each of them.

    `sources` is the table "stack_sources" of one index: a row for each source, what adds most first.
    """
    rows = sources.to_pylist()
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", title, "sources of the stack", synthetic=synthetic)
        axes = figure.add_subplot()
        shown = rows[:_N_SHOWN]
        rest = sum(row["test_statistic"] for row in rows[_N_SHOWN:])
        place = np.arange(len(shown))
        added = [row["test_statistic"] for row in shown]
        axes.barh(place, added, height=0.6, color="#0072B2", label="adds to TS")
        left = [row["test_statistic_without"] for row in shown]
        axes.plot(left, place, "D", color=canvas.WARNING_COLOR, label="TS of the stack without it", zorder=4)
        total = rows[0]["test_statistic_stack"]
        axes.axvline(total, color="#333333", linestyle="--", linewidth=1, label="TS of the stack")
        names = [canvas.short(row["name"], 24) for row in shown]
        for k, row in enumerate(shown):
            if row["p_without"] is not None and np.isfinite(row["p_without"]):
                names[k] += f"  (without: p {compared(row['p_without'], row['n_trials'])})"
        if len(rows) > len(shown):
            axes.barh(len(shown), rest, height=0.6, color=canvas.BAND_COLOR)
            names.append(f"{len(rows) - len(shown)} others together")
        axes.set_yticks(np.arange(len(names)), names)
        axes.invert_yaxis()
        axes.tick_params(axis="y", which="both", length=0)
        axes.axvline(0.0, color="#333333", linewidth=0.8)
        axes.set_xlabel("Test statistic")
        canvas.legend_beside(axes)
        return figure
