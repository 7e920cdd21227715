"""How the test statistic is distributed under background, with the observed value and the asymptotic expectations."""

import math

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nusky.figures import canvas

COLUMNS = ("test_statistic",)
_N_BINS = 40
_MIN_TS = 1e-6  # smaller values are the spike at 0 up to the accuracy of the fit


def background_ts(
    trials: pa.Table, *, title: tuple[str, ...], observed: float | None, note: str = "", synthetic: bool
) -> Figure:
    """Draw TS of background trials, the observed value and the trials' TS > 0 share of chi-squares with 1 and 2 d.o.f.

    Parameters
    ----------
    trials
        Table "background_ts"; column test_statistic, one row per trial.
    title
        Parts of the header, e.g. method, catalogue and weighting or source.
    observed
        Observed TS; None before unblinding.
    note
        The p-value in words, for the legend.
    """
    statistic = trials["test_statistic"].to_numpy()
    with canvas.style():
        figure = canvas.new_figure(*title, synthetic=synthetic, size=(6.4, 4.0))
        axes = figure.add_subplot()
        if not statistic.size:
            canvas.note(axes, "no background trials")
            return figure
        positive = statistic[statistic > _MIN_TS]
        top = max(positive.max(initial=1.0), 0.0 if observed is None else observed)
        edges = np.linspace(0, 1.05 * top, _N_BINS + 1)
        _draw_trials(axes, statistic.size, positive, edges)
        if observed is not None:
            label = f"observed TS = {observed:.2f}" + (f"\n{canvas.plain(note)}" if note else "")
            axes.axvline(observed, color="#D55E00", label=label)
        axes.set_yscale("log")
        axes.set_xlim(0, edges[-1])
        axes.set_ylim(0.5, 3 * statistic.size)
        axes.set_xlabel("Test statistic TS")
        axes.set_ylabel("Background trials per bin")
        axes.legend(loc="upper right")
        return figure


def _draw_trials(axes: Axes, n_trials: int, positive: np.ndarray, edges: np.ndarray) -> None:
    n_spike = n_trials - positive.size
    label = f"{n_trials} trials, {100 * positive.size / n_trials:.1f} % with TS > 0"
    axes.hist(positive, bins=edges, **canvas.HISTOGRAM, linewidth=0.6, label=label)
    if n_spike:
        axes.plot(0, n_spike, "D", color="#0072B2", clip_on=False, zorder=5, label=f"{n_spike} trials at TS = 0")
    below = {1: [math.erf(math.sqrt(ts / 2)) for ts in edges], 2: -np.expm1(-edges / 2)}  # of chi-squares
    for ndf, style in ((1, "-"), (2, "--")):
        label = f"{positive.size / n_trials:.2f} χ², {ndf} d.o.f."
        look = {"color": "#333333", "linestyle": style, "linewidth": 1.1, "label": label}
        axes.stairs(positive.size * np.diff(below[ndf]), edges, **look)
