"""The likelihood's all-sky map: local p-values of every position, hot spots, and the sources of the catalogues."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from nusky.figures import canvas
from nusky.figures.sky_map import (
    GALACTIC_LONGITUDES,
    draw_celestial_equator,
    draw_circle,
    draw_grid,
    draw_sources,
    galactic_place,
    sources_by_list,
)
from nusky.probability import compared
from nusky.sphere import offsets

Coordinates = Literal["equatorial", "galactic"]
SPOT_COLUMNS = ("spot", "ra_deg", "dec_deg", "test_statistic", "n_signal", "gamma")
CONTOUR_COLUMNS = ("spot", "confidence_level", "ra_deg", "dec_deg")
ZOOM_COLUMNS = ("spot", "east_deg", "north_deg", "test_statistic")
HOTTEST_COLUMNS = ("hemisphere", "tail_score", "p_post", "n_sky_trials")
TRIAL_COLUMNS = ("hemisphere", "tail_score")
_N_NUMBERED = 10
_GRID = (1440, 720)
_CONTOUR_STYLES = {0.68: "-", 0.95: "--"}
_HEMISPHERE_COLORS = {"south": "#D55E00", "north": "#0072B2"}
_HALO = [withStroke(linewidth=2.2, foreground="white")]


def equatorial_place(ra_deg: NDArray, dec_deg: NDArray) -> tuple[NDArray, NDArray]:
    """Map x = pi - RA, so that RA grows to the left from 0 at the right edge, and y = Dec, rad."""
    return np.pi - np.radians(np.asarray(ra_deg) % 360), np.radians(dec_deg)


def all_sky(
    minus_log10_p: NDArray,
    nside: int,
    spots: pa.Table,
    sources: Sequence[pa.Table],
    *,
    n_trials: int,
    coordinates: Coordinates,
    analysis: str,
    synthetic: bool,
) -> Figure:
    """Draw a map of the whole sky, Mollweide projection, with the hottest spots numbered.

    Parameters
    ----------
    minus_log10_p : (12 nside^2,) float64
        Local p-values of the pixels, nested order, ICRS; NaN where there is none.
    n_trials : trials behind them: the scale ends at 1/(n + 1)
    spots : table "skymap_spots"; columns `SPOT_COLUMNS`
    sources : tables "sources" of the catalogues
    analysis : what the likelihood uses, for the header
    """
    place = galactic_place if coordinates == "galactic" else equatorial_place
    with canvas.style():
        figure = canvas.new_figure(
            f"{coordinates} coordinates", analysis, synthetic=synthetic, size=(9.0, 5.2), fixed_aspect=True
        )
        axes = figure.add_subplot(projection="mollweide")
        x, y, values = _raster(minus_log10_p, nside, coordinates)
        top = np.log10(n_trials + 1)
        mesh = axes.pcolormesh(x, y, values, cmap="Blues", vmin=0, vmax=top, rasterized=True, shading="flat", zorder=0)
        for mark, position in sources_by_list(sources, place):
            draw_sources(axes, *position, mark)
        hottest = spots.slice(0, _N_NUMBERED)
        x, y = place(hottest["ra_deg"].to_numpy(), hottest["dec_deg"].to_numpy())
        ring = {"s": 70, "facecolors": "none", "edgecolors": "#B2182B", "linewidths": 1.2}
        axes.scatter(x, y, **ring, path_effects=_HALO, label=f"hot spots 1 to {len(x)}" if len(x) else None, zorder=6)
        for number, (spot_x, spot_y) in enumerate(zip(x, y, strict=True), start=1):
            look = {"textcoords": "offset points", "size": 7.5, "path_effects": _HALO, "zorder": 7}
            axes.annotate(str(number), (spot_x, spot_y), (5, 4), **look)
        _frame(axes, coordinates)
        label = rf"Local p-value  $-\log_{{10}} p$,  darkest: p < {1 / (n_trials + 1):.2g}"
        canvas.bar_beside(axes, mesh, label)
        canvas.legend_below(figure, axes.get_legend_handles_labels()[0], ncols=5)
        return figure


def zooms(
    zoom: pa.Table, contours: pa.Table, spots: pa.Table, sources: Sequence[pa.Table], *, analysis: str, synthetic: bool
) -> Figure:
    """Draw the surroundings of hot spots: TS, position contours, and the sources beside them.

    `zoom`, `contours` and `spots` are the tables "skymap_zooms", "skymap_contours" and "skymap_spots"; offsets are
    angular distances on the sphere along the position angle.
    """
    numbers = np.unique(zoom["spot"].to_numpy())
    # As few empty places as can be, then as wide as can be.
    columns = min((3, 2, 4), key=lambda n: -len(numbers) % n) if len(numbers) > 3 else max(1, len(numbers))
    rows = max(1, -(-len(numbers) // columns))
    with canvas.style():
        figure = canvas.new_figure(
            "hot spots", analysis, synthetic=synthetic, size=(3.1 * columns + 0.6, 3.2 * rows + 0.4), fixed_aspect=True
        )
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in panels[len(numbers) :]:
            axes.set_axis_off()
        if not numbers.size:
            canvas.note(panels[0], "no hot spots")
        for axes, number in zip(panels, numbers, strict=False):
            mesh = _draw_zoom(axes, zoom, number)
            _draw_contours(axes, contours, spots, number)
            _draw_nearby(axes, spots, sources, number)
            canvas.bar_beside(axes, mesh, "TS")
        handles = {}
        for axes in panels:
            shown, labels = axes.get_legend_handles_labels()
            handles |= {label.rsplit(" (", 1)[0]: handle for handle, label in zip(shown, labels, strict=True)}
        if handles:
            figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5)
        return figure


def hottest(found: pa.Table, trials: pa.Table, *, analysis: str, synthetic: bool) -> Figure:
    """Draw the score of the hottest spot of every scrambled sky, by hemisphere, and that of the data.

    `found` and `trials` are the tables "skymap_hottest" and "skymap_hottest_trials".
    """
    with canvas.style():
        figure = canvas.new_figure("hottest spots", analysis, synthetic=synthetic)
        axes = figure.add_subplot()
        hemisphere, score = trials["hemisphere"].to_numpy(zero_copy_only=False), trials["tail_score"].to_numpy()
        top = max(score.max(initial=1.0), *found["tail_score"].to_pylist())
        edges = np.linspace(0, 1.05 * top, 51)
        for row in found.to_pylist():
            name = row["hemisphere"]
            color = _HEMISPHERE_COLORS[name]
            own = score[hemisphere == name]
            axes.hist(own, bins=edges, histtype="step", color=color, label=f"{name}: {row['n_sky_trials']} skies")
            post = compared(row["p_post"], row["n_sky_trials"])
            axes.axvline(row["tail_score"], color=color, ls="--", label=f"data: p {post}")
        axes.set_xlim(0, edges[-1])
        axes.set_xlabel(r"Score of a hemisphere's hottest spot: $-\log_{10} p$ of the fitted tail, for ranking only")
        axes.set_ylabel("Scrambled skies per bin")
        canvas.legend_beside(axes)
        return figure


def _raster(values: NDArray, nside: int, coordinates: Coordinates) -> tuple[NDArray, NDArray, NDArray]:
    """Edges in x and y of a grid in map coordinates, and the pixels' values at the centres of its cells."""
    from astropy import units as u
    from astropy.coordinates import Galactic, SkyCoord
    from astropy_healpix import HEALPix

    x, y = np.linspace(-np.pi, np.pi, _GRID[0] + 1), np.linspace(-np.pi / 2, np.pi / 2, _GRID[1] + 1)
    lon, lat = np.meshgrid((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    if coordinates == "galactic":
        position = SkyCoord(-lon * u.rad, lat * u.rad, frame=Galactic()).icrs
        lon, lat = position.ra, position.dec
    else:
        lon, lat = (np.pi - lon) * u.rad, lat * u.rad
    return x, y, values[HEALPix(nside, "nested").lonlat_to_healpix(lon, lat)]


def _frame(axes: Axes, coordinates: Coordinates) -> None:
    """Grid with longitudes, and the line that the other system's plane makes."""
    if coordinates == "galactic":
        draw_grid(axes, GALACTIC_LONGITUDES)
        draw_celestial_equator(axes)
        return
    draw_grid(axes, {angle: np.pi - np.radians(angle) for angle in (300, 240, 180, 120, 60)})
    from astropy.coordinates import SkyCoord

    turn = np.linspace(0, 360, 720, endpoint=False)
    plane = SkyCoord(turn, np.zeros_like(turn), unit="deg", frame="galactic").icrs
    draw_circle(axes, *equatorial_place(plane.ra.deg, plane.dec.deg), label="Galactic plane")


def _of_spot(table: pa.Table, number: int, names: Sequence[str]) -> list[NDArray]:
    own = table["spot"].to_numpy() == number
    return [table[name].to_numpy()[own] for name in names]


def _draw_zoom(axes: Axes, zoom: pa.Table, number: int):
    east, north, ts = _of_spot(zoom, number, ZOOM_COLUMNS[1:])
    size = round(np.sqrt(len(ts)))
    shape = (size, size)
    mesh = axes.pcolormesh(
        east.reshape(shape), north.reshape(shape), ts.reshape(shape), cmap="Blues", shading="nearest", rasterized=True
    )
    axes.set_xlim(east.max(), east.min())  # east to the left, as on the sky
    axes.set_ylim(north.min(), north.max())
    axes.set_aspect("equal")
    axes.set_xlabel("East [deg]")
    axes.set_ylabel("North [deg]")
    return mesh


def _draw_contours(axes: Axes, contours: pa.Table, spots: pa.Table, number: int) -> None:
    row = spots.slice(int(number), 1).to_pylist()[0]
    axes.plot(0, 0, "+", color="#B2182B", markersize=7)
    axes.set_title(f"{number + 1}: RA {row['ra_deg']:.2f}°, Dec {row['dec_deg']:.2f}°", size=8.5)
    level, ra, dec = _of_spot(contours, number, CONTOUR_COLUMNS[1:])
    for value in np.unique(level):
        east, north = _offsets(row, ra[level == value], dec[level == value])
        style = _CONTOUR_STYLES.get(float(value), ":")
        axes.plot(
            np.append(east, east[0]), np.append(north, north[0]), style, color="#B2182B", label=f"{value:.0%} contour"
        )


def _draw_nearby(axes: Axes, spots: pa.Table, sources: Sequence[pa.Table], number: int) -> None:
    row = spots.slice(int(number), 1).to_pylist()[0]
    limits = max(axes.get_xlim()), max(axes.get_ylim())
    for mark, (east, north) in sources_by_list(sources, lambda ra, dec: _offsets(row, ra, dec)):
        inside = (np.abs(east) < limits[0]) & (np.abs(north) < limits[1])
        if inside.any():
            draw_sources(axes, east[inside], north[inside], mark)


def _offsets(row: dict, ra_deg: NDArray, dec_deg: NDArray) -> tuple[NDArray, NDArray]:
    """Angular distance to the east and north of a spot, deg; NaN stays NaN."""
    east, north = offsets(*map(np.radians, (ra_deg, dec_deg, row["ra_deg"], row["dec_deg"])))
    return np.degrees(east), np.degrees(north)
