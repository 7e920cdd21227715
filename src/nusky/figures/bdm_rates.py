"""What boosted dark matter does over time and mass: light curve and number of events."""

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nusky.figures import canvas
from nusky.figures.bdm_sets import SETS, draw, figure_with_ratio, finish

LIGHT_CURVE_COLUMNS = ("t_yr", *(f"{name}_per_mev_cm2_s" for name in SETS))
EVENT_COLUMNS = ("mx_mev", *(f"{name}_per_electron" for name in SETS))

_SHOWN = 1e-6
"""Fraction of its maximum below which a light curve is not drawn."""


def bdm_light_curve(table: pa.Table, *, supernova: str, case: str) -> Figure:
    """Draw the flux from the whole sky over time.

    Parameters
    ----------
    table
        Table "bdm_light_curve"; columns t_yr, published_per_mev_cm2_s, standard_per_mev_cm2_s.
    supernova, case
        Name; energy and mass, for the title.
    """
    with canvas.style():
        figure, upper, lower = figure_with_ratio(supernova, case)
        curves = {name: _above(table[f"{name}_per_mev_cm2_s"].to_numpy()) for name in SETS}
        draw(upper, lower, table["t_yr"].to_numpy(), curves, "#0072B2")
        finish(
            upper,
            lower,
            x="Time after the arrival of the neutrinos [yr]",
            y=r"$\mathrm{d}\Phi_\chi/\mathrm{d}T_\chi$ [MeV⁻¹ cm⁻² s⁻¹]",
        )
        return figure


def _above(flux: NDArray) -> NDArray:
    """The flux without its end, where it falls by tens of orders of magnitude within a few years."""
    return np.where(flux >= _SHOWN * flux.max(), flux, 0.0)


def bdm_events(table: pa.Table, *, supernova: str, case: str, threshold_mev: float) -> Figure:
    """Draw the events per electron over the mass of dark matter.

    Parameters
    ----------
    table
        Table "bdm_events"; columns mx_mev, published_per_electron, standard_per_electron.
    supernova, case
        Name; energies and times counted, for the title.
    threshold_mev
        Mass below which nothing is left to arrive, MeV.
    """
    with canvas.style():
        figure, upper, lower = figure_with_ratio(supernova, case)
        upper.set_xscale("log")
        curves = {name: table[f"{name}_per_electron"].to_numpy() for name in SETS}
        draw(upper, lower, table["mx_mev"].to_numpy(), curves, "#0072B2", marker="o")
        for axes in (upper, lower):
            axes.axvspan(table["mx_mev"].to_numpy().min(), threshold_mev, color=canvas.BAND_COLOR, alpha=0.3, lw=0)
        upper.fill_between(
            [], [], color=canvas.BAND_COLOR, alpha=0.3, lw=0, label=f"all arrived:\nmass < {threshold_mev:.4g} MeV"
        )
        finish(upper, lower, x=r"Dark matter mass $m_\chi$ [MeV]", y="Events per electron")
        return figure
