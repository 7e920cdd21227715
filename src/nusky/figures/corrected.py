"""The p-value of a run: the smallest local p-value of the data among those of scrambled skies."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.probability import compared

_LEAST = 1e-12


def corrected(searches: pa.Table, skies: pa.Table, *, synthetic: bool) -> Figure:
    """Draw the share of skies whose smallest local p-value is at most p, and where the data lie.

    Parameters
    ----------
    searches, skies
        Tables "corrected" and "corrected_skies".
    """
    with canvas.style():
        number = f"{len(searches)} searches" if len(searches) > 1 else "one search"
        figure = canvas.new_figure("p-value of the run", number, synthetic=synthetic)
        axes = figure.add_subplot(xscale="log", yscale="log")
        p = np.sort(np.maximum(skies["p_ranked"].to_numpy(), _LEAST))
        n = len(p)
        share = np.arange(1, n + 1) / n
        best = min(searches.to_pylist(), key=lambda row: row["p_ranked"])
        low = 0.5 * min(p[0], max(best["p_ranked"], _LEAST))
        line = np.geomspace(low, 1.0, 200)
        if len(searches) > 1:
            bound = {"color": "#333333", "linewidth": 1, "linestyle": ":", "label": "Bonferroni's bound"}
            axes.plot(line, np.minimum(1.0, len(searches) * line), **bound)
        axes.plot(line, line, color="#333333", linewidth=1, linestyle="--", label="a single search")
        axes.step(p, share, where="post", color="#0072B2", label=f"{n} scrambled skies")
        label = f"data: p {compared(best['p_run'], best['n_skies'])}"
        axes.axvline(max(best["p_ranked"], _LEAST), color=canvas.WARNING_COLOR, label=label)
        axes.set_xlim(low, 1.0)
        axes.set_ylim(0.5 / n, 1.3)
        axes.set_xlabel("Smallest local p-value of all searches")
        axes.set_ylabel("Share of skies with one as small")
        canvas.legend_beside(axes)
        return figure
