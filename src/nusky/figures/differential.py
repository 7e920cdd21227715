"""Sensitivity and upper limit by parts of the energy axis."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas

COLUMNS = ("statement", "log10_energy_min_gev", "log10_energy_max_gev", "e2dnde_gev_cm2_s")


def differential(table: pa.Table, *, method: str, title: tuple[str, str], synthetic: bool) -> Figure:
    """Draw E^2 dN/dE over the neutrino energy, a bar for each part of the axis.

    Parameters
    ----------
    table
        Table "differential" of a stack, or "differential_sensitivity" with a column `dec_deg`; `COLUMNS`, fluxes of
        one flavour, NaN where there is no number. One line style per statement, one colour per declination.
    title
        What it is about and which likelihood was used, for the header.
    """
    statement, low, high, flux = (table[name].to_numpy(zero_copy_only=False) for name in COLUMNS)
    by_dec = "dec_deg" in table.column_names
    dec = table["dec_deg"].to_numpy() if by_dec else np.zeros(len(flux))
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", *title, synthetic=synthetic)
        axes = figure.add_subplot(xscale="log", yscale="log")
        names = list(dict.fromkeys(statement))
        colors = canvas.index_colors(dec.tolist())
        if not by_dec:
            colors = dict.fromkeys(colors, "#0072B2")
        for number, name in enumerate(names):
            for value, color in colors.items():
                chosen = np.flatnonzero((statement == name) & (dec == value) & np.isfinite(flux))
                style = {"color": color, "linestyle": canvas.line_style(number)}
                axes.hlines(flux[chosen], 10.0 ** low[chosen], 10.0 ** high[chosen], **style)
                centre = 10 ** (0.5 * (low[chosen] + high[chosen]))
                limits = name == "upper limit"
                axes.plot(centre, flux[chosen], "v" if limits else "o", color=color, markersize=5 if limits else 3)
        if np.isfinite(flux).any():
            axes.set_xlim(10.0 ** low.min(), 10.0 ** high.max())
        else:
            canvas.note(axes, "no energy has a number")
        handles = canvas.style_entries(names)
        if by_dec:
            handles += canvas.color_entries(colors, lambda value: f"δ = {value:g}°".replace("-", "−"))
        axes.set_xlabel("Neutrino energy [GeV]")
        axes.set_ylabel(f"{canvas.E2DNDE}, one flavour {canvas.FLUX_UNIT}")
        canvas.legend_beside(axes, handles=handles)
        return figure
