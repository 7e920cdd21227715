"""Measured gamma rays of sources, the neutrinos they allow, and how many of those a search would see or excludes."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nusky.figures import canvas

MOST_PANELS = 12
COLUMNS = ("source", "name", "n_hadronic", "n_hadronic_error", "fraction_limit", "fraction_sensitivity")
_COLUMNS_OF_PANELS = 3
_GAMMA, _NEUTRINO, _LIMIT = "#0072B2", "#D55E00", "#000000"


def gamma_rays(
    spectra: pa.Table, fractions: pa.Table, *, method: str, catalogue: str, synthetic: bool, names: Collection[str] = ()
) -> Figure:
    """Draw E^2 dN/dE of sources, one panel each: of `names`, or the `MOST_PANELS` with the most expected neutrinos.

    Parameters
    ----------
    spectra
        Table "gamma_rays": measured gamma rays with their errors, and the neutrinos of one flavour if all of them are
        hadronic.
    fractions
        Table "hadronic_limits", `COLUMNS`; limit and sensitivity are these fractions of the neutrinos. Rows of several
        sources together (`source` -1) are not drawn.
    """
    rows = [row for row in fractions.select(COLUMNS).to_pylist() if row["source"] >= 0]
    rows.sort(key=lambda row: -row["n_hadronic"])
    shown = [row for row in rows if row["name"] in names] if names else rows[:MOST_PANELS]
    n_columns = min(_COLUMNS_OF_PANELS, max(1, len(shown)))
    n_rows = max(1, -(-len(shown) // n_columns))
    what = f"{len(shown)} of {len(rows)} sources" if len(rows) > len(shown) else f"{len(rows)} sources"
    with canvas.style():
        figure = canvas.new_figure(
            f"{method} method",
            catalogue,
            f"gamma rays and neutrinos, {what}",
            synthetic=synthetic,
            size=(7.2, 1.2 + 1.9 * n_rows),
        )
        options = {"sharex": True, "sharey": True, "squeeze": False, "subplot_kw": {"xscale": "log", "yscale": "log"}}
        panels = figure.subplots(n_rows, n_columns, **options).ravel()
        if not shown:
            canvas.note(panels[0], "no source has a measured spectrum of gamma rays")
            return figure
        source = spectra["source"].to_numpy()
        values = {name: spectra[name].to_numpy() for name in spectra.column_names}
        for axes, row in zip(panels, shown, strict=False):
            _panel(axes, {name: column[source == row["source"]] for name, column in values.items()}, row)
        for axes in panels[len(shown) :]:
            axes.set_visible(False)
        for k, axes in enumerate(panels[: len(shown)]):
            if k + n_columns >= len(shown):
                axes.tick_params(labelbottom=True)
                axes.set_xlabel("Energy E [GeV]", fontsize="small")
            if k % n_columns == 0:
                axes.set_ylabel(f"{canvas.E2DNDE} {canvas.FLUX_UNIT}", fontsize="x-small")
        canvas.legend_below(figure, panels[0].get_legend_handles_labels()[0], ncols=2)
        return figure


def _panel(axes: Axes, own: dict[str, np.ndarray], row: dict) -> None:
    flux, error = own["gamma_e2dnde_gev_cm2_s"], own["gamma_e2dnde_error_gev_cm2_s"]
    for component in np.unique(own["component"]):
        part, first = own["component"] == component, component == 0
        energy, neutrino = own["gamma_energy_gev"][part], own["neutrino_energy_gev"][part]
        if np.isfinite(error).all():
            low = np.maximum(flux[part] - error[part], 0.1 * flux[part])
            axes.fill_between(energy, low, flux[part] + error[part], color=_GAMMA, alpha=0.3, linewidth=0)
        axes.plot(energy, flux[part], color=_GAMMA, label="measured gamma rays" if first else None)
        allowed = own["neutrino_e2dnde_gev_cm2_s"][part]
        axes.plot(neutrino, allowed, color=_NEUTRINO, label="neutrinos if all hadronic" if first else None)
        for key, style, label in (
            ("fraction_limit", "-", "upper limit on neutrinos"),
            ("fraction_sensitivity", ":", "sensitivity"),
        ):
            axes.plot(neutrino, row[key] * allowed, style, color=_LIMIT, label=label if first else None)
    axes.set_title(canvas.short(row["name"]), fontsize="small")
    unknown = row["n_hadronic_error"] is None or not np.isfinite(row["n_hadronic_error"])
    of_error = "" if unknown else f" ± {row['n_hadronic_error']:.2g}"
    place = {"ha": "right", "va": "top", "transform": axes.transAxes, "fontsize": "x-small"}
    axes.text(0.97, 0.95, f"{row['n_hadronic']:.2g}{of_error} events", **place)
