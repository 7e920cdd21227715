"""The binomial test of a list of sources."""

import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.probability import compared

_BANDS = (("low95", "high95", 0.35, "95 %"), ("low68", "high68", 0.65, "68 %"))


def population(found: pa.Table, *, method: str, catalogue: str, synthetic: bool) -> Figure:
    """Draw the binomial probability over the number of sources, with the bands of scrambled skies.

    `found` is the table "population" of one index, a row for each number of sources.
    """
    first = found.slice(0, 1).to_pylist()[0]
    k, p = found["k"].to_numpy(), found["p_binomial"].to_numpy()
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, "binomial test", synthetic=synthetic)
        axes = figure.add_subplot()
        canvas.log_counts(axes)
        axes.set_yscale("log")
        for low, high, alpha, text in _BANDS:
            edges = (found[f"sky_{name}"].to_numpy() for name in (low, high))
            label = f"skies, {text}"
            axes.fill_between(k, *edges, color=canvas.BAND_COLOR, alpha=alpha, linewidth=0, label=label)
        median = found["sky_median"].to_numpy()
        axes.plot(k, median, color="#333333", linewidth=1, linestyle="--", label="skies, median")
        counted = found["p_k"].to_numpy() <= first["p_max"]
        axes.plot(k[counted], p[counted], color="#0072B2", label=f"{len(k)} sources")
        axes.plot(k[~counted], p[~counted], color="#0072B2", alpha=0.35, label=f"local p > {first['p_max']:g}")
        if first["k_best"]:
            label = f"smallest, at {first['k_best']}\ncorrected: p {compared(first['p_post'], first['n_sky_trials'])}"
            axes.plot(first["k_best"], first["p_binomial_best"], "o", color=canvas.WARNING_COLOR, label=label, zorder=4)
        axes.set_xlim(0.9, 1.1 * len(k))
        axes.set_ylim(0.3 * min(p.min(), found["sky_low95"].to_numpy().min()), 1.6)
        axes.set_xlabel("Number of sources with the smallest local p-values")
        axes.set_ylabel("Binomial probability")
        canvas.legend_beside(axes)
        return figure
