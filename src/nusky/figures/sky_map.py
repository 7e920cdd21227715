"""The sky in Galactic coordinates: the most energetic events and the sources of the catalogues."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import matplotlib
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nusky.figures import canvas

EVENT_COLUMNS = ("ra_deg", "dec_deg", "log10_energy_gev")
SOURCE_COLUMNS = ("ra_deg", "dec_deg", "origin")
PLANE_HALF_HEIGHT_DEG = 6
GALACTIC_LONGITUDES = {angle: -np.radians((angle + 180) % 360 - 180) for angle in (120, 60, 0, 300, 240)}
"""Longitudes [deg] that are written into maps, and their x [rad]."""
_HALO = [withStroke(linewidth=2.5, foreground="white")]
Place = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]
"""Map coordinates of right ascensions and declinations [deg]."""


class Mark(NamedTuple):
    """How the sources of a list are drawn."""

    label: str
    color: str
    marker: str
    area: float
    """Points squared."""


_BUILTIN_LISTS = {  # drawn in this order: the many pulsars under everything else
    "atnf": Mark("ATNF pulsars", "#4D4D4D", ".", 6),
    "hess": Mark("H.E.S.S.", "#7B3294", "^", 22),
    "1lhaaso-km2a": Mark("1LHAASO KM2A", "#009E73", "s", 26),
    "1lhaaso-wcda": Mark("1LHAASO WCDA", "#D55E00", "o", 11),
}
_OTHER_LISTS = (("#000000", "D", 15), ("#CC79A7", "v", 20), ("#E69F00", "P", 20), ("#000000", "X", 20))


MAX_NAMED = 20
"""So many sources at most have their names beside them."""


def sky_map(events: Sequence[pa.Table], sources: Sequence[pa.Table], *, max_events: int, synthetic: bool) -> Figure:
    """Draw the `max_events` most energetic events and all sources: the whole sky, and the Galactic plane enlarged.

    Galactic coordinates; the longitude increases to the left. The whole sky is a Mollweide projection.

    Parameters
    ----------
    events
        Tables "events" of the seasons; columns ra_deg, dec_deg, log10_energy_gev.
    sources
        Tables "sources" of the catalogues; columns ra_deg, dec_deg, origin. A source that several catalogues list
        under one origin is drawn once.
    """
    ra, dec, log10_energy, n_events = _most_energetic(events, max_events)
    with canvas.style():
        known = np.isfinite(log10_energy).any()
        which = "most energetic " if known else "" if log10_energy.size == n_events else "first "
        figure = canvas.new_figure(
            "galactic coordinates",
            f"{log10_energy.size:,} {which}of {n_events:,} events",
            synthetic=synthetic,
            size=(9.0, 6.3),
            fixed_aspect=True,
        )
        grid = figure.add_gridspec(2, 1, height_ratios=(4.2, 1))
        sky = figure.add_subplot(grid[0], projection="mollweide")
        plane = figure.add_subplot(grid[1])
        x, y = galactic_place(ra, dec)
        points = _draw_events(sky, x, y, log10_energy)
        _draw_events(plane, np.degrees(x), np.degrees(y), log10_energy)
        for mark, (x, y) in sources_by_list(sources):
            draw_sources(sky, x, y, mark)
            draw_sources(plane, np.degrees(x), np.degrees(y), mark)
        _name_sources(sky, sources)
        _frame_sky(sky)
        _frame_plane(plane)
        if log10_energy.size and known:
            canvas.bar_beside(sky, points, "Reconstructed energy  log₁₀(E / GeV)")
        elif not log10_energy.size:
            canvas.note(sky, "no events")
        canvas.legend_below(figure, sky.get_legend_handles_labels()[0][::-1], ncols=4)
        return figure


def _most_energetic(events: Sequence[pa.Table], max_events: int) -> tuple[NDArray, NDArray, NDArray, int]:
    """Right ascension, declination and log10 E of the most energetic events, these last, and the number of all.

    Where no event has an energy, of the first events.
    """
    columns = [np.concatenate([np.empty(0), *(table[name].to_numpy() for table in events)]) for name in EVENT_COLUMNS]
    order = np.argsort(-columns[2], kind="stable")  # energies that are not known come last
    chosen = order[:max_events][::-1]
    return *(column[chosen] for column in columns), columns[2].size


def galactic_place(ra_deg: NDArray, dec_deg: NDArray) -> tuple[NDArray, NDArray]:
    """Map x = -l in (-pi, pi] and y = b, rad, of equatorial positions (ICRS)."""
    from astropy import units as u
    from astropy.coordinates import ICRS, Galactic, SkyCoord

    galactic = SkyCoord(ra_deg * u.deg, dec_deg * u.deg, frame=ICRS).transform_to(Galactic())
    return -galactic.l.wrap_at(180 * u.deg).radian, galactic.b.radian


def sources_by_list(
    sources: Sequence[pa.Table], place: Place = galactic_place
) -> list[tuple[Mark, tuple[NDArray, NDArray]]]:
    """Mark and map coordinates, from RA and Dec [deg] by `place`, of every list in drawing order."""
    positions: dict[str, set[tuple[float, float]]] = {}
    for table in sources:
        for ra, dec, origin in zip(*(table[name].to_pylist() for name in SOURCE_COLUMNS), strict=True):
            positions.setdefault(origin, set()).add((ra, dec))
    others = sorted(set(positions) - set(_BUILTIN_LISTS))
    marks = _BUILTIN_LISTS | {name: Mark(name, *_OTHER_LISTS[i % len(_OTHER_LISTS)]) for i, name in enumerate(others)}
    return [(mark, place(*np.array(sorted(positions[name])).T)) for name, mark in marks.items() if name in positions]


_UNKNOWN_ENERGY = "#7FB8C4"


def _draw_events(axes: Axes, x: NDArray, y: NDArray, log10_energy: NDArray) -> PathCollection:
    return axes.scatter(
        x,
        y,
        c=log10_energy if np.isfinite(log10_energy).any() else _UNKNOWN_ENERGY,
        cmap=ListedColormap(matplotlib.colormaps["YlGnBu"](np.linspace(0.22, 1, 256))),  # its palest part is too faint
        s=float(np.clip(3e4 / max(log10_energy.size, 1), 2.5, 12)),
        linewidths=0,
        rasterized=True,
        zorder=2,
    )


def draw_sources(axes: Axes, x: NDArray, y: NDArray, mark: Mark) -> None:
    """Draw the sources of a list at map coordinates `x`, `y`, each (n_sources,)."""
    dots = mark.marker == "."
    axes.scatter(
        x,
        y,
        s=mark.area,
        marker=mark.marker,
        facecolors=mark.color if dots else "none",
        edgecolors="none" if dots else mark.color,
        linewidths=1,
        path_effects=None if dots else [withStroke(linewidth=1.7, foreground="white")],
        label=f"{canvas.label(mark.label)} ({x.size})",
        zorder=4,
    )


def _name_sources(axes: Axes, sources: Sequence[pa.Table]) -> None:
    """Write the names beside the sources where they are few: above one, below the next from east to west."""
    named = {
        row["name"]: (row["ra_deg"], row["dec_deg"])
        for table in sources
        if "name" in table.column_names
        for row in table.select(["name", "ra_deg", "dec_deg"]).to_pylist()
    }
    if not 0 < len(named) <= MAX_NAMED:
        return
    x, y = galactic_place(*np.array(list(named.values())).T)
    look = {"textcoords": "offset points", "ha": "center", "size": 6.5, "zorder": 7}
    halo = [withStroke(linewidth=2, foreground="white")]
    for k, i in enumerate(np.argsort(x)):
        shift, va = (-6, "top") if k % 2 else (6, "bottom")
        axes.annotate(canvas.short(list(named)[i], 20), (x[i], y[i]), (0, shift), va=va, path_effects=halo, **look)


def _frame_sky(axes: Axes) -> None:
    axes.plot(0, 0, "k+", markersize=11, markeredgewidth=1.6, path_effects=_HALO, label="Galactic centre", zorder=5)
    draw_celestial_equator(axes)
    draw_grid(axes, GALACTIC_LONGITUDES)


def draw_grid(axes: Axes, longitudes: Mapping[int, float]) -> None:
    """Grid of a map of the whole sky, with `longitudes` [deg] written at their x [rad]."""
    axes.grid(True, zorder=1)
    # Longitudes stand at mid-latitude: on the equator, matplotlib's place for them, the sources are.
    axes.set_xticks(np.radians(np.arange(-150, 180, 30)), [])
    axes.tick_params(which="both", top=False, right=False)
    for longitude, x in longitudes.items():
        axes.text(x, np.radians(-45), f"{longitude}°", ha="center", va="center", size=8, path_effects=_HALO, zorder=6)
    axes.set_yticks(np.radians([-60, -30, 0, 30, 60]), ["−60°", "−30°", "0°", "30°", "60°"])


def draw_circle(axes: Axes, x: NDArray, y: NDArray, label: str) -> None:
    """Dashed line of a great circle at map coordinates [rad], (n,) each, once around."""
    start = -1 - int(np.argmax(np.abs(np.diff(x))))  # begin where the curve leaves the map's edge
    line = {"color": "#333333", "linewidth": 1, "linestyle": (0, (4, 3))}
    axes.plot(np.roll(x, start), np.roll(y, start), **line, label=label, zorder=3)


def draw_celestial_equator(axes: Axes) -> None:
    """The celestial equator on a map in Galactic coordinates."""
    ra = np.linspace(0, 360, 720, endpoint=False)
    draw_circle(axes, *galactic_place(ra, np.zeros_like(ra)), label="Celestial equator")


def _frame_plane(axes: Axes) -> None:
    axes.plot(0, 0, "k+", markersize=11, markeredgewidth=1.6, zorder=5)
    axes.set_xlim(-180, 180)
    axes.set_ylim(-PLANE_HALF_HEIGHT_DEG, PLANE_HALF_HEIGHT_DEG)
    longitudes = np.array([180, 120, 60, 0, 300, 240, 180])
    axes.set_xticks(np.linspace(-180, 180, longitudes.size), [f"{longitude}°" for longitude in longitudes])
    axes.set_yticks([-5, 0, 5], ["−5°", "0°", "5°"])
    axes.grid(True, zorder=1)
    axes.set_xlabel("Galactic longitude l [deg]")
    axes.set_ylabel("Latitude b [deg]")
