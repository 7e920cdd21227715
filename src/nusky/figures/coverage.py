"""How often upper limits hold the true strength."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas

COLUMNS = ("method", "confidence_level", "n_injected", "n_trials", "coverage", "coverage_low", "coverage_high")
_TOLERANCE = 0.02


def coverage(table: pa.Table, *, method: str, target: str, synthetic: bool) -> Figure:
    """Draw the coverage of every kind of limit over the true number of signal events.

    Parameters
    ----------
    table
        Table "coverage", one row per kind of limit (column method) and true strength; `COLUMNS`, as
        `nusky.search.statistics.coverage.Coverage` has them.
    target
        What the limits are on, for the header: a source or a stack.
    """
    kind = table["method"].to_numpy(zero_copy_only=False)
    level, truth, n_trials, share, low, high = (table[name].to_numpy() for name in COLUMNS[1:])
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", target, "coverage of upper limits", synthetic=synthetic)
        axes = figure.add_subplot()
        if not share.size:
            canvas.note(axes, "no coverage was measured")
            return figure
        for nominal in np.unique(level):
            axes.axhline(nominal, color="#333333", linewidth=1)
            band = {"color": canvas.BAND_COLOR, "alpha": 0.4, "linewidth": 0}
            label = f"{100 * nominal:g} % ± {100 * _TOLERANCE:g} %"
            axes.axhspan(nominal - _TOLERANCE, nominal + _TOLERANCE, **band, label=label)
        step = 0.012 * (np.ptp(truth) or 1.0)
        kinds = list(dict.fromkeys(kind))
        for number, name in enumerate(kinds):
            chosen = kind == name
            label = f"{name}\n{n_trials[chosen].min()} pseudo-experiments each"
            x = truth[chosen] + step * (number - 0.5 * (len(kinds) - 1))
            errors = [(share - low)[chosen], (high - share)[chosen]]
            axes.errorbar(x, share[chosen], errors, fmt="osD^v"[number % 5], linewidth=1.2, label=label)
        axes.set_ylim(min(0.8, 1.02 * low.min() - 0.02), 1.005)
        axes.set_xlabel("True number of signal events")
        axes.set_ylabel("Share of limits above the truth")
        canvas.legend_beside(axes)
        return figure
