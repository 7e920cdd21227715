"""Sensitivity and discovery potential of a position against the duration of the window."""

import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.figures.sensitivity import draw_strengths

COLUMNS = ("statement", "gamma", "duration_days", "e2_fluence_100tev_gev_cm2", "e2dnde_100tev_gev_cm2_s")
_PANELS = {
    "e2_fluence_100tev_gev_cm2": "E² F at 100 TeV\n[GeV cm⁻²]",
    "e2dnde_100tev_gev_cm2_s": f"{canvas.E2DNDE} at 100 TeV\n{canvas.FLUX_UNIT}",
}


def durations(strengths: pa.Table, *, method: str, where: tuple[str, ...], synthetic: bool) -> Figure:
    """Draw fluence and flux in the window against its duration, one colour per index, one line style per statement.

    Parameters
    ----------
    strengths
        Table "sensitivity", one row per statement, index and duration; `COLUMNS` and `extrapolated`.
    where
        Parts of the title: position, centre of the windows, release.
    """
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", *where, synthetic=synthetic, size=(7.2, 5.6))
        panels = figure.subplots(2, 1, sharex=True, subplot_kw={"xscale": "log", "yscale": "log"})
        for axes, (column, label) in zip(panels, _PANELS.items(), strict=True):
            handles = draw_strengths(axes, strengths, strengths["duration_days"].to_numpy(), column)
            axes.set_ylabel(label)
        panels[1].set_xlabel("Duration of the window [d]")
        canvas.legend_below(figure, handles, ncols=3)
        return figure
