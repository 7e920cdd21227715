"""Upper limits of a catalogue as spectra, one line per spectral index and weighting."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nusky.conventions import index_text
from nusky.figures import canvas
from nusky.search.diffuse import NORTHERN_TRACKS

N_FLAVOURS = 3
_COLUMNS_BY_ENERGY = {  # neutrino energy [GeV]: column of the limits table
    1e4: "ul95_e2dnde_10tev_gev_cm2_s",
    1e5: "ul95_e2dnde_100tev_gev_cm2_s",
    1e6: "ul95_e2dnde_1pev_gev_cm2_s",
    1e7: "ul95_e2dnde_10pev_gev_cm2_s",
    1e8: "ul95_e2dnde_100pev_gev_cm2_s",
}
LIMIT_COLUMNS = ("gamma", *_COLUMNS_BY_ENERGY.values())


def limit_spectra(limits: Mapping[str, pa.Table], *, method: str, catalogue: str, synthetic: bool) -> Figure:
    """Draw the 95 % upper limits on E^2 dN/dE from 10 TeV to 100 PeV, summed over flavours (times 3).

    Parameters
    ----------
    limits
        Table "limits" of every weighting, by the weighting's name; columns gamma and ul95_e2dnde_*_gev_cm2_s, one
        flavour, NaN where no limit was found.
    """
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, "95 % upper limits", synthetic=synthetic)
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        colors = canvas.index_colors([g for table in limits.values() for g in table["gamma"].to_pylist()])
        energies = np.array(list(_COLUMNS_BY_ENERGY))
        for number, table in enumerate(limits.values()):
            for row in table.select(LIMIT_COLUMNS).to_pylist():
                spectrum = np.array([row[name] for name in _COLUMNS_BY_ENERGY.values()], float) * N_FLAVOURS
                axes.plot(energies, spectrum, color=colors[row["gamma"]], linestyle=canvas.line_style(number))
        drawn = np.isfinite([line.get_ydata() for line in axes.lines]).any()

        band_energies = np.geomspace(NORTHERN_TRACKS.energy_min_gev, NORTHERN_TRACKS.energy_max_gev, 100)
        low, high = NORTHERN_TRACKS.band(band_energies, n_flavours=N_FLAVOURS)
        band = axes.fill_between(
            band_energies, low, high, color=canvas.BAND_COLOR, alpha=0.45, linewidth=0, label=NORTHERN_TRACKS.label
        )
        if not drawn:
            canvas.note(axes, "no limit was found in the scanned range")

        axes.set_xlim(energies[0], energies[-1])
        axes.set_xlabel(r"Neutrino energy $E$ [GeV]")
        axes.set_ylabel(rf"$E^2\,\mathrm{{d}}N/\mathrm{{d}}E$, all flavours (×3) {canvas.FLUX_UNIT}")
        handles = [Line2D([], [], color=color, label=index_text(gamma, r"$\gamma$")) for gamma, color in colors.items()]
        handles += [
            Line2D([], [], color="#333333", linestyle=canvas.line_style(number), label=f"{canvas.label(name)} weights")
            for number, name in enumerate(limits)
        ]
        canvas.legend_beside(axes, handles=[*handles, band])
        return figure
