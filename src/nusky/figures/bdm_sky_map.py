"""Boosted dark matter on the sky: an Aitoff map for each set of conventions, and the part that shines enlarged."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nusky.figures import canvas
from nusky.figures.bdm_sets import SETS

COLUMNS = ("l_deg", "b_deg", *(f"{name}_per_mev_cm2_s_sr" for name in SETS))
UNIT = r"[MeV⁻¹ cm⁻² s⁻¹ sr⁻¹]"
_LINEAR_BELOW, _BLANK_BELOW = 1e-2, 2e-2
"""Fractions of the maximum: where the colours turn linear, and where they end."""
_DARK = matplotlib.colormaps["inferno"](0)


def bdm_sky_map(sky: pa.Table, *, supernova: str, position: tuple[float, float], case: str) -> Figure:
    """Draw the flux per energy and solid angle, Galactic coordinates, longitude increasing to the left.

    Parameters
    ----------
    sky
        Table "bdm_sky_map": a full l-b grid; columns l_deg, b_deg, published_per_mev_cm2_s_sr,
        standard_per_mev_cm2_s_sr.
    supernova, position
        Name and (l, b), rad.
    case
        Energy, mass and time, for the title.
    """
    longitude, latitude = (np.unique(sky[name].to_numpy()) for name in ("l_deg", "b_deg"))
    maps = {name: sky[f"{name}_per_mev_cm2_s_sr"].to_numpy().reshape(longitude.size, latitude.size) for name in SETS}
    top = max(values.max() for values in maps.values())
    with canvas.style():
        figure = canvas.new_figure(supernova, case, synthetic=False, size=(9.0, 6.6), fixed_aspect=True)
        grid = figure.add_gridspec(2, 2, height_ratios=(1, 1.1))
        norm = SymLogNorm(linthresh=_LINEAR_BELOW * top, vmin=_BLANK_BELOW * top, vmax=top)
        whole = [figure.add_subplot(grid[0, column], projection="aitoff") for column in range(2)]
        closer = [figure.add_subplot(grid[1, column]) for column in range(2)]
        parts = {name: _lit(values, _BLANK_BELOW * top) for name, values in maps.items()}
        for column, (name, values) in enumerate(maps.items()):
            part = parts[name]
            l, b, shown = longitude[part[0]], latitude[part[1]], values[part].T
            options = {"cmap": "inferno", "norm": norm, "rasterized": True}
            whole[column].pcolormesh(-np.radians(l), np.radians(b), shown, **options)
            mesh = closer[column].pcolormesh(l, b, shown, **options)
            _frame_whole(whole[column], f"{name} conventions")
            _frame_closer(closer[column], longitude, latitude, list(parts.values()))
            marks = _marks(position, supernova, longitude, latitude, values)
            for label, x, y, options in marks:
                whole[column].plot(-np.radians(x), np.radians(y), linestyle="none", **options)
                closer[column].plot(x, y, linestyle="none", label=label, **options)
        bar = figure.colorbar(mesh, ax=[*whole, *closer], pad=0.02, aspect=40)
        bar.set_label(rf"$\mathrm{{d}}\Phi_\chi/\mathrm{{d}}T_\chi\,\mathrm{{d}}\Omega$ {UNIT}")
        bar.ax.minorticks_off()
        canvas.legend_below(figure, closer[0].get_legend_handles_labels()[0], ncols=3)
        return figure


def _lit(values: NDArray, least: float) -> tuple[slice, slice]:
    """The smallest rectangle with everything above `least`: drawing the dark sky takes most of the time."""
    ends = []
    for axis in (1, 0):
        bright = np.flatnonzero((values > least).any(axis=axis))
        ends.append(slice(bright[0], bright[-1] + 1) if bright.size else slice(0, 2))
    return ends[0], ends[1]


def _frame_whole(axes: Axes, title: str) -> None:
    axes.text(0.5, 1.06, title, transform=axes.transAxes, ha="center", weight="bold")
    axes.set_facecolor(_DARK)
    axes.grid(True, color="#8A8A8A", linewidth=0.4)
    axes.tick_params(which="both", top=False, right=False)
    axes.set_xticks(np.radians(np.arange(-120, 180, 60)), ["120°", "60°", "0°", "300°", "240°"], color="white", size=7)
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["−60°", "−30°", "0°", "30°", "60°"], size=7)


def _frame_closer(axes: Axes, longitude: NDArray, latitude: NDArray, parts: Sequence[tuple[slice, slice]]) -> None:
    """The same surroundings in both panels: all that shines in one of the maps."""
    l = np.concatenate([longitude[part[0]] for part in parts])
    b = np.concatenate([latitude[part[1]] for part in parts])
    axes.set_xlim(l.max() + 3, l.min() - 3)
    axes.set_ylim(b.min() - 3, b.max() + 3)
    axes.set_facecolor(_DARK)
    axes.set_xlabel("Galactic longitude l [deg]")
    axes.set_ylabel("Galactic latitude b [deg]")


def _marks(
    position: tuple[float, float], supernova: str, longitude: NDArray, latitude: NDArray, values: NDArray
) -> list[tuple[str, float, float, dict[str, Any]]]:
    """Label, l and b in deg, and look of every mark."""
    halo = [withStroke(linewidth=2.4, foreground="black")]
    l, b = np.degrees(position)
    cross = {"marker": "x", "color": "#56B4E9", "markersize": 6, "markeredgewidth": 1.4, "path_effects": halo}
    plus = {"marker": "+", "color": "#B0B0B0", "markersize": 8, "markeredgewidth": 1.4}
    marks = [(canvas.label(supernova), (l + 180) % 360 - 180, b, cross), ("Galactic centre", 0.0, 0.0, plus)]
    if values.max() > 0:
        i, j = np.unravel_index(np.argmax(values), values.shape)
        ring = {"marker": "o", "color": "#009E73", "markerfacecolor": "none", "markersize": 9, "markeredgewidth": 1.4}
        marks.append(("largest flux", longitude[i], latitude[j], ring))
    return marks
