"""How the test statistics of the single sources of a catalogue are distributed."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.conventions import conventions
from nusky.figures import canvas

COLUMNS = ("ts_max",)
MIN_SOURCES_FOR_FIT = 30


def ts_distribution(single_sources: pa.Table, *, method: str, catalogue: str, synthetic: bool) -> Figure:
    """Draw the histogram of sqrt(TS_max) of the sources with TS_max > 0 and a Gaussian fitted to it.

    The Gaussian is the maximum-likelihood fit to the unbinned values, scaled to the histogram; with fewer than
    `MIN_SOURCES_FOR_FIT` such sources, or all alike, there is none. It describes the sample and is no test of
    significance.

    Parameters
    ----------
    single_sources
        Table "single_sources"; column ts_max, NaN where a source could not be tested.
    """
    statistic = single_sources["ts_max"].to_numpy()
    values = np.sqrt(statistic[statistic > 0])
    with canvas.style():
        figure = canvas.new_figure(
            f"{method} method", catalogue, "single sources", synthetic=synthetic, size=(6.4, 4.0)
        )
        axes = figure.add_subplot()
        if values.size == 0:
            canvas.note(axes, "no source with TS > 0")
        else:
            edges = np.linspace(0, 1.05 * values.max(), 1 + int(np.clip(2 * np.sqrt(values.size), 6, 40)))
            label = f"{values.size} of {statistic.size} sources have TS > 0"
            axes.hist(values, bins=edges, **canvas.HISTOGRAM, linewidth=0.8, label=label)
            if values.size >= MIN_SOURCES_FOR_FIT and np.ptp(values) > 0:
                mean, width = values.mean(), values.std()
                grid = np.linspace(0, max(edges[-1], mean + 3 * width), 400)
                density = np.exp(-0.5 * ((grid - mean) / width) ** 2) / (np.sqrt(2 * np.pi) * width)
                label = f"Gaussian fit: μ = {mean:.3f}, σ = {width:.3f}"
                axes.plot(grid, values.size * (edges[1] - edges[0]) * density, color="#D55E00", label=label)
            axes.set_ylim(0, 1.3 * axes.get_ylim()[1])  # room for the legend
            axes.legend(loc="upper right")
            axes.yaxis.get_major_locator().set_params(integer=True)
            axes.tick_params(axis="y", which="minor", left=False, right=False)
        axes.set_xlim(left=0)
        logarithm = ", TS with decimal logarithms" if conventions(method).single_source_log == "decimal" else ""
        axes.set_xlabel(f"√TSₘₐₓ (dimensionless{logarithm})")
        axes.set_ylabel("Number of sources per bin")
        return figure
