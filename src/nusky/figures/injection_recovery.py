"""What the fit returns for injected signals: number of events and spectral index."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.conventions import index_text, parameter_text
from nusky.figures import canvas

COLUMNS = ("gamma", "n_injected", "n_fitted_mean", "n_fitted_low68", "n_fitted_high68")
_ENDINGS = ("mean", "low68", "high68")
_SHIFT = 0.025  # points of different indices at the same strength stand side by side, in dex


def injection_recovery(recovered: pa.Table, *, method: str, target: str, synthetic: bool) -> Figure:
    """Draw the mean fitted n_s over the injected number and the mean fitted index, with the central 68 % of the trials.

    Where the spectrum has another parameter fitted in place of the index it is that one.

    Parameters
    ----------
    recovered
        Table "injection_recovery", one row per injected index and number of events (above 0); `COLUMNS`, and of
        `gamma`, or of another parameter that was injected and fitted, ..._fitted_mean, ..._fitted_low68 and
        ..._fitted_high68, NaN where nothing was fitted.
    target
        What was injected into, for the header: a source or a stack.
    """
    ends = [name.removesuffix("_fitted_mean") for name in recovered.column_names if name.endswith("_fitted_mean")]
    (parameter,) = (name for name in ends if name != "n")
    names = dict.fromkeys([*COLUMNS, parameter, *(f"{parameter}_fitted_{end}" for end in _ENDINGS)])
    columns = {name: recovered[name].to_numpy() for name in names}
    colors_of = np.unique(columns["gamma"])
    with canvas.style():
        figure = canvas.new_figure(
            f"{method} method", target, "injection and recovery", synthetic=synthetic, size=(8.2, 3.6)
        )
        numbers, indices = figure.subplots(1, 2)
        for axes in (numbers, indices):
            axes.set_xscale("log")
            axes.set_xlabel("Injected events")
        numbers.axhline(1, color="#333333", linewidth=1)
        numbers.axhspan(0.95, 1.05, color=canvas.BAND_COLOR, alpha=0.4, linewidth=0, label="±5 %")
        for k, (gamma, color) in enumerate(canvas.index_colors(colors_of.tolist()).items()):
            chosen = columns["gamma"] == gamma
            injected = columns["n_injected"][chosen]
            x = injected * 10 ** (_SHIFT * (k - 0.5 * (len(colors_of) - 1)))
            for axes, name, scale in ((numbers, "n_fitted", injected), (indices, f"{parameter}_fitted", 1.0)):
                mean, low, high = (columns[f"{name}_{part}"][chosen] / scale for part in _ENDINGS)
                axes.vlines(x, low, high, color=color, linewidth=1)
                axes.plot(x, mean, "o", color=color, label=index_text(gamma))
            indices.axhline(columns[parameter][chosen][0], color=color, linewidth=1, linestyle="--", zorder=0)
        if not np.isfinite(columns[f"{parameter}_fitted_mean"]).any():
            canvas.note(indices, "the spectral index was not fitted")
        numbers.set_ylabel("Fitted / injected events")
        index = r"Fitted spectral index $\gamma$"
        indices.set_ylabel(index if parameter == "gamma" else f"Fitted {parameter_text(parameter)}")
        numbers.legend(loc="best")
        return figure
