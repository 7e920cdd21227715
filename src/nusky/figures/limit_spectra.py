"""Upper limits of a catalogue as spectra, one line per spectral index and weighting."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from nusky.figures import canvas
from nusky.search.diffuse import NORTHERN_TRACKS

N_FLAVOURS = 3
_QUOTED = {
    f"ul95_e2dnde_{label}_gev_cm2_s": energy_gev
    for label, energy_gev in (("10tev", 1e4), ("100tev", 1e5), ("1pev", 1e6), ("10pev", 1e7), ("100pev", 1e8))
}
LIMIT_COLUMNS = ("gamma", "energy_min_gev", "energy_max_gev", *_QUOTED)


def limit_spectra(limits: Mapping[str, pa.Table], *, method: str, catalogue: str, synthetic: bool) -> Figure:
    """Draw the 95 % upper limits on E^2 dN/dE, summed over flavours (times 3), each over its own energies.

    Parameters
    ----------
    limits
        Table "limits" of every weighting, by the weighting's name; `LIMIT_COLUMNS`, one flavour, NaN where no limit
        was found. A line spans the central 90 % of the energies its signal is expected at, and nothing else. The limit
        on a spectrum that is no power law is marked at the energies that the table has it at, among these.
    """
    with canvas.style():
        figure = canvas.new_figure(f"{method} method", catalogue, "95 % upper limits", synthetic=synthetic)
        axes = figure.add_subplot(xscale="log", yscale="log")
        colors = canvas.index_colors([g for table in limits.values() for g in table["gamma"].to_pylist()])
        for number, table in enumerate(limits.values()):
            for row in table.select(LIMIT_COLUMNS).to_pylist():
                energies, spectrum, is_line = _spectrum(row)
                style = (
                    {"linestyle": canvas.line_style(number)} if is_line else {"marker": "os^Dv"[number % 5], "ls": ""}
                )
                axes.plot(energies, N_FLAVOURS * spectrum, color=colors[row["gamma"]], **style)
        drawn = any(np.isfinite(line.get_ydata()).any() for line in axes.lines)

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


def _spectrum(row: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Energies [GeV], E^2 dN/dE there, and whether that is the line of a power law."""
    low, high = row["energy_min_gev"], row["energy_max_gev"]
    quoted, values = np.array(list(_QUOTED.values())), np.array([row[name] for name in _QUOTED], dtype=float)
    scaled = (values * quoted ** (row["gamma"] - 2))[values != 0]  # a flux may end above or below
    if len(scaled) > 1 and np.allclose(scaled, scaled[0], rtol=1e-6, atol=0, equal_nan=True):
        energies = np.geomspace(low, high, 50)
        return energies, scaled[0] * energies ** (2 - row["gamma"]), True
    inside = (quoted >= low) & (quoted <= high)
    return quoted[inside], values[inside], False
