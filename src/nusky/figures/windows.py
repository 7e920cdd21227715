"""When the sources of a catalogue shine, and which seasons see them."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas

COLUMNS = ("name", "start_mjd", "stop_mjd", "exposure_days", "problem")
_MOST_NAMES = 80
_ROW_INCHES = 0.125
_LEAST_WIDTH = 0.004
"""Share of the axis that a shorter window is drawn with, to be seen."""


def windows(
    sources: pa.Table, seasons: Mapping[str, tuple[float, float]], *, method: str, catalogue: str, synthetic: bool
) -> Figure:
    """Draw the window of every source over the seasons, in order of their beginnings.

    Parameters
    ----------
    sources
        Table "windows"; `COLUMNS`. Sources with a `problem` are left out of the search and drawn in another colour.
    seasons
        First start and last stop of the good runs of each season, MJD (days).
    """
    start, stop = (sources[name].to_numpy() for name in COLUMNS[1:3])
    unseen = np.array([bool(problem) for problem in sources["problem"].to_pylist()], dtype=bool)
    order = np.lexsort((stop, start))
    start, stop, unseen = start[order], stop[order], unseen[order]
    named = len(order) <= _MOST_NAMES and not canvas.narrow()
    height = max(3.0, _ROW_INCHES * len(order)) if named else 4.1
    with canvas.style():
        figure = canvas.new_figure(
            f"{method} method", catalogue, "windows in time", synthetic=synthetic, size=(7.2, height + 0.9)
        )
        axes = figure.add_subplot()
        low = min(start.min(), *(begin for begin, _ in seasons.values()))
        high = max(stop.max(), *(end for _, end in seasons.values()))
        for number, (name, (begin, end)) in enumerate(seasons.items()):
            axes.axvspan(begin, end, color="#0072B2", alpha=0.07 + 0.07 * (number % 2), linewidth=0)
            turn = 0 if (end - begin) > 0.12 * (high - low) else 90
            place = {"transform": axes.get_xaxis_transform(), "rotation": turn, "ha": "center", "va": "bottom"}
            axes.text((begin + end) / 2, 1.005, canvas.short(name), **place, size=7)
        width = np.maximum(stop - start, _LEAST_WIDTH * (high - low))
        looks = ((~unseen, "#0072B2", "searched"), (unseen, canvas.WARNING_COLOR, "left out: no good run"))
        for chosen, color, label in looks:
            if chosen.any():
                at = np.flatnonzero(chosen)
                left = (start + stop - width) / 2
                axes.barh(at, width[at], left=left[at], height=0.7, color=color, label=f"{label} ({len(at)})")
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlim(low - 0.01 * (high - low), high + 0.01 * (high - low))
        names = [canvas.short(sources["name"][int(j)].as_py(), 24) for j in order]
        axes.set_yticks(np.arange(len(order)) if named else [], names if named else [], size=6)
        axes.minorticks_off()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("MJD [d]")
        axes.set_ylabel("" if named else f"{len(order)} sources")
        canvas.legend_below(figure, axes.get_legend_handles_labels()[0], ncols=2)
        return figure
