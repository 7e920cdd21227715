"""The local p-values of a list of sources against what background gives."""

import numpy as np
import pyarrow as pa
import scipy
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.probability import written

COLUMNS = ("name", "p_local", "n_trials")
_N_NAMED = 5
_BANDS = ((0.025, 0.975, 0.35, "95 %"), (0.16, 0.84, 0.65, "68 %"))


def p_values(
    sources: pa.Table, *, method: str, catalogue: str, post_trial: str | None = None, synthetic: bool
) -> Figure:
    """Draw the sorted local p-values over their rank, the bands of independent uniform ones, and name the smallest.

    Parameters
    ----------
    sources
        Table "p_values", one row per source; columns name, p_local and n_trials. Sources close to each other are
        correlated, and those with TS = 0 have p = 1, so the bands are a guide; the post-trial p-value is not affected.
    post_trial
        Post-trial p-value of the smallest, as "= 0.04", for the legend.
    """
    p, n_trials = sources["p_local"].to_numpy(), sources["n_trials"].to_pylist()
    order = np.argsort(p, kind="stable")
    n = len(p)
    rank = np.arange(1, n + 1)
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, "local p-values", synthetic=synthetic)
        axes = figure.add_subplot()
        canvas.log_counts(axes)
        axes.set_yscale("log")
        if not n:
            canvas.note(axes, "no source was tested")
            return figure
        for low, high, alpha, text in _BANDS:
            # the k-th smallest of n uniform numbers follows a beta distribution
            edges = (scipy.special.betaincinv(rank, n - rank + 1, level) for level in (low, high))
            axes.fill_between(rank, *edges, color=canvas.BAND_COLOR, alpha=alpha, linewidth=0, label=f"uniform, {text}")
        axes.plot(rank, rank / (n + 1), color="#333333", linewidth=1, linestyle="--", label="uniform, mean")
        label = f"{n} sources" + ("" if post_trial is None else f"\nsmallest post-trial: p {post_trial}")
        axes.plot(rank, p[order], "o", color="#0072B2", label=label, zorder=4)
        smallest = [
            f"{written(p[i], n_trials[i])}  {canvas.short(sources['name'][int(i)].as_py())}" for i in order[:_N_NAMED]
        ]
        text = "\n".join(["smallest:", *smallest])
        place = {"x": 0.97, "y": 0.04, "ha": "right"} if canvas.narrow() else {"x": 1.02, "y": 0}
        size = 5.5 if canvas.narrow() else 7.5
        axes.text(s=text, transform=axes.transAxes, va="bottom", size=size, linespacing=1.4, **place)
        axes.set_xlim(0.8, 1.25 * n)
        axes.set_ylim(0.3 * min(p.min(), scipy.special.betaincinv(1, n, _BANDS[0][0])), 1.6)
        axes.set_xlabel("Rank of the source")
        axes.set_ylabel("Local p-value")
        canvas.legend_beside(axes)
        return figure
