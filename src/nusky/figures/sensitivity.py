"""Sensitivity and discovery potential versus declination, with the upper limits of sources where there are any."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nusky.conventions import index_text
from nusky.figures import canvas

COLUMNS = ("statement", "gamma", "dec_deg", "e2dnde_100tev_gev_cm2_s", "extrapolated")
LIMIT_COLUMNS = ("gamma", "dec_deg", "e2dnde_100tev_gev_cm2_s")
_DEC_TICKS = (-90, -45, -30, -15, 0, 15, 30, 45, 90)


def sensitivity(
    strengths: pa.Table, limits: pa.Table | None = None, *, method: str, release: str, synthetic: bool
) -> Figure:
    """Draw E^2 dN/dE at 100 TeV against sin(dec), one colour per index and one line style per statement.

    Parameters
    ----------
    strengths
        Table "sensitivity", one row per statement ('sensitivity', '5 sigma discovery potential', ...), index and
        declination; `COLUMNS`, fluxes of one flavour. Thresholds from a tail fit (`extrapolated`) get open markers.
    limits
        Upper limits of single sources; `LIMIT_COLUMNS`.
    """
    statement, gamma, dec, flux, extrapolated = (strengths[name].to_numpy(zero_copy_only=False) for name in COLUMNS)
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", release, "point sources", synthetic=synthetic)
        axes = figure.add_subplot()
        axes.set_yscale("log")
        colors = canvas.index_colors(gamma.tolist())
        statements = list(dict.fromkeys(statement))
        for number, name in enumerate(statements):
            for index, color in colors.items():
                chosen = np.flatnonzero((statement == name) & (gamma == index))
                chosen = chosen[np.argsort(dec[chosen])]
                x = np.sin(np.radians(dec[chosen]))
                axes.plot(x, flux[chosen], color=color, linestyle=canvas.line_style(number), marker="o", markersize=3)
                open_ = extrapolated[chosen].astype(bool)
                axes.plot(x[open_], flux[chosen][open_], "o", markersize=5, mfc="white", mec=color, zorder=3)
        if not np.isfinite(flux).any():
            canvas.note(axes, "no sensitivity was computed")
        handles = [Line2D([], [], color=color, label=index_text(index)) for index, color in colors.items()]
        handles += [
            Line2D([], [], color="#333333", linestyle=canvas.line_style(number), label=name)
            for number, name in enumerate(statements)
        ]
        if extrapolated.any():
            handles.append(
                Line2D([], [], linestyle="", marker="o", mfc="white", mec="#333333", label="threshold from a tail fit")
            )
        if limits is not None and len(limits):
            index, source_dec, limit = (limits[name].to_numpy() for name in LIMIT_COLUMNS)
            shades = [colors.get(g, "#333333") for g in index]
            axes.scatter(np.sin(np.radians(source_dec)), limit, s=22, marker="v", c=shades, alpha=0.75, linewidths=0)
            handles.append(
                Line2D([], [], linestyle="", marker="v", color="#333333", alpha=0.75, label="upper limits of sources")
            )
        axes.set_xlim(-1, 1)
        axes.set_xlabel(r"$\sin\delta$")
        axes.set_ylabel(f"{canvas.E2DNDE} at 100 TeV, one flavour {canvas.FLUX_UNIT}")
        degrees = axes.secondary_xaxis("top")
        degrees.set_xticks(np.sin(np.radians(_DEC_TICKS)), [f"{tick}°".replace("-", "−") for tick in _DEC_TICKS])
        degrees.minorticks_off()
        axes.tick_params(which="both", top=False)
        canvas.legend_beside(axes, handles=handles)
        return figure
