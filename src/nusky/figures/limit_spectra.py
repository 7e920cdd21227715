"""Upper limits of a catalogue as spectra, one line per spectral index and weighting."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.search.diffuse import NORTHERN_TRACKS

N_FLAVOURS = 3
_LIMIT = "ul95_e2dnde_100tev_gev_cm2_s"
_PIVOT_GEV = 1e5
LIMIT_COLUMNS = ("gamma", "energy_min_gev", "energy_max_gev", _LIMIT)


def limit_spectra(limits: Mapping[str, pa.Table], *, method: str, catalogue: str, synthetic: bool) -> Figure:
    """Draw the 95 % upper limits on E^2 dN/dE, summed over flavours (times 3), each over its own energies.

    Parameters
    ----------
    limits
        Table "limits" of every weighting, by the weighting's name; `LIMIT_COLUMNS`, one flavour, NaN where no limit
        was found. A line spans the central 90 % of the energies its signal is expected at, and nothing else.
    """
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, "95 % upper limits", synthetic=synthetic)
        axes = figure.add_subplot(xscale="log", yscale="log")
        colors = canvas.index_colors([g for table in limits.values() for g in table["gamma"].to_pylist()])
        for number, table in enumerate(limits.values()):
            for row in table.select(LIMIT_COLUMNS).to_pylist():
                energies = np.geomspace(row["energy_min_gev"], row["energy_max_gev"], 50)
                spectrum = N_FLAVOURS * row[_LIMIT] * (energies / _PIVOT_GEV) ** (2 - row["gamma"])
                axes.plot(energies, spectrum, color=colors[row["gamma"]], linestyle=canvas.line_style(number))
        drawn = np.isfinite([line.get_ydata() for line in axes.lines]).any()

        band_energies = np.geomspace(NORTHERN_TRACKS.energy_min_gev, NORTHERN_TRACKS.energy_max_gev, 100)
        low, high = NORTHERN_TRACKS.band(band_energies, n_flavours=N_FLAVOURS)
        band = axes.fill_between(
            band_energies, low, high, color=canvas.BAND_COLOR, alpha=0.45, linewidth=0, label=NORTHERN_TRACKS.label
        )
        if not drawn:
            canvas.note(axes, "no limit was found in the scanned range")

        axes.set_xlabel("Neutrino energy E [GeV]")
        axes.set_ylabel(f"{canvas.E2DNDE}, all flavours (×3) {canvas.FLUX_UNIT}")
        handles = canvas.color_entries(colors)
        handles += canvas.style_entries(f"{canvas.label(name)} weights" for name in limits)
        canvas.legend_beside(axes, handles=[*handles, band])
        return figure
